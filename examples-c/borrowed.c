/* borrowed: sends large payloads without copying them, from a ring of buffers that are used again as they come back.
 *
 * Shows: lending a value instead of having it copied (on_release in ottla_send_options); the function that returns it; how a
 * value is recognized at its completion.
 *
 * Build: cc -std=c99 -o borrowed borrowed.c $(pkg-config --cflags --libs ottla) -lpthread
 * Run:   borrowed localhost:9092 greetings [BUFFERS]
 *
 * Prints: how fast it went, and by how much the process grew. Copies of the eight buffers on their way would be eight
 * megabytes:
 *
 *     64 buffers of 1000000 bytes through a ring of 8: 210 MB/s
 *     the process grew by 256 KiB
 *     64 sent, 64 delivered, 0 failed, 64 given back */

#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <ottla.h>

enum { RING = 8, SIZE = 1000000, BUFFERS = 64 };

struct buffer {
    struct ring *ring;
    int lent;
    unsigned char bytes[SIZE];
};

struct ring {
    pthread_mutex_t lock;
    pthread_cond_t back;
    unsigned given_back;
    /* Only the library's thread writes these. They are read after ottla_producer_close(). */
    unsigned delivered;
    unsigned failed;
    struct buffer buffers[RING];
};

static int failed(const char *what, ottla_code code, ottla_error *error) {
    fprintf(stderr, "borrowed: %s: %s\n", what, error != NULL ? ottla_error_message(error) : ottla_code_name(code));
    ottla_error_free(error);
    return 1;
}

/* The library no longer reads the bytes, so the buffer is free again. This runs on its thread, so it must be brief. */
static void on_release(const void *value, size_t value_len, void *userdata) {
    struct buffer *buffer = userdata;
    struct ring *ring = buffer->ring;
    (void)value, (void)value_len;
    pthread_mutex_lock(&ring->lock);
    buffer->lent = 0;
    ring->given_back++;
    pthread_cond_signal(&ring->back);
    pthread_mutex_unlock(&ring->lock);
}

/* Notes the fate of a record. Its value is recognized by its address, but may already be in use for another record. */
static void on_delivery(const ottla_delivery *delivery, void *userdata) {
    struct ring *ring = userdata;
    const struct buffer *buffer = delivery->userdata;
    if (delivery->code == OTTLA_ERR_OK && delivery->value == buffer->bytes && delivery->value_len == SIZE) {
        ring->delivered++;
    } else {
        fprintf(stderr, "borrowed: %s\n", delivery->error ? ottla_error_message(delivery->error) : "another value");
        ring->failed++;
    }
}

/* Returns a buffer that is not lent. Waits until there is one. */
static struct buffer *take(struct ring *ring) {
    struct buffer *taken = NULL;
    pthread_mutex_lock(&ring->lock);
    while (taken == NULL) {
        for (int i = 0; i < RING && taken == NULL; i++) {
            if (!ring->buffers[i].lent) {
                taken = &ring->buffers[i];
                taken->lent = 1;
            }
        }
        if (taken == NULL) {
            pthread_cond_wait(&ring->back, &ring->lock);
        }
    }
    pthread_mutex_unlock(&ring->lock);
    return taken;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The peak memory of the process in KiB. */
static long peak(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* Sends `count` buffers. Returns how many were accepted. */
static unsigned send_all(const ottla_producer *producer, const ottla_topic *topic, struct ring *ring, unsigned count,
                         ottla_code *code_out, ottla_error **error_out) {
    for (unsigned sent = 0; sent < count; sent++) {
        struct buffer *buffer = take(ring);
        memset(buffer->bytes, 'a' + (int)(sent % 26), SIZE);
        ottla_record record = {.struct_size = sizeof(ottla_record)};
        record.value = buffer->bytes;
        record.value_len = SIZE;
        ottla_send_options options = {.struct_size = sizeof(ottla_send_options)};
        options.on_release = on_release;
        options.release_userdata = buffer;
        /* If this call is refused, the buffer was never lent, and on_release is not called. */
        *code_out = ottla_producer_send(producer, topic, &record, buffer, &options, error_out);
        if (*code_out != OTTLA_ERR_OK) {
            return sent;
        }
    }
    *code_out = ottla_producer_flush(producer, 60000, 0, error_out);
    return count;
}

int main(int argc, char **argv) {
    char *rest = "";
    long count = argc > 3 ? strtol(argv[3], &rest, 10) : BUFFERS;
    if (argc < 3 || argc > 4 || count < 1 || count > 1000000 || *rest != '\0') {
        fputs("usage: borrowed BROKERS TOPIC [BUFFERS], 1 to 1000000 buffers\n", stderr);
        return 2;
    }
    struct ring *ring = calloc(1, sizeof *ring);
    ottla_config *config = ottla_config_new();
    if (ring == NULL || config == NULL) {
        return failed("memory", OTTLA_ERR_INTERNAL, NULL);
    }
    pthread_mutex_init(&ring->lock, NULL);
    pthread_cond_init(&ring->back, NULL);
    for (int i = 0; i < RING; i++) {
        ring->buffers[i].ring = ring;
        memset(ring->buffers[i].bytes, ' ', SIZE); /* so that the memory is in use from now on */
    }
    int failures = 0;
    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    ottla_error *error = NULL;
    ottla_code code = ottla_config_set(config, "bootstrap.servers", argv[1], &error);
    if (code == OTTLA_ERR_OK) {
        code = ottla_config_set_delivery(config, on_delivery, ring, NULL);
    }
    if (code == OTTLA_ERR_OK) {
        code = ottla_producer_new(config, &producer, &error);
    }
    if (code == OTTLA_ERR_OK) {
        code = ottla_producer_topic(producer, argv[2], &topic, &error);
    }
    long before = peak();
    double begun = seconds();
    unsigned sent = 0;
    if (code == OTTLA_ERR_OK) {
        sent = send_all(producer, topic, ring, (unsigned)count, &code, &error);
        double rate = (double)sent * SIZE / (seconds() - begun) / 1e6;
        printf("%u buffers of %d bytes through a ring of %d: %.0f MB/s\n", sent, SIZE, RING, rate);
        printf("the process grew by %ld KiB\n", peak() - before);
    }
    if (code != OTTLA_ERR_OK) {
        failures += failed("sending", code, error);
    }
    /* When this returns, every accepted record was reported and every buffer given back. */
    if (producer != NULL && (code = ottla_producer_close(producer, 30000, NULL)) != OTTLA_ERR_OK) {
        failures += failed("close", code, NULL);
    }
    ottla_topic_free(topic);
    if (producer != NULL && (code = ottla_producer_free(producer)) != OTTLA_ERR_OK) {
        failures += failed("free", code, NULL);
    }
    ottla_config_free(config);
    printf("%u sent, %u delivered, %u failed, %u given back\n", sent, ring->delivered, ring->failed, ring->given_back);
    failures += ring->failed > 0 || ring->given_back != sent;
    pthread_cond_destroy(&ring->back);
    pthread_mutex_destroy(&ring->lock);
    free(ring);
    return failures == 0 ? 0 : 1;
}
