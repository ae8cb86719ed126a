/* Several interceptors, against the broker in argv[1]: what they see and change, what their failures lead to, what
 * they are reported about sent and refused records, and their life cycle. */
#include "check.h"

#include <poll.h>

/* The life cycle: the events, in order. */
static char events[512];

static void note(const char *event, const char *name) {
    snprintf(events + strlen(events), sizeof events - strlen(events), "%s %s;", event, name);
}

struct plugin {
    const char *name;
    int refuses, freed;
    int sent, acknowledged, failed;
};

static int32_t configure(const ottla_settings *settings, void *userdata) {
    struct plugin *plugin = userdata;
    CHECK(ottla_settings_count(settings) == 0);
    note("configure", plugin->name);
    return plugin->refuses ? ottla_settings_fail(settings, "not today") : 0;
}

static void closed(void *userdata) {
    note("close", ((struct plugin *)userdata)->name);
}

static void freed(void *userdata) {
    ((struct plugin *)userdata)->freed++;
}

static void add(ottla_config *config, struct plugin *plugin, ottla_on_send_fn on_send,
                ottla_on_acknowledgement_fn on_acknowledgement) {
    ottla_interceptor interceptor = {.struct_size = sizeof(ottla_interceptor)};
    interceptor.configure = configure;
    interceptor.on_send = on_send;
    interceptor.on_acknowledgement = on_acknowledgement;
    interceptor.close = closed;
    interceptor.userdata = plugin;
    interceptor.free_userdata = freed;
    CHECK_OK(ottla_config_add_interceptor(config, &interceptor, NULL));
}

static int32_t choose(const ottla_choice *choice, void *userdata) {
    (void)userdata;
    return choice->partition_count - 1;
}

static void add_partitioner(ottla_config *config, struct plugin *plugin) {
    ottla_partitioner partitioner = {.struct_size = sizeof(ottla_partitioner)};
    partitioner.configure = configure;
    partitioner.partition = choose;
    partitioner.close = closed;
    partitioner.userdata = plugin;
    partitioner.free_userdata = freed;
    CHECK_OK(ottla_config_set_partitioner(config, &partitioner, NULL));
}

/* Interceptors are configured in order and closed in reverse. If one cannot be configured, those before it are
 * closed. */
static void lives(void) {
    struct plugin partitioner = {.name = "p"}, one = {.name = "1"}, two = {.name = "2"};
    ottla_config *config = refused_config();
    ottla_producer *producer = NULL;
    ottla_error *error = NULL;
    add(config, &one, NULL, NULL);
    add(config, &two, NULL, NULL);
    add_partitioner(config, &partitioner);
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK(strcmp(events, "configure p;configure 1;configure 2;") == 0);
    events[0] = '\0';
    CHECK_OK(ottla_producer_close(producer, -1, NULL));
    CHECK_OK(ottla_producer_free(producer));
    CHECK(strcmp(events, "close 2;close 1;close p;") == 0);
    events[0] = '\0';
    two.refuses = 1;
    CHECK_CODE(OTTLA_ERR_INVALID_CONFIG, ottla_producer_new(config, &producer, &error));
    CHECK(strcmp(ottla_error_message(error), "the application's interceptor could not be configured: not today") == 0);
    ottla_error_free(error);
    CHECK(strcmp(events, "configure p;configure 1;configure 2;close 1;close p;") == 0);
    events[0] = '\0';
    CHECK(one.freed == 0);
    ottla_config_free(config);
    CHECK(partitioner.freed == 1 && one.freed == 1 && two.freed == 1);
}

static int has_header(const ottla_record *record, size_t index, const char *name, const char *value) {
    if (index >= record->header_count) {
        return 0;
    }
    const ottla_header *header = &record->headers[index];
    return header->name_len == strlen(name) && memcmp(header->name, name, header->name_len) == 0 &&
           header->value_len == strlen(value) && memcmp(header->value, value, header->value_len) == 0;
}

static int is(const void *bytes, size_t len, const char *expected) {
    return bytes != NULL && len == strlen(expected) && memcmp(bytes, expected, len) == 0;
}

static ottla_producer *inside;

/* "v" becomes "v!", with a header. The key, which is the application's memory, stays. */
static int32_t change(ottla_sending *sending, void *userdata) {
    struct plugin *plugin = userdata;
    plugin->sent++;
    CHECK(strcmp(ottla_sending_topic(sending), "seen") == 0);
    ottla_record record = *ottla_sending_record(sending);
    CHECK(record.struct_size == sizeof record && is(record.key, record.key_len, "k"));
    const void *key = record.key;
    char value[16];
    CHECK(record.value_len < sizeof value - 1);
    if (record.value_len > 0) {
        memcpy(value, record.value, record.value_len);
    }
    value[record.value_len] = '!';
    record.value = value;
    record.value_len++;
    set_timestamp(&record, 1234);
    CHECK_OK(ottla_sending_set_record(sending, &record, NULL));
    memset(value, 'x', sizeof value);
    CHECK_OK(ottla_sending_add_header(sending, "trace", 5, "7", 1));
    CHECK(ottla_sending_record(sending)->key == key);

    ottla_error *error = NULL;
    record.timestamp = -7;
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_sending_set_record(sending, &record, &error));
    ottla_error_free(error);
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_sending_set_record(sending, NULL, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_sending_add_header(sending, NULL, 0, NULL, 0));
    CHECK_CODE(OTTLA_ERR_IN_CALLBACK, ottla_producer_flush(inside, -1, 0, NULL));
    return 0;
}

/* Changes everything, then fails, which must have no effect. */
static int32_t spoil(ottla_sending *sending, void *userdata) {
    struct plugin *plugin = userdata;
    ottla_record record = text_record("spoiled", "spoiled");
    set_partition(&record, 5);
    plugin->sent++;
    CHECK_OK(ottla_sending_set_record(sending, &record, NULL));
    CHECK_OK(ottla_sending_add_header(sending, "spoiled", 7, NULL, 0));
    return ottla_sending_fail(sending, "spoilt");
}

static const void *expected_object;
static size_t headers_before;

/* Sees the first interceptor's changes. Sends the record to partition 4, passing the record that it was shown. */
static int32_t see(ottla_sending *sending, void *userdata) {
    struct plugin *plugin = userdata;
    plugin->sent++;
    const ottla_record *record = ottla_sending_record(sending);
    CHECK(is(record->key, record->key_len, "k") && is(record->value, record->value_len, "v!"));
    CHECK(record->timestamp == 1234 && record->flags == OTTLA_RECORD_TIMESTAMP && record->partition == 0);
    CHECK(record->header_count == headers_before + 1 && has_header(record, headers_before, "trace", "7"));
    CHECK(ottla_sending_key_object(sending) == NULL && ottla_sending_value_object(sending) == expected_object);
    CHECK_OK(ottla_sending_set_record(sending, record, NULL));
    record = ottla_sending_record(sending);
    CHECK(is(record->value, record->value_len, "v!") && has_header(record, headers_before, "trace", "7"));
    ottla_record changed = *record;
    set_partition(&changed, 4);
    CHECK_OK(ottla_sending_set_record(sending, &changed, NULL));
    return 0;
}

static int last_told;

static int32_t acknowledge(const ottla_delivery *delivery, void *userdata) {
    struct plugin *plugin = userdata;
    CHECK(strcmp(delivery->topic, "seen") == 0 && delivery->timestamp == 1234);
    CHECK(delivery->code == OTTLA_ERR_OK && delivery->partition == 4 && delivery->error == NULL);
    plugin->acknowledged++;
    return 0;
}

static int32_t acknowledge_badly(const ottla_delivery *delivery, void *userdata) {
    (void)delivery;
    ((struct plugin *)userdata)->failed++;
    return 9;
}

/* Both interceptors were called before the delivery function. */
static void delivered(const ottla_delivery *delivery, void *userdata) {
    struct plugin *plugins = userdata;
    CHECK(delivery->code == OTTLA_ERR_OK && delivery->partition == 4);
    last_told++;
    CHECK(plugins[0].acknowledged >= last_told && plugins[1].failed >= last_told);
}

static int warnings;

static void logged(int32_t level, const char *message, void *userdata) {
    (void)userdata;
    if (strstr(message, "interceptor 2 failed") != NULL) {
        CHECK(level == OTTLA_LOG_WARNING);
        CHECK(strcmp(message, "interceptor 2 failed on a record for topic seen, which goes on as it was before: spoilt") == 0 ||
              strcmp(message, "interceptor 2 failed in on_acknowledgement for a record of topic seen: "
                              "it returned 9 and gave no reason") == 0);
        warnings++;
    }
}

static int32_t serialize(const char *topic, const void *object, ottla_serialized *out, void *userdata) {
    (void)topic, (void)userdata;
    CHECK_OK(ottla_serialized_append(out, object, strlen(object)));
    CHECK_OK(ottla_serialized_add_header(out, "schema", 6, "1", 1));
    return 0;
}

static void each_way(const char *address) {
    struct plugin plugins[3] = {{.name = "change"}, {.name = "spoil"}, {.name = "see"}};
    ottla_config *config = ottla_config_new();
    ottla_serializer serializer = {.struct_size = sizeof(ottla_serializer)};
    ottla_topic *topic = NULL;
    ottla_record records[2] = {text_record("k", "v"), text_record("k", "v")};
    ottla_header header = {.name = "own", .name_len = 3, .value = "2", .value_len = 1};
    ottla_delivery delivery;
    size_t accepted = 0;
    delivery.struct_size = sizeof delivery;
    serializer.serialize = serialize;
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", address, NULL));
    CHECK_OK(ottla_config_set_log(config, logged, NULL, NULL, OTTLA_LOG_WARNING));
    CHECK_OK(ottla_config_set_delivery(config, delivered, plugins, NULL));
    CHECK_OK(ottla_config_set_value_serializer(config, &serializer, NULL));
    add(config, &plugins[0], change, acknowledge);
    add(config, &plugins[1], spoil, acknowledge_badly);
    add(config, &plugins[2], see, acknowledge);
    CHECK_OK(ottla_producer_new(config, &inside, NULL));
    ottla_config_free(config);
    CHECK_OK(ottla_producer_topic(inside, "seen", &topic, NULL));

    CHECK_OK(ottla_producer_send(inside, topic, &records[0], NULL, NULL, NULL));
    CHECK_OK(ottla_producer_send(inside, topic, &records[0], NULL, NO_WAIT, NULL));
    CHECK_OK(ottla_producer_send(inside, topic, &records[0], plugins, OPTIONS(.on_delivery = delivered), NULL));
    CHECK_OK(ottla_producer_send_many(inside, topic, records, 2, NULL, NULL, &accepted, NULL));
    CHECK(accepted == 2);
    struct {
        uint64_t tag;
        int64_t timestamp;
        int32_t partition;
        uint32_t flags;
        int32_t key_len, value_len;
        uint32_t header_count, topic;
        int32_t timeout_ms;
        char bytes[2];
    } flat = {3, 0, 0, OTTLA_FLAT_KEY | OTTLA_FLAT_VALUE, 1, 1, 0, 0, 0, {'k', 'v'}};
    const ottla_topic *topics[] = {topic};
    CHECK_OK(ottla_producer_send_flat(inside, topics, 1, (const uint8_t *)&flat, 46, 1, NULL, &accepted, NULL, NULL));
    CHECK_OK(ottla_producer_flush(inside, -1, 0, NULL));
    CHECK(last_told == 6 && plugins[0].acknowledged == 6);

    /* A waiting call returns after the interceptors were called. */
    CHECK_OK(ottla_producer_send_and_wait(inside, topic, &records[0], -1, &delivery, NULL));
    CHECK(delivery.partition == 4 && plugins[0].acknowledged == 7 && plugins[2].acknowledged == 7);

    /* An object: the record's and the serializer's headers come before those of interceptors. */
    records[0].value = NULL, records[0].value_len = 0;
    records[0].headers = &header, records[0].header_count = 1;
    expected_object = "v";
    headers_before = 2;
    CHECK_OK(ottla_producer_send_objects(inside, topic, &records[0], NULL, expected_object, NULL, NULL, NULL));
    CHECK_OK(ottla_producer_flush(inside, -1, 0, NULL));
    for (int i = 0; i < 3; i++) {
        CHECK(plugins[i].sent == 8);
    }
    CHECK(plugins[0].acknowledged == 8 && plugins[1].failed == 8 && plugins[2].acknowledged == 8);
    CHECK(warnings == 16);
    CHECK_OK(ottla_producer_free(inside));
    ottla_topic_free(topic);
    CHECK(plugins[0].freed == 1 && plugins[1].freed == 1 && plugins[2].freed == 1);
}

static int released;

static void release(const void *value, size_t value_len, void *userdata) {
    CHECK(value_len == 1 && *(const char *)value == 'v' && userdata == &released);
    released++;
}

static const char *lent_value;

static int32_t acknowledge_lent(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    CHECK(delivery->value == lent_value && delivery->value_len == 1);
    return 0;
}

static void delivered_lent(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    CHECK(delivery->code == OTTLA_ERR_OK && delivery->value == lent_value);
}

/* A lent value that an interceptor replaced is released once. */
static void lending(const char *address) {
    struct plugin plugin = {.name = "change"}, again = {.name = "change again"};
    ottla_config *config = ottla_config_new();
    ottla_topic *topic = NULL;
    ottla_record record = text_record("k", "v");
    lent_value = record.value;
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", address, NULL));
    CHECK_OK(ottla_config_set_delivery(config, delivered_lent, NULL, NULL));
    add(config, &plugin, change, acknowledge_lent);
    add(config, &again, change, acknowledge_lent);
    CHECK_OK(ottla_producer_new(config, &inside, NULL));
    ottla_config_free(config);
    CHECK_OK(ottla_producer_topic(inside, "seen", &topic, NULL));
    for (int i = 1; i <= 2; i++) {
        CHECK_OK(ottla_producer_send(inside, topic, &record, NULL,
                                     OPTIONS(.on_release = release, .release_userdata = &released), NULL));
        CHECK_OK(ottla_producer_flush(inside, -1, 0, NULL));
    }
    CHECK_OK(ottla_producer_free(inside));
    CHECK(released == 2 && plugin.sent == 2);
    ottla_topic_free(topic);
}

static ottla_code refused_code;
static int32_t refused_partition;

static int32_t refused(const ottla_delivery *delivery, void *userdata) {
    struct plugin *plugin = userdata;
    if (delivery->code == OTTLA_ERR_OK) {
        return 0;
    }
    CHECK(delivery->fate == OTTLA_FATE_NOT_WRITTEN && delivery->offset == -1 && delivery->attempts == 0);
    CHECK(delivery->error != NULL && ottla_error_code(delivery->error) == delivery->code);
    CHECK(delivery->userdata == &refused_code);
    refused_code = delivery->code;
    refused_partition = delivery->partition;
    plugin->acknowledged++;
    return 0;
}

static int32_t fail(const char *topic, const void *object, ottla_serialized *out, void *userdata) {
    (void)topic, (void)object, (void)userdata;
    return ottla_serialized_fail(out, "never");
}

/* For records that the call refuses, each interceptor is called once within the call, with the partition if it is
 * known. */
static void refusals(const char *address) {
    struct plugin plugin = {.name = "reported"};
    static char large[3000];
    ottla_config *config = ottla_config_new();
    ottla_serializer serializer = {.struct_size = sizeof(ottla_serializer)};
    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    ottla_record record = text_record("foobar", "v");
    serializer.serialize = fail;
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", address, NULL));
    CHECK_OK(ottla_config_set(config, "max.request.size", "2000", NULL));
    CHECK_OK(ottla_config_set_value_serializer(config, &serializer, NULL));
    ottla_interceptor interceptor = {.struct_size = sizeof(ottla_interceptor)};
    interceptor.on_acknowledgement = refused;
    interceptor.userdata = &plugin;
    CHECK_OK(ottla_config_add_interceptor(config, &interceptor, NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_producer_topic(producer, "seen", &topic, NULL));

    record.value = large, record.value_len = sizeof large;
    set_partition(&record, 3);
    CHECK_CODE(OTTLA_ERR_RECORD_TOO_LARGE, ottla_producer_send(producer, topic, &record, &refused_code, NULL, NULL));
    CHECK(plugin.acknowledged == 1 && refused_code == OTTLA_ERR_RECORD_TOO_LARGE && refused_partition == 3);
    record.flags = 0, record.partition = 0;
    CHECK_CODE(OTTLA_ERR_RECORD_TOO_LARGE, ottla_producer_send(producer, topic, &record, &refused_code, NULL, NULL));
    CHECK(plugin.acknowledged == 2 && refused_partition == -1); /* the partitions are not known */
    record.value = NULL, record.value_len = 0;
    CHECK_CODE(OTTLA_ERR_SERIALIZATION,
               ottla_producer_send_objects(producer, topic, &record, NULL, "v", &refused_code, NULL, NULL));
    CHECK(plugin.acknowledged == 3 && refused_code == OTTLA_ERR_SERIALIZATION);
    set_timestamp(&record, -9);
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_producer_send(producer, topic, &record, &refused_code, NULL, NULL));
    CHECK(plugin.acknowledged == 4);
    record.flags = 0, record.timestamp = 0;
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    CHECK_OK(ottla_producer_flush(producer, -1, 0, NULL));
    record.value = large, record.value_len = sizeof large;
    CHECK_CODE(OTTLA_ERR_RECORD_TOO_LARGE, ottla_producer_send(producer, topic, &record, &refused_code, NULL, NULL));
    CHECK(plugin.acknowledged == 5 && refused_partition == 0); /* now they are: that of the key */
    record.value = NULL, record.value_len = 0;
    CHECK_OK(ottla_producer_close(producer, -1, NULL));
    CHECK_CODE(OTTLA_ERR_CLOSED, ottla_producer_send(producer, topic, &record, &refused_code, NULL, NULL));
    CHECK(plugin.acknowledged == 6 && refused_code == OTTLA_ERR_CLOSED);
    CHECK_OK(ottla_producer_free(producer));
    CHECK_CODE(OTTLA_ERR_CLOSED, ottla_producer_send(producer, topic, &record, &refused_code, NULL, NULL));
    CHECK(plugin.acknowledged == 6);
    ottla_topic_free(topic);
    ottla_config_free(config);
}

static int both_told;

static int32_t acknowledged_first(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    CHECK(delivery->code == OTTLA_ERR_CLOSED && delivery->error != NULL && both_told == 0);
    both_told = 1;
    return 0;
}

static void delivered_second(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    CHECK(delivery->code == OTTLA_ERR_CLOSED && delivery->error != NULL && both_told == 1);
    both_told = 2;
}

/* A record that was accepted and fails: its interceptor and its callback each get the error once. */
static void failures(void) {
    ottla_config *config = refused_config();
    ottla_interceptor interceptor = {.struct_size = sizeof(ottla_interceptor)};
    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    ottla_record record = text_record("k", "v");
    interceptor.on_acknowledgement = acknowledged_first;
    CHECK_OK(ottla_config_add_interceptor(config, &interceptor, NULL));
    CHECK_OK(ottla_config_set_delivery(config, delivered_second, NULL, NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_producer_topic(producer, "seen", &topic, NULL));
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    CHECK_OK(ottla_producer_close(producer, 0, NULL));
    CHECK(both_told == 2);
    CHECK_OK(ottla_producer_free(producer));
    ottla_topic_free(topic);
    ottla_config_free(config);
}

static void statistics(const ottla_statistics *reported, void *userdata) {
    (void)reported;
    __atomic_add_fetch((int *)userdata, 1, __ATOMIC_SEQ_CST);
}

/* A producer with plug-ins gets periodic statistics like any other. */
static void periodic_statistics(const char *address) {
    int reported = 0;
    ottla_config *config = ottla_config_new();
    ottla_interceptor interceptor = {.struct_size = sizeof(ottla_interceptor)};
    ottla_producer *producer = NULL;
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", address, NULL));
    CHECK_OK(ottla_config_add_interceptor(config, &interceptor, NULL));
    CHECK_OK(ottla_config_set_statistics(config, 10, statistics, &reported, NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
    for (int i = 0; i < 3000 && __atomic_load_n(&reported, __ATOMIC_SEQ_CST) == 0; i++) {
        poll(NULL, 0, 10);
    }
    CHECK_OK(ottla_producer_free(producer));
    CHECK(reported > 0);
}

static void nulls(void) {
    ottla_interceptor interceptor = {.struct_size = sizeof(ottla_interceptor)};
    ottla_config *config = ottla_config_new();
    ottla_record record = text_record("k", "v");
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_config_add_interceptor(NULL, &interceptor, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_config_add_interceptor(config, NULL, NULL));
    CHECK(ottla_sending_topic(NULL) == NULL && ottla_sending_record(NULL) == NULL);
    CHECK(ottla_sending_key_object(NULL) == NULL && ottla_sending_value_object(NULL) == NULL);
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_sending_set_record(NULL, &record, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_sending_add_header(NULL, "n", 1, NULL, 0));
    CHECK(ottla_sending_fail(NULL, NULL) == -1);
    ottla_config_free(config);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    nulls();
    lives();
    each_way(argv[1]);
    lending(argv[1]);
    refusals(argv[1]);
    failures();
    periodic_statistics(argv[1]);
    return 0;
}
