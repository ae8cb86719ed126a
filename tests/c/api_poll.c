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

    /* The report is valid after its producer was freed. */
    CHECK(strcmp(ottla_report_batch(kept)->topic, "polled") == 0 && ottla_report_batch(kept)->count > 0);
    ottla_report_free(kept);
    return 0;
}
