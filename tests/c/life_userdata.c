/* The application's data goes to completions of every kind and comes back without a lock. Two threads send to the
 * broker in argv[1]. ThreadSanitizer, helgrind and memcheck run this program.
 *
 * A sending thread writes an order and sends it. Its completion, on whatever thread, reads and changes the order.
 * After a flush, a poll or a wait the application reads it again. Only the library's calls order these accesses.
 *
 * With a second argument the application itself has a race: it reads an order that a callback may be changing. */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>

enum { THREADS = 2, ORDERS = 400 };

struct order {
    char value[1100];
    char key[16];
    int sent;
    int completed;
};

struct run {
    ottla_producer *producer;
    ottla_topic *topic;
    void (*send)(struct run *, struct order *);
    /* How many orders callbacks completed. Callbacks change it, and the thread that flushed reads it. */
    int completed;
    struct order orders[THREADS][ORDERS];
};

static void complete(struct order *order) {
    CHECK(order->sent == 1);
    order->completed++;
}

static void on_delivery(const ottla_delivery *delivery, void *userdata) {
    CHECK(delivery->code == OTTLA_ERR_OK);
    ((struct run *)userdata)->completed++;
    complete(delivery->userdata);
}

static void on_batch(const ottla_batch *batch, void *userdata) {
    CHECK(batch->code == OTTLA_ERR_OK);
    for (size_t i = 0; i < batch->count; i++) {
        ((struct run *)userdata)->completed++;
        complete(batch->entries[i].userdata);
    }
}

static void on_own_delivery(const ottla_delivery *delivery, void *order) {
    CHECK(delivery->code == OTTLA_ERR_OK && delivery->userdata == order);
    complete(order);
}

static ottla_record record_of(const struct order *order) {
    ottla_record record = text_record(order->key, NULL);
    record.value = order->value;
    record.value_len = sizeof order->value;
    return record;
}

static void send_alone(struct run *run, struct order *order) {
    ottla_record record = record_of(order);
    CHECK_OK(ottla_producer_send(run->producer, run->topic, &record, order, NULL, NULL));
}

static void send_with_headers(struct run *run, struct order *order) {
    ottla_header header = {.name = order->key, .name_len = strlen(order->key), .value = order->value, .value_len = 10};
    ottla_record record = record_of(order);
    record.headers = &header;
    record.header_count = 1;
    CHECK_OK(ottla_producer_send(run->producer, run->topic, &record, order, OPTIONS(.on_delivery = on_own_delivery),
                                 NULL));
}

static void send_in_array(struct run *run, struct order *order) {
    ottla_record record = text_record(NULL, "v");
    void *userdata = order;
    size_t accepted;
    CHECK_OK(ottla_producer_send_many(run->producer, run->topic, &record, 1, &userdata, NULL, &accepted, NULL));
}

/* A lent value is released, and may then be changed. */
static void on_release(const void *value, size_t value_len, void *order) {
    CHECK(value == ((struct order *)order)->value && value_len == sizeof((struct order *)order)->value);
    memset(((struct order *)order)->value, 0, value_len);
}

static void send_lent(struct run *run, struct order *order) {
    ottla_record record = record_of(order);
    CHECK_OK(ottla_producer_send(run->producer, run->topic, &record, order,
                                 OPTIONS(.on_release = on_release, .release_userdata = order), NULL));
}

static void wait_for_one(struct run *run, const struct order *order) {
    ottla_record record = record_of(order);
    ottla_delivery delivery = {.struct_size = sizeof delivery};
    CHECK_OK(ottla_producer_send_and_wait(run->producer, run->topic, &record, -1, &delivery, NULL));
}

static void wait_for_handle(struct run *run, const struct order *order) {
    ottla_record record = record_of(order);
    ottla_delivery delivery = {.struct_size = sizeof delivery};
    ottla_send *handle = NULL;
    CHECK_OK(ottla_producer_send(run->producer, run->topic, &record, NULL, OPTIONS(.handle_out = &handle), NULL));
    CHECK_OK(ottla_send_wait(handle, -1, &delivery, NULL));
    ottla_send_free(handle);
}

/* The first record that is waited for may be in the order's batch, whose callbacks may still be running. The second
 * is in a later batch of the same partition, so the order is completed. */
static void send_and_wait(struct run *run, struct order *order) {
    send_with_headers(run, order);
    if (order->key[0] == '0') {
        wait_for_one(run, order);
        wait_for_one(run, order);
        CHECK(order->completed == 1);
    }
}

static void send_and_wait_by_handle(struct run *run, struct order *order) {
    send_with_headers(run, order);
    if (order->key[0] == '0') {
        wait_for_handle(run, order);
        wait_for_handle(run, order);
        CHECK(order->completed == 1);
    }
}

static void check(const struct order *orders) {
    for (int i = 0; i < ORDERS; i++) {
        CHECK(orders[i].sent == 1 && orders[i].completed == 1);
    }
}

static void send_orders(struct run *run, struct order *orders) {
    for (int i = 0; i < ORDERS; i++) {
        struct order *order = &orders[i];
        memset(order->value, 'a' + i % 26, sizeof order->value);
        snprintf(order->key, sizeof order->key, "%d-%d", i % 20, i);
        order->sent = 1;
        run->send(run, order);
    }
}

/* The arguments of a sending thread. */
struct part {
    struct run *run;
    struct order *orders;
    int flushes;
};

static void *send_part(void *argument) {
    const struct part *part = argument;
    send_orders(part->run, part->orders);
    if (part->flushes) {
        CHECK_OK(ottla_producer_flush(part->run->producer, -1, 0, NULL));
        check(part->orders);
    }
    return NULL;
}

/* Meanwhile the main thread takes the reports and completes the orders. */
static void poll_all(struct run *run) {
    for (int polled = 0; polled < THREADS * ORDERS;) {
        ottla_report *report = NULL;
        CHECK_OK(POLL_ONE(run->producer, -1, &report, NULL));
        const ottla_batch *batch = ottla_report_batch(report);
        CHECK(batch->code == OTTLA_ERR_OK);
        for (size_t i = 0; i < batch->count; i++, polled++) {
            complete(batch->entries[i].userdata);
        }
        ottla_report_free(report);
    }
}

static ottla_config *config_of(const char *broker) {
    ottla_config *config = ottla_config_new();
    CHECK(config != NULL);
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", broker, NULL));
    CHECK_OK(ottla_config_set(config, "linger.ms", "2", NULL));
    return config;
}

static void start(struct run *run, const ottla_config *config) {
    CHECK_OK(ottla_producer_new(config, &run->producer, NULL));
    CHECK_OK(ottla_producer_topic(run->producer, "orders", &run->topic, NULL));
}

static void end(struct run *run, ottla_config *config) {
    ottla_topic_free(run->topic);
    CHECK_OK(ottla_producer_free(run->producer));
    ottla_config_free(config);
    free(run);
}

/* Two threads send everything through a producer with this configuration, which is freed. `expected` is how many
 * records the configured callback has to count. */
static void deliver(ottla_config *config, struct run *run, int polls, int expected) {
    start(run, config);
    pthread_t threads[THREADS];
    struct part parts[THREADS];
    for (int i = 0; i < THREADS; i++) {
        parts[i] = (struct part){run, run->orders[i], !polls};
        CHECK(pthread_create(&threads[i], NULL, send_part, &parts[i]) == 0);
    }
    if (polls) {
        poll_all(run);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        check(run->orders[i]);
    }
    CHECK(run->completed == expected);
    end(run, config);
}

static struct run *run_of(void (*send)(struct run *, struct order *)) {
    struct run *run = calloc(1, sizeof *run);
    CHECK(run != NULL);
    run->send = send;
    return run;
}

static void race(struct run *run) {
    volatile struct order *order = &run->orders[0][0];
    order->sent = 1;
    send_alone(run, &run->orders[0][0]);
    while (order->completed == 0) {
    }
}

int main(int argc, char **argv) {
    CHECK(argc == 2 || argc == 3);
    if (argc == 3) {
        struct run *run = run_of(send_alone);
        ottla_config *config = config_of(argv[1]);
        CHECK_OK(ottla_config_set_delivery(config, on_delivery, run, NULL));
        start(run, config);
        race(run);
        end(run, config);
        return 0;
    }
    void (*const by_default[])(struct run *, struct order *) = {send_alone, send_in_array, send_lent};
    for (int i = 0; i < 3; i++) {
        struct run *run = run_of(by_default[i]);
        ottla_config *config = config_of(argv[1]);
        CHECK_OK(ottla_config_set_delivery(config, on_delivery, run, NULL));
        deliver(config, run, 0, THREADS * ORDERS);
    }
    {
        struct run *run = run_of(send_alone);
        ottla_config *config = config_of(argv[1]);
        CHECK_OK(ottla_config_set_batch_delivery(config, on_batch, run, NULL));
        deliver(config, run, 0, THREADS * ORDERS);
    }
    {
        struct run *run = run_of(send_alone);
        ottla_config *config = config_of(argv[1]);
        CHECK_OK(ottla_config_set_poll(config, NULL, NULL, NULL));
        deliver(config, run, 1, 0);
    }
    void (*const by_themselves[])(struct run *, struct order *) = {send_with_headers, send_and_wait, send_and_wait_by_handle};
    for (int i = 0; i < 3; i++) {
        deliver(config_of(argv[1]), run_of(by_themselves[i]), 0, 0);
    }
    return 0;
}
