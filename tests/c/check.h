/* What the C tests share. A check that fails prints its place and ends the program. */
#ifndef CHECK_H
#define CHECK_H

#include <ottla.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);       \
            exit(1);                                                                      \
        }                                                                                 \
    } while (0)

#define CHECK_CODE(expected, call)                                                        \
    do {                                                                                  \
        ottla_code check_code_ = (call);                                                  \
        if (check_code_ != (expected)) {                                                  \
            fprintf(stderr, "%s:%d: %s: %s, not %s\n", __FILE__, __LINE__, #call,         \
                    ottla_code_name(check_code_), ottla_code_name(expected));             \
            exit(1);                                                                      \
        }                                                                                 \
    } while (0)

#define CHECK_OK(call) CHECK_CODE(OTTLA_ERR_OK, call)

/* Options of a call that sends, given by their members. */
#define OPTIONS(...) (&(ottla_send_options){.struct_size = sizeof(ottla_send_options), __VA_ARGS__})
/* Polls one report. It is NULL if there was none in time. */
#define POLL_ONE(producer, timeout_ms, report_out, error_out)                             \
    ottla_producer_poll(producer, timeout_ms, report_out, 1, &(size_t){0}, error_out)

#define NO_WAIT OPTIONS(.flags = OTTLA_SEND_NO_WAIT)

/* A configuration for a port on which nothing listens. */
static ottla_config *refused_config(void) {
    ottla_config *config = ottla_config_new();
    CHECK(config != NULL);
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", "127.0.0.1:1", NULL));
    return config;
}

static ottla_record text_record(const char *key, const char *value) {
    ottla_record record;
    ottla_record_init(&record, sizeof record);
    record.key = key;
    record.key_len = key ? strlen(key) : 0;
    record.value = value;
    record.value_len = value ? strlen(value) : 0;
    return record;
}

static void set_partition(ottla_record *record, int32_t partition) {
    record->flags |= OTTLA_RECORD_PARTITION;
    record->partition = partition;
}

static void set_timestamp(ottla_record *record, int64_t timestamp) {
    record->flags |= OTTLA_RECORD_TIMESTAMP;
    record->timestamp = timestamp;
}

#endif
