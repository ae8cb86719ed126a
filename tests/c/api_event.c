/* Events by callback and by polling, against the broker in argv[1] and against a port on which nothing listens. */
#include "check.h"

#include <poll.h>

struct seen {
    int up, down, all_down, room;
    int freed;
};

static void nap(int ms) {
    struct pollfd none = {-1, 0, 0};
    poll(&none, 1, ms);
}

static int count(int *number) {
    return __atomic_load_n(number, __ATOMIC_SEQ_CST);
}

static void on_event(const ottla_event *event, void *userdata) {
    struct seen *seen = userdata;
    CHECK(event->struct_size == sizeof *event && event->dropped == 0 && strlen(event->message) > 0);
    CHECK((event->error == NULL) == (event->code == OTTLA_ERR_OK));
    switch (event->kind) {
    case OTTLA_EVENT_BROKER_UP:
        CHECK(event->host != NULL && event->port > 0 && event->throttle_ms == 0);
        __atomic_add_fetch(&seen->up, 1, __ATOMIC_SEQ_CST);
        break;
    case OTTLA_EVENT_BROKER_DOWN:
        CHECK(event->host != NULL && event->error != NULL);
        __atomic_add_fetch(&seen->down, 1, __ATOMIC_SEQ_CST);
        break;
    case OTTLA_EVENT_ALL_BROKERS_DOWN:
        CHECK(event->host == NULL && event->broker_id == -1 && event->port == 0);
        __atomic_add_fetch(&seen->all_down, 1, __ATOMIC_SEQ_CST);
        break;
    case OTTLA_EVENT_BUFFER_ROOM:
        CHECK(event->host == NULL && event->error == NULL);
        __atomic_add_fetch(&seen->room, 1, __ATOMIC_SEQ_CST);
        break;
    default:
        break;
    }
}

static void freed(void *userdata) {
    ((struct seen *)userdata)->freed++;
}

/* An application's event loop sends until a record is refused, and goes on when room is reported. */
static void room_is_told_after_a_refusal(const char *broker) {
    struct seen seen = {0, 0, 0, 0, 0};
    ottla_config *config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", broker, NULL));
    CHECK_OK(ottla_config_set(config, "buffer.memory", "100000", NULL));
    CHECK_OK(ottla_config_set(config, "linger.ms", "1000", NULL));
    CHECK_OK(ottla_config_set_events(config, on_event, &seen, freed));
    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_producer_topic(producer, "room", &topic, NULL));
    CHECK(ottla_producer_poll_fd(producer) == -1);
    ottla_event *none = NULL;
    CHECK_CODE(OTTLA_ERR_INVALID_STATE, ottla_producer_poll_event(producer, 0, &none, NULL));

    char value[2000] = {0};
    ottla_record record = text_record(NULL, NULL);
    record.value = value;
    record.value_len = sizeof value;
    for (int round = 0; round < 3; round++) {
        CHECK(count(&seen.room) == round);
        ottla_code code;
        while ((code = ottla_producer_send(producer, topic, &record, NULL, NO_WAIT,
                                           NULL)) == OTTLA_ERR_OK) {
        }
        CHECK_CODE(OTTLA_ERR_BUFFER_FULL, code);
        for (int waits = 0; count(&seen.room) == round; waits++) {
            CHECK(waits < 3000);
            nap(10);
        }
        CHECK(ottla_producer_buffered_bytes(producer) <= 100000 - 100000 / 8);
        CHECK_OK(ottla_producer_flush(producer, 30000, 0, NULL));
    }
    CHECK(count(&seen.room) == 3 && count(&seen.up) >= 1 && count(&seen.down) == 0);

    /* A record that can never fit leads to no room event. */
    record.value_len = 0;
    char *large = calloc(200000, 1);
    record.value = large;
    record.value_len = 200000;
    CHECK_CODE(OTTLA_ERR_RECORD_TOO_LARGE, ottla_producer_send(producer, topic, &record, NULL,
                                                               NO_WAIT, NULL));
    free(large);
    ottla_topic_free(topic);
    CHECK_OK(ottla_producer_free(producer));
    CHECK(seen.freed == 0);
    ottla_config_free(config);
    CHECK(seen.freed == 1 && seen.room == 3);
}

static int ready_calls;

static void ready(void *userdata) {
    CHECK(userdata == &ready_calls);
    __atomic_add_fetch(&ready_calls, 1, __ATOMIC_SEQ_CST);
}

static int readable(int fd, int wait_ms) {
    struct pollfd entry = {fd, POLLIN, 0};
    return poll(&entry, 1, wait_ms) == 1;
}

/* One descriptor serves reports and events. */
static void polled_events_say_that_nobody_listens(void) {
    ottla_config *config = refused_config();
    CHECK_OK(ottla_config_set(config, "delivery.timeout.ms", "300", NULL));
    CHECK_OK(ottla_config_set(config, "linger.ms", "0", NULL));
    CHECK_OK(ottla_config_set_poll(config, NULL, NULL, NULL));
    CHECK_OK(ottla_config_set_event_poll(config, 10, ready, &ready_calls, NULL));
    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    ottla_event *event = NULL, *all = NULL;
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
    int fd = ottla_producer_poll_fd(producer);
    CHECK(fd >= 0 && readable(fd, 5000));
    CHECK_OK(ottla_producer_poll_event(producer, 5000, &event, NULL));
    CHECK(event != NULL && event->kind == OTTLA_EVENT_BROKER_DOWN && event->code == OTTLA_ERR_IO);
    CHECK(strcmp(event->host, "127.0.0.1") == 0 && event->port == 1 && event->broker_id == -1);
    CHECK(strstr(ottla_error_message(event->error), "127.0.0.1:1") != NULL && event->dropped == 0);
    ottla_event_free(event);
    CHECK_OK(ottla_producer_poll_event(producer, 5000, &all, NULL));
    CHECK(all != NULL && all->kind == OTTLA_EVENT_ALL_BROKERS_DOWN && ottla_error_is_retriable(all->error));
    CHECK_OK(ottla_producer_poll_event(producer, 0, &event, NULL));
    CHECK(event == NULL && !readable(fd, 0));
    CHECK(count(&ready_calls) >= 1);

    /* A report makes the descriptor readable, and it stays readable while an event is left. */
    ottla_report *report = NULL;
    ottla_record record = text_record(NULL, "v");
    CHECK_OK(ottla_producer_topic(producer, "nowhere", &topic, NULL));
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    CHECK(readable(fd, 10000));
    CHECK_OK(ottla_producer_poll_event(producer, 0, &event, NULL));
    CHECK(event == NULL && readable(fd, 0));
    CHECK_OK(POLL_ONE(producer, 0, &report, NULL));
    CHECK(report != NULL && !readable(fd, 0));
    ottla_report_free(report);

    CHECK_OK(ottla_producer_close(producer, 5000, NULL));
    CHECK(readable(fd, 0));
    CHECK_CODE(OTTLA_ERR_CLOSED, ottla_producer_poll_event(producer, -1, &event, NULL));
    CHECK_CODE(OTTLA_ERR_CLOSED, POLL_ONE(producer, -1, &report, NULL));
    ottla_topic_free(topic);
    CHECK_OK(ottla_producer_free(producer));

    /* The event is valid after its producer was freed. */
    CHECK(strstr(all->message, "no broker can be reached") != NULL);
    ottla_event_free(all);
    ottla_event_free(NULL);
}

static void events_that_nobody_polls_make_room_for_newer_ones(void) {
    ottla_config *config = refused_config();
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_config_set_event_poll(config, 0, NULL, NULL, NULL));
    CHECK_OK(ottla_config_set_event_poll(config, 1, NULL, NULL, NULL));
    ottla_producer *producer = NULL;
    ottla_event *event = NULL;
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
    /* The first failed connection leads to two events. The second failure shows that both have happened. */
    ottla_counters counters = {.struct_size = sizeof counters};
    for (int waits = 0; counters.connections_failed < 2; waits++) {
        CHECK(waits < 3000);
        nap(10);
        CHECK_OK(ottla_producer_counters(producer, &counters, NULL));
    }
    CHECK_OK(ottla_producer_poll_event(producer, 0, &event, NULL));
    CHECK(event != NULL && event->kind == OTTLA_EVENT_ALL_BROKERS_DOWN && event->dropped == 1);
    ottla_event_free(event);
    CHECK_OK(ottla_producer_free(producer));
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    room_is_told_after_a_refusal(argv[1]);
    polled_events_say_that_nobody_listens();
    events_that_nobody_polls_make_room_for_newer_ones();
    return 0;
}
