/* Checks and partitions, against the broker in argv[1] and against a port on which nothing listens. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <pthread.h>
#include <time.h>

static ottla_code in_callback[3];
static const ottla_producer *asked;

static void on_delivery(const ottla_delivery *delivery, void *userdata) {
    const ottla_topic *topic = userdata;
    CHECK(delivery->code == OTTLA_ERR_OK);
    ottla_partitions *partitions = NULL;
    in_callback[0] = ottla_producer_check(asked, 100, NULL);
    in_callback[1] = ottla_topic_check(topic, 100, NULL);
    in_callback[2] = ottla_topic_partitions(topic, 100, &partitions, NULL);
    CHECK(partitions == NULL);
}

static void reachable(const char *address) {
    ottla_config *config = ottla_config_new();
    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    ottla_partitions *partitions = NULL;
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", address, NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
    asked = producer;
    CHECK_OK(ottla_producer_check(producer, 10000, NULL));
    CHECK_OK(ottla_producer_topic(producer, "described", &topic, NULL));
    CHECK_OK(ottla_topic_check(topic, 10000, NULL));
    CHECK_OK(ottla_topic_partitions(topic, -1, &partitions, NULL));
    CHECK(ottla_partitions_count(partitions) > 0);
    for (size_t i = 0; i < ottla_partitions_count(partitions); i++) {
        ottla_partition partition;
        partition.struct_size = sizeof partition;
        CHECK_OK(ottla_partitions_at(partitions, i, &partition));
        CHECK(partition.struct_size == sizeof partition && partition.partition == (int32_t)i);
        char leader[100];
        snprintf(leader, sizeof leader, "%s:%d", partition.leader_host, (int)partition.leader_port);
        CHECK(strcmp(leader, address) == 0);
        CHECK(partition.replica_count > 0 && partition.replicas[0] == partition.leader_id);
        CHECK(partition.in_sync_count > 0 && partition.in_sync[0] == partition.leader_id);
        CHECK(partition.offline_count == 0);
    }
    ottla_partition partition;
    partition.struct_size = sizeof partition;
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT,
               ottla_partitions_at(partitions, ottla_partitions_count(partitions), &partition));
    partition.struct_size = 1;
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_partitions_at(partitions, 0, &partition));
    /* A caller with an older header has smaller structures. */
    struct { size_t struct_size; int32_t partition; int32_t beyond; } older = {sizeof(size_t) + sizeof(int32_t), -9, -9};
    CHECK_OK(ottla_partitions_at(partitions, 0, (ottla_partition *)(void *)&older));
    CHECK(older.partition == 0 && older.beyond == -9);

    /* Held records are counted, and none is left in the end. */
    ottla_record record = text_record(NULL, "held");
    for (int i = 0; i < 7; i++) {
        CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    }
    CHECK(ottla_producer_buffered_records(producer) <= 7);
    CHECK_OK(ottla_producer_flush(producer, 10000, 0, NULL));
    CHECK(ottla_producer_buffered_records(producer) == 0);

    /* In a callback, none of these may wait. */
    CHECK_OK(ottla_producer_send(producer, topic, &record, topic, OPTIONS(.on_delivery = on_delivery), NULL));
    CHECK_OK(ottla_producer_flush(producer, 10000, 0, NULL));
    for (int i = 0; i < 3; i++) {
        CHECK(in_callback[i] == OTTLA_ERR_IN_CALLBACK);
    }

    CHECK_OK(ottla_producer_close(producer, 1000, NULL));
    CHECK_CODE(OTTLA_ERR_CLOSED, ottla_producer_check(producer, 1000, NULL));
    CHECK_CODE(OTTLA_ERR_CLOSED, ottla_topic_check(topic, 1000, NULL));
    CHECK_OK(ottla_producer_free(producer));
    CHECK_CODE(OTTLA_ERR_CLOSED, ottla_topic_partitions(topic, 1000, &partitions, NULL));
    ottla_topic_free(topic);
    /* The result outlives topic and producer. */
    partition.struct_size = sizeof partition;
    CHECK_OK(ottla_partitions_at(partitions, 0, &partition));
    CHECK(partition.leader_host != NULL && strstr(address, partition.leader_host) == address);
    ottla_partitions_free(partitions);
}

static void *close_it(void *producer) {
    struct timespec moment = {0, 50 * 1000 * 1000};
    nanosleep(&moment, NULL);
    CHECK_OK(ottla_producer_close(producer, 0, NULL));
    return NULL;
}

static void unreachable(void) {
    ottla_config *config = refused_config();
    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    ottla_error *error = NULL;
    ottla_partitions *partitions = NULL;
    ottla_record record = text_record(NULL, "held");
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK_OK(ottla_producer_topic(producer, "nowhere", &topic, NULL));
    CHECK_CODE(OTTLA_ERR_IO, ottla_producer_check(producer, 3000, &error));
    CHECK(strstr(ottla_error_message(error), "127.0.0.1:1") != NULL && strstr(ottla_error_message(error), "3000 ms") != NULL);
    ottla_error_free(error);
    CHECK_CODE(OTTLA_ERR_IO, ottla_topic_check(topic, 50, NULL));
    CHECK_CODE(OTTLA_ERR_IO, ottla_topic_partitions(topic, 50, &partitions, NULL));
    CHECK(partitions == NULL);
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_producer_check(producer, -2, NULL));
    CHECK(ottla_producer_buffered_records(producer) == 0);
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    CHECK(ottla_producer_buffered_records(producer) == 2);
    /* A close ends the wait. */
    pthread_t closer;
    CHECK(pthread_create(&closer, NULL, close_it, producer) == 0);
    CHECK_CODE(OTTLA_ERR_CLOSED, ottla_producer_check(producer, -1, NULL));
    CHECK(pthread_join(closer, NULL) == 0);
    CHECK(ottla_producer_buffered_records(producer) == 0);
    CHECK_OK(ottla_producer_free(producer));
    CHECK(ottla_producer_buffered_records(producer) == 0);
    ottla_topic_free(topic);
    ottla_config_free(config);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    unreachable();
    reachable(argv[1]);
    return 0;
}
