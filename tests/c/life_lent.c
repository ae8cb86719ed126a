/* Lent values are released exactly once, by close or by free, even if no broker could ever be reached. In a forked
 * child they are not released. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

enum { RECORDS = 50, LARGE = 3000 };

static int released, reported;
static ottla_producer *producer;
static ottla_topic *topic;

static void free_value(const void *value, size_t value_len, void *userdata) {
    CHECK(value_len == LARGE && userdata == &released);
    free((void *)value);
    released++;
    /* A release function cannot end the producer, and finds it closed for sends. */
    ottla_record record = text_record(NULL, "v");
    CHECK(ottla_producer_close(producer, -1, NULL) != OTTLA_ERR_OK);
    CHECK_CODE(OTTLA_ERR_CLOSED, ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
}

static void free_small(const void *value, size_t value_len, void *userdata) {
    CHECK(value_len == 5);
    free((void *)value);
    (*(int *)userdata)++;
}

static void count(const ottla_delivery *delivery, void *userdata) {
    CHECK(userdata == NULL && delivery->code == OTTLA_ERR_CLOSED && delivery->value == delivery->userdata);
    reported++;
}

static void lend(void) {
    ottla_record record = text_record("key", NULL);
    for (int i = 0; i < RECORDS; i++) {
        void *value = calloc(1, LARGE);
        record.value = value;
        record.value_len = LARGE;
        CHECK_OK(ottla_producer_send(producer, topic, &record, value,
                                     OPTIONS(.on_release = free_value, .release_userdata = &released), NULL));
        value = calloc(1, 5);
        record.value = value;
        record.value_len = 5;
        CHECK_OK(ottla_producer_send(producer, topic, &record, value,
                                     OPTIONS(.on_release = free_small, .release_userdata = &released), NULL));
    }
}

static void quiet(int32_t level, const char *message, void *userdata) {
    (void)level, (void)message, (void)userdata;
}

int main(void) {
    ottla_config *config = refused_config();
    CHECK_OK(ottla_config_set_delivery(config, count, NULL, NULL));
    CHECK_OK(ottla_config_set_log(config, quiet, NULL, NULL, OTTLA_LOG_ERROR));
    for (int how = 0; how < 3; how++) {
        released = reported = 0;
        CHECK_OK(ottla_producer_new(config, &producer, NULL));
        CHECK_OK(ottla_producer_topic(producer, "orders", &topic, NULL));
        lend();
        if (how == 1) {
            CHECK_OK(ottla_producer_close(producer, 0, NULL));
            CHECK(released == 2 * RECORDS && reported == 2 * RECORDS);
        }
        if (how == 2) {
            fflush(NULL);
            pid_t child = fork();
            CHECK(child >= 0);
            if (child == 0) {
                int before = released;
                ottla_record record = text_record(NULL, "v");
                CHECK_CODE(OTTLA_ERR_FORKED,
                           ottla_producer_send(producer, topic, &record, NULL,
                                               OPTIONS(.on_release = free_small, .release_userdata = &released), NULL));
                ottla_topic_free(topic);
                CHECK_OK(ottla_producer_free(producer));
                CHECK(released == before);
                /* What the child forgot is no leak: another program replaces it. */
                execl("/bin/true", "true", (char *)NULL);
                _exit(1);
            }
            int status = -1;
            CHECK(waitpid(child, &status, 0) == child && status == 0);
        }
        CHECK_OK(ottla_producer_free(producer));
        CHECK(released == 2 * RECORDS && reported == 2 * RECORDS);
        ottla_topic_free(topic);
        CHECK(released == 2 * RECORDS);
    }
    ottla_config_free(config);
    return 0;
}
