/* Purge: lingering records, records whose topic cannot become known, a purge in a callback, and invalid arguments. */
#include "check.h"

static ottla_producer *producer;
static ottla_topic *first, *second;
static int reported[3];
static ottla_code in_callback_waiting, in_callback_asking;

/* Tags: 0 and 1 for the two topics, 2 for the record whose callback purges. */
static void purged(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    uintptr_t tag = (uintptr_t)delivery->userdata;
    CHECK(tag < 3);
    CHECK(delivery->code == OTTLA_ERR_PURGED && delivery->fate == OTTLA_FATE_NOT_WRITTEN && delivery->attempts == 0);
    CHECK(strstr(ottla_error_message(delivery->error), "purge") != NULL);
    reported[tag]++;
    if (tag == 2) {
        in_callback_waiting = ottla_producer_purge(producer, NULL, OTTLA_PURGE_QUEUED, 1000, NULL);
        in_callback_asking = ottla_producer_purge(producer, NULL, OTTLA_PURGE_QUEUED, 0, NULL);
    }
}

static void send(const ottla_topic *topic, uintptr_t tag, int count) {
    ottla_record record = text_record(NULL, "purged");
    for (int i = 0; i < count; i++) {
        CHECK_OK(ottla_producer_send(producer, topic, &record, (void *)tag, NULL, NULL));
    }
}

static void refused(uint32_t flags, int64_t timeout_ms, const char *word) {
    ottla_error *error = NULL;
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_producer_purge(producer, first, flags, timeout_ms, &error));
    CHECK(strstr(ottla_error_message(error), word) != NULL);
    ottla_error_free(error);
}

int main(void) {
    ottla_config *config = refused_config();
    CHECK_OK(ottla_config_set_delivery(config, purged, NULL, NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_producer_topic(producer, "first", &first, NULL));
    CHECK_OK(ottla_producer_topic(producer, "second", &second, NULL));
    const uint32_t both = OTTLA_PURGE_QUEUED | OTTLA_PURGE_IN_FLIGHT;

    /* Purges one topic, then all. Other records stay. */
    send(first, 0, 10);
    send(second, 1, 20);
    CHECK_OK(ottla_producer_purge(producer, first, both, -1, NULL));
    CHECK(reported[0] == 10 && reported[1] == 0);
    CHECK_OK(ottla_producer_purge(producer, NULL, OTTLA_PURGE_IN_FLIGHT, -1, NULL));
    CHECK(reported[0] == 10 && reported[1] == 0);
    CHECK(ottla_producer_buffered_bytes(producer) > 0);
    CHECK_OK(ottla_producer_purge(producer, NULL, OTTLA_PURGE_QUEUED, 5000, NULL));
    CHECK(reported[0] == 10 && reported[1] == 20);
    CHECK(ottla_producer_buffered_bytes(producer) == 0);
    CHECK_OK(ottla_producer_flush(producer, -1, 0, NULL));

    /* Nothing to purge is no error. */
    CHECK_OK(ottla_producer_purge(producer, NULL, both, -1, NULL));

    /* In a callback, a purge cannot wait, but can be requested. */
    send(second, 2, 1);
    CHECK_OK(ottla_producer_purge(producer, NULL, both, -1, NULL));
    CHECK(reported[2] == 1 && in_callback_waiting == OTTLA_ERR_IN_CALLBACK && in_callback_asking == OTTLA_ERR_OK);

    refused(0, -1, "neither");
    refused(4, -1, "flags is 4");
    refused(both, -2, "timeout_ms is -2");
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_producer_purge(NULL, first, both, 0, NULL));

    ottla_producer *other = NULL;
    ottla_error *error = NULL;
    CHECK_OK(ottla_producer_new(config, &other, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_producer_purge(other, first, both, 0, &error));
    CHECK(strstr(ottla_error_message(error), "another producer") != NULL);
    ottla_error_free(error);
    CHECK_OK(ottla_producer_free(other));

    CHECK_OK(ottla_producer_close(producer, 0, NULL));
    CHECK_OK(ottla_producer_purge(producer, NULL, both, -1, NULL));
    CHECK_OK(ottla_producer_free(producer));
    CHECK_CODE(OTTLA_ERR_CLOSED, ottla_producer_purge(producer, NULL, both, -1, NULL));
    ottla_topic_free(first);
    ottla_topic_free(second);
    ottla_config_free(config);
    return 0;
}
