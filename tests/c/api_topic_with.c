/* Topics with overrides, and records with timeouts, against the broker in argv[1]. */
#include "check.h"

static ottla_producer *producer;

static ottla_config *overrides(const char *name, const char *value) {
    ottla_config *config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, name, value, NULL));
    return config;
}

/* Opens topic `name` with one override. The error message must contain `text`. */
static ottla_topic *open_with(const char *name, const char *property, const char *value, int32_t code,
                              const char *text) {
    ottla_config *config = overrides(property, value);
    ottla_topic *topic = NULL;
    ottla_error *error = NULL;
    CHECK_CODE(code, ottla_producer_topic_with(producer, name, config, &topic, &error));
    CHECK((code == OTTLA_ERR_OK) == (topic != NULL) && (code == OTTLA_ERR_OK) == (error == NULL));
    CHECK(error == NULL || strstr(ottla_error_message(error), text) != NULL);
    ottla_error_free(error);
    ottla_config_free(config);
    return topic;
}

static ottla_delivery deliver(const ottla_topic *topic, int32_t timeout_ms, int32_t code) {
    ottla_record record = text_record("k", "v");
    record.timeout_ms = timeout_ms;
    ottla_delivery reported;
    reported.struct_size = sizeof reported;
    CHECK_CODE(code, ottla_producer_send_and_wait(producer, topic, &record, 30000, &reported, NULL));
    return reported;
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    ottla_config *config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", argv[1], NULL));
    CHECK_OK(ottla_config_set(config, "enable.idempotence", "true", NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_CONFIG, ottla_config_set(config, "ottla.topic.t.buffer.memory", "1", NULL));
    CHECK_OK(ottla_config_set(config, "ottla.topic.named.in.file.linger.ms", "1", NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));

    /* Properties that topics cannot override, contradictions, and overrides that come too late. */
    CHECK(open_with("t", "buffer.memory", "1", OTTLA_ERR_INVALID_CONFIG, "topic t: buffer.memory is a property") == NULL);
    CHECK(open_with("t", "acks", "1", OTTLA_ERR_INVALID_CONFIG, "contradicts acks=1") == NULL);
    CHECK(open_with("a b", "linger.ms", "1", OTTLA_ERR_INVALID_ARGUMENT, "cannot be a topic's name") == NULL);
    CHECK(open_with("named.in.file", "linger.ms", "2", OTTLA_ERR_INVALID_STATE, "linger.ms") == NULL);
    ottla_topic *first = open_with("t", "compression.type", "lz4", OTTLA_ERR_OK, "");
    ottla_topic *again = open_with("t", "compression.type", "lz4", OTTLA_ERR_OK, "");
    ottla_topic *plain, *other;
    CHECK(open_with("t", "compression.type", "zstd", OTTLA_ERR_INVALID_STATE, "compression") == NULL);
    CHECK_OK(ottla_producer_topic(producer, "t", &plain, NULL));
    CHECK_OK(ottla_producer_topic(producer, "other", &other, NULL));
    CHECK(open_with("other", "linger.ms", "77", OTTLA_ERR_INVALID_STATE, "linger.ms") == NULL);
    ottla_config *nothing = ottla_config_new();
    ottla_topic *same;
    CHECK_OK(ottla_producer_topic_with(producer, "other", nothing, &same, NULL));
    ottla_config_free(nothing);

    CHECK(deliver(first, 0, OTTLA_ERR_OK).offset >= 0);
    CHECK(deliver(again, 60000, OTTLA_ERR_OK).offset >= 0);
    CHECK(deliver(plain, 0, OTTLA_ERR_OK).offset >= 0);
    CHECK(deliver(other, 2147483647, OTTLA_ERR_OK).offset >= 0);
    CHECK(deliver(same, -1, OTTLA_ERR_INVALID_ARGUMENT).fate == OTTLA_FATE_NOT_WRITTEN);

    ottla_topic *topics[] = {first, again, plain, other, same};
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        ottla_topic_free(topics[i]);
    }
    CHECK_OK(ottla_producer_free(producer));

    /* One topic with acks=0 while the producer has acks=all: no offset. */
    CHECK_OK(ottla_config_set(config, "enable.idempotence", "true", NULL));
    ottla_config_free(config);
    config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", argv[1], NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_topic *weak = open_with("weak", "acks", "0", OTTLA_ERR_OK, "");
    CHECK_OK(ottla_producer_topic(producer, "strong", &other, NULL));
    ottla_delivery reported = deliver(weak, 0, OTTLA_ERR_OK);
    CHECK(reported.offset == -1 && reported.fate == OTTLA_FATE_UNKNOWN);
    CHECK(deliver(other, 0, OTTLA_ERR_OK).fate == OTTLA_FATE_WRITTEN);
    ottla_topic_free(weak);
    ottla_topic_free(other);
    CHECK_OK(ottla_producer_free(producer));

    /* No broker responds. The record is reported when its own timeout has passed. */
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", "127.0.0.1:1", NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_producer_topic(producer, "t", &other, NULL));
    CHECK(deliver(other, 300, OTTLA_ERR_METADATA_TIMED_OUT).fate == OTTLA_FATE_NOT_WRITTEN);
    ottla_topic_free(other);
    CHECK_OK(ottla_producer_free(producer));
    ottla_config_free(config);
    return 0;
}
