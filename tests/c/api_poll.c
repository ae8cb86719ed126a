/* Poll mode against the broker in argv[1]: by descriptor, by waiting, by on_ready. Reports outlive their producer. */
#include "check.h"

#include <poll.h>
#include <pthread.h>

static int ready_calls, freed_calls;

static void ready(void *userdata) {
    CHECK(userdata == &ready_calls);
    __atomic_add_fetch(&ready_calls, 1, __ATOMIC_SEQ_CST);
}

static void freed(void *userdata) {
    CHECK(userdata == &ready_calls);
    freed_calls++;
}

static int readable(int fd, int wait_ms) {
    struct pollfd entry = {fd, POLLIN, 0};
    return poll(&entry, 1, wait_ms) == 1;
}

static void *wait_for_the_end(void *producer) {
    ottla_report *report = NULL;
    ottla_code code;
    while ((code = POLL_ONE(producer, -1, &report, NULL)) == OTTLA_ERR_OK) {
        ottla_report_free(report);
    }
    CHECK(code == OTTLA_ERR_CLOSED);
    return NULL;
}

static void on_own(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    CHECK(delivery->code == OTTLA_ERR_OK);
}

/* With retain.records, a report shows its records as they were sent, also after its producer. */
static void records_are_shown(const char *broker, const char *retain) {
    ottla_config *config = ottla_config_new();
    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    ottla_report *report = NULL;
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", broker, NULL));
    CHECK_OK(ottla_config_set(config, "retain.records", retain, NULL));
    CHECK_OK(ottla_config_set(config, "linger.ms", "100", NULL));
    CHECK_OK(ottla_config_set(config, "compression.type", "gzip", NULL));
    CHECK_OK(ottla_config_set_poll(config, NULL, NULL, NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
    CHECK_OK(ottla_producer_topic(producer, "shown", &topic, NULL));
    char value[2000];
    memset(value, 'v', sizeof value);
    ottla_header headers[2] = {{"first", 5, "1", 1, NULL}, {"second", 6, NULL, 0, NULL}};
    ottla_record record = text_record("key", NULL);
    set_partition(&record, 0);
    set_timestamp(&record, 1234);
    record.value = value;
    record.value_len = sizeof value;
    record.headers = headers;
    record.header_count = 2;
    ottla_record empty;
    ottla_record_init(&empty, sizeof empty);
    set_partition(&empty, 0);
    /* The delivery of this one is not polled, so it is not among the entries. */
    CHECK_OK(ottla_producer_send(producer, topic, &empty, NULL, OPTIONS(.on_delivery = on_own), NULL));
    CHECK_OK(ottla_producer_send(producer, topic, &record, (void *)1, NULL, NULL));
    CHECK_OK(ottla_producer_send(producer, topic, &empty, (void *)2, NULL, NULL));
    memset(value, 'x', sizeof value);
    CHECK_OK(POLL_ONE(producer, 5000, &report, NULL));
    CHECK(report != NULL && ottla_report_batch(report)->count == 2);
    ottla_topic_free(topic);
    CHECK_OK(ottla_producer_free(producer));
    const ottla_record *shown = ottla_report_records(report);
    CHECK(shown == ottla_report_batch(report)->records);
    if (strcmp(retain, "true") == 0) {
        CHECK(shown[0].struct_size == sizeof record && shown[0].flags == OTTLA_RECORD_TIMESTAMP);
        CHECK(shown[0].timestamp == 1234 && shown[0].key_len == 3 && memcmp(shown[0].key, "key", 3) == 0);
        CHECK(shown[0].value_len == sizeof value);
        for (size_t i = 0; i < sizeof value; i++) {
            CHECK(((const char *)shown[0].value)[i] == 'v');
        }
        CHECK(shown[0].header_count == 2);
        CHECK(shown[0].headers[0].name_len == 5 && memcmp(shown[0].headers[0].name, "first", 5) == 0);
        CHECK(shown[0].headers[0].value_len == 1 && memcmp(shown[0].headers[0].value, "1", 1) == 0);
        CHECK(shown[0].headers[1].name_len == 6 && shown[0].headers[1].value == NULL);
        CHECK(shown[1].key == NULL && shown[1].value == NULL && shown[1].headers == NULL && shown[1].header_count == 0);
        CHECK(shown[1].timestamp == ottla_report_batch(report)->entries[1].timestamp);
    } else {
        CHECK(shown == NULL);
    }
    ottla_report_free(report);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    ottla_config *config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", argv[1], NULL));
    CHECK_OK(ottla_config_set_poll(config, ready, &ready_calls, freed));
    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    ottla_report *report = NULL, *kept = NULL;
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
    CHECK_OK(ottla_producer_topic(producer, "polled", &topic, NULL));
    int fd = ottla_producer_poll_fd(producer);
    CHECK(fd >= 0 && !readable(fd, 0));

    /* Nothing to report yet, which is no error. */
    size_t count = 7;
    CHECK_OK(ottla_producer_poll(producer, 0, &report, 1, &count, NULL));
    CHECK(report == NULL && count == 0);
    CHECK_OK(ottla_producer_poll(producer, 5, &report, 1, &count, NULL));
    CHECK(report == NULL && count == 0);

    size_t sent = 0, reported = 0;
    for (; sent < 300; sent++) {
        ottla_record record = text_record(NULL, "polled");
        set_partition(&record, (int32_t)(sent % 3));
        CHECK_OK(ottla_producer_send(producer, topic, &record, (void *)(sent + 1), NULL, NULL));
    }
    CHECK(readable(fd, 5000));
    int64_t next[3] = {0, 0, 0};
    while (reported < sent) {
        CHECK_OK(ottla_producer_poll(producer, 5000, &report, 1, &count, NULL));
        CHECK(count == 1);
        const ottla_batch *batch = ottla_report_batch(report);
        CHECK(batch->struct_size == sizeof *batch && batch->code == OTTLA_ERR_OK && batch->error == NULL);
        CHECK(strcmp(batch->topic, "polled") == 0 && batch->fate == OTTLA_FATE_WRITTEN && batch->attempts == 1);
        CHECK(batch->partition >= 0 && batch->partition < 3 && batch->count > 0 && batch->latency_us >= 0);
        for (size_t i = 0; i < batch->count; i++) {
            const ottla_delivery_entry *entry = &batch->entries[i];
            CHECK(entry->offset == batch->base_offset + (int64_t)i && entry->timestamp > 0);
            CHECK(entry->tag == (uint64_t)(next[batch->partition] * 3 + batch->partition + 1));
            CHECK(entry->userdata == (void *)(uintptr_t)entry->tag && entry->value == NULL && entry->value_len == 0);
            next[batch->partition]++;
            reported++;
        }
        ottla_report_free(kept);
        kept = report;
    }
    CHECK(reported == sent && !readable(fd, 0));
    ottla_counters counters;
    counters.struct_size = sizeof counters;
    CHECK_OK(ottla_producer_counters(producer, &counters, NULL));
    CHECK(counters.reports_held == 1);
    CHECK(__atomic_load_n(&ready_calls, __ATOMIC_SEQ_CST) >= 1);

    /* Reports that were queued at close are still there after it. Then CLOSED is returned, and the descriptor is
     * readable. */
    ottla_record record = text_record(NULL, "last");
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    CHECK_OK(ottla_producer_close(producer, 5000, NULL));
    CHECK(readable(fd, 0));
    CHECK_OK(POLL_ONE(producer, -1, &report, NULL));
    CHECK(ottla_report_batch(report)->count == 1);
    ottla_report_free(report);
    CHECK_CODE(OTTLA_ERR_CLOSED, ottla_producer_poll(producer, -1, &report, 1, &count, NULL));
    CHECK(count == 0 && readable(fd, 0));
    CHECK_OK(ottla_producer_free(producer));
    ottla_topic_free(topic);
    CHECK(freed_calls == 1);

    /* A thread that waits for reports returns when the producer is freed. */
    config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", argv[1], NULL));
    CHECK_OK(ottla_config_set_poll(config, NULL, NULL, NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, wait_for_the_end, producer) == 0);
    struct pollfd none = {-1, 0, 0};
    poll(&none, 1, 20);
    CHECK_OK(ottla_producer_free(producer));
    CHECK(pthread_join(thread, NULL) == 0);
    ottla_config_free(config);

    records_are_shown(argv[1], "true");
    records_are_shown(argv[1], "false");
    CHECK(ottla_report_records(NULL) == NULL);

    /* The report is valid after its producer was freed. */
    CHECK(strcmp(ottla_report_batch(kept)->topic, "polled") == 0 && ottla_report_batch(kept)->count > 0);
    ottla_report_free(kept);
    return 0;
}
