/* A topic that does not exist: what a program without a log function reads on standard error, the event with the
 * topic's name, and the messages of a flush and a free that give up. The broker in argv[1] has no topic "absent". */
#include "check.h"

#include <unistd.h>

static int missing;
static int closed;

static void on_event(const ottla_event *event, void *userdata) {
    CHECK(userdata == &missing && event->struct_size == sizeof *event);
    if (event->kind != OTTLA_EVENT_TOPIC_MISSING) {
        CHECK(event->topic == NULL);
        return;
    }
    CHECK(strcmp(event->topic, "absent") == 0 && event->host == NULL && event->broker_id == -1);
    CHECK(event->code == OTTLA_ERR_UNKNOWN_TOPIC_OR_PARTITION && ottla_error_is_retriable(event->error));
    CHECK(strstr(event->message, "topic absent") != NULL);
    __atomic_add_fetch(&missing, 1, __ATOMIC_SEQ_CST);
}

/* What each message must and must not say. */
static void check_message(const char *message) {
    CHECK(strstr(message, "UNKNOWN_TOPIC_OR_PARTITION for topic absent") != NULL);
    CHECK(strstr(message, "create it") != NULL && strstr(message, "127.0.0.1:") != NULL);
    CHECK(strstr(message, "would") == NULL);
}

static void on_delivery(const ottla_delivery *delivery, void *userdata) {
    CHECK(userdata == &closed && delivery->code == OTTLA_ERR_CLOSED && delivery->fate == OTTLA_FATE_NOT_WRITTEN);
    check_message(ottla_error_message(delivery->error));
    closed++;
}

/* Runs a producer without a log function that sends to the missing topic. */
static void send_to_absent(const char *broker) {
    ottla_config *config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", broker, NULL));
    CHECK_OK(ottla_config_set_events(config, on_event, &missing, NULL));
    CHECK_OK(ottla_config_set_delivery(config, on_delivery, &closed, NULL));
    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    ottla_error *error = NULL;
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
    CHECK_OK(ottla_producer_topic(producer, "absent", &topic, NULL));
    /* Nothing is held, which is known without waiting. */
    CHECK_OK(ottla_producer_flush(producer, 0, 0, NULL));
    ottla_record record = text_record(NULL, "v");
    for (int i = 0; i < 3; i++) CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    CHECK_CODE(OTTLA_ERR_TIMED_OUT, ottla_producer_flush(producer, 1500, 0, &error));
    check_message(ottla_error_message(error));
    CHECK(strstr(ottla_error_message(error), "3 records for topic ") != NULL);
    ottla_error_free(error);
    for (int waits = 0; __atomic_load_n(&missing, __ATOMIC_SEQ_CST) == 0; waits++) {
        CHECK(waits < 30);
        CHECK_CODE(OTTLA_ERR_TIMED_OUT, ottla_producer_flush(producer, 1000, 0, NULL));
    }
    ottla_topic_free(topic);
    CHECK_OK(ottla_producer_free(producer));
    CHECK(closed == 3 && missing == 1);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    /* Standard error goes to a file meanwhile. */
    FILE *log = tmpfile();
    CHECK(log != NULL);
    int before = dup(2);
    CHECK(before >= 0 && dup2(fileno(log), 2) == 2);
    send_to_absent(argv[1]);
    CHECK(dup2(before, 2) == 2);
    close(before);
    rewind(log);
    char text[4096];
    size_t length = fread(text, 1, sizeof text - 1, log);
    text[length] = '\0';
    fclose(log);
    CHECK(strncmp(text, "ottla: ", 7) == 0);
    check_message(text);
    return 0;
}
