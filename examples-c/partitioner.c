/* partitioner: a custom partitioner keeps one customer's records apart from all others.
 *
 * Shows: ottla_config_set_partitioner(), a custom setting (ottla.plugin.partitioner.reserved, which a .properties file
 * could hold, too), and how a partitioner looks at leaders and loads.
 *
 * Build: cc -std=c99 -o partitioner partitioner.c $(pkg-config --cflags --libs ottla)
 * Run:   partitioner localhost:9092 greetings       (a topic with two partitions or more)
 *
 * Prints: where each record went, as it is reported, then the counts:
 *
 *     gold to greetings 0
 *     iron to greetings 1
 *     tin to greetings 1
 *     ...
 *     3 of gold in partition 0, 6 of others elsewhere */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ottla.h>

/* Prints what failed. Returns 1, for `failures += failed(...)`. */
static int failed(const char *what, ottla_code code, ottla_error *error) {
    fprintf(stderr, "partitioner: %s: %s\n", what, error != NULL ? ottla_error_message(error) : ottla_code_name(code));
    ottla_error_free(error);
    return 1;
}

/* The partitioner's userdata. It does not change after configure(), so any thread may read it. */
struct reserved {
    char key[64];
};

static int32_t configure(const ottla_settings *settings, void *userdata) {
    struct reserved *reserved = userdata;
    const char *key = ottla_settings_get(settings, "ottla.plugin.partitioner.reserved");
    if (key == NULL || strlen(key) >= sizeof reserved->key) {
        return ottla_settings_fail(settings, "ottla.plugin.partitioner.reserved has to be a key of up to 63 bytes");
    }
    strcpy(reserved->key, key);
    return 0;
}

/* The reserved key has partition 0 to itself. The others share the rest: they go to the shortest queue whose leader
 * can be reached. */
static int32_t partition(const ottla_choice *choice, void *userdata) {
    const struct reserved *reserved = userdata;
    if (choice->key == NULL) {
        return ottla_choice_fail(choice, "a record without a key belongs to nobody");
    }
    if (choice->partition_count < 2) {
        return ottla_choice_fail(choice, "the topic has one partition, which is reserved");
    }
    if (choice->key_len == strlen(reserved->key) && memcmp(choice->key, reserved->key, choice->key_len) == 0) {
        return 0;
    }
    int32_t best = 1;
    uint64_t least = UINT64_MAX;
    for (int32_t i = 1; i < choice->partition_count; i++) {
        uint64_t queued = ottla_choice_queued_bytes(choice, i);
        if (ottla_choice_is_available(choice, i) && queued < least) {
            best = i;
            least = queued;
        }
    }
    return best;
}

/* The counts. Only the sender thread writes them, and main() reads them after the close. */
static int reserved_there, others_elsewhere, failures;

static void delivered(const ottla_delivery *delivery, void *userdata) {
    const char *key = delivery->userdata;
    (void)userdata;
    if (delivery->code != OTTLA_ERR_OK) {
        fprintf(stderr, "partitioner: %s: %s\n", key, ottla_error_message(delivery->error));
        failures++;
        return;
    }
    printf("%s to %s %" PRId32 "\n", key, delivery->topic, delivery->partition);
    reserved_there += strcmp(key, "gold") == 0 && delivery->partition == 0;
    others_elsewhere += strcmp(key, "gold") != 0 && delivery->partition != 0;
}

static int send_nine(const ottla_producer *producer, const ottla_topic *topic) {
    static const char *const keys[] = {"gold", "iron", "tin"};
    int refused = 0;
    for (size_t i = 0; i < 9; i++) {
        const char *key = keys[i % 3];
        ottla_record record = {.struct_size = sizeof(ottla_record)};
        record.key = key;
        record.key_len = strlen(key);
        record.value = "ore";
        record.value_len = 3;
        ottla_error *error = NULL;
        ottla_code code = ottla_producer_send(producer, topic, &record, (void *)key, NULL, &error);
        if (code != OTTLA_ERR_OK) {
            refused += failed("send", code, error);
        }
    }
    return refused;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fputs("usage: partitioner BROKERS TOPIC\n", stderr);
        return 2;
    }
    ottla_config *config = ottla_config_new();
    if (config == NULL) {
        return failed("configuration", OTTLA_ERR_INTERNAL, NULL);
    }
    struct reserved reserved;
    ottla_partitioner partitioner = {.struct_size = sizeof(ottla_partitioner)};
    partitioner.configure = configure;
    partitioner.partition = partition;
    partitioner.userdata = &reserved;
    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    ottla_error *error = NULL;
    int refused = 0;
    ottla_code code = ottla_config_set(config, "bootstrap.servers", argv[1], &error);
    if (code == OTTLA_ERR_OK) {
        code = ottla_config_set(config, "ottla.plugin.partitioner.reserved", "gold", &error);
    }
    if (code == OTTLA_ERR_OK) {
        code = ottla_config_set_partitioner(config, &partitioner, &error);
    }
    if (code == OTTLA_ERR_OK) {
        code = ottla_config_set_delivery(config, delivered, NULL, NULL);
    }
    if (code == OTTLA_ERR_OK) {
        code = ottla_producer_new(config, &producer, &error);
    }
    if (code == OTTLA_ERR_OK) {
        code = ottla_producer_topic(producer, argv[2], &topic, &error);
    }
    if (code == OTTLA_ERR_OK) {
        refused = send_nine(producer, topic);
        code = ottla_producer_close(producer, 30000, &error);
    }
    if (code != OTTLA_ERR_OK) {
        refused += failed("producer", code, error);
    }
    ottla_topic_free(topic);
    if (producer != NULL && (code = ottla_producer_free(producer)) != OTTLA_ERR_OK) {
        refused += failed("free", code, NULL);
    }
    ottla_config_free(config);
    printf("%d of gold in partition 0, %d of others elsewhere\n", reserved_there, others_elsewhere);
    return refused + failures == 0 ? 0 : 1;
}
