/* event_loop: sends from the application's event loop and takes the reports there, without callbacks and without
 * ever waiting in the library.
 *
 * Shows: poll mode (ottla_config_set_poll()), its file descriptor in epoll next to a timer, OTTLA_SEND_NO_WAIT, and an
 * orderly end that does not block the loop. For Linux; where there is no epoll, poll() does the same.
 *
 * Build: cc -std=c99 -o event_loop event_loop.c $(pkg-config --cflags --libs ottla)
 * Run:   event_loop localhost:9092 greetings
 *
 * Prints: a line for each report, then the counts. Ten records are sent each 10 ms:
 *
 *     greetings 0: 10 records from offset 0
 *     ...
 *     200 accepted, 200 delivered, 0 failed */

#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <ottla.h>

enum { RECORDS = 200, PER_TICK = 10, TICK_MS = 10, MAX_REPORTS = 16 };

struct loop {
    ottla_producer *producer;
    ottla_topic *topic;
    unsigned accepted;
    unsigned delivered;
    unsigned failed;
    bool broken;
};

static void complain(struct loop *loop, const char *what, ottla_code code, ottla_error *error) {
    fprintf(stderr, "event_loop: %s: %s\n", what, error != NULL ? ottla_error_message(error) : ottla_code_name(code));
    ottla_error_free(error);
    loop->broken = true;
}

/* The timer fired: sends a few more records. Those that find no room are sent at a later tick. */
static void on_tick(struct loop *loop) {
    const ottla_send_options no_wait = {.struct_size = sizeof(ottla_send_options), .flags = OTTLA_SEND_NO_WAIT};
    for (unsigned i = 0; i < PER_TICK && loop->accepted < RECORDS; i++) {
        char value[32];
        int len = snprintf(value, sizeof value, "record %u", loop->accepted);
        ottla_record record = {.struct_size = sizeof(ottla_record)};
        record.value = value;
        record.value_len = (size_t)len;
        ottla_error *error = NULL;
        ottla_code code = ottla_producer_send(loop->producer, loop->topic, &record, NULL, &no_wait, &error);
        if (code == OTTLA_ERR_BUFFER_FULL) {
            ottla_error_free(error);
            return;
        }
        if (code != OTTLA_ERR_OK) {
            complain(loop, "send", code, error);
            return;
        }
        loop->accepted++;
    }
}

static void print_batch(struct loop *loop, const ottla_batch *batch) {
    unsigned count = (unsigned)batch->count;
    if (batch->code == OTTLA_ERR_OK) {
        printf("%s %" PRId32 ": %u records from offset %" PRId64 "\n", batch->topic, batch->partition, count,
               batch->base_offset);
        loop->delivered += count;
    } else {
        printf("%u records failed: %s\n", count, ottla_error_message(batch->error));
        loop->failed += count;
    }
}

/* The descriptor is readable: takes all reports. */
static void on_reports(struct loop *loop) {
    ottla_report *reports[MAX_REPORTS];
    size_t count = MAX_REPORTS;
    while (count == MAX_REPORTS) { /* there may be more */
        ottla_error *error = NULL;
        ottla_code code = ottla_producer_poll(loop->producer, 0, reports, MAX_REPORTS, &count, &error);
        if (code != OTTLA_ERR_OK) {
            complain(loop, "poll", code, error);
            return;
        }
        for (size_t i = 0; i < count; i++) {
            print_batch(loop, ottla_report_batch(reports[i]));
            ottla_report_free(reports[i]);
        }
    }
}

/* Runs until every record has been sent and reported. */
static void run(struct loop *loop) {
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct itimerspec each = {.it_interval = {.tv_nsec = TICK_MS * 1000000L}, .it_value = {.tv_nsec = 1}};
    int reports = ottla_producer_poll_fd(loop->producer); /* it belongs to the library, and must not be read or closed */
    struct epoll_event tick = {.events = EPOLLIN, .data.fd = timer};
    struct epoll_event report = {.events = EPOLLIN, .data.fd = reports};
    if (timer < 0 || epoll < 0 || reports < 0 || timerfd_settime(timer, 0, &each, NULL) != 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &tick) != 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, reports, &report) != 0) {
        fprintf(stderr, "event_loop: %s\n", strerror(errno));
        loop->broken = true;
    }
    while (!loop->broken && loop->delivered + loop->failed < RECORDS) {
        struct epoll_event events[2];
        int count = epoll_wait(epoll, events, 2, -1);
        if (count < 0 && errno != EINTR) {
            fprintf(stderr, "event_loop: epoll: %s\n", strerror(errno));
            loop->broken = true;
        }
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == reports) {
                on_reports(loop);
                continue;
            }
            uint64_t ticks;
            if (read(timer, &ticks, sizeof ticks) == (ssize_t)sizeof ticks) {
                on_tick(loop);
            }
        }
    }
    if (epoll >= 0) {
        close(epoll);
    }
    if (timer >= 0) {
        close(timer);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fputs("usage: event_loop BROKERS TOPIC\n", stderr);
        return 2;
    }
    struct loop loop = {0};
    ottla_error *error = NULL;
    ottla_config *config = ottla_config_new();
    if (config == NULL) {
        complain(&loop, "configuration", OTTLA_ERR_INTERNAL, NULL);
        return 1;
    }
    ottla_code code = ottla_config_set(config, "bootstrap.servers", argv[1], &error);
    if (code == OTTLA_ERR_OK) {
        code = ottla_config_set_poll(config, NULL, NULL, NULL);
    }
    if (code == OTTLA_ERR_OK) {
        code = ottla_producer_new(config, &loop.producer, &error);
    }
    if (code == OTTLA_ERR_OK) {
        code = ottla_producer_topic(loop.producer, argv[2], &loop.topic, &error);
    }
    if (code == OTTLA_ERR_OK) {
        run(&loop);
        code = ottla_producer_close(loop.producer, 5000, &error); /* everything is reported, so this does not wait */
    }
    if (code != OTTLA_ERR_OK) {
        complain(&loop, "producer", code, error);
    }
    ottla_topic_free(loop.topic);
    if (loop.producer != NULL && (code = ottla_producer_free(loop.producer)) != OTTLA_ERR_OK) {
        complain(&loop, "free", code, NULL);
    }
    ottla_config_free(config);
    printf("%u accepted, %u delivered, %u failed\n", loop.accepted, loop.delivered, loop.failed);
    return !loop.broken && loop.delivered == RECORDS ? 0 : 1;
}
