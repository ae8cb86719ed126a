/* A fork with a live producer that is connected to the broker in argv[1]. In the child every call is refused and
 * returns, free only forgets, and a new producer works. The parent goes on over the same connections. */
#define _GNU_SOURCE
#include "check.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static ottla_producer *producer, *polled;
static ottla_topic *topic;
static ottla_send *sent;
static int reported;

static void count(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    CHECK(delivery->code == OTTLA_ERR_OK);
    __atomic_add_fetch(&reported, 1, __ATOMIC_SEQ_CST);
}

static ottla_config *config_for(const char *servers) {
    ottla_config *config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", servers, NULL));
    CHECK_OK(ottla_config_set_delivery(config, count, NULL, NULL));
    return config;
}

static void release(const void *value, size_t value_len, void *userdata) {
    (void)value, (void)value_len, (void)userdata;
    CHECK(!"a value that was not accepted was given back");
}

#define FORKED(call) CHECK_CODE(OTTLA_ERR_FORKED, call)

static void in_child(const char *servers) {
    ottla_record record = text_record("key", "child");
    ottla_delivery delivery;
    ottla_counters counters;
    ottla_topic *other = NULL;
    ottla_report *report = NULL;
    ottla_event *event = NULL;
    ottla_send *handle = NULL;
    ottla_statistics *statistics = NULL;
    ottla_error *error = NULL;
    size_t accepted = 7;
    uint8_t flat[44] = {0};
    delivery.struct_size = sizeof delivery;
    counters.struct_size = sizeof counters;

    CHECK_CODE(OTTLA_ERR_FORKED, ottla_producer_send(producer, topic, &record, NULL, NULL, &error));
    CHECK(strstr(ottla_error_message(error), "fork") && strstr(ottla_error_message(error), "create another"));
    ottla_error_free(error);
    FORKED(ottla_producer_send(producer, topic, &record, NULL, OPTIONS(.on_delivery = count), NULL));
    FORKED(ottla_producer_send(producer, topic, &record, NULL, NO_WAIT, NULL));
    FORKED(ottla_producer_send(producer, topic, &record, NULL,
                               OPTIONS(.flags = OTTLA_SEND_NO_WAIT, .on_delivery = count), NULL));
    FORKED(ottla_producer_send_many(producer, topic, &record, 1, NULL, NULL, &accepted, NULL));
    CHECK(accepted == 0);
    const ottla_topic *topics[] = {topic};
    FORKED(ottla_producer_send_flat(producer, topics, 1, flat, sizeof flat, 1, NULL, &accepted, NULL, NULL));
    CHECK(accepted == 0);
    FORKED(ottla_producer_send_and_wait(producer, topic, &record, -1, &delivery, NULL));
    CHECK(delivery.fate == OTTLA_FATE_NOT_WRITTEN);
    FORKED(ottla_producer_send(producer, topic, &record, NULL, OPTIONS(.handle_out = &handle), NULL));
    FORKED(ottla_send_wait(sent, -1, &delivery, NULL));
    ottla_send_free(sent);
    FORKED(ottla_producer_send(producer, topic, &record, NULL, OPTIONS(.on_release = release), NULL));
    FORKED(ottla_producer_send(producer, topic, &record, NULL,
                               OPTIONS(.flags = OTTLA_SEND_NO_WAIT, .on_release = release), NULL));
    FORKED(ottla_producer_set_debug(producer, "", NULL));
    FORKED(ottla_producer_add_brokers(producer, servers, NULL));
    FORKED(ottla_producer_send_objects(producer, topic, &record, NULL, NULL, NULL, NULL, NULL));
    FORKED(ottla_producer_send_objects(producer, topic, &record, NULL, NULL, NULL, NO_WAIT,
                                       NULL));
    FORKED(ottla_producer_send_objects(producer, topic, &record, NULL, NULL, NULL, OPTIONS(.on_delivery = count),
                                       NULL));
    FORKED(ottla_producer_statistics(producer, &statistics, NULL));
    FORKED(ottla_producer_flush(producer, -1, 0, NULL));
    FORKED(ottla_producer_flush(polled, -1, OTTLA_FLUSH_POLLED, NULL));
    FORKED(ottla_producer_close(producer, -1, NULL));
    FORKED(ottla_producer_topic(producer, "other", &other, NULL));
    ottla_config *overrides = ottla_config_new();
    FORKED(ottla_producer_topic_with(producer, "other", overrides, &other, NULL));
    ottla_config_free(overrides);
    FORKED(ottla_producer_purge(producer, NULL, OTTLA_PURGE_QUEUED, -1, NULL));
    FORKED(ottla_producer_check(producer, -1, NULL));
    FORKED(ottla_topic_check(topic, -1, NULL));
    ottla_partitions *partitions = NULL;
    FORKED(ottla_topic_partitions(topic, -1, &partitions, NULL));
    ottla_group_metadata group = {.struct_size = sizeof group, .group_id = "g"};
    FORKED(ottla_producer_init_transactions(producer, -1, NULL));
    FORKED(ottla_producer_begin_transaction(producer, NULL));
    FORKED(ottla_producer_send_offsets_to_transaction(producer, NULL, 0, &group, -1, NULL));
    FORKED(ottla_producer_commit_transaction(producer, -1, NULL));
    FORKED(ottla_producer_abort_transaction(producer, -1, NULL));
    FORKED(ottla_producer_poll(polled, -1, &report, 1, &accepted, NULL));
    FORKED(ottla_producer_poll_event(polled, -1, &event, NULL));
    /* Readers need no thread. */
    CHECK(strcmp(ottla_topic_name(topic), "forked") == 0);
    CHECK(ottla_producer_transaction_state(producer) == OTTLA_TRANSACTION_NONE);
    (void)ottla_producer_buffered_bytes(producer);
    CHECK(ottla_producer_buffered_records(producer) == 0);
    (void)ottla_producer_poll_fd(polled);
    (void)ottla_producer_counters(producer, &counters, NULL);

    CHECK_OK(ottla_producer_free(producer));
    CHECK_OK(ottla_producer_free(polled));
    CHECK_CODE(OTTLA_ERR_CLOSED, ottla_producer_free(producer));
    ottla_topic_free(topic);

    ottla_config *config = config_for(servers);
    ottla_producer *own = NULL;
    CHECK_OK(ottla_producer_new(config, &own, NULL));
    CHECK_OK(ottla_producer_topic(own, "forked", &topic, NULL));
    CHECK_OK(ottla_producer_send_and_wait(own, topic, &record, 30000, &delivery, NULL));
    ottla_topic_free(topic);
    CHECK_OK(ottla_producer_free(own));
    ottla_config_free(config);
}

static void send_some(int count_of_them) {
    for (int i = 0; i < count_of_them; i++) {
        ottla_record record = text_record("key", "parent");
        CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    }
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    ottla_config *config = config_for(argv[1]);
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_config_set_poll(config, NULL, NULL, NULL));
    CHECK_OK(ottla_config_set_event_poll(config, 10, NULL, NULL, NULL));
    CHECK_OK(ottla_producer_new(config, &polled, NULL));
    ottla_config_free(config);
    CHECK_OK(ottla_producer_topic(producer, "forked", &topic, NULL));
    send_some(100);
    CHECK_OK(ottla_producer_flush(producer, 30000, 0, NULL));
    ottla_counters before, after;
    before.struct_size = after.struct_size = sizeof before;
    CHECK_OK(ottla_producer_counters(producer, &before, NULL));

    for (int i = 0; i < 3; i++) {
        ottla_record record = text_record("key", "with a handle");
        ottla_delivery delivery;
        delivery.struct_size = sizeof delivery;
        CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, OPTIONS(.handle_out = &sent), NULL));
        send_some(100);
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            in_child(argv[1]);
            /* All went well. At an ordinary exit, a memory checker would report what only the parent's threads can
             * free. */
            kill(getpid(), SIGKILL);
        }
        send_some(100);
        CHECK_OK(ottla_send_wait(sent, 30000, &delivery, NULL));
        ottla_send_free(sent);
        int status = 0;
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        send_some(100);
    }
    CHECK_OK(ottla_producer_flush(producer, 30000, 0, NULL));
    CHECK(reported == 1000);
    CHECK_OK(ottla_producer_counters(producer, &after, NULL));
    CHECK(after.connections_opened == before.connections_opened && after.batches_retried == 0);
    CHECK_OK(ottla_producer_free(polled));
    CHECK_OK(ottla_producer_free(producer));
    ottla_topic_free(topic);
    return 0;
}
