/* serializer: records made of the application's structures, turned into JSON by a custom serializer.
 *
 * Shows: ottla_producer_send_objects() with a built-in serializer (for keys) and a custom one (for values): the header
 * it adds, and what happens to an object that it cannot serialize.
 *
 * Build: cc -std=c99 -o serializer serializer.c $(pkg-config --cflags --libs ottla)
 * Run:   serializer localhost:9092 greetings
 *
 * Prints: why one of four readings was refused, then a line for each that was written:
 *
 *     refused: SERIALIZATION: the value of a record for topic greetings could not be serialized: not a temperature
 *     attic: greetings 0 17
 *     cellar: greetings 1 4
 *     garden: greetings 0 18
 *     3 written, 1 refused */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ottla.h>

/* Prints what failed. Returns 1, for `failures += failed(...)`. */
static int failed(const char *what, ottla_code code, ottla_error *error) {
    fprintf(stderr, "serializer: %s: %s\n", what, error != NULL ? ottla_error_message(error) : ottla_code_name(code));
    ottla_error_free(error);
    return 1;
}

struct reading {
    const char *place;
    double celsius;
};

/* Runs on the sending thread, on several at once if several send. So it has no state. */
static int32_t reading_as_json(const char *topic, const void *object, ottla_serialized *out, void *userdata) {
    const struct reading *reading = object;
    char json[128];
    (void)topic, (void)userdata;
    if (!isfinite(reading->celsius)) {
        return ottla_serialized_fail(out, "not a temperature");
    }
    int len = snprintf(json, sizeof json, "{\"place\":\"%s\",\"celsius\":%.1f}", reading->place, reading->celsius);
    if (len < 0 || (size_t)len >= sizeof json) {
        return ottla_serialized_fail(out, "the place has too long a name");
    }
    ottla_code code = ottla_serialized_append(out, json, (size_t)len);
    if (code == OTTLA_ERR_OK) {
        code = ottla_serialized_add_header(out, "content-type", 12, "application/json", 16);
    }
    return code;
}

static int written, unwritten; /* only the sender thread writes them, and main() reads them after the close */

static void delivered(const ottla_delivery *delivery, void *userdata) {
    const struct reading *reading = delivery->userdata;
    (void)userdata;
    if (delivery->code != OTTLA_ERR_OK) {
        fprintf(stderr, "serializer: %s: %s\n", reading->place, ottla_error_message(delivery->error));
        unwritten++;
        return;
    }
    printf("%s: %s %" PRId32 " %" PRId64 "\n", reading->place, delivery->topic, delivery->partition, delivery->offset);
    written++;
}

static int send_four(const ottla_producer *producer, const ottla_topic *topic) {
    static const struct reading readings[] = {{"attic", 27.5}, {"cellar", 9.0}, {"oven", INFINITY}, {"garden", -3.2}};
    int refused = 0;
    for (size_t i = 0; i < 4; i++) {
        ottla_record record = {.struct_size = sizeof(ottla_record)};
        ottla_error *error = NULL;
        ottla_code code = ottla_producer_send_objects(producer, topic, &record, readings[i].place, &readings[i],
                                                      (void *)&readings[i], NULL, &error);
        if (code != OTTLA_ERR_OK) {
            printf("refused: %s: %s\n", ottla_error_name(error), ottla_error_message(error));
            ottla_error_free(error);
            refused++;
        }
    }
    return refused;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fputs("usage: serializer BROKERS TOPIC\n", stderr);
        return 2;
    }
    ottla_config *config = ottla_config_new();
    if (config == NULL) {
        return failed("configuration", OTTLA_ERR_INTERNAL, NULL);
    }
    ottla_serializer serializer = {.struct_size = sizeof(ottla_serializer)};
    serializer.serialize = reading_as_json;
    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    ottla_error *error = NULL;
    int refused = 0, failures = 0;
    ottla_code code = ottla_config_set(config, "bootstrap.servers", argv[1], &error);
    if (code == OTTLA_ERR_OK) {
        code = ottla_config_set(config, "key.serializer", "string", &error);
    }
    if (code == OTTLA_ERR_OK) {
        code = ottla_config_set_value_serializer(config, &serializer, &error);
    }
    if (code == OTTLA_ERR_OK) {
        code = ottla_config_set_delivery(config, delivered, NULL, NULL);
    }
    if (code == OTTLA_ERR_OK) {
        code = ottla_producer_new(config, &producer, &error);
    }
    if (code == OTTLA_ERR_OK) {
        code = ottla_producer_topic(producer, argv[2], &topic, &error);
    }
    if (code == OTTLA_ERR_OK) {
        refused = send_four(producer, topic);
        code = ottla_producer_close(producer, 30000, &error);
    }
    if (code != OTTLA_ERR_OK) {
        failures += failed("producer", code, error);
    }
    ottla_topic_free(topic);
    if (producer != NULL && (code = ottla_producer_free(producer)) != OTTLA_ERR_OK) {
        failures += failed("free", code, NULL);
    }
    ottla_config_free(config);
    printf("%d written, %d refused\n", written, refused);
    return failures + unwritten == 0 ? 0 : 1;
}
