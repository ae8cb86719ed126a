/* callbacks: learns the fate of records by callbacks, record by record and batch by batch.
 *
 * Shows: a function and a context for one record (on_delivery in ottla_send_options); a function for the batches of all other
 * records (ottla_config_set_batch_delivery()); what may be done in them; how a context is owned.
 *
 * Build: cc -std=c99 -o callbacks callbacks.c $(pkg-config --cflags --libs ottla)
 * Run:   callbacks localhost:9092 greetings
 *
 * Prints: for each of three records that have a function of their own, and for the reply that the first one's function
 * sends, one line, as each becomes known; for each batch of the hundred others one line; last the counts:
 *
 *     record 0: greetings 0 40, fate 1
 *     record 1: greetings 0 41, fate 1
 *     record 2: greetings 0 42, fate 1
 *     batch of 100: greetings 1, from offset 7
 *     reply: greetings 0 43, fate 1
 *     104 accepted, 104 delivered, 0 failed */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ottla.h>

/* Only callbacks change these, and they run on one thread. Read after ottla_producer_close(), which waits for them. */
struct counts {
    unsigned accepted_in_callback;
    unsigned delivered;
    unsigned failed;
};

/* The context of one record. It is made before the record is sent, and its function frees it. */
struct context {
    char name[16];
    const ottla_producer *producer;
    const ottla_topic *topic; /* for a reply; NULL: none */
    struct counts *counts;
};

static int failed(const char *what, ottla_code code, ottla_error *error) {
    fprintf(stderr, "callbacks: %s: %s\n", what, error != NULL ? ottla_error_message(error) : ottla_code_name(code));
    ottla_error_free(error);
    return 1;
}

static ottla_code send_with_context(const ottla_producer *producer, const ottla_topic *topic, const char *name,
                                    int replies, struct counts *counts, ottla_error **error_out);

/* Runs on the library's thread. There it may send, which does not wait, but not flush, close or free. */
static void on_record(const ottla_delivery *delivery, void *userdata) {
    struct context *context = userdata;
    if (delivery->code == OTTLA_ERR_OK) {
        printf("%s: %s %" PRId32 " %" PRId64 ", fate %" PRId32 "\n", context->name, delivery->topic,
               delivery->partition, delivery->offset, delivery->fate);
        context->counts->delivered++;
    } else {
        printf("%s: %s\n", context->name, ottla_error_message(delivery->error));
        context->counts->failed++;
    }
    if (context->topic != NULL) {
        ottla_error *error = NULL;
        ottla_code code =
            send_with_context(context->producer, context->topic, "reply", 0, context->counts, &error);
        if (code == OTTLA_ERR_OK) {
            context->counts->accepted_in_callback++;
        } else {
            failed("reply", code, error);
        }
    }
    free(context);
}

static void on_batch(const ottla_batch *batch, void *userdata) {
    struct counts *counts = userdata;
    if (batch->code == OTTLA_ERR_OK) {
        printf("batch of %zu: %s %" PRId32 ", from offset %" PRId64 "\n", batch->count, batch->topic, batch->partition,
               batch->base_offset);
        counts->delivered += (unsigned)batch->count;
    } else {
        printf("batch of %zu: %s\n", batch->count, ottla_error_message(batch->error));
        counts->failed += (unsigned)batch->count;
    }
}

static ottla_code send_with_context(const ottla_producer *producer, const ottla_topic *topic, const char *name,
                                    int replies, struct counts *counts, ottla_error **error_out) {
    struct context *context = calloc(1, sizeof *context);
    if (context == NULL) {
        return OTTLA_ERR_BUFFER_FULL;
    }
    *context = (struct context){.producer = producer, .topic = replies ? topic : NULL, .counts = counts};
    snprintf(context->name, sizeof context->name, "%s", name);
    ottla_record record = {.struct_size = sizeof(ottla_record), .flags = OTTLA_RECORD_PARTITION, .partition = 0};
    record.value = context->name;
    record.value_len = strlen(context->name);
    ottla_send_options options = {.struct_size = sizeof(ottla_send_options), .on_delivery = on_record};
    ottla_code code = ottla_producer_send(producer, topic, &record, context, &options, error_out);
    if (code != OTTLA_ERR_OK) {
        free(context); /* refused, so no function will be called */
    }
    return code;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fputs("usage: callbacks BROKERS TOPIC\n", stderr);
        return 2;
    }
    struct counts counts = {0, 0, 0};
    unsigned accepted = 0;
    int failures = 0;
    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    ottla_error *error = NULL;
    ottla_config *config = ottla_config_new();
    if (config == NULL) {
        return failed("configuration", OTTLA_ERR_INTERNAL, NULL);
    }
    ottla_code code = ottla_config_set(config, "bootstrap.servers", argv[1], &error);
    if (code == OTTLA_ERR_OK) {
        code = ottla_config_set_batch_delivery(config, on_batch, &counts, NULL);
    }
    if (code == OTTLA_ERR_OK) {
        code = ottla_producer_new(config, &producer, &error);
    }
    if (code == OTTLA_ERR_OK) {
        code = ottla_producer_topic(producer, argv[2], &topic, &error);
    }
    for (int i = 0; i < 3 && code == OTTLA_ERR_OK; i++) {
        char name[16];
        snprintf(name, sizeof name, "record %d", i);
        code = send_with_context(producer, topic, name, i == 0, &counts, &error);
        accepted += code == OTTLA_ERR_OK;
    }
    for (int i = 0; i < 100 && code == OTTLA_ERR_OK; i++) {
        ottla_record record = {.struct_size = sizeof(ottla_record)};
        record.value = "one of many";
        record.value_len = strlen(record.value);
        code = ottla_producer_send(producer, topic, &record, NULL, NULL, &error);
        accepted += code == OTTLA_ERR_OK;
    }
    if (code == OTTLA_ERR_OK) {
        code = ottla_producer_flush(producer, 30000, 0, &error); /* the reply was sent before this returns */
    }
    if (code != OTTLA_ERR_OK) {
        failures += failed("sending", code, error);
    }
    /* Delivers what is left, including the reply. When it returns, no callback runs any more. */
    if (producer != NULL && (code = ottla_producer_close(producer, 30000, NULL)) != OTTLA_ERR_OK) {
        failures += failed("close", code, NULL);
    }
    ottla_topic_free(topic);
    if (producer != NULL && (code = ottla_producer_free(producer)) != OTTLA_ERR_OK) {
        failures += failed("free", code, NULL);
    }
    ottla_config_free(config);
    accepted += counts.accepted_in_callback;
    printf("%u accepted, %u delivered, %u failed\n", accepted, counts.delivered, counts.failed);
    return failures == 0 && counts.delivered == accepted ? 0 : 1;
}
