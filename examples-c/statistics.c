/* statistics: sends records at a steady rate and shows what the producer measures meanwhile.
 *
 * Shows: snapshots (ottla_producer_statistics()), rates and percentiles of what came between two (ottla_statistics_since()),
 * for the producer, each broker and each topic; the same as JSON or as text for Prometheus.
 *
 * Build: cc -std=c99 -o statistics statistics.c $(pkg-config --cflags --libs ottla)
 * Run:   statistics -b localhost:9092 -t greetings,others -r 1000 -d 10
 *
 * Prints: a table each second, drawn anew on a terminal. "delivery" is from the first record of a batch to its fate, for each
 * record; "latency" is what a broker took to answer.
 *
 *     second 1: 1000 records/s, 0.1 MB/s, ratio 1.00, 0 retried, 0 failed, 7 held, buffer 0.0 %
 *                                         records/s    failed   waiting   p50 ms   p99 ms   max ms
 *     delivery  greetings                       500         0         3     5.44     6.40     7.10
 *     delivery  others                          500         0         4     5.44     6.40     7.10
 *                                        requests/s in flight   waiting   p50 ms   p99 ms   max ms
 *     latency   broker 1 (up)                   199         0         7     0.30     0.62     0.95
 *
 *     ...
 *     10000 sent, 10000 delivered, 0 failed */

#define _POSIX_C_SOURCE 200809L

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ottla.h>

static const char usage[] =
    "usage: statistics -b BROKERS -t TOPIC[,TOPIC]... [OPTION]...\n"
    "Sends records to each topic in turn and shows, each second, what the producer measures.\n"
    "\n"
    "  -r, --rate RATE            records a second, over all topics; default 1000\n"
    "  -d, --duration SECONDS     default: until interrupted\n"
    "      --json                 no tables; at the end, everything since the start as one line of JSON\n"
    "      --prometheus           no tables; at the end, the same as text for Prometheus\n"
    "  -X, --property NAME=VALUE  sets a property of the producer (CONFIGURATION.md lists them); may be repeated\n"
    "  -h, --help\n"
    "\n"
    "SIGINT or SIGTERM ends the sending, waits up to 30 seconds for what was sent, and reports; a second one ends the program.\n"
    "\n"
    "Exit status: 0 if all records were delivered, 1 if not, 2 if the options or properties cannot be used.\n";

enum { MAX_TOPICS = 16, TICK_MS = 10 };

struct sender {
    ottla_producer *producer;
    ottla_topic *topics[MAX_TOPICS];
    size_t topic_count;
    uint64_t sent;
};

enum form { TABLE, JSON, PROMETHEUS };

static volatile sig_atomic_t interrupted;

/* Handles one signal. The next one ends the program. */
static void on_signal(int signal_number) {
    static const char text[] = "statistics: interrupted: waiting for what was sent; a second interrupt ends the program\n";
    (void)signal_number;
    interrupted = 1;
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
}

/* Prints what went wrong, and exits: no error here is worth handling. */
static void check(const char *what, ottla_code code, ottla_error *error) {
    if (code != OTTLA_ERR_OK) {
        fprintf(stderr, "statistics: %s: %s\n", what, error != NULL ? ottla_error_message(error) : ottla_code_name(code));
        ottla_error_free(error);
        exit(code == OTTLA_ERR_INVALID_CONFIG || code == OTTLA_ERR_INVALID_ARGUMENT ? 2 : 1);
    }
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static ottla_statistics *snapshot(const ottla_producer *producer) {
    ottla_statistics *statistics = NULL;
    ottla_error *error = NULL;
    check("statistics", ottla_producer_statistics(producer, &statistics, &error), error);
    return statistics;
}

static ottla_producer_figures of_producer(const ottla_statistics *statistics) {
    ottla_producer_figures figures = {.struct_size = sizeof figures};
    ottla_error *error = NULL;
    check("figures", ottla_statistics_producer(statistics, &figures, &error), error);
    return figures;
}

/* ---- the table ---- */

static double ms(uint64_t us) {
    return (double)us / 1e3;
}

static void print_row(const char *kind, const char *name, double rate, uint64_t count, int64_t waiting,
                      const ottla_histogram *times) {
    printf("%-9s %-24.24s %10.0f %9" PRIu64 " %9" PRId64 " %8.2f %8.2f %8.2f\n", kind, name, rate, count, waiting,
           ms(times->p50), ms(times->p99), ms(times->max));
}

static void print_topics(const ottla_statistics *between, double seconds) {
    printf("%-34s %10s %9s %9s %8s %8s %8s\n", "", "records/s", "failed", "waiting", "p50 ms", "p99 ms", "max ms");
    for (size_t i = 0; i < ottla_statistics_topic_count(between); i++) {
        ottla_topic_figures topic = {.struct_size = sizeof topic};
        ottla_error *error = NULL;
        check("topic", ottla_statistics_topic(between, i, &topic, &error), error);
        print_row("delivery", topic.name, (double)topic.records_sent / seconds, topic.records_failed,
                  topic.records_waiting + topic.records_taken, &topic.delivery_time_us);
    }
}

static void print_brokers(const ottla_statistics *between, double seconds) {
    static const char *const states[] = {"down", "resolving", "connecting", "greeting", "up"};
    printf("%-34s %10s %9s %9s %8s %8s %8s\n", "", "requests/s", "in flight", "waiting", "p50 ms", "p99 ms", "max ms");
    for (size_t i = 0; i < ottla_statistics_broker_count(between); i++) {
        ottla_broker_figures broker = {.struct_size = sizeof broker};
        ottla_error *error = NULL;
        check("broker", ottla_statistics_broker(between, i, &broker, &error), error);
        if (broker.id < 0) {
            continue; /* an address of bootstrap.servers, to which only the first requests go */
        }
        const char *state = broker.state >= 0 && broker.state <= 4 ? states[broker.state] : "?";
        char name[64];
        snprintf(name, sizeof name, "broker %" PRId64 " (%s)", broker.id, state);
        print_row("latency", name, (double)broker.requests / seconds, (uint64_t)broker.requests_in_flight,
                  broker.records_waiting, &broker.request_latency_us);
    }
}

static void print_table(const ottla_statistics *between, unsigned second) {
    double seconds = (double)ottla_statistics_span_us(between) / 1e6;
    ottla_producer_figures all = of_producer(between);
    if (isatty(STDOUT_FILENO)) {
        fputs("\033[H\033[J", stdout); /* to the upper left, and clear the screen */
    }
    printf("second %u: %.0f records/s, %.1f MB/s, ratio %.2f, %" PRIu64 " retried, %" PRIu64 " failed, %" PRId64
           " held, buffer %.1f %%\n",
           second, (double)all.records_sent / seconds, (double)all.bytes_sent / seconds / 1e6, all.compression_ratio,
           all.records_retried, all.records_failed, all.records_held,
           100.0 * (double)all.buffer_used_bytes / (double)all.buffer_total_bytes);
    print_topics(between, seconds);
    print_brokers(between, seconds);
    for (size_t i = 0; i < ottla_statistics_error_count(between); i++) {
        ottla_error_figures met = {.struct_size = sizeof met};
        ottla_error *error = NULL;
        check("error", ottla_statistics_error(between, i, &met, &error), error);
        printf("error     %-24s %9" PRIu64 " batches refused, %" PRIu64 " records failed\n", ottla_code_name(met.code),
               met.batches_refused, met.records_failed);
    }
    putchar('\n');
    fflush(stdout);
}

/* ---- sending ---- */

/* Sends what is due by now at this rate. A full buffer makes it wait, which shows in the figures. */
static void send_due(struct sender *sender, double rate, double elapsed) {
    static const char value[] = "one hundred bytes of a message that says nothing at all but how long it is, so that it is measured";
    while ((double)sender->sent < rate * elapsed && !interrupted) {
        ottla_record record = {.struct_size = sizeof(ottla_record)};
        record.value = value;
        record.value_len = sizeof value - 1;
        ottla_topic *topic = sender->topics[sender->sent % sender->topic_count];
        ottla_error *error = NULL;
        check("send", ottla_producer_send(sender->producer, topic, &record, NULL, NULL, &error), error);
        sender->sent++;
    }
}

static void run(struct sender *sender, double rate, double duration, enum form form) {
    struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
    double begin = now(), elapsed = 0;
    unsigned second = 0;
    ottla_statistics *earlier = snapshot(sender->producer);
    while (!interrupted && elapsed < duration) {
        nanosleep(&tick, NULL);
        elapsed = now() - begin;
        send_due(sender, rate, elapsed < duration ? elapsed : duration);
        if (form != TABLE || elapsed < second + 1) {
            continue;
        }
        second++;
        ottla_statistics *later = snapshot(sender->producer), *between = NULL;
        ottla_error *error = NULL;
        check("difference", ottla_statistics_since(later, earlier, &between, &error), error);
        print_table(between, second);
        ottla_statistics_free(between);
        ottla_statistics_free(earlier);
        earlier = later;
    }
    ottla_statistics_free(earlier);
}

/* ---- options ---- */

static void set(ottla_config *config, const char *name, const char *value) {
    ottla_error *error = NULL;
    check("property", ottla_config_set(config, name, value, &error), error);
}

static void set_pair(ottla_config *config, char *pair) {
    char *equals = strchr(pair, '=');
    if (equals == NULL) {
        fprintf(stderr, "statistics: -X takes NAME=VALUE, not %s\n", pair);
        exit(2);
    }
    *equals = '\0';
    set(config, pair, equals + 1);
}

static double positive(const char *option, const char *text) {
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || !(number > 0 && number <= 1e9)) {
        fprintf(stderr, "statistics: %s takes a number above 0, 1e9 at most, not %s\n", option, text);
        exit(2);
    }
    return number;
}

static void open_topics(struct sender *sender, char *names) {
    for (char *rest = names, *name; (name = strtok_r(rest, ",", &rest)) != NULL;) {
        if (sender->topic_count == MAX_TOPICS) {
            fprintf(stderr, "statistics: at most %d topics\n", MAX_TOPICS);
            exit(2);
        }
        ottla_error *error = NULL;
        check("topic", ottla_producer_topic(sender->producer, name, &sender->topics[sender->topic_count], &error), error);
        sender->topic_count++;
    }
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"brokers", required_argument, NULL, 'b'}, {"topic", required_argument, NULL, 't'},
        {"rate", required_argument, NULL, 'r'},    {"duration", required_argument, NULL, 'd'},
        {"json", no_argument, NULL, 'j'},          {"prometheus", no_argument, NULL, 'p'},
        {"property", required_argument, NULL, 'X'}, {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct sender sender = {0};
    char *topics = NULL;
    bool brokers = false;
    double rate = 1000, duration = 1e9;
    enum form form = TABLE;
    ottla_config *config = ottla_config_new();
    for (int option; (option = getopt_long(argc, argv, "b:t:r:d:X:h", options, NULL)) != -1;) {
        switch (option) {
        case 'b': set(config, "bootstrap.servers", optarg); brokers = true; break;
        case 't': topics = optarg; break;
        case 'r': rate = positive("-r", optarg); break;
        case 'd': duration = positive("-d", optarg); break;
        case 'j': form = JSON; break;
        case 'p': form = PROMETHEUS; break;
        case 'X': set_pair(config, optarg); break;
        case 'h': fputs(usage, stdout); return 0;
        default: fputs(usage, stderr); return 2;
        }
    }
    if (!brokers || topics == NULL || *topics == '\0' || *topics == ',' || optind != argc) {
        fputs(usage, stderr);
        return 2;
    }
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);

    ottla_error *error = NULL;
    check("producer", ottla_producer_new(config, &sender.producer, &error), error);
    ottla_config_free(config);
    open_topics(&sender, topics);
    run(&sender, rate, duration, form);
    check("close", ottla_producer_close(sender.producer, 30000, &error), error);

    ottla_statistics *all = snapshot(sender.producer);
    ottla_producer_figures figures = of_producer(all);
    if (form == JSON) {
        puts(ottla_statistics_json(all));
    } else if (form == PROMETHEUS) {
        fputs(ottla_statistics_prometheus(all), stdout);
    } else {
        printf("%" PRIu64 " sent, %" PRIu64 " delivered, %" PRIu64 " failed\n", sender.sent, figures.records_delivered,
               figures.records_failed);
    }
    for (size_t i = 0; i < sender.topic_count; i++) {
        ottla_topic_free(sender.topics[i]);
    }
    check("free", ottla_producer_free(sender.producer), NULL);
    ottla_statistics_free(all); /* it outlives the producer */
    return figures.records_delivered == sender.sent ? 0 : 1;
}
