/* The options of the functions that send, alone and combined, against the broker in argv[1]; and what is refused. */
#include "check.h"

/* A record with a small value can take the fast path. One with a large value cannot. */
enum { SMALL = 50, LARGE = 5000 };

static ottla_producer *producer;
static ottla_topic *topic;
static char value[LARGE];
static size_t value_len;
static int by_default, own, released;

static void count(const ottla_delivery *delivery, void *userdata) {
    CHECK(userdata == &by_default && delivery->code == OTTLA_ERR_OK);
    by_default++;
}

/* A delivery function of the record's own gets the record's userdata. */
static void count_own(const ottla_delivery *delivery, void *userdata) {
    CHECK(userdata == &own && delivery->userdata == &own && delivery->code == OTTLA_ERR_OK);
    own++;
}

static void release(const void *returned, size_t returned_len, void *userdata) {
    CHECK(returned == value && returned_len == value_len && userdata == &released);
    released++;
}

static void never(const void *returned, size_t returned_len, void *userdata) {
    (void)returned, (void)returned_len, (void)userdata;
    CHECK(!"a value that was not accepted was returned");
}

static ottla_record record_with_value(void) {
    ottla_record record = text_record(NULL, NULL);
    record.value = value;
    record.value_len = value_len;
    return record;
}

/* Checks how often the records sent so far were delivered, and resets the counts. */
static void delivered(int expected_default, int expected_own, int expected_released) {
    CHECK_OK(ottla_producer_flush(producer, 20000, 0, NULL));
    if (by_default != expected_default || own != expected_own || released != expected_released) {
        fprintf(stderr, "delivered %d, %d to a function of their own, %d returned; not %d, %d, %d\n", by_default, own,
                released, expected_default, expected_own, expected_released);
        exit(1);
    }
    by_default = own = released = 0;
}

/* Waits for an accepted record by its handle, and frees the handle. */
static void waited(ottla_send *handle) {
    ottla_delivery delivery = {.struct_size = sizeof delivery};
    CHECK(handle != NULL);
    CHECK_OK(ottla_send_wait(handle, 20000, &delivery, NULL));
    CHECK(delivery.fate == OTTLA_FATE_WRITTEN && delivery.offset >= 0);
    ottla_send_free(handle);
}

/* Opens a batch: a record can take the fast path only if it does not open one. */
static void send_plain(void) {
    ottla_record record = record_with_value();
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
}

static void one_record(void) {
    ottla_record record = record_with_value();
    ottla_send *handle = NULL;
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, OPTIONS(.flags = 0), NULL));
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NO_WAIT, NULL));
    delivered(3, 0, 0);
    send_plain();
    CHECK_OK(ottla_producer_send(producer, topic, &record, &own, OPTIONS(.on_delivery = count_own), NULL));
    delivered(1, 1, 0);
    send_plain();
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL,
                                 OPTIONS(.on_release = release, .release_userdata = &released), NULL));
    delivered(2, 0, 1);
    send_plain();
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, OPTIONS(.handle_out = &handle), NULL));
    waited(handle);
    delivered(1, 0, 0);

    send_plain();
    CHECK_OK(ottla_producer_send(producer, topic, &record, &own,
                                 OPTIONS(.flags = OTTLA_SEND_NO_WAIT, .on_delivery = count_own, .on_release = release,
                                         .release_userdata = &released),
                                 NULL));
    delivered(1, 1, 1);
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL,
                                 OPTIONS(.flags = OTTLA_SEND_NO_WAIT, .on_release = release,
                                         .release_userdata = &released, .handle_out = &handle),
                                 NULL));
    waited(handle);
    delivered(0, 0, 1);
}

/* The same for objects. Only a value that no serializer makes can be lent. */
static void objects(void) {
    ottla_record plain = text_record(NULL, NULL), lent = record_with_value();
    ottla_send *handle = NULL;
    ottla_error *error = NULL;
    CHECK_OK(ottla_producer_send_objects(producer, topic, &plain, "k", "v", NULL, NO_WAIT, NULL));
    CHECK_OK(ottla_producer_send_objects(producer, topic, &plain, "k", "v", &own, OPTIONS(.on_delivery = count_own), NULL));
    CHECK_OK(ottla_producer_send_objects(producer, topic, &plain, "k", "v", NULL, OPTIONS(.handle_out = &handle), NULL));
    waited(handle);
    delivered(1, 1, 0);
    CHECK_OK(ottla_producer_send_objects(producer, topic, &lent, "k", NULL, NULL,
                                         OPTIONS(.on_release = release, .release_userdata = &released), NULL));
    delivered(1, 0, 1);
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_producer_send_objects(producer, topic, &plain, "k", "v", NULL,
                                                                       OPTIONS(.on_release = never), &error));
    CHECK(strstr(ottla_error_message(error), "cannot be lent") != NULL);
    ottla_error_free(error);
}

/* The options of an array apply to each of its records. */
static void arrays(void) {
    ottla_record records[] = {record_with_value(), record_with_value(), record_with_value()};
    void *userdatas[] = {&own, &own, &own};
    size_t accepted = 0;
    CHECK_OK(ottla_producer_send_many(producer, topic, records, 3, NULL, NO_WAIT, &accepted, NULL));
    delivered(3, 0, 0);
    CHECK_OK(ottla_producer_send_many(producer, topic, records, 3, userdatas,
                                      OPTIONS(.on_delivery = count_own, .on_release = release,
                                              .release_userdata = &released),
                                      &accepted, NULL));
    delivered(0, 3, 3);
    records[1].value = NULL; /* but a length */
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT,
               ottla_producer_send_many(producer, topic, records, 3, NULL,
                                        OPTIONS(.on_release = release, .release_userdata = &released), &accepted, NULL));
    CHECK(accepted == 1);
    delivered(1, 0, 1);
}

static void refused(const ottla_send_options *options, const char *member) {
    ottla_record record = text_record("k", "v");
    ottla_error *error = NULL;
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_producer_send(producer, topic, &record, NULL, options, &error));
    if (strstr(ottla_error_message(error), member) == NULL) {
        fprintf(stderr, "\"%s\" should name %s\n", ottla_error_message(error), member);
        exit(1);
    }
    ottla_error_free(error);
}

static void refusals(void) {
    struct {
        ottla_send_options options;
        uint64_t newer;
    } later = {{.struct_size = sizeof later}, 0};
    ottla_record record = text_record("k", "v");
    ottla_send *handle = NULL;
    ottla_error *error = NULL;
    size_t accepted = 7;
    refused(&(ottla_send_options){.struct_size = 0}, "options->struct_size is 0");
    refused(&(ottla_send_options){.struct_size = 8}, "options->struct_size is 8");
    refused(OPTIONS(.flags = 2), "options->flags is 0x2");
    refused(OPTIONS(.reserved = 1), "options->reserved");
    refused(OPTIONS(.release_userdata = &own), "options->on_release is NULL");
    refused(OPTIONS(.on_delivery = count_own, .handle_out = &handle), "options->handle_out");
    later.newer = 1;
    refused(&later.options, "options asks for something that this release does not have");
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_producer_send_many(producer, topic, &record, 1, NULL,
                                                                    OPTIONS(.handle_out = &handle), &accepted, &error));
    CHECK(accepted == 0 && strstr(ottla_error_message(error), "options->handle_out") != NULL);
    ottla_error_free(error);
    CHECK(handle == NULL);
    delivered(0, 0, 0);
    /* A structure of a newer header whose new members are zero is accepted. */
    later.newer = 0;
    CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, &later.options, NULL));
    delivered(1, 0, 0);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    ottla_config *config = ottla_config_new();
    const char *string = "org.apache.kafka.common.serialization.StringSerializer";
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", argv[1], NULL));
    CHECK_OK(ottla_config_set(config, "key.serializer", string, NULL));
    CHECK_OK(ottla_config_set(config, "value.serializer", string, NULL));
    CHECK_OK(ottla_config_set(config, "linger.ms", "100", NULL));
    CHECK_OK(ottla_config_set_delivery(config, count, &by_default, NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
    CHECK_OK(ottla_producer_topic(producer, "options", &topic, NULL));
    size_t lens[] = {SMALL, LARGE};
    for (int i = 0; i < 2; i++) {
        value_len = lens[i];
        one_record();
        objects();
        arrays();
    }
    refusals();
    CHECK_OK(ottla_producer_free(producer));
    ottla_topic_free(topic);
    return 0;
}
