/* Callbacks that call every function: allowed calls work, and calls that would wait return IN_CALLBACK. The broker
 * in argv[1] accepts everything. */
#include "check.h"

static ottla_config *config;
static ottla_producer *producer;
static ottla_topic *topic;
static int reported, own, batched, ready_calls, tried, freed_others, released;

static void count(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    CHECK(delivery->code == OTTLA_ERR_OK);
    reported++;
}

static void count_own(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    CHECK(delivery->code == OTTLA_ERR_OK);
    own++;
}

/* Checks a call that would wait for the thread that it runs on: its code, and its message. */
static void refused(ottla_code code, ottla_error **error) {
    CHECK_CODE(OTTLA_ERR_IN_CALLBACK, code);
    CHECK(*error != NULL && strstr(ottla_error_message(*error), "in a c") && strstr(ottla_error_message(*error), "callback"));
    ottla_error_free(*error);
    *error = NULL;
}

/* The calls that wait. */
static void all_refused(void) {
    ottla_error *error = NULL;
    ottla_record record = text_record(NULL, "never");
    ottla_delivery delivery;
    delivery.struct_size = sizeof delivery;
    refused(ottla_producer_flush(producer, -1, 0, &error), &error);
    refused(ottla_producer_flush(producer, 0, 0, &error), &error);
    refused(ottla_producer_flush(producer, -1, OTTLA_FLUSH_POLLED, &error), &error);
    refused(ottla_producer_close(producer, -1, &error), &error);
    refused(ottla_producer_close(producer, 0, &error), &error);
    refused(ottla_producer_purge(producer, NULL, OTTLA_PURGE_QUEUED, -1, &error), &error);
    refused(ottla_producer_check(producer, -1, &error), &error);
    refused(ottla_topic_check(topic, -1, &error), &error);
    ottla_partitions *partitions = NULL;
    refused(ottla_topic_partitions(topic, -1, &partitions, &error), &error);
    CHECK(partitions == NULL);
    refused(ottla_producer_send_and_wait(producer, topic, &record, -1, &delivery, &error), &error);
    CHECK(delivery.fate == OTTLA_FATE_NOT_WRITTEN && delivery.code == OTTLA_ERR_IN_CALLBACK);
    ottla_group_metadata group = {.struct_size = sizeof group, .group_id = "g"};
    refused(ottla_producer_init_transactions(producer, -1, &error), &error);
    refused(ottla_producer_begin_transaction(producer, &error), &error);
    refused(ottla_producer_send_offsets_to_transaction(producer, NULL, 0, &group, -1, &error), &error);
    refused(ottla_producer_commit_transaction(producer, -1, &error), &error);
    refused(ottla_producer_abort_transaction(producer, -1, &error), &error);
    CHECK(ottla_producer_transaction_state(producer) == OTTLA_TRANSACTION_NONE);
    CHECK_CODE(OTTLA_ERR_IN_CALLBACK, ottla_producer_free(producer));
}

static void release(const void *value, size_t value_len, void *userdata) {
    (void)value, (void)userdata;
    CHECK(value_len == strlen("from inside"));
    released++;
}

/* The calls that do not wait: ten records with the default callback, and three with their own. */
static void all_allowed(void) {
    ottla_error *error = NULL;
    ottla_record record = text_record("key", "from inside");
    size_t accepted = 0;
    uint8_t flat[44] = {0};
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, &error));
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NO_WAIT, &error));
    CHECK_OK(ottla_producer_send_many(producer, topic, &record, 1, NULL, NULL, &accepted, &error));
    CHECK_OK(ottla_producer_send_many(producer, topic, &record, 1, NULL, NO_WAIT,
                                      &accepted, &error));
    const ottla_topic *topics[] = {topic};
    CHECK_OK(ottla_producer_send_flat(producer, topics, 1, flat, sizeof flat, 1, NULL, &accepted, NULL, &error));
    CHECK_OK(ottla_producer_send_flat(producer, topics, 1, flat, sizeof flat, 1, NO_WAIT, &accepted, NULL, &error));
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, OPTIONS(.on_delivery = count_own), &error));
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL,
                                 OPTIONS(.flags = OTTLA_SEND_NO_WAIT, .on_delivery = count_own), &error));

    CHECK_OK(ottla_producer_send_objects(producer, topic, &record, NULL, NULL, NULL, NULL, &error));
    CHECK_OK(ottla_producer_send_objects(producer, topic, &record, NULL, NULL, NULL,
                                         NO_WAIT, &error));
    CHECK_OK(ottla_producer_send_objects(producer, topic, &record, NULL, NULL, NULL, OPTIONS(.on_delivery = count_own),
                                         &error));

    ottla_send *handle = NULL;
    ottla_delivery delivery;
    delivery.struct_size = sizeof delivery;
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, OPTIONS(.handle_out = &handle), &error));
    refused(ottla_send_wait(handle, -1, &delivery, &error), &error);
    CHECK_CODE(OTTLA_ERR_TIMED_OUT, ottla_send_wait(handle, 0, &delivery, NULL));
    ottla_send_free(handle);
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, OPTIONS(.on_release = release), &error));
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL,
                                 OPTIONS(.flags = OTTLA_SEND_NO_WAIT, .on_release = release), &error));
    CHECK_OK(ottla_producer_set_debug(producer, "", &error));
    CHECK_OK(ottla_producer_add_brokers(producer, "127.0.0.1:1", &error));

    ottla_topic *other = NULL;
    CHECK_OK(ottla_producer_topic(producer, "other", &other, &error));
    CHECK(strcmp(ottla_topic_name(other), "other") == 0);
    CHECK_OK(ottla_producer_purge(producer, other, OTTLA_PURGE_QUEUED | OTTLA_PURGE_IN_FLIGHT, 0, &error));
    ottla_topic_free(other);
    ottla_config *overrides = ottla_config_new();
    CHECK_OK(ottla_config_set(overrides, "linger.ms", "1", &error));
    CHECK_OK(ottla_producer_topic_with(producer, "another", overrides, &other, &error));
    ottla_topic_free(other);
    ottla_config_free(overrides);

    ottla_counters counters;
    counters.struct_size = sizeof counters;
    CHECK_OK(ottla_producer_counters(producer, &counters, &error));
    CHECK(counters.records_delivered > 0);
    ottla_statistics *statistics = NULL;
    CHECK_OK(ottla_producer_statistics(producer, &statistics, &error));
    ottla_statistics_free(statistics);
    CHECK(ottla_producer_buffered_bytes(producer) > 0 && ottla_producer_buffered_records(producer) > 0);
    CHECK(error == NULL);
}

/* The whole life of another producer. */
static void another(void) {
    ottla_producer *second = NULL;
    ottla_topic *its = NULL;
    ottla_delivery delivery;
    ottla_record record = text_record(NULL, "of another");
    delivery.struct_size = sizeof delivery;
    ottla_config *plain = ottla_config_copy(config);
    CHECK_OK(ottla_config_set_delivery(plain, NULL, NULL, NULL));
    CHECK_OK(ottla_producer_new(plain, &second, NULL));
    ottla_config_free(plain);
    CHECK_OK(ottla_producer_topic(second, "inside", &its, NULL));
    CHECK_OK(ottla_producer_send_and_wait(second, its, &record, 20000, &delivery, NULL));
    CHECK_OK(ottla_producer_flush(second, 20000, 0, NULL));
    CHECK_OK(ottla_producer_close(second, 20000, NULL));
    ottla_topic_free(its);
    CHECK_OK(ottla_producer_free(second));
    freed_others++;
}

static void try_all(void) {
    if (tried++ == 0) {
        all_refused();
        all_allowed();
        another();
    }
}

static void per_record(const ottla_delivery *delivery, void *userdata) {
    count(delivery, userdata);
    try_all();
    CHECK_CODE(OTTLA_ERR_INVALID_STATE, POLL_ONE(producer, 0, &(ottla_report *){NULL}, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_STATE, ottla_producer_poll_event(producer, 0, &(ottla_event *){NULL}, NULL));
    CHECK(ottla_producer_poll_fd(producer) == -1);
}

static void per_batch(const ottla_batch *batch, void *userdata) {
    (void)userdata;
    batched += (int)batch->count;
    try_all();
}

/* Takes the reports that are there, without waiting. */
static void ready(void *userdata) {
    (void)userdata;
    ottla_report *report = NULL;
    ottla_error *error = NULL;
    ready_calls++;
    if (tried == 0) {
        refused(POLL_ONE(producer, -1, &report, &error), &error);
        refused(POLL_ONE(producer, 1000, &report, &error), &error);
        CHECK(ottla_producer_poll_fd(producer) >= 0);
    }
    size_t count = 0;
    while (ottla_producer_poll(producer, 0, &report, 1, &count, NULL) == OTTLA_ERR_OK && count > 0) {
        reported += (int)ottla_report_batch(report)->count;
        ottla_report_free(report);
    }
    try_all();
}

static void start(const char *servers) {
    config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", servers, NULL));
    reported = own = batched = ready_calls = tried = freed_others = released = 0;
}

static void run(void) {
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_producer_topic(producer, "inside", &topic, NULL));
    ottla_record record = text_record(NULL, "first");
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    /* The second flush waits for what was sent in callbacks. */
    CHECK_OK(ottla_producer_flush(producer, 30000, 0, NULL));
    CHECK_OK(ottla_producer_flush(producer, 30000, 0, NULL));
    CHECK_OK(ottla_producer_close(producer, 30000, NULL));
    CHECK_OK(ottla_producer_free(producer));
    ottla_topic_free(topic);
    ottla_config_free(config);
    CHECK(tried > 0 && freed_others == 1 && own == 3 && released == 2);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);

    start(argv[1]);
    CHECK_OK(ottla_config_set_delivery(config, per_record, NULL, NULL));
    run();
    CHECK(reported == 1 + 10);

    start(argv[1]);
    CHECK_OK(ottla_config_set_batch_delivery(config, per_batch, NULL, NULL));
    run();
    CHECK(batched == 1 + 10);

    start(argv[1]);
    CHECK_OK(ottla_config_set_poll(config, ready, NULL, NULL));
    run();
    CHECK(reported == 1 + 10 && ready_calls > 0);
    return 0;
}
