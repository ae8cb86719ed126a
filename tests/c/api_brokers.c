/* Brokers that are added to a producer that runs. Nothing listens at its bootstrap.servers; argv[1] is a broker. */
#include "check.h"

static int delivered;

static void count(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    CHECK(delivery->code == OTTLA_ERR_OK);
    delivered++;
}

static void refused(const ottla_producer *producer, const char *servers, const char *words) {
    ottla_error *error = NULL;
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_producer_add_brokers(producer, servers, &error));
    CHECK(strstr(ottla_error_message(error), words) != NULL);
    ottla_error_free(error);
}

static void send_one(const ottla_producer *producer, const ottla_topic *topic) {
    ottla_record record = text_record(NULL, "to an added broker");
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    ottla_config *config = ottla_config_new();
    CHECK_CODE(OTTLA_ERR_INVALID_CONFIG, ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);

    config = refused_config();
    CHECK_OK(ottla_config_set_delivery(config, count, NULL, NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
    CHECK_OK(ottla_producer_topic(producer, "added", &topic, NULL));
    send_one(producer, topic);

    /* A list with a bad entry adds nothing, not even its good ones. */
    char list[200];
    snprintf(list, sizeof list, "%s,nowhere", argv[1]);
    refused(producer, list, "entry 2 ('nowhere')");
    refused(producer, " , ", "no address");
    CHECK_CODE(OTTLA_ERR_TIMED_OUT, ottla_producer_flush(producer, 1500, 0, NULL));
    CHECK(delivered == 0);

    snprintf(list, sizeof list, "127.0.0.1:1, %s", argv[1]);
    CHECK_OK(ottla_producer_add_brokers(producer, list, NULL));
    CHECK_OK(ottla_producer_flush(producer, 30000, 0, NULL));
    CHECK(delivered == 1);

    /* A producer that is connected leaves added addresses alone. */
    ottla_counters before, after;
    before.struct_size = after.struct_size = sizeof before;
    CHECK_OK(ottla_producer_counters(producer, &before, NULL));
    CHECK_OK(ottla_producer_add_brokers(producer, "127.0.0.1:2", NULL));
    send_one(producer, topic);
    CHECK_OK(ottla_producer_flush(producer, 30000, 0, NULL));
    CHECK_OK(ottla_producer_counters(producer, &after, NULL));
    CHECK(delivered == 2);
    CHECK(after.connections_opened == before.connections_opened && after.connections_failed == before.connections_failed);

    CHECK_OK(ottla_producer_close(producer, 5000, NULL));
    CHECK_OK(ottla_producer_add_brokers(producer, argv[1], NULL));
    ottla_topic_free(topic);
    CHECK_OK(ottla_producer_free(producer));
    CHECK_CODE(OTTLA_ERR_CLOSED, ottla_producer_add_brokers(producer, argv[1], NULL));
    return 0;
}
