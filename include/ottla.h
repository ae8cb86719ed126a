/* Ottla: a producer for Apache Kafka.
 *
 * Link with -lottla.
 *
 * Contents (each section begins with its number and title):
 *
 *    1. Version                 the release of the header and of the library
 *    2. Errors                  codes, and error objects with details
 *    3. Configuration           properties by name, user data
 *    4. Log                     log lines, by function or to standard error
 *    5. Producer                new, free, what it holds
 *    6. Topics                  handles to send by
 *    7. Records and sending     one record, many, flat form, objects; options; waiting for one
 *    8. Deliveries and polling  what became of records: by callback or polled
 *    9. Flush, purge and close  waiting for all records, giving them up, the end
 *   10. Transactions            begin, send offsets, commit, abort
 *   11. Metadata                checks at start-up, partitions
 *   12. Events                  brokers up and down, throttling, room again
 *   13. Statistics              counters; snapshots of counts, levels and latencies
 *   14. Plug-ins                partitioners, serializers, interceptors of the application
 *
 * Names: the functions of a type begin with the type's name. _new or another function that fills an output makes an
 * object, _free releases it. Outputs are the last arguments and end in _out. Units close a name (timeout_ms). Strings
 * are UTF-8 and end with a NUL unless a length follows them.
 *
 * Errors: a function that can fail returns an ottla_code, 0 (OTTLA_ERR_OK) for success. A NULL pointer is always an
 * error, never a crash, unless its description allows it. If error_out is not NULL, a failure sets it to an object with
 * details; see ottla_error. Each of these functions can also return OTTLA_ERR_INTERNAL, which the descriptions leave
 * out.
 *
 * Memory: what a function hands over is released once, with the function whose name ends in _free; NULL is ignored. A
 * producer that is used or freed after it was freed returns OTTLA_ERR_CLOSED, at least until 64 more producers were
 * freed. For all other objects a use after the release is an error that the library does not notice, as with free().
 *
 * Structures that a call reads: set all members to zero except struct_size, then set what you need. 0 means "not set".
 * Where 0 is itself a meaningful value, a flag in `flags` says that the member is set: with the flag 0 is a value,
 * without the flag any other value than 0 is an error.
 *
 * Threads: any number of threads may use a pointer to const at once; any other pointer one thread at a time.
 *
 * Versions: a symbol is never removed or changed within a major version. A structure that begins with struct_size grows
 * at its end only, and only if it is passed by pointer; one that is passed in arrays keeps its size. A structure that a
 * call fills says afterwards in struct_size how much was filled, so it can be passed to the next call as it is.
 * Enumerations get new members.
 *
 * Generated from src by tests/header.rs: do not edit. */

#ifndef OTTLA_H
#define OTTLA_H

#include <stddef.h>
#include <stdint.h>

/* Attributes of every function. Define OTTLA_STATIC to link the static library on Windows. */
#ifndef OTTLA_API
#  if defined(_WIN32) && !defined(OTTLA_STATIC)
#    define OTTLA_API __declspec(dllimport)
#  else
#    define OTTLA_API
#  endif
#endif
#ifndef OTTLA_CALL
#  if defined(_WIN32)
#    define OTTLA_CALL __cdecl
#  else
#    define OTTLA_CALL
#  endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Structures that are named before their description. */
struct ottla_delivery;
struct ottla_report;

/* ============================================================================================
 * 1. Version
 * ============================================================================================ */

/**
 * The release of this header. ottla_version_number() returns the release of the library that is running.
 */
#define OTTLA_VERSION_MAJOR 0

/**
 * See OTTLA_VERSION_MAJOR.
 */
#define OTTLA_VERSION_MINOR 1

/**
 * See OTTLA_VERSION_MAJOR.
 */
#define OTTLA_VERSION_PATCH 0

/**
 * The release of the library that is running, for example "0.1.0". Static; never NULL. Any thread.
 */
OTTLA_API const char *OTTLA_CALL ottla_version(void);

/**
 * The same as a number to compare: major << 24 | minor << 16 | patch << 8. Any thread.
 */
OTTLA_API uint32_t OTTLA_CALL ottla_version_number(void);

/* ============================================================================================
 * 2. Errors
 * ============================================================================================ */

/**
 * The outcome of a call or of a record: 0 for success, negative for Ottla's own errors, positive for a code of the
 * Kafka protocol as the broker sent it (org.apache.kafka.common.protocol.Errors), even if this release has no name for
 * it. ottla_err names the values. The type is a plain number, so that new codes break no program.
 */
typedef int32_t ottla_code;

/**
 * Names for the values of ottla_code. A number never gets another meaning.
 */
typedef enum ottla_err {
    /**
     * Success.
     */
    OTTLA_ERR_OK = 0,
    /**
     * The broker answered UNKNOWN_SERVER_ERROR (its code is -1 in the protocol too).
     */
    OTTLA_ERR_UNKNOWN_SERVER_ERROR = -1,
    /**
     * An argument of the call is not valid.
     */
    OTTLA_ERR_INVALID_ARGUMENT = -2,
    /**
     * A property is unknown, its value is out of range, or two properties contradict each other.
     */
    OTTLA_ERR_INVALID_CONFIG = -3,
    /**
     * The producer is closed or closing.
     */
    OTTLA_ERR_CLOSED = -4,
    /**
     * The time limit of the call passed. The message says what the call was waiting for, and what came back last.
     */
    OTTLA_ERR_TIMED_OUT = -5,
    /**
     * There is no room in buffer.memory, and the call may not wait for it, or waited as long as it may.
     */
    OTTLA_ERR_BUFFER_FULL = -6,
    /**
     * The record alone is larger than max.request.size or buffer.memory.
     */
    OTTLA_ERR_RECORD_TOO_LARGE = -7,
    /**
     * The call waits, or ends the producer, so it is not allowed in a callback of the producer.
     */
    OTTLA_ERR_IN_CALLBACK = -8,
    /**
     * A defect in Ottla: a panic was caught, or an invariant did not hold.
     */
    OTTLA_ERR_INTERNAL = -9,
    /**
     * The producer belongs to the process that forked this one.
     */
    OTTLA_ERR_FORKED = -10,
    /**
     * The call is not allowed in the producer's present state.
     */
    OTTLA_ERR_INVALID_STATE = -11,
    /**
     * The partition is outside the topic's range.
     */
    OTTLA_ERR_UNKNOWN_PARTITION = -12,
    /**
     * delivery.timeout.ms, or the record's own timeout_ms, passed before the record's fate was decided.
     */
    OTTLA_ERR_DELIVERY_TIMED_OUT = -13,
    /**
     * The topic's metadata did not arrive in time.
     */
    OTTLA_ERR_METADATA_TIMED_OUT = -14,
    /**
     * The record was purged; its fate says whether it may have been written.
     */
    OTTLA_ERR_PURGED = -15,
    /**
     * The broker sent bytes that do not follow the protocol.
     */
    OTTLA_ERR_BAD_RESPONSE = -16,
    /**
     * The broker supports no version of a request that this release can send.
     */
    OTTLA_ERR_UNSUPPORTED_BROKER = -17,
    /**
     * An operating-system call failed.
     */
    OTTLA_ERR_IO = -18,
    /**
     * A host name could not be resolved.
     */
    OTTLA_ERR_RESOLVE = -19,
    /**
     * The partitioner of the application failed.
     */
    OTTLA_ERR_PARTITIONER_FAILED = -20,
    /**
     * A serializer failed.
     */
    OTTLA_ERR_SERIALIZATION = -21,
    /**
     * The record was not sent: its transaction was aborted first.
     */
    OTTLA_ERR_TRANSACTION_ABORTED = -22,
    /**
     * The system has no memory for the record. The limits of the process and its container decide this (ulimit -v,
     * cgroup), not buffer.memory.
     */
    OTTLA_ERR_OUT_OF_MEMORY = -23,
    /**
     * The codes of the Kafka protocol begin here.
     */
    OTTLA_ERR_OFFSET_OUT_OF_RANGE = 1,
    OTTLA_ERR_CORRUPT_MESSAGE = 2,
    OTTLA_ERR_UNKNOWN_TOPIC_OR_PARTITION = 3,
    OTTLA_ERR_INVALID_FETCH_SIZE = 4,
    OTTLA_ERR_LEADER_NOT_AVAILABLE = 5,
    OTTLA_ERR_NOT_LEADER_OR_FOLLOWER = 6,
    OTTLA_ERR_REQUEST_TIMED_OUT = 7,
    OTTLA_ERR_BROKER_NOT_AVAILABLE = 8,
    OTTLA_ERR_REPLICA_NOT_AVAILABLE = 9,
    OTTLA_ERR_MESSAGE_TOO_LARGE = 10,
    OTTLA_ERR_STALE_CONTROLLER_EPOCH = 11,
    OTTLA_ERR_OFFSET_METADATA_TOO_LARGE = 12,
    OTTLA_ERR_NETWORK_EXCEPTION = 13,
    OTTLA_ERR_COORDINATOR_LOAD_IN_PROGRESS = 14,
    OTTLA_ERR_COORDINATOR_NOT_AVAILABLE = 15,
    OTTLA_ERR_NOT_COORDINATOR = 16,
    OTTLA_ERR_INVALID_TOPIC_EXCEPTION = 17,
    OTTLA_ERR_RECORD_LIST_TOO_LARGE = 18,
    OTTLA_ERR_NOT_ENOUGH_REPLICAS = 19,
    OTTLA_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20,
    OTTLA_ERR_INVALID_REQUIRED_ACKS = 21,
    OTTLA_ERR_ILLEGAL_GENERATION = 22,
    OTTLA_ERR_INCONSISTENT_GROUP_PROTOCOL = 23,
    OTTLA_ERR_INVALID_GROUP_ID = 24,
    OTTLA_ERR_UNKNOWN_MEMBER_ID = 25,
    OTTLA_ERR_INVALID_SESSION_TIMEOUT = 26,
    OTTLA_ERR_REBALANCE_IN_PROGRESS = 27,
    OTTLA_ERR_INVALID_COMMIT_OFFSET_SIZE = 28,
    OTTLA_ERR_TOPIC_AUTHORIZATION_FAILED = 29,
    OTTLA_ERR_GROUP_AUTHORIZATION_FAILED = 30,
    OTTLA_ERR_CLUSTER_AUTHORIZATION_FAILED = 31,
    OTTLA_ERR_INVALID_TIMESTAMP = 32,
    OTTLA_ERR_UNSUPPORTED_SASL_MECHANISM = 33,
    OTTLA_ERR_ILLEGAL_SASL_STATE = 34,
    OTTLA_ERR_UNSUPPORTED_VERSION = 35,
    OTTLA_ERR_TOPIC_ALREADY_EXISTS = 36,
    OTTLA_ERR_INVALID_PARTITIONS = 37,
    OTTLA_ERR_INVALID_REPLICATION_FACTOR = 38,
    OTTLA_ERR_INVALID_REPLICA_ASSIGNMENT = 39,
    /**
     * Kafka's INVALID_CONFIG; OTTLA_ERR_INVALID_CONFIG is Ottla's own.
     */
    OTTLA_ERR_KAFKA_INVALID_CONFIG = 40,
    OTTLA_ERR_NOT_CONTROLLER = 41,
    OTTLA_ERR_INVALID_REQUEST = 42,
    OTTLA_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT = 43,
    OTTLA_ERR_POLICY_VIOLATION = 44,
    OTTLA_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER = 45,
    OTTLA_ERR_DUPLICATE_SEQUENCE_NUMBER = 46,
    OTTLA_ERR_INVALID_PRODUCER_EPOCH = 47,
    OTTLA_ERR_INVALID_TXN_STATE = 48,
    OTTLA_ERR_INVALID_PRODUCER_ID_MAPPING = 49,
    OTTLA_ERR_INVALID_TRANSACTION_TIMEOUT = 50,
    OTTLA_ERR_CONCURRENT_TRANSACTIONS = 51,
    OTTLA_ERR_TRANSACTION_COORDINATOR_FENCED = 52,
    OTTLA_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53,
    OTTLA_ERR_SECURITY_DISABLED = 54,
    OTTLA_ERR_OPERATION_NOT_ATTEMPTED = 55,
    OTTLA_ERR_KAFKA_STORAGE_ERROR = 56,
    OTTLA_ERR_LOG_DIR_NOT_FOUND = 57,
    OTTLA_ERR_SASL_AUTHENTICATION_FAILED = 58,
    OTTLA_ERR_UNKNOWN_PRODUCER_ID = 59,
    OTTLA_ERR_REASSIGNMENT_IN_PROGRESS = 60,
    OTTLA_ERR_LISTENER_NOT_FOUND = 72,
    OTTLA_ERR_TOPIC_DELETION_DISABLED = 73,
    OTTLA_ERR_FENCED_LEADER_EPOCH = 74,
    OTTLA_ERR_UNKNOWN_LEADER_EPOCH = 75,
    OTTLA_ERR_UNSUPPORTED_COMPRESSION_TYPE = 76,
    OTTLA_ERR_STALE_BROKER_EPOCH = 77,
    OTTLA_ERR_OFFSET_NOT_AVAILABLE = 78,
    OTTLA_ERR_MEMBER_ID_REQUIRED = 79,
    OTTLA_ERR_PREFERRED_LEADER_NOT_AVAILABLE = 80,
    OTTLA_ERR_GROUP_MAX_SIZE_REACHED = 81,
    OTTLA_ERR_FENCED_INSTANCE_ID = 82,
    OTTLA_ERR_ELIGIBLE_LEADERS_NOT_AVAILABLE = 83,
    OTTLA_ERR_ELECTION_NOT_NEEDED = 84,
    OTTLA_ERR_INVALID_RECORD = 87,
    OTTLA_ERR_UNSTABLE_OFFSET_COMMIT = 88,
    OTTLA_ERR_THROTTLING_QUOTA_EXCEEDED = 89,
    OTTLA_ERR_PRODUCER_FENCED = 90,
    OTTLA_ERR_UNKNOWN_TOPIC_ID = 100,
    OTTLA_ERR_INCONSISTENT_TOPIC_ID = 103,
    OTTLA_ERR_TRANSACTION_ABORTABLE = 120,
    OTTLA_ERR_REBOOTSTRAP_REQUIRED = 129,
} ottla_err;

/**
 * Details of a failure: a code to branch on, a class, and a message that says what was tried, on what, and what came
 * back.
 *
 * Functions that can fail have a last argument `error_out`, unless their code says everything. Pass NULL if only the
 * code matters. Otherwise it is set on failure (its old value is neither read nor freed) and left alone on success.
 * Release the error with ottla_error_free(). An error inside an ottla_delivery, ottla_batch or ottla_event belongs to
 * that structure and must not be freed.
 *
 * An error does not change: any thread, any number at once.
 */
typedef struct ottla_error ottla_error;

/**
 * Returns the name of a code: "OK"; "TIMED_OUT" (OTTLA_ERR_TIMED_OUT without its prefix); "NOT_LEADER_OR_FOLLOWER" (as
 * in Kafka); "BROKER_ERROR" for a positive code without a name; "UNKNOWN_CODE" for any other number. Static; never
 * NULL. Any thread.
 */
OTTLA_API const char *OTTLA_CALL ottla_code_name(ottla_code code);

/**
 * Returns 1 if the same call or record may succeed when it is tried again (Kafka's RetriableException), else 0. The
 * producer has already retried records as often as `retries` and `delivery.timeout.ms` allow. Any thread.
 */
OTTLA_API int32_t OTTLA_CALL ottla_code_is_retriable(ottla_code code);

/**
 * Returns 1 for OTTLA_ERR_INTERNAL and for the codes that usually end a producer with transactions
 * (OTTLA_ERR_PRODUCER_FENCED and similar), else 0. Only ottla_error_is_fatal() is exact: another code can be fatal in
 * some situation, and without transactions no code of a broker is. Any thread.
 */
OTTLA_API int32_t OTTLA_CALL ottla_code_is_fatal(ottla_code code);

/**
 * Returns the error's code; OTTLA_ERR_INVALID_ARGUMENT for NULL.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_error_code(const struct ottla_error *error);

/**
 * Returns the name of the error's code, as ottla_code_name() does. Static; never NULL.
 */
OTTLA_API const char *OTTLA_CALL ottla_error_name(const struct ottla_error *error);

/**
 * Returns the message: what was tried, on what, and what came back. UTF-8, one line, valid as long as the error; never
 * NULL.
 */
OTTLA_API const char *OTTLA_CALL ottla_error_message(const struct ottla_error *error);

/**
 * Returns 1 if the error is retriable, like ottla_code_is_retriable(); 0 for NULL.
 */
OTTLA_API int32_t OTTLA_CALL ottla_error_is_retriable(const struct ottla_error *error);

/**
 * Returns 1 if the producer cannot go on: only ottla_producer_close() and ottla_producer_free() can still succeed, and
 * the application has to create another producer. Otherwise, and for NULL, 0.
 */
OTTLA_API int32_t OTTLA_CALL ottla_error_is_fatal(const struct ottla_error *error);

/**
 * Returns 1 if the open transaction has to be aborted with ottla_producer_abort_transaction(); after that the producer
 * can be used again. Otherwise, and for NULL, 0. Errors of transaction calls have this class, and errors of sends that
 * are refused because the transaction failed.
 */
OTTLA_API int32_t OTTLA_CALL ottla_error_requires_abort(const struct ottla_error *error);

/**
 * Releases an error that was returned in an `error_out`. NULL is ignored. Any thread.
 */
OTTLA_API void OTTLA_CALL ottla_error_free(struct ottla_error *error);

/* ============================================================================================
 * 3. Configuration
 * ============================================================================================ */

/**
 * Releases a `userdata` of the application. Called exactly once, on any thread, after the last call that gets the
 * `userdata` has returned. It must not call functions of this library with the same handle.
 */
typedef void (OTTLA_CALL *ottla_free_fn)(void *userdata);

/**
 * The configuration of producers: properties as text under the names of Kafka's Java producer (ProducerConfig), and
 * the functions that a producer calls. ottla_property_at() lists the properties, and CONFIGURATION.md describes them.
 *
 * Life: ottla_config_new() or ottla_config_copy(); ottla_config_set() and the other setters; ottla_producer_new(), any
 * number of times, which copies it; ottla_config_free(), at any time. One thread at a time may change it. Functions
 * that take it as const may run concurrently with each other.
 */
typedef struct ottla_config ottla_config;

/**
 * Makes a configuration with the default of each property; bootstrap.servers has no default and must be set. Release
 * it with ottla_config_free(). NULL only if a defect of the library is caught. Any thread.
 */
OTTLA_API struct ottla_config *OTTLA_CALL ottla_config_new(void);

/**
 * Copies a configuration. Functions and their userdata are shared: free_userdata is called when the last configuration
 * and producer with that userdata is released. NULL for NULL. Release the copy with ottla_config_free().
 */
OTTLA_API struct ottla_config *OTTLA_CALL ottla_config_copy(const struct ottla_config *config);

/**
 * Releases a configuration. Producers made from it go on. NULL is ignored.
 */
OTTLA_API void OTTLA_CALL ottla_config_free(struct ottla_config *config);

/**
 * Sets a property by its name, or by librdkafka's name for it. Setting it again replaces the value.
 *
 * @param name       UTF-8, for example "linger.ms"; an unknown name is refused, with a suggestion in the message
 * @param value      UTF-8, for example "5"; checked at once
 * @param error_out  optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK, OTTLA_ERR_INVALID_CONFIG or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set(struct ottla_config *config, const char *name,
    const char *value, struct ottla_error **error_out);

/**
 * Reads the value of a property: the value that was set, or the default, in its normal spelling. With an alias as the
 * name the value is in the units of the alias. A property of type password reads back as "[hidden]".
 *
 * @param buffer      receives the value and a NUL if they fit; NULL is allowed if buffer_len is 0
 * @param buffer_len  the size of buffer in bytes
 * @param len_out     receives the bytes that the value and its NUL need, also if they do not fit
 * @param error_out   optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK, also if buffer_len is 0 to ask for the length only;
 *         OTTLA_ERR_INVALID_CONFIG: there is no such property, or it has no value;
 *         OTTLA_ERR_INVALID_ARGUMENT: also if the value does not fit; then len_out is set and nothing else is written
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_get(const struct ottla_config *config,
    const char *name, char *buffer, size_t buffer_len, size_t *len_out,
    struct ottla_error **error_out);

/**
 * Sets all properties of a Java `.properties` file (UTF-8, at most 1 MiB). As in Java, an unknown name is a warning in
 * the log, so call ottla_config_set_log() first. On failure the configuration stays as it was.
 *
 * @param path       UTF-8
 * @param error_out  optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK, OTTLA_ERR_INVALID_CONFIG, OTTLA_ERR_IO or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_load_file(struct ottla_config *config,
    const char *path, struct ottla_error **error_out);

/**
 * Sets all properties of a text in the form of a `.properties` file, like ottla_config_load_file().
 *
 * @param properties  UTF-8
 * @param error_out   optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK, OTTLA_ERR_INVALID_CONFIG or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_load_text(struct ottla_config *config,
    const char *properties, struct ottla_error **error_out);

/**
 * How much a property matters to most users.
 */
typedef enum ottla_importance {
    OTTLA_IMPORTANCE_HIGH = 1,
    OTTLA_IMPORTANCE_MEDIUM = 2,
    OTTLA_IMPORTANCE_LOW = 3,
} ottla_importance;

/**
 * Where a property can be set.
 */
typedef enum ottla_scope {
    OTTLA_SCOPE_PRODUCER = 1,
    /**
     * For the producer, and with another value for a topic.
     */
    OTTLA_SCOPE_TOPIC = 2,
} ottla_scope;

/**
 * Whether this release uses a property.
 */
typedef enum ottla_property_state {
    OTTLA_PROPERTY_IMPLEMENTED = 1,
    /**
     * Not in this release: any value except the default is refused.
     */
    OTTLA_PROPERTY_LATER = 2,
    /**
     * It has no meaning outside a JVM: any value except the default is refused.
     */
    OTTLA_PROPERTY_JVM_ONLY = 3,
} ottla_property_state;

/**
 * The description of a property. Static: valid as long as the process, on any thread. Strings are UTF-8 and end with a
 * NUL. Grows at its end only: check `struct_size` before you read a member that a later release added.
 */
typedef struct ottla_property {
    /**
     * The size of this structure in the library that is running.
     */
    size_t struct_size;
    /**
     * For example "linger.ms".
     */
    const char *name;
    /**
     * The type in Java's documentation: "boolean", "short", "int", "long", "double", "string", "list", "class" or
     * "password".
     */
    const char *type;
    /**
     * NULL: there is no default.
     */
    const char *default_value;
    /**
     * The values that are allowed, in words.
     */
    const char *valid_values;
    /**
     * What it does, in sentences, with units.
     */
    const char *documentation;
    /**
     * Its origin: the KIP that defined it and the Kafka class that holds it.
     */
    const char *source;
    /**
     * If it is not implemented: the reason, or what to use instead. Else NULL.
     */
    const char *remark;
    /**
     * One of ottla_importance.
     */
    int32_t importance;
    /**
     * One of ottla_scope.
     */
    int32_t scope;
    /**
     * One of ottla_property_state.
     */
    int32_t state;
    /**
     * 0.
     */
    int32_t reserved;
} ottla_property;

/**
 * Returns the number of properties. Any thread.
 */
OTTLA_API size_t OTTLA_CALL ottla_property_count(void);

/**
 * Returns a property, in the order of CONFIGURATION.md; NULL if `index` is not below ottla_property_count(). Static;
 * any thread.
 */
OTTLA_API const struct ottla_property *OTTLA_CALL ottla_property_at(size_t index);

/* ============================================================================================
 * 4. Log
 * ============================================================================================ */

/**
 * The level of a log line. The numbers are those of syslog and of librdkafka.
 */
typedef enum ottla_log_level {
    /**
     * A failure, for example of records whose deliveries go nowhere else. (Records that a purge or an abort gave up
     * are logged at level info.)
     */
    OTTLA_LOG_ERROR = 3,
    /**
     * Something that needs attention: an unknown property in a file, a missing topic, a broker that does not answer. A
     * call that has waited for ten seconds logs what it waits for, and repeats it from time to time.
     */
    OTTLA_LOG_WARNING = 4,
    /**
     * A decision of the library: a property was adjusted to fit another.
     */
    OTTLA_LOG_NOTICE = 5,
    /**
     * Normal events: connections, leaders, producer ids.
     */
    OTTLA_LOG_INFO = 6,
    /**
     * Details for finding a fault. The property `debug` chooses facilities; their lines are logged whatever the level
     * is. Each line begins with its facility in brackets, for example "[metadata] ".
     */
    OTTLA_LOG_DEBUG = 7,
} ottla_log_level;

/**
 * Receives one line of the log. `level` is one of ottla_log_level. `message` is UTF-8, ends with a NUL, and is valid
 * until the function returns. It contains no newline and no other control character: those in texts of brokers and of
 * the configuration are escaped (`\n`). Runs on any thread, also on several at once. It must not call functions that
 * take the producer, nor throw, longjmp or block.
 */
typedef void (OTTLA_CALL *ottla_log_fn)(int32_t level, const char *message, void *userdata);

/**
 * Sends log lines up to a level to a function. Without this, errors and warnings go to standard error.
 *
 * @param on_log         NULL: lines go to standard error
 * @param userdata       passed to each call
 * @param free_userdata  optional; see ottla_free_fn. On failure it is not called
 * @param level          one of ottla_log_level
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set_log(struct ottla_config *config,
    ottla_log_fn on_log, void *userdata, ottla_free_fn free_userdata, int32_t level);

/* ============================================================================================
 * 5. Producer
 * ============================================================================================ */

/**
 * A Kafka producer: a thread that sends records to the brokers of one cluster, and the memory in which records wait.
 * (Java: KafkaProducer.)
 *
 * Life: ottla_producer_new(); ottla_producer_topic() for each topic; ottla_producer_send() and the other functions
 * that send; ottla_producer_flush() to wait until all records are decided; ottla_producer_close() to end in order,
 * with a time limit; ottla_topic_free() and ottla_producer_free(). Every accepted record gets exactly one delivery,
 * whatever happens. For transactions see ottla_transaction_state.
 *
 * All functions except ottla_producer_free() take it as const: any thread, any number at once. One producer is enough
 * for a whole process. In a child after fork() calls return OTTLA_ERR_FORKED, except those that only read counts;
 * ottla_producer_free() releases nothing of the parent's there.
 */
typedef struct ottla_producer ottla_producer;

/**
 * Starts a producer and its sender thread, which begins to connect at once. The call does not wait for a broker.
 *
 * @param config        borrowed for the call and copied
 * @param producer_out  receives the producer; release with ottla_producer_free()
 * @param error_out     optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK;
 *         OTTLA_ERR_INVALID_CONFIG: properties contradict each other, bootstrap.servers is not set, or the configure
 *         function of a plug-in failed;
 *         OTTLA_ERR_IO: the system refused a thread, an event loop, or the handler that notices fork();
 *         OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_new(const struct ottla_config *config,
    struct ottla_producer **producer_out, struct ottla_error **error_out);

/**
 * Ends and releases a producer. Records that are not decided complete with OTTLA_ERR_CLOSED: callbacks run, but
 * reports that were not polled are lost. To end in order, call ottla_producer_flush() or ottla_producer_close() first.
 * Calls that wait on other threads return OTTLA_ERR_CLOSED. When this returns, the sender thread has ended and no
 * callback runs any more.
 *
 * @return OTTLA_ERR_OK;
 *         OTTLA_ERR_IN_CALLBACK: it was called in a callback of the producer, and nothing happened;
 *         OTTLA_ERR_CLOSED: the producer was freed before, as far as the library can notice;
 *         OTTLA_ERR_INVALID_ARGUMENT for NULL
 *
 * Waits for a callback that is running. Once this was called, no other call with the producer may begin.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_free(struct ottla_producer *producer);

/**
 * Chooses the facilities whose debug lines are logged from now on, like the property "debug" at the start.
 *
 * @param facilities  UTF-8, words separated by commas, for example "metadata,request"; "" for none, "all" for all
 * @param error_out   optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK; OTTLA_ERR_INVALID_ARGUMENT, also for an unknown word, and then nothing is changed;
 *         OTTLA_ERR_CLOSED (freed); OTTLA_ERR_FORKED
 *
 * Any thread, callbacks too.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_set_debug(const struct ottla_producer *producer,
    const char *facilities, struct ottla_error **error_out);

/**
 * Adds addresses of brokers to those of bootstrap.servers, which ottla_producer_new() needs all the same. The call does
 * not wait, and does not say whether a broker is there. (librdkafka: rd_kafka_brokers_add.)
 *
 * Until a broker has described the cluster, the producer tries the added addresses in turn with the others; an attempt
 * to connect that has begun is not cut short. From then on it uses the brokers that the cluster names. If none of these
 * can be reached, it begins from all addresses again, unless metadata.recovery.strategy is "none". A producer that is
 * connected is not disturbed.
 *
 * @param servers    UTF-8, in the form of bootstrap.servers: "host:port,host:port"; an address that is known counts once
 * @param error_out  optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK, also after ottla_producer_close(), when nothing happens;
 *         OTTLA_ERR_INVALID_ARGUMENT, also if there is no address, or an entry is not one: the message names the entry,
 *         and none is added;
 *         OTTLA_ERR_CLOSED (freed); OTTLA_ERR_FORKED
 *
 * Any thread, concurrently with any other call, callbacks too.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_add_brokers(const struct ottla_producer *producer,
    const char *servers, struct ottla_error **error_out);

/**
 * Returns the bytes of buffer.memory that are in use: by records that are not decided, by deliveries until their
 * report is freed or their callback has returned, and by lent values until they are returned. 0 for NULL and for a
 * producer that was freed. Any thread, callbacks too.
 */
OTTLA_API uint64_t OTTLA_CALL ottla_producer_buffered_bytes(const struct ottla_producer *producer);

/**
 * Returns the number of accepted records whose fate is not decided. While records flow the number is not exact: a
 * record that moves from one stage to the next can be missed or counted twice. (ottla_producer_flush() waits for all
 * records exactly.) The call looks at each partition that records were sent to. 0 for NULL, for a producer that was
 * freed, and in a child after fork(). Any thread, callbacks too.
 */
OTTLA_API uint64_t OTTLA_CALL ottla_producer_buffered_records(
    const struct ottla_producer *producer);

/* ============================================================================================
 * 6. Topics
 * ============================================================================================ */

/**
 * A topic of a producer. Making the handle looks the topic up by its name; sending with it does not. So make it once
 * and keep it.
 *
 * Life: ottla_producer_topic() or ottla_producer_topic_with(); sends; ottla_topic_free(), once, when no call uses it.
 * It can be freed before or after the producer. After ottla_producer_free() calls with it return OTTLA_ERR_CLOSED, and
 * the last handle releases the rest of the producer's memory. Any thread, any number at once.
 */
typedef struct ottla_topic ottla_topic;

/**
 * Makes a handle for a topic. The call asks no broker: the producer asks for the topic at its first record, and
 * reports problems with the topic in the deliveries of its records.
 *
 * @param name       1 to 249 of the characters a-z A-Z 0-9 . _ -
 * @param topic_out  receives the handle; release with ottla_topic_free()
 * @param error_out  optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK, OTTLA_ERR_INVALID_ARGUMENT, OTTLA_ERR_CLOSED or OTTLA_ERR_FORKED
 *
 * Any thread, concurrently with any other call, callbacks too.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_topic(const struct ottla_producer *producer,
    const char *name, struct ottla_topic **topic_out, struct ottla_error **error_out);

/**
 * Makes a handle for a topic with settings of its own: acks, linger.ms, delivery.timeout.ms, request.timeout.ms, the
 * compression.* properties, partitioner.class or partitioner.ignore.keys. The other settings are the producer's. A
 * Produce request has one acks and one timeout, so topics that differ in these take turns at a broker.
 *
 * A topic's settings are fixed when the topic is first named: by ottla.topic.<name>.<property> in the producer's
 * configuration, or by the first handle for it. Later handles need the same overrides, or are made with
 * ottla_producer_topic(), which takes the topic as it is.
 *
 * @param name       1 to 249 of the characters a-z A-Z 0-9 . _ -
 * @param overrides  the topic's own properties and no others; borrowed for the call. Its functions are ignored
 * @param topic_out  receives the handle; release with ottla_topic_free()
 * @param error_out  optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK;
 *         OTTLA_ERR_INVALID_CONFIG: a property cannot be set for a topic, or contradicts another;
 *         OTTLA_ERR_INVALID_STATE: the topic already has other settings;
 *         OTTLA_ERR_INVALID_ARGUMENT; OTTLA_ERR_CLOSED; OTTLA_ERR_FORKED
 *
 * Any thread, concurrently with any other call.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_topic_with(const struct ottla_producer *producer,
    const char *name, const struct ottla_config *overrides, struct ottla_topic **topic_out,
    struct ottla_error **error_out);

/**
 * Returns the topic's name, valid as long as the handle. NULL for NULL.
 */
OTTLA_API const char *OTTLA_CALL ottla_topic_name(const struct ottla_topic *topic);

/**
 * Releases a handle. Records sent with it go on. NULL is ignored. Any thread, callbacks too.
 */
OTTLA_API void OTTLA_CALL ottla_topic_free(struct ottla_topic *topic);

/* ============================================================================================
 * 7. Records and sending
 * ============================================================================================ */

/**
 * A header of a record. Its size never changes.
 */
typedef struct ottla_header {
    /**
     * name_len bytes without a NUL; Kafka expects UTF-8, which is not checked. Not NULL, but name_len may be 0.
     * Several headers may have the same name.
     */
    const char *name;
    size_t name_len;
    /**
     * NULL with value_len 0 is a null value; a pointer with value_len 0 is an empty one.
     */
    const void *value;
    size_t value_len;
    /**
     * NULL.
     */
    void *reserved;
} ottla_header;

/**
 * The record goes to its `partition`. A flag of ottla_record and of the flat form.
 */
#define OTTLA_RECORD_PARTITION 1

/**
 * The record has its `timestamp` instead of the time of the call. A flag of ottla_record and of the flat form.
 */
#define OTTLA_RECORD_TIMESTAMP 2

/**
 * A record to send. The call that sends it copies everything it points to, except a value that is lent (on_release in
 * ottla_send_options). Its size never changes; reserved members are room for later releases. Begin with
 *
 *     ottla_record record = {.struct_size = sizeof(ottla_record)};
 *
 * or with ottla_record_init(). Members that are zero are not set: the partitioner chooses the partition, and the
 * timestamp is the time of the call. To choose a partition or a timestamp yourself, set the member and its flag:
 *
 *     record.flags = OTTLA_RECORD_PARTITION;
 *     record.partition = 0;
 *
 * Without the flag any other value than 0 is an error. So is a flag that this release does not know. Null and empty
 * differ in Kafka: NULL with length 0 is null, any other pointer with length 0 is empty, NULL with another length is
 * an error.
 */
typedef struct ottla_record {
    /**
     * sizeof(ottla_record).
     */
    size_t struct_size;
    /**
     * The sum of OTTLA_RECORD_PARTITION and OTTLA_RECORD_TIMESTAMP, one of them, or 0.
     */
    uint32_t flags;
    /**
     * With OTTLA_RECORD_PARTITION the partition, at least 0. Otherwise 0, and the partitioner chooses.
     */
    int32_t partition;
    /**
     * With OTTLA_RECORD_TIMESTAMP milliseconds since 1970-01-01 UTC, at least 0. Otherwise 0, which means the time of
     * the call.
     */
    int64_t timestamp;
    /**
     * The key. Records with equal keys go to the same partition.
     */
    const void *key;
    size_t key_len;
    /**
     * The value. Null is a tombstone in a compacted topic.
     */
    const void *value;
    size_t value_len;
    /**
     * header_count headers, sent in this order; NULL if there are none.
     */
    const struct ottla_header *headers;
    size_t header_count;
    /**
     * The record's own limit instead of delivery.timeout.ms: its fate is decided at the latest this many milliseconds
     * after the send. 0: delivery.timeout.ms; a negative number is an error. A record that is not delivered in time
     * fails with OTTLA_ERR_DELIVERY_TIMED_OUT, and the message names the timeout; while the topic's partitions are not
     * known, it fails with the reason for that. It shares batches only with records of about the same deadline, so
     * send those together: a batch may take an eighth off a record's time. A record with less than twice linger.ms
     * does not linger.
     */
    int32_t timeout_ms;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * NULL.
     */
    void *reserved_pointer;
} ottla_record;

/**
 * Sets all members of a record to zero and struct_size to its size, like the initializer of ottla_record. NULL is
 * ignored.
 *
 * @param struct_size  sizeof(ottla_record)
 */
OTTLA_API void OTTLA_CALL ottla_record_init(struct ottla_record *record, size_t struct_size);

/**
 * Returns a value that was sent with `on_release` in ottla_send_options, that is, without being copied.
 *
 * The library reads the value where it is. When the call that sends the record returns OTTLA_ERR_OK, the value must
 * neither change nor move until this function is called; it may be freed here, or used again. If the call fails, the
 * value was not taken and this function is not called. Keys and headers are always copied.
 *
 * The library calls this function once for each accepted record, also for a null value, before or after the delivery:
 * as soon as the record's batch was compressed, or when its fate is decided. ottla_producer_flush() returns after
 * that, except for a record that expired while it was being compressed or sent. ottla_producer_close() and
 * ottla_producer_free() always return after that. Until then the value counts towards buffer.memory. The delivery has
 * the value's address and length.
 *
 * It pays for large values. A value below 1,024 bytes is copied all the same, and returned when the sender thread next
 * runs.
 *
 * @param value, value_len   the record's value
 * @param release_userdata   as given in ottla_send_options
 *
 * Runs on the producer's sender thread without a lock, and is a callback like ottla_delivery_fn: the same functions
 * may be called, and it must not throw, longjmp or block. After a defect in the library the last calls may come from
 * ottla_producer_free(). It never runs in a child after fork().
 */
typedef void (OTTLA_CALL *ottla_release_fn)(const void *value, size_t value_len, void *release_userdata);

/**
 * An accepted record whose delivery can be waited for.
 *
 * Life: `handle_out` in ottla_send_options; ottla_send_wait(), any number of times and on any number of threads at
 * once, or never; ottla_send_free(), once, when no call uses it. It may outlive the producer and the topic's handle.
 * Each handle costs about 200 bytes besides the record: if you need every record's fate, a callback or polling is
 * cheaper.
 */
typedef struct ottla_send ottla_send;

/**
 * Waits for the delivery of a record. The record lingers like others (unlike one sent with
 * ottla_producer_send_and_wait()), so an application can send many and then wait for them.
 *
 * @param handle        borrowed for the call
 * @param timeout_ms    longest wait in milliseconds; -1: no limit (but see delivery.timeout.ms), 0: does not wait
 * @param delivery_out  set its struct_size to sizeof(ottla_delivery) before. Filled as by
 *                      ottla_producer_send_and_wait(); the fate is OTTLA_FATE_UNKNOWN until it is decided. Its topic
 *                      is valid as long as the handle; its error is NULL, since error_out has it
 * @param error_out     optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK: the record was written (acks=0: handed to the socket);
 *         OTTLA_ERR_TIMED_OUT: its fate is not decided yet (a record that reached its own time limit has
 *         OTTLA_ERR_DELIVERY_TIMED_OUT);
 *         OTTLA_ERR_IN_CALLBACK: the call would wait in a callback of the producer;
 *         OTTLA_ERR_FORKED; OTTLA_ERR_INVALID_ARGUMENT; or the code with which the record failed
 *
 * Any thread, any number at once, also after ottla_producer_close() and ottla_producer_free(): these decide every
 * record and so end each wait.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_send_wait(const struct ottla_send *handle, int64_t timeout_ms,
    struct ottla_delivery *delivery_out, struct ottla_error **error_out);

/**
 * Releases a handle. The record is still sent; if its delivery was not waited for yet, nobody receives it. NULL is
 * ignored. Any thread, callbacks too, also after ottla_producer_free().
 */
OTTLA_API void OTTLA_CALL ottla_send_free(struct ottla_send *handle);

/**
 * Do not wait for room in buffer.memory: the call returns OTTLA_ERR_BUFFER_FULL at once. A flag of ottla_send_options.
 */
#define OTTLA_SEND_NO_WAIT 1

/**
 * Receives the delivery of one record. It is called once for each accepted record, in order within a partition; but a
 * record that failed may come before earlier ones that are being retried.
 *
 * @param delivery  it and what it points to, the record too, are valid until the function returns
 * @param userdata  on_delivery in ottla_send_options gets the userdata of the record; the function of
 *                  ottla_config_set_delivery() gets the userdata that was passed there. The record's own is always in
 *                  delivery->userdata
 *
 * Runs on the producer's sender thread without a lock. It may call the functions that send; with a full buffer they
 * return OTTLA_ERR_BUFFER_FULL here instead of waiting. Flush, close, free, polls that wait and
 * ottla_producer_send_and_wait() return OTTLA_ERR_IN_CALLBACK. It must not throw, longjmp or block: all records of the
 * producer wait for it. ottla_producer_free() completes the remaining records with OTTLA_ERR_CLOSED before it returns.
 */
typedef void (OTTLA_CALL *ottla_delivery_fn)(const struct ottla_delivery *delivery, void *userdata);

/**
 * Options of the functions that send; NULL in place of it means the defaults. Begin with
 *
 *     ottla_send_options options = {.struct_size = sizeof(ottla_send_options)};
 *
 * and set what you need; members can be combined unless their description says otherwise. The call does not keep the
 * structure: one can serve any number of calls on any number of threads (without handle_out). It grows at its end.
 *
 * In a call that sends many records the options apply to each of them.
 */
typedef struct ottla_send_options {
    /**
     * sizeof(ottla_send_options).
     */
    size_t struct_size;
    /**
     * OTTLA_SEND_NO_WAIT or 0. With 0 the call waits for room, at most max.block.ms; in a callback it never waits.
     */
    uint32_t flags;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Receives the delivery of the record instead of the function or queue that the configuration names. Its second
     * argument is the userdata that the record was sent with. NULL: the configuration decides.
     */
    ottla_delivery_fn on_delivery;
    /**
     * Lends the record's value to the library instead of having it copied; see ottla_release_fn. NULL: the value is
     * copied. ottla_producer_send_objects() refuses it together with a value_object: a serializer makes that value.
     */
    ottla_release_fn on_release;
    /**
     * The last argument of on_release. Without on_release: NULL.
     */
    void *release_userdata;
    /**
     * Receives a handle to wait for the record's delivery with ottla_send_wait(), now or later; release it with
     * ottla_send_free(). It is set only if the record was accepted. The delivery goes to the handle alone, so
     * on_delivery must be NULL. NULL: no handle. Only for calls that send one record.
     */
    struct ottla_send **handle_out;
} ottla_send_options;

/**
 * Sends a record. When this returns OTTLA_ERR_OK, the record was copied and accepted: it gets exactly one delivery,
 * which goes where ottla_config_set_delivery(), ottla_config_set_batch_delivery(), ottla_config_set_poll() or the
 * options say. Any other code: the record was not accepted, and no delivery follows. The call waits for nothing but
 * room in buffer.memory, at most max.block.ms, and never in a callback. (Java: KafkaProducer.send.)
 *
 * @param topic      of this producer
 * @param record     borrowed for the call
 * @param userdata   comes back in the delivery; may be NULL; not read
 * @param options    optional: not waiting, a delivery function for this record, a value that is not copied, a handle
 *                   to wait for
 * @param error_out  optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK;
 *         OTTLA_ERR_BUFFER_FULL: there was no room in time;
 *         OTTLA_ERR_OUT_OF_MEMORY: the system has no memory for the record (returned at once);
 *         OTTLA_ERR_RECORD_TOO_LARGE;
 *         OTTLA_ERR_UNKNOWN_PARTITION: the topic has no such partition (if its partitions are not known yet, the
 *         delivery says so instead);
 *         OTTLA_ERR_CLOSED; OTTLA_ERR_FORKED; OTTLA_ERR_INTERNAL; OTTLA_ERR_INVALID_ARGUMENT;
 *         with transactional.id also OTTLA_ERR_INVALID_STATE (no transaction is open), or the code with which the
 *         transaction failed (ottla_error_requires_abort(), ottla_error_is_fatal())
 *
 * Any thread, concurrently with any other call, callbacks too. Records that one thread sends to a partition keep their
 * order.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_send(const struct ottla_producer *producer,
    const struct ottla_topic *topic, const struct ottla_record *record, void *userdata,
    const struct ottla_send_options *options, struct ottla_error **error_out);

/**
 * Sends an array of records in turn, each as ottla_producer_send() does, until one is refused. Records without a
 * timestamp get the time of the call.
 *
 * @param topic         of this producer
 * @param records       count records, borrowed for the call; NULL is allowed if count is 0
 * @param userdatas     count pointers, one for each record's delivery; NULL: NULL for each
 * @param options       optional; without handle_out
 * @param accepted_out  receives how many records were accepted, also on failure: the first ones
 * @param error_out     optional; set only on failure, to the reason why records[*accepted_out] was refused; release
 *                      with ottla_error_free()
 * @return OTTLA_ERR_OK if all were accepted, else as ottla_producer_send()
 *
 * Any thread, concurrently with any other call, callbacks too.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_send_many(const struct ottla_producer *producer,
    const struct ottla_topic *topic, const struct ottla_record *records, size_t count,
    void *const *userdatas, const struct ottla_send_options *options, size_t *accepted_out,
    struct ottla_error **error_out);

/**
 * Sends one record and waits for its delivery. The record's batch does not linger. The delivery comes back here alone,
 * not to the function or queue that the configuration names.
 *
 * @param topic         of this producer
 * @param record        borrowed for the call
 * @param timeout_ms    longest wait in milliseconds, for room and for the delivery; -1: no limit (but see
 *                      delivery.timeout.ms)
 * @param delivery_out  set its struct_size to sizeof(ottla_delivery) before. Filled on failure too: the fate is then
 *                      OTTLA_FATE_NOT_WRITTEN if the record was not accepted, and OTTLA_FATE_UNKNOWN after
 *                      OTTLA_ERR_TIMED_OUT: the record is still sent, but nobody receives its delivery. Its topic is
 *                      valid as long as the topic's handle; its error is NULL, since error_out has it
 * @param error_out     optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK if the record was written (acks=0: handed to the socket); OTTLA_ERR_TIMED_OUT;
 *         OTTLA_ERR_IN_CALLBACK;
 *         the code with which the record failed; or as ottla_producer_send()
 *
 * Any thread, concurrently with any other call. Not from a callback.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_send_and_wait(const struct ottla_producer *producer,
    const struct ottla_topic *topic, const struct ottla_record *record, int64_t timeout_ms,
    struct ottla_delivery *delivery_out, struct ottla_error **error_out);

/**
 * The record has a key of key_len bytes, which may be 0. A flag of the flat form.
 */
#define OTTLA_FLAT_KEY 4

/**
 * The record, or the header, has a value of value_len bytes, which may be 0. A flag of the flat form.
 */
#define OTTLA_FLAT_VALUE 8

/**
 * Sends records in flat form, in turn, until one is refused: one buffer without pointers inside, for bindings that
 * would otherwise build an ottla_record for each record. The buffer holds `count` records without gaps. Numbers are in
 * the machine's byte order, and nothing is aligned:
 *
 *     offset  size
 *          0     8  tag          unsigned   the delivery's tag (its userdata, as a number)
 *          8     8  timestamp    signed     milliseconds since 1970-01-01 UTC, with OTTLA_RECORD_TIMESTAMP
 *         16     4  partition    signed     with OTTLA_RECORD_PARTITION
 *         20     4  flags        unsigned   the sum of these two, OTTLA_FLAT_KEY and OTTLA_FLAT_VALUE
 *         24     4  key_len      signed     with OTTLA_FLAT_KEY; without it the key is null
 *         28     4  value_len    signed     with OTTLA_FLAT_VALUE; without it the value is null
 *         32     4  header_count unsigned
 *         36     4  topic        unsigned   index in `topics`
 *         40     4  timeout_ms   signed     as in ottla_record; 0: delivery.timeout.ms
 *         44        the key's bytes, the value's bytes, then for each header:
 *                0     4  name_len    signed
 *                4     4  flags       unsigned   OTTLA_FLAT_VALUE or 0
 *                8     4  value_len   signed     with OTTLA_FLAT_VALUE; without it the value is null
 *               12        the name's bytes, the value's bytes
 *
 * Members that need a flag are 0 without it. So 44 zeros are a record with a null key and a null value for topics[0].
 *
 * The call reads the whole buffer before it sends anything: a buffer that does not hold exactly `count` records is
 * refused as a whole. If a later record is refused, for example since the buffer of the producer is full, send the
 * rest with `buffer + *consumed_out`, `buffer_len - *consumed_out` and `count - *accepted_out`.
 *
 * @param topics        topic_count topics of this producer, which the records name by index; borrowed for the call
 * @param topic_count   at least 1
 * @param buffer        buffer_len bytes, borrowed for the call and not changed; NULL is allowed if buffer_len is 0.
 *                      With on_release values are lent where they are in the buffer, so it must stay until all are
 *                      returned
 * @param count         how many records the buffer holds
 * @param options       optional; without handle_out
 * @param accepted_out  receives how many records were accepted, also on failure: the first ones
 * @param consumed_out  optional; receives how many bytes of the buffer the accepted records take
 * @param error_out     optional; set only on failure, to the reason why the first record that is not accepted was
 *                      refused;
 *                      release with ottla_error_free()
 * @return OTTLA_ERR_OK if all were accepted, else as ottla_producer_send()
 *
 * Any thread, concurrently with any other call, callbacks too.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_send_flat(const struct ottla_producer *producer,
    const struct ottla_topic *const *topics, size_t topic_count, const uint8_t *buffer,
    size_t buffer_len, size_t count, const struct ottla_send_options *options, size_t *accepted_out,
    size_t *consumed_out, struct ottla_error **error_out);

/**
 * Bytes as an object; see ottla_producer_send_objects().
 */
typedef struct ottla_bytes {
    /**
     * NULL with len 0 is null; any other pointer with len 0 is empty.
     */
    const void *data;
    size_t len;
} ottla_bytes;

/**
 * Sends a record whose key, value or both are made from objects: like ottla_producer_send(), after the serializers
 * ran. These are named by key.serializer and value.serializer, or are the application's own
 * (ottla_config_set_key_serializer(), ottla_config_set_value_serializer()). Kafka's serializers
 * (org.apache.kafka.common.serialization) read these objects:
 *
 *     bytes    const ottla_bytes *            string   const char *, UTF-8, ended by a NUL
 *     short    const int16_t *                integer  const int32_t *
 *     long     const int64_t *                float    const float *
 *     double   const double *                 uuid     const uint8_t[16]; sent as text of 36 characters
 *     boolean  const uint8_t *, 0 or not 0    void     only NULL
 *
 * Numbers are sent with the highest byte first, as in Java. The call reads the objects and does not keep them. The
 * serializers run on the calling thread, the key's first.
 *
 * @param topic         of this producer
 * @param record        borrowed for the call. Its key must be null if there is a key_object, and its value must be
 *                      null if there is a value_object
 * @param key_object    NULL: the record's key is sent, which may be null, and no serializer runs
 * @param value_object  NULL: likewise for the value
 * @param userdata      comes back in the delivery; may be NULL; not read
 * @param options       optional
 * @param error_out     optional; set only on failure, release with ottla_error_free()
 * @return as ottla_producer_send(); also OTTLA_ERR_SERIALIZATION. OTTLA_ERR_INVALID_ARGUMENT also for an object
 *         without a serializer. With a partitioner that has needs_objects the call waits for the topic's partitions,
 *         at most max.block.ms, and may return what ottla_topic_partitions() returns. If it may not wait
 *         (OTTLA_SEND_NO_WAIT, or in a callback) it returns OTTLA_ERR_METADATA_TIMED_OUT at once and asks for the
 *         partitions, so that sending again later succeeds
 *
 * Any thread, concurrently with any other call, callbacks too.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_send_objects(const struct ottla_producer *producer,
    const struct ottla_topic *topic, const struct ottla_record *record, const void *key_object,
    const void *value_object, void *userdata, const struct ottla_send_options *options,
    struct ottla_error **error_out);

/* ============================================================================================
 * 8. Deliveries and polling
 * ============================================================================================ */

/**
 * Whether a record is in the log, over all attempts to write it.
 */
typedef enum ottla_fate {
    /**
     * Perhaps in the log: an attempt reached a socket, and its outcome was never learned. With acks=0 every record
     * that was handed to its socket has this fate, without an error. A broker that refuses such a record (its topic
     * was deleted, or the partition has another leader) closes the connection without a response, and all records
     * written to the connection are lost. The log has a warning for each such connection.
     */
    OTTLA_FATE_UNKNOWN = 0,
    /**
     * In the log.
     */
    OTTLA_FATE_WRITTEN = 1,
    /**
     * Certainly not in the log.
     */
    OTTLA_FATE_NOT_WRITTEN = 2,
} ottla_fate;

/**
 * What became of one record. Grows at its end only: check `struct_size` before you read a member that a later release
 * added.
 */
typedef struct ottla_delivery {
    /**
     * In a callback: the size of this structure in the library. For a call that fills it: set it to
     * sizeof(ottla_delivery) before; afterwards it says how much was filled.
     */
    size_t struct_size;
    /**
     * OTTLA_ERR_OK, or why the record failed:
     * OTTLA_ERR_DELIVERY_TIMED_OUT: delivery.timeout.ms or its own timeout_ms passed, after any number of attempts;
     * OTTLA_ERR_METADATA_TIMED_OUT: no broker answered, so the topic's partitions did not become known;
     * OTTLA_ERR_UNKNOWN_PARTITION, OTTLA_ERR_PARTITIONER_FAILED, OTTLA_ERR_PURGED, OTTLA_ERR_CLOSED,
     * OTTLA_ERR_INTERNAL;
     * OTTLA_ERR_OUT_OF_MEMORY: there was no memory to move it out of its topic's queue or out of a refused batch;
     * or the broker's code, for example OTTLA_ERR_UNKNOWN_TOPIC_OR_PARTITION (the topic was missing as long as the
     * record could wait; with acks=0 also a topic that was deleted) or OTTLA_ERR_UNKNOWN_TOPIC_ID (the topic was
     * deleted and created again, and the record was meant for the old one).
     */
    ottla_code code;
    /**
     * One of ottla_fate. With acks=0 OTTLA_FATE_UNKNOWN, without an error.
     */
    int32_t fate;
    /**
     * The topic's name.
     */
    const char *topic;
    /**
     * The partition; -1 if the record failed before one was chosen.
     */
    int32_t partition;
    /**
     * The number of requests that carried the record.
     */
    uint32_t attempts;
    /**
     * The record's offset in its partition; -1 if unknown.
     */
    int64_t offset;
    /**
     * Milliseconds since 1970-01-01 UTC: the record's time, or the broker's if the topic has LogAppendTime.
     */
    int64_t timestamp;
    /**
     * The userdata that the record was sent with.
     */
    void *userdata;
    /**
     * The same as a number: the `tag` of a record in flat form.
     */
    uint64_t tag;
    /**
     * NULL on success; otherwise details of the failure. Valid as long as this structure.
     */
    const struct ottla_error *error;
    /**
     * Microseconds from the append of the batch's first record until the batch was decided.
     */
    int64_t latency_us;
    /**
     * 0.
     */
    uint64_t reserved[2];
    /**
     * The address of the record's value if it was lent (on_release in ottla_send_options), to identify it. The value
     * may have been returned before. NULL for a value that was copied.
     */
    const void *value;
    /**
     * Its length.
     */
    size_t value_len;
    /**
     * With retain.records, in an ottla_delivery_fn: the record as it was sent, with key, value, headers and timestamp. It
     * can be sent again as it is; its partition is not set. NULL otherwise, and if the system has no memory to show it.
     */
    const struct ottla_record *record;
} ottla_delivery;

/**
 * One record of an ottla_batch. Its size never changes.
 */
typedef struct ottla_delivery_entry {
    /**
     * The userdata that the record was sent with.
     */
    void *userdata;
    /**
     * The same as a number: the `tag` of a record in flat form.
     */
    uint64_t tag;
    /**
     * The record's offset; -1 if unknown.
     */
    int64_t offset;
    /**
     * Milliseconds since 1970-01-01 UTC: the record's time, or the broker's if the topic has LogAppendTime.
     */
    int64_t timestamp;
    /**
     * The record's value if it was lent, as in ottla_delivery; else NULL.
     */
    const void *value;
    /**
     * Its length.
     */
    size_t value_len;
} ottla_delivery_entry;

/**
 * What became of the records of one batch: all have the same partition, fate and code. Grows at its end only.
 */
typedef struct ottla_batch {
    /**
     * The size of this structure in the library that filled it.
     */
    size_t struct_size;
    /**
     * OTTLA_ERR_OK, or why the records failed.
     */
    ottla_code code;
    /**
     * One of ottla_fate.
     */
    int32_t fate;
    /**
     * The topic's name.
     */
    const char *topic;
    /**
     * The partition; -1 if the records failed before one was chosen.
     */
    int32_t partition;
    /**
     * The number of requests that carried the batch.
     */
    uint32_t attempts;
    /**
     * The offset of the batch's first record; -1 if unknown.
     */
    int64_t base_offset;
    /**
     * NULL on success; otherwise details of the failure. Valid as long as this structure.
     */
    const struct ottla_error *error;
    /**
     * Microseconds from the first append to the batch until it was decided.
     */
    int64_t latency_us;
    /**
     * The records, in the order in which they were accepted.
     */
    const struct ottla_delivery_entry *entries;
    /**
     * The number of entries.
     */
    size_t count;
    /**
     * 0.
     */
    uint64_t reserved[2];
    /**
     * With retain.records, `count` records as they were sent, in the order of the entries: key, value, headers and
     * timestamp. Each can be sent again as it is; its partition is not set. NULL otherwise, and if the system has no
     * memory to show them.
     */
    const struct ottla_record *records;
} ottla_batch;

/**
 * Receives the deliveries of one batch, in order within a partition. Records with a function of their own, or that a
 * call waits for, are not in the array; their deliveries come before, in their order. If there is no memory for the
 * entries of a whole batch, its records come in several calls, with those others in between. `userdata` is the one of
 * ottla_config_set_batch_delivery(). The rules of ottla_delivery_fn apply.
 */
typedef void (OTTLA_CALL *ottla_batch_fn)(const struct ottla_batch *batch, void *userdata);

/**
 * Sends the deliveries of records without a function of their own to `on_delivery`, one by one. It replaces an earlier
 * call of this, of ottla_config_set_batch_delivery() or of ottla_config_set_poll(). Without any of them failures are
 * counted and logged.
 *
 * @param on_delivery    NULL: failures are counted and logged
 * @param userdata       the second argument of each call; the record's own userdata is in the delivery
 * @param free_userdata  optional; see ottla_free_fn. On failure it is not called
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set_delivery(struct ottla_config *config,
    ottla_delivery_fn on_delivery, void *userdata, ottla_free_fn free_userdata);

/**
 * Sends the deliveries of records without a function of their own to `on_batch`: one call with an array for all
 * records of a partition that were decided together. Otherwise like ottla_config_set_delivery().
 *
 * @param on_batch       NULL: failures are counted and logged
 * @param userdata       the second argument of each call
 * @param free_userdata  optional; see ottla_free_fn. On failure it is not called
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set_batch_delivery(struct ottla_config *config,
    ottla_batch_fn on_batch, void *userdata, ottla_free_fn free_userdata);

/**
 * Called when a queue of reports or of events becomes non-empty (once, until ottla_producer_poll() or
 * ottla_producer_poll_event() has emptied it), and once when the producer has ended. It is for event loops that cannot
 * watch ottla_producer_poll_fd(): wake the loop here and poll there. Runs on the sender thread. It must not throw,
 * longjmp or block, nor call a poll that waits.
 */
typedef void (OTTLA_CALL *ottla_ready_fn)(void *userdata);

/**
 * Poll mode: queues reports for ottla_producer_poll() instead of calling a function. Reports hold some of
 * buffer.memory, at least 16 bytes a record, until they are polled and freed. If the application does not poll, they
 * fill the buffer in the end, and sends return OTTLA_ERR_BUFFER_FULL. Replaces an earlier call like
 * ottla_config_set_delivery().
 *
 * @param on_ready       optional; see ottla_ready_fn
 * @param userdata       passed to each call of on_ready
 * @param free_userdata  optional; see ottla_free_fn. On failure it is not called
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set_poll(struct ottla_config *config,
    ottla_ready_fn on_ready, void *userdata, ottla_free_fn free_userdata);

/**
 * Takes reports; only with ottla_config_set_poll(). One call takes as many as there are, up to max_reports.
 *
 * @param timeout_ms   longest wait for the first report in milliseconds; -1: no limit, 0: does not wait
 * @param reports_out  receives *count_out reports; release each with ottla_report_free()
 * @param max_reports  the pointers that reports_out has room for; at least 1
 * @param count_out    receives how many reports were taken; 0 if there was none in time, and on failure
 * @param error_out    optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK, also if there was no report in time;
 *         OTTLA_ERR_CLOSED (with an error object, like any failure): the producer was closed and every report was
 *         taken; a close wakes the threads that wait here;
 *         OTTLA_ERR_INVALID_STATE: the producer is not in poll mode;
 *         OTTLA_ERR_IN_CALLBACK: the call would wait in a callback;
 *         OTTLA_ERR_FORKED; OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, any number at once. Reports of one partition are handed out in order.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_poll(const struct ottla_producer *producer,
    int64_t timeout_ms, struct ottla_report **reports_out, size_t max_reports, size_t *count_out,
    struct ottla_error **error_out);

/**
 * Returns a file descriptor for poll() or epoll. It is readable while there are reports or events to take, and once
 * the producer has ended. It belongs to the library: do not read, write or close it, and do not use it after
 * ottla_producer_free(). -1 if neither reports nor events are polled, if the producer is NULL or was freed, and on
 * platforms without eventfd; use on_ready of ottla_config_set_poll() and ottla_config_set_event_poll() there. Any
 * thread.
 */
OTTLA_API int32_t OTTLA_CALL ottla_producer_poll_fd(const struct ottla_producer *producer);

/**
 * The deliveries of one batch, taken by ottla_producer_poll(): records of one partition that were decided together.
 *
 * Life: ottla_producer_poll(); ottla_report_batch(); ottla_report_free(), which may come after ottla_producer_free().
 * Until then the report holds some of buffer.memory, at least 16 bytes a record. It does not change: any thread, any
 * number at once.
 */
typedef struct ottla_report ottla_report;

/**
 * The outcomes of a report, as an ottla_batch_fn gets them: an array with one entry for each record, without those
 * that have a function of their own or that a call waits for. It is valid as long as the report. NULL for NULL. Any
 * thread.
 */
OTTLA_API const struct ottla_batch *OTTLA_CALL ottla_report_batch(
    const struct ottla_report *report);

/**
 * The member `records` of the report's ottla_batch: with retain.records an array of the records as they were sent, in
 * the order of the entries. It and all that it points to are valid as long as the report, and hold memory of
 * buffer.memory until then. NULL for NULL, and without retain.records. Any thread.
 */
OTTLA_API const struct ottla_record *OTTLA_CALL ottla_report_records(
    const struct ottla_report *report);

/**
 * Releases a report. NULL is ignored. Any thread, callbacks too, also after ottla_producer_free().
 */
OTTLA_API void OTTLA_CALL ottla_report_free(struct ottla_report *report);

/* ============================================================================================
 * 9. Flush, purge and close
 * ============================================================================================ */

/**
 * In poll mode, wait also until the application has polled and freed the reports. A flag of ottla_producer_flush().
 */
#define OTTLA_FLUSH_POLLED 1

/**
 * Waits until every record that was accepted before this call is decided, and its delivery has reached the
 * application. Records that linger are sent at once. (Java: KafkaProducer.flush.) What "reached" means depends on
 * where deliveries go:
 *
 *     a callback                      the callback has returned
 *     a call that waits for a record  the delivery is there, and the call is about to return
 *     poll mode                       the report is queued for ottla_producer_poll()
 *     poll mode, OTTLA_FLUSH_POLLED   the report was taken by ottla_producer_poll() and freed; by another thread, since a
 *                                     thread that polls would wait for itself
 *
 * A thread that polls by itself flushes without the flag and then polls with timeout_ms 0 until no report comes.
 * Reports hold some of buffer.memory until they are freed.
 *
 * @param timeout_ms  longest wait in milliseconds; -1: no limit, 0: does not wait
 * @param flags       0 or OTTLA_FLUSH_POLLED, which changes nothing outside poll mode
 * @param error_out   optional; set only on failure, release with ottla_error_free(). After OTTLA_ERR_TIMED_OUT the
 *                    message says what the records or reports wait for; to learn this from the sender thread can take
 *                    another quarter of a second
 * @return OTTLA_ERR_OK, OTTLA_ERR_TIMED_OUT, OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_CLOSED, OTTLA_ERR_FORKED or
 *         OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, concurrently with any other call. Not from a callback.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_flush(const struct ottla_producer *producer,
    int64_t timeout_ms, uint32_t flags, struct ottla_error **error_out);

/**
 * Ends a producer in order: it accepts nothing more, delivers what was accepted, and completes what is not decided in
 * time with OTTLA_ERR_CLOSED; the error of each such record says what the record waited for. The call returns when all
 * that is done. Only a callback that is running can make it take longer than timeout_ms. Reports can still be polled
 * afterwards, and the producer must still be freed. A second call while one waits shortens that wait to its own limit;
 * both return at the end. (Java: KafkaProducer.close.)
 *
 * @param timeout_ms  longest wait for records to be delivered, in milliseconds; -1: no limit, 0: gives up at once what
 *                    is not decided
 * @param error_out   optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK, also if it was closed before; OTTLA_ERR_IN_CALLBACK; OTTLA_ERR_FORKED;
 *         OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, concurrently with any other call. Not from a callback.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_close(const struct ottla_producer *producer,
    int64_t timeout_ms, struct ottla_error **error_out);

/**
 * The records that ottla_producer_purge() removes: one of these, or the sum of both.
 */
typedef enum ottla_purge {
    /**
     * Records that wait: for their batch to fill, for a broker, for their topic's metadata, or for a retry.
     */
    OTTLA_PURGE_QUEUED = 1,
    /**
     * Records in requests that have no response yet.
     */
    OTTLA_PURGE_IN_FLIGHT = 2,
} ottla_purge;

/**
 * Gives up accepted records: they complete with OTTLA_ERR_PURGED. The producer goes on. Records that are accepted
 * while this call runs may be purged too; later ones are not. (librdkafka: rd_kafka_purge.)
 *
 * A queued record has the fate OTTLA_FATE_NOT_WRITTEN, unless an earlier attempt left it unknown. A record in flight
 * has the fate OTTLA_FATE_UNKNOWN, since its broker may write it; but OTTLA_FATE_NOT_WRITTEN if no byte of its request
 * was written yet, and then the request is not sent. The memory of a record in flight is held until its request is
 * done.
 *
 * @param topic       only records of this topic; NULL: of all topics
 * @param flags       OTTLA_PURGE_QUEUED, OTTLA_PURGE_IN_FLIGHT, or the sum of both
 * @param timeout_ms  longest wait in milliseconds, until the callbacks of the purged records have returned or their
 *                    reports are queued; -1: no limit, 0: does not wait, and the purge happens soon
 * @param error_out   optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK;
 *         OTTLA_ERR_TIMED_OUT: the purge happens all the same;
 *         OTTLA_ERR_IN_CALLBACK: the call would wait in a callback;
 *         OTTLA_ERR_CLOSED (freed); OTTLA_ERR_FORKED; OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, concurrently with any other call; with timeout_ms 0 from callbacks too.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_purge(const struct ottla_producer *producer,
    const struct ottla_topic *topic, uint32_t flags, int64_t timeout_ms,
    struct ottla_error **error_out);

/* ============================================================================================
 * 10. Transactions
 * ============================================================================================ */

/**
 * The state of a producer with `transactional.id` (KIP-98). The numbers do not change. The calls of its life:
 *
 *     ottla_producer_init_transactions()           once, before all others
 *     ottla_producer_begin_transaction()           then for each transaction:
 *       ottla_producer_send() and other sends      any number, any thread, any topic
 *       ottla_producer_send_offsets_to_transaction()   if the records were made from consumed records
 *     ottla_producer_commit_transaction()          or ottla_producer_abort_transaction()
 *     ottla_producer_close()                       aborts a transaction that is still open
 *
 * A record that is sent while no transaction is open is refused with OTTLA_ERR_INVALID_STATE. Deliveries come as
 * always. A delivered record is in the log, but consumers with isolation.level=read_committed see it only after its
 * transaction was committed, and never if it was aborted.
 *
 * What to do after a transaction call or a send:
 *
 *     OTTLA_ERR_OK                     go on
 *     OTTLA_ERR_TIMED_OUT              of a transaction call: the operation continues; call again to wait for it
 *     ottla_error_is_fatal()           the producer cannot be used any more: close it and create another
 *     ottla_error_requires_abort()     call ottla_producer_abort_transaction(), then repeat the whole transaction
 *     any other code                   nothing has changed; the message says what to do instead
 *
 * The coordinator aborts a transaction that does not end within transaction.timeout.ms.
 */
typedef enum ottla_transaction_state {
    /**
     * The producer has no transactional.id.
     */
    OTTLA_TRANSACTION_NONE = 0,
    /**
     * ottla_producer_init_transactions() was not called, or has not succeeded yet.
     */
    OTTLA_TRANSACTION_UNINITIALIZED = 1,
    /**
     * The producer asks its coordinator for id and epoch; a transaction that an earlier producer left open is aborted.
     */
    OTTLA_TRANSACTION_INITIALIZING = 2,
    /**
     * No transaction is open: call ottla_producer_begin_transaction().
     */
    OTTLA_TRANSACTION_READY = 3,
    /**
     * Records and offsets can be sent.
     */
    OTTLA_TRANSACTION_OPEN = 4,
    /**
     * A commit is in progress.
     */
    OTTLA_TRANSACTION_COMMITTING = 5,
    /**
     * An abort is in progress.
     */
    OTTLA_TRANSACTION_ABORTING = 6,
    /**
     * The transaction failed: call ottla_producer_abort_transaction(), then begin again.
     */
    OTTLA_TRANSACTION_ABORT_REQUIRED = 7,
    /**
     * The producer cannot go on, for example because a newer one with its transactional.id was started: close it.
     */
    OTTLA_TRANSACTION_FATAL = 8,
} ottla_transaction_state;

/**
 * The member leader_epoch is set. A flag of ottla_offset.
 */
#define OTTLA_OFFSET_LEADER_EPOCH 1

/**
 * The position of a consumer in one partition. Its size never changes. Begin with
 *
 *     ottla_offset offset = {.topic = "in", .partition = 3, .offset = 42};
 *
 * so that all other members are zero.
 */
typedef struct ottla_offset {
    /**
     * The topic that was consumed; UTF-8, not NULL.
     */
    const char *topic;
    int32_t partition;
    /**
     * OTTLA_OFFSET_LEADER_EPOCH or 0.
     */
    uint32_t flags;
    /**
     * The offset of the next record to consume: one more than that of the last record consumed.
     */
    int64_t offset;
    /**
     * With OTTLA_OFFSET_LEADER_EPOCH the leader epoch of the last record consumed, from the consumer. Otherwise 0,
     * which means unknown. If the consumer reports -1, it is unknown.
     */
    int32_t leader_epoch;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Any text, stored with the offset; NULL: none.
     */
    const char *metadata;
    /**
     * NULL.
     */
    void *reserved_pointer;
} ottla_offset;

/**
 * The member generation_id is set: the consumer is a member of its group. A flag of ottla_group_metadata.
 */
#define OTTLA_GROUP_GENERATION 1

/**
 * The consumer whose offsets are sent, as a member of its group; get the values from the consumer for each call.
 * (Java: ConsumerGroupMetadata, KIP-447.) With them the brokers refuse offsets of a consumer whose partitions were
 * given to another one meanwhile. A consumer that chose its partitions itself is not a member and has only a group_id.
 * Begin with
 *
 *     ottla_group_metadata group = {.struct_size = sizeof(ottla_group_metadata), .group_id = "group"};
 */
typedef struct ottla_group_metadata {
    /**
     * sizeof(ottla_group_metadata).
     */
    size_t struct_size;
    /**
     * OTTLA_GROUP_GENERATION or 0.
     */
    uint32_t flags;
    /**
     * With OTTLA_GROUP_GENERATION the generation, at least 0, in which member_id is a member. Otherwise 0: not a
     * member. If the consumer reports -1, it is not a member.
     */
    int32_t generation_id;
    /**
     * The property group.id; UTF-8, not NULL.
     */
    const char *group_id;
    /**
     * NULL: not a member.
     */
    const char *member_id;
    /**
     * The property group.instance.id of a static member; NULL: none.
     */
    const char *group_instance_id;
} ottla_group_metadata;

/**
 * Gets the producer's id and epoch from the coordinator of its transactional.id. Call it once, before the first
 * transaction. When it returns OTTLA_ERR_OK, what an earlier producer with this transactional.id committed is visible,
 * what it left open is aborted, and if it still runs it is fenced and fails.
 *
 * @param timeout_ms  longest wait in milliseconds; -1: no limit, even if no broker ever answers (the log says at level
 *                    warning what the call waits for); 0: starts the operation and returns OTTLA_ERR_TIMED_OUT
 * @param error_out   optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK: a transaction can begin;
 *         OTTLA_ERR_TIMED_OUT: the operation continues, call again to wait for it; the message says what it waits for
 *         and what the broker answered last;
 *         OTTLA_ERR_INVALID_STATE: there is no transactional.id, this was done before, or another transaction call is
 *         running;
 *         OTTLA_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, OTTLA_ERR_CLUSTER_AUTHORIZATION_FAILED,
 *         OTTLA_ERR_INVALID_TRANSACTION_TIMEOUT (transaction.timeout.ms is more than the broker's
 *         transaction.max.timeout.ms): call again when the brokers are configured accordingly;
 *         OTTLA_ERR_TRANSACTION_ABORTABLE: call again;
 *         another code of Kafka: the producer cannot go on (ottla_error_is_fatal()), close it;
 *         OTTLA_ERR_IN_CALLBACK; OTTLA_ERR_CLOSED; OTTLA_ERR_FORKED; OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, but only one transaction call at a time: a second one is refused. Not from a callback.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_init_transactions(
    const struct ottla_producer *producer, int64_t timeout_ms, struct ottla_error **error_out);

/**
 * Begins a transaction: from now on any thread can send records. The call asks no broker. It waits for the sender
 * thread, so until a callback that is running returns.
 *
 * @param error_out  optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK;
 *         OTTLA_ERR_INVALID_STATE: no transaction can begin now, and the message says what to do first;
 *         a code of Kafka with ottla_error_is_fatal(): the producer cannot go on, close it;
 *         OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_CLOSED, OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, but only one transaction call at a time. Not from a callback.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_begin_transaction(
    const struct ottla_producer *producer, struct ottla_error **error_out);

/**
 * Sends the offsets of a consumer group with the open transaction: they are committed with the transaction. So the
 * records that an application makes from consumed records and the consumer's positions take effect together. The
 * consumer must not commit offsets itself (enable.auto.commit=false) and should read with
 * isolation.level=read_committed. After an abort it goes back to the offsets that its group has. The call can be
 * repeated in a transaction; the last offset of a partition counts. (Java:
 * KafkaProducer.sendOffsetsToTransaction.)
 *
 * @param offsets     count offsets, borrowed for the call; NULL is allowed if count is 0, and then nothing is sent
 * @param group       borrowed for the call
 * @param timeout_ms  longest wait in milliseconds; -1: no limit; 0: starts the operation and returns
 *                    OTTLA_ERR_TIMED_OUT
 * @param error_out   optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK: the group's coordinator has the offsets;
 *         OTTLA_ERR_TIMED_OUT: the operation continues: call again to wait for it (the offsets of the first call
 *         count), or abort;
 *         OTTLA_ERR_INVALID_STATE: no transaction is open, or another transaction call is running;
 *         a code of Kafka with ottla_error_requires_abort(): abort the transaction. With OTTLA_ERR_ILLEGAL_GENERATION,
 *         OTTLA_ERR_UNKNOWN_MEMBER_ID or OTTLA_ERR_FENCED_INSTANCE_ID the consumer is no longer in its group, and
 *         another one gets its partitions;
 *         a code of Kafka with ottla_error_is_fatal(): the producer cannot go on, close it;
 *         OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_CLOSED, OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, but only one transaction call at a time. Not from a callback.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_send_offsets_to_transaction(
    const struct ottla_producer *producer, const struct ottla_offset *offsets, size_t count,
    const struct ottla_group_metadata *group, int64_t timeout_ms, struct ottla_error **error_out);

/**
 * Commits the open transaction: its records and offsets take effect together. A record that is sent while this begins
 * is in the transaction or refused; later ones are refused. Records that linger are sent at once, and the call waits
 * for all records. When it returns OTTLA_ERR_OK, the callback of each record has returned, or its report is queued.
 *
 * @param timeout_ms  longest wait in milliseconds; -1: no limit; 0: starts the operation and returns
 *                    OTTLA_ERR_TIMED_OUT. The limit of the records remains delivery.timeout.ms
 * @param error_out   optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK: committed;
 *         OTTLA_ERR_TIMED_OUT: the operation continues and may still commit: call again to wait for it. It cannot be
 *         aborted now;
 *         OTTLA_ERR_INVALID_STATE: no transaction is open, or another transaction call is running;
 *         a code with ottla_error_requires_abort(), for example that of the first record that failed: consumers with
 *         isolation.level=read_committed see nothing of the transaction; abort it and repeat it;
 *         a code of Kafka with ottla_error_is_fatal(): the producer cannot go on, close it. If this happened while the
 *         call waited, the transaction may have been committed or not;
 *         OTTLA_ERR_CLOSED: the producer was closed meanwhile; the transaction may have been committed or not;
 *         OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, but only one transaction call at a time. Not from a callback.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_commit_transaction(
    const struct ottla_producer *producer, int64_t timeout_ms, struct ottla_error **error_out);

/**
 * Aborts the open transaction, or one that failed: nothing of it takes effect. Records that were not sent yet complete
 * with OTTLA_ERR_TRANSACTION_ABORTED; the call waits for those in flight, at most their delivery.timeout.ms. When it
 * returns OTTLA_ERR_OK, the callback of each record has returned, or its report is queued.
 *
 * @param timeout_ms  longest wait in milliseconds; -1: no limit; 0: starts the operation and returns
 *                    OTTLA_ERR_TIMED_OUT
 * @param error_out   optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK: another transaction can begin;
 *         OTTLA_ERR_TIMED_OUT: the operation continues, call again to wait for it;
 *         OTTLA_ERR_INVALID_STATE: no transaction is open, a commit timed out and continues, or another transaction
 *         call is running;
 *         a code of Kafka with ottla_error_is_fatal(): the producer cannot go on, close it. The transaction is not
 *         committed: its coordinator aborts it after transaction.timeout.ms at the latest;
 *         OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_CLOSED, OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, but only one transaction call at a time. Not from a callback.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_abort_transaction(
    const struct ottla_producer *producer, int64_t timeout_ms, struct ottla_error **error_out);

/**
 * Returns one of ottla_transaction_state: the state that the sender thread knew last. It never waits.
 * OTTLA_TRANSACTION_NONE for NULL and for a producer that was freed. Any thread, callbacks too.
 */
OTTLA_API int32_t OTTLA_CALL ottla_producer_transaction_state(
    const struct ottla_producer *producer);

/* ============================================================================================
 * 11. Metadata
 * ============================================================================================ */

/**
 * Checks the connection to the cluster, for example at start-up: it sends a request and waits until a broker has
 * answered it. Records can be sent before it, without it, and after it failed; the producer keeps trying to connect in
 * any case.
 *
 * @param timeout_ms  longest wait in milliseconds; -1: no limit
 * @param error_out   optional; set only on failure, release with ottla_error_free(). The message names the host and
 *                    port, and the problem: the name is not resolved, the connection is refused or not answered, or it
 *                    is no listener of a Kafka broker for this security.protocol (but another program, or a listener
 *                    for TLS, or one that requires SASL), or its certificate is refused
 * @return OTTLA_ERR_OK;
 *         after timeout_ms the code of the last problem: OTTLA_ERR_RESOLVE, OTTLA_ERR_IO, OTTLA_ERR_BAD_RESPONSE or
 *         OTTLA_ERR_UNSUPPORTED_BROKER; OTTLA_ERR_TIMED_OUT if there was none;
 *         OTTLA_ERR_IN_CALLBACK; OTTLA_ERR_CLOSED; OTTLA_ERR_FORKED; OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, concurrently with any other call. Not from a callback.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_check(const struct ottla_producer *producer,
    int64_t timeout_ms, struct ottla_error **error_out);

/**
 * Checks a topic: it asks a broker, and waits until the topic exists, each of its partitions has a leader, and there
 * is a connection to each of these leaders. It makes the connections that are missing. A permanent problem (no
 * permission for the topic, an invalid name) ends the wait at once. A missing topic may still be created and a leader
 * may still come up, so the call waits for them. The request can create the topic (see allow.auto.create.topics).
 *
 * @param timeout_ms  longest wait in milliseconds; -1: no limit
 * @param error_out   optional; set only on failure, release with ottla_error_free(). If a leader cannot be reached,
 *                    the message names the partition, the leader's address and the result of the last attempt
 * @return OTTLA_ERR_OK; the broker's code, for example OTTLA_ERR_UNKNOWN_TOPIC_OR_PARTITION or
 *         OTTLA_ERR_LEADER_NOT_AVAILABLE; or as ottla_producer_check(), also for a leader that cannot be reached
 *
 * Any thread, concurrently with any other call. Not from a callback.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_topic_check(const struct ottla_topic *topic,
    int64_t timeout_ms, struct ottla_error **error_out);

/**
 * The partitions of a topic, as a broker described them.
 *
 * Life: ottla_topic_partitions(); ottla_partitions_count() and ottla_partitions_at(); ottla_partitions_free(), before
 * or after the topic and the producer are freed. It does not change: any thread, any number at once.
 */
typedef struct ottla_partitions ottla_partitions;

/**
 * A partition. Grows at its end only: check `struct_size` before you read a member that a later release added.
 */
typedef struct ottla_partition {
    /**
     * Set it to sizeof(ottla_partition) before the call. Afterwards: how much was filled.
     */
    size_t struct_size;
    int32_t partition;
    /**
     * The id of the broker that leads it; -1 if there is no leader.
     */
    int32_t leader_id;
    /**
     * The leader epoch; -1 if the broker does not report it.
     */
    int32_t leader_epoch;
    /**
     * The leader's port; -1 if there is no leader, or if it is not among the known brokers.
     */
    int32_t leader_port;
    /**
     * The leader's host; NULL if leader_port is -1. Valid as long as the ottla_partitions, like the arrays.
     */
    const char *leader_host;
    /**
     * The ids of the replica_count brokers that have the partition.
     */
    const int32_t *replicas;
    size_t replica_count;
    /**
     * The ids of the in_sync_count replicas that are in sync.
     */
    const int32_t *in_sync;
    size_t in_sync_count;
    /**
     * The ids of the offline_count replicas that are offline.
     */
    const int32_t *offline;
    size_t offline_count;
} ottla_partition;

/**
 * Asks a broker for the topic's partitions. (Java: KafkaProducer.partitionsFor.) It can also be used to wait until the
 * topic is known before the first record is sent. Each call sends a request; sending records does not need this call.
 *
 * @param timeout_ms      longest wait in milliseconds; -1: no limit
 * @param partitions_out  receives the partitions; release with ottla_partitions_free()
 * @param error_out       optional; set only on failure, release with ottla_error_free()
 * @return as ottla_topic_check(), except that a leader that is missing or cannot be reached is no error
 *
 * Any thread, concurrently with any other call. Not from a callback.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_topic_partitions(const struct ottla_topic *topic,
    int64_t timeout_ms, struct ottla_partitions **partitions_out, struct ottla_error **error_out);

/**
 * Returns the number of partitions; 0 for NULL.
 */
OTTLA_API size_t OTTLA_CALL ottla_partitions_count(const struct ottla_partitions *partitions);

/**
 * Reads one of the partitions, in the order of their numbers.
 *
 * @param index          below ottla_partitions_count()
 * @param partition_out  set its struct_size to sizeof(ottla_partition) before; filled, and valid as long as the
 *                       ottla_partitions
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_partitions_at(const struct ottla_partitions *partitions,
    size_t index, struct ottla_partition *partition_out);

/**
 * Releases the partitions. NULL is ignored. Any thread, callbacks too.
 */
OTTLA_API void OTTLA_CALL ottla_partitions_free(struct ottla_partitions *partitions);

/* ============================================================================================
 * 12. Events
 * ============================================================================================ */

/**
 * The kind of an event. New releases may add kinds: ignore those that you do not know.
 */
typedef enum ottla_event_kind {
    /**
     * A connection to a broker can be used: the first one, or the first since the broker was down. A connection that
     * was closed because it was idle comes back without an event.
     */
    OTTLA_EVENT_BROKER_UP = 1,
    /**
     * A broker cannot be used: its connection was lost, or could not be made; `error` says why. Reported once, until
     * the broker is up again. Its records wait, or are sent to another broker once that leads their partition. An idle
     * connection that is closed (by the broker, a load balancer or this library) is no such event, unless the next
     * attempt to connect fails.
     */
    OTTLA_EVENT_BROKER_DOWN = 2,
    /**
     * None of the known brokers can be reached. Reported once, until one is up again.
     */
    OTTLA_EVENT_ALL_BROKERS_DOWN = 3,
    /**
     * A broker asked to hold requests back for `throttle_ms` milliseconds (a quota).
     */
    OTTLA_EVENT_THROTTLED = 4,
    /**
     * Nothing can be sent; `error` says why. After OTTLA_ERR_INTERNAL create another producer. After a refusal by the
     * broker (CLUSTER_AUTHORIZATION_FAILED) the next record tries again.
     */
    OTTLA_EVENT_FATAL = 5,
    /**
     * A send with OTTLA_SEND_NO_WAIT was refused with OTTLA_ERR_BUFFER_FULL, and now there is room for it and for an
     * eighth of buffer.memory. Reported once for all refusals so far. An event loop can stop sending at the refusal
     * and go on at this event.
     */
    OTTLA_EVENT_BUFFER_ROOM = 6,
    /**
     * The producer starts from bootstrap.servers again because no other broker can be reached
     * (metadata.recovery.strategy; KIP-899). Reported once, until a broker of the cluster is up again.
     */
    OTTLA_EVENT_REBOOTSTRAP = 7,
    /**
     * A topic has been missing for half a second: brokers answer UNKNOWN_TOPIC_OR_PARTITION or another temporary error
     * for it, or leave it out of their responses; `error` says which. Reported once, until a broker describes the
     * topic. The topic's records wait, at most max.block.ms or delivery.timeout.ms.
     */
    OTTLA_EVENT_TOPIC_MISSING = 8,
} ottla_event_kind;

/**
 * Something that happened to the producer as a whole. Grows at its end only: check `struct_size` before you read a
 * member that a later release added.
 *
 * Life: in an ottla_event_fn it and what it points to are valid until the function returns. From
 * ottla_producer_poll_event() it is valid until ottla_event_free(). It does not change: any thread, any number at
 * once.
 */
typedef struct ottla_event {
    /**
     * The size of this structure in the library that filled it.
     */
    size_t struct_size;
    /**
     * One of ottla_event_kind.
     */
    int32_t kind;
    /**
     * The error's code; OTTLA_ERR_OK if there is no error.
     */
    ottla_code code;
    /**
     * The id of the broker; -1 if the event is not about a broker, or about an address of bootstrap.servers.
     */
    int32_t broker_id;
    /**
     * The broker's port; 0 if there is no broker.
     */
    int32_t port;
    /**
     * The broker's host; NULL if there is no broker.
     */
    const char *host;
    /**
     * Milliseconds for OTTLA_EVENT_THROTTLED, otherwise 0.
     */
    int64_t throttle_ms;
    /**
     * NULL if there is none. It must not be freed.
     */
    const struct ottla_error *error;
    /**
     * What happened, in one sentence.
     */
    const char *message;
    /**
     * The number of events that were lost just before this one because the queue was full. 0 in a callback.
     */
    uint64_t dropped;
    /**
     * The topic's name; NULL if the event is not about a topic.
     */
    const char *topic;
} ottla_event;

/**
 * Receives one event. `event` and what it points to are valid until the function returns. Runs on the sender thread
 * without a lock. It may send; with a full buffer sends return OTTLA_ERR_BUFFER_FULL here instead of waiting. Flush,
 * close, free and calls that wait return OTTLA_ERR_IN_CALLBACK. It must not throw, longjmp or block.
 */
typedef void (OTTLA_CALL *ottla_event_fn)(const struct ottla_event *event, void *userdata);

/**
 * Sends events to a function. It replaces an earlier call of this or of ottla_config_set_event_poll(). Without either,
 * events are only in the log.
 *
 * @param on_event       NULL: events are only in the log
 * @param userdata       passed to each call
 * @param free_userdata  optional; see ottla_free_fn. On failure it is not called
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set_events(struct ottla_config *config,
    ottla_event_fn on_event, void *userdata, ottla_free_fn free_userdata);

/**
 * Queues events for ottla_producer_poll_event() instead of calling a function.
 *
 * @param max_events     the size of the queue, at least 1. When it is full the oldest event is dropped, and the next
 *                       event that is taken says how many were dropped
 * @param on_ready       optional; see ottla_ready_fn
 * @param userdata       passed to each call of on_ready
 * @param free_userdata  optional; see ottla_free_fn. On failure it is not called
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set_event_poll(struct ottla_config *config,
    size_t max_events, ottla_ready_fn on_ready, void *userdata, ottla_free_fn free_userdata);

/**
 * Takes the next event; only with ottla_config_set_event_poll().
 *
 * @param timeout_ms  longest wait in milliseconds; -1: no limit, 0: does not wait
 * @param event_out   receives the event, or NULL if there was none in time; release with ottla_event_free()
 * @param error_out   optional; set only on failure, release with ottla_error_free()
 * @return as ottla_producer_poll(); OTTLA_ERR_INVALID_STATE if events are not polled
 *
 * Any thread, any number at once.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_poll_event(const struct ottla_producer *producer,
    int64_t timeout_ms, struct ottla_event **event_out, struct ottla_error **error_out);

/**
 * Releases an event that was polled. NULL is ignored. Any thread, also after ottla_producer_free().
 */
OTTLA_API void OTTLA_CALL ottla_event_free(struct ottla_event *event);

/* ============================================================================================
 * 13. Statistics
 * ============================================================================================ */

/**
 * Counts since the producer was created. Each is exact; together they are not of one instant. Grows at its end only.
 */
typedef struct ottla_counters {
    /**
     * Set it to sizeof(ottla_counters) before the call. Afterwards it says how much was filled: less if the library is
     * older. Members beyond that are left alone.
     */
    size_t struct_size;
    /**
     * Records that were reported as written (acks=0: as handed to the socket).
     */
    uint64_t records_delivered;
    /**
     * Records that were reported with an error.
     */
    uint64_t records_failed;
    /**
     * Failed records whose fate is unknown.
     */
    uint64_t records_unknown;
    /**
     * Batches that were sent at least once.
     */
    uint64_t batches_sent;
    /**
     * How often a batch was sent again.
     */
    uint64_t batches_retried;
    /**
     * Batches that were split after MESSAGE_TOO_LARGE.
     */
    uint64_t batches_split;
    /**
     * Batches that failed because delivery.timeout.ms passed.
     */
    uint64_t batches_expired;
    /**
     * How often a partition's sequence began again with a higher epoch.
     */
    uint64_t epochs_bumped;
    /**
     * Produce requests handed to a connection.
     */
    uint64_t produce_requests;
    /**
     * All requests handed to a connection.
     */
    uint64_t requests;
    /**
     * Responses received.
     */
    uint64_t responses;
    /**
     * Requests without a response within request.timeout.ms.
     */
    uint64_t requests_timed_out;
    /**
     * Bytes handed to connections.
     */
    uint64_t bytes_sent;
    /**
     * Encoded bytes of the records sent, before compression.
     */
    uint64_t record_bytes;
    /**
     * Bytes of the same records after compression.
     */
    uint64_t payload_bytes;
    /**
     * Bytes received.
     */
    uint64_t bytes_received;
    /**
     * Connections that were established.
     */
    uint64_t connections_opened;
    /**
     * Connections that failed to be established.
     */
    uint64_t connections_failed;
    /**
     * Established connections that ended.
     */
    uint64_t connections_closed;
    /**
     * Metadata responses that were applied.
     */
    uint64_t metadata_updates;
    /**
     * Milliseconds of pauses that brokers asked for (throttling).
     */
    uint64_t throttle_ms;
    /**
     * Reports that were polled and not yet freed.
     */
    uint64_t reports_held;
} ottla_counters;

/**
 * Reads the counters, which count since the producer was created.
 *
 * @param counters_out  set its struct_size to sizeof(ottla_counters) before
 * @param error_out     optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK, OTTLA_ERR_CLOSED (freed) or OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, callbacks too, also after ottla_producer_close() and in a child after fork().
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_counters(const struct ottla_producer *producer,
    struct ottla_counters *counters_out, struct ottla_error **error_out);

/**
 * A snapshot of a producer's statistics, or the difference of two. METRICS.md describes each figure, with its names in
 * the Java producer and librdkafka.
 *
 * Life: ottla_producer_statistics(), or ottla_statistics_since() of two; then read it as structures
 * (ottla_statistics_producer(), _broker(), _topic(), _error()), as JSON, or as text for Prometheus;
 * ottla_statistics_free(). It does not change and may outlive its producer. Strings and pointers from it are valid as
 * long as it is. Any thread, any number at once.
 */
typedef struct ottla_statistics ottla_statistics;

/**
 * The distribution of values. Percentiles are within 2 % of the exact ones. All members are 0 if `count` is 0. In the
 * difference of two snapshots min and max are within 4 %. Its size never changes.
 */
typedef struct ottla_histogram {
    /**
     * The number of values; sum / count is the average.
     */
    uint64_t count;
    uint64_t sum;
    uint64_t min;
    uint64_t max;
    /**
     * The median: half of the values are at most this.
     */
    uint64_t p50;
    uint64_t p75;
    uint64_t p90;
    uint64_t p95;
    uint64_t p99;
    /**
     * 999 of 1,000 values are at most this.
     */
    uint64_t p999;
    /**
     * 0.
     */
    uint64_t reserved[2];
} ottla_histogram;

/**
 * Figures of the producer as a whole. Members of type uint64_t count since the producer was created, or since the
 * earlier snapshot; members of type int64_t are present levels. Each is exact, but they are not of one instant. Grows
 * at its end only.
 */
typedef struct ottla_producer_figures {
    /**
     * Set it to sizeof(ottla_producer_figures) before the call. Afterwards it says how much was filled: less if the
     * library is older. Members beyond that are left alone.
     */
    size_t struct_size;
    /**
     * Records that were handed to a connection; each is counted once.
     */
    uint64_t records_sent;
    /**
     * Records that were reported as written (acks=0: as handed to the socket).
     */
    uint64_t records_delivered;
    /**
     * Records that were reported with an error.
     */
    uint64_t records_failed;
    /**
     * Failed records whose fate is unknown.
     */
    uint64_t records_unknown;
    /**
     * Failed records that expired: by delivery.timeout.ms, or while they waited for their topic's metadata.
     */
    uint64_t records_expired;
    /**
     * Failed records that a purge removed.
     */
    uint64_t records_purged;
    /**
     * Records of batches that were sent again, counted each time.
     */
    uint64_t records_retried;
    /**
     * Accepted records without a result yet.
     */
    int64_t records_held;
    /**
     * Encoded bytes of the records sent, before compression; each record is counted once.
     */
    uint64_t record_bytes;
    /**
     * Bytes of the same records after compression.
     */
    uint64_t payload_bytes;
    /**
     * payload_bytes divided by record_bytes; 1 while there are none.
     */
    double compression_ratio;
    /**
     * Batches that were sent at least once.
     */
    uint64_t batches_sent;
    /**
     * How often a batch was sent again.
     */
    uint64_t batches_retried;
    /**
     * Batches that were split after MESSAGE_TOO_LARGE.
     */
    uint64_t batches_split;
    /**
     * Batches that failed because delivery.timeout.ms passed.
     */
    uint64_t batches_expired;
    /**
     * Size of each batch that was sent, as on the wire, with its header.
     */
    struct ottla_histogram batch_bytes;
    /**
     * Records in each batch that was sent.
     */
    struct ottla_histogram batch_records;
    /**
     * Records in each Produce request.
     */
    struct ottla_histogram records_per_request;
    /**
     * Size of each request.
     */
    struct ottla_histogram request_bytes;
    /**
     * Time from the first append to a batch until it was handed to a connection, counted for each record.
     */
    struct ottla_histogram queue_time_us;
    /**
     * Time from handing a request to its connection until its response was read; acks=0 has none.
     */
    struct ottla_histogram request_latency_us;
    /**
     * Time from the first append to a batch until its result was known, counted for each record, also for failed ones.
     */
    struct ottla_histogram delivery_time_us;
    /**
     * Length of each pause that a broker asked for (throttling).
     */
    struct ottla_histogram throttle_time_us;
    /**
     * Milliseconds of pauses that brokers asked for (throttling).
     */
    uint64_t throttle_ms;
    /**
     * How often a partition's sequence began again with a higher epoch.
     */
    uint64_t epochs_bumped;
    /**
     * The idempotent producer's id; -1 while it has none.
     */
    int64_t producer_id;
    /**
     * Produce requests handed to a connection.
     */
    uint64_t produce_requests;
    /**
     * All requests handed to a connection.
     */
    uint64_t requests;
    /**
     * Responses received.
     */
    uint64_t responses;
    /**
     * Requests without a response within request.timeout.ms.
     */
    uint64_t requests_timed_out;
    /**
     * Requests that wait for their response, or with acks=0 to be written.
     */
    int64_t requests_in_flight;
    /**
     * Bytes handed to connections.
     */
    uint64_t bytes_sent;
    /**
     * Bytes received.
     */
    uint64_t bytes_received;
    /**
     * Connections that were established.
     */
    uint64_t connections_opened;
    /**
     * Connections that failed to be established.
     */
    uint64_t connections_failed;
    /**
     * Established connections that ended.
     */
    uint64_t connections_closed;
    /**
     * Connections that are open now.
     */
    int64_t connections_open;
    /**
     * Metadata responses that were applied.
     */
    uint64_t metadata_updates;
    /**
     * Age of the metadata; -1 before the first response.
     */
    int64_t metadata_age_us;
    /**
     * Topics that records were sent to.
     */
    int64_t topics;
    /**
     * Known partitions of these topics.
     */
    int64_t partitions;
    /**
     * The limit, buffer.memory.
     */
    int64_t buffer_total_bytes;
    /**
     * Bytes of buffer.memory in use.
     */
    int64_t buffer_used_bytes;
    /**
     * Calls that wait for room now.
     */
    int64_t buffer_waiting;
    /**
     * How often a call waited for room.
     */
    uint64_t buffer_waits;
    /**
     * How long calls waited for room, in total.
     */
    uint64_t buffer_wait_us;
    /**
     * Sends that were refused for lack of room, at once or after waiting.
     */
    uint64_t buffer_exhausted;
    /**
     * Flushes that have ended.
     */
    uint64_t flushes;
    /**
     * How long flushes took, in total.
     */
    uint64_t flush_us;
    /**
     * How long the callbacks of a batch held the sender thread; queueing a report for polling counts too.
     */
    struct ottla_histogram callback_time_us;
    /**
     * How long the callbacks of the present batch have been running; -1 if none run now.
     */
    int64_t callback_running_us;
    /**
     * Turns of the sender's event loop.
     */
    uint64_t turns;
    /**
     * Bytes of buffer.memory held by reports that were not polled, not freed, or whose callbacks have not returned.
     */
    int64_t buffer_report_bytes;
} ottla_producer_figures;

/**
 * Figures of one broker, or of one address of bootstrap.servers. Grows at its end only.
 */
typedef struct ottla_broker_figures {
    /**
     * Set it to sizeof(ottla_broker_figures) before the call; see ottla_producer_figures.
     */
    size_t struct_size;
    /**
     * Host and port; lives as long as the snapshot.
     */
    const char *address;
    /**
     * The broker's id; negative for an address of bootstrap.servers.
     */
    int64_t id;
    /**
     * 0 not connected, 1 its name is being resolved, 2 connecting, 3 asking for its versions, 4 up.
     */
    int64_t state;
    /**
     * How long its connection has been up; -1 if it is down.
     */
    int64_t connected_us;
    /**
     * Requests handed to its connection.
     */
    uint64_t requests;
    /**
     * Responses received.
     */
    uint64_t responses;
    /**
     * Requests without a response within request.timeout.ms.
     */
    uint64_t requests_timed_out;
    /**
     * Requests that wait for their response, or with acks=0 to be written.
     */
    int64_t requests_in_flight;
    /**
     * Bytes handed to its connection.
     */
    uint64_t bytes_sent;
    /**
     * Bytes received.
     */
    uint64_t bytes_received;
    /**
     * Size of each request.
     */
    struct ottla_histogram request_bytes;
    /**
     * Time from handing a request to its connection until its response was read; acks=0 has none.
     */
    struct ottla_histogram request_latency_us;
    /**
     * Batches that were sent to it for the first time.
     */
    uint64_t batches_sent;
    /**
     * Batches that were sent to it again, or to it after another.
     */
    uint64_t batches_retried;
    /**
     * Batches that it answered with an error, also if they were sent again.
     */
    uint64_t batches_refused;
    /**
     * Connections that were established.
     */
    uint64_t connections_opened;
    /**
     * Connections that failed to be established.
     */
    uint64_t connections_failed;
    /**
     * Established connections that ended.
     */
    uint64_t connections_closed;
    /**
     * Milliseconds of pauses that it asked for (throttling).
     */
    uint64_t throttle_ms;
    /**
     * Partitions that it leads, of topics that records were sent to.
     */
    int64_t partitions;
    /**
     * Records of these partitions that the sender has not taken from the accumulator.
     */
    int64_t records_waiting;
    /**
     * Encoded bytes of records_waiting.
     */
    int64_t bytes_waiting;
} ottla_broker_figures;

/**
 * Figures of one topic that records were sent to. Grows at its end only.
 */
typedef struct ottla_topic_figures {
    /**
     * Set it to sizeof(ottla_topic_figures) before the call; see ottla_producer_figures.
     */
    size_t struct_size;
    /**
     * Lives as long as the snapshot.
     */
    const char *name;
    /**
     * Records that were handed to a connection; each is counted once.
     */
    uint64_t records_sent;
    /**
     * Records that were reported as written (acks=0: as handed to the socket).
     */
    uint64_t records_delivered;
    /**
     * Records that were reported with an error.
     */
    uint64_t records_failed;
    /**
     * Failed records whose fate is unknown.
     */
    uint64_t records_unknown;
    /**
     * Failed records that expired: by delivery.timeout.ms, or while they waited for their topic's metadata.
     */
    uint64_t records_expired;
    /**
     * Failed records that a purge removed.
     */
    uint64_t records_purged;
    /**
     * Records of batches that were sent again, counted each time.
     */
    uint64_t records_retried;
    /**
     * Encoded bytes of the records sent, before compression; each record is counted once.
     */
    uint64_t record_bytes;
    /**
     * Bytes of the same records after compression.
     */
    uint64_t payload_bytes;
    /**
     * payload_bytes divided by record_bytes; 1 while there are none.
     */
    double compression_ratio;
    /**
     * Batches that were sent at least once.
     */
    uint64_t batches_sent;
    /**
     * How often a batch was sent again.
     */
    uint64_t batches_retried;
    /**
     * Batches that were split after MESSAGE_TOO_LARGE.
     */
    uint64_t batches_split;
    /**
     * Size of each batch that was sent, as on the wire, with its header.
     */
    struct ottla_histogram batch_bytes;
    /**
     * Time from the first append to a batch until its result was known, counted for each record, also for failed ones.
     */
    struct ottla_histogram delivery_time_us;
    /**
     * How many partitions it has; 0 while that is not known.
     */
    int64_t partitions;
    /**
     * Partitions without a leader now.
     */
    int64_t partitions_without_leader;
    /**
     * Records that the sender has not taken from the accumulator.
     */
    int64_t records_waiting;
    /**
     * Encoded bytes of records_waiting.
     */
    int64_t bytes_waiting;
    /**
     * Records that the sender took and that have no result yet: queued, in flight, or to be sent again.
     */
    int64_t records_taken;
} ottla_topic_figures;

/**
 * How often one error occurred. Grows at its end only.
 */
typedef struct ottla_error_figures {
    /**
     * Set it to sizeof(ottla_error_figures) before the call; see ottla_producer_figures.
     */
    size_t struct_size;
    /**
     * Its code; see ottla_code_name().
     */
    ottla_code code;
    /**
     * 0.
     */
    int32_t reserved;
    /**
     * Attempts to send a batch that ended so, whether or not it was tried again.
     */
    uint64_t batches_refused;
    /**
     * Records whose completion carried it.
     */
    uint64_t records_failed;
} ottla_error_figures;

/**
 * Takes a snapshot. The call copies some numbers and looks at each partition of the topics in use. It waits for no
 * thread, so it also returns while a callback is blocked.
 *
 * @param producer        borrowed for the call
 * @param statistics_out  receives the snapshot; release with ottla_statistics_free()
 * @param error_out       optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK, OTTLA_ERR_CLOSED (freed), OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, callbacks too, also after ottla_producer_close().
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_statistics(const struct ottla_producer *producer,
    struct ottla_statistics **statistics_out, struct ottla_error **error_out);

/**
 * Computes the difference of two snapshots of one producer: counts and histograms are differences, levels are the
 * later ones.
 *
 * @param later           borrowed for the call
 * @param earlier         borrowed for the call; taken from the same producer before `later`. This is not checked: for
 *                        other snapshots the figures have no meaning
 * @param difference_out  receives the difference; release with ottla_statistics_free()
 * @param error_out       optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_statistics_since(const struct ottla_statistics *later,
    const struct ottla_statistics *earlier, struct ottla_statistics **difference_out,
    struct ottla_error **error_out);

/**
 * Releases a snapshot, with all strings and pointers from it. NULL is ignored. Any thread, also after
 * ottla_producer_free().
 */
OTTLA_API void OTTLA_CALL ottla_statistics_free(struct ottla_statistics *statistics);

/**
 * Returns when the snapshot was taken, in milliseconds since 1970-01-01 UTC; 0 for NULL.
 */
OTTLA_API int64_t OTTLA_CALL ottla_statistics_taken_ms(const struct ottla_statistics *statistics);

/**
 * Returns the time that the counts cover, in microseconds: since the producer was created, or, for a difference, since
 * the earlier snapshot. A count divided by it is a rate. 0 for NULL.
 */
OTTLA_API uint64_t OTTLA_CALL ottla_statistics_span_us(const struct ottla_statistics *statistics);

/**
 * Reads the figures of the producer.
 *
 * @param figures_out  set its struct_size to sizeof(ottla_producer_figures) before
 * @param error_out    optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_statistics_producer(const struct ottla_statistics *statistics,
    struct ottla_producer_figures *figures_out, struct ottla_error **error_out);

/**
 * Returns the number of brokers with figures: all that the cluster ever named, and the addresses of bootstrap.servers.
 * A broker keeps its index in later snapshots. 0 for NULL.
 */
OTTLA_API size_t OTTLA_CALL ottla_statistics_broker_count(
    const struct ottla_statistics *statistics);

/**
 * Reads the figures of a broker.
 *
 * @param index        below ottla_statistics_broker_count()
 * @param figures_out  set its struct_size to sizeof(ottla_broker_figures) before
 * @param error_out    optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_statistics_broker(const struct ottla_statistics *statistics,
    size_t index, struct ottla_broker_figures *figures_out, struct ottla_error **error_out);

/**
 * Returns the number of topics with figures: those that records were sent to. A topic keeps its index in later
 * snapshots. 0 for NULL.
 */
OTTLA_API size_t OTTLA_CALL ottla_statistics_topic_count(const struct ottla_statistics *statistics);

/**
 * Reads the figures of a topic.
 *
 * @param index        below ottla_statistics_topic_count()
 * @param figures_out  set its struct_size to sizeof(ottla_topic_figures) before
 * @param error_out    optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_statistics_topic(const struct ottla_statistics *statistics,
    size_t index, struct ottla_topic_figures *figures_out, struct ottla_error **error_out);

/**
 * Returns the number of different errors that occurred; 0 for NULL.
 */
OTTLA_API size_t OTTLA_CALL ottla_statistics_error_count(const struct ottla_statistics *statistics);

/**
 * Reads how often an error occurred; the errors are in the order of their codes.
 *
 * @param index        below ottla_statistics_error_count()
 * @param figures_out  set its struct_size to sizeof(ottla_error_figures) before
 * @param error_out    optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_statistics_error(const struct ottla_statistics *statistics,
    size_t index, struct ottla_error_figures *figures_out, struct ottla_error **error_out);

/**
 * Returns all figures as one JSON object; its members have the names of the members of the structures. Valid as long
 * as the snapshot; "{}" for NULL. UTF-8.
 */
OTTLA_API const char *OTTLA_CALL ottla_statistics_json(const struct ottla_statistics *statistics);

/**
 * Returns all figures in the Prometheus text format, for the response to a scrape (text/plain; version=0.0.4). Use a
 * snapshot that is not a difference. Valid as long as the snapshot; "" for NULL. UTF-8.
 */
OTTLA_API const char *OTTLA_CALL ottla_statistics_prometheus(
    const struct ottla_statistics *statistics);

/**
 * Receives a snapshot that counts since the producer was created. `statistics` is valid until the function returns and
 * must not be freed. Runs on the sender thread without a lock. It may send; with a full buffer sends return
 * OTTLA_ERR_BUFFER_FULL here instead of waiting. Flush, close, free and calls that wait return OTTLA_ERR_IN_CALLBACK.
 * It must not throw, longjmp or block.
 */
typedef void (OTTLA_CALL *ottla_statistics_fn)(const struct ottla_statistics *statistics, void *userdata);

/**
 * Calls a function with a snapshot at intervals. Snapshots can also be taken at any time with
 * ottla_producer_statistics().
 *
 * @param interval_ms    milliseconds between two calls, at least 1; a late call does not bring the next one forward
 * @param on_statistics  NULL: no function is called
 * @param userdata       passed to each call
 * @param free_userdata  optional; see ottla_free_fn. On failure it is not called
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set_statistics(struct ottla_config *config,
    int64_t interval_ms, ottla_statistics_fn on_statistics, void *userdata,
    ottla_free_fn free_userdata);

/* ============================================================================================
 * 14. Plug-ins
 * ============================================================================================ */

/**
 * The settings of plug-ins: all properties whose names begin with "ottla.plugin.". Each plug-in sees all of them, so
 * choose names that no other plug-in has, for example "ottla.plugin.shop.region".
 *
 * Life: an ottla_configure_fn gets it, and it is valid until that function returns.
 */
typedef struct ottla_settings ottla_settings;

/**
 * Passes the settings to a plug-in: once for each producer, in ottla_producer_new(), before any other function of the
 * plug-in. Producers that are made from one configuration share the plug-in's userdata. (Java:
 * Configurable.configure.)
 *
 * @param settings  borrowed for the call
 * @param userdata  of the plug-in
 * @return 0; any other number if the plug-in cannot work: then ottla_producer_new() fails with
 *         OTTLA_ERR_INVALID_CONFIG and the message of ottla_settings_fail(), and the plug-in is not closed
 *
 * Runs on the thread that makes the producer. It must not throw or longjmp.
 */
typedef int32_t (OTTLA_CALL *ottla_configure_fn)(const struct ottla_settings *settings, void *userdata);

/**
 * Closes a plug-in: a producer makes no more calls to it. Called once for each producer for which configure succeeded,
 * at the end of ottla_producer_free(), or if ottla_producer_new() fails later. The plug-in that was configured last is
 * closed first. It must not throw or longjmp.
 */
typedef void (OTTLA_CALL *ottla_close_fn)(void *userdata);

/**
 * Returns the number of settings; 0 for NULL.
 */
OTTLA_API size_t OTTLA_CALL ottla_settings_count(const struct ottla_settings *settings);

/**
 * Returns the name of a setting, with "ottla.plugin."; settings are in the order of their names. NULL if index is not
 * below ottla_settings_count().
 */
OTTLA_API const char *OTTLA_CALL ottla_settings_name_at(const struct ottla_settings *settings,
    size_t index);

/**
 * Returns the value of a setting; NULL if index is not below ottla_settings_count().
 */
OTTLA_API const char *OTTLA_CALL ottla_settings_value_at(const struct ottla_settings *settings,
    size_t index);

/**
 * Returns the value of a setting by its name; NULL if it is not set.
 *
 * @param name  with "ottla.plugin."
 */
OTTLA_API const char *OTTLA_CALL ottla_settings_get(const struct ottla_settings *settings,
    const char *name);

/**
 * Sets the reason why the plug-in cannot work.
 *
 * @param message  UTF-8, one line; copied
 * @return -1, so that `return ottla_settings_fail(settings, "...")` ends the function that was called
 */
OTTLA_API int32_t OTTLA_CALL ottla_settings_fail(const struct ottla_settings *settings,
    const char *message);

/**
 * A record that needs a partition, and the present partitions of its topic.
 *
 * Life: an ottla_partition_fn gets it; it and what it points to are valid until that function returns. Grows at its
 * end only.
 */
typedef struct ottla_choice {
    /**
     * The size of this structure in the library that filled it.
     */
    size_t struct_size;
    /**
     * The topic's name.
     */
    const char *topic;
    /**
     * The key, serialized; NULL if it is null.
     */
    const void *key;
    size_t key_len;
    /**
     * The value, serialized; NULL if it is null.
     */
    const void *value;
    size_t value_len;
    /**
     * The key object of ottla_producer_send_objects(). NULL for a null key, for a record that was sent as bytes, and
     * for one that waited for its topic's partitions; see needs_objects in ottla_partitioner.
     */
    const void *key_object;
    /**
     * The value object, likewise.
     */
    const void *value_object;
    /**
     * The number of partitions of the topic; at least 1.
     */
    int32_t partition_count;
    /**
     * 0.
     */
    int32_t reserved;
    /**
     * Belongs to the library.
     */
    const void *internal;
} ottla_choice;

/**
 * Chooses the partition of a record that does not name one. (Java: Partitioner.partition.)
 *
 * @param choice    borrowed for the call
 * @param userdata  of the ottla_partitioner
 * @return 0 to choice->partition_count - 1. A negative number fails the record with OTTLA_ERR_PARTITIONER_FAILED and
 *         the message of ottla_choice_fail(); a number that is too large fails it with OTTLA_ERR_UNKNOWN_PARTITION.
 *         The call that sends the record returns this error if the topic's partitions are known already; otherwise the
 *         delivery has it
 *
 * Runs on the thread that sends the record; for a record that waited for its topic's partitions on the sender thread;
 * also on several threads at once. It is called again for a record that had to wait for room in the buffer. No lock is
 * held. It may send other records. Flush, close, free and calls that wait return OTTLA_ERR_IN_CALLBACK. It must not
 * throw, longjmp or block.
 */
typedef int32_t (OTTLA_CALL *ottla_partition_fn)(const struct ottla_choice *choice, void *userdata);

/**
 * A partitioner of the application. Begin with
 *
 *     ottla_partitioner partitioner = {.struct_size = sizeof(ottla_partitioner)};
 */
typedef struct ottla_partitioner {
    /**
     * sizeof(ottla_partitioner).
     */
    size_t struct_size;
    /**
     * Optional.
     */
    ottla_configure_fn configure;
    /**
     * Not NULL.
     */
    ottla_partition_fn partition;
    /**
     * Optional.
     */
    ottla_close_fn close;
    /**
     * Passed to each function.
     */
    void *userdata;
    /**
     * Optional; see ottla_free_fn.
     */
    ottla_free_fn free_userdata;
    /**
     * 1: a call that sends objects waits for the topic's partitions, at most max.block.ms, so that the function always
     * gets the objects. 0: it does not wait, and the objects can be NULL.
     */
    int32_t needs_objects;
    /**
     * 0.
     */
    int32_t reserved;
} ottla_partitioner;

/**
 * Sets a partitioner of the application, which replaces partitioner.class. It is not called for records that name
 * their partition.
 *
 * @param partitioner  copied
 * @param error_out    optional; set only on failure, release with ottla_error_free(). On failure free_userdata is not
 *                     called
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set_partitioner(struct ottla_config *config,
    const struct ottla_partitioner *partitioner, struct ottla_error **error_out);

/**
 * Returns the id of the broker that leads a partition; -1 if there is no leader or no such partition, and for NULL.
 */
OTTLA_API int32_t OTTLA_CALL ottla_choice_leader(const struct ottla_choice *choice,
    int32_t partition);

/**
 * Returns 1 if a partition has a leader that takes records, else 0; 0 if there is no such partition, and for NULL. A
 * leader that has taken none for partitioner.availability.timeout.ms does not count (KIP-794).
 */
OTTLA_API int32_t OTTLA_CALL ottla_choice_is_available(const struct ottla_choice *choice,
    int32_t partition);

/**
 * Returns the encoded bytes of the records that wait to be sent to a partition; 0 if there is no such partition, and
 * for NULL.
 */
OTTLA_API uint64_t OTTLA_CALL ottla_choice_queued_bytes(const struct ottla_choice *choice,
    int32_t partition);

/**
 * Sets the reason why no partition can be chosen.
 *
 * @param message  UTF-8, one line; copied
 * @return -1, so that `return ottla_choice_fail(choice, "...")` ends the function that was called
 */
OTTLA_API int32_t OTTLA_CALL ottla_choice_fail(const struct ottla_choice *choice,
    const char *message);

/**
 * The output of a serializer: a key or a value, empty at first, and headers for the record.
 *
 * Life: an ottla_serialize_fn gets it, and it is valid until that function returns.
 */
typedef struct ottla_serialized ottla_serialized;

/**
 * Turns an object into the bytes of a key or a value. (Java: Serializer.serialize.)
 *
 * @param topic     the topic's name, valid until the function returns
 * @param object    the object that was passed to ottla_producer_send_objects(); not NULL
 * @param out       write the bytes to it with ottla_serialized_append()
 * @param userdata  of the ottla_serializer
 * @return 0; any other number if it failed: then the call that sends the record returns OTTLA_ERR_SERIALIZATION with
 *         the message of ottla_serialized_fail(), and the record is not accepted
 *
 * Runs on the thread that sends the record, also on several threads at once. No lock is held. It may send other
 * records. Flush, close, free and calls that wait return OTTLA_ERR_IN_CALLBACK. It must not throw or longjmp.
 */
typedef int32_t (OTTLA_CALL *ottla_serialize_fn)(const char *topic,
                                      const void *object,
                                      struct ottla_serialized *out,
                                      void *userdata);

/**
 * A serializer of the application. Begin with
 *
 *     ottla_serializer serializer = {.struct_size = sizeof(ottla_serializer)};
 */
typedef struct ottla_serializer {
    /**
     * sizeof(ottla_serializer).
     */
    size_t struct_size;
    /**
     * Optional.
     */
    ottla_configure_fn configure;
    /**
     * Not NULL.
     */
    ottla_serialize_fn serialize;
    /**
     * Optional.
     */
    ottla_close_fn close;
    /**
     * Passed to each function.
     */
    void *userdata;
    /**
     * Optional; see ottla_free_fn.
     */
    ottla_free_fn free_userdata;
} ottla_serializer;

/**
 * Sets a serializer of the application for the key objects of ottla_producer_send_objects(), which replaces
 * key.serializer. It is not called for records that are sent as bytes.
 *
 * @param serializer  copied
 * @param error_out   optional; set only on failure, release with ottla_error_free(). On failure free_userdata is not
 *                    called
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set_key_serializer(struct ottla_config *config,
    const struct ottla_serializer *serializer, struct ottla_error **error_out);

/**
 * Sets a serializer of the application for value objects, which replaces value.serializer. Otherwise like
 * ottla_config_set_key_serializer().
 *
 * @param serializer  copied
 * @param error_out   optional; set only on failure, release with ottla_error_free(). On failure free_userdata is not
 *                    called
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set_value_serializer(struct ottla_config *config,
    const struct ottla_serializer *serializer, struct ottla_error **error_out);

/**
 * Appends bytes to the key or value.
 *
 * @param bytes  len bytes, copied; NULL is allowed if len is 0
 * @return OTTLA_ERR_OK; OTTLA_ERR_INVALID_ARGUMENT; OTTLA_ERR_OUT_OF_MEMORY, with which the record is then refused too
 */
OTTLA_API ottla_code OTTLA_CALL ottla_serialized_append(struct ottla_serialized *out,
    const void *bytes, size_t len);

/**
 * Makes the key or value null and discards what was written. Appending afterwards makes it non-null again.
 *
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_serialized_set_null(struct ottla_serialized *out);

/**
 * Adds a header to the record, after the record's own and those added before. The key's serializer runs first.
 *
 * @param name   name_len bytes of UTF-8, copied; not NULL
 * @param value  value_len bytes, copied; NULL with value_len 0 is a null value
 * @return OTTLA_ERR_OK; OTTLA_ERR_INVALID_ARGUMENT; OTTLA_ERR_OUT_OF_MEMORY, with which the record is then refused too
 */
OTTLA_API ottla_code OTTLA_CALL ottla_serialized_add_header(struct ottla_serialized *out,
    const char *name, size_t name_len, const void *value, size_t value_len);

/**
 * Sets the reason why the object cannot be serialized.
 *
 * @param message  UTF-8, one line; copied
 * @return -1, so that `return ottla_serialized_fail(out, "...")` ends the function that was called
 */
OTTLA_API int32_t OTTLA_CALL ottla_serialized_fail(struct ottla_serialized *out,
    const char *message);

/**
 * A record on its way through the interceptors. It is serialized; its partition is not chosen yet, unless the record
 * names one.
 *
 * Life: an ottla_on_send_fn gets it, and it is valid until that function returns.
 */
typedef struct ottla_sending ottla_sending;

/**
 * Sees a record before it is sent, and can change it with ottla_sending_set_record() and ottla_sending_add_header().
 * (Java: ProducerInterceptor.onSend, KIP-42.)
 *
 * @param sending   the record; borrowed for the call
 * @param userdata  of the ottla_interceptor
 * @return 0; any other number if it failed: then the message of ottla_sending_fail() is logged as a warning, and the
 *         record goes on as it was before this interceptor
 *
 * Runs on the thread that sends the record, also on several threads at once. No lock is held. A record that it sends
 * is intercepted too. Flush, close, free and calls that wait return OTTLA_ERR_IN_CALLBACK. It must not throw or
 * longjmp.
 */
typedef int32_t (OTTLA_CALL *ottla_on_send_fn)(struct ottla_sending *sending, void *userdata);

/**
 * Receives the outcome of each record once, before its delivery goes elsewhere. It is also called for records that the
 * call refused, even if they could not be serialized and on_send did not see them. It is not called for a record that
 * was refused because an argument was not valid or the producer was freed. (Java:
 * ProducerInterceptor.onAcknowledgement.)
 *
 * @param delivery  borrowed for the call. For a refused record it has the code that the call returns,
 *                  OTTLA_FATE_NOT_WRITTEN, and the partition if that is certain (the record names it, or it follows
 *                  from the key)
 * @param userdata  of the ottla_interceptor; the record's own userdata is in the delivery
 * @return 0; any other number if it failed, which is logged as a warning
 *
 * Runs on the sender thread; for a refused record on the thread that sends it, also on several at once. The rules of
 * ottla_delivery_fn apply.
 */
typedef int32_t (OTTLA_CALL *ottla_on_acknowledgement_fn)(const struct ottla_delivery *delivery, void *userdata);

/**
 * An interceptor: functions that see all records, whatever call sends them. Begin with
 *
 *     ottla_interceptor interceptor = {.struct_size = sizeof(ottla_interceptor)};
 */
typedef struct ottla_interceptor {
    /**
     * sizeof(ottla_interceptor).
     */
    size_t struct_size;
    /**
     * Optional.
     */
    ottla_configure_fn configure;
    /**
     * Optional.
     */
    ottla_on_send_fn on_send;
    /**
     * Optional.
     */
    ottla_on_acknowledgement_fn on_acknowledgement;
    /**
     * Optional.
     */
    ottla_close_fn close;
    /**
     * Passed to each function.
     */
    void *userdata;
    /**
     * Optional; see ottla_free_fn.
     */
    ottla_free_fn free_userdata;
} ottla_interceptor;

/**
 * Adds an interceptor after those added before. Each sees a record as the one before it left it.
 *
 * @param interceptor  copied
 * @param error_out    optional; set only on failure, release with ottla_error_free(). On failure free_userdata is not
 *                     called
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_add_interceptor(struct ottla_config *config,
    const struct ottla_interceptor *interceptor, struct ottla_error **error_out);

/**
 * Returns the topic's name; NULL for NULL.
 */
OTTLA_API const char *OTTLA_CALL ottla_sending_topic(const struct ottla_sending *sending);

/**
 * Returns the record in its present form, valid until the next call that changes it. NULL for NULL.
 */
OTTLA_API const struct ottla_record *OTTLA_CALL ottla_sending_record(
    const struct ottla_sending *sending);

/**
 * Returns the key object of a record that was sent with ottla_producer_send_objects(), even if the key was changed
 * since; otherwise, and for NULL, NULL.
 */
OTTLA_API const void *OTTLA_CALL ottla_sending_key_object(const struct ottla_sending *sending);

/**
 * Returns the value object, likewise.
 */
OTTLA_API const void *OTTLA_CALL ottla_sending_value_object(const struct ottla_sending *sending);

/**
 * Replaces the record: key, value, headers, timestamp, partition and timeout. To change only a part, copy the
 * structure that ottla_sending_record() returns and change that part.
 *
 * @param record     borrowed for the call: everything it points to is copied, except a key or value of the application
 *                   that is unchanged
 * @param error_out  optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK; OTTLA_ERR_INVALID_ARGUMENT, and then nothing has changed
 */
OTTLA_API ottla_code OTTLA_CALL ottla_sending_set_record(struct ottla_sending *sending,
    const struct ottla_record *record, struct ottla_error **error_out);

/**
 * Adds a header after the existing ones.
 *
 * @param name   name_len bytes of UTF-8, copied; not NULL
 * @param value  value_len bytes, copied; NULL with value_len 0 is a null value
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_sending_add_header(struct ottla_sending *sending,
    const char *name, size_t name_len, const void *value, size_t value_len);

/**
 * Sets the reason why the interceptor failed.
 *
 * @param message  UTF-8, one line; copied
 * @return -1, so that `return ottla_sending_fail(sending, "...")` ends the function that was called
 */
OTTLA_API int32_t OTTLA_CALL ottla_sending_fail(struct ottla_sending *sending, const char *message);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* OTTLA_H */
