/* Threads that wait inside calls return CLOSED when the producer is freed. A forked child is refused, and may free. */
#define _GNU_SOURCE
#include "check.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static ottla_producer *producer;
static ottla_topic *topic;
static int reported;

static void count(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    CHECK(delivery->code == OTTLA_ERR_CLOSED);
    reported++;
}

static void *flush(void *unused) {
    ottla_code code = ottla_producer_flush(producer, -1, 0, NULL);
    CHECK(code == OTTLA_ERR_OK || code == OTTLA_ERR_CLOSED);
    return unused;
}

static void *send_waiting(void *unused) {
    ottla_record record = text_record(NULL, "for room");
    char big[20000] = {0};
    record.value = big;
    record.value_len = sizeof big;
    ottla_code code;
    while ((code = ottla_producer_send(producer, topic, &record, NULL, NULL, NULL)) == OTTLA_ERR_OK) {
    }
    CHECK(code == OTTLA_ERR_CLOSED);
    return unused;
}

static void *wait_for_fate(void *unused) {
    ottla_record record = text_record(NULL, "waited");
    ottla_delivery delivery;
    delivery.struct_size = sizeof delivery;
    CHECK_CODE(OTTLA_ERR_CLOSED, ottla_producer_send_and_wait(producer, topic, &record, -1, &delivery, NULL));
    CHECK(delivery.code == OTTLA_ERR_CLOSED && delivery.fate == OTTLA_FATE_NOT_WRITTEN);
    return unused;
}

int main(void) {
    ottla_config *config = refused_config();
    CHECK_OK(ottla_config_set(config, "buffer.memory", "200000", NULL));
    CHECK_OK(ottla_config_set(config, "max.block.ms", "60000", NULL));
    CHECK_OK(ottla_config_set(config, "max.request.size", "100000", NULL));
    CHECK_OK(ottla_config_set_delivery(config, count, NULL, NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_producer_topic(producer, "threads", &topic, NULL));

    pthread_t threads[3];
    void *(*const bodies[3])(void *) = {wait_for_fate, flush, send_waiting};
    struct pollfd none = {-1, 0, 0};
    for (int i = 0; i < 3; i++) {
        CHECK(pthread_create(&threads[i], NULL, bodies[i], NULL) == 0);
        poll(&none, 1, 20);
    }
    poll(&none, 1, 100);

    int answer[2];
    CHECK(pipe(answer) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        ottla_record record = text_record(NULL, "child");
        ottla_delivery delivery;
        delivery.struct_size = sizeof delivery;
        int refused = ottla_producer_send(producer, topic, &record, NULL, NULL, NULL) == OTTLA_ERR_FORKED &&
                      ottla_producer_flush(producer, 0, 0, NULL) == OTTLA_ERR_FORKED &&
                      ottla_producer_close(producer, 0, NULL) == OTTLA_ERR_FORKED &&
                      ottla_producer_send_and_wait(producer, topic, &record, 0, &delivery, NULL) == OTTLA_ERR_FORKED &&
                      ottla_producer_free(producer) == OTTLA_ERR_OK;
        ottla_topic_free(topic);
        /* A new producer works in the child. */
        ottla_producer *own = NULL;
        refused = refused && ottla_producer_new(config, &own, NULL) == OTTLA_ERR_OK &&
                  ottla_producer_free(own) == OTTLA_ERR_OK;
        /* At an ordinary exit, valgrind would report what only the parent's threads can free. */
        CHECK(write(answer[1], refused ? "y" : "n", 1) == 1);
        kill(getpid(), SIGKILL);
    }
    close(answer[1]);
    char said = 0;
    CHECK(read(answer[0], &said, 1) == 1 && said == 'y');
    CHECK(waitpid(child, NULL, 0) == child);
    close(answer[0]);

    CHECK_OK(ottla_producer_free(producer));
    for (int i = 0; i < 3; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    CHECK(reported > 0);
    ottla_topic_free(topic);
    ottla_config_free(config);
    return 0;
}
