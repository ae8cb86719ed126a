/* Reads a topic back with librdkafka: the same arguments, output and checksum as tests/kafka/java/ReadBack.java.
 *
 *   rdkafka_read BOOTSTRAP TOPIC [--committed] [--print] [--timeout SECONDS]
 *
 * Built and run by tests/kafka/rdkafka-read. The checksum is described in tests/kafka/java/Checksum.java. */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct partition {
    int64_t count, first, last, end;
    uint64_t hash;
    int done;
};

static void die(const char *what, const char *why) {
    fflush(stdout);
    fprintf(stderr, "rdkafka_read: %s: %s\n", what, why);
    exit(1);
}

static void fold(uint64_t *hash, const void *bytes, size_t len) {
    const unsigned char *p = bytes;
    uint64_t h = *hash;
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    *hash = h;
}

static void fold_integer(uint64_t *hash, int64_t value, int size) {
    unsigned char bytes[8];
    for (int i = 0; i < size; i++)
        bytes[i] = (unsigned char)((uint64_t)value >> (8 * i));
    fold(hash, bytes, (size_t)size);
}

static void fold_bytes(uint64_t *hash, const void *bytes, size_t len) {
    fold_integer(hash, bytes ? (int64_t)len : -1, 4);
    if (bytes)
        fold(hash, bytes, len);
}

static void print_base64(const void *bytes, size_t len) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = bytes;
    if (!p) {
        putchar('-');
        return;
    }
    for (size_t i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16;
        if (i + 1 < len)
            v |= (uint32_t)p[i + 1] << 8;
        if (i + 2 < len)
            v |= p[i + 2];
        putchar(digits[v >> 18]);
        putchar(digits[v >> 12 & 63]);
        putchar(i + 1 < len ? digits[v >> 6 & 63] : '=');
        putchar(i + 2 < len ? digits[v & 63] : '=');
    }
}

/* The header at `index` of a record. Returns 0 after the last. */
static int header(const rd_kafka_headers_t *headers, size_t index, const char **name, const void **value, size_t *len) {
    return headers && !rd_kafka_header_get_all(headers, index, name, value, len);
}

/* A null key or value is a NULL pointer here. An empty one is not. */
static void record(struct partition *p, const rd_kafka_message_t *message, int print) {
    rd_kafka_headers_t *headers = NULL;
    const char *name;
    const void *value;
    size_t len, count = 0;
    int64_t timestamp = rd_kafka_message_timestamp(message, NULL);
    if (rd_kafka_message_headers(message, &headers))
        headers = NULL;
    if (print) {
        printf("%" PRId32 "\t%" PRId64 "\t%" PRId64 "\t", message->partition, message->offset, timestamp);
        print_base64(message->key, message->key_len);
        putchar('\t');
        print_base64(message->payload, message->len);
        putchar('\t');
        for (size_t i = 0; header(headers, i, &name, &value, &len); i++) {
            if (i)
                putchar(',');
            print_base64(name, strlen(name));
            putchar(':');
            print_base64(value, len);
        }
        putchar('\n');
        return;
    }
    fold_integer(&p->hash, timestamp, 8);
    fold_bytes(&p->hash, message->key, message->key_len);
    fold_bytes(&p->hash, message->payload, message->len);
    while (header(headers, count, &name, &value, &len))
        count++;
    fold_integer(&p->hash, (int64_t)count, 4);
    for (size_t i = 0; header(headers, i, &name, &value, &len); i++) {
        fold_bytes(&p->hash, name, strlen(name));
        fold_bytes(&p->hash, value, len);
    }
}

static rd_kafka_t *new_consumer(const char *bootstrap, int committed) {
    char error[512];
    const char *settings[][2] = {
        {"bootstrap.servers", bootstrap},
        {"group.id", "rdkafka_read"},
        {"isolation.level", committed ? "read_committed" : "read_uncommitted"},
        {"enable.auto.commit", "false"},
        {"enable.partition.eof", "true"},
        {"check.crcs", "true"},
        {"auto.offset.reset", "error"},
        {"fetch.wait.max.ms", "50"},
        {"queued.max.messages.kbytes", "32768"},
        {"log_level", "3"},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], error, sizeof(error)) != RD_KAFKA_CONF_OK)
            die(settings[i][0], error);
    rd_kafka_t *consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof(error));
    if (!consumer)
        die("cannot create a consumer", error);
    rd_kafka_poll_set_consumer(consumer);
    return consumer;
}

/* The number of partitions. Waits for a topic that was just created. */
static int32_t partition_count(rd_kafka_t *consumer, const char *topic, time_t deadline) {
    rd_kafka_topic_t *handle = rd_kafka_topic_new(consumer, topic, NULL);
    const struct rd_kafka_metadata *metadata;
    int32_t count = 0;
    while (!count) {
        rd_kafka_resp_err_t error = rd_kafka_metadata(consumer, 0, handle, &metadata, 5000);
        if (!error) {
            error = metadata->topics[0].err;
            if (!error)
                count = metadata->topics[0].partition_cnt;
            rd_kafka_metadata_destroy(metadata);
        }
        if (!count && time(NULL) > deadline)
            die(topic, rd_kafka_err2str(error));
        if (!count)
            nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    rd_kafka_topic_destroy(handle);
    return count;
}

int main(int argc, char **argv) {
    const char *bootstrap = NULL, *topic = NULL;
    int committed = 0, print = 0, seconds = 60;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--committed"))
            committed = 1;
        else if (!strcmp(argv[i], "--print"))
            print = 1;
        else if (!strcmp(argv[i], "--timeout") && i + 1 < argc)
            seconds = atoi(argv[++i]);
        else if (!bootstrap)
            bootstrap = argv[i];
        else
            topic = argv[i];
    }
    if (!topic)
        die("usage", "BOOTSTRAP TOPIC [--committed] [--print] [--timeout SECONDS]");

    time_t deadline = time(NULL) + seconds;
    rd_kafka_t *consumer = new_consumer(bootstrap, committed);
    int32_t count = partition_count(consumer, topic, deadline), open = 0;
    struct partition *partitions = calloc((size_t)count, sizeof(*partitions));
    if (!partitions)
        die("partitions", "no memory");
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    for (int32_t id = 0; id < count; id++) {
        struct partition *p = &partitions[id];
        int64_t low;
        *p = (struct partition){.first = -1, .last = -1, .hash = UINT64_C(0xcbf29ce484222325)};
        rd_kafka_resp_err_t error;
        while ((error = rd_kafka_query_watermark_offsets(consumer, topic, id, &low, &p->end, 5000)))
            if (time(NULL) > deadline)
                die("offsets", rd_kafka_err2str(error));
        p->done = low >= p->end;
        open += !p->done;
        if (!p->done)
            rd_kafka_topic_partition_list_add(list, topic, id)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
    rd_kafka_resp_err_t assigned = rd_kafka_assign(consumer, list);
    if (assigned)
        die("assign", rd_kafka_err2str(assigned));

    uint64_t total = 0, keys = 0, values = 0;
    deadline = time(NULL) + seconds;
    while (open) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 500);
        if (time(NULL) > deadline)
            die(topic, "nothing more to read, but not at the end");
        if (!message)
            continue;
        struct partition *p = message->partition >= 0 ? &partitions[message->partition] : NULL;
        if (p && message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            open -= !p->done;
            p->done = 1;
        } else if (message->err) {
            /* While brokers are killed, connections come and go. A lasting error ends at the deadline. */
            if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || message->err == RD_KAFKA_RESP_ERR__BAD_MSG)
                die(topic, rd_kafka_message_errstr(message));
        } else if (p && message->offset < p->end) {
            if (!p->count++)
                p->first = message->offset;
            p->last = message->offset;
            total++;
            keys += message->key_len;
            values += message->len;
            record(p, message, print);
            deadline = time(NULL) + seconds;
            if (message->offset + 1 == p->end) {
                open -= !p->done;
                p->done = 1;
            }
        } else if (p) {
            open -= !p->done;
            p->done = 1;
        }
        rd_kafka_message_destroy(message);
    }
    if (!print) {
        for (int32_t id = 0; id < count; id++)
            printf("%" PRId32 " %" PRId64 " %" PRId64 " %" PRId64 " %016" PRIx64 "\n", id, partitions[id].count,
                   partitions[id].first, partitions[id].last, partitions[id].hash);
        printf("total %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", total, keys, values);
    }
    rd_kafka_topic_partition_list_destroy(list);
    free(partitions);
    /* Not rd_kafka_consumer_close: there is no real group, and leaving it would search for a coordinator. */
    rd_kafka_destroy_flags(consumer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return 0;
}
