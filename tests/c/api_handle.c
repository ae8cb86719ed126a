/* Records that are waited for later, by handle, with the broker in argv[1] and without a broker. */
#include "check.h"

#include <pthread.h>

enum { RECORDS = 50 };

static ottla_producer *producer;
static ottla_topic *topic;
static int reported;

static void open_with(const ottla_config *config, const char *name) {
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_producer_topic(producer, name, &topic, NULL));
}

/* Any partition if `partition` is negative. */
static ottla_send *sent(int partition) {
    ottla_record record = text_record("k", "v");
    ottla_send *handle = NULL;
    if (partition >= 0) {
        set_partition(&record, partition);
    }
    set_timestamp(&record, 5);
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, OPTIONS(.handle_out = &handle), NULL));
    CHECK(handle != NULL);
    return handle;
}

static ottla_code waited(const ottla_send *handle, int64_t timeout_ms, ottla_delivery *delivery, ottla_error **error) {
    memset(delivery, 0x55, sizeof *delivery);
    delivery->struct_size = sizeof *delivery;
    return ottla_send_wait(handle, timeout_ms, delivery, error);
}

static void *wait_for(void *handle) {
    ottla_delivery delivery;
    CHECK_OK(waited(handle, 20000, &delivery, NULL));
    return NULL;
}

/* By default no callback runs for records with a handle. In a callback, a handle can be inspected but not waited
 * for. */
static void count(const ottla_delivery *delivery, void *userdata) {
    ottla_delivery mine;
    ottla_send *handle = sent(-1);
    CHECK(delivery->code == OTTLA_ERR_OK && userdata == &reported);
    CHECK_CODE(OTTLA_ERR_TIMED_OUT, waited(handle, 0, &mine, NULL));
    CHECK_CODE(OTTLA_ERR_IN_CALLBACK, waited(handle, -1, &mine, NULL));
    CHECK(mine.code == OTTLA_ERR_IN_CALLBACK && mine.fate == OTTLA_FATE_UNKNOWN);
    CHECK_OK(waited(delivery->userdata, -1, &mine, NULL));
    ottla_send_free(handle);
    reported++;
}

static void with_broker(ottla_config *config) {
    ottla_send *handles[RECORDS];
    ottla_delivery delivery;
    pthread_t threads[4];
    open_with(config, "handles");
    for (int i = 0; i < RECORDS; i++) {
        handles[i] = sent(0);
    }
    CHECK_CODE(OTTLA_ERR_TIMED_OUT, waited(handles[0], 0, &delivery, NULL));
    CHECK(delivery.code == OTTLA_ERR_TIMED_OUT && delivery.fate == OTTLA_FATE_UNKNOWN && delivery.offset == -1);
    CHECK(delivery.partition == 0 && delivery.timestamp == 5 && delivery.error == NULL);
    for (int i = 0; i < 4; i++) {
        CHECK(pthread_create(&threads[i], NULL, wait_for, handles[RECORDS - 1]) == 0);
    }
    for (int i = 0; i < RECORDS; i++) {
        CHECK_OK(waited(handles[i], 20000, &delivery, NULL));
        CHECK(delivery.code == OTTLA_ERR_OK && delivery.fate == OTTLA_FATE_WRITTEN && delivery.offset >= 0);
        CHECK(delivery.partition == 0 && delivery.attempts == 1 && strcmp(delivery.topic, "handles") == 0);
        CHECK(delivery.value == NULL && delivery.userdata == NULL && delivery.struct_size == sizeof delivery);
    }
    for (int i = 0; i < 4; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    CHECK(reported == 0);
    ottla_record record = text_record(NULL, "reported of");
    CHECK_OK(ottla_producer_send(producer, topic, &record, handles[0], NULL, NULL));
    CHECK_OK(ottla_producer_flush(producer, 20000, 0, NULL));
    CHECK(reported == 1);

    /* A record whose handle is freed before it is decided is delivered all the same. A handle keeps its outcome. */
    ottla_send_free(sent(0));
    CHECK_OK(ottla_producer_close(producer, 20000, NULL));
    ottla_topic_free(topic);
    CHECK_OK(ottla_producer_free(producer));
    CHECK_OK(waited(handles[1], -1, &delivery, NULL));
    CHECK(strcmp(delivery.topic, "handles") == 0);
    for (int i = 0; i < RECORDS; i++) {
        ottla_send_free(handles[i]);
    }
}

static void without_broker(void) {
    ottla_delivery delivery;
    ottla_error *error = NULL;
    ottla_config *config = refused_config();
    open_with(config, "nowhere");
    ottla_send *handle = sent(3);
    CHECK_CODE(OTTLA_ERR_TIMED_OUT, waited(handle, 10, &delivery, &error));
    CHECK(error != NULL && ottla_error_code(error) == OTTLA_ERR_TIMED_OUT);
    ottla_error_free(error);
    CHECK_OK(ottla_producer_free(producer));
    CHECK_CODE(OTTLA_ERR_CLOSED, waited(handle, -1, &delivery, &error));
    CHECK(delivery.code == OTTLA_ERR_CLOSED && delivery.fate == OTTLA_FATE_NOT_WRITTEN && delivery.partition == -1);
    CHECK(ottla_error_code(error) == OTTLA_ERR_CLOSED);
    ottla_error_free(error);
    ottla_record record = text_record(NULL, "v");
    ottla_send *none = NULL;
    CHECK_CODE(OTTLA_ERR_CLOSED, ottla_producer_send(producer, topic, &record, NULL, OPTIONS(.handle_out = &none),
                                                     NULL));
    CHECK(none == NULL);
    ottla_topic_free(topic);
    ottla_send_free(handle);
    ottla_config_free(config);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    ottla_config *config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", argv[1], NULL));
    CHECK_OK(ottla_config_set(config, "linger.ms", "100", NULL));
    CHECK_OK(ottla_config_set_delivery(config, count, &reported, NULL));
    with_broker(config);
    without_broker();
    ottla_config_free(config);
    return 0;
}
