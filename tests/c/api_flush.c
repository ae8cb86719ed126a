/* Polling several reports at once, and a flush that waits until all were polled and freed, against the broker in
 * argv[1]. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <pthread.h>
#include <time.h>

enum { PARTITIONS = 3, MANY = 64 };

static ottla_producer *producer;
static ottla_topic *topic;
static int handled;

static void pause_ms(long ms) {
    struct timespec wait = {0, ms * 1000000};
    nanosleep(&wait, NULL);
}

static void open_polled(const char *servers) {
    ottla_config *config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", servers, NULL));
    CHECK_OK(ottla_config_set_poll(config, NULL, NULL, NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
    CHECK_OK(ottla_producer_topic(producer, "flushed", &topic, NULL));
}

/* Sends one record to each partition, so that as many reports are queued when this returns. */
static void send_round(void) {
    for (int32_t partition = 0; partition < PARTITIONS; partition++) {
        ottla_record record = text_record("k", "v");
        set_partition(&record, partition);
        CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    }
    CHECK_OK(ottla_producer_flush(producer, 20000, 0, NULL));
}

static void several_at_once(void) {
    ottla_report *reports[MANY] = {NULL};
    size_t count = 99;
    send_round();
    send_round();
    CHECK_OK(ottla_producer_poll(producer, -1, reports, 2, &count, NULL));
    CHECK(count == 2 && reports[0] != NULL && reports[1] != NULL && reports[2] == NULL);
    CHECK_OK(ottla_producer_poll(producer, -1, reports + 2, MANY - 2, &count, NULL));
    CHECK(count == 2 * PARTITIONS - 2 && reports[2 * PARTITIONS] == NULL);
    int64_t last[PARTITIONS] = {-1, -1, -1};
    for (int i = 0; i < 2 * PARTITIONS; i++) {
        const ottla_batch *batch = ottla_report_batch(reports[i]);
        CHECK(batch->count == 1 && batch->base_offset > last[batch->partition]);
        last[batch->partition] = batch->base_offset;
        ottla_report_free(reports[i]);
    }
    CHECK_OK(ottla_producer_poll(producer, 0, reports, MANY, &count, NULL));
    CHECK(count == 0);
}

static void still_waits_for(const char *what) {
    ottla_error *error = NULL;
    CHECK_CODE(OTTLA_ERR_TIMED_OUT, ottla_producer_flush(producer, 20, OTTLA_FLUSH_POLLED, &error));
    if (strstr(ottla_error_message(error), what) == NULL) {
        fprintf(stderr, "\"%s\" should name %s\n", ottla_error_message(error), what);
        exit(1);
    }
    ottla_error_free(error);
    CHECK_CODE(OTTLA_ERR_TIMED_OUT, ottla_producer_flush(producer, 0, OTTLA_FLUSH_POLLED, NULL));
}

/* The flush waits until the reports are freed, in any order. */
static void until_freed(void) {
    ottla_report *reports[PARTITIONS];
    size_t count = 0;
    CHECK_OK(ottla_producer_flush(producer, 0, OTTLA_FLUSH_POLLED, NULL));
    send_round();
    still_waits_for("3 reports");
    CHECK_OK(ottla_producer_poll(producer, 0, reports, PARTITIONS, &count, NULL));
    CHECK(count == PARTITIONS);
    still_waits_for("3 reports");
    ottla_report_free(reports[1]);
    ottla_report_free(reports[2]);
    still_waits_for("1 report");
    ottla_report_free(reports[0]);
    CHECK_OK(ottla_producer_flush(producer, 0, OTTLA_FLUSH_POLLED, NULL));
}

/* Takes reports, slowly, until the producer is closed. */
static void *handle_all(void *unused) {
    (void)unused;
    ottla_report *reports[2];
    size_t count = 0;
    while (ottla_producer_poll(producer, -1, reports, 2, &count, NULL) == OTTLA_ERR_OK) {
        for (size_t i = 0; i < count; i++) {
            pause_ms(5);
            __atomic_add_fetch(&handled, (int)ottla_report_batch(reports[i])->count, __ATOMIC_SEQ_CST);
            ottla_report_free(reports[i]);
        }
    }
    return NULL;
}

/* When the flush returns, reports polled by another thread are handled. */
static void while_another_thread_polls(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, handle_all, NULL) == 0);
    for (int round = 1; round <= 5; round++) {
        send_round();
        CHECK_OK(ottla_producer_flush(producer, -1, OTTLA_FLUSH_POLLED, NULL));
        CHECK(__atomic_load_n(&handled, __ATOMIC_SEQ_CST) == round * PARTITIONS);
    }
    CHECK_OK(ottla_producer_close(producer, -1, NULL));
    CHECK_OK(ottla_producer_flush(producer, -1, OTTLA_FLUSH_POLLED, NULL));
    CHECK(pthread_join(thread, NULL) == 0);
}

static void *flush_for_ever(void *unused) {
    (void)unused;
    CHECK_CODE(OTTLA_ERR_CLOSED, ottla_producer_flush(producer, -1, OTTLA_FLUSH_POLLED, NULL));
    return NULL;
}

/* Nobody polls. Freeing the producer ends the wait. */
static void until_the_producer_is_freed(void) {
    pthread_t thread;
    send_round();
    CHECK(pthread_create(&thread, NULL, flush_for_ever, NULL) == 0);
    pause_ms(50);
    CHECK_OK(ottla_producer_free(producer));
    CHECK(pthread_join(thread, NULL) == 0);
    ottla_topic_free(topic);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    open_polled(argv[1]);
    several_at_once();
    until_freed();
    while_another_thread_polls();
    CHECK_OK(ottla_producer_free(producer));
    ottla_topic_free(topic);
    open_polled(argv[1]);
    until_the_producer_is_freed();

    /* With callbacks the flag changes nothing. */
    ottla_config *config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", argv[1], NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
    CHECK_OK(ottla_producer_topic(producer, "flushed", &topic, NULL));
    send_round();
    CHECK_OK(ottla_producer_flush(producer, -1, OTTLA_FLUSH_POLLED, NULL));
    CHECK_OK(ottla_producer_free(producer));
    ottla_topic_free(topic);
    return 0;
}
