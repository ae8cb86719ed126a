/* A custom partitioner, against the broker in argv[1]: its settings, what it sees and what its results lead to, on
 * the sending thread and on the sender thread. It is configured, closed and freed once. */
#include "check.h"

#include <pthread.h>

struct plugin {
    int configured, closed, freed;
    int refuses;
    int asked, asked_elsewhere;
    pthread_t sending;
    ottla_producer *producer;
    ottla_topic *topic;
    /* A producer without plug-ins. What the partitioner sees is sent again through it. */
    ottla_producer *other;
    ottla_topic *again;
};

static int32_t configure(const ottla_settings *settings, void *userdata) {
    struct plugin *plugin = userdata;
    plugin->configured++;
    CHECK(ottla_settings_count(settings) == 2);
    CHECK(strcmp(ottla_settings_name_at(settings, 0), "ottla.plugin.a") == 0);
    CHECK(strcmp(ottla_settings_value_at(settings, 0), "") == 0);
    CHECK(strcmp(ottla_settings_name_at(settings, 1), "ottla.plugin.b") == 0);
    CHECK(strcmp(ottla_settings_value_at(settings, 1), " two ") == 0);
    CHECK(ottla_settings_name_at(settings, 2) == NULL && ottla_settings_value_at(settings, 2) == NULL);
    CHECK(strcmp(ottla_settings_get(settings, "ottla.plugin.b"), " two ") == 0);
    CHECK(ottla_settings_get(settings, "ottla.plugin.c") == NULL);
    CHECK(ottla_settings_get(settings, NULL) == NULL && ottla_settings_get(NULL, "ottla.plugin.b") == NULL);
    return plugin->refuses ? ottla_settings_fail(settings, "the moon is full") : 0;
}

/* The value says what to do. */
static int32_t partition(const ottla_choice *choice, void *userdata) {
    struct plugin *plugin = userdata;
    const char *value = choice->value;
    CHECK(choice->struct_size == sizeof *choice && strcmp(choice->topic, "chosen") == 0);
    CHECK(choice->key_len == 1 && *(const char *)choice->key == 'k' && choice->value_len == 1);
    CHECK(choice->key_object == NULL && choice->value_object == NULL);
    CHECK(choice->partition_count == 6);
    for (int32_t i = 0; i < 6; i++) {
        CHECK(ottla_choice_leader(choice, i) == 1 && ottla_choice_is_available(choice, i) == 1);
    }
    CHECK(ottla_choice_leader(choice, 6) == -1 && ottla_choice_leader(choice, -1) == -1);
    CHECK(ottla_choice_is_available(choice, 6) == 0 && ottla_choice_queued_bytes(choice, 6) == 0);
    if (pthread_equal(plugin->sending, pthread_self())) {
        plugin->asked++;
    } else {
        plugin->asked_elsewhere++;
    }
    if (plugin->other != NULL) {
        /* For a record that waited for its topic, these bytes are in the library's memory. */
        ottla_record record = {.struct_size = sizeof(ottla_record)};
        record.key = choice->key;
        record.key_len = choice->key_len;
        record.value = choice->key;
        record.value_len = choice->key_len;
        CHECK_OK(ottla_producer_send(plugin->other, plugin->again, &record, NULL, NO_WAIT, NULL));
    }
    switch (*value) {
    case 'f':
        return ottla_choice_fail(choice, "f is for failure");
    case 's':
        return -7;
    case 'l':
        return choice->partition_count;
    case 'b': /* Calls back in: what would wait for this very call is refused. */
        CHECK_CODE(OTTLA_ERR_IN_CALLBACK, ottla_producer_flush(plugin->producer, -1, 0, NULL));
        CHECK_CODE(OTTLA_ERR_IN_CALLBACK, ottla_producer_close(plugin->producer, -1, NULL));
        CHECK_CODE(OTTLA_ERR_IN_CALLBACK, ottla_producer_free(plugin->producer));
        return 5;
    case 'q':
        CHECK(ottla_choice_queued_bytes(choice, 5) > 0 || ottla_choice_queued_bytes(choice, 4) == 0);
        return 4;
    default:
        return *value - '0';
    }
}

static void closed(void *userdata) {
    ((struct plugin *)userdata)->closed++;
}

static void freed(void *userdata) {
    ((struct plugin *)userdata)->freed++;
}

struct expected {
    ottla_code code;
    int32_t partition;
    const char *message;
    int reported;
};

static void delivered(const ottla_delivery *delivery, void *userdata) {
    struct expected *expected = delivery->userdata;
    (void)userdata;
    CHECK(delivery->code == expected->code && delivery->partition == expected->partition);
    if (expected->message) {
        CHECK(strcmp(ottla_error_message(delivery->error), expected->message) == 0);
        CHECK(delivery->fate == OTTLA_FATE_NOT_WRITTEN);
    }
    expected->reported++;
}

static ottla_partitioner of(struct plugin *plugin) {
    ottla_partitioner partitioner = {.struct_size = sizeof(ottla_partitioner)};
    partitioner.configure = configure;
    partitioner.partition = partition;
    partitioner.close = closed;
    partitioner.userdata = plugin;
    partitioner.free_userdata = freed;
    return partitioner;
}

static const char FAILED[] = "the application's partitioner failed for a record of topic chosen: f is for failure";
static const char SILENT[] =
    "the application's partitioner failed for a record of topic chosen: it returned -7 and gave no reason";
static const char LARGE[] = "topic chosen has 6 partitions (0 to 5), and the application's partitioner chose partition 6";

static int again;

static void sent(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    CHECK(delivery->code == OTTLA_ERR_OK);
    again++;
}

/* Creates the other producer. Its topic is known and has an open batch, so that further records take the fast path. */
static void sent_again(const char *address, struct plugin *plugin) {
    ottla_config *config = ottla_config_new();
    ottla_record record = text_record("k", "first");
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", address, NULL));
    CHECK_OK(ottla_config_set(config, "linger.ms", "60000", NULL));
    CHECK_OK(ottla_config_set_delivery(config, sent, NULL, NULL));
    CHECK_OK(ottla_producer_new(config, &plugin->other, NULL));
    ottla_config_free(config);
    CHECK_OK(ottla_producer_topic(plugin->other, "chosen", &plugin->again, NULL));
    CHECK_OK(ottla_topic_check(plugin->again, -1, NULL));
    CHECK_OK(ottla_producer_send(plugin->other, plugin->again, &record, NULL, NULL, NULL));
}

static void sending(const char *address) {
    struct plugin plugin = {.sending = pthread_self()};
    ottla_partitioner partitioner = of(&plugin);
    ottla_config *config = ottla_config_new();
    ottla_error *error = NULL;
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", address, NULL));
    CHECK_OK(ottla_config_set(config, "ottla.plugin.b", " two ", NULL));
    CHECK_OK(ottla_config_set(config, "ottla.plugin.a", "", NULL));
    CHECK_OK(ottla_config_set(config, "partitioner.class", "roundrobin", NULL)); /* replaced */
    CHECK_OK(ottla_config_set_delivery(config, delivered, NULL, NULL));
    CHECK_OK(ottla_config_set_partitioner(config, &partitioner, &error));
    CHECK_OK(ottla_producer_new(config, &plugin.producer, &error));
    CHECK(plugin.configured == 1);
    ottla_config_free(config);
    CHECK_OK(ottla_producer_topic(plugin.producer, "chosen", &plugin.topic, NULL));
    sent_again(address, &plugin);

    /* The first five are accepted before the partitions are known, unless the broker was very fast. In that case the
     * call returns what the completion would have reported. */
    struct expected expected[] = {
        {OTTLA_ERR_OK, 3, NULL, 0},
        {OTTLA_ERR_PARTITIONER_FAILED, -1, FAILED, 0},
        {OTTLA_ERR_PARTITIONER_FAILED, -1, SILENT, 0},
        {OTTLA_ERR_UNKNOWN_PARTITION, -1, LARGE, 0},
        {OTTLA_ERR_OK, 5, NULL, 0},
        {OTTLA_ERR_OK, 4, NULL, 0},
        {OTTLA_ERR_OK, 2, NULL, 0},
    };
    const char *values[] = {"3", "f", "s", "l", "b", "q", "1"};
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 7; i++) {
            ottla_record record = text_record("k", values[i]);
            if (i == 6) {
                set_partition(&record, 2); /* names its own */
            }
            ottla_code code = ottla_producer_send(plugin.producer, plugin.topic, &record, &expected[i], NULL, &error);
            if (code != OTTLA_ERR_OK) {
                CHECK(code == expected[i].code && strcmp(ottla_error_message(error), expected[i].message) == 0);
                ottla_error_free(error);
                expected[i].reported++;
            }
        }
        CHECK_OK(ottla_producer_flush(plugin.producer, -1, 0, NULL));
        for (int i = 0; i < 7; i++) {
            CHECK(expected[i].reported == round + 1);
        }
    }
    CHECK(plugin.asked >= 6 && plugin.asked + plugin.asked_elsewhere == 12);
    CHECK_OK(ottla_producer_flush(plugin.other, -1, 0, NULL));
    CHECK(again == 1 + 12);
    CHECK_OK(ottla_producer_free(plugin.other));
    ottla_topic_free(plugin.again);

    CHECK_OK(ottla_producer_close(plugin.producer, -1, NULL));
    CHECK(plugin.closed == 0);
    CHECK_OK(ottla_producer_free(plugin.producer));
    CHECK(plugin.closed == 1);
    ottla_topic_free(plugin.topic);
    CHECK(plugin.configured == 1 && plugin.closed == 1 && plugin.freed == 1);
}

/* One configuration, three producers: each configures and closes the partitioner. If configure fails,
 * ottla_producer_new() fails. */
static void lives(void) {
    struct plugin plugin = {0};
    ottla_partitioner partitioner = of(&plugin);
    ottla_config *config = refused_config();
    ottla_producer *first = NULL, *second = NULL, *third = NULL;
    ottla_error *error = NULL;
    CHECK_OK(ottla_config_set(config, "ottla.plugin.a", "", NULL));
    CHECK_OK(ottla_config_set(config, "ottla.plugin.b", " two ", NULL));
    CHECK_OK(ottla_config_set_partitioner(config, &partitioner, NULL));
    ottla_config *copy = ottla_config_copy(config);
    CHECK_OK(ottla_producer_new(config, &first, NULL));
    CHECK_OK(ottla_producer_new(copy, &second, NULL));
    plugin.refuses = 1;
    CHECK_CODE(OTTLA_ERR_INVALID_CONFIG, ottla_producer_new(config, &third, &error));
    CHECK(third == NULL && plugin.configured == 3 && plugin.closed == 0);
    CHECK(strcmp(ottla_error_message(error), "the application's partitioner could not be configured: the moon is full") == 0);
    ottla_error_free(error);
    CHECK_OK(ottla_producer_free(first));
    CHECK(plugin.closed == 1);
    ottla_config_free(config);
    ottla_config_free(copy);
    CHECK(plugin.freed == 0);
    CHECK_OK(ottla_producer_free(second));
    CHECK(plugin.closed == 2 && plugin.freed == 1);
}

/* Invalid partitioners, of which nothing is kept. */
static void refusals(void) {
    struct plugin plugin = {0};
    ottla_config *config = ottla_config_new();
    ottla_partitioner partitioner = of(&plugin);
    ottla_error *error = NULL;
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_config_set_partitioner(NULL, &partitioner, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_config_set_partitioner(config, NULL, NULL));
    partitioner.partition = NULL;
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_config_set_partitioner(config, &partitioner, &error));
    CHECK(strcmp(ottla_error_message(error), "partitioner->partition is NULL") == 0);
    ottla_error_free(error);
    partitioner = of(&plugin);
    partitioner.struct_size = 8;
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_config_set_partitioner(config, &partitioner, NULL));
    /* A structure of a newer header is accepted as long as its new members are zero. */
    struct {
        ottla_partitioner known;
        int64_t more;
    } newer = {of(&plugin), 1};
    newer.known.struct_size = sizeof newer;
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_config_set_partitioner(config, &newer.known, NULL));
    CHECK(plugin.freed == 0);
    newer.more = 0;
    CHECK_OK(ottla_config_set_partitioner(config, &newer.known, NULL));
    ottla_config_free(config);
    CHECK(plugin.freed == 1 && plugin.configured == 0 && plugin.closed == 0);
    CHECK(ottla_settings_count(NULL) == 0 && ottla_settings_name_at(NULL, 0) == NULL);
    CHECK(ottla_settings_value_at(NULL, 0) == NULL && ottla_settings_fail(NULL, NULL) == -1);
    CHECK(ottla_choice_leader(NULL, 0) == -1 && ottla_choice_is_available(NULL, 0) == 0);
    CHECK(ottla_choice_queued_bytes(NULL, 0) == 0 && ottla_choice_fail(NULL, NULL) == -1);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    refusals();
    lives();
    sending(argv[1]);
    return 0;
}
