/* Ottla: a producer for Apache Kafka.
 *
 * Link with -lottla. The functions of a type begin with its name; outputs come last and end in _out; units close a
 * name; strings are UTF-8 and end with a NUL where no length follows them.
 *
 * Errors: a function that can fail returns an ottla_code, 0 (OTTLA_ERR_OK) for success. NULL for a pointer is always an error,
 * never a crash, unless its description allows it. Details come through error_out, if it is not NULL; see ottla_error. Any of them
 * may also return OTTLA_ERR_INTERNAL, which their lists leave out.
 *
 * Memory: what a function hands over is released once, with the function whose name ends in _free; NULL is ignored. A producer
 * that is used or freed after it was freed answers OTTLA_ERR_CLOSED, as long as its place is not taken by another (at least
 * until 64 more were freed). Of anything else a second release, or a use after it, is not noticed: it is an error of the
 * caller's, as with free().
 *
 * Structures that a call reads: zero all but struct_size, then set what is wanted. 0 means "not set". Where 0 is a value like
 * any other, a flag in `flags` says that the member is set: with it 0 is a value, without it anything but 0 is an error.
 *
 * Threads: a pointer to const may be used by any number of threads at once, another by one at a time.
 *
 * Versions: symbols are never removed or changed within a major version. A structure that begins with struct_size grows at its end
 * only, when it is passed by pointer; one that is passed in arrays keeps its size. One that a call fills keeps in struct_size how
 * much of it was filled, so it can be given to the next call as it is. Enumerations get new members.
 *
 * Generated from src/ffi by tests/header.rs: do not edit. */

#ifndef OTTLA_H
#define OTTLA_H

#include <stddef.h>
#include <stdint.h>

/* What every function carries. Define OTTLA_STATIC to link the static library on Windows. */
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

/**
 * The release that this header is of, in parts. What is running is told by ottla_version_number().
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
 * The record goes to its `partition`. A flag of ottla_record, and of the flat form.
 */
#define OTTLA_RECORD_PARTITION 1

/**
 * The record has its `timestamp`, and not the time of the call. A flag of ottla_record, and of the flat form.
 */
#define OTTLA_RECORD_TIMESTAMP 2

/**
 * Do not wait for room in the buffer: OTTLA_ERR_BUFFER_FULL at once. A flag of ottla_producer_send_many() and
 * ottla_producer_send_flat().
 */
#define OTTLA_SEND_NO_WAIT 1

/**
 * The record has a key, of key_len bytes, which may be 0. A flag of the flat form.
 */
#define OTTLA_FLAT_KEY 4

/**
 * The record, or the header, has a value, of value_len bytes, which may be 0. A flag of the flat form.
 */
#define OTTLA_FLAT_VALUE 8

/**
 * The consumer told the leader epoch. A flag of ottla_offset.
 */
#define OTTLA_OFFSET_LEADER_EPOCH 1

/**
 * The consumer is a member of its group. A flag of ottla_group_metadata.
 */
#define OTTLA_GROUP_GENERATION 1

/**
 * Names for the values of ottla_code. A number is never used again for something else.
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
     * An argument of the call cannot be used.
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
     * The call's own time limit passed. The message says what it was waiting for, and what came back last.
     */
    OTTLA_ERR_TIMED_OUT = -5,
    /**
     * No room in buffer.memory, and the call may not (or no longer) wait for it.
     */
    OTTLA_ERR_BUFFER_FULL = -6,
    /**
     * The record alone is larger than max.request.size or buffer.memory.
     */
    OTTLA_ERR_RECORD_TOO_LARGE = -7,
    /**
     * The call waits, or ends the producer, and may not be made from any of its callbacks.
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
     * delivery.timeout.ms, or the record's own timeout_ms, passed before the record's fate was known.
     */
    OTTLA_ERR_DELIVERY_TIMED_OUT = -13,
    /**
     * The topic's metadata did not arrive in time.
     */
    OTTLA_ERR_METADATA_TIMED_OUT = -14,
    /**
     * A purge gave the record up; its fate says whether it may have been written.
     */
    OTTLA_ERR_PURGED = -15,
    /**
     * The broker's bytes do not follow the protocol.
     */
    OTTLA_ERR_BAD_RESPONSE = -16,
    /**
     * The broker offers no version of a request that this release speaks.
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
     * The application's own partitioner failed.
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
     * The system gave no memory for the record. The limits of the process and its container decide how much there is
     * (ulimit -v, cgroup), not buffer.memory.
     */
    OTTLA_ERR_OUT_OF_MEMORY = -23,
    /**
     * From here on: the Kafka protocol's codes.
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
     * Kafka's INVALID_CONFIG, apart from Ottla's own of that name.
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
 * What is known of a record's place in the log, over all attempts to write it.
 */
typedef enum ottla_fate {
    /**
     * Perhaps in the log: an attempt reached a socket and its outcome was never learned. With acks=0 the fate of every
     * record that was handed to its socket, and no error: a broker that refuses it, since its topic was deleted or its
     * partition has another leader, closes the connection without saying so, and what was written to that is lost. A
     * warning tells of each such connection.
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
 * What ottla_producer_purge() removes: one of these, or both added.
 */
typedef enum ottla_purge {
    /**
     * Records that wait: for company, for a broker, for their topic to become known, or for another attempt.
     */
    OTTLA_PURGE_QUEUED = 1,
    /**
     * Records in requests that have no answer yet.
     */
    OTTLA_PURGE_IN_FLIGHT = 2,
} ottla_purge;

/**
 * How a producer stands with its transactions; the numbers do not change. Its life, with `transactional.id` set:
 *
 *     ottla_producer_init_transactions()           once, before all else
 *     ottla_producer_begin_transaction()           then, for each transaction:
 *       ottla_producer_send(), and its like        any number, any thread, any topic
 *       ottla_producer_send_offsets_to_transaction()   if what is sent was made of what was consumed
 *     ottla_producer_commit_transaction()          or ottla_producer_abort_transaction()
 *     ottla_producer_close()                       aborts a transaction that is still open
 *
 * A record that is sent while no transaction is open is refused with OTTLA_ERR_INVALID_STATE, before anything of it is
 * kept. Completions are told as always; of a record that was delivered they say that it is in the log, but consumers with
 * isolation.level=read_committed see it only once its transaction is committed, and never if it is aborted.
 *
 * After a call of transactions, and after a send:
 *
 *     OTTLA_ERR_OK                     go on
 *     OTTLA_ERR_TIMED_OUT              it goes on: make the same call again, which waits for it (calls, not sends)
 *     ottla_error_is_fatal()           nothing can be done with this producer any more: close it, make another
 *     ottla_error_requires_abort()     ottla_producer_abort_transaction(), then do the whole transaction again
 *     anything else                    nothing has changed; the message says what to do instead
 *
 * A transaction that is not ended in transaction.timeout.ms is aborted by its coordinator.
 */
typedef enum ottla_transaction_state {
    /**
     * The producer has no transactional.id.
     */
    OTTLA_TRANSACTION_NONE = 0,
    /**
     * ottla_producer_init_transactions() was not called, or did not succeed yet.
     */
    OTTLA_TRANSACTION_UNINITIALIZED = 1,
    /**
     * The coordinator is asked for the producer's id and epoch; what an earlier producer left open is aborted.
     */
    OTTLA_TRANSACTION_INITIALIZING = 2,
    /**
     * No transaction is open: ottla_producer_begin_transaction().
     */
    OTTLA_TRANSACTION_READY = 3,
    /**
     * Records and offsets can be sent.
     */
    OTTLA_TRANSACTION_OPEN = 4,
    /**
     * A commit is under way.
     */
    OTTLA_TRANSACTION_COMMITTING = 5,
    /**
     * An abort is under way.
     */
    OTTLA_TRANSACTION_ABORTING = 6,
    /**
     * Something of the transaction failed: ottla_producer_abort_transaction(), then begin again.
     */
    OTTLA_TRANSACTION_ABORT_REQUIRED = 7,
    /**
     * The producer cannot go on, for example because a newer one with its transactional.id was started: close it.
     */
    OTTLA_TRANSACTION_FATAL = 8,
} ottla_transaction_state;

/**
 * What an event is about. New kinds may come with any release: pass over those that you do not know.
 */
typedef enum ottla_event_kind {
    /**
     * A connection to a broker can be used: the first, or the first since the broker was down. Connections that were
     * closed because nothing was sent for long come back without an event.
     */
    OTTLA_EVENT_BROKER_UP = 1,
    /**
     * A broker cannot be used: its connection was lost, or there was none to be had; `error` says why. Told once, until
     * it is up again. Records wait, or go elsewhere once another broker leads their partition. An idle connection that is
     * closed (by the broker, a load balancer or this library) is no such event, unless the next attempt to connect fails.
     */
    OTTLA_EVENT_BROKER_DOWN = 2,
    /**
     * None of the brokers that are known can be reached. Told once, until one is up again.
     */
    OTTLA_EVENT_ALL_BROKERS_DOWN = 3,
    /**
     * A broker asks to hold requests back, for `throttle_ms` (a quota).
     */
    OTTLA_EVENT_THROTTLED = 4,
    /**
     * Nothing can be sent: `error` says why. After OTTLA_ERR_INTERNAL make another producer; after a refusal of the
     * broker's (CLUSTER_AUTHORIZATION_FAILED) the next record tries again.
     */
    OTTLA_EVENT_FATAL = 5,
    /**
     * A send that would not wait was refused with OTTLA_ERR_BUFFER_FULL, and now there is room for it, and for at least
     * an eighth of buffer.memory. Told once for all refusals so far: an event loop can stop sending at the first, and go
     * on here.
     */
    OTTLA_EVENT_BUFFER_ROOM = 6,
    /**
     * The producer begins from bootstrap.servers again, because nothing else can be reached (metadata.recovery.strategy).
     * Told once, until a broker of the cluster is up again.
     */
    OTTLA_EVENT_REBOOTSTRAP = 7,
    /**
     * A topic has been missing for half a second or longer: brokers answer UNKNOWN_TOPIC_OR_PARTITION for it, or another
     * error that may pass, or leave it out of their answers; `error` says which. Told once, until a broker describes the
     * topic. Its records wait, for max.block.ms or delivery.timeout.ms at most.
     */
    OTTLA_EVENT_TOPIC_MISSING = 8,
} ottla_event_kind;

/**
 * How much a log line matters; the numbers are those of syslog and of librdkafka.
 */
typedef enum ottla_log_level {
    /**
     * Something failed that was not asked to fail, or records were lost without a callback to tell. (Records that a purge
     * or an abort gave up are reported at level info.)
     */
    OTTLA_LOG_ERROR = 3,
    /**
     * Something is not as it should be: a property that is not known in a file, a topic that is missing, a broker that
     * does not answer. A call that has been waiting for ten seconds says here what it waits for, and again from time to time.
     */
    OTTLA_LOG_WARNING = 4,
    /**
     * A decision taken for you: a property adjusted to fit another.
     */
    OTTLA_LOG_NOTICE = 5,
    /**
     * What happens: connections, leaders, producer ids.
     */
    OTTLA_LOG_INFO = 6,
    /**
     * Everything, for those who look for a fault. At another level the property `debug` chooses facilities whose lines
     * are told nevertheless; each line begins with its facility in brackets, as in "[metadata] ".
     */
    OTTLA_LOG_DEBUG = 7,
} ottla_log_level;

/**
 * How much a property matters to most users.
 */
typedef enum ottla_importance {
    OTTLA_IMPORTANCE_HIGH = 1,
    OTTLA_IMPORTANCE_MEDIUM = 2,
    OTTLA_IMPORTANCE_LOW = 3,
} ottla_importance;

/**
 * Where a property may be set.
 */
typedef enum ottla_scope {
    OTTLA_SCOPE_PRODUCER = 1,
    /**
     * For the producer, and differently for a topic.
     */
    OTTLA_SCOPE_TOPIC = 2,
} ottla_scope;

/**
 * Whether setting a property does something.
 */
typedef enum ottla_property_state {
    OTTLA_PROPERTY_IMPLEMENTED = 1,
    /**
     * Not in this release: any value but the default is refused.
     */
    OTTLA_PROPERTY_LATER = 2,
    /**
     * Means nothing outside a JVM: any value but the default is refused.
     */
    OTTLA_PROPERTY_JVM_ONLY = 3,
} ottla_property_state;

/**
 * What a producer is made from: properties by name, in text, as Kafka's Java producer has them (ottla_property_at()
 * lists them, CONFIGURATION.md describes them), and the functions that the producer calls.
 *
 * Life: ottla_config_new() or ottla_config_copy(); ottla_config_set() and its like; ottla_producer_new(), which copies
 * it, any number of times; ottla_config_free(), at any time. One thread at a time changes it; functions that take it
 * as const may run concurrently with each other.
 */
typedef struct ottla_config ottla_config;

/**
 * What went wrong: a code to branch on, a class, and a sentence to read, which says what was tried, on what, and what
 * came back. Functions that can fail take a last argument `error_out`, but for those whose code says everything: NULL
 * if only the code matters; otherwise it is set on failure (what it was before is not looked at, and not freed), left
 * alone on success, and what it was set to is released with ottla_error_free(). An error inside an ottla_delivery,
 * ottla_batch, ottla_report or ottla_event belongs to that and is not freed.
 *
 * An error does not change: any thread, any number at once.
 */
typedef struct ottla_error ottla_error;

/**
 * What a broker said of a topic's partitions.
 *
 * Life: ottla_topic_partitions(); ottla_partitions_count() and ottla_partitions_at(); ottla_partitions_free(), before or
 * after the topic and the producer are freed. It does not change: any thread, any number at once.
 */
typedef struct ottla_partitions ottla_partitions;

/**
 * A Kafka producer: a thread that sends records to the brokers of one cluster, and the memory they wait in.
 *
 * Life: ottla_producer_new(); ottla_producer_topic() for each topic; ottla_producer_send() and its like;
 * ottla_producer_flush() when everything so far should be decided; ottla_producer_close() to end in order, with a time
 * limit; ottla_topic_free() and ottla_producer_free(). Every accepted record gets exactly one completion, whatever
 * happens. With transactions: ottla_transaction_state.
 *
 * Every function but ottla_producer_free() takes it as const: any thread, any number at once. One producer serves a
 * whole process well. In a child after fork() calls answer OTTLA_ERR_FORKED, but for those that only look at
 * counts; ottla_producer_free() only forgets.
 */
typedef struct ottla_producer ottla_producer;

/**
 * What became of the records of one batch: all of one partition, decided together, in the order in which they were
 * accepted. Records that were sent with a function of their own, or that a call waits for, are not among them.
 *
 * Life: ottla_producer_poll(); readers; ottla_report_free(), which may come after ottla_producer_free(). What it was
 * made of is charged to buffer.memory until then. It does not change: any thread, any number at once.
 */
typedef struct ottla_report ottla_report;

/**
 * A record that was accepted, to be waited for later, or never.
 *
 * Life: ottla_producer_send_handle(); ottla_send_wait(), any number of times, on any number of threads at once;
 * ottla_send_free(), once, when no call uses it. It may outlive the producer and the topic's handle. Each costs some
 * 200 bytes beside the record: where every record's fate is wanted, a callback or polling is cheaper.
 */
typedef struct ottla_send ottla_send;

/**
 * A record on its way through the interceptors: serialized, but its partition, unless it names one, not yet chosen.
 *
 * Life: given to an ottla_on_send_fn, valid until that returns.
 */
typedef struct ottla_sending ottla_sending;

/**
 * What a serializer writes to: a key or a value, at first empty, and headers that go with it.
 *
 * Life: given to an ottla_serialize_fn, valid until that returns.
 */
typedef struct ottla_serialized ottla_serialized;

/**
 * The settings of plug-ins: what the configuration has under names that begin with "ottla.plugin.", all of them, so
 * choose names that nobody else has, as in "ottla.plugin.shop.region".
 *
 * Life: given to an ottla_configure_fn, valid until that returns.
 */
typedef struct ottla_settings ottla_settings;

/**
 * What a producer measured of itself, at one moment or between two: see METRICS.md for each figure, and for what the
 * Java producer and librdkafka call it.
 *
 * Life: ottla_producer_statistics(), or ottla_statistics_since() of two; then read it as structures
 * (ottla_statistics_producer(), _broker(), _topic(), _error()), as JSON or as a text for Prometheus; ottla_statistics_free().
 * It does not change and outlives its producer. Strings and pointers that it gives live as long as it does. Any thread,
 * any number at once.
 */
typedef struct ottla_statistics ottla_statistics;

/**
 * A topic of a producer. Getting one costs a look-up by name, sending by it does not: get it once and keep it.
 *
 * Life: ottla_producer_topic() or ottla_producer_topic_with(); sends; ottla_topic_free(), before or after
 * ottla_producer_free(), which a handle does not keep from ending the producer (calls with it then answer
 * OTTLA_ERR_CLOSED; what is left of its memory goes with the last handle). Any thread, any number at once; freed once,
 * when no call uses it.
 */
typedef struct ottla_topic ottla_topic;

/**
 * The outcome of a call or of a record: 0 for success, negative for Ottla's own errors, positive for a code of the
 * Kafka protocol (`org.apache.kafka.common.protocol.Errors`) as the broker sent it, also one that this release has no
 * name for. The names are those of ottla_err; the type is a plain number, so that new codes break nobody.
 */
typedef int32_t ottla_code;

/**
 * What is known of a property before anybody sets it. Static: valid as long as the process, read by any thread.
 * Strings are UTF-8, ended by a NUL. Grows at its end only: look at `struct_size` before a member that came later.
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
     * As Java's documentation has it: "boolean", "short", "int", "long", "double", "string", "list", "class" or
     * "password".
     */
    const char *type;
    /**
     * NULL: nothing, until it is set.
     */
    const char *default_value;
    /**
     * What the value may be, in words.
     */
    const char *valid_values;
    /**
     * Complete sentences, with units.
     */
    const char *documentation;
    /**
     * Where it comes from: the KIP that defined it and the Kafka class that holds it.
     */
    const char *source;
    /**
     * For a property that is not implemented: why, or what to use instead. Else NULL.
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
 * Something that happened to the producer as a whole. Grows at its end only: look at `struct_size` before a member that
 * came later.
 *
 * Life: given to an ottla_event_fn, it and what it points to are valid until that returns; taken by
 * ottla_producer_poll_event(), until ottla_event_free(). It does not change: any thread, any number at once.
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
     * The broker that it is about, by its id in the cluster; -1 if there is none, or if it is an address of
     * bootstrap.servers.
     */
    int32_t broker_id;
    /**
     * The broker's port; 0 if there is no broker.
     */
    int32_t port;
    /**
     * The broker's host, ended by a NUL; NULL if there is no broker.
     */
    const char *host;
    /**
     * Milliseconds; 0 but for OTTLA_EVENT_THROTTLED.
     */
    int64_t throttle_ms;
    /**
     * NULL if there is none. Not to be freed.
     */
    const struct ottla_error *error;
    /**
     * What happened, in one sentence of UTF-8, ended by a NUL.
     */
    const char *message;
    /**
     * How many events were lost just before this one, since more came than were polled. 0 in a callback.
     */
    uint64_t dropped;
    /**
     * The topic that it is about, ended by a NUL; NULL if there is none.
     */
    const char *topic;
} ottla_event;

/**
 * Tells a plug-in its settings: once for each producer that is made with it, in ottla_producer_new(), before anything
 * else is asked of it. Several producers made from one configuration share the plug-in's userdata.
 *
 * @param settings  borrowed for the call
 * @return 0, or anything else if the plug-in cannot work: then ottla_producer_new() fails with
 *         OTTLA_ERR_INVALID_CONFIG and what ottla_settings_fail() said, and the plug-in is not closed
 *
 * On the thread that makes the producer. No throw or longjmp.
 */
typedef int32_t (OTTLA_CALL *ottla_configure_fn)(const struct ottla_settings *settings, void *userdata);

/**
 * A record whose partition is to be chosen, and its topic's partitions as they are at this moment.
 *
 * Life: given to an ottla_partition_fn; it and all it points to are valid until that returns. Grows at its end only.
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
     * The key as it is sent; NULL if it is null.
     */
    const void *key;
    size_t key_len;
    /**
     * The value as it is sent; NULL if it is null.
     */
    const void *value;
    size_t value_len;
    /**
     * What the key was made of, if the record was sent as objects. NULL for a null key, for a record that was sent as
     * bytes, and for one that waited for its topic's partitions; see ottla_partitioner's needs_objects.
     */
    const void *key_object;
    /**
     * What the value was made of, likewise.
     */
    const void *value_object;
    /**
     * How many partitions the topic has: at least 1.
     */
    int32_t partition_count;
    /**
     * 0.
     */
    int32_t reserved;
    /**
     * The library's own.
     */
    const void *internal;
} ottla_choice;

/**
 * Chooses the partition of a record that names none.
 *
 * @param choice    borrowed for the call
 * @param userdata  of the ottla_partitioner
 * @return 0 to choice->partition_count - 1, or a negative number if there is none to choose; say why with
 *         ottla_choice_fail(). Then the record fails with OTTLA_ERR_PARTITIONER_FAILED; a number that is too large
 *         fails it with OTTLA_ERR_UNKNOWN_PARTITION. The call that sends the record returns that, if the topic's
 *         partitions were known already, else its completion tells it
 *
 * On the thread that sends the record, or, for records that waited for the topic's partitions to become known, on the
 * sender thread; on several threads at once. Asked once more about a record that had to wait for room in the buffer. No
 * lock is held. It may send other records; flush, close, free and calls that wait answer OTTLA_ERR_IN_CALLBACK. No
 * throw, longjmp or blocking.
 */
typedef int32_t (OTTLA_CALL *ottla_partition_fn)(const struct ottla_choice *choice, void *userdata);

/**
 * Tells a plug-in that a producer asks nothing more of it: once for each producer for which its configure succeeded, at
 * the end of ottla_producer_free(), or when ottla_producer_new() failed after all. The last plug-in that was
 * configured is closed first. No throw or longjmp.
 */
typedef void (OTTLA_CALL *ottla_close_fn)(void *userdata);

/**
 * Releases a `userdata`. Called exactly once, after the last call that got the `userdata` has returned, on any thread;
 * it may not call functions of this library that take the same handle.
 */
typedef void (OTTLA_CALL *ottla_free_fn)(void *userdata);

/**
 * A partitioner of the application's own. Begin with
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
     * Given to each function.
     */
    void *userdata;
    /**
     * Optional; see ottla_free_fn.
     */
    ottla_free_fn free_userdata;
    /**
     * 1: a record that is sent as objects waits, in the call that sends it and at most max.block.ms, for its topic's
     * partitions, so that the objects can be seen. 0: it does not, and they may be NULL.
     */
    int32_t needs_objects;
    /**
     * 0.
     */
    int32_t reserved;
} ottla_partitioner;

/**
 * Makes the bytes of a key or a value.
 *
 * @param topic     the topic's name, valid until the function returns
 * @param object    what was given to ottla_producer_send_objects(); not NULL
 * @param out       receives the bytes by ottla_serialized_append()
 * @param userdata  of the ottla_serializer
 * @return 0, or anything else if it cannot be done; say why with ottla_serialized_fail(). Then the call that sends the
 *         record returns OTTLA_ERR_SERIALIZATION with what was said, and nothing was accepted
 *
 * On the thread that sends the record; on several threads at once. No lock is held. It may send other records; flush, close,
 * free and calls that wait answer OTTLA_ERR_IN_CALLBACK. No throw or longjmp.
 */
typedef int32_t (OTTLA_CALL *ottla_serialize_fn)(const char *topic,
                                      const void *object,
                                      struct ottla_serialized *out,
                                      void *userdata);

/**
 * A serializer of the application's own. Begin with
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
     * Given to each function.
     */
    void *userdata;
    /**
     * Optional; see ottla_free_fn.
     */
    ottla_free_fn free_userdata;
} ottla_serializer;

/**
 * Told one line of the log. `level` is one of ottla_log_level; `message` is UTF-8, ended by a NUL, and valid until the
 * function returns. It holds no newline and no other control character: those in names and texts of brokers and the
 * configuration are escaped (`\n`). Runs on any thread, perhaps on several at once. Must not call functions that take
 * the producer, nor throw, longjmp or block.
 */
typedef void (OTTLA_CALL *ottla_log_fn)(int32_t level, const char *message, void *userdata);

/**
 * What became of one record. Grows at its end only: look at `struct_size` before a member that came later.
 */
typedef struct ottla_delivery {
    /**
     * In a callback the size of this structure in the library. Where a call fills it: set it to sizeof(ottla_delivery)
     * before; afterwards it says how much was filled.
     */
    size_t struct_size;
    /**
     * OTTLA_ERR_OK, or why the record failed: OTTLA_ERR_DELIVERY_TIMED_OUT (delivery.timeout.ms or its own
     * timeout_ms, after any number of attempts), OTTLA_ERR_METADATA_TIMED_OUT (the partitions of its topic did not become
     * known, for no broker answered), OTTLA_ERR_UNKNOWN_PARTITION, OTTLA_ERR_PARTITIONER_FAILED, OTTLA_ERR_PURGED,
     * OTTLA_ERR_CLOSED, OTTLA_ERR_OUT_OF_MEMORY (there was no memory to move it from its topic's queue, or out of a batch
     * that the broker refused), OTTLA_ERR_INTERNAL, or the broker's own code, for example
     * OTTLA_ERR_UNKNOWN_TOPIC_OR_PARTITION (the topic is missing, and stayed so as long as the record could wait; with
     * acks=0 also a topic that was deleted) or OTTLA_ERR_UNKNOWN_TOPIC_ID (the topic was deleted and created again, and the
     * record was meant for the old one).
     */
    ottla_code code;
    /**
     * One of ottla_fate. With acks=0 unknown, without an error.
     */
    int32_t fate;
    /**
     * The topic's name, ended by a NUL.
     */
    const char *topic;
    /**
     * The partition; -1 if the record failed before one was chosen.
     */
    int32_t partition;
    /**
     * How many requests carried the record.
     */
    uint32_t attempts;
    /**
     * The record's offset in its partition; -1 if unknown.
     */
    int64_t offset;
    /**
     * Milliseconds since 1970-01-01 UTC: the record's, or the broker's when the topic says LogAppendTime.
     */
    int64_t timestamp;
    /**
     * What was given to the call that sent the record.
     */
    void *userdata;
    /**
     * The same as a number; the `tag` of a record sent in flat form.
     */
    uint64_t tag;
    /**
     * NULL on success; else details, borrowed like the rest.
     */
    const struct ottla_error *error;
    /**
     * Microseconds from the first record's append to the batch until the batch was decided.
     */
    int64_t latency_us;
    /**
     * 0.
     */
    uint64_t reserved[2];
    /**
     * The record's value, if it was sent with ottla_producer_send_lent(): its address, to know it by. It may have been
     * given back before. NULL for a value that was copied.
     */
    const void *value;
    /**
     * Its length.
     */
    size_t value_len;
} ottla_delivery;

/**
 * Told the fate of one record: once for each that was accepted, in order within a partition (but a record that failed
 * may be told of before earlier ones that are tried again). `userdata` is, for the function given to a call such as
 * ottla_producer_send_with(), what was given to that call; for the default function of ottla_config_set_delivery(), what
 * was given to that. The record's own is always in delivery->userdata.
 *
 * Runs on the producer's sender thread with no lock held. `delivery` and what it points to are valid until it returns.
 * It may call ottla_producer_send() and the other functions that send, which here report a full buffer
 * (OTTLA_ERR_BUFFER_FULL) instead of waiting; flush, close, free, waiting polls and ottla_producer_send_and_wait()
 * answer OTTLA_ERR_IN_CALLBACK. It must not throw, longjmp or block: every record of the producer waits for it.
 * ottla_producer_free() completes what is left with OTTLA_ERR_CLOSED before it returns.
 */
typedef void (OTTLA_CALL *ottla_delivery_fn)(const struct ottla_delivery *delivery, void *userdata);

/**
 * One record of an ottla_batch. Its size never changes.
 */
typedef struct ottla_delivery_entry {
    /**
     * What was given to the call that sent the record.
     */
    void *userdata;
    /**
     * The same as a number; the `tag` of a record sent in flat form.
     */
    uint64_t tag;
    /**
     * The record's offset; -1 if unknown.
     */
    int64_t offset;
    /**
     * Milliseconds since 1970-01-01 UTC: the record's, or the broker's when the topic says LogAppendTime.
     */
    int64_t timestamp;
    /**
     * As in ottla_delivery.
     */
    const void *value;
} ottla_delivery_entry;

/**
 * What became of the records of one batch, all of one partition and of one fate. Grows at its end only.
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
     * The topic's name, ended by a NUL.
     */
    const char *topic;
    /**
     * The partition; -1 if the records failed before one was chosen.
     */
    int32_t partition;
    /**
     * How many requests carried the batch.
     */
    uint32_t attempts;
    /**
     * The offset of the batch's first record; -1 if unknown.
     */
    int64_t base_offset;
    /**
     * NULL on success; else details, borrowed like the rest.
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
     * How many entries.
     */
    size_t count;
    /**
     * 0.
     */
    uint64_t reserved[2];
} ottla_batch;

/**
 * Told the fate of the records of one batch, in order within a partition; records that were sent with a function of
 * their own, or that a call waits for, are not among them: those of the same batch are told before, in their order.
 * While there is no memory for the entries of a whole batch, its records come in several calls, and the others in between.
 * `userdata` is what was given to ottla_config_set_batch_delivery(). Otherwise the rules of ottla_delivery_fn.
 */
typedef void (OTTLA_CALL *ottla_batch_fn)(const struct ottla_batch *batch, void *userdata);

/**
 * Called when a queue (of reports, or of events) becomes non-empty, once until it was emptied again by
 * ottla_producer_poll() or ottla_producer_poll_event(), and once when the producer has ended. For event loops that cannot
 * watch ottla_producer_poll_fd(): wake the loop here, and poll there. Runs on the sender thread; must not throw, longjmp
 * or block, nor take anything itself with a waiting poll.
 */
typedef void (OTTLA_CALL *ottla_ready_fn)(void *userdata);

/**
 * Told one event. Runs on the sender thread, between its steps, with no lock held; may send (without waiting: a full
 * buffer is an error here); flush, close, free and calls that wait answer OTTLA_ERR_IN_CALLBACK. Must not throw, longjmp
 * or block. `event` and what it points to are valid until it returns.
 */
typedef void (OTTLA_CALL *ottla_event_fn)(const struct ottla_event *event, void *userdata);

/**
 * A header of a record. Its size never changes.
 */
typedef struct ottla_header {
    /**
     * UTF-8 by Kafka's rules (this is not checked), without a NUL at its end; not NULL, but name_len may be 0. Names
     * may repeat.
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
 * A record to send. All it points to is copied by the call that sends it and stays the caller's, but for a value that
 * ottla_producer_send_lent() takes. Its size never changes; the reserved members are room for what comes. Begin with
 *
 *     ottla_record record = {.struct_size = sizeof(ottla_record)};
 *
 * or with ottla_record_init(). A member that is zero is not set: the partitioner chooses the partition, and the timestamp
 * is the time of the call. To choose a partition or a timestamp, set it and its flag:
 *
 *     record.flags = OTTLA_RECORD_PARTITION;
 *     record.partition = 0;
 *
 * Without its flag any value but 0 is an error, and so is a flag that this release does not know. Null and empty differ
 * in Kafka: NULL with length 0 is null, any other pointer with length 0 is empty, NULL with another length is an error.
 */
typedef struct ottla_record {
    /**
     * sizeof(ottla_record).
     */
    size_t struct_size;
    /**
     * OTTLA_RECORD_PARTITION, OTTLA_RECORD_TIMESTAMP, both added, or 0.
     */
    uint32_t flags;
    /**
     * With OTTLA_RECORD_PARTITION the partition, from 0; else 0, and the partitioner chooses.
     */
    int32_t partition;
    /**
     * With OTTLA_RECORD_TIMESTAMP milliseconds since 1970-01-01 UTC, from 0; else 0, and it is the time of the call.
     */
    int64_t timestamp;
    /**
     * The key: records of equal keys go to one partition.
     */
    const void *key;
    size_t key_len;
    /**
     * The value; null is a tombstone in a compacted topic.
     */
    const void *value;
    size_t value_len;
    /**
     * header_count headers, in the order in which they are sent; NULL if there are none.
     */
    const struct ottla_header *headers;
    size_t header_count;
    /**
     * How many milliseconds after the send the record's fate is told at the latest, instead of delivery.timeout.ms; 0:
     * as delivery.timeout.ms says; a negative number is an error. A record that is not delivered in time fails with
     * OTTLA_ERR_DELIVERY_TIMED_OUT (while its topic's partitions are not known, with the reason for that), and the
     * message names the timeout. It shares a batch with records of about the same deadline only, so send those
     * together; at most an eighth of its time is taken off for that. With less than twice linger.ms it does not
     * linger.
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
 * Gives a value back that ottla_producer_send_lent() took without copying it: from here on the library does not look at
 * it. What was handed over is freed here; what was only borrowed may be used again, or changed. `value` and `value_len`
 * are those of the record, `release_userdata` what was given with them.
 *
 * Called exactly once for each record that was accepted, before or after the record's completion. Runs on the producer's
 * sender thread with no lock held, and counts as a callback: see ottla_delivery_fn for what it may call, and that it must
 * not throw, longjmp or block. (Should the library itself fail on the way, the last ones may run in ottla_producer_free().)
 * Never in a child after fork().
 */
typedef void (OTTLA_CALL *ottla_release_fn)(const void *value, size_t value_len, void *release_userdata);

/**
 * A partition. Grows at its end only: look at `struct_size` before a member that came later.
 */
typedef struct ottla_partition {
    /**
     * Set it to sizeof(ottla_partition) before the call. Afterwards: how much was filled.
     */
    size_t struct_size;
    int32_t partition;
    /**
     * The id of the broker that leads it; -1 while there is none.
     */
    int32_t leader_id;
    /**
     * Counts the partition's leaders; -1 if the broker does not say.
     */
    int32_t leader_epoch;
    /**
     * The leader's port; -1 if there is no leader, or it is not among the brokers that are known.
     */
    int32_t leader_port;
    /**
     * The leader's host, ended by a NUL; NULL where leader_port is -1. Valid as long as the ottla_partitions, as are
     * the arrays.
     */
    const char *leader_host;
    /**
     * The ids of the brokers that have the partition; replica_count of them.
     */
    const int32_t *replicas;
    size_t replica_count;
    /**
     * Those that are in sync; in_sync_count of them.
     */
    const int32_t *in_sync;
    size_t in_sync_count;
    /**
     * Those that are offline; offline_count of them.
     */
    const int32_t *offline;
    size_t offline_count;
} ottla_partition;

/**
 * Up to where one partition was consumed. Its size never changes. Begin with
 *
 *     ottla_offset offset = {.topic = "in", .partition = 3, .offset = 42};
 *
 * and so with zeros in all else.
 */
typedef struct ottla_offset {
    /**
     * UTF-8, not NULL: the topic that was consumed.
     */
    const char *topic;
    int32_t partition;
    /**
     * OTTLA_OFFSET_LEADER_EPOCH or 0.
     */
    uint32_t flags;
    /**
     * The offset of the next record to consume: one above that of the last one consumed.
     */
    int64_t offset;
    /**
     * With OTTLA_OFFSET_LEADER_EPOCH the leader epoch of the last record consumed, as the consumer tells it; else 0, and
     * it is not known. A consumer that tells -1 does not know it.
     */
    int32_t leader_epoch;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Any text, kept with the offset; NULL: none.
     */
    const char *metadata;
    /**
     * NULL.
     */
    void *reserved_pointer;
} ottla_offset;

/**
 * What the consumer whose offsets are sent is in its group, as the consumer tells it at the time. With it the brokers
 * refuse the offsets of a consumer whose partitions were given to another meanwhile. A consumer that is not a member (it
 * chose its partitions itself) has a group_id alone. Begin with
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
     * With OTTLA_GROUP_GENERATION the generation, from 0, of which member_id is a member; else 0: not a member. A
     * consumer that tells -1 is not a member.
     */
    int32_t generation_id;
    /**
     * UTF-8, not NULL: group.id.
     */
    const char *group_id;
    /**
     * NULL: not a member.
     */
    const char *member_id;
    /**
     * group.instance.id of a static member; NULL: none.
     */
    const char *group_instance_id;
} ottla_group_metadata;

/**
 * Sees a record that is about to be sent, and may change it with ottla_sending_set_record() and
 * ottla_sending_add_header().
 *
 * @param sending   the record; borrowed for the call
 * @param userdata  of the ottla_interceptor
 * @return 0, or anything else if it failed; say why with ottla_sending_fail(). Then that is logged as a warning, and
 *         the record goes on as it was before this interceptor
 *
 * On the thread that sends the record; on several threads at once. No lock is held. Flush, close, free and calls that wait
 * answer OTTLA_ERR_IN_CALLBACK; a record that it sends is intercepted too. No throw or longjmp.
 */
typedef int32_t (OTTLA_CALL *ottla_on_send_fn)(struct ottla_sending *sending, void *userdata);

/**
 * Told the end of each record, once, before anybody else is told of it; also of each that the call which sent it
 * refused, of those that could not be serialized and so were never shown to on_send too. (Not of a record that was
 * refused because an argument was NULL or the like, or because the producer was freed.)
 *
 * @param delivery  borrowed for the call. Of a refused record: the code that the call returns, OTTLA_FATE_NOT_WRITTEN,
 *                  and the partition if it is certain: the one it names, or that of its key
 * @param userdata  of the ottla_interceptor; the record's own is in the delivery
 * @return 0, or anything else if it failed, which is logged as a warning
 *
 * On the sender thread; for a refused record on the thread that sent it, perhaps on several at once. The rules of
 * ottla_delivery_fn.
 */
typedef int32_t (OTTLA_CALL *ottla_on_acknowledgement_fn)(const struct ottla_delivery *delivery, void *userdata);

/**
 * An interceptor: functions that see all records, whichever call sends them. Begin with
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
     * Given to each function.
     */
    void *userdata;
    /**
     * Optional; see ottla_free_fn.
     */
    ottla_free_fn free_userdata;
} ottla_interceptor;

/**
 * How values are spread. Percentiles are within two per cent of the exact ones; all are 0 while `count` is. In the
 * difference of two snapshots min and max are within four per cent. Does not grow.
 */
typedef struct ottla_histogram {
    /**
     * How many values; sum by count is the average.
     */
    uint64_t count;
    uint64_t sum;
    uint64_t min;
    uint64_t max;
    /**
     * Half of the values are not above this.
     */
    uint64_t p50;
    uint64_t p75;
    uint64_t p90;
    uint64_t p95;
    uint64_t p99;
    /**
     * 999 of 1000.
     */
    uint64_t p999;
    /**
     * 0.
     */
    uint64_t reserved[2];
} ottla_histogram;

/**
 * Figures of the producer as a whole. Those of type uint64_t count since the producer was created (or since the earlier
 * snapshot), those of type int64_t are levels. Each is exact; together they are not of one instant. Grows at its end only.
 */
typedef struct ottla_producer_figures {
    /**
     * Set it to sizeof(ottla_producer_figures) before the call. Afterwards: how much was filled, which is less if the
     * library is older; members beyond that were left alone.
     */
    size_t struct_size;
    /**
     * Records that were handed to a connection; each is counted once.
     */
    uint64_t records_sent;
    /**
     * Records whose completion said: written (acks=0: handed to the socket).
     */
    uint64_t records_delivered;
    /**
     * Records whose completion carried an error.
     */
    uint64_t records_failed;
    /**
     * Of the failed, those whose fate is unknown.
     */
    uint64_t records_unknown;
    /**
     * Of the failed, those whose time was up: delivery.timeout.ms, or that of their topic's metadata.
     */
    uint64_t records_expired;
    /**
     * Of the failed, those that a purge removed.
     */
    uint64_t records_purged;
    /**
     * Records of batches that were sent again, counted each time.
     */
    uint64_t records_retried;
    /**
     * Records that were accepted and are not decided yet.
     */
    int64_t records_held;
    /**
     * Encoded bytes of the records that the sender took up, before compression.
     */
    uint64_t record_bytes;
    /**
     * The same after compression.
     */
    uint64_t payload_bytes;
    /**
     * payload_bytes for each of record_bytes; 1 while there are none.
     */
    double compression_ratio;
    /**
     * Batches that were sealed and sent at least once.
     */
    uint64_t batches_sent;
    /**
     * Times that a batch was sent again.
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
     * Size of each batch that was sent, with its header, as it is on the wire.
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
     * From the first append to a batch until it was handed to a connection, for each record.
     */
    struct ottla_histogram queue_time_us;
    /**
     * From handing a request to its connection until its answer was read; acks=0 has none.
     */
    struct ottla_histogram request_latency_us;
    /**
     * From the first append to a batch until it was decided, for each record, failed ones too.
     */
    struct ottla_histogram delivery_time_us;
    /**
     * For how long a broker asked to hold requests back, each time that it did.
     */
    struct ottla_histogram throttle_time_us;
    /**
     * Milliseconds for which brokers asked to hold requests back.
     */
    uint64_t throttle_ms;
    /**
     * Times that a partition's sequence was started again with a higher epoch.
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
     * Requests that got no answer within request.timeout.ms.
     */
    uint64_t requests_timed_out;
    /**
     * Requests that wait for their answer, or (acks=0) to be written.
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
     * Connections that are established now.
     */
    int64_t connections_open;
    /**
     * Metadata responses that were taken in.
     */
    uint64_t metadata_updates;
    /**
     * How old the metadata is; -1 before the first.
     */
    int64_t metadata_age_us;
    /**
     * Topics that records were sent to.
     */
    int64_t topics;
    /**
     * Partitions of these topics, as far as they are known.
     */
    int64_t partitions;
    /**
     * buffer.memory.
     */
    int64_t buffer_total_bytes;
    /**
     * How much of it is in use.
     */
    int64_t buffer_used_bytes;
    /**
     * Calls that wait for room.
     */
    int64_t buffer_waiting;
    /**
     * Times that a call waited for room.
     */
    uint64_t buffer_waits;
    /**
     * How long calls waited for room, in all.
     */
    uint64_t buffer_wait_us;
    /**
     * Sends that were refused because there was no room, in time or at once.
     */
    uint64_t buffer_exhausted;
    /**
     * Flushes that have ended.
     */
    uint64_t flushes;
    /**
     * How long they took, in all.
     */
    uint64_t flush_us;
    /**
     * How long the callbacks of a batch kept the sender thread; queueing a report to be polled counts too.
     */
    struct ottla_histogram callback_time_us;
    /**
     * For how long the callbacks of one batch have been running; -1 if none run now.
     */
    int64_t callback_running_us;
    /**
     * Turns of the sender's event loop.
     */
    uint64_t turns;
    /**
     * How much of buffer.memory reports hold: those that were not polled or not freed, or whose callbacks have not returned.
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
     * How long its connection has been up; -1 if it is not.
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
     * Requests that got no answer within request.timeout.ms.
     */
    uint64_t requests_timed_out;
    /**
     * Requests that wait for their answer, or (acks=0) to be written.
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
     * From handing a request to its connection until its answer was read; acks=0 has none.
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
     * Batches that it answered with an error, whether or not they were tried again.
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
     * Milliseconds for which it asked to hold requests back.
     */
    uint64_t throttle_ms;
    /**
     * Partitions that it leads, of topics that records were sent to.
     */
    int64_t partitions;
    /**
     * Records in open and full batches of these partitions, which the sender has not taken up.
     */
    int64_t records_waiting;
    /**
     * Their encoded bytes.
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
     * Records whose completion said: written (acks=0: handed to the socket).
     */
    uint64_t records_delivered;
    /**
     * Records whose completion carried an error.
     */
    uint64_t records_failed;
    /**
     * Of the failed, those whose fate is unknown.
     */
    uint64_t records_unknown;
    /**
     * Of the failed, those whose time was up: delivery.timeout.ms, or that of their topic's metadata.
     */
    uint64_t records_expired;
    /**
     * Of the failed, those that a purge removed.
     */
    uint64_t records_purged;
    /**
     * Records of batches that were sent again, counted each time.
     */
    uint64_t records_retried;
    /**
     * Encoded bytes of the records that the sender took up, before compression.
     */
    uint64_t record_bytes;
    /**
     * The same after compression.
     */
    uint64_t payload_bytes;
    /**
     * payload_bytes for each of record_bytes; 1 while there are none.
     */
    double compression_ratio;
    /**
     * Batches that were sealed and sent at least once.
     */
    uint64_t batches_sent;
    /**
     * Times that a batch was sent again.
     */
    uint64_t batches_retried;
    /**
     * Batches that were split after MESSAGE_TOO_LARGE.
     */
    uint64_t batches_split;
    /**
     * Size of each batch that was sent, with its header, as it is on the wire.
     */
    struct ottla_histogram batch_bytes;
    /**
     * From the first append to a batch until it was decided, for each record, failed ones too.
     */
    struct ottla_histogram delivery_time_us;
    /**
     * How many partitions it has; 0 while that is not known.
     */
    int64_t partitions;
    /**
     * Of these, those that no broker leads now.
     */
    int64_t partitions_without_leader;
    /**
     * Records in open and full batches, which the sender has not taken up.
     */
    int64_t records_waiting;
    /**
     * Their encoded bytes.
     */
    int64_t bytes_waiting;
    /**
     * Records that the sender took up and that are not decided: in flight, or to be sent again.
     */
    int64_t records_taken;
} ottla_topic_figures;

/**
 * How often one error was met. Grows at its end only.
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
 * Given a snapshot, of all since the producer was created. `statistics` is valid until the function returns, and not to
 * be freed. Runs on the sender thread with no lock held; may send (without waiting: a full buffer is an error here);
 * flush, close, free and calls that wait answer OTTLA_ERR_IN_CALLBACK. Must not throw, longjmp or block.
 */
typedef void (OTTLA_CALL *ottla_statistics_fn)(const struct ottla_statistics *statistics, void *userdata);

/**
 * Counts since the producer was created. Each is exact; together they are not of one instant. Grows at its end only.
 */
typedef struct ottla_counters {
    /**
     * Set it to sizeof(ottla_counters) before the call. Afterwards: how much was filled, which is less if the library is
     * older; members beyond that were left alone.
     */
    size_t struct_size;
    /**
     * Records whose completion said: written (acks=0: handed to the socket).
     */
    uint64_t records_delivered;
    /**
     * Records whose completion carried an error.
     */
    uint64_t records_failed;
    /**
     * Of the failed, those whose fate is unknown.
     */
    uint64_t records_unknown;
    /**
     * Batches that were sealed and sent at least once.
     */
    uint64_t batches_sent;
    /**
     * Times that a batch was sent again.
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
     * Times that a partition's sequence was started again with a higher epoch.
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
     * Requests that got no answer within request.timeout.ms.
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
     * The same after compression.
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
     * Metadata responses that were taken in.
     */
    uint64_t metadata_updates;
    /**
     * Milliseconds for which brokers asked to hold requests back.
     */
    uint64_t throttle_ms;
    /**
     * Reports that were polled and not yet freed.
     */
    uint64_t reports_held;
} ottla_counters;

/**
 * Bytes as an object; see ottla_producer_send_objects().
 */
typedef struct ottla_bytes {
    /**
     * NULL with len 0 is null, any other pointer with len 0 is empty.
     */
    const void *data;
    size_t len;
} ottla_bytes;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The release of the library that is running, for example "0.1.0". Static; never NULL. Any thread.
 */
OTTLA_API const char *OTTLA_CALL ottla_version(void);

/**
 * The same as a number to compare: major << 24 | minor << 16 | patch << 8. Any thread.
 */
OTTLA_API uint32_t OTTLA_CALL ottla_version_number(void);

/**
 * The name of a code: "OK", "TIMED_OUT" (OTTLA_ERR_TIMED_OUT without its prefix), "NOT_LEADER_OR_FOLLOWER" (as Kafka
 * writes it), "BROKER_ERROR" for a positive code without a name, "UNKNOWN_CODE" for any other number. Static; never
 * NULL. Any thread.
 */
OTTLA_API const char *OTTLA_CALL ottla_code_name(ottla_code code);

/**
 * 1 if trying the same again may succeed (Kafka's RetriableException), else 0. Records were already tried again, as
 * `retries` and `delivery.timeout.ms` allow. Any thread.
 */
OTTLA_API int32_t OTTLA_CALL ottla_code_is_retriable(ottla_code code);

/**
 * 1 for OTTLA_ERR_INTERNAL and for codes that mostly mean that a producer with transactions can never go on
 * (OTTLA_ERR_PRODUCER_FENCED and its like), else 0. Only ottla_error_is_fatal() knows: another code may be fatal in one
 * place, and without transactions none of a broker's codes is. Any thread.
 */
OTTLA_API int32_t OTTLA_CALL ottla_code_is_fatal(ottla_code code);

/**
 * The error's code. OTTLA_ERR_INVALID_ARGUMENT for NULL.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_error_code(const struct ottla_error *error);

/**
 * The name of the error's code, as ottla_code_name() tells it. Static; never NULL.
 */
OTTLA_API const char *OTTLA_CALL ottla_error_name(const struct ottla_error *error);

/**
 * What was tried, on what, and what came back: UTF-8, one line, valid as long as the error; never NULL.
 */
OTTLA_API const char *OTTLA_CALL ottla_error_message(const struct ottla_error *error);

/**
 * As ottla_code_is_retriable(); 0 for NULL.
 */
OTTLA_API int32_t OTTLA_CALL ottla_error_is_retriable(const struct ottla_error *error);

/**
 * 1 if the producer cannot go on: no call will succeed any more but ottla_producer_close() and ottla_producer_free(); make
 * another. 0 otherwise, and for NULL.
 */
OTTLA_API int32_t OTTLA_CALL ottla_error_is_fatal(const struct ottla_error *error);

/**
 * 1 if the open transaction has to be aborted, with ottla_producer_abort_transaction(), after which the producer goes on;
 * 0 otherwise, and for NULL. Calls of transactions tell it, and sends that are refused because the transaction failed.
 */
OTTLA_API int32_t OTTLA_CALL ottla_error_requires_abort(const struct ottla_error *error);

/**
 * Releases an error that came through an `error_out`. NULL is ignored.
 */
OTTLA_API void OTTLA_CALL ottla_error_free(struct ottla_error *error);

/**
 * How many properties there are. Any thread.
 */
OTTLA_API size_t OTTLA_CALL ottla_property_count(void);

/**
 * A property; they are in the order of the documentation. NULL if `index` is not below ottla_property_count(). Static;
 * any thread.
 */
OTTLA_API const struct ottla_property *OTTLA_CALL ottla_property_at(size_t index);

/**
 * Releases an event that was polled. NULL is ignored. Any thread, also after ottla_producer_free().
 */
OTTLA_API void OTTLA_CALL ottla_event_free(struct ottla_event *event);

/**
 * How many settings there are. 0 for NULL.
 */
OTTLA_API size_t OTTLA_CALL ottla_settings_count(const struct ottla_settings *settings);

/**
 * The name of a setting, in the order of names, "ottla.plugin." included. NULL if index is not below
 * ottla_settings_count().
 */
OTTLA_API const char *OTTLA_CALL ottla_settings_name_at(const struct ottla_settings *settings,
                                   size_t index);

/**
 * The value of a setting. NULL if index is not below ottla_settings_count().
 */
OTTLA_API const char *OTTLA_CALL ottla_settings_value_at(const struct ottla_settings *settings, size_t index);

/**
 * The value of the setting of this name. NULL if it is not set.
 *
 * @param name  UTF-8, "ottla.plugin." included
 */
OTTLA_API const char *OTTLA_CALL ottla_settings_get(const struct ottla_settings *settings, const char *name);

/**
 * Says why the plug-in cannot work.
 *
 * @param message  UTF-8, one line; copied
 * @return -1, so that `return ottla_settings_fail(settings, "...")` ends the function that was called
 */
OTTLA_API int32_t OTTLA_CALL ottla_settings_fail(const struct ottla_settings *settings,
                            const char *message);

/**
 * Lets a function of the application's choose partitions, instead of what partitioner.class says. Records that name
 * their partition do not ask it.
 *
 * @param partitioner  copied
 * @param error_out    optional; set only on failure, release with ottla_error_free(). On failure free_userdata is not
 *                     called
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set_partitioner(struct ottla_config *config,
                                        const struct ottla_partitioner *partitioner,
                                        struct ottla_error **error_out);

/**
 * The id of the broker that leads a partition; -1 if none does, if there is no such partition, and for NULL.
 */
OTTLA_API int32_t OTTLA_CALL ottla_choice_leader(const struct ottla_choice *choice,
                            int32_t partition);

/**
 * 1 if a partition has a leader that takes records, else 0; 0 if there is no such partition, and for NULL. A leader
 * that takes none for partitioner.availability.timeout.ms does not count.
 */
OTTLA_API int32_t OTTLA_CALL ottla_choice_is_available(const struct ottla_choice *choice,
                                  int32_t partition);

/**
 * Bytes of records that wait to be sent to a partition, encoded; 0 if there is no such partition, and for NULL.
 */
OTTLA_API uint64_t OTTLA_CALL ottla_choice_queued_bytes(const struct ottla_choice *choice,
                                   int32_t partition);

/**
 * Says why there is no partition to choose.
 *
 * @param message  UTF-8, one line; copied
 * @return -1, so that `return ottla_choice_fail(choice, "...")` ends the function that was called
 */
OTTLA_API int32_t OTTLA_CALL ottla_choice_fail(const struct ottla_choice *choice, const char *message);

/**
 * Lets a function of the application's make keys of the key objects of ottla_producer_send_objects(), instead of what
 * key.serializer says. Records sent as bytes do not concern it.
 *
 * @param serializer  copied
 * @param error_out   optional; set only on failure, release with ottla_error_free(). On failure free_userdata is not
 *                    called
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set_key_serializer(struct ottla_config *config,
                                           const struct ottla_serializer *serializer,
                                           struct ottla_error **error_out);

/**
 * The same for values, instead of what value.serializer says.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set_value_serializer(struct ottla_config *config,
                                             const struct ottla_serializer *serializer,
                                             struct ottla_error **error_out);

/**
 * Writes bytes behind those written before.
 *
 * @param bytes  len bytes, copied; NULL is allowed if len is 0
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT; OTTLA_ERR_OUT_OF_MEMORY, and then the record is refused with it
 */
OTTLA_API ottla_code OTTLA_CALL ottla_serialized_append(struct ottla_serialized *out,
                                   const void *bytes,
                                   size_t len);

/**
 * Makes the key or the value null, whatever was written; writing to it afterwards makes it something again.
 *
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_serialized_set_null(struct ottla_serialized *out);

/**
 * Adds a header to the record, behind its own and those added before (the key's serializer runs first).
 *
 * @param name   name_len bytes of UTF-8, copied; not NULL
 * @param value  value_len bytes, copied; NULL with value_len 0 is a null value
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT; OTTLA_ERR_OUT_OF_MEMORY, and then the record is refused with it
 */
OTTLA_API ottla_code OTTLA_CALL ottla_serialized_add_header(struct ottla_serialized *out,
                                       const char *name,
                                       size_t name_len,
                                       const void *value,
                                       size_t value_len);

/**
 * Says why the object cannot be serialized.
 *
 * @param message  UTF-8, one line; copied
 * @return -1, so that `return ottla_serialized_fail(out, "...")` ends the function that was called
 */
OTTLA_API int32_t OTTLA_CALL ottla_serialized_fail(struct ottla_serialized *out, const char *message);

/**
 * A configuration with every default; bootstrap.servers has none and has to be set. Never NULL but when a defect is
 * caught. Release with ottla_config_free(). Any thread.
 */
OTTLA_API struct ottla_config *OTTLA_CALL ottla_config_new(void);

/**
 * A copy that can be changed on its own. Functions and their userdata are shared: a free_userdata runs when the last
 * configuration and producer that has it is gone. NULL for NULL. Release with ottla_config_free().
 */
OTTLA_API struct ottla_config *OTTLA_CALL ottla_config_copy(const struct ottla_config *config);

/**
 * Releases a configuration; producers made from it are not concerned. NULL is ignored.
 */
OTTLA_API void OTTLA_CALL ottla_config_free(struct ottla_config *config);

/**
 * Sets one property, under its own name or an alias of librdkafka's. The same name again replaces the value.
 *
 * @param name       UTF-8, for example "linger.ms"; unknown names are refused with a hint
 * @param value      UTF-8, for example "5"; what it may be is checked at once
 * @param error_out  optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK, OTTLA_ERR_INVALID_CONFIG or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set(struct ottla_config *config,
                            const char *name,
                            const char *value,
                            struct ottla_error **error_out);

/**
 * The value of a property: what was set, or its default, in its one spelling; under an alias, in the alias's units.
 *
 * @param buffer      receives the value with a NUL at its end, if that fits; NULL is allowed when buffer_len is 0
 * @param buffer_len  the bytes that buffer has
 * @param len_out     receives the bytes that the value and its NUL need, whether or not they fit
 * @param error_out   optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK, also when only the length was asked for (buffer_len is 0); OTTLA_ERR_INVALID_CONFIG if there is
 *         no such property, or it has no value; OTTLA_ERR_INVALID_ARGUMENT if the value did not fit (len_out is set then,
 *         nothing else is written)
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_get(const struct ottla_config *config,
                            const char *name,
                            char *buffer,
                            size_t buffer_len,
                            size_t *len_out,
                            struct ottla_error **error_out);

/**
 * Sets everything that a Java `.properties` file holds (UTF-8, at most 1 MiB). Names that are not known are warnings
 * in the log, as in Java: call ottla_config_set_log() before. On failure nothing of the file is kept.
 *
 * @param path  UTF-8
 * @return OTTLA_ERR_OK, OTTLA_ERR_INVALID_CONFIG, OTTLA_ERR_IO or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_load_file(struct ottla_config *config,
                                  const char *path,
                                  struct ottla_error **error_out);

/**
 * The same for the contents of such a file.
 *
 * @param properties  UTF-8
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_load_text(struct ottla_config *config,
                                  const char *properties,
                                  struct ottla_error **error_out);

/**
 * Sends log lines up to `level` (one of ottla_log_level) to a function. Without this, errors and warnings go to standard
 * error.
 *
 * @param on_log         NULL: to standard error
 * @param userdata       given to each call; the function may run on any thread
 * @param free_userdata  optional; see ottla_free_fn. On failure it is not called: userdata stays the caller's
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set_log(struct ottla_config *config,
                                ottla_log_fn on_log,
                                void *userdata,
                                ottla_free_fn free_userdata,
                                int32_t level);

/**
 * Tells the fate of records that are sent without a function of their own to `on_delivery`, one by one. Replaces what
 * this, ottla_config_set_batch_delivery() or ottla_config_set_poll() said before. Without any of the three, failures
 * are counted and logged.
 *
 * @param on_delivery    NULL: failures are counted and logged
 * @param userdata       the second argument of each call; the record's own userdata is in the delivery
 * @param free_userdata  optional; see ottla_free_fn. On failure it is not called
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set_delivery(struct ottla_config *config,
                                     ottla_delivery_fn on_delivery,
                                     void *userdata,
                                     ottla_free_fn free_userdata);

/**
 * The same, batch by batch: one call with an array for all records of a partition that were decided together.
 *
 * @param on_batch  NULL: failures are counted and logged
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set_batch_delivery(struct ottla_config *config,
                                           ottla_batch_fn on_batch,
                                           void *userdata,
                                           ottla_free_fn free_userdata);

/**
 * Keeps the fates for ottla_producer_poll() instead of calling a function. Reports hold some of buffer.memory, at least
 * 16 bytes a record, until they are polled and freed: an application that does not poll is refused with
 * OTTLA_ERR_BUFFER_FULL once they hold all of it.
 *
 * @param on_ready  optional; see ottla_ready_fn
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set_poll(struct ottla_config *config,
                                 ottla_ready_fn on_ready,
                                 void *userdata,
                                 ottla_free_fn free_userdata);

/**
 * Tells what concerns no single record (see ottla_event) to a function. Replaces what this or
 * ottla_config_set_event_poll() said before. Without either, only the log has it.
 *
 * @param on_event       NULL: nobody is told
 * @param userdata       given to each call
 * @param free_userdata  optional; see ottla_free_fn. On failure it is not called
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set_events(struct ottla_config *config,
                                   ottla_event_fn on_event,
                                   void *userdata,
                                   ottla_free_fn free_userdata);

/**
 * Keeps events for ottla_producer_poll_event() instead of calling a function.
 *
 * @param max_events  how many are kept, at least 1: when more come than are polled, the oldest is dropped, and the next
 *                    one taken tells how many were
 * @param on_ready    optional; see ottla_ready_fn
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set_event_poll(struct ottla_config *config,
                                       size_t max_events,
                                       ottla_ready_fn on_ready,
                                       void *userdata,
                                       ottla_free_fn free_userdata);

/**
 * Starts a producer: its sender thread, which begins to connect at once. No broker need be there yet.
 *
 * @param config        borrowed for the call and copied; stays the caller's
 * @param producer_out  receives the producer; release with ottla_producer_free()
 * @param error_out     optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK, OTTLA_ERR_INVALID_CONFIG (properties that contradict each other, bootstrap.servers is not set,
 *         or a plug-in's configure failed),
 *         OTTLA_ERR_IO or OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_new(const struct ottla_config *config,
                              struct ottla_producer **producer_out,
                              struct ottla_error **error_out);

/**
 * Ends a producer. What is not decided is completed with OTTLA_ERR_CLOSED (callbacks run, reports are queued and
 * lost): to end in order call ottla_producer_flush() or ottla_producer_close() before. Calls that wait on other
 * threads return OTTLA_ERR_CLOSED; when this returns, no callback runs any more and the sender thread has ended.
 *
 * @return OTTLA_ERR_OK; OTTLA_ERR_IN_CALLBACK, and nothing happened, in a callback of the producer; OTTLA_ERR_CLOSED
 *         if it was freed before, as far as that can be noticed; OTTLA_ERR_INVALID_ARGUMENT for NULL
 *
 * Waits for a callback that is running. Other calls with the producer must not begin once this has.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_free(struct ottla_producer *producer);

/**
 * Waits until every record accepted before this call was told to its callback, or queued to be polled. Records that
 * linger are sent at once. Reports that are queued still hold some of buffer.memory: they are to be polled and freed. The
 * message of OTTLA_ERR_TIMED_OUT says what the records wait for; to learn that from the sender thread may take a quarter of a
 * second longer.
 *
 * @param producer    borrowed for the call
 * @param timeout_ms  longest wait; -1 waits without limit, 0 does not wait
 * @param error_out   optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK, OTTLA_ERR_TIMED_OUT, OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_CLOSED, OTTLA_ERR_FORKED or
 *         OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, concurrently with any other call. Not from a callback.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_flush(const struct ottla_producer *producer,
                                int64_t timeout_ms,
                                struct ottla_error **error_out);

/**
 * Accepts nothing more, delivers what was accepted, and completes with OTTLA_ERR_CLOSED what is not decided in time; the
 * error of each record says what it waited for. Waits until that is done; only a callback that is running can make it
 * take longer. Reports can still be polled afterwards. A second call while one waits shortens it to its own limit, if
 * that is shorter; both return at the end.
 *
 * @param timeout_ms  longest wait for records to be delivered; -1 waits without limit, 0 gives up at once what is not
 *                    decided
 * @return OTTLA_ERR_OK, also when it was closed before; OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_FORKED or
 *         OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, concurrently with any other call. Not from a callback. The producer is still to be freed.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_close(const struct ottla_producer *producer,
                                int64_t timeout_ms,
                                struct ottla_error **error_out);

/**
 * Chooses the parts of the producer that tell debug lines from now on, as the property "debug" does at the start.
 *
 * @param facilities  UTF-8, words separated by commas, for example "metadata,request"; "" for none, "all" for all
 * @param error_out   optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK, OTTLA_ERR_INVALID_ARGUMENT (a word is not known, and nothing is changed), OTTLA_ERR_CLOSED if the
 *         producer was freed, or OTTLA_ERR_FORKED
 *
 * Any thread, callbacks too.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_set_debug(const struct ottla_producer *producer,
                                    const char *facilities,
                                    struct ottla_error **error_out);

/**
 * Bytes of buffer.memory in use: by records that are not decided, by reports until they are polled and freed (or until
 * their callbacks return), and by lent values until they are given back. 0 for NULL and for a producer that was freed.
 * Any thread, callbacks too.
 */
OTTLA_API uint64_t OTTLA_CALL ottla_producer_buffered_bytes(const struct ottla_producer *producer);

/**
 * Records that were accepted and whose fate is not decided yet. They are counted where they are: while records flow,
 * those on their way from one place to the next may be missed or counted twice; ottla_producer_flush() waits for all of
 * them. Looks at every partition that records were sent to. 0 for NULL, for a producer that was freed, and in a child
 * after fork(). Any thread, callbacks too.
 */
OTTLA_API uint64_t OTTLA_CALL ottla_producer_buffered_records(const struct ottla_producer *producer);

/**
 * Takes the next report; only with ottla_config_set_poll().
 *
 * @param timeout_ms  longest wait for one; -1 waits without limit, 0 does not wait
 * @param report_out  receives the report, or NULL if there was none in time; release with ottla_report_free()
 * @param error_out   optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK, also when there was none in time; OTTLA_ERR_CLOSED, with an error object like any failure,
 *         when the producer was closed (which wakes those who wait here) and every report was taken;
 *         OTTLA_ERR_INVALID_STATE if the producer is not in poll mode; OTTLA_ERR_IN_CALLBACK, if it would wait in a
 *         callback;
 *         OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, any number at once; reports of one partition are handed out in order.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_poll(const struct ottla_producer *producer,
                               int64_t timeout_ms,
                               struct ottla_report **report_out,
                               struct ottla_error **error_out);

/**
 * Takes the next event; only with ottla_config_set_event_poll().
 *
 * @param timeout_ms  longest wait for one; -1 waits without limit, 0 does not wait
 * @param event_out   receives the event, or NULL if there was none in time; release with ottla_event_free()
 * @param error_out   optional; set only on failure, release with ottla_error_free()
 * @return as ottla_producer_poll(); OTTLA_ERR_INVALID_STATE if events are not polled
 *
 * Any thread, any number at once.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_poll_event(const struct ottla_producer *producer,
                                     int64_t timeout_ms,
                                     struct ottla_event **event_out,
                                     struct ottla_error **error_out);

/**
 * A descriptor for poll() or epoll that is readable while there are reports or events to take, and once the producer has
 * ended. It is the library's: do not read, write or close it, and forget it before ottla_producer_free(). -1 if neither
 * reports nor events are polled, the producer was freed, is NULL, or the platform has no eventfd: use the on_ready of
 * ottla_config_set_poll() and ottla_config_set_event_poll() there. Any thread.
 */
OTTLA_API int32_t OTTLA_CALL ottla_producer_poll_fd(const struct ottla_producer *producer);

/**
 * A handle for the topic of this name. Nothing is asked of a broker: that happens at the topic's first record, and
 * what is wrong with the topic is told in the completions of its records.
 *
 * @param name       UTF-8, 1 to 249 of the characters a-z A-Z 0-9 . _ -
 * @param topic_out  receives the handle; release with ottla_topic_free()
 * @param error_out  optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK, OTTLA_ERR_INVALID_ARGUMENT, OTTLA_ERR_CLOSED or OTTLA_ERR_FORKED
 *
 * Any thread, concurrently with any other call, callbacks too.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_topic(const struct ottla_producer *producer,
                                const char *name,
                                struct ottla_topic **topic_out,
                                struct ottla_error **error_out);

/**
 * A handle for a topic that differs from the producer's other topics: in acks, linger.ms, delivery.timeout.ms,
 * request.timeout.ms, the compression.* properties, partitioner.class or partitioner.ignore.keys. What is not said is
 * as for the producer. Requests carry topics of one acks and one request.timeout.ms only, so topics that differ in these
 * take turns at a broker.
 *
 * A topic's settings are fixed when it is first named: by ottla.topic.<name>.<property> in the producer's configuration,
 * or by the first handle made for it. Another handle is made with the same, or by ottla_producer_topic(), which takes
 * the topic as it is.
 *
 * @param name       UTF-8, 1 to 249 of the characters a-z A-Z 0-9 . _ -
 * @param overrides  the properties in which the topic differs, and no others; read by the call. Functions that it holds
 *                   are not looked at
 * @param topic_out  receives the handle; release with ottla_topic_free()
 * @param error_out  optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK; OTTLA_ERR_INVALID_CONFIG if a property is not a topic's, or contradicts another;
 *         OTTLA_ERR_INVALID_STATE if the topic has other settings already; OTTLA_ERR_INVALID_ARGUMENT,
 *         OTTLA_ERR_CLOSED or OTTLA_ERR_FORKED
 *
 * Any thread, concurrently with any other call.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_topic_with(const struct ottla_producer *producer,
                                     const char *name,
                                     const struct ottla_config *overrides,
                                     struct ottla_topic **topic_out,
                                     struct ottla_error **error_out);

/**
 * The topic's name, valid as long as the handle. NULL for NULL.
 */
OTTLA_API const char *OTTLA_CALL ottla_topic_name(const struct ottla_topic *topic);

/**
 * Releases a handle. Records sent with it are not concerned. NULL is ignored. Any thread, callbacks too.
 */
OTTLA_API void OTTLA_CALL ottla_topic_free(struct ottla_topic *topic);

/**
 * Fills `record` as the initialiser of ottla_record does: all zero but for its size. Ignores NULL.
 *
 * @param struct_size  sizeof(ottla_record)
 */
OTTLA_API void OTTLA_CALL ottla_record_init(struct ottla_record *record, size_t struct_size);

/**
 * Hands a record over to be sent. When this returns OTTLA_ERR_OK the record was copied and is accepted: it gets
 * exactly one completion, which is told as ottla_config_set_delivery(), ottla_config_set_batch_delivery() or
 * ottla_config_set_poll() said. On any other code it was not accepted, and no completion follows. Waits for room in
 * buffer.memory only, at most max.block.ms, and never in a callback.
 *
 * @param topic      of this producer
 * @param record     borrowed for the call
 * @param userdata   comes back in the completion; may be NULL; not looked at
 * @param error_out  optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK; OTTLA_ERR_BUFFER_FULL; OTTLA_ERR_OUT_OF_MEMORY, at once, when the system has no memory for the
 *         record; OTTLA_ERR_RECORD_TOO_LARGE; OTTLA_ERR_UNKNOWN_PARTITION, if the partitions of the topic are known already
 *         (else the completion tells it); OTTLA_ERR_CLOSED; OTTLA_ERR_FORKED; OTTLA_ERR_INTERNAL;
 *         OTTLA_ERR_INVALID_ARGUMENT; with transactional.id also
 *         OTTLA_ERR_INVALID_STATE (no transaction is open), or why the transaction failed
 *         (ottla_error_requires_abort(), ottla_error_is_fatal())
 *
 * Any thread, concurrently with any other call, callbacks too. Records that one thread sends to a partition keep their
 * order.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_send(const struct ottla_producer *producer,
                               const struct ottla_topic *topic,
                               const struct ottla_record *record,
                               void *userdata,
                               struct ottla_error **error_out);

/**
 * The same with a function of this record's own, called instead of whatever serves by default.
 *
 * @param on_delivery  not NULL
 * @param userdata     given to on_delivery, as its argument and in the delivery
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_send_with(const struct ottla_producer *producer,
                                    const struct ottla_topic *topic,
                                    const struct ottla_record *record,
                                    ottla_delivery_fn on_delivery,
                                    void *userdata,
                                    struct ottla_error **error_out);

/**
 * ottla_producer_send() that never waits: OTTLA_ERR_BUFFER_FULL at once when there is no room.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_try_send(const struct ottla_producer *producer,
                                   const struct ottla_topic *topic,
                                   const struct ottla_record *record,
                                   void *userdata,
                                   struct ottla_error **error_out);

/**
 * ottla_producer_send_with() that never waits: OTTLA_ERR_BUFFER_FULL at once when there is no room.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_try_send_with(const struct ottla_producer *producer,
                                        const struct ottla_topic *topic,
                                        const struct ottla_record *record,
                                        ottla_delivery_fn on_delivery,
                                        void *userdata,
                                        struct ottla_error **error_out);

/**
 * Hands over records in turn, as ottla_producer_send() does each, until one is refused. Records without a timestamp
 * get that of the call.
 *
 * @param records       count records, borrowed for the call; NULL is allowed if count is 0
 * @param userdatas     count pointers, one for each record's completion; NULL: NULL for all
 * @param flags         0 or OTTLA_SEND_NO_WAIT
 * @param accepted_out  receives how many were accepted, on failure too: the first ones
 * @param error_out     optional; set only on failure: why records[*accepted_out] was refused; release with
 *                      ottla_error_free()
 * @return OTTLA_ERR_OK if all were accepted, else as ottla_producer_send()
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_send_many(const struct ottla_producer *producer,
                                    const struct ottla_topic *topic,
                                    const struct ottla_record *records,
                                    size_t count,
                                    void *const *userdatas,
                                    uint32_t flags,
                                    size_t *accepted_out,
                                    struct ottla_error **error_out);

/**
 * The same for records in flat form: one buffer without pointers, for languages that have none. Numbers are in the
 * machine's byte order; nothing is aligned or padded. `count` times:
 *
 *     offset  size
 *          0     8  tag, unsigned: the completion's tag (its userdata, as a number)
 *          8     8  timestamp, signed: milliseconds since 1970-01-01 UTC, with OTTLA_RECORD_TIMESTAMP
 *         16     4  partition, signed, with OTTLA_RECORD_PARTITION
 *         20     4  flags, unsigned: the sum of these two, of OTTLA_FLAT_KEY and of OTTLA_FLAT_VALUE
 *         24     4  key_len, signed, with OTTLA_FLAT_KEY; else the key is null
 *         28     4  value_len, signed, with OTTLA_FLAT_VALUE; else the value is null
 *         32     4  header_count, unsigned
 *         36        the key's bytes, the value's bytes, and header_count times:
 *                   4  name_len, signed
 *                   4  flags, unsigned: OTTLA_FLAT_VALUE or 0
 *                   4  value_len, signed, with OTTLA_FLAT_VALUE; else the value is null
 *                      the name's bytes, the value's bytes
 *
 * A member is 0 without its flag, as in ottla_record. 36 zeros are a record with a null key and a null value.
 *
 * @param buffer      buffer_len bytes, borrowed for the call; not changed
 * @param count       how many records it holds. A buffer that is not made of exactly so many is refused as a whole
 * @param flags       0 or OTTLA_SEND_NO_WAIT
 * @param accepted_out, error_out  as for ottla_producer_send_many()
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_send_flat(const struct ottla_producer *producer,
                                    const struct ottla_topic *topic,
                                    const uint8_t *buffer,
                                    size_t buffer_len,
                                    size_t count,
                                    uint32_t flags,
                                    size_t *accepted_out,
                                    struct ottla_error **error_out);

/**
 * Sends one record and waits for its fate; its batch does not linger. Whatever serves by default is not told of it.
 *
 * @param timeout_ms    longest wait, for room and for the fate; -1 waits without limit (but see delivery.timeout.ms)
 * @param delivery_out  its struct_size has to be set to sizeof(ottla_delivery). Filled on failure too: the fate then
 *                      is OTTLA_FATE_NOT_WRITTEN if the record was not accepted, and OTTLA_FATE_UNKNOWN after
 *                      OTTLA_ERR_TIMED_OUT: the record goes on, and what becomes of it is told to nobody. Its topic is
 *                      valid as long as the topic's handle; its error is NULL: error_out has it
 * @param error_out     optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK if it was written (acks=0: handed to the socket); OTTLA_ERR_TIMED_OUT; OTTLA_ERR_IN_CALLBACK;
 *         why the record failed; or as
 *         ottla_producer_send()
 *
 * Any thread, concurrently with any other call. Not from a callback.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_send_and_wait(const struct ottla_producer *producer,
                                        const struct ottla_topic *topic,
                                        const struct ottla_record *record,
                                        int64_t timeout_ms,
                                        struct ottla_delivery *delivery_out,
                                        struct ottla_error **error_out);

/**
 * ottla_producer_send() with a handle to wait for the record by. It lingers as usual (which
 * ottla_producer_send_and_wait() does not), so that many can be sent and then waited for. Whatever serves by default is
 * not told of the record.
 *
 * @param record      borrowed for the call
 * @param handle_out  receives the handle; release with ottla_send_free(), which does not keep the record from being
 *                    sent
 * @param error_out   optional; set only on failure, release with ottla_error_free()
 * @return as ottla_producer_send()
 *
 * Any thread, concurrently with any other call, callbacks too.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_send_handle(const struct ottla_producer *producer,
                                      const struct ottla_topic *topic,
                                      const struct ottla_record *record,
                                      struct ottla_send **handle_out,
                                      struct ottla_error **error_out);

/**
 * Waits for the fate of a record.
 *
 * @param handle        borrowed for the call
 * @param timeout_ms    longest wait; -1 waits without limit (but see delivery.timeout.ms), 0 only looks
 * @param delivery_out  its struct_size has to be set to sizeof(ottla_delivery). Filled as by
 *                      ottla_producer_send_and_wait(); the fate is OTTLA_FATE_UNKNOWN while it was not told. Its topic
 *                      is valid as long as the handle; its error is NULL: error_out has it
 * @param error_out     optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK if the record was written (acks=0: handed to the socket); why it failed; OTTLA_ERR_TIMED_OUT if its
 *         fate is not known yet (a record that ran into its own time limit has OTTLA_ERR_DELIVERY_TIMED_OUT);
 *         OTTLA_ERR_IN_CALLBACK if this would wait in a callback of the producer; OTTLA_ERR_FORKED or
 *         OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, any number at once, also after ottla_producer_close() and ottla_producer_free(), which decide every record
 * and so end each wait.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_send_wait(const struct ottla_send *handle,
                           int64_t timeout_ms,
                           struct ottla_delivery *delivery_out,
                           struct ottla_error **error_out);

/**
 * Releases a handle. The record goes on; what becomes of it is told to nobody, if it was not before. NULL is ignored. Any
 * thread, callbacks too, also after ottla_producer_free().
 */
OTTLA_API void OTTLA_CALL ottla_send_free(struct ottla_send *handle);

/**
 * ottla_producer_send() without a copy of the value: the library reads it where it is, until it calls on_release. Key
 * and headers are copied. Worth it for large values; one of less than a kilobyte is copied all the same, and given back
 * when the sender comes by.
 *
 * When this returns OTTLA_ERR_OK, the value must neither change nor move until on_release is called, which happens once
 * its bytes are not needed any more: when the record's batch was compressed, else when its fate is decided.
 * ottla_producer_flush() returns after that, but for a record that expired while a socket was busy with its bytes: they
 * are kept until the socket is done. ottla_producer_close() and ottla_producer_free() return after that in any case. On
 * any other code the record was not accepted: the value is the caller's as before, and on_release is not called for it.
 * The value counts into buffer.memory until it is given back.
 *
 * The completion has the value's address and length in ottla_delivery, and its address in ottla_delivery_entry.
 *
 * @param record            borrowed for the call, but for its value
 * @param on_release        not NULL; called for a null value too
 * @param release_userdata  given to on_release
 * @param userdata          comes back in the completion; may be NULL; not looked at
 * @param error_out         optional; set only on failure, release with ottla_error_free()
 * @return as ottla_producer_send()
 *
 * Any thread, concurrently with any other call, callbacks too.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_send_lent(const struct ottla_producer *producer,
                                    const struct ottla_topic *topic,
                                    const struct ottla_record *record,
                                    ottla_release_fn on_release,
                                    void *release_userdata,
                                    void *userdata,
                                    struct ottla_error **error_out);

/**
 * ottla_producer_send_lent() that never waits: OTTLA_ERR_BUFFER_FULL at once when there is no room.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_try_send_lent(const struct ottla_producer *producer,
                                        const struct ottla_topic *topic,
                                        const struct ottla_record *record,
                                        ottla_release_fn on_release,
                                        void *release_userdata,
                                        void *userdata,
                                        struct ottla_error **error_out);

/**
 * ottla_producer_send() for a record whose key or value, or both, are made of objects, by the serializers that
 * key.serializer and value.serializer name, or by the application's own (ottla_config_set_key_serializer(),
 * ottla_config_set_value_serializer()). What an object has to be:
 *
 *     bytes    const ottla_bytes *            string   const char *, UTF-8, ended by a NUL
 *     short    const int16_t *                integer  const int32_t *
 *     long     const int64_t *                float    const float *
 *     double   const double *                 uuid     const uint8_t[16]; sent as text of 36 characters
 *     boolean  const uint8_t *, 0 or another  void     only NULL
 *     the application's own: whatever that one reads
 *
 * Numbers are sent with the highest byte first, as Kafka's Java serializers do. Objects are looked at only inside the
 * call. The serializers run on the calling thread, the key's first.
 *
 * @param record        borrowed for the call: partition, timestamp and headers; its key has to be null if there is a
 *                      key_object, and its value if there is a value_object
 * @param key_object    NULL: the record's key counts (which may be null); no serializer is asked
 * @param value_object  likewise
 * @return as ottla_producer_send(); also OTTLA_ERR_SERIALIZATION; OTTLA_ERR_INVALID_ARGUMENT also for an object
 *         without a serializer; with a partitioner that needs_objects also what ottla_topic_partitions() returns, after
 *         waiting up to max.block.ms for the topic's partitions, or OTTLA_ERR_METADATA_TIMED_OUT where nothing waits
 *
 * Any thread, concurrently with any other call, callbacks too.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_send_objects(const struct ottla_producer *producer,
                                       const struct ottla_topic *topic,
                                       const struct ottla_record *record,
                                       const void *key_object,
                                       const void *value_object,
                                       void *userdata,
                                       struct ottla_error **error_out);

/**
 * ottla_producer_send_objects() that never waits: OTTLA_ERR_BUFFER_FULL at once when there is no room, and
 * OTTLA_ERR_METADATA_TIMED_OUT at once when a partitioner that needs_objects has to see partitions that are not known
 * yet; they are asked for, so trying again helps.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_try_send_objects(const struct ottla_producer *producer,
                                           const struct ottla_topic *topic,
                                           const struct ottla_record *record,
                                           const void *key_object,
                                           const void *value_object,
                                           void *userdata,
                                           struct ottla_error **error_out);

/**
 * ottla_producer_send_objects() with a function of this record's own, called instead of whatever serves by default.
 *
 * @param on_delivery  not NULL
 * @param userdata     given to on_delivery, as its argument and in the delivery
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_send_objects_with(const struct ottla_producer *producer,
                                            const struct ottla_topic *topic,
                                            const struct ottla_record *record,
                                            const void *key_object,
                                            const void *value_object,
                                            ottla_delivery_fn on_delivery,
                                            void *userdata,
                                            struct ottla_error **error_out);

/**
 * Gives up records that were accepted: they are completed with OTTLA_ERR_PURGED. The producer goes on; records that are
 * accepted while this call runs may be among those that it removes, later ones are not.
 *
 * A queued record has the fate OTTLA_FATE_NOT_WRITTEN, unless an earlier attempt left that open. A record in flight is
 * written or not, as its broker decides: OTTLA_FATE_UNKNOWN (but OTTLA_FATE_NOT_WRITTEN if no byte of its request was
 * written yet, which is then not sent). Its memory is held until its request is done.
 *
 * @param topic       its records alone; NULL for those of every topic
 * @param flags       OTTLA_PURGE_QUEUED, OTTLA_PURGE_IN_FLIGHT, or the sum of both
 * @param timeout_ms  longest wait until the completions were told or queued to be polled; -1 waits without limit, 0
 *                    does not wait: the purge then happens soon
 * @param error_out   optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK; OTTLA_ERR_TIMED_OUT (it happens all the same); OTTLA_ERR_IN_CALLBACK, if it would wait in a
 *         callback; OTTLA_ERR_CLOSED (freed), OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, concurrently with any other call; with timeout_ms 0 from callbacks too.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_purge(const struct ottla_producer *producer,
                                const struct ottla_topic *topic,
                                uint32_t flags,
                                int64_t timeout_ms,
                                struct ottla_error **error_out);

/**
 * Waits until a broker of the cluster has answered a question that this call asked: a check at start-up. Records can be
 * sent without it, before it and after it failed; the producer goes on trying in any case.
 *
 * @param timeout_ms  longest wait; -1 waits without limit
 * @param error_out   optional; set only on failure, release with ottla_error_free(). The message says of which host and
 *                    port what is known: the name is not resolved, the connection is refused or not answered, or what
 *                    answers is not a plaintext listener of a Kafka broker (another program, or a listener that
 *                    requires TLS or SASL)
 * @return OTTLA_ERR_OK. When the time is over: OTTLA_ERR_RESOLVE, OTTLA_ERR_IO, OTTLA_ERR_BAD_RESPONSE or
 *         OTTLA_ERR_UNSUPPORTED_BROKER for what went wrong last, else OTTLA_ERR_TIMED_OUT. OTTLA_ERR_IN_CALLBACK,
 *         OTTLA_ERR_CLOSED, OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, concurrently with any other call. Not from a callback.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_check(const struct ottla_producer *producer,
                                int64_t timeout_ms,
                                struct ottla_error **error_out);

/**
 * Waits until a broker has said, asked by this call, that the topic exists and that each of its partitions has a leader,
 * and until there is a connection to each of these leaders; the call makes those that are missing. What is wrong for good
 * (no right to the topic, a name that cannot be) ends the wait at once. A topic that is missing may still be created, and
 * a leader that refuses connections may still come up: they are waited for. Brokers that create topics when asked for
 * them may create it by this (see allow.auto.create.topics).
 *
 * @param timeout_ms  longest wait; -1 waits without limit
 * @param error_out   optional; set only on failure, release with ottla_error_free(). If a leader cannot be reached, the
 *                    message names the partition, the leader's address and what came of the last attempt
 * @return OTTLA_ERR_OK; what a broker answered, for example OTTLA_ERR_UNKNOWN_TOPIC_OR_PARTITION or
 *         OTTLA_ERR_LEADER_NOT_AVAILABLE; or as ottla_producer_check(), also for a leader that cannot be reached
 *
 * Any thread, concurrently with any other call. Not from a callback.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_topic_check(const struct ottla_topic *topic,
                             int64_t timeout_ms,
                             struct ottla_error **error_out);

/**
 * Asks a broker for the topic's partitions. Useful also to wait until the topic is known before the first record is
 * sent. Each call asks anew: what producing needs to know it finds out by itself.
 *
 * @param timeout_ms      longest wait; -1 waits without limit
 * @param partitions_out  receives the answer; release with ottla_partitions_free()
 * @param error_out       optional; set only on failure, release with ottla_error_free()
 * @return as ottla_topic_check(), but it is no error if a leader is missing or cannot be reached
 *
 * Any thread, concurrently with any other call. Not from a callback.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_topic_partitions(const struct ottla_topic *topic,
                                  int64_t timeout_ms,
                                  struct ottla_partitions **partitions_out,
                                  struct ottla_error **error_out);

/**
 * How many partitions. 0 for NULL.
 */
OTTLA_API size_t OTTLA_CALL ottla_partitions_count(const struct ottla_partitions *partitions);

/**
 * One of the partitions; they are in the order of their numbers.
 *
 * @param index          below ottla_partitions_count()
 * @param partition_out  its struct_size has to be set to sizeof(ottla_partition); filled, and valid as long as the
 *                       ottla_partitions
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_partitions_at(const struct ottla_partitions *partitions,
                               size_t index,
                               struct ottla_partition *partition_out);

/**
 * Releases what ottla_topic_partitions() gave. NULL is ignored. Any thread, callbacks too.
 */
OTTLA_API void OTTLA_CALL ottla_partitions_free(struct ottla_partitions *partitions);

/**
 * Gets the producer's id and epoch from the coordinator of its transactional.id: once for each producer, before its first
 * transaction. What an earlier producer of this transactional.id committed is seen by consumers when this returns; what
 * it left open is aborted; and if it still runs it is fenced, and fails.
 *
 * @param timeout_ms  longest wait; -1 waits without limit (also for brokers that never come: OTTLA_LOG_WARNING says what
 *                    it waits for), 0 does not wait: it begins and the answer is OTTLA_ERR_TIMED_OUT
 * @param error_out   optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK: begin a transaction;
 *         OTTLA_ERR_TIMED_OUT: it goes on, call again to wait for it; the message says what it waits for, and what the
 *         broker answered last;
 *         OTTLA_ERR_INVALID_STATE: there is no transactional.id, this was done before, or another call of transactions
 *         is under way;
 *         OTTLA_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, OTTLA_ERR_CLUSTER_AUTHORIZATION_FAILED,
 *         OTTLA_ERR_INVALID_TRANSACTION_TIMEOUT (transaction.timeout.ms is above the broker's
 *         transaction.max.timeout.ms): call again when the broker was told otherwise;
 *         OTTLA_ERR_TRANSACTION_ABORTABLE: call again;
 *         another code of Kafka's: the producer cannot go on (ottla_error_is_fatal()), close it;
 *         OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_CLOSED, OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, but one call of transactions at a time: a second one is refused. Not from a callback.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_init_transactions(const struct ottla_producer *producer,
                                            int64_t timeout_ms,
                                            struct ottla_error **error_out);

/**
 * Opens a transaction: from now on records can be sent, on any thread. No broker is asked.
 *
 * @param error_out  optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK;
 *         OTTLA_ERR_INVALID_STATE: none can be opened now, and the message says what to do first;
 *         a code of Kafka's with ottla_error_is_fatal(): the producer cannot go on, close it;
 *         OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_CLOSED, OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, but one call of transactions at a time. Not from a callback. Waits for the sender thread to see it: until a
 * callback that is running returns.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_begin_transaction(const struct ottla_producer *producer,
                                            struct ottla_error **error_out);

/**
 * Sends a consumer group's offsets with the open transaction: they are committed if, and when, it is. Records made of
 * what was consumed, and the mark that it was consumed, thus take effect together. The consumer must not commit offsets
 * itself (enable.auto.commit=false) and should read with isolation.level=read_committed; after an abort it goes back to
 * the offsets that its group has. May be called several times in a transaction; later offsets of a partition count.
 *
 * @param offsets     count offsets, borrowed for the call; NULL is allowed if count is 0, and nothing is sent then
 * @param group       borrowed for the call
 * @param timeout_ms  longest wait; -1 waits without limit, 0 does not wait: it begins, and OTTLA_ERR_TIMED_OUT
 * @param error_out   optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK: the group's coordinator holds them;
 *         OTTLA_ERR_TIMED_OUT: it goes on, call again to wait for it (the offsets of the first call count), or abort;
 *         OTTLA_ERR_INVALID_STATE: no transaction is open, or another call of transactions is under way;
 *         a code of Kafka's with ottla_error_requires_abort(): abort the transaction. With OTTLA_ERR_ILLEGAL_GENERATION,
 *         OTTLA_ERR_UNKNOWN_MEMBER_ID or OTTLA_ERR_FENCED_INSTANCE_ID the consumer is not in its group any more, and
 *         another one has, or will have, what it consumed;
 *         a code of Kafka's with ottla_error_is_fatal(): the producer cannot go on, close it;
 *         OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_CLOSED, OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, but one call of transactions at a time. Not from a callback.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_send_offsets_to_transaction(const struct ottla_producer *producer,
                                                      const struct ottla_offset *offsets,
                                                      size_t count,
                                                      const struct ottla_group_metadata *group,
                                                      int64_t timeout_ms,
                                                      struct ottla_error **error_out);

/**
 * Ends the open transaction so that all of it takes effect, its records and its offsets. A record that is sent while this
 * begins is in the transaction or refused; later ones are refused. Records that linger are sent at once, and all are waited
 * for. When this returns OTTLA_ERR_OK, each record's completion was told to its callback, or queued to be polled.
 *
 * @param timeout_ms  longest wait; -1 waits without limit, 0 does not wait: it begins, and OTTLA_ERR_TIMED_OUT. Records
 *                    have delivery.timeout.ms all the same
 * @param error_out   optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK: committed;
 *         OTTLA_ERR_TIMED_OUT: it goes on and may yet be committed: call again to wait for it. It cannot be aborted now;
 *         OTTLA_ERR_INVALID_STATE: no transaction is open, or another call of transactions is under way;
 *         any code with ottla_error_requires_abort(), that of the first record that failed for example: nothing of the
 *         transaction is seen by consumers that read committed records: abort it, and do it again;
 *         a code of Kafka's with ottla_error_is_fatal(): the producer cannot go on, close it. If it was told of while
 *         this call waited, the transaction may have been committed or not;
 *         OTTLA_ERR_CLOSED: the producer was closed meanwhile: committed or not, as above;
 *         OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, but one call of transactions at a time. Not from a callback.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_commit_transaction(const struct ottla_producer *producer,
                                             int64_t timeout_ms,
                                             struct ottla_error **error_out);

/**
 * Ends the open transaction, or one that failed, so that nothing of it takes effect. Records that were not sent yet are
 * completed with OTTLA_ERR_TRANSACTION_ABORTED; those on their way are waited for, at most their delivery.timeout.ms. When
 * this returns OTTLA_ERR_OK, each record's completion was told to its callback, or queued to be polled.
 *
 * @param timeout_ms  longest wait; -1 waits without limit, 0 does not wait: it begins, and OTTLA_ERR_TIMED_OUT
 * @param error_out   optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK: another transaction can begin;
 *         OTTLA_ERR_TIMED_OUT: it goes on, call again to wait for it;
 *         OTTLA_ERR_INVALID_STATE: no transaction is open, a commit timed out and goes on, or another call of
 *         transactions is under way;
 *         a code of Kafka's with ottla_error_is_fatal(): the producer cannot go on, close it; the transaction is not
 *         committed, its coordinator aborts it after transaction.timeout.ms at the latest;
 *         OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_CLOSED, OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, but one call of transactions at a time. Not from a callback.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_abort_transaction(const struct ottla_producer *producer,
                                            int64_t timeout_ms,
                                            struct ottla_error **error_out);

/**
 * One of ottla_transaction_state, as the sender thread last knew it. OTTLA_TRANSACTION_NONE for NULL and for a producer
 * that was freed. Any thread, callbacks too; it never waits.
 */
OTTLA_API int32_t OTTLA_CALL ottla_producer_transaction_state(const struct ottla_producer *producer);

/**
 * Adds an interceptor behind those added before: each sees a record as the one before it left it.
 *
 * @param interceptor  copied
 * @param error_out    optional; set only on failure, release with ottla_error_free(). On failure free_userdata is not
 *                     called
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_add_interceptor(struct ottla_config *config,
                                        const struct ottla_interceptor *interceptor,
                                        struct ottla_error **error_out);

/**
 * The topic's name. NULL for NULL.
 */
OTTLA_API const char *OTTLA_CALL ottla_sending_topic(const struct ottla_sending *sending);

/**
 * The record as it stands, valid until the next call with `sending` as a pointer that is not const. NULL for NULL.
 */
OTTLA_API const struct ottla_record *OTTLA_CALL ottla_sending_record(const struct ottla_sending *sending);

/**
 * What the key was made of, if the record was sent as objects, and whatever became of the key since; else NULL. NULL
 * for NULL.
 */
OTTLA_API const void *OTTLA_CALL ottla_sending_key_object(const struct ottla_sending *sending);

/**
 * What the value was made of, likewise.
 */
OTTLA_API const void *OTTLA_CALL ottla_sending_value_object(const struct ottla_sending *sending);

/**
 * Puts another record in the place of this one: key, value, headers, timestamp, partition, timeout. To change a part,
 * copy the structure that ottla_sending_record() shows and change that part.
 *
 * @param record     borrowed for the call: all it points to is copied, but for a key or value that the application
 *                   itself gave and that stayed as it is
 * @param error_out  optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT, and nothing has changed
 */
OTTLA_API ottla_code OTTLA_CALL ottla_sending_set_record(struct ottla_sending *sending,
                                    const struct ottla_record *record,
                                    struct ottla_error **error_out);

/**
 * Adds a header behind those there are.
 *
 * @param name   name_len bytes of UTF-8, copied; not NULL
 * @param value  value_len bytes, copied; NULL with value_len 0 is a null value
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_sending_add_header(struct ottla_sending *sending,
                                    const char *name,
                                    size_t name_len,
                                    const void *value,
                                    size_t value_len);

/**
 * Says why the interceptor failed.
 *
 * @param message  UTF-8, one line; copied
 * @return -1, so that `return ottla_sending_fail(sending, "...")` ends the function that was called
 */
OTTLA_API int32_t OTTLA_CALL ottla_sending_fail(struct ottla_sending *sending, const char *message);

/**
 * The topic's name, valid as long as the report. NULL for NULL.
 */
OTTLA_API const char *OTTLA_CALL ottla_report_topic(const struct ottla_report *report);

/**
 * The partition; -1 if the records failed before one was chosen, and for NULL.
 */
OTTLA_API int32_t OTTLA_CALL ottla_report_partition(const struct ottla_report *report);

/**
 * How many records. 0 for NULL.
 */
OTTLA_API size_t OTTLA_CALL ottla_report_count(const struct ottla_report *report);

/**
 * OTTLA_ERR_OK, or why the records failed. OTTLA_ERR_INVALID_ARGUMENT for NULL.
 */
OTTLA_API ottla_code OTTLA_CALL ottla_report_code(const struct ottla_report *report);

/**
 * Details of the failure, valid as long as the report; not to be freed. NULL on success and for NULL.
 */
OTTLA_API const struct ottla_error *OTTLA_CALL ottla_report_error(const struct ottla_report *report);

/**
 * The offset of the batch's first record; -1 if unknown, and for NULL.
 */
OTTLA_API int64_t OTTLA_CALL ottla_report_base_offset(const struct ottla_report *report);

/**
 * One of ottla_fate. OTTLA_FATE_UNKNOWN for NULL.
 */
OTTLA_API int32_t OTTLA_CALL ottla_report_fate(const struct ottla_report *report);

/**
 * The fate of one record.
 *
 * @param index         below ottla_report_count()
 * @param delivery_out  its struct_size has to be set to sizeof(ottla_delivery); filled, and valid as long as the
 *                      report
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_report_delivery_at(const struct ottla_report *report,
                                    size_t index,
                                    struct ottla_delivery *delivery_out);

/**
 * Releases a report. NULL is ignored. Any thread, also after ottla_producer_free().
 */
OTTLA_API void OTTLA_CALL ottla_report_free(struct ottla_report *report);

/**
 * Takes a snapshot. Costs what copying some numbers costs, and a look at each partition of the topics in use; nobody is
 * waited for, so it answers also while a callback does not return.
 *
 * @param producer        borrowed for the call
 * @param statistics_out  receives the snapshot; release with ottla_statistics_free()
 * @param error_out       optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK, OTTLA_ERR_CLOSED (freed), OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, callbacks too, also after ottla_producer_close().
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_statistics(const struct ottla_producer *producer,
                                     struct ottla_statistics **statistics_out,
                                     struct ottla_error **error_out);

/**
 * What came between two snapshots of one producer: counts and histograms are differences, levels are those of the later.
 *
 * @param later           borrowed for the call
 * @param earlier         borrowed for the call; taken before `later`, of the same producer. This is not checked: with
 *                        others there is no error, and the figures mean nothing
 * @param difference_out  receives the difference; release with ottla_statistics_free()
 * @param error_out       optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_statistics_since(const struct ottla_statistics *later,
                                  const struct ottla_statistics *earlier,
                                  struct ottla_statistics **difference_out,
                                  struct ottla_error **error_out);

/**
 * Releases a snapshot and what it gave. NULL is ignored. Any thread, also after ottla_producer_free().
 */
OTTLA_API void OTTLA_CALL ottla_statistics_free(struct ottla_statistics *statistics);

/**
 * When it was taken: milliseconds since 1970 UTC. 0 for NULL.
 */
OTTLA_API int64_t OTTLA_CALL ottla_statistics_taken_ms(const struct ottla_statistics *statistics);

/**
 * What the counts are over, in microseconds: since the producer was created, or for a difference since the earlier
 * snapshot. A rate is a count by this. 0 for NULL.
 */
OTTLA_API uint64_t OTTLA_CALL ottla_statistics_span_us(const struct ottla_statistics *statistics);

/**
 * The producer's figures, into a structure of the caller's.
 *
 * @param figures_out  its struct_size has to be set to sizeof(ottla_producer_figures)
 * @param error_out    optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_statistics_producer(const struct ottla_statistics *statistics,
                                     struct ottla_producer_figures *figures_out,
                                     struct ottla_error **error_out);

/**
 * How many brokers there are figures of: all that the cluster ever named, and the addresses of bootstrap.servers. 0 for
 * NULL. A broker keeps its index in later snapshots.
 */
OTTLA_API size_t OTTLA_CALL ottla_statistics_broker_count(const struct ottla_statistics *statistics);

/**
 * A broker's figures, into a structure of the caller's.
 *
 * @param index        below ottla_statistics_broker_count()
 * @param figures_out  its struct_size has to be set to sizeof(ottla_broker_figures)
 * @param error_out    optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_statistics_broker(const struct ottla_statistics *statistics,
                                   size_t index,
                                   struct ottla_broker_figures *figures_out,
                                   struct ottla_error **error_out);

/**
 * How many topics there are figures of: those that records were sent to. 0 for NULL. A topic keeps its index in later
 * snapshots.
 */
OTTLA_API size_t OTTLA_CALL ottla_statistics_topic_count(const struct ottla_statistics *statistics);

/**
 * A topic's figures, into a structure of the caller's.
 *
 * @param index        below ottla_statistics_topic_count()
 * @param figures_out  its struct_size has to be set to sizeof(ottla_topic_figures)
 * @param error_out    optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_statistics_topic(const struct ottla_statistics *statistics,
                                  size_t index,
                                  struct ottla_topic_figures *figures_out,
                                  struct ottla_error **error_out);

/**
 * How many different errors were met. 0 for NULL.
 */
OTTLA_API size_t OTTLA_CALL ottla_statistics_error_count(const struct ottla_statistics *statistics);

/**
 * How often one error was met, into a structure of the caller's; they are in the order of their codes.
 *
 * @param index        below ottla_statistics_error_count()
 * @param figures_out  its struct_size has to be set to sizeof(ottla_error_figures)
 * @param error_out    optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_statistics_error(const struct ottla_statistics *statistics,
                                  size_t index,
                                  struct ottla_error_figures *figures_out,
                                  struct ottla_error **error_out);

/**
 * All of it as one JSON object, whose members have the names of the structures here. Lives as long as the snapshot;
 * "{}" for NULL. UTF-8.
 */
OTTLA_API const char *OTTLA_CALL ottla_statistics_json(const struct ottla_statistics *statistics);

/**
 * All of it in the Prometheus text format, version 0.0.4: answer a scrape with it, of a snapshot that is not a
 * difference, as text/plain; version=0.0.4. Lives as long as the snapshot; "" for NULL. UTF-8.
 */
OTTLA_API const char *OTTLA_CALL ottla_statistics_prometheus(const struct ottla_statistics *statistics);

/**
 * Tells statistics to a function each `interval_ms`. Without this they are read by ottla_producer_statistics() alone.
 *
 * @param interval_ms    at least 1; a call that is late is not made up for
 * @param on_statistics  NULL: nobody is told
 * @param userdata       given to each call
 * @param free_userdata  optional; see ottla_free_fn. On failure it is not called
 * @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
 */
OTTLA_API ottla_code OTTLA_CALL ottla_config_set_statistics(struct ottla_config *config,
                                       int64_t interval_ms,
                                       ottla_statistics_fn on_statistics,
                                       void *userdata,
                                       ottla_free_fn free_userdata);

/**
 * What was counted so far, in a structure of the caller's.
 *
 * @param counters_out  its struct_size has to be set to sizeof(ottla_counters)
 * @param error_out     optional; set only on failure, release with ottla_error_free()
 * @return OTTLA_ERR_OK, OTTLA_ERR_CLOSED (freed) or OTTLA_ERR_INVALID_ARGUMENT
 *
 * Any thread, callbacks too, also after ottla_producer_close() and in a child after fork().
 */
OTTLA_API ottla_code OTTLA_CALL ottla_producer_counters(const struct ottla_producer *producer,
                                   struct ottla_counters *counters_out,
                                   struct ottla_error **error_out);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* OTTLA_H */
