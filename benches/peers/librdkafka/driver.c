/* Drives librdkafka as examples-c/perf drives Ottla: the same options, and the same JSON object at the end.
 *
 * At full speed the sending thread also serves the delivery reports, with one poll per 256 records, which costs
 * librdkafka least. At a fixed rate another thread waits for them, so that none is late because the sender sleeps.
 * One by one, with one thread, the sender waits for each. */

#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>

#define POLL_MASK 255
#define KEY_LEN 8

struct options {
    const char *topic;
    uint64_t size, count, rate, threads, keys, warm_up;
    bool one_by_one;
    const char *values_file; /* NULL: random letters */
    uint64_t values;         /* how many there are */
};

struct sender {
    const struct options *options;
    const char *payload;
    uint64_t count, index, start_us;
    pthread_t thread;
};

static rd_kafka_t *producer;
static rd_kafka_topic_t *topic;
static atomic_uint_fast64_t delivered, failed; /* several threads may poll */
static atomic_bool polling;
static uint32_t *latencies; /* at a rate, and one by one; then one thread polls */
static uint64_t latency_count, latency_limit;
static uint64_t accepted_kb; /* in memory when the last record was accepted */

static uint64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000 + 1;
}

static void die(const char *what) {
    fprintf(stderr, "librdkafka driver: %s\n", what);
    exit(2);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
    (void)rk, (void)opaque;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (atomic_fetch_add(&failed, 1) == 0) {
            fprintf(stderr, "librdkafka driver: the first failure: %s\n", rd_kafka_err2str(message->err));
        }
        return;
    }
    atomic_fetch_add_explicit(&delivered, 1, memory_order_relaxed);
    if (message->_private != NULL && latency_count < latency_limit) {
        latencies[latency_count++] = (uint32_t)(now_us() - (uint64_t)(uintptr_t)message->_private);
    }
}

static void *poll_until_told(void *unused) {
    while (atomic_load(&polling)) {
        rd_kafka_poll(producer, 100);
    }
    return unused;
}

static uint64_t random_below(uint64_t *state, uint64_t limit) { /* xorshift64 */
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state % limit;
}

static void wait_until(uint64_t time_us) {
    struct timespec time = {.tv_sec = (time_t)((time_us - 1) / 1000000), .tv_nsec = (long)((time_us - 1) % 1000000 * 1000)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR) {
    }
}

static void wait_for(uint64_t decided) {
    while (atomic_load(&delivered) + atomic_load(&failed) < decided) {
        rd_kafka_poll(producer, 1000);
    }
}

static void *run_sender(void *argument) {
    struct sender *sender = argument;
    const struct options *options = sender->options;
    uint64_t random = 88172645463325252u + sender->index * 0x9e3779b97f4a7c15u;
    uint64_t before = atomic_load(&delivered) + atomic_load(&failed);
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    for (uint64_t i = 0; i < sender->count; i++) {
        uint64_t sent_us = 0, key = 0;
        if (options->rate > 0) {
            double nth = (double)(i * options->threads + sender->index);
            sent_us = sender->start_us + (uint64_t)(nth * 1e6 / (double)options->rate);
            if (now_us() < sent_us) {
                wait_until(sent_us);
            }
        } else if (options->one_by_one) {
            sent_us = now_us();
        } else if ((i & POLL_MASK) == POLL_MASK) {
            rd_kafka_poll(producer, 0);
        }
        if (options->keys > 0) {
            key = random_below(&random, options->keys);
        }
        while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, (void *)(uintptr_t)(sender->payload + i % options->values * options->size),
                                (size_t)options->size, options->keys > 0 ? &key : NULL, options->keys > 0 ? KEY_LEN : 0,
                                (void *)(uintptr_t)sent_us) != 0) {
            if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
                die(rd_kafka_err2str(rd_kafka_last_error()));
            }
            rd_kafka_poll(producer, 1);
        }
        if (options->one_by_one) {
            wait_for(before + i + 1);
        }
    }
    return NULL;
}

static uint64_t resident_kb(void) {
    uint64_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*u %" SCNu64, &pages) != 1) {
        die("/proc/self/statm cannot be read");
    }
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

/* Sends `count` records from all threads, and waits until all are delivered or failed. */
static void send_all(const struct options *options, uint64_t count, const char *payload) {
    struct sender *senders = calloc((size_t)options->threads, sizeof *senders);
    if (senders == NULL) {
        die("no memory");
    }
    uint64_t start_us = now_us();
    for (uint64_t i = 0; i < options->threads; i++) {
        senders[i] = (struct sender){.options = options, .payload = payload, .index = i, .start_us = start_us};
        senders[i].count = count / options->threads + (i < count % options->threads ? 1 : 0);
        if (pthread_create(&senders[i].thread, NULL, run_sender, &senders[i]) != 0) {
            die("no thread");
        }
    }
    for (uint64_t i = 0; i < options->threads; i++) {
        pthread_join(senders[i].thread, NULL);
    }
    accepted_kb = resident_kb();
    if (rd_kafka_flush(producer, 300000) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        die("flush: timed out");
    }
    free(senders);
}

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int by_value(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

static double mean_ms(void) {
    double sum = 0;
    for (uint64_t i = 0; i < latency_count; i++) {
        sum += latencies[i];
    }
    return latency_count > 0 ? sum / (double)latency_count / 1e3 : 0;
}

static double at_percentile_ms(double percent) {
    if (latency_count == 0) {
        return 0;
    }
    uint64_t rank = (uint64_t)((double)latency_count * percent / 100.0 + 0.5);
    return latencies[rank == 0 ? 0 : rank - 1] / 1e3;
}

static void set_property(rd_kafka_conf_t *config, const char *name, const char *value) {
    char why[512];
    if (rd_kafka_conf_set(config, name, value, why, sizeof why) != RD_KAFKA_CONF_OK) {
        die(why);
    }
}

static void read_options(int argc, char **argv, struct options *options, rd_kafka_conf_t *config) {
    static const struct option names[] = {
        {"warm-up", required_argument, NULL, 'w'}, {"values", required_argument, NULL, 'v'}, {"one-by-one", no_argument, NULL, 'o'}, {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "b:t:s:c:r:T:k:X:", names, NULL)) != -1) {
        switch (option) {
        case 'b': set_property(config, "bootstrap.servers", optarg); break;
        case 't': options->topic = optarg; break;
        case 's': options->size = strtoull(optarg, NULL, 10); break;
        case 'c': options->count = strtoull(optarg, NULL, 10); break;
        case 'r': options->rate = strtoull(optarg, NULL, 10); break;
        case 'T': options->threads = strtoull(optarg, NULL, 10); break;
        case 'k': options->keys = strtoull(optarg, NULL, 10); break;
        case 'o': options->one_by_one = true; break;
        case 'v': options->values_file = optarg; break;
        case 'w': options->warm_up = strtoull(optarg, NULL, 10); break;
        case 'X': {
            char *equals = strchr(optarg, '=');
            if (equals == NULL) {
                die("-X wants NAME=VALUE");
            }
            *equals = '\0';
            set_property(config, optarg, equals + 1);
            break;
        }
        default: die("unknown option");
        }
    }
    if (options->topic == NULL || options->count == 0 || options->threads == 0) {
        die("-b, -t, -s and -c are needed");
    }
}

static char *letters(uint64_t size) {
    char *payload = malloc((size_t)size + 1);
    if (payload == NULL) {
        die("no memory");
    }
    for (uint64_t i = 0, random = 88172645463325252u; i < size; i++) {
        payload[i] = (char)('A' + random_below(&random, 26));
    }
    return payload;
}

/* A file of values, one behind the other. */
static char *read_values(struct options *options) {
    FILE *file = fopen(options->values_file, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        die(options->values_file);
    }
    long len = ftell(file);
    options->values = len < 0 ? 0 : (uint64_t)len / options->size;
    size_t wanted = (size_t)(options->values * options->size);
    char *values = malloc(wanted);
    rewind(file);
    if (wanted == 0 || values == NULL || fread(values, 1, wanted, file) != wanted) {
        die(options->values_file);
    }
    fclose(file);
    return values;
}

int main(int argc, char **argv) {
    struct options options = {.threads = 1, .values = 1};
    char why[512];
    rd_kafka_conf_t *config = rd_kafka_conf_new();
    read_options(argc, argv, &options, config);
    rd_kafka_conf_set_dr_msg_cb(config, on_delivery);
    producer = rd_kafka_new(RD_KAFKA_PRODUCER, config, why, sizeof why);
    if (producer == NULL) {
        die(why);
    }
    topic = rd_kafka_topic_new(producer, options.topic, NULL);
    char *payload = options.values_file != NULL ? read_values(&options) : letters(options.size);
    latency_limit = options.rate > 0 || options.one_by_one ? options.count : 0;
    latencies = malloc((size_t)(latency_limit + 1) * sizeof *latencies);
    if (topic == NULL || latencies == NULL) {
        die("no topic, or no memory");
    }
    if (options.warm_up > 0) {
        struct options warm = options;
        warm.rate = 0;
        warm.one_by_one = false;
        send_all(&warm, options.warm_up, payload);
    }
    pthread_t poller;
    if (options.rate > 0) {
        atomic_store(&polling, true);
        if (pthread_create(&poller, NULL, poll_until_told, NULL) != 0) {
            die("no thread");
        }
    }
    uint64_t before = atomic_load(&delivered), before_kb = resident_kb(), start_us = now_us();
    double cpu_before = cpu_seconds();
    send_all(&options, options.count, payload);
    while (atomic_load(&delivered) + atomic_load(&failed) < before + options.count) {
        rd_kafka_poll(producer, 1); /* flush may return before the last callback on another thread does */
    }
    double seconds = (double)(now_us() - start_us) / 1e6, cpu = cpu_seconds() - cpu_before;
    if (options.rate > 0) {
        atomic_store(&polling, false);
        pthread_join(poller, NULL);
    }
    qsort(latencies, (size_t)latency_count, sizeof *latencies, by_value);
    uint64_t count = atomic_load(&delivered) - before;
    printf("{\"version\":\"%s\",\"delivered\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"seconds\":%.6f,\"cpu_seconds\":%.6f,"
           "\"latency_ms\":{\"mean\":%.4f,\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f},"
           "\"resident_kb\":{\"before\":%" PRIu64 ",\"accepted\":%" PRIu64 "}}\n",
           rd_kafka_version_str(), count, (uint64_t)atomic_load(&failed), seconds, cpu, mean_ms(), at_percentile_ms(50),
           at_percentile_ms(99), at_percentile_ms(99.9), before_kb, accepted_kb);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(producer);
    free(latencies);
    free(payload);
    return count == options.count ? 0 : 1;
}
