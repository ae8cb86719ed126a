/* Every way to send, against the broker in argv[1]: own callbacks, the default callback, batch callbacks, waiting;
 * and what a callback may call. */
#include "check.h"

#include <errno.h>
#include <pthread.h>

static ottla_producer *producer;
static ottla_topic *topic;
static int by_default, own, sent_inside, batched, batch_calls;

static void inside(const ottla_delivery *delivery, void *userdata) {
    CHECK(delivery->code == OTTLA_ERR_OK && delivery->error == NULL && delivery->userdata == userdata);
    own++;
    ottla_record record = text_record(NULL, "from inside");
    if (userdata != NULL) {
        ottla_delivery waited;
        waited.struct_size = sizeof waited;
        CHECK_CODE(OTTLA_ERR_IN_CALLBACK, ottla_producer_flush(producer, -1, 0, NULL));
        CHECK_CODE(OTTLA_ERR_IN_CALLBACK, ottla_producer_close(producer, -1, NULL));
        CHECK_CODE(OTTLA_ERR_IN_CALLBACK, ottla_producer_free(producer));
        CHECK_CODE(OTTLA_ERR_IN_CALLBACK, ottla_producer_send_and_wait(producer, topic, &record, 10, &waited, NULL));
        CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, OPTIONS(.on_delivery = inside), NULL));
        sent_inside++;
    }
    errno = 42;
}

static void count(const ottla_delivery *delivery, void *userdata) {
    CHECK(userdata == &by_default && delivery->code == OTTLA_ERR_OK && delivery->fate == OTTLA_FATE_WRITTEN);
    CHECK(delivery->partition >= 0 && delivery->offset >= 0 && delivery->timestamp > 0 && delivery->attempts == 1);
    CHECK(delivery->latency_us >= 0);
    by_default++;
}

static void batch(const ottla_batch *batch, void *userdata) {
    CHECK(userdata == &batched && batch->struct_size == sizeof *batch && batch->code == OTTLA_ERR_OK);
    CHECK(strcmp(batch->topic, "sent") == 0 && batch->error == NULL && batch->count > 0);
    for (size_t i = 0; i < batch->count; i++) {
        CHECK((uint64_t)(size_t)batch->entries[i].userdata == batch->entries[i].tag);
        CHECK(batch->entries[i].offset >= batch->base_offset && batch->entries[i].timestamp > 0);
    }
    batched += (int)batch->count;
    batch_calls++;
}

static void put(uint8_t **at, const void *bytes, size_t len) {
    memcpy(*at, bytes, len);
    *at += len;
}

/* A record in flat form for the first topic: null key, value "flat", one header. */
static void put_flat(uint8_t **at, uint64_t tag) {
    uint32_t flags = OTTLA_FLAT_VALUE, header_count = 1;
    int32_t key_len = 0, value_len = 4, name_len = 1;
    static const uint8_t zeros[12];
    put(at, &tag, 8), put(at, zeros, 12), put(at, &flags, 4), put(at, &key_len, 4), put(at, &value_len, 4);
    put(at, &header_count, 4), put(at, zeros, 8), put(at, "flat", 4), put(at, &name_len, 4), put(at, zeros, 8), put(at, "h", 1);
}

static void open_with(ottla_config *config) {
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_producer_topic(producer, "sent", &topic, NULL));
}

static void shut(void) {
    CHECK_OK(ottla_producer_close(producer, 5000, NULL));
    CHECK_OK(ottla_producer_free(producer));
    ottla_topic_free(topic);
}

static void many(void) {
    ottla_record records[50];
    void *userdatas[50];
    ottla_header header = {"h", 1, "", 0, NULL};
    size_t accepted = 99;
    for (size_t i = 0; i < 50; i++) {
        records[i] = text_record("key", "value");
        records[i].headers = &header;
        records[i].header_count = i % 2;
        userdatas[i] = (void *)(i + 1);
    }
    CHECK_OK(ottla_producer_send_many(producer, topic, records, 50, userdatas, NULL, &accepted, NULL));
    CHECK(accepted == 50);
    records[30].value = NULL;
    ottla_error *error = NULL;
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT,
               ottla_producer_send_many(producer, topic, records, 50, NULL, NO_WAIT,
                                        &accepted, &error));
    CHECK(accepted == 30 && strstr(ottla_error_message(error), "records[30]") != NULL);
    ottla_error_free(error);

    uint8_t buffer[4096], *at = buffer;
    for (uint64_t tag = 1; tag <= 20; tag++) {
        put_flat(&at, tag);
    }
    size_t len = (size_t)(at - buffer);
    const ottla_topic *topics[] = {topic};
    size_t consumed = 99;
    CHECK_OK(ottla_producer_send_flat(producer, topics, 1, buffer, len, 20, NULL, &accepted, &consumed, NULL));
    CHECK(accepted == 20 && consumed == len);
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT,
               ottla_producer_send_flat(producer, topics, 1, buffer, len - 1, 20, NULL, &accepted, &consumed, NULL));
    CHECK(accepted == 0 && consumed == 0);
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT,
               ottla_producer_send_flat(producer, topics, 1, buffer, len, 19, NULL, &accepted, NULL, NULL));
    /* From an odd address. */
    memmove(buffer + 1, buffer, len);
    CHECK_OK(ottla_producer_send_flat(producer, topics, 1, buffer + 1, len, 20, NULL, &accepted, NULL, NULL));
    CHECK(accepted == 20);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    ottla_config *config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", argv[1], NULL));

    /* The default callback per record. */
    CHECK_OK(ottla_config_set_delivery(config, count, &by_default, NULL));
    open_with(config);
    for (int i = 0; i < 100; i++) {
        ottla_record record = text_record(NULL, "v");
        errno = 17;
        CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
        CHECK(errno == 17);
        CHECK_OK(ottla_producer_send(producer, topic, &record, &own, OPTIONS(.on_delivery = inside), NULL));
    }
    CHECK_OK(ottla_producer_flush(producer, 5000, 0, NULL));
    CHECK(by_default == 100 && own >= 100 && sent_inside == 100);
    CHECK_OK(ottla_producer_flush(producer, 5000, 0, NULL));
    CHECK(own == 200);
    many();
    ottla_record record = text_record("k", "waited");
    ottla_delivery reported;
    reported.struct_size = sizeof reported;
    CHECK_OK(ottla_producer_send_and_wait(producer, topic, &record, 5000, &reported, NULL));
    CHECK(reported.struct_size == sizeof reported && reported.code == OTTLA_ERR_OK && reported.fate == OTTLA_FATE_WRITTEN);
    CHECK(reported.offset >= 0 && reported.partition >= 0 && reported.timestamp > 0 && strcmp(reported.topic, "sent") == 0);
    CHECK_OK(ottla_producer_flush(producer, 5000, 0, NULL));
    CHECK(by_default == 100 + 50 + 30 + 20 + 20);
    ottla_counters counters;
    memset(&counters, 0, sizeof counters);
    counters.struct_size = sizeof counters;
    CHECK_OK(ottla_producer_counters(producer, &counters, NULL));
    CHECK(counters.records_delivered == 100 + 200 + 120 + 1 && counters.records_failed == 0);
    CHECK(counters.produce_requests > 0 && counters.connections_opened > 0);
    /* An older program's smaller structure is filled as far as it goes. */
    ottla_counters older;
    memset(&older, 0x55, sizeof older);
    older.struct_size = offsetof(ottla_counters, records_failed);
    CHECK_OK(ottla_producer_counters(producer, &older, NULL));
    CHECK(older.records_delivered == 421 && older.records_failed == 0x5555555555555555u);
    set_partition(&record, 1000);
    CHECK_CODE(OTTLA_ERR_UNKNOWN_PARTITION, ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    shut();

    /* The default callback per batch. Records with their own function, or with a waiting call, are separate. */
    own = 0;
    CHECK_OK(ottla_config_set_batch_delivery(config, batch, &batched, NULL));
    open_with(config);
    many();
    record = text_record(NULL, "w");
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, OPTIONS(.on_delivery = inside), NULL));
    CHECK_OK(ottla_producer_send_and_wait(producer, topic, &record, -1, &reported, NULL));
    CHECK_OK(ottla_producer_flush(producer, 5000, 0, NULL));
    CHECK(batched == 120 && own == 1 && batch_calls > 0);
    shut();

    /* No callback at all. */
    CHECK_OK(ottla_config_set_delivery(config, NULL, NULL, NULL));
    open_with(config);
    many();
    shut();
    ottla_config_free(config);
    return 0;
}
