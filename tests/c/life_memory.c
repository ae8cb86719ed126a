/* The process runs out of memory. A record that cannot be kept is refused, each accepted record is completed once,
 * and everything goes on when there is memory again. The broker in argv[1] accepts everything. */
#define _GNU_SOURCE
#include "check.h"

#include <sys/resource.h>
#include <unistd.h>

static size_t accepted, refused;
/* Counts of the callbacks. Read after a flush. */
static size_t delivered, failed, shown;

static void on_delivery(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    if (delivery->code == OTTLA_ERR_OK) {
        delivered++;
        return;
    }
    CHECK(delivery->code == OTTLA_ERR_OUT_OF_MEMORY || delivery->code == OTTLA_ERR_PURGED);
    failed++;
}

static void on_batch(const ottla_batch *batch, void *userdata) {
    for (size_t i = 0; i < batch->count; i++) {
        CHECK(batch->code != OTTLA_ERR_OK || batch->entries[i].offset >= batch->base_offset);
        /* Records that retain.records keeps are shown, if there is memory for that. */
        if (batch->records != NULL) {
            CHECK(batch->records[i].header_count == 20 && batch->records[i].headers[19].value_len == 100);
            shown++;
        }
        ottla_delivery delivery = {.struct_size = sizeof delivery, .code = batch->code};
        on_delivery(&delivery, userdata);
    }
}

/* Limits the address space to so many bytes more than the process has. */
static void limit_memory(size_t more) {
    FILE *file = fopen("/proc/self/statm", "r");
    size_t pages = 0;
    CHECK(file != NULL && fscanf(file, "%zu", &pages) == 1);
    fclose(file);
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = more == 0 ? limit.rlim_max : pages * (size_t)sysconf(_SC_PAGESIZE) + more;
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
}

struct sending {
    ottla_producer *producer;
    ottla_topic *topic;
    size_t value_len;
    int headers;
};

/* Sends one record in a way that depends on its number. Returns whether it was accepted. */
static int send_one(const struct sending *sending, size_t number) {
    static char value[1000000];
    ottla_header headers[20];
    ottla_record record = text_record(NULL, NULL);
    record.value = value;
    record.value_len = sending->value_len;
    if (sending->headers) {
        for (int i = 0; i < 20; i++) {
            headers[i] = (ottla_header){.name = "name", .name_len = 4, .value = value, .value_len = 100};
        }
        record.headers = headers;
        record.header_count = 20;
    }
    ottla_error *error = NULL;
    ottla_code code = number % 7 == 3
                          ? ottla_producer_send(sending->producer, sending->topic, &record, NULL,
                                                OPTIONS(.flags = OTTLA_SEND_NO_WAIT, .on_delivery = on_delivery),
                                                &error)
                          : ottla_producer_send(sending->producer, sending->topic, &record, NULL,
                                                NO_WAIT, &error);
    if (code == OTTLA_ERR_OK) {
        accepted++;
        return 1;
    }
    CHECK(code == OTTLA_ERR_OUT_OF_MEMORY);
    CHECK(error != NULL && strstr(ottla_error_message(error), "buffer.memory=1000000000") != NULL);
    CHECK(strstr(ottla_error_message(error), "ulimit -v") != NULL);
    ottla_error_free(error);
    refused++;
    return 0;
}

/* Nothing is sent, because nothing listens. Records are kept until no memory is left. */
static void fill(size_t value_len, int headers, int retained) {
    accepted = refused = delivered = failed = shown = 0;
    ottla_config *config = refused_config();
    CHECK_OK(ottla_config_set(config, "buffer.memory", "1000000000", NULL));
    CHECK_OK(ottla_config_set(config, "max.request.size", "2000000", NULL));
    CHECK_OK(ottla_config_set(config, "retain.records", retained ? "true" : "false", NULL));
    CHECK_OK(retained ? ottla_config_set_batch_delivery(config, on_batch, NULL, NULL)
                      : ottla_config_set_delivery(config, on_delivery, NULL, NULL));
    struct sending sending = {.value_len = value_len, .headers = headers};
    CHECK_OK(ottla_producer_new(config, &sending.producer, NULL));
    CHECK_OK(ottla_producer_topic(sending.producer, "any", &sending.topic, NULL));
    limit_memory(20 << 20);
    for (size_t number = 0; refused < 1000; number++) {
        send_one(&sending, number);
    }
    CHECK(accepted * value_len > 10 << 20);
    CHECK_OK(ottla_producer_purge(sending.producer, NULL, OTTLA_PURGE_QUEUED, -1, NULL));
    CHECK(failed == accepted);
    CHECK(send_one(&sending, 0));
    ottla_topic_free(sending.topic);
    CHECK_OK(ottla_producer_purge(sending.producer, NULL, OTTLA_PURGE_QUEUED, -1, NULL));
    CHECK_OK(ottla_producer_free(sending.producer));
    CHECK(failed == accepted && delivered == 0 && (shown > 0) == retained);
    ottla_config_free(config);
    limit_memory(0);
}

/* There is little memory while records are sent, and enough in the end. Before, there may be enough for `warm_up` records,
 * which start the threads that compress. */
static void deliver(const char *broker, const char *codec, size_t warm_up, int batches, size_t value_len) {
    accepted = refused = delivered = failed = 0;
    ottla_config *config = ottla_config_new();
    CHECK(config != NULL);
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", broker, NULL));
    CHECK_OK(ottla_config_set(config, "buffer.memory", "1000000000", NULL));
    CHECK_OK(ottla_config_set(config, "max.request.size", "2000000", NULL));
    CHECK_OK(ottla_config_set(config, "compression.type", codec, NULL));
    CHECK_OK(batches ? ottla_config_set_batch_delivery(config, on_batch, NULL, NULL)
                     : ottla_config_set_delivery(config, on_delivery, NULL, NULL));
    struct sending sending = {.value_len = value_len};
    CHECK_OK(ottla_producer_new(config, &sending.producer, NULL));
    CHECK_OK(ottla_producer_topic(sending.producer, codec, &sending.topic, NULL));
    for (size_t number = 0; number < warm_up; number++) {
        CHECK(send_one(&sending, number));
    }
    CHECK_OK(ottla_producer_flush(sending.producer, -1, 0, NULL));
    limit_memory(1 << 20);
    for (size_t number = 0; number < 20000 && accepted * value_len < 100 << 20; number++) {
        send_one(&sending, number);
    }
    CHECK_OK(ottla_producer_flush(sending.producer, -1, 0, NULL));
    CHECK(delivered + failed == accepted);
    limit_memory(0);
    size_t before = delivered;
    size_t failed_before = failed;
    for (size_t number = 0; number < 100; number++) {
        CHECK(send_one(&sending, number));
    }
    CHECK_OK(ottla_producer_flush(sending.producer, -1, 0, NULL));
    CHECK(delivered == before + 100 && failed == failed_before);
    ottla_topic_free(sending.topic);
    CHECK_OK(ottla_producer_free(sending.producer));
    ottla_config_free(config);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    if (getenv("OTTLA_CHECKER") != NULL) {
        /* Memory checkers need memory themselves. */
        return 0;
    }
    fill(1000000, 0, 0);
    fill(20000, 0, 0);
    fill(100, 0, 0);
    fill(1000, 1, 0);
    fill(1000, 1, 1);
    const char *const codecs[] = {"none", "gzip", "snappy", "lz4", "zstd"};
    for (int i = 0; i < 5; i++) {
        deliver(argv[1], codecs[i], 0, i % 2, 100000);
        deliver(argv[1], codecs[i], 100, i % 2, 100000);
        deliver(argv[1], codecs[i], 0, (i + 1) % 2, 100);
    }
    return 0;
}
