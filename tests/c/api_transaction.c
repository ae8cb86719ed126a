/* Transactions: NULL and invalid values, wrong states, complete transactions, calls that time out and are repeated,
 * a record that fails, a newer producer, calls in a callback, after a close and after a fork. The broker in argv[1]
 * responds to InitProducerId, EndTxn and TxnOffsetCommit after 300 ms, refuses records for the topic "refused", and
 * has a group "members" with the member "m" in generation 3. */
#define _GNU_SOURCE
#include "check.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *servers;
static ottla_producer *producer;
static ottla_topic *topic, *refusing;
static int delivered, aborted, other, tried;

static const int64_t LONG = 30000;

static ottla_group_metadata group_of(const char *id, const char *member, int32_t generation) {
    ottla_group_metadata group = {.struct_size = sizeof group, .group_id = id, .member_id = member};
    if (generation >= 0) {
        group.flags = OTTLA_GROUP_GENERATION;
        group.generation_id = generation;
    }
    return group;
}

static ottla_offset offset_of(const char *name, int64_t next) {
    ottla_offset offset = {.topic = name, .offset = next, .metadata = "where I was"};
    return offset;
}

/* Checks a call that fails because of the state, and changes nothing. */
static void says_wrong_state(ottla_code code, ottla_error **error, const char *word, int line) {
    if (code != OTTLA_ERR_INVALID_STATE || *error == NULL || strstr(ottla_error_message(*error), word) == NULL) {
        fprintf(stderr, "%s:%d: %s, '%s', which should say '%s'\n", __FILE__, line, ottla_code_name(code),
                ottla_error_message(*error), word);
        exit(1);
    }
    CHECK(!ottla_error_requires_abort(*error) && !ottla_error_is_fatal(*error));
    ottla_error_free(*error);
    *error = NULL;
}

#define wrong_state(code, error, word) says_wrong_state(code, error, word, __LINE__)

static ottla_code send_to(const ottla_topic *to, ottla_error **error) {
    ottla_record record = text_record("key", "value");
    return ottla_producer_send(producer, to, &record, NULL, NULL, error);
}

static void none_in_callback(void) {
    ottla_offset offset = offset_of("in", 5);
    ottla_group_metadata group = group_of("g", NULL, -1);
    for (int64_t timeout_ms = -1; timeout_ms <= 1; timeout_ms++) {
        CHECK_CODE(OTTLA_ERR_IN_CALLBACK, ottla_producer_init_transactions(producer, timeout_ms, NULL));
        CHECK_CODE(OTTLA_ERR_IN_CALLBACK, ottla_producer_commit_transaction(producer, timeout_ms, NULL));
        CHECK_CODE(OTTLA_ERR_IN_CALLBACK, ottla_producer_abort_transaction(producer, timeout_ms, NULL));
        CHECK_CODE(OTTLA_ERR_IN_CALLBACK,
                   ottla_producer_send_offsets_to_transaction(producer, &offset, 1, &group, timeout_ms, NULL));
    }
    CHECK_CODE(OTTLA_ERR_IN_CALLBACK, ottla_producer_begin_transaction(producer, NULL));
    CHECK(ottla_producer_transaction_state(producer) >= OTTLA_TRANSACTION_OPEN);
}

static void count(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    *(delivery->code == OTTLA_ERR_OK ? &delivered : delivery->code == OTTLA_ERR_TRANSACTION_ABORTED ? &aborted : &other) += 1;
    if (delivery->code == OTTLA_ERR_TRANSACTION_ABORTED) {
        CHECK(delivery->fate == OTTLA_FATE_NOT_WRITTEN);
    }
    if (tried++ == 0) {
        none_in_callback();
    }
}

static ottla_config *config_for(const char *id, const char *linger_ms) {
    ottla_config *config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", servers, NULL));
    CHECK_OK(ottla_config_set(config, "linger.ms", linger_ms, NULL));
    CHECK_OK(ottla_config_set_delivery(config, count, NULL, NULL));
    if (id != NULL) {
        CHECK_OK(ottla_config_set(config, "transactional.id", id, NULL));
    }
    return config;
}

static void start(const char *id, const char *linger_ms) {
    ottla_config *config = config_for(id, linger_ms);
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
    CHECK_OK(ottla_producer_topic(producer, "t", &topic, NULL));
    CHECK_OK(ottla_producer_topic(producer, "refused", &refusing, NULL));
    delivered = aborted = other = 0;
}

static void end(void) {
    ottla_topic_free(topic);
    ottla_topic_free(refusing);
    CHECK_OK(ottla_producer_free(producer));
}

static int32_t state(void) {
    return ottla_producer_transaction_state(producer);
}

/* Runs in an open transaction. */
static void arguments(void) {
    ottla_error *error = NULL;
    ottla_offset offset = offset_of("in", 5);
    ottla_group_metadata group = group_of("g", NULL, -1);
#define REFUSED(word, call)                                                               \
    do {                                                                                  \
        CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, call);                                     \
        CHECK(error != NULL && strstr(ottla_error_message(error), word) != NULL);         \
        ottla_error_free(error);                                                          \
        error = NULL;                                                                     \
    } while (0)
#define OFFSETS(offsets, count, group) \
    ottla_producer_send_offsets_to_transaction(producer, offsets, count, group, LONG, &error)
    REFUSED("offsets", ottla_producer_send_offsets_to_transaction(producer, NULL, 1, &group, 0, &error));
    REFUSED("group", ottla_producer_send_offsets_to_transaction(producer, &offset, 1, NULL, 0, &error));
    REFUSED("producer", ottla_producer_init_transactions(NULL, 0, &error));
    REFUSED("producer", ottla_producer_begin_transaction(NULL, &error));
    REFUSED("producer", ottla_producer_commit_transaction(NULL, 0, &error));
    REFUSED("producer", ottla_producer_abort_transaction(NULL, 0, &error));
    REFUSED("producer", ottla_producer_send_offsets_to_transaction(NULL, &offset, 1, &group, 0, &error));
    REFUSED("timeout_ms is -2", ottla_producer_init_transactions(producer, -2, &error));
    REFUSED("timeout_ms is -2", ottla_producer_commit_transaction(producer, -2, &error));
    REFUSED("timeout_ms is -2", ottla_producer_abort_transaction(producer, -2, &error));
    CHECK(ottla_producer_transaction_state(NULL) == OTTLA_TRANSACTION_NONE);

    REFUSED("offsets", OFFSETS(NULL, 1, &group));
    REFUSED("group", OFFSETS(&offset, 1, NULL));
    group.struct_size = 8;
    REFUSED("struct_size is 8", OFFSETS(&offset, 1, &group));
    group = group_of(NULL, NULL, -1);
    REFUSED("group_id", OFFSETS(&offset, 1, &group));
    group = group_of("g", NULL, 3);
    REFUSED("member_id", OFFSETS(&offset, 1, &group));
    group = group_of("g", NULL, 0);
    REFUSED("member_id", OFFSETS(&offset, 1, &group));
    group = group_of("g", "m", 3);
    group.flags = 0;
    REFUSED("group->generation_id is 3, but OTTLA_GROUP_GENERATION is not", OFFSETS(&offset, 1, &group));
    group.generation_id = -1;
    REFUSED("OTTLA_GROUP_GENERATION", OFFSETS(&offset, 1, &group));
    group.flags = OTTLA_GROUP_GENERATION;
    REFUSED("group->generation_id is -1", OFFSETS(&offset, 1, &group));
    group.flags = 6;
    REFUSED("group->flags is 0x6", OFFSETS(&offset, 1, &group));
    group = group_of("g", NULL, -1);
    offset.topic = NULL;
    REFUSED("offsets[0].topic", OFFSETS(&offset, 1, &group));
    offset = offset_of("in", 5);
    offset.leader_epoch = 3;
    REFUSED("offsets[0].leader_epoch is 3, but OTTLA_OFFSET_LEADER_EPOCH is not", OFFSETS(&offset, 1, &group));
    offset.leader_epoch = -1;
    REFUSED("OTTLA_OFFSET_LEADER_EPOCH", OFFSETS(&offset, 1, &group));
    offset.flags = OTTLA_OFFSET_LEADER_EPOCH;
    REFUSED("offsets[0].leader_epoch is -1", OFFSETS(&offset, 1, &group));
    offset.flags = 0x80;
    REFUSED("offsets[0].flags is 0x80", OFFSETS(&offset, 1, &group));
    offset = offset_of("in", -1);
    REFUSED("offsets[0]", OFFSETS(&offset, 1, &group));
    CHECK(state() == OTTLA_TRANSACTION_OPEN);
    CHECK_OK(OFFSETS(NULL, 0, &group));
}

/* Makes every call that is wrong in a state, on the way through two transactions. */
static void a_whole_life(void) {
    ottla_error *error = NULL;
    ottla_offset offset = offset_of("in", 5);
    ottla_group_metadata group = group_of("g", NULL, -1);
    start("life", "5");
    CHECK(state() == OTTLA_TRANSACTION_UNINITIALIZED);
    wrong_state(ottla_producer_begin_transaction(producer, &error), &error, "init_transactions");
    wrong_state(ottla_producer_commit_transaction(producer, LONG, &error), &error, "init_transactions");
    wrong_state(send_to(topic, &error), &error, "init_transactions");

    /* First without waiting, then waiting too short a time, then waiting long enough. */
    CHECK_CODE(OTTLA_ERR_TIMED_OUT, ottla_producer_init_transactions(producer, 0, NULL));
    wrong_state(ottla_producer_begin_transaction(producer, &error), &error, "init_transactions");
    CHECK_CODE(OTTLA_ERR_TIMED_OUT, ottla_producer_init_transactions(producer, 20, NULL));
    CHECK_OK(ottla_producer_init_transactions(producer, -1, NULL));
    CHECK(state() == OTTLA_TRANSACTION_READY);
    wrong_state(ottla_producer_init_transactions(producer, -1, &error), &error, "begin_transaction");
    wrong_state(ottla_producer_commit_transaction(producer, -1, &error), &error, "begin_transaction");
    wrong_state(ottla_producer_abort_transaction(producer, -1, &error), &error, "begin_transaction");
    wrong_state(OFFSETS(&offset, 1, &group), &error, "begin_transaction");
    wrong_state(send_to(topic, &error), &error, "no transaction is open");

    CHECK_OK(ottla_producer_begin_transaction(producer, NULL));
    wrong_state(ottla_producer_begin_transaction(producer, &error), &error, "commit or abort");
    arguments();
    for (int i = 0; i < 10; i++) {
        CHECK_OK(send_to(topic, NULL));
    }
    CHECK_OK(ottla_producer_flush(producer, LONG, 0, NULL));
    CHECK(delivered == 10 && tried > 0);
    CHECK_CODE(OTTLA_ERR_TIMED_OUT, ottla_producer_send_offsets_to_transaction(producer, &offset, 1, &group, 0, NULL));
    wrong_state(ottla_producer_commit_transaction(producer, LONG, &error), &error, "send_offsets_to_transaction");
    CHECK_OK(OFFSETS(&offset, 1, &group));
    CHECK_OK(send_to(topic, NULL));
    CHECK_CODE(OTTLA_ERR_TIMED_OUT, ottla_producer_commit_transaction(producer, 0, NULL));
    wrong_state(ottla_producer_abort_transaction(producer, -1, &error), &error, "commit_transaction");
    while (state() != OTTLA_TRANSACTION_COMMITTING) {
        usleep(1000);
    }
    CHECK_CODE(OTTLA_ERR_TIMED_OUT, ottla_producer_commit_transaction(producer, 1, NULL));
    wrong_state(send_to(topic, &error), &error, "committed");
    CHECK_OK(ottla_producer_commit_transaction(producer, LONG, NULL));
    CHECK(delivered == 11 && state() == OTTLA_TRANSACTION_READY);

    CHECK_OK(ottla_producer_begin_transaction(producer, NULL));
    CHECK_OK(send_to(topic, NULL));
    CHECK_OK(ottla_producer_flush(producer, LONG, 0, NULL));
    CHECK_CODE(OTTLA_ERR_TIMED_OUT, ottla_producer_abort_transaction(producer, 0, NULL));
    wrong_state(ottla_producer_begin_transaction(producer, &error), &error, "abort_transaction");
    CHECK_OK(ottla_producer_abort_transaction(producer, LONG, NULL));
    CHECK(delivered == 12 && state() == OTTLA_TRANSACTION_READY);

    /* Offsets that take too long may be given up. */
    CHECK_OK(ottla_producer_begin_transaction(producer, NULL));
    CHECK_CODE(OTTLA_ERR_TIMED_OUT, ottla_producer_send_offsets_to_transaction(producer, &offset, 1, &group, 0, NULL));
    CHECK_OK(ottla_producer_abort_transaction(producer, LONG, NULL));
    CHECK(state() == OTTLA_TRANSACTION_READY);
    CHECK_OK(ottla_producer_begin_transaction(producer, NULL));
    CHECK_OK(ottla_producer_commit_transaction(producer, LONG, NULL));
    CHECK(aborted == 0 && other == 0);
    end();
}

/* An abort completes unsent records. */
static void aborted_unsent(void) {
    start("unsent", "60000");
    CHECK_OK(ottla_producer_init_transactions(producer, LONG, NULL));
    CHECK_OK(ottla_producer_begin_transaction(producer, NULL));
    for (int i = 0; i < 5; i++) {
        CHECK_OK(send_to(topic, NULL));
    }
    CHECK_OK(ottla_producer_abort_transaction(producer, LONG, NULL));
    CHECK(delivered == 0 && aborted == 5 && other == 0);
    CHECK(ottla_producer_buffered_bytes(producer) == 0);
    end();
}

/* Checks an error that requires an abort, after which the producer goes on. */
static void failed(ottla_code code, ottla_code expected, ottla_error **error) {
    CHECK_CODE(expected, code);
    CHECK(ottla_error_requires_abort(*error) && !ottla_error_is_fatal(*error));
    CHECK(strstr(ottla_error_message(*error), "abort") != NULL);
    ottla_error_free(*error);
    *error = NULL;
    CHECK(state() == OTTLA_TRANSACTION_ABORT_REQUIRED);
}

static void a_record_that_fails_and_a_consumer_that_left(void) {
    ottla_error *error = NULL;
    ottla_offset offset = offset_of("in", 5);
    start("failing", "5");
    CHECK_OK(ottla_producer_init_transactions(producer, LONG, NULL));
    CHECK_OK(ottla_producer_begin_transaction(producer, NULL));
    CHECK_OK(send_to(refusing, NULL));
    failed(ottla_producer_commit_transaction(producer, LONG, &error), OTTLA_ERR_TOPIC_AUTHORIZATION_FAILED, &error);
    failed(ottla_producer_commit_transaction(producer, LONG, &error), OTTLA_ERR_TOPIC_AUTHORIZATION_FAILED, &error);
    failed(send_to(topic, &error), OTTLA_ERR_TOPIC_AUTHORIZATION_FAILED, &error);
    wrong_state(ottla_producer_begin_transaction(producer, &error), &error, "abort_transaction");
    CHECK_OK(ottla_producer_abort_transaction(producer, LONG, NULL));
    CHECK(other == 1 && delivered == 0 && aborted == 0);

    CHECK_OK(ottla_producer_begin_transaction(producer, NULL));
    ottla_group_metadata group = group_of("members", "m", 2);
    failed(OFFSETS(&offset, 1, &group), OTTLA_ERR_ILLEGAL_GENERATION, &error);
    CHECK_OK(ottla_producer_abort_transaction(producer, LONG, NULL));

    CHECK_OK(ottla_producer_begin_transaction(producer, NULL));
    group = group_of("members", "m", 3);
    CHECK_OK(OFFSETS(&offset, 1, &group));
    CHECK_OK(send_to(topic, NULL));
    CHECK_OK(ottla_producer_commit_transaction(producer, LONG, NULL));
    CHECK(delivered == 1);
    end();
}

/* A newer producer with the same transactional.id. */
static void a_newer_one(void) {
    ottla_error *error = NULL;
    ottla_producer *newer = NULL;
    start("one", "5");
    CHECK_OK(ottla_producer_init_transactions(producer, LONG, NULL));
    CHECK_OK(ottla_producer_begin_transaction(producer, NULL));
    CHECK_OK(send_to(topic, NULL));
    CHECK_OK(ottla_producer_flush(producer, LONG, 0, NULL));
    ottla_config *config = config_for("one", "5");
    CHECK_OK(ottla_producer_new(config, &newer, NULL));
    ottla_config_free(config);
    CHECK_OK(ottla_producer_init_transactions(newer, LONG, NULL));

    ottla_code code = ottla_producer_commit_transaction(producer, LONG, &error);
    if (!ottla_error_is_fatal(error)) {
        /* Its epoch is old. The abort finds out why. */
        CHECK(ottla_error_requires_abort(error));
        ottla_error_free(error);
        error = NULL;
        code = ottla_producer_abort_transaction(producer, LONG, &error);
    }
    CHECK(code > 0 && ottla_error_is_fatal(error) && strstr(ottla_error_message(error), "newer") != NULL);
    ottla_error_free(error);
    error = NULL;
    CHECK(state() == OTTLA_TRANSACTION_FATAL);
    CHECK_CODE(code, send_to(topic, &error));
    CHECK(ottla_error_is_fatal(error));
    ottla_error_free(error);
    error = NULL;
    CHECK_CODE(code, ottla_producer_begin_transaction(producer, NULL));
    CHECK_CODE(code, ottla_producer_abort_transaction(producer, LONG, NULL));
    CHECK_OK(ottla_producer_close(producer, LONG, NULL));
    end();
    CHECK_OK(ottla_producer_free(newer));
}

static void without_an_id(void) {
    ottla_error *error = NULL;
    start(NULL, "5");
    CHECK(state() == OTTLA_TRANSACTION_NONE);
    wrong_state(ottla_producer_init_transactions(producer, -1, &error), &error, "transactional.id");
    wrong_state(ottla_producer_begin_transaction(producer, &error), &error, "transactional.id");
    CHECK_OK(send_to(topic, NULL));
    CHECK_OK(ottla_producer_flush(producer, LONG, 0, NULL));
    end();
    CHECK(delivered == 1);
}

#define CLOSED(call) CHECK_CODE(OTTLA_ERR_CLOSED, call)

static void closed(void) {
    ottla_offset offset = offset_of("in", 5);
    ottla_group_metadata group = group_of("g", NULL, -1);
    ottla_error *error = NULL;
    start("closed", "60000");
    CHECK_OK(ottla_producer_init_transactions(producer, LONG, NULL));
    CHECK_OK(ottla_producer_begin_transaction(producer, NULL));
    CHECK_OK(send_to(topic, NULL));
    CHECK_OK(ottla_producer_close(producer, LONG, NULL));
    CHECK(delivered + aborted + other == 1 && delivered == 0);
    CLOSED(ottla_producer_init_transactions(producer, -1, NULL));
    CLOSED(ottla_producer_begin_transaction(producer, NULL));
    CLOSED(ottla_producer_commit_transaction(producer, -1, NULL));
    CLOSED(ottla_producer_abort_transaction(producer, -1, NULL));
    CLOSED(OFFSETS(&offset, 1, &group));
    ottla_error_free(error);
    end();
    CLOSED(ottla_producer_begin_transaction(producer, NULL));
    CHECK(state() == OTTLA_TRANSACTION_NONE);
}

#define FORKED(call) CHECK_CODE(OTTLA_ERR_FORKED, call)

static void forked(void) {
    ottla_offset offset = offset_of("in", 5);
    ottla_group_metadata group = group_of("g", NULL, -1);
    ottla_error *error = NULL;
    start("forked", "5");
    CHECK_OK(ottla_producer_init_transactions(producer, LONG, NULL));
    CHECK_OK(ottla_producer_begin_transaction(producer, NULL));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        FORKED(ottla_producer_init_transactions(producer, -1, NULL));
        FORKED(ottla_producer_begin_transaction(producer, NULL));
        FORKED(ottla_producer_commit_transaction(producer, -1, NULL));
        FORKED(ottla_producer_abort_transaction(producer, -1, NULL));
        FORKED(OFFSETS(&offset, 1, &group));
        (void)state();
        CHECK_OK(ottla_producer_free(producer));
        kill(getpid(), SIGKILL);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK_OK(send_to(topic, NULL));
    CHECK_OK(ottla_producer_commit_transaction(producer, LONG, NULL));
    CHECK(delivered == 1);
    end();
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    servers = argv[1];
    a_whole_life();
    aborted_unsent();
    a_record_that_fails_and_a_consumer_that_left();
    a_newer_one();
    without_an_id();
    closed();
    forked();
    return 0;
}
