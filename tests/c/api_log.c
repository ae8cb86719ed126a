/* Records without a delivery function: which failures are logged, and at which level. The broker in argv[1] is that
 * of api_transaction.c. */
#include "check.h"

static char errors[8192], infos[8192], client_id[256];

static int is_one_line(const char *text) {
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 127) {
            return 0;
        }
    }
    return 1;
}

/* Keeps log lines about records. */
static void on_log(int32_t level, const char *message, void *userdata) {
    (void)userdata;
    CHECK(is_one_line(message));
    if (strstr(message, "client.id=") != NULL) {
        snprintf(client_id, sizeof client_id, "%s", message);
    }
    if (strstr(message, "record") != NULL && strstr(message, "failed") != NULL) {
        char *lines = level == OTTLA_LOG_ERROR ? errors : infos;
        CHECK(level == OTTLA_LOG_ERROR || level == OTTLA_LOG_INFO);
        size_t used = strlen(lines);
        snprintf(lines + used, sizeof errors - used, "%s\n", message);
    }
}

/* Checks what was logged since the last call: all of it at one level. */
static void expect_logged(const char *at, const char *at_other, const char *expected) {
    if (strncmp(at, expected, strlen(expected)) != 0 || *at_other != '\0') {
        fprintf(stderr, "expected '%s', errors: '%s', infos: '%s'\n", expected, errors, infos);
        exit(1);
    }
    *errors = *infos = '\0';
}

static ottla_producer *start(ottla_config *config, const char *name, ottla_topic **topic_out) {
    ottla_producer *producer = NULL;
    CHECK_OK(ottla_config_set(config, "linger.ms", "60000", NULL));
    CHECK_OK(ottla_config_set_log(config, on_log, NULL, NULL, OTTLA_LOG_INFO));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_producer_topic(producer, name, topic_out, NULL));
    ottla_config_free(config);
    return producer;
}

static void send(const ottla_producer *producer, const ottla_topic *topic, int count) {
    ottla_record record = text_record(NULL, "value");
    for (int i = 0; i < count; i++) {
        CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    }
}

static void aborted_and_refused(const char *servers) {
    ottla_topic *topic = NULL, *refusing = NULL;
    ottla_config *config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", servers, NULL));
    CHECK_OK(ottla_config_set(config, "transactional.id", "log", NULL));
    ottla_producer *producer = start(config, "t", &topic);
    CHECK_OK(ottla_producer_topic(producer, "refused", &refusing, NULL));
    CHECK_OK(ottla_producer_init_transactions(producer, -1, NULL));

    CHECK_OK(ottla_producer_begin_transaction(producer, NULL));
    send(producer, topic, 3);
    CHECK_OK(ottla_topic_check(topic, -1, NULL)); /* the partition is known */
    CHECK_OK(ottla_producer_abort_transaction(producer, -1, NULL));
    expect_logged(infos, errors, "3 records for t-0 failed: TRANSACTION_ABORTED: ");

    CHECK_OK(ottla_producer_begin_transaction(producer, NULL));
    send(producer, refusing, 1);
    CHECK_CODE(OTTLA_ERR_TOPIC_AUTHORIZATION_FAILED, ottla_producer_commit_transaction(producer, -1, NULL));
    expect_logged(errors, infos, "1 record for refused-0 failed: TOPIC_AUTHORIZATION_FAILED: ");
    CHECK_OK(ottla_producer_abort_transaction(producer, -1, NULL));

    /* Closing aborts an open transaction. */
    CHECK_OK(ottla_producer_begin_transaction(producer, NULL));
    send(producer, topic, 1);
    CHECK_OK(ottla_producer_close(producer, -1, NULL));
    expect_logged(infos, errors, "1 record for t-0 failed: TRANSACTION_ABORTED: ");
    ottla_topic_free(topic);
    ottla_topic_free(refusing);
    CHECK_OK(ottla_producer_free(producer));
}

static void purged_and_closed(void) {
    ottla_topic *topic = NULL;
    ottla_producer *producer = start(refused_config(), "any", &topic);
    send(producer, topic, 2);
    CHECK_OK(ottla_producer_purge(producer, NULL, OTTLA_PURGE_QUEUED, -1, NULL));
    expect_logged(infos, errors, "2 records for topic any failed: PURGED: ");

    /* Delivery was requested and failed, and only the log reports it. */
    send(producer, topic, 1);
    CHECK_OK(ottla_producer_close(producer, 0, NULL));
    expect_logged(errors, infos, "1 record for topic any failed: CLOSED: ");
    ottla_topic_free(topic);
    CHECK_OK(ottla_producer_free(producer));
}

/* Quoted text may contain newlines and terminal escapes. Messages do not. */
static void one_line_each(void) {
    ottla_topic *topic = NULL;
    ottla_error *error = NULL;
    ottla_config *config = refused_config();
    CHECK_OK(ottla_config_set(config, "client.id", "two\nlines\033[2J", NULL));
    CHECK_OK(ottla_config_set(config, "debug", "config", NULL));
    ottla_producer *producer = start(config, "any", &topic);
    CHECK(strstr(client_id, "client.id=two\\nlines\\u{1b}[2J") != NULL);
    ottla_topic_free(topic);
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_producer_topic(producer, "two\nlines", &topic, &error));
    CHECK(is_one_line(ottla_error_message(error)) && strstr(ottla_error_message(error), "two\\nlines") != NULL);
    ottla_error_free(error);
    CHECK_OK(ottla_producer_free(producer));
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    aborted_and_refused(argv[1]);
    purged_and_closed();
    one_line_each();
    return 0;
}
