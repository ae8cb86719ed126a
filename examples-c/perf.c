/* perf: measures how fast records reach the brokers, at what cost, and how late their completions come.
 *
 * Shows: sending at full speed from several threads, a record or many a call; waiting for each record; sending without
 * waiting for room; counting in callbacks without locks (they run on one thread); userdata as a number.
 *
 * Build: cc -std=c99 -O2 -o perf perf.c $(pkg-config --cflags --libs ottla) -lpthread
 *
 * Prints: on standard error how far it is, each second on a terminal, elsewhere every 5 seconds. Last, also after SIGINT, on
 * standard output, one JSON object:
 *     {"records":N,"bytes":N,"seconds":S,"records_per_second":R,"cpu_seconds":S,
 *      "latency_ms":{"mean":L,"p50":L,"p95":L,"p99":L,"p999":L,"max":L},"resident_kb":{"before":N,"accepted":N},
 *      "accepted":N,"delivered":N,"failed":N}
 *
 *     perf -b localhost:9092 -t load -s 100 -c 1000000 */

#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <ottla.h>

static const char usage[] =
    "usage: perf -b BROKERS -t TOPIC -s SIZE -c COUNT [OPTION]...\n"
    "Sends COUNT records with values of SIZE bytes and prints what that took, as one JSON object.\n"
    "\n"
    "  -b, --brokers BROKERS      host:port[,host:port]...\n"
    "  -t, --topic TOPIC\n"
    "  -s, --size SIZE            bytes of each value; it is made once, of random letters\n"
    "  -c, --count COUNT          records, over all threads\n"
    "  -r, --rate RATE            records a second, over all threads; default: as fast as they are accepted\n"
    "  -T, --threads THREADS      that send; default 1\n"
    "  -k, --keys KEYS            each record has one of so many keys of 8 bytes, at random; default: null keys\n"
    "      --unlike N             values are up to N bytes shorter, each by one more than the one before; default 0\n"
    "      --values FILE          values are the first SIZE bytes of FILE, then the next, and so on, over and over\n"
    "      --batch N              send N records a call (ottla_producer_send_many), completions by batch\n"
    "      --one-by-one           wait for each record before the next is sent (ottla_producer_send_and_wait)\n"
    "      --try-send             never wait for room (OTTLA_SEND_NO_WAIT), and tell how long the calls take\n"
    "      --warm-up N            first send and deliver N records that are not measured; default 0: connecting is\n"
    "                             part of what is measured\n"
    "  -X, --property NAME=VALUE  sets a property of the producer (CONFIGURATION.md lists them); may be repeated\n"
    "  -F, --file FILE            sets those that a Java .properties file holds\n"
    "  -h, --help\n"
    "\n"
    "Numbers may be written as 1000000, 1e6, 1000k or 1M: k, M and G are thousands, millions and billions.\n"
    "SIGINT or SIGTERM ends the sending, delivers what was accepted, and prints the result; a second one gives up what is not\n"
    "delivered.\n"
    "\n"
    "`records` is COUNT, `bytes` those of the values delivered (with --unlike, at their mean length), `records_per_second`\n"
    "counts those delivered, `seconds` goes from the first send to the last completion, `cpu_seconds` is what the process\n"
    "used in that time. Latency is from the call that sends a record to its completion, taken from one record in 64; with\n"
    "-r, from all records and counted from the time at which the rate wants the record (with --batch: its call) to be sent,\n"
    "however late it was. Percentiles are exact to 1.6 %. `resident_kb` is the memory of the process before the first of these records and when\n"
    "the last was accepted (Linux; else 0). --try-send adds `call_ns`, how long the calls took, and `empty_ns`, the same of\n"
    "no call at all; latency is then not taken.\n"
    "\n"
    "Exit status: 0 if all records were delivered, 1 if not, 2 if the options or properties cannot be used.\n";

#define SAMPLED 64 /* one record in so many */
#define KEY_LEN 8

/* ---- a log-linear histogram: buckets are exact below 64, then 32 for each power of two ---- */

#define SUB_BITS 5
#define SUB_COUNT (1 << SUB_BITS)
#define BUCKETS ((64 - SUB_BITS + 1) * SUB_COUNT)

struct histogram {
    uint64_t buckets[BUCKETS];
    uint64_t count;
    uint64_t sum;
    uint64_t max;
};

static unsigned bucket_of(uint64_t value) {
    unsigned shift = 0;
    while (value >> shift >= 2 * SUB_COUNT) {
        shift++;
    }
    return shift * SUB_COUNT + (unsigned)(value >> shift);
}

/* The largest value in this bucket. */
static uint64_t bucket_end(unsigned bucket) {
    if (bucket < 2 * SUB_COUNT) {
        return bucket;
    }
    unsigned shift = bucket / SUB_COUNT - 1;
    return ((((uint64_t)bucket - shift * SUB_COUNT) + 1) << shift) - 1;
}

static void take(struct histogram *histogram, uint64_t value) {
    histogram->buckets[bucket_of(value)]++;
    histogram->count++;
    histogram->sum += value;
    if (value > histogram->max) {
        histogram->max = value;
    }
}

static void add_all(struct histogram *histogram, const struct histogram *other) {
    for (unsigned bucket = 0; bucket < BUCKETS; bucket++) {
        histogram->buckets[bucket] += other->buckets[bucket];
    }
    histogram->count += other->count;
    histogram->sum += other->sum;
    histogram->max = other->max > histogram->max ? other->max : histogram->max;
}

static double mean(const struct histogram *histogram) {
    return histogram->count > 0 ? (double)histogram->sum / (double)histogram->count : 0;
}

static uint64_t at_percentile(const struct histogram *histogram, double percent) {
    uint64_t wanted = (uint64_t)((double)histogram->count * percent / 100.0 + 0.5);
    uint64_t seen = 0;
    for (unsigned bucket = 0; bucket < BUCKETS; bucket++) {
        seen += histogram->buckets[bucket];
        if (seen > 0 && seen >= wanted) {
            uint64_t value = bucket_end(bucket);
            return value < histogram->max ? value : histogram->max;
        }
    }
    return histogram->max;
}

/* ---- shared by all ---- */

struct options {
    ottla_config *config;
    const char *topic;
    uint64_t size;
    uint64_t count;
    uint64_t rate; /* 0: no limit */
    uint64_t threads;
    uint64_t keys;  /* 0: null keys */
    uint64_t unlike;
    const char *values_file; /* NULL: random letters */
    uint64_t values;         /* how many there are */
    uint64_t batch; /* 0: a record a call */
    uint64_t warm_up;
    bool one_by_one;
    bool try_send;
};

/* Only callbacks write this, and they all run on one thread. Other threads read it when the producer is closed. */
struct tally {
    uint64_t delivered;
    uint64_t failed;
    struct histogram latency_us;
};

/* One thread that sends. */
struct sender {
    const struct options *options;
    const ottla_producer *producer;
    const ottla_topic *topic;
    const char *payload; /* all values */
    uint64_t count;
    uint64_t index; /* of the thread */
    uint64_t start_us;
    uint64_t accepted;
    ottla_error *error; /* why it stopped early */
    uint64_t random;
    pthread_t thread;
    struct tally waited; /* what this thread waited for itself */
    struct histogram call_ns, empty_ns;
};

/* The number of active senders. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static uint64_t working;
static bool interrupted;

/* Never 0: as userdata, 0 means that the latency is not measured. */
static uint64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000 + 1;
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void die(const char *what) {
    fprintf(stderr, "perf: %s\n", what);
    exit(2);
}

static void check(int number) {
    if (number != 0) {
        die(strerror(number));
    }
}

/* The signals that end the sending, and the one that ends the waiting for them. */
static sigset_t all_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGUSR1);
    return signals;
}

static void require(ottla_code code, ottla_error *error, const char *what) {
    if (code == OTTLA_ERR_OK) {
        return;
    }
    fprintf(stderr, "perf: %s: %s\n", what, error != NULL ? ottla_error_message(error) : ottla_code_name(code));
    ottla_error_free(error);
    exit(2);
}

/* ---- completions ---- */

static void count_records(struct tally *tally, ottla_code code, const ottla_error *error, uint64_t count) {
    if (code == OTTLA_ERR_OK) {
        tally->delivered += count;
        return;
    }
    if (tally->failed == 0) {
        fprintf(stderr, "perf: the first failure: %s\n", ottla_error_message(error));
    }
    tally->failed += count;
}

static void take_latency(struct tally *tally, ottla_code code, const void *userdata) {
    if (userdata != NULL && code == OTTLA_ERR_OK) {
        take(&tally->latency_us, now_us() - (uint64_t)(uintptr_t)userdata);
    }
}

/* Not inlined, because most deliveries do not need it. */
__attribute__((noinline)) static void count_one(struct tally *tally, ottla_code code, const ottla_error *error,
                                                const void *userdata) {
    count_records(tally, code, error, 1);
    take_latency(tally, code, userdata);
}

static void on_delivery(const ottla_delivery *delivery, void *userdata) {
    struct tally *tally = userdata;
    if (delivery->code == OTTLA_ERR_OK && delivery->userdata == NULL) { /* most of them */
        tally->delivered++;
    } else {
        count_one(tally, delivery->code, delivery->error, delivery->userdata);
    }
}

static void on_batch(const ottla_batch *batch, void *userdata) {
    struct tally *tally = userdata;
    const ottla_delivery_entry *end = batch->entries + batch->count;
    count_records(tally, batch->code, batch->error, batch->count);
    for (const ottla_delivery_entry *entry = batch->entries; entry < end; entry++) {
        if (entry->userdata != NULL) {
            take_latency(tally, batch->code, entry->userdata);
        }
    }
}

/* ---- sending ---- */

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

/* When record number `i` of this sender is due. */
static uint64_t due_us(const struct sender *sender, uint64_t i) {
    double nth = (double)(i * sender->options->threads + sender->index);
    return sender->start_us + (uint64_t)(nth * 1e6 / (double)sender->options->rate);
}

static ottla_record record_of(const struct options *options, const char *payload, const unsigned char *key) {
    ottla_record record = {.struct_size = sizeof(ottla_record)};
    record.value = payload;
    record.value_len = (size_t)options->size;
    if (options->keys > 0) {
        record.key = key;
        record.key_len = KEY_LEN;
    }
    return record;
}

static const char *value_in_turn(const struct options *options, const char *payload, uint64_t i) {
    return payload + i % options->values * options->size;
}

static uint64_t length_in_turn(const struct options *options, uint64_t i) {
    return options->size - i % (options->unlike + 1);
}

static void put_random_key(unsigned char *key, uint64_t *random, uint64_t keys) {
    uint64_t number = random_below(random, keys);
    memcpy(key, &number, KEY_LEN);
}

/* Sets what differs between records. Not inlined, because in most runs nothing does. */
__attribute__((noinline)) static void vary(ottla_record *record, unsigned char *key, const struct sender *sender,
                                           uint64_t *random, uint64_t i) {
    const struct options *options = sender->options;
    record->value = value_in_turn(options, sender->payload, i);
    record->value_len = (size_t)length_in_turn(options, i);
    if (options->keys > 0) {
        put_random_key(key, random, options->keys);
    }
}

static void send_each(struct sender *sender) {
    const struct options *options = sender->options;
    unsigned char key[KEY_LEN];
    /* In locals, not in memory that threads share. */
    uint64_t random = sender->random, accepted = 0;
    const uint64_t count = sender->count;
    const bool paced = options->rate > 0, varied = options->keys > 0 || options->unlike > 0 || options->values > 1;
    ottla_record record = record_of(options, sender->payload, key);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t sent_us = 0;
        if (paced) {
            sent_us = due_us(sender, i);
            if (now_us() < sent_us) {
                wait_until(sent_us);
            }
        } else if (i % SAMPLED == 0) {
            sent_us = now_us();
        }
        if (varied) {
            vary(&record, key, sender, &random, i);
        }
        ottla_code code =
            ottla_producer_send(sender->producer, sender->topic, &record, (void *)(uintptr_t)sent_us, NULL,
                                &sender->error);
        if (code != OTTLA_ERR_OK) {
            break;
        }
        accepted++;
    }
    sender->accepted = accepted;
}

static void send_batches(struct sender *sender) {
    const struct options *options = sender->options;
    size_t batch = (size_t)options->batch;
    ottla_record *records = calloc(batch, sizeof *records);
    void **userdatas = calloc(batch, sizeof *userdatas);
    uint64_t *keys = calloc(batch, sizeof *keys);
    if (records == NULL || userdatas == NULL || keys == NULL) {
        die("no memory");
    }
    for (size_t i = 0; i < batch; i++) {
        ottla_record_init(&records[i], sizeof(ottla_record));
        records[i].value = sender->payload;
        records[i].value_len = (size_t)length_in_turn(options, i);
        if (options->keys > 0) {
            records[i].key = &keys[i];
            records[i].key_len = KEY_LEN;
        }
    }
    const size_t apart = options->rate > 0 ? 1 : SAMPLED;
    uint64_t random = sender->random, all_accepted = 0;
    for (uint64_t sent = 0; sent < sender->count; sent += batch) {
        size_t count = sender->count - sent < batch ? (size_t)(sender->count - sent) : batch;
        uint64_t sent_us;
        if (options->rate > 0) {
            sent_us = due_us(sender, sent);
            if (now_us() < sent_us) {
                wait_until(sent_us);
            }
        } else {
            sent_us = now_us();
        }
        memset(userdatas, 0, batch * sizeof *userdatas);
        for (size_t i = (size_t)(-sent % apart); i < count; i += apart) {
            userdatas[i] = (void *)(uintptr_t)sent_us;
        }
        for (size_t i = 0; options->keys > 0 && i < count; i++) {
            keys[i] = random_below(&random, options->keys);
        }
        size_t accepted = 0;
        ottla_code code = ottla_producer_send_many(sender->producer, sender->topic, records, count, userdatas, NULL,
                                                   &accepted, &sender->error);
        all_accepted += accepted;
        if (code != OTTLA_ERR_OK) {
            break;
        }
    }
    sender->accepted = all_accepted;
    free(keys);
    free(userdatas);
    free(records);
}

static void send_and_wait(struct sender *sender) {
    const struct options *options = sender->options;
    unsigned char key[KEY_LEN];
    const ottla_record record = record_of(options, sender->payload, key);
    ottla_delivery delivery = {.struct_size = sizeof delivery};
    for (uint64_t i = 0; i < sender->count; i++) {
        if (options->keys > 0) {
            put_random_key(key, &sender->random, options->keys);
        }
        ottla_error *error = NULL;
        uint64_t sent_us = now_us();
        ottla_code code =
            ottla_producer_send_and_wait(sender->producer, sender->topic, &record, -1, &delivery, &error);
        if (code == OTTLA_ERR_CLOSED) { /* it was interrupted */
            sender->error = error;
            break;
        }
        count_one(&sender->waited, code, error, (void *)(uintptr_t)sent_us);
        sender->accepted++;
        ottla_error_free(error);
    }
}

static void try_to_send(struct sender *sender) {
    const struct options *options = sender->options;
    unsigned char key[KEY_LEN];
    const ottla_record record = record_of(options, sender->payload, key);
    const ottla_send_options no_wait = {.struct_size = sizeof(ottla_send_options), .flags = OTTLA_SEND_NO_WAIT};
    while (sender->accepted < sender->count) {
        if (options->keys > 0) {
            put_random_key(key, &sender->random, options->keys);
        }
        uint64_t start_ns = now_ns();
        uint64_t call_ns = now_ns();
        ottla_code code =
            ottla_producer_send(sender->producer, sender->topic, &record, NULL, &no_wait, &sender->error);
        uint64_t end_ns = now_ns();
        take(&sender->empty_ns, call_ns - start_ns);
        take(&sender->call_ns, end_ns - call_ns);
        if (code == OTTLA_ERR_OK) {
            sender->accepted++;
        } else if (code == OTTLA_ERR_BUFFER_FULL) {
            ottla_error_free(sender->error);
            sender->error = NULL;
            wait_until(now_us() + 100);
        } else {
            break;
        }
    }
}

static void *run_sender(void *argument) {
    struct sender *sender = argument;
#ifdef __linux__
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* sleep to the microsecond, not to the nearest 50 */
#endif
    const struct options *options = sender->options;
    if (options->one_by_one) {
        send_and_wait(sender);
    } else if (options->try_send) {
        try_to_send(sender);
    } else if (options->batch > 0) {
        send_batches(sender);
    } else {
        send_each(sender);
    }
    pthread_mutex_lock(&lock);
    working--;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* ---- progress ---- */

static ottla_counters counters_of(const ottla_producer *producer) {
    ottla_counters counters = {.struct_size = sizeof(ottla_counters)};
    ottla_error *error = NULL;
    ottla_code code = ottla_producer_counters(producer, &counters, &error);
    require(code, error, "counters");
    return counters;
}

/* The memory in use by the process, where the system reports it in /proc. */
static uint64_t resident_kb(void) {
    uint64_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%*u %" SCNu64, &pages) != 1) {
            pages = 0;
        }
        fclose(file);
    }
    return pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

/* Prints the progress. */
static void say_progress(const ottla_producer *producer, const struct options *options, bool terminal) {
    static uint64_t before, before_us;
    ottla_counters counters = counters_of(producer);
    uint64_t delivered = counters.records_delivered - options->warm_up, time_us = now_us();
    double rate = before_us > 0 ? (double)(delivered - before) * 1e6 / (double)(time_us - before_us) : 0;
    if (before_us > 0) {
        fprintf(stderr, "%s%" PRIu64 " of %" PRIu64 " delivered, %.0f a second, %" PRIu64 " failed%s",
                terminal ? "\r" : "perf: ", delivered, options->count, rate, counters.records_failed,
                terminal ? " " : "\n");
    }
    before = delivered;
    before_us = time_us;
}

/* Waits for a second at most. Returns true if no sender is active any more. */
static bool senders_ended(void) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 1;
    pthread_mutex_lock(&lock);
    while (working > 0 && pthread_cond_timedwait(&changed, &lock, &end) == 0) {
    }
    bool ended = working == 0;
    pthread_mutex_unlock(&lock);
    return ended;
}

/* Waits for a second at most. Returns true if every accepted record is delivered or failed. */
static bool flushed(const ottla_producer *producer) {
    ottla_error *error = NULL;
    ottla_code code = ottla_producer_flush(producer, 1000, 0, &error);
    if (code != OTTLA_ERR_TIMED_OUT && code != OTTLA_ERR_CLOSED) { /* closed: interrupted twice */
        require(code, error, "flush");
    }
    ottla_error_free(error);
    return code != OTTLA_ERR_TIMED_OUT;
}

/* Waits for the senders, and then for their records, and prints the progress meanwhile. Returns the memory in use in
 * between. */
static uint64_t wait_for_all(const ottla_producer *producer, const struct options *options) {
    bool terminal = isatty(STDERR_FILENO) == 1;
    const unsigned each = terminal ? 1 : 5;
    unsigned seconds = 0;
    say_progress(producer, options, terminal);
    while (!senders_ended()) {
        if (++seconds % each == 0) {
            say_progress(producer, options, terminal);
        }
    }
    uint64_t accepted_kb = resident_kb();
    while (!flushed(producer)) {
        if (++seconds % each == 0) {
            say_progress(producer, options, terminal);
        }
    }
    if (terminal) {
        fputc('\n', stderr);
    }
    return accepted_kb;
}

/* ---- signals ---- */

/* Waits for a signal, which is blocked in every thread. SIGUSR1 only ends the wait. Two threads run this: one for
 * the first interrupt, which closes the producer and so stops the senders, and one for the second. */
static void *wait_for_signal(void *argument) {
    const ottla_producer *producer = argument;
    sigset_t signals = all_signals();
    int number = 0;
    if (sigwait(&signals, &number) != 0 || number == SIGUSR1) {
        return NULL;
    }
    pthread_mutex_lock(&lock);
    bool again = interrupted;
    interrupted = true;
    pthread_mutex_unlock(&lock);
    if (!again) {
        fprintf(stderr, "perf: interrupted: %" PRIu64 " accepted and not delivered yet; a second interrupt gives up\n",
                ottla_producer_buffered_records(producer));
    }
    require(ottla_producer_close(producer, again ? 0 : -1, NULL), NULL, "close");
    return NULL;
}

/* ---- the rest ---- */

static double cpu_seconds(void) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        die(strerror(errno));
    }
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void warm_up(const ottla_producer *producer, const ottla_topic *topic, const char *payload,
                    const struct options *options) {
    unsigned char key[KEY_LEN];
    ottla_record record = record_of(options, payload, key);
    uint64_t random = 2463534242u;
    ottla_error *error = NULL;
    for (uint64_t i = 0; i < options->warm_up; i++) {
        record.value = value_in_turn(options, payload, i);
        if (options->keys > 0) {
            put_random_key(key, &random, options->keys);
        }
        ottla_code code = ottla_producer_send(producer, topic, &record, NULL, NULL, &error);
        require(code, error, "warming up");
    }
    ottla_code code = ottla_producer_flush(producer, -1, 0, &error);
    require(code, error, "warming up");
    if (counters_of(producer).records_delivered != options->warm_up) {
        die("warming up: not all records were delivered");
    }
}

static char *random_letters(uint64_t size) {
    char *letters = malloc((size_t)size + 1);
    if (letters == NULL) {
        die("no memory");
    }
    uint64_t random = 88172645463325252u;
    for (uint64_t i = 0; i < size; i++) {
        letters[i] = (char)('A' + random_below(&random, 26));
    }
    return letters;
}

/* Reads the file that --values names. */
static char *read_values(struct options *options) {
    FILE *file = fopen(options->values_file, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        die(options->values_file);
    }
    long len = ftell(file);
    options->values = len < 0 ? 0 : (uint64_t)len / options->size;
    if (options->values == 0) {
        die("--values wants a file of at least SIZE bytes");
    }
    size_t wanted = (size_t)(options->values * options->size);
    char *values = malloc(wanted);
    rewind(file);
    if (values == NULL || fread(values, 1, wanted, file) != wanted) {
        die(options->values_file);
    }
    fclose(file);
    return values;
}

/* The exponent for `k`, `M` or `G`. Returns any other text unchanged. */
static const char *exponent_of(const char *text) {
    return strcmp(text, "k") == 0 ? "e3" : strcmp(text, "M") == 0 ? "e6" : strcmp(text, "G") == 0 ? "e9" : text;
}

static uint64_t number_of(const char *text, uint64_t least, const char *what) {
    static const double most = 1e15; /* up to here a double holds every whole number */
    char written[64];
    size_t digits = strspn(text, "0123456789.");
    const char *exponent = exponent_of(text + digits);
    int len = snprintf(written, sizeof written, "%.*s%s", (int)digits, text, exponent);
    bool form = digits > 0 && len < (int)sizeof written && (*exponent == '\0' || *exponent == 'e' || *exponent == 'E');
    char *rest = written;
    double number = form ? strtod(written, &rest) : 0;
    if (!form || *rest != '\0' || !(number >= (double)least && number <= most) ||
        (double)(uint64_t)number != number) {
        fprintf(stderr, "perf: %s takes a whole number from %" PRIu64 " to %.0e, such as 2000, 2e3 or 2k, not '%s'\n", what,
                least, most, text);
        exit(2);
    }
    return (uint64_t)number;
}

static void set_property(ottla_config *config, char *assignment) {
    char *equals = strchr(assignment, '=');
    if (equals == NULL) {
        die("-X wants NAME=VALUE");
    }
    *equals = '\0';
    ottla_error *error = NULL;
    ottla_code code = ottla_config_set(config, assignment, equals + 1, &error);
    require(code, error, assignment);
}

static void read_options(int argc, char **argv, struct options *options) {
    enum { BATCH = 256, ONE_BY_ONE, TRY_SEND, UNLIKE, VALUES, WARM_UP };
    static const struct option names[] = {
        {"brokers", required_argument, NULL, 'b'}, {"topic", required_argument, NULL, 't'},
        {"size", required_argument, NULL, 's'},    {"count", required_argument, NULL, 'c'},
        {"rate", required_argument, NULL, 'r'},    {"threads", required_argument, NULL, 'T'},
        {"keys", required_argument, NULL, 'k'},    {"batch", required_argument, NULL, BATCH},
        {"one-by-one", no_argument, NULL, ONE_BY_ONE}, {"try-send", no_argument, NULL, TRY_SEND},
        {"unlike", required_argument, NULL, UNLIKE}, {"warm-up", required_argument, NULL, WARM_UP},
        {"values", required_argument, NULL, VALUES}, {"property", required_argument, NULL, 'X'}, {"file", required_argument, NULL, 'F'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bool size_given = false;
    ottla_error *error = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "b:t:s:c:r:T:k:X:F:h", names, NULL)) != -1) {
        switch (option) {
        case 'b': {
            ottla_code code = ottla_config_set(options->config, "bootstrap.servers", optarg, &error);
            require(code, error, optarg);
            break;
        }
        case 'F': {
            ottla_code code = ottla_config_load_file(options->config, optarg, &error);
            require(code, error, optarg);
            break;
        }
        case 't': options->topic = optarg; break;
        case 's':
            options->size = number_of(optarg, 0, "-s");
            size_given = true;
            break;
        case 'c': options->count = number_of(optarg, 1, "-c"); break;
        case 'r': options->rate = number_of(optarg, 1, "-r"); break;
        case 'T': options->threads = number_of(optarg, 1, "-T"); break;
        case 'k': options->keys = number_of(optarg, 1, "-k"); break;
        case BATCH: options->batch = number_of(optarg, 1, "--batch"); break;
        case ONE_BY_ONE: options->one_by_one = true; break;
        case TRY_SEND: options->try_send = true; break;
        case UNLIKE: options->unlike = number_of(optarg, 0, "--unlike"); break;
        case VALUES: options->values_file = optarg; break;
        case WARM_UP: options->warm_up = number_of(optarg, 0, "--warm-up"); break;
        case 'X': set_property(options->config, optarg); break;
        case 'h': fputs(usage, stdout); exit(0);
        default: fputs("perf: --help tells the options\n", stderr); exit(2);
        }
    }
    if (optind < argc) {
        die("there are no arguments but options (--help tells them)");
    }
    if (options->topic == NULL || !size_given || options->count == 0) {
        die("-t TOPIC, -s SIZE and -c COUNT are needed (--help tells the rest)");
    }
    if (options->one_by_one + options->try_send + (options->batch > 0) > 1 ||
        (options->rate > 0 && (options->one_by_one || options->try_send))) {
        die("--one-by-one, --try-send and --batch exclude each other, and the first two -r");
    }
    if (options->unlike > options->size || (options->unlike > 0 && (options->one_by_one || options->try_send))) {
        die("--unlike is at most -s, and excludes --one-by-one and --try-send");
    }
    if (options->values_file != NULL && (options->size == 0 || options->batch + options->one_by_one + options->try_send > 0)) {
        die("--values wants -s of at least 1, and excludes --batch, --one-by-one and --try-send");
    }
    if (options->threads > options->count) {
        options->threads = options->count;
    }
}

static void print_ns(const char *name, const struct histogram *histogram) {
    printf("\"%s\":{\"mean\":%.1f,\"p50\":%" PRIu64 ",\"p99\":%" PRIu64 ",\"p999\":%" PRIu64 ",\"max\":%" PRIu64 "},", name,
           mean(histogram), at_percentile(histogram, 50), at_percentile(histogram, 99), at_percentile(histogram, 99.9),
           histogram->max);
}

int main(int argc, char **argv) {
    struct options options = {.threads = 1, .values = 1};
    static struct tally tally;
    static struct histogram call_ns, empty_ns;
    options.config = ottla_config_new();
    if (options.config == NULL) {
        die("no configuration");
    }
    require(ottla_config_set_log(options.config, NULL, NULL, NULL, OTTLA_LOG_WARNING), NULL, "log");
    read_options(argc, argv, &options);
    /* Before other threads exist, because they inherit it. */
    sigset_t signals = all_signals();
    check(pthread_sigmask(SIG_BLOCK, &signals, NULL));
    require(options.batch > 0 ? ottla_config_set_batch_delivery(options.config, on_batch, &tally, NULL)
                              : ottla_config_set_delivery(options.config, on_delivery, &tally, NULL),
            NULL, "callbacks");

    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    ottla_error *error = NULL;
    ottla_code code = ottla_producer_new(options.config, &producer, &error);
    require(code, error, "cannot start");
    ottla_config_free(options.config);
    code = ottla_producer_topic(producer, options.topic, &topic, &error);
    require(code, error, "-t");
    pthread_t interrupting[2];
    for (int i = 0; i < 2; i++) {
        check(pthread_create(&interrupting[i], NULL, wait_for_signal, producer));
    }
    char *payload = options.values_file == NULL ? random_letters(options.size) : read_values(&options);
    struct sender *senders = calloc((size_t)options.threads, sizeof *senders);
    if (senders == NULL) {
        die("no memory");
    }
    if (options.warm_up > 0) {
        warm_up(producer, topic, payload, &options);
    }

    uint64_t before_kb = resident_kb();
    double cpu_before = cpu_seconds();
    uint64_t start_us = now_us();
    working = options.threads;
    for (uint64_t i = 0; i < options.threads; i++) {
        senders[i] = (struct sender){.options = &options, .producer = producer, .topic = topic, .payload = payload};
        senders[i].index = i;
        senders[i].count = options.count / options.threads + (i < options.count % options.threads ? 1 : 0);
        senders[i].start_us = start_us;
        senders[i].random = 88172645463325252u + i * 0x9e3779b97f4a7c15u;
        check(pthread_create(&senders[i].thread, NULL, run_sender, &senders[i]));
    }
    uint64_t accepted_kb = wait_for_all(producer, &options);
    double seconds = (double)(now_us() - start_us) / 1e6;
    double cpu = cpu_seconds() - cpu_before;

    uint64_t accepted = 0;
    for (uint64_t i = 0; i < options.threads; i++) {
        check(pthread_join(senders[i].thread, NULL));
        accepted += senders[i].accepted;
        if (senders[i].error != NULL && ottla_error_code(senders[i].error) != OTTLA_ERR_CLOSED) { /* closed: interrupted */
            fprintf(stderr, "perf: stopped sending: %s\n", ottla_error_message(senders[i].error));
        }
        ottla_error_free(senders[i].error);
    }
    require(ottla_producer_close(producer, -1, NULL), NULL, "close");
    for (int i = 0; i < 2; i++) {
        (void)pthread_kill(interrupting[i], SIGUSR1); /* it may have ended */
        check(pthread_join(interrupting[i], NULL));
    }
    ottla_topic_free(topic);
    require(ottla_producer_free(producer), NULL, "free");
    for (uint64_t i = 0; i < options.threads; i++) {
        tally.delivered += senders[i].waited.delivered;
        tally.failed += senders[i].waited.failed;
        add_all(&tally.latency_us, &senders[i].waited.latency_us);
        add_all(&call_ns, &senders[i].call_ns);
        add_all(&empty_ns, &senders[i].empty_ns);
    }
    free(senders);
    free(payload);

    uint64_t delivered = tally.delivered - options.warm_up;
    const struct histogram *latency = &tally.latency_us;
    printf("{\"records\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"seconds\":%.6f,\"records_per_second\":%.1f,"
           "\"cpu_seconds\":%.6f,\"latency_ms\":{\"mean\":%.4f,\"p50\":%.3f,\"p95\":%.3f,\"p99\":%.3f,\"p999\":%.3f,"
           "\"max\":%.3f},\"resident_kb\":{\"before\":%" PRIu64 ",\"accepted\":%" PRIu64 "},",
           options.count, delivered * options.size - delivered * options.unlike / 2, seconds, (double)delivered / seconds, cpu, mean(latency) / 1e3,
           (double)at_percentile(latency, 50) / 1e3, (double)at_percentile(latency, 95) / 1e3,
           (double)at_percentile(latency, 99) / 1e3, (double)at_percentile(latency, 99.9) / 1e3,
           (double)latency->max / 1e3, before_kb, accepted_kb);
    if (options.try_send) {
        print_ns("call_ns", &call_ns);
        print_ns("empty_ns", &empty_ns);
    }
    printf("\"accepted\":%" PRIu64 ",\"delivered\":%" PRIu64 ",\"failed\":%" PRIu64 "}\n", accepted, delivered,
           tally.failed);
    if (fflush(stdout) != 0) {
        die(strerror(errno));
    }
    return delivered == options.count ? 0 : 1;
}
