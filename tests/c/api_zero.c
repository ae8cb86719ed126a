/* Structures of zeros ask for nothing. Whichever call sends such a record, the partitioner chooses its partition,
 * and it gets the present time. A flag makes 0 a value. A value without its flag is refused with the name of the
 * flag. argv[1] is a broker, argv[2] a topic with several partitions. */
#include "check.h"

#include <pthread.h>
#include <time.h>

enum { KEYS = 20 };

static ottla_producer *producer;
static ottla_topic *topic;
static int64_t began_ms;

static ottla_error *error;

static void says(ottla_code code, const char *words, int line) {
    if (code != OTTLA_ERR_INVALID_ARGUMENT || strstr(ottla_error_message(error), words) == NULL) {
        fprintf(stderr, "%s:%d: %s, '%s', which should say '%s'\n", __FILE__, line, ottla_code_name(code),
                ottla_error_message(error), words);
        exit(1);
    }
    ottla_error_free(error);
    error = NULL;
}

#define SAYS(words, call) says(call, words, __LINE__)

/* What is expected of each reported record, and what was reported, on the sender thread or by a call that waited. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int wants_zero;
static int reported, partitions[1000];

static void look(const ottla_delivery *delivery) {
    pthread_mutex_lock(&lock);
    CHECK(delivery->code == OTTLA_ERR_OK);
    if (wants_zero) {
        CHECK(delivery->partition == 0 && delivery->timestamp == 0);
    } else {
        CHECK(delivery->timestamp >= began_ms && delivery->timestamp <= ((int64_t)time(NULL) + 1) * 1000);
        CHECK(delivery->partition >= 0 && delivery->partition < 1000);
        partitions[delivery->partition]++;
    }
    reported++;
    pthread_mutex_unlock(&lock);
}

static void on_delivery(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    look(delivery);
}

static ottla_record zeroed(const char *key, const char *value) {
    ottla_record record = {.struct_size = sizeof record};
    record.key = key, record.key_len = key == NULL ? 0 : strlen(key);
    record.value = value, record.value_len = value == NULL ? 0 : strlen(value);
    return record;
}

static ottla_code send(const ottla_record *record, ottla_error **error) {
    return ottla_producer_send(producer, topic, record, NULL, NULL, error);
}

static ottla_code send_no_wait(const ottla_record *record, ottla_error **error) {
    return ottla_producer_send(producer, topic, record, NULL, NO_WAIT, error);
}

static ottla_code send_with(const ottla_record *record, ottla_error **error) {
    return ottla_producer_send(producer, topic, record, NULL, OPTIONS(.on_delivery = on_delivery), error);
}

static ottla_code send_many(const ottla_record *record, ottla_error **error) {
    size_t accepted;
    return ottla_producer_send_many(producer, topic, record, 1, NULL, NULL, &accepted, error);
}

static ottla_code send_objects(const ottla_record *record, ottla_error **error) {
    return ottla_producer_send_objects(producer, topic, record, NULL, NULL, NULL, NULL, error);
}

static void release(const void *value, size_t value_len, void *userdata) {
    (void)value, (void)value_len, (void)userdata;
}

static ottla_code send_lent(const ottla_record *record, ottla_error **error) {
    return ottla_producer_send(producer, topic, record, NULL, OPTIONS(.on_release = release), error);
}

static ottla_code send_and_wait(const ottla_record *record, ottla_error **error) {
    ottla_delivery delivery = {.struct_size = sizeof delivery};
    ottla_code code = ottla_producer_send_and_wait(producer, topic, record, 30000, &delivery, error);
    if (code == OTTLA_ERR_OK) {
        look(&delivery);
    }
    return code;
}

static ottla_code send_handle(const ottla_record *record, ottla_error **error) {
    ottla_delivery delivery = {.struct_size = sizeof delivery};
    ottla_send *handle = NULL;
    ottla_code code = ottla_producer_send(producer, topic, record, NULL, OPTIONS(.handle_out = &handle), error);
    if (code == OTTLA_ERR_OK) {
        CHECK_OK(ottla_send_wait(handle, 30000, &delivery, NULL));
        look(&delivery);
    }
    ottla_send_free(handle);
    return code;
}

static ottla_code (*const WAYS[])(const ottla_record *, ottla_error **) = {
    send, send_no_wait, send_with, send_many, send_objects, send_lent, send_and_wait, send_handle};
enum { WAY_COUNT = sizeof WAYS / sizeof WAYS[0] };

static void wait_for_all(int count) {
    CHECK_OK(ottla_producer_flush(producer, 30000, 0, NULL));
    CHECK(reported == count);
    reported = 0;
}

static int used_partitions(void) {
    int used = 0;
    for (size_t i = 0; i < sizeof partitions / sizeof partitions[0]; i++) {
        used += partitions[i] > 0;
    }
    return used;
}

static void records_of_zeros(void) {
    ottla_record record;
    memset(&record, 0, sizeof record);
    record.struct_size = sizeof record;
    memset(partitions, 0, sizeof partitions);
    for (int way = 0; way < WAY_COUNT; way++) {
        CHECK_OK(WAYS[way](&record, NULL));
        for (char key[2] = "a"; *key < 'a' + KEYS; (*key)++) {
            ottla_record keyed = zeroed(key, "zeros");
            CHECK_OK(WAYS[way](&keyed, NULL));
        }
    }
    wait_for_all(WAY_COUNT * (1 + KEYS));
    CHECK(used_partitions() > 1);
}

static void flagged_zeros(void) {
    wants_zero = 1;
    for (int way = 0; way < WAY_COUNT; way++) {
        ottla_record record = zeroed("flagged", "zeros");
        record.flags = OTTLA_RECORD_PARTITION | OTTLA_RECORD_TIMESTAMP;
        CHECK_OK(WAYS[way](&record, NULL));
    }
    wait_for_all(WAY_COUNT);
    wants_zero = 0;
}

static void refused(const ottla_record *record, const char *member, const char *flag) {
    for (int way = 0; way < WAY_COUNT; way++) {
        SAYS(member, WAYS[way](record, &error));
        SAYS(flag, WAYS[way](record, &error));
    }
}

static void values_without_flags(void) {
    static const int64_t VALUES[] = {-1, 1, 7, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++) {
        ottla_record record = zeroed("k", "v");
        record.partition = (int32_t)VALUES[i];
        refused(&record, "record.partition is", "OTTLA_RECORD_PARTITION");
        record.flags = OTTLA_RECORD_TIMESTAMP;
        refused(&record, "record.partition is", "OTTLA_RECORD_PARTITION");
        record = zeroed("k", "v");
        record.timestamp = VALUES[i];
        refused(&record, "record.timestamp is", "OTTLA_RECORD_TIMESTAMP");
        record.flags = OTTLA_RECORD_PARTITION;
        refused(&record, "record.timestamp is", "OTTLA_RECORD_TIMESTAMP");
    }
    ottla_record record = zeroed("k", "v");
    record.flags = 4;
    refused(&record, "record.flags is 0x4", "OTTLA_RECORD_PARTITION (1)");
    record.flags = UINT32_MAX;
    refused(&record, "record.flags is 0xffffffff", "OTTLA_RECORD_TIMESTAMP (2)");
    wait_for_all(0);
}

static void flat(void) {
    uint8_t zeros[44] = {0};
    const ottla_topic *topics[] = {topic};
    size_t accepted = 0;
    memset(partitions, 0, sizeof partitions);
    CHECK_OK(ottla_producer_send_flat(producer, topics, 1, zeros, sizeof zeros, 1, NULL, &accepted, NULL, NULL));
    wait_for_all(1);
    int32_t one = 1;
    uint32_t flags = OTTLA_RECORD_PARTITION | OTTLA_RECORD_TIMESTAMP;
    uint8_t flagged[44] = {0}, wrong[44] = {0};
    wants_zero = 1;
    memcpy(flagged + 20, &flags, 4);
    CHECK_OK(ottla_producer_send_flat(producer, topics, 1, flagged, sizeof flagged, 1, NULL, &accepted, NULL, NULL));
    wait_for_all(1);
    wants_zero = 0;
    memcpy(wrong + 16, &one, 4);
    SAYS("at byte 16, partition is 1, but OTTLA_RECORD_PARTITION",
         ottla_producer_send_flat(producer, topics, 1, wrong, sizeof wrong, 1, NULL, &accepted, NULL, &error));
}

/* The record that an interceptor sees has flags for its fields. A record that it sets follows the same rules. */
static int32_t intercept(ottla_sending *sending, void *userdata) {
    (void)userdata;
    ottla_record record = *ottla_sending_record(sending);
    CHECK(record.flags == 0 && record.partition == 0 && record.timestamp == 0);
    record.partition = 1;
    SAYS("OTTLA_RECORD_PARTITION", ottla_sending_set_record(sending, &record, &error));
    record.flags = OTTLA_RECORD_PARTITION | OTTLA_RECORD_TIMESTAMP;
    record.partition = 0;
    CHECK_OK(ottla_sending_set_record(sending, &record, NULL));
    const ottla_record *shown = ottla_sending_record(sending);
    CHECK(shown->flags == record.flags && shown->partition == 0 && shown->timestamp == 0);
    return 0;
}

static int32_t choose(const ottla_choice *choice, void *userdata) {
    (void)userdata;
    return choice->partition_count - 1;
}

static int32_t serialize(const char *name, const void *object, ottla_serialized *out, void *userdata) {
    (void)name, (void)userdata;
    return ottla_serialized_append(out, object, strlen(object));
}

/* Members that must be set are named in the error. All others may be zero. */
static void plug_ins(const char *broker, const char *name) {
    ottla_partitioner partitioner = {.struct_size = sizeof partitioner};
    ottla_serializer serializer = {.struct_size = sizeof serializer};
    ottla_interceptor interceptor = {.struct_size = sizeof interceptor};
    ottla_config *config = ottla_config_new();
    SAYS("partitioner->partition is NULL", ottla_config_set_partitioner(config, &partitioner, &error));
    SAYS("serializer->serialize is NULL", ottla_config_set_value_serializer(config, &serializer, &error));
    partitioner.partition = choose;
    serializer.serialize = serialize;
    CHECK_OK(ottla_config_set_partitioner(config, &partitioner, NULL));
    CHECK_OK(ottla_config_set_value_serializer(config, &serializer, NULL));
    CHECK_OK(ottla_config_add_interceptor(config, &interceptor, NULL));
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", broker, NULL));
    CHECK_OK(ottla_config_set_delivery(config, on_delivery, NULL, NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_producer_topic(producer, name, &topic, NULL));
    ottla_record record = zeroed("plug-ins", NULL);
    memset(partitions, 0, sizeof partitions);
    CHECK_OK(ottla_producer_send_objects(producer, topic, &record, NULL, "zeros", NULL, NULL, NULL));
    wait_for_all(1);
    CHECK(partitions[0] == 0);
    ottla_topic_free(topic);
    CHECK_OK(ottla_producer_free(producer));

    interceptor.on_send = intercept;
    CHECK_OK(ottla_config_add_interceptor(config, &interceptor, NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_producer_topic(producer, name, &topic, NULL));
    wants_zero = 1;
    CHECK_OK(send(&record, NULL));
    wait_for_all(1);
    wants_zero = 0;
    ottla_topic_free(topic);
    CHECK_OK(ottla_producer_free(producer));
    ottla_config_free(config);
}

/* Structures that are filled may be zero except for their size. Those that are read say what they need. */
static void other_structures(void) {
    ottla_header header = {0};
    ottla_record record = zeroed("k", "v");
    record.headers = &header, record.header_count = 1;
    SAYS("header.name is NULL", send(&record, &error));
    ottla_offset offset = {0};
    ottla_group_metadata group = {.struct_size = sizeof group};
    SAYS("group->group_id is NULL",
         ottla_producer_send_offsets_to_transaction(producer, &offset, 1, &group, 0, &error));
    group.group_id = "g";
    SAYS("offsets[0].topic is NULL",
         ottla_producer_send_offsets_to_transaction(producer, &offset, 1, &group, 0, &error));
    offset.topic = "t";
    CHECK_CODE(OTTLA_ERR_INVALID_STATE, /* there is no transactional.id, and nothing wrong with the structures */
               ottla_producer_send_offsets_to_transaction(producer, &offset, 1, &group, 5000, NULL));

    ottla_counters counters = {.struct_size = sizeof counters};
    CHECK_OK(ottla_producer_counters(producer, &counters, NULL));
    CHECK(counters.struct_size == sizeof counters && counters.records_delivered > 0);
    ottla_statistics *statistics = NULL;
    ottla_producer_figures figures = {.struct_size = sizeof figures};
    ottla_broker_figures broker = {.struct_size = sizeof broker};
    ottla_topic_figures of_topic = {.struct_size = sizeof of_topic};
    ottla_error_figures of_error = {.struct_size = sizeof of_error};
    CHECK_OK(ottla_producer_statistics(producer, &statistics, NULL));
    CHECK_OK(ottla_statistics_producer(statistics, &figures, NULL));
    CHECK_OK(ottla_statistics_broker(statistics, 0, &broker, NULL));
    CHECK_OK(ottla_statistics_topic(statistics, 0, &of_topic, NULL));
    CHECK(figures.struct_size == sizeof figures && broker.struct_size == sizeof broker);
    CHECK(of_topic.struct_size == sizeof of_topic && figures.records_sent > 0);
    CHECK(ottla_statistics_error_count(statistics) == 0);
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_statistics_error(statistics, 0, &of_error, NULL));
    ottla_statistics_free(statistics);
    ottla_partitions *described = NULL;
    ottla_partition partition = {.struct_size = sizeof partition};
    CHECK_OK(ottla_topic_partitions(topic, 30000, &described, NULL));
    CHECK_OK(ottla_partitions_at(described, 0, &partition));
    CHECK(partition.struct_size == sizeof partition && partition.leader_host != NULL);
    ottla_partitions_free(described);
}

/* An ottla_bytes of zeros is null. */
static void bytes(const char *broker, const char *name) {
    ottla_config *config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", broker, NULL));
    CHECK_OK(ottla_config_set(config, "value.serializer", "bytes", NULL));
    CHECK_OK(ottla_config_set_delivery(config, on_delivery, NULL, NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_producer_topic(producer, name, &topic, NULL));
    ottla_record record = zeroed("bytes", NULL);
    ottla_bytes object = {0};
    CHECK_OK(ottla_producer_send_objects(producer, topic, &record, NULL, &object, NULL, NULL, NULL));
    wait_for_all(1);
    ottla_topic_free(topic);
    CHECK_OK(ottla_producer_free(producer));
    ottla_config_free(config);
}

int main(int argc, char **argv) {
    CHECK(argc == 2 || argc == 3);
    const char *name = argc == 3 ? argv[2] : "zeros";
    began_ms = ((int64_t)time(NULL) - 1) * 1000;
    ottla_config *config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", argv[1], NULL));
    CHECK_OK(ottla_config_set_delivery(config, on_delivery, NULL, NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_producer_topic(producer, name, &topic, NULL));
    records_of_zeros();
    records_of_zeros(); /* now the partitions are known */
    flagged_zeros();
    values_without_flags();
    flat();
    other_structures();
    ottla_topic_free(topic);
    CHECK_OK(ottla_producer_free(producer));
    ottla_config_free(config);
    plug_ins(argv[1], name);
    bytes(argv[1], name);
    return 0;
}
