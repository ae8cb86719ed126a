/* Records sent as objects to the broker in argv[1]: built-in and custom serializers, their output (a partitioner
 * looks at it), and what their failures lead to. */
#include "check.h"

struct plugin {
    int configured, closed, freed, calls;
    ottla_producer *producer;
    ottla_topic *topic;
};

/* What the partitioner should see next. */
static const void *expected_key_object, *expected_value_object;
static const char *expected_key, *expected_value;
static size_t expected_key_len, expected_value_len;
static int seen;

static void expect(const void *key_object, const void *key, size_t key_len, const void *value_object, const void *value,
                   size_t value_len) {
    expected_key_object = key_object, expected_key = key, expected_key_len = key_len;
    expected_value_object = value_object, expected_value = value, expected_value_len = value_len;
}

static int same(const void *bytes, size_t len, const char *expected, size_t expected_len) {
    return (bytes == NULL) == (expected == NULL) && len == expected_len && (len == 0 || memcmp(bytes, expected, len) == 0);
}

static int32_t look(const ottla_choice *choice, void *userdata) {
    CHECK(userdata == &seen);
    CHECK(same(choice->key, choice->key_len, expected_key, expected_key_len));
    CHECK(same(choice->value, choice->value_len, expected_value, expected_value_len));
    CHECK(choice->key_object == expected_key_object && choice->value_object == expected_value_object);
    seen++;
    return 1;
}

static void delivered(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    CHECK(delivery->code == OTTLA_ERR_OK);
    ++*(int *)delivery->userdata;
}

static ottla_config *looking(const char *address) {
    ottla_config *config = ottla_config_new();
    ottla_partitioner partitioner = {.struct_size = sizeof(ottla_partitioner)};
    partitioner.partition = look;
    partitioner.userdata = &seen;
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", address, NULL));
    CHECK_OK(ottla_config_set_partitioner(config, &partitioner, NULL));
    CHECK_OK(ottla_config_set_delivery(config, delivered, NULL, NULL));
    return config;
}

/* A topic whose partitions are known, so that the partitioner runs in the call. */
static ottla_topic *known(ottla_producer *producer, int *reported) {
    ottla_topic *topic = NULL;
    ottla_record record = text_record(NULL, "first");
    set_partition(&record, 0);
    CHECK_OK(ottla_producer_topic(producer, "objects", &topic, NULL));
    CHECK_OK(ottla_producer_send(producer, topic, &record, reported, NULL, NULL));
    CHECK_OK(ottla_producer_flush(producer, -1, 0, NULL));
    return topic;
}

/* One kind of object, and the bytes that it is sent as. */
static void kind(const char *address, const char *serializer, const void *object, const void *bytes, size_t len) {
    int reported = 0, before = seen;
    ottla_config *config = looking(address);
    ottla_producer *producer = NULL;
    ottla_record record = text_record(NULL, NULL);
    CHECK_OK(ottla_config_set(config, "key.serializer", serializer, NULL));
    CHECK_OK(ottla_config_set(config, "value.serializer", serializer, NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
    ottla_topic *topic = known(producer, &reported);

    expect(object, bytes, len, NULL, NULL, 0);
    CHECK_OK(ottla_producer_send_objects(producer, topic, &record, object, NULL, &reported, NULL, NULL));
    expect(NULL, NULL, 0, object, bytes, len);
    CHECK_OK(ottla_producer_send_objects(producer, topic, &record, NULL, object, &reported,
                                         NO_WAIT, NULL));
    expect(object, bytes, len, object, bytes, len);
    CHECK_OK(ottla_producer_send_objects(producer, topic, &record, object, object, &reported,
                                         OPTIONS(.on_delivery = delivered), NULL));
    record = text_record("by hand", NULL);
    expect(NULL, "by hand", 7, object, bytes, len);
    CHECK_OK(ottla_producer_send_objects(producer, topic, &record, NULL, object, &reported, NULL, NULL));
    expect(NULL, "by hand", 7, NULL, NULL, 0);
    CHECK_OK(ottla_producer_send_objects(producer, topic, &record, NULL, NULL, &reported, NULL, NULL));
    CHECK_OK(ottla_producer_flush(producer, -1, 0, NULL));
    CHECK(reported == 6 && seen == before + 5);
    ottla_topic_free(topic);
    CHECK_OK(ottla_producer_free(producer));
}

static void kinds(const char *address) {
    int16_t small = 0x0102;
    int32_t medium = -2;
    int64_t large = 0x0102030405060708;
    float single = 1.5f;
    double twice = -2.0;
    uint8_t yes = 7;
    const uint8_t uuid[16] = {0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x12, 0xd3, 0xa4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40, 0x0f};
    ottla_bytes bytes = {"a\0b", 3}, empty = {"", 0}, none = {NULL, 0};
    kind(address, "short", &small, "\x01\x02", 2);
    kind(address, "integer", &medium, "\xff\xff\xff\xfe", 4);
    kind(address, "long", &large, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
    kind(address, "float", &single, "\x3f\xc0\x00\x00", 4);
    kind(address, "double", &twice, "\xc0\x00\x00\x00\x00\x00\x00\x00", 8);
    kind(address, "boolean", &yes, "\x01", 1);
    kind(address, "uuid", uuid, "123e4567-e89b-12d3-a456-42661417400f", 36);
    kind(address, "org.apache.kafka.common.serialization.StringSerializer", "otter", "otter", 5);
    kind(address, "bytes", &bytes, "a\0b", 3);
    kind(address, "bytes", &empty, "", 0);
    kind(address, "bytes", &none, NULL, 0);
}

static int32_t configure(const ottla_settings *settings, void *userdata) {
    CHECK(strcmp(ottla_settings_get(settings, "ottla.plugin.mark"), "<") == 0);
    ((struct plugin *)userdata)->configured++;
    return 0;
}

/* "x" becomes "<x", "null" becomes null, "fail" and "silent" fail, and "again" sends another record from inside. */
static int32_t serialize(const char *topic, const void *object, ottla_serialized *out, void *userdata) {
    struct plugin *plugin = userdata;
    const char *text = object;
    CHECK(strcmp(topic, "objects") == 0);
    plugin->calls++;
    CHECK_OK(ottla_serialized_append(out, "<", 1));
    CHECK_OK(ottla_serialized_append(out, NULL, 0));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_serialized_append(out, NULL, 1));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_serialized_add_header(out, NULL, 0, NULL, 0));
    if (strcmp(text, "fail") == 0) {
        return ottla_serialized_fail(out, "there is no schema");
    }
    if (strcmp(text, "silent") == 0) {
        return 3;
    }
    if (strcmp(text, "null") == 0) {
        return ottla_serialized_set_null(out);
    }
    if (strcmp(text, "again") == 0) {
        ottla_record record = text_record(NULL, NULL);
        static int reported;
        set_partition(&record, 3);
        CHECK_OK(ottla_producer_send_objects(plugin->producer, plugin->topic, &record, NULL, "inner", &reported, NULL,
                                             NULL));
        CHECK_CODE(OTTLA_ERR_IN_CALLBACK, ottla_producer_flush(plugin->producer, -1, 0, NULL));
    }
    CHECK_OK(ottla_serialized_append(out, text, strlen(text)));
    CHECK_OK(ottla_serialized_add_header(out, "schema", 6, "7", 1));
    CHECK_OK(ottla_serialized_add_header(out, "none", 4, NULL, 0));
    return 0;
}

static void closed(void *userdata) {
    ((struct plugin *)userdata)->closed++;
}

static void freed(void *userdata) {
    ((struct plugin *)userdata)->freed++;
}

static void custom_serializer(const char *address) {
    struct plugin plugin = {0};
    int reported = 0;
    ottla_config *config = looking(address);
    ottla_error *error = NULL;
    ottla_record record = text_record(NULL, NULL);
    ottla_serializer serializer = {.struct_size = sizeof(ottla_serializer)};
    serializer.configure = configure;
    serializer.serialize = serialize;
    serializer.close = closed;
    serializer.userdata = &plugin;
    serializer.free_userdata = freed;
    CHECK_OK(ottla_config_set(config, "ottla.plugin.mark", "<", NULL));
    CHECK_OK(ottla_config_set(config, "value.serializer", "integer", NULL)); /* replaced */
    CHECK_OK(ottla_config_set_value_serializer(config, &serializer, NULL));
    CHECK_OK(ottla_config_set_key_serializer(config, &serializer, NULL));
    CHECK_OK(ottla_producer_new(config, &plugin.producer, NULL));
    ottla_config_free(config);
    CHECK(plugin.configured == 2);
    plugin.topic = known(plugin.producer, &reported);
    CHECK(plugin.calls == 0);

    expect("k", "<k", 2, "v", "<v", 2);
    CHECK_OK(ottla_producer_send_objects(plugin.producer, plugin.topic, &record, "k", "v", &reported, NULL, NULL));
    expect("null", NULL, 0, "", "<", 1);
    CHECK_OK(ottla_producer_send_objects(plugin.producer, plugin.topic, &record, "null", "", &reported, NULL, NULL));
    expect("again", "<again", 6, NULL, NULL, 0);
    CHECK_OK(ottla_producer_send_objects(plugin.producer, plugin.topic, &record, "again", NULL, &reported, NULL, NULL));
    CHECK(seen > 0 && plugin.calls == 6);

    int before = seen;
    CHECK_CODE(OTTLA_ERR_SERIALIZATION,
               ottla_producer_send_objects(plugin.producer, plugin.topic, &record, "fail", "v", &reported, NULL, &error));
    CHECK(strcmp(ottla_error_message(error),
                 "the key of a record for topic objects could not be serialized: there is no schema") == 0);
    ottla_error_free(error);
    CHECK_CODE(OTTLA_ERR_SERIALIZATION,
               ottla_producer_send_objects(plugin.producer, plugin.topic, &record, "k", "silent", &reported, NULL, &error));
    CHECK(strcmp(ottla_error_message(error),
                 "the value of a record for topic objects could not be serialized: it returned 3 and gave no reason") == 0);
    ottla_error_free(error);
    record = text_record("given", NULL);
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT,
               ottla_producer_send_objects(plugin.producer, plugin.topic, &record, "k", NULL, &reported, NULL, &error));
    CHECK(strcmp(ottla_error_message(error), "the record's key is given twice, as bytes and as an object") == 0);
    ottla_error_free(error);
    CHECK_OK(ottla_producer_flush(plugin.producer, -1, 0, NULL));
    CHECK(seen == before && reported == 4);

    /* For records sent as bytes, no serializer runs. */
    int calls = plugin.calls;
    expect(NULL, "given", 5, NULL, NULL, 0);
    CHECK_OK(ottla_producer_send(plugin.producer, plugin.topic, &record, &reported, NULL, NULL));
    CHECK(plugin.calls == calls);
    CHECK_OK(ottla_producer_flush(plugin.producer, -1, 0, NULL));
    CHECK_OK(ottla_producer_free(plugin.producer));
    CHECK(plugin.closed == 2);
    ottla_topic_free(plugin.topic);
    CHECK(plugin.freed == 2 && plugin.configured == 2 && plugin.closed == 2);
}

static int32_t look_at_objects(const ottla_choice *choice, void *userdata) {
    CHECK(userdata == &seen && choice->value_object != NULL);
    seen++;
    return 2;
}

static int inside_told;

static void try_inside(const ottla_delivery *delivery, void *userdata) {
    struct plugin *plugin = userdata;
    ottla_record record = text_record(NULL, NULL);
    CHECK(delivery->code == OTTLA_ERR_OK);
    CHECK_CODE(OTTLA_ERR_METADATA_TIMED_OUT,
               ottla_producer_send_objects(plugin->producer, plugin->topic, &record, NULL, "v", NULL, NULL, NULL));
    inside_told++;
}

/* A partitioner that needs objects runs in the call, even for the first record of a topic. A call that must not wait
 * is refused with that reason. */
static void needs_objects(const char *address) {
    struct plugin plugin = {0};
    int reported = 0, tries = 0;
    ottla_topic *waited = NULL, *tried = NULL;
    ottla_error *error = NULL;
    ottla_code code;
    ottla_record record = text_record(NULL, NULL), bytes = text_record(NULL, "v");
    ottla_config *config = looking(address);
    ottla_partitioner partitioner = {.struct_size = sizeof(ottla_partitioner)};
    partitioner.partition = look_at_objects;
    partitioner.userdata = &seen;
    partitioner.needs_objects = 1;
    CHECK_OK(ottla_config_set(config, "value.serializer", "string", NULL));
    CHECK_OK(ottla_config_set_partitioner(config, &partitioner, NULL));
    CHECK_OK(ottla_producer_new(config, &plugin.producer, NULL));
    CHECK_OK(ottla_producer_topic(plugin.producer, "waited-for", &waited, NULL));
    CHECK_OK(ottla_producer_topic(plugin.producer, "tried", &tried, NULL));
    CHECK_OK(ottla_producer_topic(plugin.producer, "inside", &plugin.topic, NULL));
    seen = 0;
    CHECK_OK(ottla_producer_send_objects(plugin.producer, waited, &record, NULL, "v", &reported, NULL, NULL));
    CHECK(seen == 1);
    while ((code = ottla_producer_send_objects(plugin.producer, tried, &record, NULL, "v", &reported,
                                               NO_WAIT, &error)) !=
           OTTLA_ERR_OK) {
        CHECK(code == OTTLA_ERR_METADATA_TIMED_OUT && strstr(ottla_error_message(error), "topic tried") != NULL);
        ottla_error_free(error);
        tries++;
    }
    CHECK(seen == 2 && tries > 0);
    set_partition(&bytes, 0);
    CHECK_OK(ottla_producer_send(plugin.producer, waited, &bytes, &plugin, OPTIONS(.on_delivery = try_inside), NULL));
    CHECK_OK(ottla_producer_flush(plugin.producer, -1, 0, NULL));
    CHECK(reported == 2 && inside_told == 1 && seen == 2);
    CHECK_OK(ottla_producer_free(plugin.producer));
    ottla_topic_free(waited);
    ottla_topic_free(tried);
    ottla_topic_free(plugin.topic);
    ottla_config_free(config);

    /* Without a broker, the call is bounded. */
    config = refused_config();
    CHECK_OK(ottla_config_set(config, "max.block.ms", "100", NULL));
    CHECK_OK(ottla_config_set(config, "value.serializer", "string", NULL));
    CHECK_OK(ottla_config_set_partitioner(config, &partitioner, NULL));
    CHECK_OK(ottla_producer_new(config, &plugin.producer, NULL));
    CHECK_OK(ottla_producer_topic(plugin.producer, "absent", &waited, NULL));
    code = ottla_producer_send_objects(plugin.producer, waited, &record, NULL, "v", &reported, NULL, NULL);
    CHECK(code == OTTLA_ERR_TIMED_OUT || code == OTTLA_ERR_IO);
    CHECK(seen == 2 && ottla_producer_buffered_bytes(plugin.producer) == 0);
    CHECK_OK(ottla_producer_free(plugin.producer));
    ottla_topic_free(waited);
    ottla_config_free(config);
}

static void without(void) {
    ottla_config *config = refused_config();
    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    ottla_error *error = NULL;
    ottla_record record = text_record(NULL, NULL);
    int32_t number = 1;
    CHECK_OK(ottla_config_set(config, "value.serializer", "void", NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_producer_topic(producer, "objects", &topic, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT,
               ottla_producer_send_objects(producer, topic, &record, &number, NULL, NULL, NULL, &error));
    CHECK(strcmp(ottla_error_message(error),
                 "the record's key is an object, and the producer has no serializer: set key.serializer") == 0);
    ottla_error_free(error);
    CHECK_CODE(OTTLA_ERR_SERIALIZATION,
               ottla_producer_send_objects(producer, topic, &record, NULL, &number, NULL, NULL, NULL));

    /* NULL wherever it is possible. */
    ottla_serializer serializer = {.struct_size = sizeof(ottla_serializer)};
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_config_set_key_serializer(config, &serializer, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_config_set_key_serializer(config, NULL, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_config_set_value_serializer(config, NULL, NULL));
    serializer.serialize = serialize;
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_config_set_key_serializer(NULL, &serializer, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_config_set_value_serializer(NULL, &serializer, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_serialized_append(NULL, "", 0));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_serialized_set_null(NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_serialized_add_header(NULL, "n", 1, NULL, 0));
    CHECK(ottla_serialized_fail(NULL, NULL) == -1);
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT,
               ottla_producer_send_objects(NULL, topic, &record, NULL, NULL, NULL, NULL, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT,
               ottla_producer_send_objects(producer, NULL, &record, NULL, NULL, NULL,
                                           NO_WAIT, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT,
               ottla_producer_send_objects(producer, topic, NULL, NULL, NULL, NULL, OPTIONS(.on_delivery = delivered),
                                           NULL));
    ottla_config_free(config);
    CHECK_OK(ottla_producer_free(producer));
    ottla_topic_free(topic);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    without();
    kinds(argv[1]);
    custom_serializer(argv[1]);
    needs_objects(argv[1]);
    return 0;
}
