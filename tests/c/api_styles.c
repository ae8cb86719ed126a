/* The three ways to send, against the broker in argv[1]: wait for each record, send and forget, be called back; then
 * acks=0. */
#include "check.h"

static ottla_producer *producer;
static ottla_topic *topic;

static void open_with(const ottla_config *config) {
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_producer_topic(producer, "styles", &topic, NULL));
}

static void shut(void) {
    CHECK_OK(ottla_producer_close(producer, 10000, NULL));
    ottla_counters counters;
    counters.struct_size = sizeof counters;
    CHECK_OK(ottla_producer_counters(producer, &counters, NULL));
    CHECK(counters.records_delivered == 20 && counters.records_failed == 0);
    CHECK_OK(ottla_producer_free(producer));
    ottla_topic_free(topic);
}

static void synchronous(const ottla_config *config, int acks) {
    open_with(config);
    ottla_record record = text_record("key", "synchronous");
    int64_t last = -1;
    for (int i = 0; i < 20; i++) {
        ottla_delivery reported;
        reported.struct_size = sizeof reported;
        CHECK_OK(ottla_producer_send_and_wait(producer, topic, &record, 10000, &reported, NULL));
        CHECK(reported.code == OTTLA_ERR_OK && reported.error == NULL && reported.partition >= 0);
        CHECK(reported.fate == (acks ? OTTLA_FATE_WRITTEN : OTTLA_FATE_UNKNOWN));
        CHECK(acks ? reported.offset == last + 1 || last == -1 : reported.offset == -1);
        last = reported.offset;
    }
    shut();
}

static void fire_and_forget(const ottla_config *config) {
    open_with(config);
    for (int i = 0; i < 20; i++) {
        ottla_record record = text_record("key", "forgotten");
        CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    }
    shut();
}

struct seen {
    size_t count;
    int acks;
    int64_t last;
};

static void on_delivery(const ottla_delivery *delivery, void *userdata) {
    struct seen *seen = userdata;
    CHECK(delivery->code == OTTLA_ERR_OK && delivery->error == NULL);
    CHECK(delivery->tag == seen->count + 1);
    CHECK(delivery->fate == (seen->acks ? OTTLA_FATE_WRITTEN : OTTLA_FATE_UNKNOWN));
    CHECK(seen->acks ? delivery->offset == seen->last + 1 || seen->last == -1 : delivery->offset == -1);
    seen->last = delivery->offset;
    seen->count++;
}

static void called_back(ottla_config *config, int acks) {
    struct seen seen = {0, acks, -1};
    CHECK_OK(ottla_config_set_delivery(config, on_delivery, &seen, NULL));
    open_with(config);
    for (size_t i = 1; i <= 20; i++) {
        ottla_record record = text_record("key", "called back");
        CHECK_OK(ottla_producer_send(producer, topic, &record, (void *)i, NULL, NULL));
    }
    CHECK_OK(ottla_producer_flush(producer, 10000, 0, NULL));
    CHECK(seen.count == 20);
    shut();
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    for (int acks = 1; acks >= 0; acks--) {
        ottla_config *config = ottla_config_new();
        CHECK_OK(ottla_config_set(config, "bootstrap.servers", argv[1], NULL));
        CHECK_OK(ottla_config_set(config, "acks", acks ? "all" : "0", NULL));
        synchronous(config, acks);
        fire_and_forget(config);
        called_back(config, acks);
        ottla_config_free(config);
    }
    return 0;
}
