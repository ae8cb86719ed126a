/* A full buffer, with each way to send: the code, the message, which calls wait and how long, and that refused
 * records are not reported. The broker in argv[1] responds for the topic "answered" and never for "full". */
#define _GNU_SOURCE
#include "check.h"

#include <time.h>

#define LARGE 9000

static ottla_producer *producer;
static ottla_topic *topic;
static ottla_record record;
static char value[LARGE];
static int reported, inside_tried, is_inside, released;
static size_t accepted;

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void count(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    CHECK(delivery->code != OTTLA_ERR_OK && delivery->fate != OTTLA_FATE_WRITTEN);
    reported++;
}

/* The ways to send. Each sends one record, and all records are alike. */

static ottla_code with(const ottla_send_options *options, ottla_error **error) {
    return ottla_producer_send(producer, topic, &record, NULL, options, error);
}

static ottla_code send(ottla_error **error) {
    return with(NULL, error);
}

static ottla_code send_no_wait(ottla_error **error) {
    return with(NO_WAIT, error);
}

static ottla_code send_with_function(ottla_error **error) {
    return with(OPTIONS(.on_delivery = count), error);
}

static ottla_code send_with_function_no_wait(ottla_error **error) {
    return with(OPTIONS(.flags = OTTLA_SEND_NO_WAIT, .on_delivery = count), error);
}

/* The value stays with the application: a refused value is not released. */
static void release(const void *value_lent, size_t value_len, void *userdata) {
    (void)userdata;
    CHECK(value_lent == value && value_len == sizeof value);
    released++;
}

static ottla_code send_lent(ottla_error **error) {
    return with(OPTIONS(.on_release = release), error);
}

static ottla_code send_lent_no_wait(ottla_error **error) {
    return with(OPTIONS(.flags = OTTLA_SEND_NO_WAIT, .on_release = release), error);
}

/* A refused record has no handle. */
static ottla_code for_handle(uint32_t flags, ottla_error **error) {
    ottla_send *handle = NULL;
    ottla_code code = with(OPTIONS(.flags = flags, .handle_out = &handle), error);
    CHECK(handle == NULL);
    return code;
}

static ottla_code send_for_handle(ottla_error **error) {
    return for_handle(0, error);
}

static ottla_code send_for_handle_no_wait(ottla_error **error) {
    return for_handle(OTTLA_SEND_NO_WAIT, error);
}

static ottla_code objects(const ottla_send_options *options, ottla_error **error) {
    return ottla_producer_send_objects(producer, topic, &record, NULL, NULL, NULL, options, error);
}

static ottla_code send_objects(ottla_error **error) {
    return objects(NULL, error);
}

static ottla_code send_objects_no_wait(ottla_error **error) {
    return objects(NO_WAIT, error);
}

static ottla_code send_objects_with_function(ottla_error **error) {
    return objects(OPTIONS(.on_delivery = count), error);
}

static ottla_code many(const ottla_send_options *options, ottla_error **error) {
    size_t done = 99;
    ottla_code code = ottla_producer_send_many(producer, topic, &record, 1, NULL, options, &done,
                                               error);
    CHECK(done == (code == OTTLA_ERR_OK));
    return code;
}

static ottla_code send_many(ottla_error **error) {
    return many(NULL, error);
}

static ottla_code send_many_no_wait(ottla_error **error) {
    return many(NO_WAIT, error);
}

static ottla_code flat(const ottla_send_options *options, ottla_error **error) {
    const ottla_topic *topics[] = {topic};
    static uint8_t buffer[44 + LARGE];
    uint32_t has_value = OTTLA_FLAT_VALUE;
    int32_t value_len = LARGE;
    size_t done = 99, consumed = 99;
    memset(buffer, 0, sizeof buffer);
    memcpy(buffer + 20, &has_value, 4);
    memcpy(buffer + 28, &value_len, 4);
    ottla_code code =
        ottla_producer_send_flat(producer, topics, 1, buffer, sizeof buffer, 1, options, &done, &consumed, error);
    CHECK(consumed == (done ? sizeof buffer : 0));
    CHECK(done == (code == OTTLA_ERR_OK));
    return code;
}

static ottla_code send_flat(ottla_error **error) {
    return flat(NULL, error);
}

static ottla_code send_flat_no_wait(ottla_error **error) {
    return flat(NO_WAIT, error);
}

static ottla_code send_and_wait(ottla_error **error) {
    ottla_delivery delivery;
    delivery.struct_size = sizeof delivery;
    ottla_code code = ottla_producer_send_and_wait(producer, topic, &record, -1, &delivery, error);
    CHECK(delivery.code == code && delivery.fate == OTTLA_FATE_NOT_WRITTEN && delivery.offset == -1);
    return code;
}

static const struct way {
    const char *name;
    ottla_code (*send)(ottla_error **error);
    int waits, in_callback;
} ways[] = {
    {"send", send, 1, OTTLA_ERR_BUFFER_FULL},
    {"send, no wait", send_no_wait, 0, OTTLA_ERR_BUFFER_FULL},
    {"send with a function", send_with_function, 1, OTTLA_ERR_BUFFER_FULL},
    {"send with a function, no wait", send_with_function_no_wait, 0, OTTLA_ERR_BUFFER_FULL},
    {"send for a handle", send_for_handle, 1, OTTLA_ERR_BUFFER_FULL},
    {"send for a handle, no wait", send_for_handle_no_wait, 0, OTTLA_ERR_BUFFER_FULL},
    {"send lent", send_lent, 1, OTTLA_ERR_BUFFER_FULL},
    {"send lent, no wait", send_lent_no_wait, 0, OTTLA_ERR_BUFFER_FULL},
    {"send_objects", send_objects, 1, OTTLA_ERR_BUFFER_FULL},
    {"send_objects, no wait", send_objects_no_wait, 0, OTTLA_ERR_BUFFER_FULL},
    {"send_objects with a function", send_objects_with_function, 1, OTTLA_ERR_BUFFER_FULL},
    {"send_many", send_many, 1, OTTLA_ERR_BUFFER_FULL},
    {"send_many, no wait", send_many_no_wait, 0, OTTLA_ERR_BUFFER_FULL},
    {"send_flat", send_flat, 1, OTTLA_ERR_BUFFER_FULL},
    {"send_flat, no wait", send_flat_no_wait, 0, OTTLA_ERR_BUFFER_FULL},
    {"send_and_wait", send_and_wait, 1, OTTLA_ERR_IN_CALLBACK},
};

enum { WAYS = sizeof ways / sizeof ways[0] };

/* Records of an unknown topic expire after max.block.ms. Once the topic is known, they stay. */
static void until_known(void) {
    ottla_counters counters;
    counters.struct_size = sizeof counters;
    do {
        accepted += send_no_wait(NULL) == OTTLA_ERR_OK;
        struct timespec wait = {0, 20000000};
        nanosleep(&wait, NULL);
        CHECK_OK(ottla_producer_counters(producer, &counters, NULL));
        CHECK(accepted < 1000);
    } while (counters.produce_requests == 0);
}

/* Sends until there is no room. */
static void fill(void) {
    while (send_no_wait(NULL) == OTTLA_ERR_OK) {
        accepted++;
        CHECK(accepted < 10000);
    }
}

/* How often a call waited for room. */
static uint64_t waits(void) {
    ottla_statistics *statistics = NULL;
    ottla_producer_figures figures = {.struct_size = sizeof figures};
    CHECK_OK(ottla_producer_statistics(producer, &statistics, NULL));
    CHECK_OK(ottla_statistics_producer(statistics, &figures, NULL));
    ottla_statistics_free(statistics);
    return figures.buffer_waits;
}

static void refused(const struct way *way, ottla_code expected, double least, double most) {
    ottla_error *error = NULL;
    double begin = seconds();
    ottla_code code = way->send(&error);
    double took = seconds() - begin;
    if (code != expected || error == NULL || took < least || took > most) {
        fprintf(stderr, "%s: %s after %f s: %s\n", way->name, ottla_code_name(code), took, ottla_error_message(error));
        exit(1);
    }
    if (code == OTTLA_ERR_BUFFER_FULL) {
        const char *message = ottla_error_message(error);
        CHECK(strstr(message, "buffer.memory=100000") && strstr(message, "full") && strstr(message, "on their way"));
        CHECK(strstr(message, is_inside ? "; return from the callback" : "; wait for completions") != NULL);
        CHECK(ottla_error_is_retriable(error));
    }
    ottla_error_free(error);
}

/* In a callback no call waits, whatever max.block.ms is. */
static void inside(const ottla_delivery *delivery, void *userdata) {
    (void)delivery, (void)userdata;
    is_inside = 1;
    fill();
    for (int i = 0; i < WAYS; i++) {
        refused(&ways[i], ways[i].in_callback, 0, 10);
    }
    inside_tried++;
    is_inside = 0;
}

static void start(const char *servers, const char *max_block_ms) {
    ottla_config *config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", servers, NULL));
    CHECK_OK(ottla_config_set(config, "buffer.memory", "100000", NULL));
    CHECK_OK(ottla_config_set(config, "max.request.size", "50000", NULL));
    CHECK_OK(ottla_config_set(config, "max.block.ms", max_block_ms, NULL));
    CHECK_OK(ottla_config_set(config, "linger.ms", "0", NULL));
    CHECK_OK(ottla_config_set_delivery(config, count, NULL, NULL));
    CHECK_OK(ottla_config_set_log(config, NULL, NULL, NULL, OTTLA_LOG_ERROR));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
    CHECK_OK(ottla_producer_topic(producer, "full", &topic, NULL));
    reported = 0;
    accepted = 0;
}

static void end(void) {
    CHECK_OK(ottla_producer_free(producer));
    ottla_topic_free(topic);
    CHECK((size_t)reported == accepted && released == 0);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    record = text_record(NULL, NULL);
    record.value = value;
    record.value_len = sizeof value;

    start(argv[1], "400");
    until_known();
    fill();
    for (int i = 0; i < WAYS; i++) {
        uint64_t before = waits();
        refused(&ways[i], OTTLA_ERR_BUFFER_FULL, ways[i].waits ? 0.4 : 0, 10);
        CHECK(waits() == before + (uint64_t)ways[i].waits);
    }
    end();

    start(argv[1], "60000");
    ottla_topic *answered = NULL;
    ottla_record small = text_record(NULL, "small");
    CHECK_OK(ottla_producer_topic(producer, "answered", &answered, NULL));
    CHECK_OK(ottla_producer_send(producer, answered, &small, NULL, OPTIONS(.on_delivery = inside), NULL));
    CHECK_OK(ottla_producer_flush(producer, 30000, 0, NULL));
    CHECK(inside_tried == 1);
    ottla_topic_free(answered);
    end();
    return 0;
}
