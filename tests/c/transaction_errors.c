/* What C sees of each class of error in transactions: code, name, what to do next, the state, the fate of records,
 * and whether the producer goes on. The complete tables are in crates/ottla-core/tests/simulation/error_tables; the
 * C layer passes on what they decide.
 *
 * The broker in argv[1] responds to the first FindCoordinator with 42, and to the first InitProducerId after it with
 * 53. A record for the topic "all-CODE" is always refused with that code, one for "once-CODE" the first time. After
 * a record for "end-CODE" the next EndTxn is refused. Offsets are refused with 30. */
#include "check.h"

static const char *servers;
static ottla_producer *producer;
static ottla_error *error;

/* The outcome of the last record. */
static struct {
    int number;
    ottla_code code;
    int32_t fate;
    int retriable, fatal, requires_abort;
} reported;

static const int64_t LONG = 30000;

static void on_delivery(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    reported.number++;
    reported.code = delivery->code;
    reported.fate = delivery->fate;
    CHECK(ottla_error_code(delivery->error) == delivery->code || delivery->code == OTTLA_ERR_OK);
    reported.retriable = ottla_error_is_retriable(delivery->error);
    reported.fatal = ottla_error_is_fatal(delivery->error);
    reported.requires_abort = ottla_error_requires_abort(delivery->error);
}

static void start(const char *id) {
    ottla_config *config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", servers, NULL));
    CHECK_OK(ottla_config_set(config, "linger.ms", "0", NULL));
    CHECK_OK(ottla_config_set(config, "delivery.timeout.ms", "2000", NULL));
    CHECK_OK(ottla_config_set_delivery(config, on_delivery, NULL, NULL));
    if (id != NULL) {
        CHECK_OK(ottla_config_set(config, "transactional.id", id, NULL));
    }
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
}

static ottla_code send_to(const char *name) {
    ottla_topic *topic = NULL;
    CHECK_OK(ottla_producer_topic(producer, name, &topic, NULL));
    ottla_record record = text_record("key", "value");
    ottla_code code = ottla_producer_send(producer, topic, &record, NULL, NULL, &error);
    ottla_topic_free(topic);
    return code;
}

static ottla_code send_many(void) {
    ottla_topic *topic = NULL;
    CHECK_OK(ottla_producer_topic(producer, "t", &topic, NULL));
    ottla_record records[2] = {text_record("key", "value"), text_record("key", "value")};
    size_t accepted = 2;
    ottla_code code = ottla_producer_send_many(producer, topic, records, 2, NULL, NULL, &accepted, &error);
    CHECK(accepted == 0);
    ottla_topic_free(topic);
    return code;
}

/* 44 zeros: a record with a null key and a null value. */
static ottla_code send_flat(void) {
    static const uint8_t flat[44];
    ottla_topic *topic = NULL;
    CHECK_OK(ottla_producer_topic(producer, "t", &topic, NULL));
    size_t accepted = 1;
    const ottla_topic *to = topic;
    ottla_code code = ottla_producer_send_flat(producer, &to, 1, flat, sizeof flat, 1, NULL, &accepted, NULL, &error);
    CHECK(accepted == 0);
    ottla_topic_free(topic);
    return code;
}

static int32_t state(void) {
    return ottla_producer_transaction_state(producer);
}

enum what { NOTHING, ABORT, CLOSE };

/* Checks everything that the error of a call says, and frees it. */
static void says(int line, ottla_code code, ottla_code expected, int retriable, enum what what) {
    if (code != expected || ottla_error_code(error) != expected || ottla_error_is_retriable(error) != retriable ||
        ottla_error_requires_abort(error) != (what == ABORT) || ottla_error_is_fatal(error) != (what == CLOSE) ||
        strcmp(ottla_error_name(error), ottla_code_name(expected)) != 0 ||
        (what == CLOSE && strstr(ottla_error_message(error), "close it") == NULL) ||
        (what == ABORT && strstr(ottla_error_message(error), "has to be aborted") == NULL)) {
        fprintf(stderr, "%s:%d: %s: %s: retriable %d, abort %d, fatal %d: %s\n", __FILE__, line, ottla_code_name(code),
                ottla_error_name(error), ottla_error_is_retriable(error), ottla_error_requires_abort(error),
                ottla_error_is_fatal(error), ottla_error_message(error));
        exit(1);
    }
    ottla_error_free(error);
    error = NULL;
}

#define SAYS(expected, retriable, what, call) says(__LINE__, (call), (expected), (retriable), (what))
#define COMMIT ottla_producer_commit_transaction(producer, LONG, &error)

static void goes_on(void) {
    CHECK_OK(ottla_producer_begin_transaction(producer, NULL));
    CHECK_OK(send_to("t"));
    CHECK_OK(COMMIT);
    CHECK(reported.code == OTTLA_ERR_OK && reported.fate == OTTLA_FATE_WRITTEN);
    CHECK(state() == OTTLA_TRANSACTION_READY);
}

static void aborts_and_goes_on(ottla_code code, int retriable) {
    CHECK(state() == OTTLA_TRANSACTION_ABORT_REQUIRED);
    SAYS(code, retriable, ABORT, COMMIT);
    SAYS(code, retriable, ABORT, send_to("t"));
    /* After a failed transaction, send_many reports requires_abort 1, as send does. */
    SAYS(code, retriable, ABORT, send_many());
    SAYS(code, retriable, ABORT, send_flat());
    SAYS(OTTLA_ERR_INVALID_STATE, 0, NOTHING, ottla_producer_begin_transaction(producer, &error));
    CHECK_OK(ottla_producer_abort_transaction(producer, LONG, &error));
    goes_on();
}

static void is_unusable(ottla_code code) {
    CHECK(state() == OTTLA_TRANSACTION_FATAL);
    SAYS(code, 0, CLOSE, ottla_producer_init_transactions(producer, LONG, &error));
    SAYS(code, 0, CLOSE, ottla_producer_begin_transaction(producer, &error));
    SAYS(code, 0, CLOSE, COMMIT);
    SAYS(code, 0, CLOSE, ottla_producer_abort_transaction(producer, LONG, &error));
    SAYS(code, 0, CLOSE, send_to("t"));
    SAYS(code, 0, CLOSE, send_many());
    SAYS(code, 0, CLOSE, send_flat());
    CHECK(ottla_producer_buffered_bytes(producer) == 0);
    CHECK_OK(ottla_producer_close(producer, LONG, NULL));
    CHECK_OK(ottla_producer_free(producer));
}

static void ready(const char *id) {
    start(id);
    CHECK_OK(ottla_producer_init_transactions(producer, LONG, NULL));
}

/* Sends one record in a new transaction. */
static void begin_with(const char *topic) {
    reported.number = 0;
    CHECK_OK(ottla_producer_begin_transaction(producer, NULL));
    CHECK_OK(send_to(topic));
}

static void record(int line, ottla_code code, int32_t fate) {
    if (reported.number != 1 || reported.code != code || reported.fate != fate) {
        fprintf(stderr, "%s:%d: reported %d times, %s, fate %d\n", __FILE__, line, reported.number, ottla_code_name(reported.code),
                reported.fate);
        exit(1);
    }
}

#define RECORD(code, fate) record(__LINE__, code, fate)

static void fatal_before_the_first(void) {
    start("unknown");
    SAYS(OTTLA_ERR_INVALID_REQUEST, 0, CLOSE, ottla_producer_init_transactions(producer, LONG, &error));
    is_unusable(OTTLA_ERR_INVALID_REQUEST);
}

/* This kind of error can be fatal. Here it has changed nothing, and says so. */
static void refused(void) {
    start("refused");
    SAYS(OTTLA_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 0, NOTHING,
         ottla_producer_init_transactions(producer, LONG, &error));
    CHECK(state() == OTTLA_TRANSACTION_UNINITIALIZED);
    CHECK_OK(ottla_producer_init_transactions(producer, LONG, NULL));
    goes_on();
    CHECK_OK(ottla_producer_free(producer));
}

static void asked_again(void) {
    ready("again");
    const char *topics[] = {"once-19", "once-6", "once-51", "end-14", "end-16", "end-51"};
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        begin_with(topics[i]);
        CHECK_OK(COMMIT);
        RECORD(OTTLA_ERR_OK, OTTLA_FATE_WRITTEN);
        goes_on();
    }
    CHECK_OK(ottla_producer_free(producer));
}

static void to_be_aborted(void) {
    ready("aborted");
    begin_with("all-29");
    SAYS(OTTLA_ERR_TOPIC_AUTHORIZATION_FAILED, 0, ABORT, COMMIT);
    RECORD(OTTLA_ERR_TOPIC_AUTHORIZATION_FAILED, OTTLA_FATE_NOT_WRITTEN);
    CHECK(!reported.retriable && !reported.fatal && !reported.requires_abort);
    aborts_and_goes_on(OTTLA_ERR_TOPIC_AUTHORIZATION_FAILED, 0);

    begin_with("all-20");
    SAYS(OTTLA_ERR_DELIVERY_TIMED_OUT, 1, ABORT, COMMIT);
    RECORD(OTTLA_ERR_DELIVERY_TIMED_OUT, OTTLA_FATE_UNKNOWN);
    CHECK(reported.retriable && !reported.fatal);
    aborts_and_goes_on(OTTLA_ERR_DELIVERY_TIMED_OUT, 1);

    begin_with("all--1");
    SAYS(OTTLA_ERR_UNKNOWN_SERVER_ERROR, 0, ABORT, COMMIT);
    RECORD(OTTLA_ERR_UNKNOWN_SERVER_ERROR, OTTLA_FATE_UNKNOWN);
    aborts_and_goes_on(OTTLA_ERR_UNKNOWN_SERVER_ERROR, 0);

    /* A code that this release has no name for. */
    begin_with("all-999");
    SAYS(999, 0, ABORT, COMMIT);
    RECORD(999, OTTLA_FATE_NOT_WRITTEN);
    CHECK(strcmp(ottla_code_name(999), "BROKER_ERROR") == 0);
    aborts_and_goes_on(999, 0);

    begin_with("end-120");
    SAYS(OTTLA_ERR_TRANSACTION_ABORTABLE, 0, ABORT, COMMIT);
    RECORD(OTTLA_ERR_OK, OTTLA_FATE_WRITTEN);
    aborts_and_goes_on(OTTLA_ERR_TRANSACTION_ABORTABLE, 0);

    /* The coordinator has aborted the transaction, and knows no newer producer. */
    begin_with("end-48");
    SAYS(OTTLA_ERR_INVALID_TXN_STATE, 0, ABORT, COMMIT);
    RECORD(OTTLA_ERR_OK, OTTLA_FATE_WRITTEN);
    aborts_and_goes_on(OTTLA_ERR_INVALID_TXN_STATE, 0);

    ottla_offset offset = {.topic = "in", .offset = 7};
    ottla_group_metadata group = {.struct_size = sizeof group, .group_id = "g"};
    begin_with("t");
    SAYS(OTTLA_ERR_GROUP_AUTHORIZATION_FAILED, 0, ABORT,
         ottla_producer_send_offsets_to_transaction(producer, &offset, 1, &group, LONG, &error));
    aborts_and_goes_on(OTTLA_ERR_GROUP_AUTHORIZATION_FAILED, 0);

    /* The coordinator knows no newer producer. */
    begin_with("once-47");
    SAYS(OTTLA_ERR_INVALID_PRODUCER_EPOCH, 0, ABORT, COMMIT);
    aborts_and_goes_on(OTTLA_ERR_INVALID_PRODUCER_EPOCH, 0);
    begin_with("end-48");
    SAYS(OTTLA_ERR_INVALID_TXN_STATE, 0, ABORT, COMMIT);
    aborts_and_goes_on(OTTLA_ERR_INVALID_TXN_STATE, 0);
    CHECK_OK(ottla_producer_free(producer));
}

static void fatal(void) {
    ready("a record");
    begin_with("all-90");
    SAYS(OTTLA_ERR_PRODUCER_FENCED, 0, CLOSE, COMMIT);
    RECORD(OTTLA_ERR_PRODUCER_FENCED, OTTLA_FATE_NOT_WRITTEN);
    CHECK(reported.fatal);
    is_unusable(OTTLA_ERR_PRODUCER_FENCED);

    ready("the end");
    begin_with("end-49");
    SAYS(OTTLA_ERR_INVALID_PRODUCER_ID_MAPPING, 0, CLOSE, COMMIT);
    RECORD(OTTLA_ERR_OK, OTTLA_FATE_WRITTEN);
    is_unusable(OTTLA_ERR_INVALID_PRODUCER_ID_MAPPING);

    ready("an abort");
    begin_with("end-120");
    CHECK_OK(ottla_producer_flush(producer, LONG, 0, NULL));
    SAYS(OTTLA_ERR_TRANSACTION_ABORTABLE, 0, CLOSE, ottla_producer_abort_transaction(producer, LONG, &error));
    is_unusable(OTTLA_ERR_TRANSACTION_ABORTABLE);
}

/* Without transactions, the same codes fail only their records. */
static void of_its_record_alone(void) {
    start(NULL);
    const char *topics[] = {"all-31", "all-90", "all-49", "all-48"};
    const ottla_code codes[] = {OTTLA_ERR_CLUSTER_AUTHORIZATION_FAILED, OTTLA_ERR_PRODUCER_FENCED,
                                OTTLA_ERR_INVALID_PRODUCER_ID_MAPPING, OTTLA_ERR_INVALID_TXN_STATE};
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        reported.number = 0;
        CHECK_OK(send_to(topics[i]));
        CHECK_OK(ottla_producer_flush(producer, LONG, 0, NULL));
        RECORD(codes[i], OTTLA_FATE_NOT_WRITTEN);
        CHECK(!reported.fatal && !reported.requires_abort);
    }
    reported.number = 0;
    CHECK_OK(send_to("t"));
    CHECK_OK(ottla_producer_flush(producer, LONG, 0, NULL));
    RECORD(OTTLA_ERR_OK, OTTLA_FATE_WRITTEN);
    CHECK_OK(ottla_producer_free(producer));
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    servers = argv[1];
    fatal_before_the_first();
    refused();
    asked_again();
    to_be_aborted();
    fatal();
    of_its_record_alone();
    return 0;
}
