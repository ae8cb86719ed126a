/* Poll mode with an application that does not take its reports, or keeps them. The error of a full buffer says so,
 * the statistics show it, and nothing is left to flush. argv[1] is a broker. */
#include "check.h"

static ottla_producer *producer;
static ottla_topic *topic;

static ottla_code send(ottla_error **error) {
    ottla_record record = text_record(NULL, "hello");
    return ottla_producer_send(producer, topic, &record, NULL, NO_WAIT, error);
}

/* Sends until a record is refused although no record is undecided. */
static void fill(void) {
    ottla_code code = OTTLA_ERR_OK;
    for (int attempts = 0; attempts < 100000 && code != OTTLA_ERR_BUFFER_FULL; attempts++) {
        code = send(NULL);
        if (code == OTTLA_ERR_BUFFER_FULL || attempts % 100 == 99) {
            CHECK_OK(ottla_producer_flush(producer, 30000, 0, NULL));
            code = code == OTTLA_ERR_OK ? code : send(NULL);
        }
    }
    CHECK_CODE(OTTLA_ERR_BUFFER_FULL, code);
    CHECK_OK(ottla_producer_flush(producer, 30000, 0, NULL));
    CHECK(ottla_producer_buffered_records(producer) == 0);
}

static void says_who_holds_the_buffer(void) {
    ottla_error *error = NULL;
    CHECK_CODE(OTTLA_ERR_BUFFER_FULL, send(&error));
    const char *message = ottla_error_message(error);
    if (strstr(message, "reports that were not polled (ottla_producer_poll) or not freed (ottla_report_free)") == NULL ||
        strstr(message, "poll and free reports") == NULL || strstr(message, "wait for completions") != NULL ||
        strstr(message, "on their way") != NULL) {
        fprintf(stderr, "this names a wrong cause: %s\n", message);
        exit(1);
    }
    ottla_error_free(error);
}

static int64_t held_by_reports(void) {
    ottla_statistics *statistics = NULL;
    ottla_producer_figures figures = {.struct_size = sizeof figures};
    CHECK_OK(ottla_producer_statistics(producer, &statistics, NULL));
    CHECK_OK(ottla_statistics_producer(statistics, &figures, NULL));
    ottla_statistics_free(statistics);
    CHECK(figures.buffer_report_bytes <= figures.buffer_used_bytes);
    CHECK(figures.buffer_used_bytes == (int64_t)ottla_producer_buffered_bytes(producer));
    return figures.buffer_report_bytes;
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    ottla_config *config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", argv[1], NULL));
    CHECK_OK(ottla_config_set(config, "buffer.memory", "100000", NULL));
    CHECK_OK(ottla_config_set_poll(config, NULL, NULL, NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
    CHECK_OK(ottla_producer_topic(producer, "unpolled", &topic, NULL));

    CHECK(held_by_reports() == 0);
    fill();
    says_who_holds_the_buffer();
    int64_t held = held_by_reports();
    CHECK(held == (int64_t)ottla_producer_buffered_bytes(producer) && held > 50000);

    /* Taking reports frees no buffer memory. Freeing them does. */
    static ottla_report *reports[100000];
    size_t count = 0;
    do {
        CHECK(count < sizeof reports / sizeof reports[0]);
        reports[count] = NULL;
        CHECK_OK(POLL_ONE(producer, 0, &reports[count], NULL));
    } while (reports[count++] != NULL);
    says_who_holds_the_buffer();
    CHECK(held_by_reports() == held);
    while (count > 0) {
        ottla_report_free(reports[--count]);
    }
    CHECK(held_by_reports() == 0 && ottla_producer_buffered_bytes(producer) == 0);
    CHECK_OK(send(NULL));
    ottla_topic_free(topic);
    CHECK_OK(ottla_producer_free(producer));
    return 0;
}
