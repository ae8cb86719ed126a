/* produce: sends each line of standard input as a record.
 *
 * Shows: a whole tool. Properties from the command line and from files; poll mode with a thread that takes the reports, so
 * that a slow reader of the output holds up neither the library's thread nor its memory (what is reported is charged to
 * buffer.memory until it was printed); an orderly end on SIGINT; with --transactional-id, transactions.
 *
 * Build: cc -std=c99 -o produce produce.c $(pkg-config --cflags --libs ottla) -lpthread
 *
 * Prints: with -v, for each delivered record, `topic partition offset timestamp` on standard output. On standard error the
 * reason of failures (the first of each kind in full, the others as a count), with transactions
 * `N committed in N transactions`, and, last, `N accepted, N delivered, N failed, N refused`.
 *
 *     printf 'a:1\nb:2\n' | produce -b localhost:9092 -t greetings -K : -v */

#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ottla.h>

static const char usage[] =
    "usage: produce -b BROKERS -t TOPIC [OPTION]...\n"
    "Sends each line of standard input, of any length and without its newline, as a record to a topic of Kafka.\n"
    "\n"
    "  -b, --brokers BROKERS        host:port[,host:port]...; the same as -X bootstrap.servers=BROKERS\n"
    "  -t, --topic TOPIC\n"
    "  -X, --property NAME=VALUE    sets a property of the producer (CONFIGURATION.md lists them)\n"
    "  -F, --file FILE              sets those that a Java .properties file holds\n"
    "  -K, --key-delimiter DELIM    what is before the first DELIM in a line is the key, what follows the value; a line\n"
    "                               without DELIM has a null key. For a tab: -K $'\\t'\n"
    "  -H, --header NAME=VALUE      a header for every record; without = its value is null\n"
    "  -p, --partition PARTITION    to this partition, not to where the partitioner says\n"
    "      --transactional-id ID    sends in transactions; the same as -X transactional.id=ID\n"
    "      --commit-every N         commits after every N records, and the rest at the end; without it, all at the end\n"
    "  -v, --verbose                prints `topic partition offset timestamp` for each record that was delivered\n"
    "  -h, --help\n"
    "\n"
    "-b, -X, -F and -H may be repeated; properties take effect in the order given. An empty line is an empty value.\n"
    "At the end, on standard error: `N accepted, N delivered, N failed, N refused`: each accepted line was delivered or\n"
    "failed, refused ones were never records. With acks=0, delivered means written to the socket. SIGINT or SIGTERM ends the\n"
    "input, says what is not delivered yet, delivers it, commits, and reports; a second one gives up what is not delivered.\n"
    "In transactions the first record that is refused or fails ends the input: what was not committed is aborted.\n"
    "\n"
    "Exit status: 0 if all that was read was delivered (and committed), 1 if not, 2 if the options or properties cannot be used.\n";

#define MAX_HEADERS 256
#define MAX_REASONS 64
#define MAX_REPORTS 16

struct options {
    ottla_config *config;
    const char *topic;
    const char *delimiter; /* NULL: lines have no key */
    ottla_header headers[MAX_HEADERS];
    size_t header_count;
    uint32_t record_flags; /* OTTLA_RECORD_PARTITION if there is a -p */
    int32_t partition;
    bool transactional;
    uint64_t commit_every; /* 0: at the end */
    bool verbose;
};

/* Failures of one kind. The first is printed when it happens, the others are counted. */
struct reason {
    ottla_code code;
    uint64_t count;
};

struct reasons {
    struct reason list[MAX_REASONS];
    size_t count;
};

/* The state of the reporting thread. Other threads read it when that has ended. */
struct reporter {
    const ottla_producer *producer;
    bool verbose;
    bool broken; /* standard output cannot be written */
    uint64_t delivered;
    uint64_t failed;
    struct reasons reasons;
};

/* The transactions in which the records are sent, if any. */
struct transactions {
    const ottla_producer *producer;
    bool used;
    bool open;
    uint64_t every; /* 0: one for all */
    uint64_t held;  /* records in the open one */
    uint64_t committed;
    uint64_t count; /* of those committed */
};

/* The state of the thread that waits for signals. */
struct interrupter {
    const ottla_producer *producer;
    const ottla_topic *topic;
    sigset_t signals;
    int stop_fd; /* closed to stop reading */
};

/* Standard input, split into lines. Not getline(): a signal could not interrupt it without a race. */
struct input {
    char *buffer;
    size_t capacity;
    size_t begin;   /* of what was not handed out */
    size_t scanned; /* between begin and here there is no newline */
    size_t end;     /* of what was read */
    int stop_fd;    /* readable: stop */
    bool stopped;
    bool failed;
};

static void say(const char *format, ...) {
    char line[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fprintf(stderr, "produce: %s\n", line);
}

static void die(const char *what) {
    say("%s", what);
    exit(2);
}

/* Ends the program if a call that must succeed has failed. */
static void require(ottla_code code, ottla_error *error, const char *what) {
    if (code == OTTLA_ERR_OK) {
        return;
    }
    say("%s: %s", what, error != NULL ? ottla_error_message(error) : ottla_code_name(code));
    ottla_error_free(error);
    exit(2);
}

/* Counts a failure. Returns true if it is the first of its code, which is printed in full. */
static bool first_of_its_kind(struct reasons *reasons, ottla_code code) {
    for (size_t i = 0; i < reasons->count; i++) {
        if (reasons->list[i].code == code) {
            reasons->list[i].count++;
            return false;
        }
    }
    if (reasons->count < MAX_REASONS) {
        reasons->list[reasons->count++] = (struct reason){.code = code, .count = 1};
    }
    return true;
}

static void say_counts(const struct reasons *reasons, const char *what) {
    for (size_t i = 0; i < reasons->count; i++) {
        if (reasons->list[i].count > 1) {
            say("%s: %s: %" PRIu64 " records in all", what, ottla_code_name(reasons->list[i].code),
                reasons->list[i].count);
        }
    }
}

/* ---- options ---- */

static void set_property(struct options *options, const char *assignment) {
    const char *equals = strchr(assignment, '=');
    if (equals == NULL || equals == assignment) {
        say("-X wants NAME=VALUE, not '%s'", assignment);
        exit(2);
    }
    char *name = strndup(assignment, (size_t)(equals - assignment));
    if (name == NULL) {
        die("no memory");
    }
    ottla_error *error = NULL;
    ottla_code code = ottla_config_set(options->config, name, equals + 1, &error);
    free(name);
    require(code, error, assignment);
}

static void add_header(struct options *options, const char *assignment) {
    if (options->header_count == MAX_HEADERS) {
        die("too many headers");
    }
    const char *equals = strchr(assignment, '=');
    ottla_header *header = &options->headers[options->header_count++];
    *header = (ottla_header){.name = assignment, .name_len = strlen(assignment)};
    if (equals != NULL) {
        header->name_len = (size_t)(equals - assignment);
        header->value = equals + 1;
        header->value_len = strlen(equals + 1);
    }
}

static int32_t partition_number(const char *text) {
    char *rest = NULL;
    errno = 0;
    long number = strtol(text, &rest, 10);
    if (errno != 0 || rest == text || *rest != '\0' || number < 0 || number > INT32_MAX) {
        say("-p wants the number of a partition, not '%s'", text);
        exit(2);
    }
    return (int32_t)number;
}

static uint64_t record_count(const char *text) {
    char *rest = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &rest, 10);
    if (errno != 0 || rest == text || *rest != '\0' || *text == '-' || number == 0) {
        say("--commit-every wants a number of records, not '%s'", text);
        exit(2);
    }
    return number;
}

static void read_options(int argc, char **argv, struct options *options) {
    enum { TRANSACTIONAL_ID = 256, COMMIT_EVERY };
    static const struct option names[] = {
        {"brokers", required_argument, NULL, 'b'},   {"topic", required_argument, NULL, 't'},
        {"property", required_argument, NULL, 'X'},  {"file", required_argument, NULL, 'F'},
        {"key-delimiter", required_argument, NULL, 'K'}, {"header", required_argument, NULL, 'H'},
        {"partition", required_argument, NULL, 'p'}, {"verbose", no_argument, NULL, 'v'},
        {"transactional-id", required_argument, NULL, TRANSACTIONAL_ID},
        {"commit-every", required_argument, NULL, COMMIT_EVERY},
        {"help", no_argument, NULL, 'h'},            {NULL, 0, NULL, 0},
    };
    ottla_error *error = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "b:t:X:F:K:H:p:vh", names, NULL)) != -1) {
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
        case TRANSACTIONAL_ID: {
            ottla_code code = ottla_config_set(options->config, "transactional.id", optarg, &error);
            require(code, error, "--transactional-id");
            break;
        }
        case COMMIT_EVERY: options->commit_every = record_count(optarg); break;
        case 't': options->topic = optarg; break;
        case 'X': set_property(options, optarg); break;
        case 'H': add_header(options, optarg); break;
        case 'p':
            options->partition = partition_number(optarg);
            options->record_flags = OTTLA_RECORD_PARTITION;
            break;
        case 'v': options->verbose = true; break;
        case 'K':
            if (*optarg == '\0') {
                die("-K wants a delimiter that is not empty");
            }
            options->delimiter = optarg;
            break;
        case 'h': fputs(usage, stdout); exit(0);
        default: fputs("produce: --help tells the options\n", stderr); exit(2);
        }
    }
    if (optind < argc) {
        say("'%s' is not an option; records are read from standard input", argv[optind]);
        exit(2);
    }
    if (options->topic == NULL) {
        die("which topic? -t TOPIC (--help tells the rest)");
    }
    size_t id_len = 0; /* stays if it was not set, here or with -X or -F */
    (void)ottla_config_get(options->config, "transactional.id", NULL, 0, &id_len, NULL);
    options->transactional = id_len > 0;
    if (options->commit_every > 0 && !options->transactional) {
        die("--commit-every needs --transactional-id ID");
    }
}

/* ---- input ---- */

/* Reads more. Returns false at the end, when told to stop, and after an error. */
static bool fill(struct input *input) {
    if (input->end == input->capacity) {
        if (input->begin > 0) {
            memmove(input->buffer, input->buffer + input->begin, input->end - input->begin);
            input->end -= input->begin;
            input->begin = 0;
        }
        if (input->end > input->capacity / 2) {
            char *larger = realloc(input->buffer, input->capacity * 2);
            if (larger == NULL) {
                say("no memory for a line of more than %zu bytes", input->capacity);
                input->failed = true;
                return false;
            }
            input->buffer = larger;
            input->capacity *= 2;
        }
    }
    for (;;) {
        struct pollfd watched[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = input->stop_fd, .events = POLLIN}};
        ssize_t count = poll(watched, 2, -1);
        if (count > 0) {
            if (watched[1].revents != 0) {
                input->stopped = true;
                return false;
            }
            count = read(STDIN_FILENO, input->buffer + input->end, input->capacity - input->end);
        }
        if (count > 0) {
            input->end += (size_t)count;
            return true;
        }
        if (count == 0) {
            return false;
        }
        if (errno != EINTR && errno != EAGAIN) {
            say("standard input: %s", strerror(errno));
            input->failed = true;
            return false;
        }
    }
}

/* Returns the next line without its newline, valid until the next call, or NULL at the end. */
static const char *next_line(struct input *input, size_t *len) {
    for (;;) {
        char *newline = memchr(input->buffer + input->scanned, '\n', input->end - input->scanned);
        size_t searched = input->end - input->begin;
        if (newline != NULL || !fill(input)) {
            if (newline == NULL && (input->begin == input->end || input->stopped || input->failed)) {
                return NULL;
            }
            const char *line = input->buffer + input->begin;
            size_t line_end = newline != NULL ? (size_t)(newline - input->buffer) : input->end;
            *len = line_end - input->begin;
            input->begin = newline != NULL ? line_end + 1 : line_end;
            input->scanned = input->begin;
            return line;
        }
        input->scanned = input->begin + searched;
    }
}

/* ---- records ---- */

static const char *find(const char *text, size_t len, const char *wanted, size_t wanted_len) {
    const char *end = text + len;
    while ((size_t)(end - text) >= wanted_len) {
        text = memchr(text, wanted[0], (size_t)(end - text) - wanted_len + 1);
        if (text == NULL || memcmp(text, wanted, wanted_len) == 0) {
            return text;
        }
        text++;
    }
    return NULL;
}

static ottla_record record_of(const char *line, size_t len, const struct options *options) {
    ottla_record record = {
        .struct_size = sizeof(ottla_record), .flags = options->record_flags, .partition = options->partition};
    record.headers = options->header_count > 0 ? options->headers : NULL;
    record.header_count = options->header_count;
    record.value = line;
    record.value_len = len;
    if (options->delimiter != NULL) {
        size_t delimiter_len = strlen(options->delimiter);
        const char *delimiter = find(line, len, options->delimiter, delimiter_len);
        if (delimiter != NULL) {
            record.key = line;
            record.key_len = (size_t)(delimiter - line);
            record.value = delimiter + delimiter_len;
            record.value_len = len - record.key_len - delimiter_len;
        }
    }
    return record;
}

static bool stop_asked(int stop_fd) {
    struct pollfd watched = {.fd = stop_fd, .events = POLLIN};
    return poll(&watched, 1, 0) > 0;
}

/* Sends a line as a record. A full buffer is no failure: the input waits until there is room. */
static ottla_code send_line(const ottla_producer *producer, const ottla_topic *topic, const ottla_record *record,
                            uint64_t number, int stop_fd, ottla_error **error) {
    for (;;) {
        ottla_code code = ottla_producer_send(producer, topic, record, (void *)(uintptr_t)number, NULL, error);
        if (code != OTTLA_ERR_BUFFER_FULL || stop_asked(stop_fd)) {
            return code;
        }
        ottla_error_free(*error);
        *error = NULL;
    }
}

/* ---- transactions ---- */

/* Prints what failed, and frees the error. */
static bool succeeded(ottla_code code, ottla_error *error, const char *what) {
    if (code != OTTLA_ERR_OK) {
        say("%s: %s", what, error != NULL ? ottla_error_message(error) : ottla_code_name(code));
        ottla_error_free(error);
    }
    return code == OTTLA_ERR_OK;
}

/* Waits for the brokers until a stop is requested. */
static bool init_transactions(const struct transactions *transactions, int stop_fd) {
    for (;;) {
        ottla_error *error = NULL;
        ottla_code code = ottla_producer_init_transactions(transactions->producer, 200, &error);
        if (code != OTTLA_ERR_TIMED_OUT || stop_asked(stop_fd)) {
            return succeeded(code, error, "--transactional-id");
        }
        ottla_error_free(error);
    }
}

static bool begin_if_none(struct transactions *transactions) {
    if (transactions->used && !transactions->open) {
        ottla_error *error = NULL;
        ottla_code code = ottla_producer_begin_transaction(transactions->producer, &error);
        transactions->open = succeeded(code, error, "begin");
    }
    return transactions->open || !transactions->used;
}

static bool commit(struct transactions *transactions) {
    ottla_error *error = NULL;
    ottla_code code = ottla_producer_commit_transaction(transactions->producer, -1, &error);
    if (!succeeded(code, error, "commit")) {
        return false;
    }
    transactions->open = false;
    transactions->committed += transactions->held;
    transactions->count++;
    transactions->held = 0;
    return true;
}

/* Counts an accepted record, and commits if it is time. */
static bool commit_if_due(struct transactions *transactions) {
    transactions->held++;
    return transactions->held != transactions->every || commit(transactions);
}

/* Commits the open transaction, or aborts it after a failure. */
static bool end_transactions(struct transactions *transactions, bool failed) {
    if (transactions->open && !failed) {
        failed = !commit(transactions);
    }
    if (transactions->open) {
        ottla_error *error = NULL;
        ottla_code code = ottla_producer_abort_transaction(transactions->producer, -1, &error);
        if (succeeded(code, error, "abort")) {
            say("aborted: %" PRIu64 " %s not committed", transactions->held,
                transactions->held == 1 ? "record that was" : "records that were");
        }
    }
    return !failed;
}

/* ---- lines ---- */

struct lines {
    uint64_t accepted;
    uint64_t refused;
};

/* Sends and counts every line. Returns false if transactions cannot go on, in which case lines may be left. */
static bool send_lines(struct transactions *transactions, const ottla_topic *topic, const struct options *options,
                       struct input *input, struct lines *lines) {
    struct reasons reasons = {.count = 0};
    bool going_on = true;
    const char *line;
    size_t len = 0;
    for (uint64_t number = 1; going_on && (line = next_line(input, &len)) != NULL; number++) {
        if (!begin_if_none(transactions)) {
            lines->refused++;
            going_on = false;
            break;
        }
        ottla_record record = record_of(line, len, options);
        ottla_error *error = NULL;
        ottla_code code = send_line(transactions->producer, topic, &record, number, input->stop_fd, &error);
        if (code == OTTLA_ERR_OK) {
            lines->accepted++;
            going_on = !transactions->used || commit_if_due(transactions);
            continue;
        }
        lines->refused++;
        bool last = transactions->used || code == OTTLA_ERR_BUFFER_FULL || code == OTTLA_ERR_CLOSED ||
                    ottla_error_is_fatal(error);
        if (first_of_its_kind(&reasons, code) || last) {
            say("line %" PRIu64 ": not sent: %s", number, ottla_error_message(error));
        }
        ottla_error_free(error);
        if (last) {
            break;
        }
    }
    say_counts(&reasons, "not sent");
    return going_on;
}

/* ---- reports ---- */

static void take_batch(struct reporter *reporter, const ottla_batch *batch) {
    bool delivered = batch->code == OTTLA_ERR_OK;
    *(delivered ? &reporter->delivered : &reporter->failed) += batch->count;
    if (delivered && !reporter->verbose) {
        return;
    }
    for (size_t i = 0; i < batch->count; i++) {
        const ottla_delivery_entry *entry = &batch->entries[i];
        if (delivered) {
            printf("%s %" PRId32 " %" PRId64 " %" PRId64 "\n", batch->topic, batch->partition, entry->offset,
                   entry->timestamp);
        } else if (first_of_its_kind(&reporter->reasons, batch->code)) {
            say("line %" PRIuPTR ": not delivered: %s", (uintptr_t)entry->userdata, ottla_error_message(batch->error));
        }
    }
    if (delivered && fflush(stdout) != 0 && !reporter->broken) {
        say("standard output: %s", strerror(errno));
        reporter->broken = true;
    }
}

static void *take_reports(void *argument) {
    struct reporter *reporter = argument;
    for (;;) {
        ottla_report *reports[MAX_REPORTS];
        size_t count = 0;
        ottla_error *error = NULL;
        ottla_code code = ottla_producer_poll(reporter->producer, -1, reports, MAX_REPORTS, &count, &error);
        if (code != OTTLA_ERR_OK) {
            if (code != OTTLA_ERR_CLOSED) {
                say("no more reports: %s", ottla_error_message(error));
                reporter->broken = true;
            }
            ottla_error_free(error);
            return NULL;
        }
        for (size_t i = 0; i < count; i++) {
            take_batch(reporter, ottla_report_batch(reports[i]));
            ottla_report_free(reports[i]);
        }
    }
}

/* ---- signals ---- */

/* Says at once what the program still waits for, and why if the topic is the reason. */
static void say_what_it_waits_for(const struct interrupter *interrupter) {
    uint64_t records = ottla_producer_buffered_records(interrupter->producer);
    say("interrupted: no more input is read; %" PRIu64 " accepted and not delivered yet; a second interrupt gives up",
        records);
    ottla_error *error = NULL;
    ottla_code code = records > 0 ? ottla_topic_check(interrupter->topic, 500, &error) : OTTLA_ERR_OK;
    if (code != OTTLA_ERR_OK && code != OTTLA_ERR_CLOSED) { /* closed: the wait is over */
        say("it waits for the topic: %s", ottla_error_message(error));
    }
    ottla_error_free(error);
}

/* Runs until SIGUSR1. Signals are blocked in every thread and received here, where any function may be called. */
static void *wait_for_signals(void *argument) {
    struct interrupter *interrupter = argument;
    int number = 0;
    if (sigwait(&interrupter->signals, &number) != 0 || number == SIGUSR1) {
        return NULL;
    }
    close(interrupter->stop_fd);
    interrupter->stop_fd = -1;
    say_what_it_waits_for(interrupter);
    if (sigwait(&interrupter->signals, &number) != 0 || number == SIGUSR1) {
        return NULL;
    }
    /* Calls that wait in the library on other threads return now. */
    ottla_code code = ottla_producer_close(interrupter->producer, 0, NULL);
    if (code != OTTLA_ERR_OK) {
        say("cannot give up: %s", ottla_code_name(code));
    }
    while (sigwait(&interrupter->signals, &number) == 0 && number != SIGUSR1) {
    }
    return NULL;
}

static void check(int number, const char *what) {
    if (number != 0) {
        say("%s: %s", what, strerror(number));
        exit(2);
    }
}

int main(int argc, char **argv) {
    static struct options options;
    options.config = ottla_config_new();
    if (options.config == NULL) {
        die("no configuration");
    }
    /* Before any file is loaded, so that unknown names in it are reported. */
    require(ottla_config_set_log(options.config, NULL, NULL, NULL, OTTLA_LOG_WARNING), NULL, "log");
    require(ottla_config_set_poll(options.config, NULL, NULL, NULL), NULL, "poll mode");
    read_options(argc, argv, &options);

    /* Before other threads exist, because they inherit it. */
    struct interrupter interrupter;
    sigemptyset(&interrupter.signals);
    sigaddset(&interrupter.signals, SIGINT);
    sigaddset(&interrupter.signals, SIGTERM);
    sigaddset(&interrupter.signals, SIGUSR1);
    check(pthread_sigmask(SIG_BLOCK, &interrupter.signals, NULL), "signals");
    int stop[2];
    check(pipe(stop) == 0 ? 0 : errno, "pipe");

    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    ottla_error *error = NULL;
    ottla_code code = ottla_producer_new(options.config, &producer, &error);
    require(code, error, "cannot start");
    ottla_config_free(options.config);
    code = ottla_producer_topic(producer, options.topic, &topic, &error);
    require(code, error, "-t");

    struct reporter reporter = {.producer = producer, .verbose = options.verbose};
    interrupter.producer = producer;
    interrupter.topic = topic;
    interrupter.stop_fd = stop[1];
    pthread_t reporting, interrupting;
    check(pthread_create(&reporting, NULL, take_reports, &reporter), "thread");
    check(pthread_create(&interrupting, NULL, wait_for_signals, &interrupter), "thread");

    struct input input = {.capacity = 1 << 16, .stop_fd = stop[0]};
    input.buffer = malloc(input.capacity);
    if (input.buffer == NULL) {
        die("no memory");
    }
    struct transactions transactions = {
        .producer = producer, .used = options.transactional, .every = options.commit_every};
    struct lines lines = {0, 0};
    bool good = (!transactions.used || init_transactions(&transactions, stop[0])) &&
                send_lines(&transactions, topic, &options, &input, &lines) && lines.refused == 0 && !input.failed;
    good = end_transactions(&transactions, !good);

    code = ottla_producer_flush(producer, -1, 0, &error);
    if (code != OTTLA_ERR_OK && code != OTTLA_ERR_CLOSED) { /* closed: by the second signal */
        say("flush: %s", ottla_error_message(error));
    }
    ottla_error_free(error);
    code = ottla_producer_close(producer, -1, NULL);
    if (code != OTTLA_ERR_OK) {
        say("close: %s", ottla_code_name(code));
    }
    check(pthread_join(reporting, NULL), "thread");
    check(pthread_kill(interrupting, SIGUSR1), "thread");
    check(pthread_join(interrupting, NULL), "thread");
    ottla_topic_free(topic);
    code = ottla_producer_free(producer);
    if (code != OTTLA_ERR_OK) {
        say("free: %s", ottla_code_name(code));
    }
    free(input.buffer);
    close(stop[0]);
    if (interrupter.stop_fd != -1) {
        close(interrupter.stop_fd);
    }

    say_counts(&reporter.reasons, "not delivered");
    if (transactions.used) {
        fprintf(stderr, "%" PRIu64 " committed in %" PRIu64 " transactions\n", transactions.committed,
                transactions.count);
    }
    fprintf(stderr, "%" PRIu64 " accepted, %" PRIu64 " delivered, %" PRIu64 " failed, %" PRIu64 " refused\n",
            lines.accepted, reporter.delivered, reporter.failed, lines.refused);
    good = good && reporter.delivered == lines.accepted && !reporter.broken;
    return good && code == OTTLA_ERR_OK ? 0 : 1;
}
