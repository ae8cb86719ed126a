/* Statistics against the broker in argv[1]: figures, texts, differences. They can be read at any time: while a
 * callback does not return, after close and after free. They are also reported periodically. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum { RECORDS = 120 };

static int blocking, entered, reported, freed_calls;
static ottla_producer *producer;

static void nap(void) {
    struct timespec ms = {0, 1000000};
    nanosleep(&ms, NULL);
}

static ottla_statistics *snapshot(void) {
    ottla_statistics *statistics = NULL;
    CHECK_OK(ottla_producer_statistics(producer, &statistics, NULL));
    CHECK(statistics != NULL);
    return statistics;
}

static ottla_producer_figures totals(const ottla_statistics *statistics) {
    ottla_producer_figures figures;
    figures.struct_size = sizeof figures;
    CHECK_OK(ottla_statistics_producer(statistics, &figures, NULL));
    CHECK(figures.struct_size == sizeof figures);
    return figures;
}

/* Reads statistics inside a callback. While `blocking` is set, it does not return. */
static void on_delivery(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    CHECK(delivery->code == OTTLA_ERR_OK);
    ottla_statistics *statistics = snapshot();
    CHECK(totals(statistics).callback_running_us >= 0);
    ottla_statistics_free(statistics);
    __atomic_store_n(&entered, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&blocking, __ATOMIC_SEQ_CST)) {
        nap();
    }
}

static void on_statistics(const ottla_statistics *statistics, void *userdata) {
    CHECK(userdata == &reported);
    CHECK(totals(statistics).turns > 0 && strstr(ottla_statistics_json(statistics), "\"turns\":") != NULL);
    __atomic_add_fetch(&reported, 1, __ATOMIC_SEQ_CST);
}

static void freed(void *userdata) {
    CHECK(userdata == &reported);
    freed_calls++;
}

static void send(ottla_topic *topic, int count) {
    for (int i = 0; i < count; i++) {
        ottla_record record = text_record("key", "value");
        CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    }
}

static void check_figures(const ottla_statistics *statistics) {
    ottla_producer_figures figures = totals(statistics);
    CHECK(figures.records_sent == RECORDS && figures.records_delivered == RECORDS && figures.records_failed == 0);
    CHECK(figures.records_held == 0 && figures.buffer_used_bytes == 0 && figures.buffer_total_bytes == 1048576);
    CHECK(figures.delivery_time_us.count == RECORDS && figures.queue_time_us.count == RECORDS);
    CHECK(figures.request_latency_us.count == figures.responses && figures.responses == figures.requests);
    CHECK(figures.delivery_time_us.min <= figures.delivery_time_us.p50);
    CHECK(figures.delivery_time_us.p50 <= figures.delivery_time_us.p999);
    CHECK(figures.delivery_time_us.p999 <= figures.delivery_time_us.max);
    CHECK(figures.compression_ratio == 1.0 && figures.metadata_age_us >= 0 && figures.producer_id >= 0);
    CHECK(figures.flushes == 1 && figures.callback_time_us.count > 0 && figures.topics == 2);

    uint64_t sent = 0, requests = 0;
    CHECK(ottla_statistics_topic_count(statistics) == 2);
    for (size_t i = 0; i < 2; i++) {
        ottla_topic_figures topic;
        topic.struct_size = sizeof topic;
        CHECK_OK(ottla_statistics_topic(statistics, i, &topic, NULL));
        CHECK(strcmp(topic.name, "one") == 0 || strcmp(topic.name, "other") == 0);
        CHECK(topic.records_delivered == topic.records_sent && topic.delivery_time_us.count == topic.records_sent);
        CHECK(topic.partitions > 0 && topic.partitions_without_leader == 0 && topic.records_waiting == 0);
        sent += topic.records_sent;
    }
    CHECK(sent == RECORDS);
    size_t brokers = ottla_statistics_broker_count(statistics);
    CHECK(brokers >= 2);
    int64_t partitions = 0;
    for (size_t i = 0; i < brokers; i++) {
        ottla_broker_figures broker;
        broker.struct_size = sizeof broker;
        CHECK_OK(ottla_statistics_broker(statistics, i, &broker, NULL));
        CHECK(strchr(broker.address, ':') != NULL);
        requests += broker.requests;
        partitions += broker.partitions;
    }
    CHECK(requests == figures.requests && partitions == figures.partitions);
    CHECK(ottla_statistics_error_count(statistics) == 0);
}

static void check_texts(const ottla_statistics *statistics) {
    const char *json = ottla_statistics_json(statistics);
    const char *prometheus = ottla_statistics_prometheus(statistics);
    CHECK(strstr(json, "\"client_id\":\"say \\\"hi\\\"\"") != NULL && strstr(json, "\"records_sent\":120") != NULL);
    CHECK(strstr(prometheus, "ottla_records_sent_total{client_id=\"say \\\"hi\\\"\"} 120\n") != NULL);
    CHECK(strstr(prometheus, "topic=\"other\"") != NULL);
    CHECK(json == ottla_statistics_json(statistics) && prometheus == ottla_statistics_prometheus(statistics));
}

/* A program that was compiled with an older, shorter structure. */
static void check_sizes(const ottla_statistics *statistics) {
    ottla_producer_figures figures;
    memset(&figures, 0x55, sizeof figures);
    figures.struct_size = offsetof(ottla_producer_figures, records_delivered);
    CHECK_OK(ottla_statistics_producer(statistics, &figures, NULL));
    CHECK(figures.records_sent == RECORDS && figures.records_delivered == 0x5555555555555555u);
    figures.struct_size = 0;
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_statistics_producer(statistics, &figures, NULL));
}

static void check_refusals(const ottla_statistics *statistics) {
    ottla_topic_figures topic;
    ottla_broker_figures broker;
    ottla_error_figures met;
    ottla_producer_figures figures;
    ottla_error *error = NULL;
    ottla_statistics *out = NULL;
    topic.struct_size = sizeof topic;
    broker.struct_size = sizeof broker;
    met.struct_size = sizeof met;
    figures.struct_size = sizeof figures;
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_statistics_topic(statistics, 2, &topic, &error));
    CHECK(strcmp(ottla_error_message(error), "index is 2: the snapshot has 2 topics") == 0);
    ottla_error_free(error);
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_statistics_broker(statistics, SIZE_MAX, &broker, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_statistics_error(statistics, 0, &met, NULL));

    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_producer_statistics(NULL, &out, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_producer_statistics(producer, NULL, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_statistics_since(NULL, statistics, &out, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_statistics_since(statistics, NULL, &out, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_statistics_since(statistics, statistics, NULL, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_statistics_producer(NULL, &figures, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_statistics_producer(statistics, NULL, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_statistics_broker(NULL, 0, &broker, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_statistics_broker(statistics, 0, NULL, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_statistics_topic(NULL, 0, &topic, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_statistics_topic(statistics, 0, NULL, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_statistics_error(NULL, 0, &met, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_statistics_error(statistics, 0, NULL, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_config_set_statistics(NULL, 1, on_statistics, NULL, NULL));
    CHECK(ottla_statistics_taken_ms(NULL) == 0 && ottla_statistics_span_us(NULL) == 0);
    CHECK(ottla_statistics_broker_count(NULL) == 0 && ottla_statistics_topic_count(NULL) == 0);
    CHECK(ottla_statistics_error_count(NULL) == 0);
    CHECK(strcmp(ottla_statistics_json(NULL), "{}") == 0 && strcmp(ottla_statistics_prometheus(NULL), "") == 0);
    ottla_statistics_free(NULL);
    CHECK(out == NULL);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    ottla_config *config = ottla_config_new();
    ottla_topic *one = NULL, *other = NULL;
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", argv[1], NULL));
    CHECK_OK(ottla_config_set(config, "client.id", "say \"hi\"", NULL));
    CHECK_OK(ottla_config_set(config, "buffer.memory", "1048576", NULL));
    CHECK_OK(ottla_config_set_delivery(config, on_delivery, NULL, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_config_set_statistics(config, 0, on_statistics, &reported, freed));
    CHECK(freed_calls == 0);
    CHECK_OK(ottla_config_set_statistics(config, 5, on_statistics, &reported, freed));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
    CHECK_OK(ottla_producer_topic(producer, "one", &one, NULL));
    CHECK_OK(ottla_producer_topic(producer, "other", &other, NULL));
    send(one, RECORDS / 2);
    send(other, RECORDS / 2);
    CHECK_OK(ottla_producer_flush(producer, 60000, 0, NULL));

    ottla_statistics *statistics = snapshot(), *later, *difference;
    CHECK(ottla_statistics_taken_ms(statistics) > 1600000000000 && ottla_statistics_span_us(statistics) > 0);
    check_figures(statistics);
    check_texts(statistics);
    check_sizes(statistics);
    check_refusals(statistics);

    /* The periodic report comes even if nothing else happens. */
    int before = __atomic_load_n(&reported, __ATOMIC_SEQ_CST);
    for (int i = 0; __atomic_load_n(&reported, __ATOMIC_SEQ_CST) < before + 3; i++) {
        CHECK(i < 30000);
        nap();
    }

    /* While a callback does not return, statistics show that. */
    __atomic_store_n(&entered, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&blocking, 1, __ATOMIC_SEQ_CST);
    send(one, 2);
    while (!__atomic_load_n(&entered, __ATOMIC_SEQ_CST)) {
        nap();
    }
    nap();
    later = snapshot();
    CHECK(totals(later).callback_running_us >= 1000);
    ottla_statistics_free(later);
    __atomic_store_n(&blocking, 0, __ATOMIC_SEQ_CST);
    CHECK_OK(ottla_producer_flush(producer, 60000, 0, NULL));

    /* After the close, statistics are the final ones, and no callback runs. */
    CHECK_OK(ottla_producer_close(producer, 60000, NULL));
    later = snapshot();
    CHECK(totals(later).callback_running_us == -1 && totals(later).connections_open == 0);
    CHECK_OK(ottla_statistics_since(later, statistics, &difference, NULL));
    CHECK(totals(difference).records_sent == 2 && totals(difference).delivery_time_us.count == 2);
    CHECK(ottla_statistics_span_us(difference) < ottla_statistics_span_us(later));
    ottla_statistics_free(difference);
    ottla_statistics_free(later);
    ottla_topic_free(one);
    ottla_topic_free(other);
    CHECK_OK(ottla_producer_free(producer));
    CHECK(freed_calls == 1);
    CHECK_CODE(OTTLA_ERR_CLOSED, ottla_producer_statistics(producer, &later, NULL));

    /* A snapshot outlives its producer. */
    check_figures(statistics);
    check_texts(statistics);
    ottla_statistics_free(statistics);
    return 0;
}
