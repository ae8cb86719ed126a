/* Every accepted record is reported exactly once, by close or by free, even if no broker could ever be reached. */
#include "check.h"

struct tally {
    int reported, closed, freed, own;
    uint64_t last_tag;
};

static void count(const ottla_delivery *delivery, void *userdata) {
    struct tally *tally = userdata;
    CHECK(delivery->struct_size == sizeof *delivery);
    CHECK(delivery->code == OTTLA_ERR_CLOSED && delivery->error != NULL);
    CHECK(ottla_error_code(delivery->error) == delivery->code);
    CHECK(strcmp(delivery->topic, "orders") == 0 && delivery->partition == -1);
    CHECK(delivery->offset == -1 && delivery->fate == OTTLA_FATE_NOT_WRITTEN);
    CHECK((uint64_t)(size_t)delivery->userdata == delivery->tag);
    CHECK(delivery->tag > tally->last_tag);
    tally->last_tag = delivery->tag;
    tally->reported++;
}

static void own(const ottla_delivery *delivery, void *userdata) {
    CHECK(delivery->userdata == userdata);
    ((struct tally *)userdata)->own++;
}

static void freed(void *userdata) {
    ((struct tally *)userdata)->freed++;
}

static void quiet(int32_t level, const char *message, void *userdata) {
    (void)level, (void)message, (void)userdata;
}

static void run(int with_close) {
    struct tally tally = {0, 0, 0, 0, 0};
    ottla_error *error = NULL;
    ottla_config *config = refused_config();
    CHECK_OK(ottla_config_set_delivery(config, count, &tally, freed));
    CHECK_OK(ottla_config_set_log(config, quiet, NULL, NULL, OTTLA_LOG_ERROR));

    ottla_producer *producer = NULL;
    CHECK_OK(ottla_producer_new(config, &producer, &error));
    ottla_config_free(config);
    CHECK(tally.freed == 0);

    ottla_topic *topic = NULL;
    CHECK_OK(ottla_producer_topic(producer, "orders", &topic, &error));
    CHECK(strcmp(ottla_topic_name(topic), "orders") == 0);

    for (size_t i = 1; i <= 100; i++) {
        ottla_record record = text_record(i % 2 ? "key" : NULL, "value");
        ottla_header headers[20];
        size_t header_count = i % 20;
        for (size_t h = 0; h < header_count; h++) {
            headers[h] = (ottla_header){"name", 4, h % 2 ? "v" : NULL, h % 2, NULL};
        }
        record.headers = headers;
        record.header_count = header_count;
        CHECK_OK(ottla_producer_send(producer, topic, &record, (void *)i, NULL, &error));
        CHECK_OK(ottla_producer_send(producer, topic, &record, &tally,
                                     OPTIONS(.flags = OTTLA_SEND_NO_WAIT, .on_delivery = own), &error));
    }
    CHECK(ottla_producer_buffered_bytes(producer) > 0);
    CHECK_CODE(OTTLA_ERR_TIMED_OUT, ottla_producer_flush(producer, 0, 0, &error));
    CHECK(error != NULL && strlen(ottla_error_message(error)) > 0);
    ottla_error_free(error);
    error = NULL;

    if (with_close) {
        CHECK_OK(ottla_producer_close(producer, 10, &error));
        CHECK(tally.reported == 100 && tally.own == 100);
        ottla_counters counters;
        counters.struct_size = sizeof counters;
        CHECK_OK(ottla_producer_counters(producer, &counters, NULL));
        CHECK(counters.records_failed == 200 && counters.records_delivered == 0);
        CHECK_OK(ottla_producer_close(producer, -1, NULL));
        ottla_record record = text_record(NULL, NULL);
        CHECK_CODE(OTTLA_ERR_CLOSED, ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    }
    CHECK_OK(ottla_producer_free(producer));
    CHECK(tally.reported == 100 && tally.own == 100);

    ottla_record record = text_record(NULL, NULL);
    CHECK_CODE(OTTLA_ERR_CLOSED, ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    CHECK_CODE(OTTLA_ERR_CLOSED, ottla_producer_flush(producer, -1, 0, NULL));
    CHECK_CODE(OTTLA_ERR_CLOSED, ottla_producer_free(producer));
    CHECK(tally.freed == 1);
    ottla_topic_free(topic);
    CHECK(tally.freed == 1);
}

int main(void) {
    for (int i = 0; i < 3; i++) {
        run(i % 2);
    }
    return 0;
}
