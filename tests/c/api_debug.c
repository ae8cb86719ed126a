/* Debug lines by facility, against the broker in argv[1]. */
#include "check.h"

struct lines {
    int request, metadata, batch, config, other;
};

static void on_log(int32_t level, const char *message, void *userdata) {
    struct lines *lines = userdata;
    if (level != OTTLA_LOG_DEBUG) {
        return;
    }
    int *count = strncmp(message, "[request] ", 10) == 0      ? &lines->request
                 : strncmp(message, "[metadata] ", 11) == 0 ? &lines->metadata
                 : strncmp(message, "[batch] ", 8) == 0     ? &lines->batch
                 : strncmp(message, "[config] ", 9) == 0    ? &lines->config
                                                            : &lines->other;
    __atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);
}

static int take(int *count) {
    return __atomic_exchange_n(count, 0, __ATOMIC_SEQ_CST);
}

static void send_one(ottla_producer *producer, ottla_topic *topic) {
    ottla_record record = text_record("k", "v");
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    CHECK_OK(ottla_producer_flush(producer, 10000, 0, NULL));
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    struct lines lines = {0, 0, 0, 0, 0};
    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    ottla_error *error = NULL;
    ottla_config *config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", argv[1], NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_CONFIG, ottla_config_set(config, "debug", "request,brokres", &error));
    CHECK(strstr(ottla_error_message(error), "brokres") && strstr(ottla_error_message(error), "metadata"));
    ottla_error_free(error);

    /* The chosen facilities are logged although the function asks for errors only. */
    CHECK_OK(ottla_config_set(config, "debug", "request,topic,config", NULL));
    CHECK_OK(ottla_config_set_log(config, on_log, &lines, NULL, OTTLA_LOG_ERROR));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_producer_topic(producer, "debugged", &topic, NULL));
    send_one(producer, topic);
    CHECK(take(&lines.request) >= 6 && take(&lines.metadata) >= 2 && take(&lines.config) == 2);
    CHECK(take(&lines.batch) == 0 && take(&lines.other) == 0);

    /* Facilities can be changed at run time. */
    CHECK_OK(ottla_producer_set_debug(producer, "batch", NULL));
    send_one(producer, topic);
    CHECK(take(&lines.batch) == 2);
    CHECK_OK(ottla_producer_set_debug(producer, "", NULL));
    take(&lines.request);
    send_one(producer, topic);
    CHECK(take(&lines.batch) == 0 && take(&lines.request) == 0);
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_producer_set_debug(producer, "all,everything", &error));
    CHECK(strstr(ottla_error_message(error), "everything"));
    ottla_error_free(error);
    send_one(producer, topic);
    CHECK(take(&lines.batch) == 0);
    ottla_topic_free(topic);
    CHECK_OK(ottla_producer_free(producer));

    /* Level debug enables all of them. */
    memset(&lines, 0, sizeof lines);
    CHECK_OK(ottla_config_set(config, "debug", "", NULL));
    CHECK_OK(ottla_config_set_log(config, on_log, &lines, NULL, OTTLA_LOG_DEBUG));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_producer_topic(producer, "debugged", &topic, NULL));
    send_one(producer, topic);
    CHECK(take(&lines.request) && take(&lines.metadata) && take(&lines.batch) && take(&lines.config));
    ottla_topic_free(topic);
    CHECK_OK(ottla_producer_free(producer));
    ottla_config_free(config);
    return 0;
}
