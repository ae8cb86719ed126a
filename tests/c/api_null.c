/* For every pointer that a function needs, NULL is an error and never a crash. The message names the argument. */
#include "check.h"

static ottla_error *error;

static void names(ottla_code code, const char *argument, int line) {
    if (code != OTTLA_ERR_INVALID_ARGUMENT || error == NULL || strstr(ottla_error_message(error), argument) == NULL) {
        fprintf(stderr, "%s:%d: %s, \"%s\", which should name %s\n", __FILE__, line, ottla_code_name(code),
                ottla_error_message(error), argument);
        exit(1);
    }
    CHECK(ottla_error_code(error) == code);
    ottla_error_free(error);
    error = NULL;
}

#define NAMES(argument, call) names(call, argument, __LINE__)
#define REFUSED(call) CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, call)

static void never(const ottla_delivery *delivery, void *userdata) {
    (void)delivery, (void)userdata;
    CHECK(!"a record that was not accepted was reported of");
}

/* A report, for functions that take one. */
static void reports(ottla_config *config) {
    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    ottla_report *report = NULL;
    ottla_record record = text_record("k", "v");
    CHECK_OK(ottla_config_set_poll(config, NULL, NULL, NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_producer_topic(producer, "t", &topic, NULL));
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    CHECK_OK(ottla_producer_close(producer, 0, NULL));
    CHECK_OK(POLL_ONE(producer, 0, &report, NULL));
    CHECK(report != NULL && ottla_report_batch(report)->count == 1);
    ottla_report_free(report);
    ottla_topic_free(topic);
    CHECK_OK(ottla_producer_free(producer));
}

int main(void) {
    ottla_config *config = refused_config();
    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    ottla_record record = text_record("k", "v");
    ottla_delivery delivery;
    ottla_counters counters;
    size_t count = 7;
    ottla_report *report = NULL;
    ottla_send *handle = NULL;
    delivery.struct_size = sizeof delivery;
    counters.struct_size = sizeof counters;

    /* Readers of an error. */
    CHECK(ottla_error_code(NULL) == OTTLA_ERR_INVALID_ARGUMENT);
    CHECK(strcmp(ottla_error_name(NULL), "INVALID_ARGUMENT") == 0);
    CHECK(strcmp(ottla_error_message(NULL), "error is NULL") == 0);
    CHECK(!ottla_error_is_retriable(NULL) && !ottla_error_is_fatal(NULL) && !ottla_error_requires_abort(NULL));
    ottla_error_free(NULL);

    /* Configurations. */
    CHECK(ottla_config_copy(NULL) == NULL);
    ottla_config_free(NULL);
    NAMES("config", ottla_config_set(NULL, "acks", "1", &error));
    NAMES("name", ottla_config_set(config, NULL, "1", &error));
    NAMES("value", ottla_config_set(config, "acks", NULL, &error));
    NAMES("config", ottla_config_get(NULL, "acks", NULL, 0, &count, &error));
    NAMES("name", ottla_config_get(config, NULL, NULL, 0, &count, &error));
    NAMES("buffer", ottla_config_get(config, "acks", NULL, 4, &count, &error));
    NAMES("len_out", ottla_config_get(config, "acks", NULL, 0, NULL, &error));
    NAMES("config", ottla_config_load_file(NULL, "/dev/null", &error));
    NAMES("path", ottla_config_load_file(config, NULL, &error));
    NAMES("config", ottla_config_load_text(NULL, "", &error));
    NAMES("properties", ottla_config_load_text(config, NULL, &error));
    REFUSED(ottla_config_set_log(NULL, NULL, NULL, NULL, OTTLA_LOG_ERROR));
    REFUSED(ottla_config_set_delivery(NULL, NULL, NULL, NULL));
    REFUSED(ottla_config_set_batch_delivery(NULL, NULL, NULL, NULL));
    REFUSED(ottla_config_set_poll(NULL, NULL, NULL, NULL));
    CHECK_OK(ottla_config_set_statistics(config, 1000, NULL, NULL, NULL));
    REFUSED(ottla_config_set_events(NULL, NULL, NULL, NULL));
    REFUSED(ottla_config_set_event_poll(NULL, 1, NULL, NULL, NULL));
    ottla_event_free(NULL);

    /* Producers and topics. */
    NAMES("config", ottla_producer_new(NULL, &producer, &error));
    NAMES("producer_out", ottla_producer_new(config, NULL, &error));
    CHECK_OK(ottla_config_set_delivery(config, never, NULL, NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    NAMES("producer", ottla_producer_topic(NULL, "t", &topic, &error));
    NAMES("name", ottla_producer_topic(producer, NULL, &topic, &error));
    NAMES("topic_out", ottla_producer_topic(producer, "t", NULL, &error));
    ottla_config *overrides = ottla_config_new();
    NAMES("producer", ottla_producer_topic_with(NULL, "t", overrides, &topic, &error));
    NAMES("name", ottla_producer_topic_with(producer, NULL, overrides, &topic, &error));
    NAMES("overrides", ottla_producer_topic_with(producer, "t", NULL, &topic, &error));
    NAMES("topic_out", ottla_producer_topic_with(producer, "t", overrides, NULL, &error));
    CHECK_OK(ottla_producer_topic_with(producer, "t", overrides, &topic, NULL));
    ottla_topic_free(topic);
    ottla_config_free(overrides);
    CHECK_OK(ottla_producer_topic(producer, "t", &topic, NULL));
    CHECK(ottla_topic_name(NULL) == NULL);
    ottla_topic_free(NULL);
    NAMES("producer", ottla_producer_flush(NULL, -1, 0, &error));
    NAMES("producer", ottla_producer_check(NULL, -1, &error));
    REFUSED(ottla_producer_check(NULL, -1, NULL));
    NAMES("topic", ottla_topic_check(NULL, -1, &error));
    REFUSED(ottla_topic_check(NULL, -1, NULL));
    ottla_partitions *partitions = NULL;
    NAMES("topic", ottla_topic_partitions(NULL, -1, &partitions, &error));
    NAMES("partitions_out", ottla_topic_partitions(topic, -1, NULL, &error));
    REFUSED(ottla_topic_partitions(NULL, -1, &partitions, NULL));
    ottla_partition partition;
    partition.struct_size = sizeof partition;
    CHECK(partitions == NULL && ottla_partitions_count(NULL) == 0);
    REFUSED(ottla_partitions_at(NULL, 0, &partition));
    REFUSED(ottla_partitions_at(NULL, 0, NULL));
    ottla_partitions_free(NULL);
    CHECK(ottla_producer_buffered_records(NULL) == 0);
    NAMES("producer", ottla_producer_purge(NULL, topic, OTTLA_PURGE_QUEUED, -1, &error));
    NAMES("producer", ottla_producer_close(NULL, -1, &error));
    REFUSED(ottla_producer_free(NULL));
    CHECK(ottla_producer_buffered_bytes(NULL) == 0);
    CHECK(ottla_producer_poll_fd(NULL) == -1);
    NAMES("producer", ottla_producer_counters(NULL, &counters, &error));
    NAMES("counters_out", ottla_producer_counters(producer, NULL, &error));
    counters.struct_size = 0;
    NAMES("counters_out->struct_size", ottla_producer_counters(producer, &counters, &error));
    NAMES("producer", ottla_producer_poll(NULL, 0, &report, 1, &count, &error));
    NAMES("reports_out", ottla_producer_poll(producer, 0, NULL, 1, &count, &error));
    NAMES("count_out", ottla_producer_poll(producer, 0, &report, 1, NULL, &error));
    NAMES("max_reports", ottla_producer_poll(producer, 0, &report, 0, &count, &error));
    NAMES("producer", ottla_producer_add_brokers(NULL, "127.0.0.1:1", &error));
    NAMES("servers", ottla_producer_add_brokers(producer, NULL, &error));
    REFUSED(ottla_producer_add_brokers(producer, NULL, NULL));
    NAMES("producer", ottla_producer_set_debug(NULL, "", &error));
    NAMES("facilities", ottla_producer_set_debug(producer, NULL, &error));
    REFUSED(ottla_producer_set_debug(producer, NULL, NULL));
    ottla_event *event = NULL;
    NAMES("producer", ottla_producer_poll_event(NULL, 0, &event, &error));
    NAMES("event_out", ottla_producer_poll_event(producer, 0, NULL, &error));
    REFUSED(ottla_producer_poll_event(producer, 0, NULL, NULL));

    /* Sending. */
    NAMES("producer", ottla_producer_send(NULL, topic, &record, NULL, NULL, &error));
    NAMES("topic", ottla_producer_send(producer, NULL, &record, NULL, NULL, &error));
    NAMES("record", ottla_producer_send(producer, topic, NULL, NULL, NULL, &error));
    NAMES("producer", ottla_producer_send_objects(NULL, topic, &record, NULL, NULL, NULL, NULL, &error));
    NAMES("topic", ottla_producer_send_objects(producer, NULL, &record, NULL, NULL, NULL, NULL, &error));
    NAMES("record", ottla_producer_send_objects(producer, topic, NULL, NULL, NULL, NULL, NULL, &error));
    NAMES("handle", ottla_send_wait(NULL, 0, &delivery, &error));
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, OPTIONS(.handle_out = &handle), NULL));
    REFUSED(ottla_send_wait(NULL, 0, &delivery, NULL));
    NAMES("delivery_out", ottla_send_wait(handle, 0, NULL, &error));
    NAMES("timeout_ms", ottla_send_wait(handle, -2, &delivery, &error));
    ottla_send_free(handle);
    ottla_send_free(NULL);
    NAMES("producer", ottla_producer_send_and_wait(NULL, topic, &record, 0, &delivery, &error));
    NAMES("topic", ottla_producer_send_and_wait(producer, NULL, &record, 0, &delivery, &error));
    NAMES("record", ottla_producer_send_and_wait(producer, topic, NULL, 0, &delivery, &error));
    NAMES("delivery_out", ottla_producer_send_and_wait(producer, topic, &record, 0, NULL, &error));
    NAMES("producer", ottla_producer_send_many(NULL, topic, &record, 1, NULL, NULL, &count, &error));
    NAMES("topic", ottla_producer_send_many(producer, NULL, &record, 1, NULL, NULL, &count, &error));
    NAMES("records", ottla_producer_send_many(producer, topic, NULL, 1, NULL, NULL, &count, &error));
    NAMES("accepted_out", ottla_producer_send_many(producer, topic, &record, 1, NULL, NULL, NULL, &error));
    const ottla_topic *topics[] = {topic, NULL};
    NAMES("producer", ottla_producer_send_flat(NULL, topics, 1, NULL, 0, 0, NULL, &count, NULL, &error));
    NAMES("topics", ottla_producer_send_flat(producer, NULL, 1, NULL, 0, 0, NULL, &count, NULL, &error));
    NAMES("topics[1]", ottla_producer_send_flat(producer, topics, 2, NULL, 0, 0, NULL, &count, NULL, &error));
    NAMES("topic_count", ottla_producer_send_flat(producer, topics, 0, NULL, 0, 0, NULL, &count, NULL, &error));
    NAMES("buffer", ottla_producer_send_flat(producer, topics, 1, NULL, 1, 1, NULL, &count, NULL, &error));
    NAMES("accepted_out", ottla_producer_send_flat(producer, topics, 1, NULL, 0, 0, NULL, NULL, NULL, &error));
    count = 7;
    CHECK_OK(ottla_producer_send_many(producer, topic, NULL, 0, NULL, NULL, &count, &error));
    CHECK(count == 0);
    CHECK_OK(ottla_producer_send_flat(producer, topics, 1, NULL, 0, 0, NULL, &count, NULL, NULL));

    /* Inside a record: NULL with a length, invalid sizes and numbers. */
    ottla_header header = {NULL, 0, NULL, 0, NULL};
    ottla_record wrong = record;
    wrong.struct_size = 8;
    NAMES("record.struct_size", ottla_producer_send(producer, topic, &wrong, NULL, NULL, &error));
    wrong = record;
    wrong.key = NULL;
    NAMES("record.key", ottla_producer_send(producer, topic, &wrong, NULL, NULL, &error));
    wrong = record;
    wrong.value = NULL;
    NAMES("record.value", ottla_producer_send(producer, topic, &wrong, NULL, NULL, &error));
    wrong = record;
    wrong.value_len = (size_t)-1;
    NAMES("record.value_len", ottla_producer_send(producer, topic, &wrong, NULL, NULL, &error));
    wrong = record;
    wrong.header_count = 1;
    NAMES("record.headers", ottla_producer_send(producer, topic, &wrong, NULL, NULL, &error));
    wrong.headers = &header;
    NAMES("header.name", ottla_producer_send(producer, topic, &wrong, NULL, NULL, &error));
    header.name = "n";
    header.value_len = 3;
    NAMES("header.value", ottla_producer_send(producer, topic, &wrong, NULL, NULL, &error));
    wrong.header_count = (size_t)-1;
    NAMES("record.header_count", ottla_producer_send(producer, topic, &wrong, NULL, NULL, &error));
    wrong = record;
    set_partition(&wrong, -2);
    NAMES("partition", ottla_producer_send(producer, topic, &wrong, NULL, NULL, &error));
    wrong.partition = -1;
    NAMES("partition", ottla_producer_send(producer, topic, &wrong, NULL, NULL, &error));
    wrong = record;
    set_timestamp(&wrong, -2);
    NAMES("timestamp", ottla_producer_send(producer, topic, &wrong, NULL, NULL, &error));
    wrong.timestamp = -1;
    NAMES("timestamp", ottla_producer_send(producer, topic, &wrong, NULL, NULL, &error));
    NAMES("timeout_ms", ottla_producer_flush(producer, -2, 0, &error));
    NAMES("flags", ottla_producer_flush(producer, 0, 2, &error));
    NAMES("timeout_ms", ottla_producer_close(producer, INT64_MIN, &error));
    NAMES("name", ottla_producer_topic(producer, "\xff\xfe", &topic, &error));
    NAMES("topic's name", ottla_producer_topic(producer, "a b", &topic, &error));

    /* A topic of another producer. */
    ottla_producer *other = NULL;
    CHECK_OK(ottla_producer_new(config, &other, NULL));
    NAMES("another producer", ottla_producer_send(other, topic, &record, NULL, NULL, &error));
    NAMES("another producer", ottla_producer_send_and_wait(other, topic, &record, 0, &delivery, &error));
    CHECK(delivery.fate == OTTLA_FATE_NOT_WRITTEN && delivery.code == OTTLA_ERR_INVALID_ARGUMENT);
    NAMES("another producer", ottla_producer_send_flat(other, topics, 1, NULL, 0, 0, NULL, &count, NULL, &error));
    CHECK_OK(ottla_producer_free(other));

    /* Reports. */
    CHECK(ottla_report_batch(NULL) == NULL);
    ottla_report_free(NULL);
    ottla_record_init(NULL, sizeof record);
    CHECK_CODE(OTTLA_ERR_INVALID_STATE, POLL_ONE(producer, 0, &report, NULL));
    reports(config);

    /* Callers that want no details pass NULL for the error. The code is the same. */
    REFUSED(ottla_config_set(NULL, "acks", "1", NULL));
    REFUSED(ottla_config_get(NULL, "acks", NULL, 0, &count, NULL));
    REFUSED(ottla_config_load_file(NULL, "/dev/null", NULL));
    REFUSED(ottla_config_load_text(NULL, "", NULL));
    REFUSED(ottla_producer_flush(NULL, 0, 0, NULL));
    REFUSED(ottla_producer_close(NULL, 0, NULL));
    CHECK_OK(ottla_producer_purge(producer, NULL, OTTLA_PURGE_QUEUED, 0, NULL));
    REFUSED(ottla_producer_send(NULL, topic, &record, NULL, NULL, NULL));
    REFUSED(ottla_producer_send(NULL, topic, &record, NULL, OPTIONS(.flags = OTTLA_SEND_NO_WAIT, .on_delivery = never),
                                NULL));
    REFUSED(ottla_producer_send_many(NULL, topic, &record, 1, NULL, NULL, &count, NULL));
    REFUSED(ottla_producer_send_and_wait(NULL, topic, &record, 0, &delivery, NULL));
    REFUSED(ottla_producer_counters(NULL, &counters, NULL));
    REFUSED(ottla_producer_poll_event(NULL, 0, &event, NULL));

    ottla_topic_free(topic);
    CHECK_OK(ottla_producer_free(producer));
    ottla_config_free(config);
    return 0;
}
