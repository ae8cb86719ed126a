/* With retain.records, callbacks show the records as they were sent: of the broker in argv[1], and of records that fail. */
#include "check.h"

/* What the callbacks expect, and what they have seen. */
struct expected {
    int retained;
    ottla_code code;
    int shown, released;
    /* Sends a failed record again as it is shown, to this topic. */
    const ottla_producer *again;
    const ottla_topic *topic;
};

/* The records are numbered by their tags, from 1. Record 3 is null, and 4 lends its value. */
enum { PLAIN = 1, WITH_HEADERS = 2, NULLS = 3, LENT = 4, OWN = 5, COUNT = 5 };

static char values[COUNT + 1][2000];

static ottla_header headers[2] = {{"first", 5, "1", 1, NULL}, {"second", 6, NULL, 0, NULL}};

static ottla_record record_of(int number) {
    ottla_record record = text_record("key", NULL);
    set_partition(&record, 0);
    set_timestamp(&record, 1000 + number);
    memset(values[number], 'a' + number, sizeof values[number]);
    record.value = values[number];
    record.value_len = sizeof values[number];
    if (number == WITH_HEADERS) {
        record.headers = headers;
        record.header_count = 2;
    } else if (number == NULLS) {
        record.key = record.value = NULL;
        record.key_len = record.value_len = 0;
    }
    return record;
}

static int is_header(const ottla_header *shown, const ottla_header *sent) {
    return shown->name_len == sent->name_len && memcmp(shown->name, sent->name, sent->name_len) == 0 &&
           shown->value_len == sent->value_len && (shown->value == NULL) == (sent->value == NULL) &&
           (sent->value == NULL || memcmp(shown->value, sent->value, sent->value_len) == 0);
}

static void check(const ottla_record *shown, int number, struct expected *expected) {
    if (!expected->retained) {
        CHECK(shown == NULL);
        return;
    }
    CHECK(shown != NULL && shown->struct_size == sizeof *shown);
    CHECK(shown->flags == OTTLA_RECORD_TIMESTAMP && shown->timestamp == 1000 + number);
    if (number == NULLS) {
        CHECK(shown->key == NULL && shown->key_len == 0 && shown->value == NULL && shown->value_len == 0);
    } else {
        CHECK(shown->key_len == 3 && memcmp(shown->key, "key", 3) == 0);
        CHECK(shown->value_len == sizeof values[number]);
        for (size_t i = 0; i < shown->value_len; i++) {
            CHECK(((const char *)shown->value)[i] == 'a' + number);
        }
    }
    CHECK(number != LENT || (shown->value == values[LENT] && expected->released == 0));
    if (number == WITH_HEADERS) {
        CHECK(shown->header_count == 2);
        CHECK(is_header(&shown->headers[0], &headers[0]) && is_header(&shown->headers[1], &headers[1]));
    } else {
        CHECK(shown->header_count == 0 && shown->headers == NULL);
    }
    expected->shown++;
    if (expected->again != NULL) {
        CHECK_OK(ottla_producer_send(expected->again, expected->topic, shown, NULL, NULL, NULL));
    }
}

static struct expected expected;

static void on_delivery(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    CHECK(delivery->struct_size == sizeof *delivery && delivery->code == expected.code);
    check(delivery->record, (int)delivery->tag, &expected);
}

static void on_batch(const ottla_batch *batch, void *userdata) {
    (void)userdata;
    CHECK(batch->struct_size == sizeof *batch && batch->code == expected.code);
    CHECK((batch->records != NULL) == expected.retained);
    for (size_t i = 0; i < batch->count; i++) {
        CHECK(batch->entries[i].tag != OWN);
        check(expected.retained ? &batch->records[i] : NULL, (int)batch->entries[i].tag, &expected);
    }
}

static void on_release(const void *value, size_t value_len, void *userdata) {
    (void)userdata;
    CHECK(value == values[LENT] && value_len == sizeof values[LENT]);
    expected.released++;
}

static void send_all(const ottla_producer *producer, const ottla_topic *topic, int extras) {
    for (int number = 1; number <= (extras ? COUNT : NULLS); number++) {
        ottla_record record = record_of(number);
        const ottla_send_options *options = number == LENT ? OPTIONS(.on_release = on_release)
                                            : number == OWN ? OPTIONS(.on_delivery = on_delivery)
                                                            : NULL;
        CHECK_OK(ottla_producer_send(producer, topic, &record, (void *)(uintptr_t)number, options, NULL));
        if (number != LENT) {
            /* A copy is shown, so the application's may change. */
            memset(values[number], 'x', sizeof values[number]);
        }
    }
}

/* With extras, one record lends its value, and one has its own function; without them all are plain. */
static void run(const char *servers, const char *codec, int batches, int retained, int extras, const ottla_producer *again,
                const ottla_topic *again_topic) {
    ottla_config *config = ottla_config_new();
    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    const int fails = again != NULL;
    expected = (struct expected){.retained = retained, .code = fails ? OTTLA_ERR_PURGED : OTTLA_ERR_OK};
    expected.again = retained ? again : NULL;
    expected.topic = again_topic;
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", fails ? "127.0.0.1:1" : servers, NULL));
    CHECK_OK(ottla_config_set(config, "retain.records", retained ? "true" : "false", NULL));
    CHECK_OK(ottla_config_set(config, "compression.type", codec, NULL));
    CHECK_OK(ottla_config_set(config, "linger.ms", "50", NULL));
    if (batches) {
        CHECK_OK(ottla_config_set_batch_delivery(config, on_batch, NULL, NULL));
    } else {
        CHECK_OK(ottla_config_set_delivery(config, on_delivery, NULL, NULL));
    }
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
    CHECK_OK(ottla_producer_topic(producer, "retained", &topic, NULL));
    send_all(producer, topic, extras);
    if (fails) {
        CHECK_OK(ottla_producer_purge(producer, NULL, OTTLA_PURGE_QUEUED, -1, NULL));
    }
    CHECK_OK(ottla_producer_flush(producer, 30000, 0, NULL));
    CHECK(expected.shown == (retained ? (extras ? COUNT : NULLS) : 0));

    /* A call that waits gets no record: it has its own. */
    if (!fails) {
        ottla_record record = record_of(PLAIN);
        ottla_delivery delivery;
        memset(&delivery, 0x55, sizeof delivery);
        delivery.struct_size = sizeof delivery;
        CHECK_OK(ottla_producer_send_and_wait(producer, topic, &record, 30000, &delivery, NULL));
        CHECK(delivery.struct_size == sizeof delivery && delivery.record == NULL);
    }
    ottla_topic_free(topic);
    CHECK_OK(ottla_producer_free(producer));
    CHECK(expected.released == extras);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    ottla_config *config = ottla_config_new();
    ottla_producer *again = NULL;
    ottla_topic *topic = NULL;
    ottla_counters counters;
    counters.struct_size = sizeof counters;
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", argv[1], NULL));
    CHECK_OK(ottla_producer_new(config, &again, NULL));
    ottla_config_free(config);
    CHECK_OK(ottla_producer_topic(again, "again", &topic, NULL));

    for (int batches = 0; batches < 2; batches++) {
        for (int retained = 0; retained < 2; retained++) {
            for (int extras = 0; extras < 2; extras++) {
                run(argv[1], "none", batches, retained, extras, NULL, NULL);
                run(argv[1], "gzip", batches, retained, extras, NULL, NULL);
                run(argv[1], "none", batches, retained, extras, again, topic);
            }
        }
    }

    /* The failed records that were shown, and sent again from the callbacks. */
    CHECK_OK(ottla_producer_flush(again, 30000, 0, NULL));
    CHECK_OK(ottla_producer_counters(again, &counters, NULL));
    CHECK(counters.records_delivered == 2 * (NULLS + COUNT) && counters.records_failed == 0);
    ottla_topic_free(topic);
    CHECK_OK(ottla_producer_free(again));
    return 0;
}
