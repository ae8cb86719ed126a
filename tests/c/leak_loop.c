/* Frees handles in every order, often enough for control blocks to be reused. Under valgrind, this shows leaks. */
#include "check.h"

static void one(int i) {
    ottla_error *error = NULL;
    ottla_config *config = refused_config();
    CHECK_OK(ottla_config_set_log(config, NULL, NULL, NULL, OTTLA_LOG_ERROR));
    if (i % 3 == 0) {
        CHECK_OK(ottla_config_set_poll(config, NULL, NULL, NULL));
    }
    ottla_producer *producer = NULL;
    ottla_topic *topics[3];
    CHECK_OK(ottla_producer_new(config, &producer, &error));
    for (int t = 0; t < 3; t++) {
        CHECK_OK(ottla_producer_topic(producer, t == 2 ? "b" : "a", &topics[t], &error));
        ottla_record record = text_record("key", "value");
        /* Poll mode: reports that nobody polls are freed with the producer. */
        if (i % 3 == 0) {
            CHECK_OK(ottla_producer_send(producer, topics[t], &record, NULL, NULL, &error));
        }
        set_partition(&record, -5);
        CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_producer_send(producer, topics[t], &record, NULL, NULL, &error));
        ottla_error_free(error);
        error = NULL;
    }
    ottla_config_free(config);
    ottla_topic_free(topics[0]);
    if (i % 2) {
        ottla_topic_free(topics[1]);
        CHECK_OK(ottla_producer_free(producer));
    } else {
        CHECK_OK(ottla_producer_free(producer));
        ottla_topic_free(topics[1]);
    }
    CHECK_CODE(OTTLA_ERR_CLOSED, ottla_producer_free(producer));
    ottla_topic_free(topics[2]);
}

int main(void) {
    for (int i = 0; i < 150; i++) {
        one(i);
    }
    return 0;
}
