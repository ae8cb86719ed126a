/* Records in flat form, each with a topic and a timeout, against the broker in argv[1]; and, without a broker, how
 * many bytes a partly refused call reports as consumed. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <time.h>

enum { HEAD = 44, VALUE = 1000, RECORDS = 100 };

static uint8_t buffer[RECORDS * (HEAD + VALUE)];
static int reported, timed_out, released;

static void put(size_t at, size_t offset, const void *bytes, size_t len) {
    memcpy(buffer + at + offset, bytes, len);
}

/* Appends a record with a value. Returns its end. */
static size_t put_record(size_t at, uint64_t tag, uint32_t topic, int32_t timeout_ms, int32_t value_len) {
    uint32_t flags = OTTLA_FLAT_VALUE;
    memset(buffer + at, 0, HEAD);
    put(at, 0, &tag, 8), put(at, 20, &flags, 4), put(at, 28, &value_len, 4);
    put(at, 36, &topic, 4), put(at, 40, &timeout_ms, 4);
    memset(buffer + at + HEAD, 'v', (size_t)value_len);
    return at + HEAD + (size_t)value_len;
}

/* The tag says which topic the record is for. */
static void goes_where_it_should(const ottla_delivery *delivery, void *userdata) {
    const char *names[] = {"first", "second", "third"};
    CHECK(delivery->code == OTTLA_ERR_OK && strcmp(delivery->topic, names[delivery->tag % 3]) == 0);
    CHECK(userdata == NULL || userdata == delivery->userdata);
    reported++;
}

static void release(const void *value, size_t value_len, void *userdata) {
    CHECK((const uint8_t *)value > buffer && value_len == VALUE && userdata == NULL);
    __atomic_add_fetch(&released, 1, __ATOMIC_SEQ_CST);
}

static void topics_of_records(const char *servers) {
    ottla_config *config = ottla_config_new();
    ottla_producer *producer = NULL;
    ottla_topic *made[3];
    size_t len = 0, accepted = 0, consumed = 0;
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", servers, NULL));
    CHECK_OK(ottla_config_set_delivery(config, goes_where_it_should, NULL, NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
    CHECK_OK(ottla_producer_topic(producer, "first", &made[0], NULL));
    CHECK_OK(ottla_producer_topic(producer, "second", &made[1], NULL));
    CHECK_OK(ottla_producer_topic(producer, "third", &made[2], NULL));
    const ottla_topic *topics[] = {made[0], made[1], made[2]};
    for (uint64_t tag = 1; tag <= RECORDS; tag++) {
        len = put_record(len, tag, (uint32_t)(tag % 3), tag % 2 ? 30000 : 0, VALUE);
    }
    CHECK_OK(ottla_producer_send_flat(producer, topics, 3, buffer, len, RECORDS, NULL, &accepted, &consumed, NULL));
    CHECK(accepted == RECORDS && consumed == len);
    CHECK_OK(ottla_producer_flush(producer, 20000, 0, NULL));
    CHECK(reported == RECORDS);
    /* The same with a delivery function, and with values that stay in the buffer. */
    CHECK_OK(ottla_producer_send_flat(producer, topics, 3, buffer, len, RECORDS,
                                      OPTIONS(.on_delivery = goes_where_it_should, .on_release = release), &accepted,
                                      &consumed, NULL));
    CHECK_OK(ottla_producer_flush(producer, 20000, 0, NULL));
    CHECK(reported == 2 * RECORDS && released == RECORDS);

    ottla_error *error = NULL;
    ottla_send *handle = NULL;
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_producer_send_flat(producer, topics, 2, buffer, len, RECORDS, NULL,
                                                                    &accepted, &consumed, &error));
    CHECK(accepted == 0 && consumed == 0 && strstr(ottla_error_message(error), "topic is 2, and there are 2 topics"));
    ottla_error_free(error);
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT,
               ottla_producer_send_flat(producer, topics, 3, buffer, len, RECORDS, OPTIONS(.handle_out = &handle),
                                        &accepted, &consumed, NULL));
    put_record(0, 1, 1, -1, VALUE);
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_producer_send_flat(producer, topics, 3, buffer, len, RECORDS, NULL,
                                                                    &accepted, &consumed, &error));
    CHECK(strstr(ottla_error_message(error), "at byte 40, timeout_ms is -1") != NULL);
    ottla_error_free(error);
    CHECK_OK(ottla_producer_free(producer));
    CHECK(reported == 2 * RECORDS);
    for (int i = 0; i < 3; i++) {
        ottla_topic_free(made[i]);
    }
}

static void count(const ottla_delivery *delivery, void *userdata) {
    CHECK(delivery->tag >= 1 && delivery->tag <= RECORDS && userdata == NULL && delivery->fate == OTTLA_FATE_NOT_WRITTEN);
    if (delivery->code != OTTLA_ERR_CLOSED && delivery->code != OTTLA_ERR_PURGED) {
        CHECK(delivery->tag % 2 == 1);
        __atomic_add_fetch(&timed_out, 1, __ATOMIC_SEQ_CST);
    }
    reported++;
}

static void quiet(int32_t level, const char *message, void *userdata) {
    (void)level, (void)message, (void)userdata;
}

static ottla_producer *without_broker(const char *buffer_memory) {
    ottla_config *config = refused_config();
    ottla_producer *producer = NULL;
    CHECK_OK(ottla_config_set(config, "buffer.memory", buffer_memory, NULL));
    CHECK_OK(ottla_config_set(config, "max.request.size", "20000", NULL));
    CHECK_OK(ottla_config_set(config, "max.block.ms", "60000", NULL));
    CHECK_OK(ottla_config_set_delivery(config, count, NULL, NULL));
    CHECK_OK(ottla_config_set_log(config, quiet, NULL, NULL, OTTLA_LOG_ERROR));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
    reported = 0;
    return producer;
}

/* Half of the records have timeouts, which end them. The others wait until the close. */
static void timeouts_of_records(void) {
    ottla_producer *producer = without_broker("1000000");
    ottla_topic *topic = NULL;
    size_t len = 0, accepted = 0;
    CHECK_OK(ottla_producer_topic(producer, "first", &topic, NULL));
    const ottla_topic *topics[] = {topic};
    for (uint64_t tag = 1; tag <= 10; tag++) {
        len = put_record(len, tag, 0, tag % 2 ? 50 : 0, VALUE);
    }
    CHECK_OK(ottla_producer_send_flat(producer, topics, 1, buffer, len, 10, NULL, &accepted, NULL, NULL));
    for (int tries = 0; __atomic_load_n(&timed_out, __ATOMIC_SEQ_CST) < 5; tries++) {
        struct timespec wait = {0, 10000000};
        nanosleep(&wait, NULL);
        CHECK(tries < 3000);
    }
    CHECK_OK(ottla_producer_free(producer));
    CHECK(timed_out == 5 && reported == 10);
    ottla_topic_free(topic);
}

/* Records of different sizes, so that the number of bytes says more than the count. The rest can be sent from there. */
static void refused_half_way(void) {
    ottla_producer *producer = without_broker("40000");
    ottla_topic *topic = NULL;
    ottla_error *error = NULL;
    size_t ends[RECORDS + 1] = {0}, accepted = 99, consumed = 99;
    CHECK_OK(ottla_producer_topic(producer, "first", &topic, NULL));
    const ottla_topic *topics[] = {topic};
    for (size_t i = 0; i < RECORDS; i++) {
        ends[i + 1] = put_record(ends[i], i + 1, 0, 0, (int32_t)(VALUE - i));
    }
    size_t len = ends[RECORDS];
    CHECK_CODE(OTTLA_ERR_BUFFER_FULL, ottla_producer_send_flat(producer, topics, 1, buffer, len, RECORDS, NO_WAIT,
                                                               &accepted, &consumed, &error));
    CHECK(error != NULL && accepted > 0 && accepted < RECORDS && consumed == ends[accepted]);
    ottla_error_free(error);
    size_t before = accepted;
    CHECK_OK(ottla_producer_purge(producer, NULL, OTTLA_PURGE_QUEUED, 10000, NULL));
    CHECK((size_t)reported == before);
    ottla_code code = ottla_producer_send_flat(producer, topics, 1, buffer + consumed, len - consumed, RECORDS - before,
                                               NO_WAIT, &accepted, &consumed, NULL);
    CHECK((code == OTTLA_ERR_OK || code == OTTLA_ERR_BUFFER_FULL) && accepted > 0);
    CHECK(consumed == ends[before + accepted] - ends[before]);
    CHECK_OK(ottla_producer_free(producer));
    CHECK((size_t)reported == before + accepted);
    ottla_topic_free(topic);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    topics_of_records(argv[1]);
    timeouts_of_records();
    refused_half_way();
    return 0;
}
