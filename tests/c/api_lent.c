/* Values that are not copied, against the broker in argv[1]: handed over and freed on release, or borrowed and
 * overwritten on release; recognized at their completion by address and length; refused without having been lent. */
#include "check.h"

#include <pthread.h>

enum { RECORDS = 60, LARGE = 5000 };

static ottla_producer *producer;
static ottla_topic *topic;
static int released, reported;

/* Handed over: on release, the value is freed. */
static void free_value(const void *value, size_t value_len, void *userdata) {
    CHECK(userdata == &released && (value == NULL) == (value_len == 0));
    free((void *)value);
    released++;
}

/* Borrowed: on release, the application may overwrite the value. */
static void overwrite(const void *value, size_t value_len, void *userdata) {
    CHECK(value_len == LARGE && userdata == value);
    memset((void *)value, 0xdd, value_len);
    released++;
}

static void knows_value(const ottla_delivery *delivery, void *userdata) {
    CHECK(userdata == NULL && delivery->code == OTTLA_ERR_OK && delivery->struct_size == sizeof *delivery);
    CHECK(delivery->value == delivery->userdata && delivery->value_len == (delivery->userdata ? LARGE : 0));
    reported++;
}

static void knows_values(const ottla_batch *batch, void *userdata) {
    CHECK(userdata == NULL && batch->code == OTTLA_ERR_OK);
    for (size_t i = 0; i < batch->count; i++) {
        const ottla_delivery_entry *entry = &batch->entries[i];
        CHECK(entry->value == entry->userdata && entry->value_len == (entry->userdata ? LARGE : 0));
        reported++;
    }
}

static void open_with(const ottla_config *config) {
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_producer_topic(producer, "lent", &topic, NULL));
    released = reported = 0;
}

static void shut(void) {
    CHECK_OK(ottla_producer_free(producer));
    ottla_topic_free(topic);
}

static ottla_record lent_record(void *value, size_t len) {
    ottla_record record = text_record("key", NULL);
    record.value = value;
    record.value_len = len;
    return record;
}

static void *filled(size_t len) {
    void *value = malloc(len);
    CHECK(value != NULL);
    memset(value, 'v', len);
    return value;
}

/* Lends values, with copied ones in between. */
static void lend(unsigned char ring[RECORDS][LARGE]) {
    for (int i = 0; i < RECORDS; i++) {
        void *value = ring != NULL ? ring[i] : filled(LARGE);
        ottla_record record = lent_record(value, LARGE);
        ottla_release_fn on_release = ring != NULL ? overwrite : free_value;
        CHECK_OK(ottla_producer_send(producer, topic, &record, value,
                                     OPTIONS(.on_release = on_release, .release_userdata = ring ? value : &released),
                                     NULL));
        record = text_record(NULL, "copied");
        CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    }
}

static void polled(void) {
    while (reported < 2 * RECORDS) {
        ottla_report *report = NULL;
        CHECK_OK(POLL_ONE(producer, 10000, &report, NULL));
        CHECK(report != NULL);
        knows_values(ottla_report_batch(report), NULL);
        ottla_report_free(report);
    }
}

/* Small, empty and null values are released, too. */
static void small(void) {
    size_t lens[] = {0, 1, 100, 1023, 1024};
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        ottla_record record = lent_record(lens[i] ? filled(lens[i]) : NULL, lens[i]);
        CHECK_OK(ottla_producer_send(producer, topic, &record, NULL,
                                     OPTIONS(.flags = OTTLA_SEND_NO_WAIT, .on_release = free_value, .release_userdata = &released),
                                     NULL));
    }
    CHECK_OK(ottla_producer_flush(producer, 10000, 0, NULL));
    CHECK(released == 5);
}

static void never(const void *value, size_t value_len, void *userdata) {
    (void)value, (void)value_len, (void)userdata;
    CHECK(!"a value that was not accepted was given back");
}

static void refused(void) {
    static unsigned char value[2000000];
    ottla_error *error = NULL;
    ottla_record record = lent_record(value, sizeof value);
    CHECK_CODE(OTTLA_ERR_RECORD_TOO_LARGE,
               ottla_producer_send(producer, topic, &record, NULL, OPTIONS(.on_release = never), &error));
    CHECK(strstr(ottla_error_message(error), "max.request.size") != NULL);
    ottla_error_free(error);
    record.value_len = 500000; /* buffer.memory is 400000 */
    CHECK_CODE(OTTLA_ERR_RECORD_TOO_LARGE,
               ottla_producer_send(producer, topic, &record, NULL,
                                   OPTIONS(.flags = OTTLA_SEND_NO_WAIT, .on_release = never), NULL));
    CHECK_CODE(OTTLA_ERR_RECORD_TOO_LARGE, ottla_producer_send(producer, topic, &record, NULL,
                                                               OPTIONS(.on_release = never), NULL));
    record.value_len = 5000;
    set_partition(&record, 1000);
    CHECK_CODE(OTTLA_ERR_UNKNOWN_PARTITION,
               ottla_producer_send(producer, topic, &record, NULL, OPTIONS(.on_release = never), NULL));
    record = lent_record(value, 5000);
    CHECK_OK(ottla_producer_close(producer, 10000, NULL));
    CHECK_CODE(OTTLA_ERR_CLOSED, ottla_producer_send(producer, topic, &record, NULL, OPTIONS(.on_release = never),
                                                     NULL));
    CHECK(ottla_producer_buffered_bytes(producer) == 0);
}

/* More than buffer.memory holds, from two threads, so that both wait for room. */
static void *flood(void *unused) {
    (void)unused;
    for (int i = 0; i < 200; i++) {
        ottla_record record = lent_record(filled(20000), 20000);
        CHECK_OK(ottla_producer_send(producer, topic, &record, NULL,
                                     OPTIONS(.on_release = free_value, .release_userdata = &released), NULL));
    }
    return NULL;
}

static void flooded(void) {
    pthread_t threads[2];
    CHECK(pthread_create(&threads[0], NULL, flood, NULL) == 0 && pthread_create(&threads[1], NULL, flood, NULL) == 0);
    CHECK(pthread_join(threads[0], NULL) == 0 && pthread_join(threads[1], NULL) == 0);
    CHECK_OK(ottla_producer_flush(producer, 20000, 0, NULL));
    CHECK(released == 400 && ottla_producer_buffered_bytes(producer) == 0);
}

int main(int argc, char **argv) {
    static unsigned char ring[RECORDS][LARGE];
    const char *codecs[] = {"none", "gzip", "lz4"};
    CHECK(argc == 2);
    ottla_config *config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", argv[1], NULL));
    CHECK_OK(ottla_config_set(config, "buffer.memory", "400000", NULL));
    CHECK_OK(ottla_config_set(config, "batch.size", "30000", NULL));

    for (int i = 0; i < 3; i++) {
        CHECK_OK(ottla_config_set(config, "compression.type", codecs[i], NULL));
        CHECK_OK(ottla_config_set_delivery(config, knows_value, NULL, NULL));
        open_with(config);
        lend(NULL);
        CHECK_OK(ottla_producer_flush(producer, 10000, 0, NULL));
        CHECK(released == RECORDS && reported == 2 * RECORDS);
        CHECK(ottla_producer_buffered_bytes(producer) == 0);
        lend(ring);
        CHECK_OK(ottla_producer_close(producer, 10000, NULL));
        CHECK(released == 2 * RECORDS && reported == 4 * RECORDS);
        shut();
    }
    CHECK_OK(ottla_config_set_batch_delivery(config, knows_values, NULL, NULL));
    open_with(config);
    lend(ring);
    CHECK_OK(ottla_producer_close(producer, 10000, NULL));
    CHECK(released == RECORDS && reported == 2 * RECORDS);
    shut();

    CHECK_OK(ottla_config_set_poll(config, NULL, NULL, NULL));
    open_with(config);
    lend(NULL);
    polled();
    CHECK_OK(ottla_producer_flush(producer, 10000, 0, NULL));
    CHECK(released == RECORDS);
    shut();

    CHECK_OK(ottla_config_set_delivery(config, NULL, NULL, NULL));
    open_with(config);
    small();
    released = 0;
    flooded();
    refused();
    shut();
    ottla_config_free(config);
    return 0;
}
