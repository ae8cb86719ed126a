/* sync: sends records one at a time and waits for the fate of each.
 *
 * Shows: ottla_producer_send_and_wait(), which is the simplest way to send and the slowest: a round trip per record. It
 * also shows what an error says, and what it says about whether the record is in the log.
 *
 * Build: cc -std=c99 -o sync sync.c $(pkg-config --cflags --libs ottla)
 * Run:   sync localhost:9092 greetings
 *
 * Prints: where each of three records was written, then why a record that is larger than max.request.size is refused:
 *
 *     written: greetings 0 17
 *     written: greetings 0 18
 *     written: greetings 0 19
 *     refused: RECORD_TOO_LARGE, retriable: no, written: no */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ottla.h>

/* Prints what failed. Returns 1, for `failures += failed(...)`. */
static int failed(const char *what, ottla_code code, ottla_error *error) {
    fprintf(stderr, "sync: %s: %s\n", what, error != NULL ? ottla_error_message(error) : ottla_code_name(code));
    ottla_error_free(error);
    return 1;
}

static int send_three(const ottla_producer *producer, const ottla_topic *topic) {
    static const char *const values[] = {"one", "two", "three"};
    for (size_t i = 0; i < 3; i++) {
        ottla_record record = {.struct_size = sizeof(ottla_record)};
        record.key = "sync";
        record.key_len = 4;
        record.value = values[i];
        record.value_len = strlen(values[i]);
        ottla_delivery delivery = {.struct_size = sizeof(ottla_delivery)};
        ottla_error *error = NULL;
        ottla_code code = ottla_producer_send_and_wait(producer, topic, &record, 30000, &delivery, &error);
        if (code != OTTLA_ERR_OK) {
            return failed("send", code, error);
        }
        printf("written: %s %" PRId32 " %" PRId64 "\n", delivery.topic, delivery.partition, delivery.offset);
    }
    return 0;
}

static int send_too_much(const ottla_producer *producer, const ottla_topic *topic) {
    static const char zeros[2 * 1024 * 1024]; /* max.request.size is 1 MiB unless it is set */
    ottla_record record = {.struct_size = sizeof(ottla_record)};
    record.value = zeros;
    record.value_len = sizeof zeros;
    ottla_delivery delivery = {.struct_size = sizeof(ottla_delivery)};
    ottla_error *error = NULL;
    ottla_code code = ottla_producer_send_and_wait(producer, topic, &record, 30000, &delivery, &error);
    if (code == OTTLA_ERR_OK) {
        fputs("sync: a record of 2 MiB was not refused\n", stderr);
        return 1;
    }
    printf("refused: %s, retriable: %s, written: %s\n", ottla_error_name(error),
           ottla_error_is_retriable(error) ? "yes" : "no",
           delivery.fate == OTTLA_FATE_NOT_WRITTEN ? "no" : delivery.fate == OTTLA_FATE_WRITTEN ? "yes" : "perhaps");
    fprintf(stderr, "sync: %s\n", ottla_error_message(error));
    ottla_error_free(error);
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fputs("usage: sync BROKERS TOPIC\n", stderr);
        return 2;
    }
    ottla_config *config = ottla_config_new();
    if (config == NULL) {
        return failed("configuration", OTTLA_ERR_INTERNAL, NULL);
    }
    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    ottla_error *error = NULL;
    int failures = 0;
    ottla_code code = ottla_config_set(config, "bootstrap.servers", argv[1], &error);
    if (code == OTTLA_ERR_OK) {
        code = ottla_producer_new(config, &producer, &error);
    }
    if (code == OTTLA_ERR_OK) {
        code = ottla_producer_topic(producer, argv[2], &topic, &error);
    }
    if (code == OTTLA_ERR_OK) {
        failures = send_three(producer, topic) + send_too_much(producer, topic);
        code = ottla_producer_close(producer, 5000, &error);
    }
    if (code != OTTLA_ERR_OK) {
        failures += failed("producer", code, error);
    }
    ottla_topic_free(topic);
    if (producer != NULL && (code = ottla_producer_free(producer)) != OTTLA_ERR_OK) {
        failures += failed("free", code, NULL);
    }
    ottla_config_free(config);
    return failures == 0 ? 0 : 1;
}
