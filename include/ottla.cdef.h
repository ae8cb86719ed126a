/* The declarations of ottla.h for tools that read C without a preprocessor, for example Python's cffi. They have to know
 * size_t and the types of <stdint.h>. Constants are enumerators. The descriptions are in ottla.h.
 *
 * Generated from src by tests/header.rs: do not edit. */
struct ottla_delivery;
struct ottla_report;
enum { OTTLA_VERSION_MAJOR = 0 };
enum { OTTLA_VERSION_MINOR = 1 };
enum { OTTLA_VERSION_PATCH = 0 };
const char *ottla_version(void);
uint32_t ottla_version_number(void);
typedef int32_t ottla_code;
typedef enum ottla_err {
    OTTLA_ERR_OK = 0,
    OTTLA_ERR_UNKNOWN_SERVER_ERROR = -1,
    OTTLA_ERR_INVALID_ARGUMENT = -2,
    OTTLA_ERR_INVALID_CONFIG = -3,
    OTTLA_ERR_CLOSED = -4,
    OTTLA_ERR_TIMED_OUT = -5,
    OTTLA_ERR_BUFFER_FULL = -6,
    OTTLA_ERR_RECORD_TOO_LARGE = -7,
    OTTLA_ERR_IN_CALLBACK = -8,
    OTTLA_ERR_INTERNAL = -9,
    OTTLA_ERR_FORKED = -10,
    OTTLA_ERR_INVALID_STATE = -11,
    OTTLA_ERR_UNKNOWN_PARTITION = -12,
    OTTLA_ERR_DELIVERY_TIMED_OUT = -13,
    OTTLA_ERR_METADATA_TIMED_OUT = -14,
    OTTLA_ERR_PURGED = -15,
    OTTLA_ERR_BAD_RESPONSE = -16,
    OTTLA_ERR_UNSUPPORTED_BROKER = -17,
    OTTLA_ERR_IO = -18,
    OTTLA_ERR_RESOLVE = -19,
    OTTLA_ERR_PARTITIONER_FAILED = -20,
    OTTLA_ERR_SERIALIZATION = -21,
    OTTLA_ERR_TRANSACTION_ABORTED = -22,
    OTTLA_ERR_OUT_OF_MEMORY = -23,
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
typedef struct ottla_error ottla_error;
const char *ottla_code_name(ottla_code code);
int32_t ottla_code_is_retriable(ottla_code code);
int32_t ottla_code_is_fatal(ottla_code code);
ottla_code ottla_error_code(const struct ottla_error *error);
const char *ottla_error_name(const struct ottla_error *error);
const char *ottla_error_message(const struct ottla_error *error);
int32_t ottla_error_is_retriable(const struct ottla_error *error);
int32_t ottla_error_is_fatal(const struct ottla_error *error);
int32_t ottla_error_requires_abort(const struct ottla_error *error);
void ottla_error_free(struct ottla_error *error);
typedef void (*ottla_free_fn)(void *userdata);
typedef struct ottla_config ottla_config;
struct ottla_config *ottla_config_new(void);
struct ottla_config *ottla_config_copy(const struct ottla_config *config);
void ottla_config_free(struct ottla_config *config);
ottla_code ottla_config_set(struct ottla_config *config, const char *name,
    const char *value, struct ottla_error **error_out);
ottla_code ottla_config_get(const struct ottla_config *config,
    const char *name, char *buffer, size_t buffer_len, size_t *len_out,
    struct ottla_error **error_out);
ottla_code ottla_config_load_file(struct ottla_config *config,
    const char *path, struct ottla_error **error_out);
ottla_code ottla_config_load_text(struct ottla_config *config,
    const char *properties, struct ottla_error **error_out);
typedef enum ottla_importance {
    OTTLA_IMPORTANCE_HIGH = 1,
    OTTLA_IMPORTANCE_MEDIUM = 2,
    OTTLA_IMPORTANCE_LOW = 3,
} ottla_importance;
typedef enum ottla_scope {
    OTTLA_SCOPE_PRODUCER = 1,
    OTTLA_SCOPE_TOPIC = 2,
} ottla_scope;
typedef enum ottla_property_state {
    OTTLA_PROPERTY_IMPLEMENTED = 1,
    OTTLA_PROPERTY_LATER = 2,
    OTTLA_PROPERTY_JVM_ONLY = 3,
} ottla_property_state;
typedef struct ottla_property {
    size_t struct_size;
    const char *name;
    const char *type;
    const char *default_value;
    const char *valid_values;
    const char *documentation;
    const char *source;
    const char *remark;
    int32_t importance;
    int32_t scope;
    int32_t state;
    int32_t reserved;
} ottla_property;
size_t ottla_property_count(void);
const struct ottla_property *ottla_property_at(size_t index);
typedef enum ottla_log_level {
    OTTLA_LOG_ERROR = 3,
    OTTLA_LOG_WARNING = 4,
    OTTLA_LOG_NOTICE = 5,
    OTTLA_LOG_INFO = 6,
    OTTLA_LOG_DEBUG = 7,
} ottla_log_level;
typedef void (*ottla_log_fn)(int32_t level, const char *message, void *userdata);
ottla_code ottla_config_set_log(struct ottla_config *config,
    ottla_log_fn on_log, void *userdata, ottla_free_fn free_userdata, int32_t level);
typedef struct ottla_producer ottla_producer;
ottla_code ottla_producer_new(const struct ottla_config *config,
    struct ottla_producer **producer_out, struct ottla_error **error_out);
ottla_code ottla_producer_free(struct ottla_producer *producer);
ottla_code ottla_producer_set_debug(const struct ottla_producer *producer,
    const char *facilities, struct ottla_error **error_out);
ottla_code ottla_producer_add_brokers(const struct ottla_producer *producer,
    const char *servers, struct ottla_error **error_out);
uint64_t ottla_producer_buffered_bytes(const struct ottla_producer *producer);
uint64_t ottla_producer_buffered_records(
    const struct ottla_producer *producer);
typedef struct ottla_topic ottla_topic;
ottla_code ottla_producer_topic(const struct ottla_producer *producer,
    const char *name, struct ottla_topic **topic_out, struct ottla_error **error_out);
ottla_code ottla_producer_topic_with(const struct ottla_producer *producer,
    const char *name, const struct ottla_config *overrides, struct ottla_topic **topic_out,
    struct ottla_error **error_out);
const char *ottla_topic_name(const struct ottla_topic *topic);
void ottla_topic_free(struct ottla_topic *topic);
typedef struct ottla_header {
    const char *name;
    size_t name_len;
    const void *value;
    size_t value_len;
    void *reserved;
} ottla_header;
enum { OTTLA_RECORD_PARTITION = 1 };
enum { OTTLA_RECORD_TIMESTAMP = 2 };
typedef struct ottla_record {
    size_t struct_size;
    uint32_t flags;
    int32_t partition;
    int64_t timestamp;
    const void *key;
    size_t key_len;
    const void *value;
    size_t value_len;
    const struct ottla_header *headers;
    size_t header_count;
    int32_t timeout_ms;
    uint32_t reserved;
    void *reserved_pointer;
} ottla_record;
void ottla_record_init(struct ottla_record *record, size_t struct_size);
typedef void (*ottla_release_fn)(const void *value, size_t value_len, void *release_userdata);
typedef struct ottla_send ottla_send;
ottla_code ottla_send_wait(const struct ottla_send *handle, int64_t timeout_ms,
    struct ottla_delivery *delivery_out, struct ottla_error **error_out);
void ottla_send_free(struct ottla_send *handle);
enum { OTTLA_SEND_NO_WAIT = 1 };
typedef void (*ottla_delivery_fn)(const struct ottla_delivery *delivery, void *userdata);
typedef struct ottla_send_options {
    size_t struct_size;
    uint32_t flags;
    uint32_t reserved;
    ottla_delivery_fn on_delivery;
    ottla_release_fn on_release;
    void *release_userdata;
    struct ottla_send **handle_out;
} ottla_send_options;
ottla_code ottla_producer_send(const struct ottla_producer *producer,
    const struct ottla_topic *topic, const struct ottla_record *record, void *userdata,
    const struct ottla_send_options *options, struct ottla_error **error_out);
ottla_code ottla_producer_send_many(const struct ottla_producer *producer,
    const struct ottla_topic *topic, const struct ottla_record *records, size_t count,
    void *const *userdatas, const struct ottla_send_options *options, size_t *accepted_out,
    struct ottla_error **error_out);
ottla_code ottla_producer_send_and_wait(const struct ottla_producer *producer,
    const struct ottla_topic *topic, const struct ottla_record *record, int64_t timeout_ms,
    struct ottla_delivery *delivery_out, struct ottla_error **error_out);
enum { OTTLA_FLAT_KEY = 4 };
enum { OTTLA_FLAT_VALUE = 8 };
ottla_code ottla_producer_send_flat(const struct ottla_producer *producer,
    const struct ottla_topic *const *topics, size_t topic_count, const uint8_t *buffer,
    size_t buffer_len, size_t count, const struct ottla_send_options *options, size_t *accepted_out,
    size_t *consumed_out, struct ottla_error **error_out);
typedef struct ottla_bytes {
    const void *data;
    size_t len;
} ottla_bytes;
ottla_code ottla_producer_send_objects(const struct ottla_producer *producer,
    const struct ottla_topic *topic, const struct ottla_record *record, const void *key_object,
    const void *value_object, void *userdata, const struct ottla_send_options *options,
    struct ottla_error **error_out);
typedef enum ottla_fate {
    OTTLA_FATE_UNKNOWN = 0,
    OTTLA_FATE_WRITTEN = 1,
    OTTLA_FATE_NOT_WRITTEN = 2,
} ottla_fate;
typedef struct ottla_delivery {
    size_t struct_size;
    ottla_code code;
    int32_t fate;
    const char *topic;
    int32_t partition;
    uint32_t attempts;
    int64_t offset;
    int64_t timestamp;
    void *userdata;
    uint64_t tag;
    const struct ottla_error *error;
    int64_t latency_us;
    uint64_t reserved[2];
    const void *value;
    size_t value_len;
    const struct ottla_record *record;
} ottla_delivery;
typedef struct ottla_delivery_entry {
    void *userdata;
    uint64_t tag;
    int64_t offset;
    int64_t timestamp;
    const void *value;
    size_t value_len;
} ottla_delivery_entry;
typedef struct ottla_batch {
    size_t struct_size;
    ottla_code code;
    int32_t fate;
    const char *topic;
    int32_t partition;
    uint32_t attempts;
    int64_t base_offset;
    const struct ottla_error *error;
    int64_t latency_us;
    const struct ottla_delivery_entry *entries;
    size_t count;
    uint64_t reserved[2];
    const struct ottla_record *records;
} ottla_batch;
typedef void (*ottla_batch_fn)(const struct ottla_batch *batch, void *userdata);
ottla_code ottla_config_set_delivery(struct ottla_config *config,
    ottla_delivery_fn on_delivery, void *userdata, ottla_free_fn free_userdata);
ottla_code ottla_config_set_batch_delivery(struct ottla_config *config,
    ottla_batch_fn on_batch, void *userdata, ottla_free_fn free_userdata);
typedef void (*ottla_ready_fn)(void *userdata);
ottla_code ottla_config_set_poll(struct ottla_config *config,
    ottla_ready_fn on_ready, void *userdata, ottla_free_fn free_userdata);
ottla_code ottla_producer_poll(const struct ottla_producer *producer,
    int64_t timeout_ms, struct ottla_report **reports_out, size_t max_reports, size_t *count_out,
    struct ottla_error **error_out);
int32_t ottla_producer_poll_fd(const struct ottla_producer *producer);
typedef struct ottla_report ottla_report;
const struct ottla_batch *ottla_report_batch(
    const struct ottla_report *report);
const struct ottla_record *ottla_report_records(
    const struct ottla_report *report);
void ottla_report_free(struct ottla_report *report);
enum { OTTLA_FLUSH_POLLED = 1 };
ottla_code ottla_producer_flush(const struct ottla_producer *producer,
    int64_t timeout_ms, uint32_t flags, struct ottla_error **error_out);
ottla_code ottla_producer_close(const struct ottla_producer *producer,
    int64_t timeout_ms, struct ottla_error **error_out);
typedef enum ottla_purge {
    OTTLA_PURGE_QUEUED = 1,
    OTTLA_PURGE_IN_FLIGHT = 2,
} ottla_purge;
ottla_code ottla_producer_purge(const struct ottla_producer *producer,
    const struct ottla_topic *topic, uint32_t flags, int64_t timeout_ms,
    struct ottla_error **error_out);
typedef enum ottla_transaction_state {
    OTTLA_TRANSACTION_NONE = 0,
    OTTLA_TRANSACTION_UNINITIALIZED = 1,
    OTTLA_TRANSACTION_INITIALIZING = 2,
    OTTLA_TRANSACTION_READY = 3,
    OTTLA_TRANSACTION_OPEN = 4,
    OTTLA_TRANSACTION_COMMITTING = 5,
    OTTLA_TRANSACTION_ABORTING = 6,
    OTTLA_TRANSACTION_ABORT_REQUIRED = 7,
    OTTLA_TRANSACTION_FATAL = 8,
} ottla_transaction_state;
enum { OTTLA_OFFSET_LEADER_EPOCH = 1 };
typedef struct ottla_offset {
    const char *topic;
    int32_t partition;
    uint32_t flags;
    int64_t offset;
    int32_t leader_epoch;
    uint32_t reserved;
    const char *metadata;
    void *reserved_pointer;
} ottla_offset;
enum { OTTLA_GROUP_GENERATION = 1 };
typedef struct ottla_group_metadata {
    size_t struct_size;
    uint32_t flags;
    int32_t generation_id;
    const char *group_id;
    const char *member_id;
    const char *group_instance_id;
} ottla_group_metadata;
ottla_code ottla_producer_init_transactions(
    const struct ottla_producer *producer, int64_t timeout_ms, struct ottla_error **error_out);
ottla_code ottla_producer_begin_transaction(
    const struct ottla_producer *producer, struct ottla_error **error_out);
ottla_code ottla_producer_send_offsets_to_transaction(
    const struct ottla_producer *producer, const struct ottla_offset *offsets, size_t count,
    const struct ottla_group_metadata *group, int64_t timeout_ms, struct ottla_error **error_out);
ottla_code ottla_producer_commit_transaction(
    const struct ottla_producer *producer, int64_t timeout_ms, struct ottla_error **error_out);
ottla_code ottla_producer_abort_transaction(
    const struct ottla_producer *producer, int64_t timeout_ms, struct ottla_error **error_out);
int32_t ottla_producer_transaction_state(
    const struct ottla_producer *producer);
ottla_code ottla_producer_check(const struct ottla_producer *producer,
    int64_t timeout_ms, struct ottla_error **error_out);
ottla_code ottla_topic_check(const struct ottla_topic *topic,
    int64_t timeout_ms, struct ottla_error **error_out);
typedef struct ottla_partitions ottla_partitions;
typedef struct ottla_partition {
    size_t struct_size;
    int32_t partition;
    int32_t leader_id;
    int32_t leader_epoch;
    int32_t leader_port;
    const char *leader_host;
    const int32_t *replicas;
    size_t replica_count;
    const int32_t *in_sync;
    size_t in_sync_count;
    const int32_t *offline;
    size_t offline_count;
} ottla_partition;
ottla_code ottla_topic_partitions(const struct ottla_topic *topic,
    int64_t timeout_ms, struct ottla_partitions **partitions_out, struct ottla_error **error_out);
size_t ottla_partitions_count(const struct ottla_partitions *partitions);
ottla_code ottla_partitions_at(const struct ottla_partitions *partitions,
    size_t index, struct ottla_partition *partition_out);
void ottla_partitions_free(struct ottla_partitions *partitions);
typedef enum ottla_event_kind {
    OTTLA_EVENT_BROKER_UP = 1,
    OTTLA_EVENT_BROKER_DOWN = 2,
    OTTLA_EVENT_ALL_BROKERS_DOWN = 3,
    OTTLA_EVENT_THROTTLED = 4,
    OTTLA_EVENT_FATAL = 5,
    OTTLA_EVENT_BUFFER_ROOM = 6,
    OTTLA_EVENT_REBOOTSTRAP = 7,
    OTTLA_EVENT_TOPIC_MISSING = 8,
} ottla_event_kind;
typedef struct ottla_event {
    size_t struct_size;
    int32_t kind;
    ottla_code code;
    int32_t broker_id;
    int32_t port;
    const char *host;
    int64_t throttle_ms;
    const struct ottla_error *error;
    const char *message;
    uint64_t dropped;
    const char *topic;
} ottla_event;
typedef void (*ottla_event_fn)(const struct ottla_event *event, void *userdata);
ottla_code ottla_config_set_events(struct ottla_config *config,
    ottla_event_fn on_event, void *userdata, ottla_free_fn free_userdata);
ottla_code ottla_config_set_event_poll(struct ottla_config *config,
    size_t max_events, ottla_ready_fn on_ready, void *userdata, ottla_free_fn free_userdata);
ottla_code ottla_producer_poll_event(const struct ottla_producer *producer,
    int64_t timeout_ms, struct ottla_event **event_out, struct ottla_error **error_out);
void ottla_event_free(struct ottla_event *event);
typedef struct ottla_counters {
    size_t struct_size;
    uint64_t records_delivered;
    uint64_t records_failed;
    uint64_t records_unknown;
    uint64_t batches_sent;
    uint64_t batches_retried;
    uint64_t batches_split;
    uint64_t batches_expired;
    uint64_t epochs_bumped;
    uint64_t produce_requests;
    uint64_t requests;
    uint64_t responses;
    uint64_t requests_timed_out;
    uint64_t bytes_sent;
    uint64_t record_bytes;
    uint64_t payload_bytes;
    uint64_t bytes_received;
    uint64_t connections_opened;
    uint64_t connections_failed;
    uint64_t connections_closed;
    uint64_t metadata_updates;
    uint64_t throttle_ms;
    uint64_t reports_held;
} ottla_counters;
ottla_code ottla_producer_counters(const struct ottla_producer *producer,
    struct ottla_counters *counters_out, struct ottla_error **error_out);
typedef struct ottla_statistics ottla_statistics;
typedef struct ottla_histogram {
    uint64_t count;
    uint64_t sum;
    uint64_t min;
    uint64_t max;
    uint64_t p50;
    uint64_t p75;
    uint64_t p90;
    uint64_t p95;
    uint64_t p99;
    uint64_t p999;
    uint64_t reserved[2];
} ottla_histogram;
typedef struct ottla_producer_figures {
    size_t struct_size;
    uint64_t records_sent;
    uint64_t records_delivered;
    uint64_t records_failed;
    uint64_t records_unknown;
    uint64_t records_expired;
    uint64_t records_purged;
    uint64_t records_retried;
    int64_t records_held;
    uint64_t record_bytes;
    uint64_t payload_bytes;
    double compression_ratio;
    uint64_t batches_sent;
    uint64_t batches_retried;
    uint64_t batches_split;
    uint64_t batches_expired;
    struct ottla_histogram batch_bytes;
    struct ottla_histogram batch_records;
    struct ottla_histogram records_per_request;
    struct ottla_histogram request_bytes;
    struct ottla_histogram queue_time_us;
    struct ottla_histogram request_latency_us;
    struct ottla_histogram delivery_time_us;
    struct ottla_histogram throttle_time_us;
    uint64_t throttle_ms;
    uint64_t epochs_bumped;
    int64_t producer_id;
    uint64_t produce_requests;
    uint64_t requests;
    uint64_t responses;
    uint64_t requests_timed_out;
    int64_t requests_in_flight;
    uint64_t bytes_sent;
    uint64_t bytes_received;
    uint64_t connections_opened;
    uint64_t connections_failed;
    uint64_t connections_closed;
    int64_t connections_open;
    uint64_t metadata_updates;
    int64_t metadata_age_us;
    int64_t topics;
    int64_t partitions;
    int64_t buffer_total_bytes;
    int64_t buffer_used_bytes;
    int64_t buffer_waiting;
    uint64_t buffer_waits;
    uint64_t buffer_wait_us;
    uint64_t buffer_exhausted;
    uint64_t flushes;
    uint64_t flush_us;
    struct ottla_histogram callback_time_us;
    int64_t callback_running_us;
    uint64_t turns;
    int64_t buffer_report_bytes;
} ottla_producer_figures;
typedef struct ottla_broker_figures {
    size_t struct_size;
    const char *address;
    int64_t id;
    int64_t state;
    int64_t connected_us;
    uint64_t requests;
    uint64_t responses;
    uint64_t requests_timed_out;
    int64_t requests_in_flight;
    uint64_t bytes_sent;
    uint64_t bytes_received;
    struct ottla_histogram request_bytes;
    struct ottla_histogram request_latency_us;
    uint64_t batches_sent;
    uint64_t batches_retried;
    uint64_t batches_refused;
    uint64_t connections_opened;
    uint64_t connections_failed;
    uint64_t connections_closed;
    uint64_t throttle_ms;
    int64_t partitions;
    int64_t records_waiting;
    int64_t bytes_waiting;
} ottla_broker_figures;
typedef struct ottla_topic_figures {
    size_t struct_size;
    const char *name;
    uint64_t records_sent;
    uint64_t records_delivered;
    uint64_t records_failed;
    uint64_t records_unknown;
    uint64_t records_expired;
    uint64_t records_purged;
    uint64_t records_retried;
    uint64_t record_bytes;
    uint64_t payload_bytes;
    double compression_ratio;
    uint64_t batches_sent;
    uint64_t batches_retried;
    uint64_t batches_split;
    struct ottla_histogram batch_bytes;
    struct ottla_histogram delivery_time_us;
    int64_t partitions;
    int64_t partitions_without_leader;
    int64_t records_waiting;
    int64_t bytes_waiting;
    int64_t records_taken;
} ottla_topic_figures;
typedef struct ottla_error_figures {
    size_t struct_size;
    ottla_code code;
    int32_t reserved;
    uint64_t batches_refused;
    uint64_t records_failed;
} ottla_error_figures;
ottla_code ottla_producer_statistics(const struct ottla_producer *producer,
    struct ottla_statistics **statistics_out, struct ottla_error **error_out);
ottla_code ottla_statistics_since(const struct ottla_statistics *later,
    const struct ottla_statistics *earlier, struct ottla_statistics **difference_out,
    struct ottla_error **error_out);
void ottla_statistics_free(struct ottla_statistics *statistics);
int64_t ottla_statistics_taken_ms(const struct ottla_statistics *statistics);
uint64_t ottla_statistics_span_us(const struct ottla_statistics *statistics);
ottla_code ottla_statistics_producer(const struct ottla_statistics *statistics,
    struct ottla_producer_figures *figures_out, struct ottla_error **error_out);
size_t ottla_statistics_broker_count(
    const struct ottla_statistics *statistics);
ottla_code ottla_statistics_broker(const struct ottla_statistics *statistics,
    size_t index, struct ottla_broker_figures *figures_out, struct ottla_error **error_out);
size_t ottla_statistics_topic_count(const struct ottla_statistics *statistics);
ottla_code ottla_statistics_topic(const struct ottla_statistics *statistics,
    size_t index, struct ottla_topic_figures *figures_out, struct ottla_error **error_out);
size_t ottla_statistics_error_count(const struct ottla_statistics *statistics);
ottla_code ottla_statistics_error(const struct ottla_statistics *statistics,
    size_t index, struct ottla_error_figures *figures_out, struct ottla_error **error_out);
const char *ottla_statistics_json(const struct ottla_statistics *statistics);
const char *ottla_statistics_prometheus(
    const struct ottla_statistics *statistics);
typedef void (*ottla_statistics_fn)(const struct ottla_statistics *statistics, void *userdata);
ottla_code ottla_config_set_statistics(struct ottla_config *config,
    int64_t interval_ms, ottla_statistics_fn on_statistics, void *userdata,
    ottla_free_fn free_userdata);
typedef struct ottla_settings ottla_settings;
typedef int32_t (*ottla_configure_fn)(const struct ottla_settings *settings, void *userdata);
typedef void (*ottla_close_fn)(void *userdata);
size_t ottla_settings_count(const struct ottla_settings *settings);
const char *ottla_settings_name_at(const struct ottla_settings *settings,
    size_t index);
const char *ottla_settings_value_at(const struct ottla_settings *settings,
    size_t index);
const char *ottla_settings_get(const struct ottla_settings *settings,
    const char *name);
int32_t ottla_settings_fail(const struct ottla_settings *settings,
    const char *message);
typedef struct ottla_choice {
    size_t struct_size;
    const char *topic;
    const void *key;
    size_t key_len;
    const void *value;
    size_t value_len;
    const void *key_object;
    const void *value_object;
    int32_t partition_count;
    int32_t reserved;
    const void *internal;
} ottla_choice;
typedef int32_t (*ottla_partition_fn)(const struct ottla_choice *choice, void *userdata);
typedef struct ottla_partitioner {
    size_t struct_size;
    ottla_configure_fn configure;
    ottla_partition_fn partition;
    ottla_close_fn close;
    void *userdata;
    ottla_free_fn free_userdata;
    int32_t needs_objects;
    int32_t reserved;
} ottla_partitioner;
ottla_code ottla_config_set_partitioner(struct ottla_config *config,
    const struct ottla_partitioner *partitioner, struct ottla_error **error_out);
int32_t ottla_choice_leader(const struct ottla_choice *choice,
    int32_t partition);
int32_t ottla_choice_is_available(const struct ottla_choice *choice,
    int32_t partition);
uint64_t ottla_choice_queued_bytes(const struct ottla_choice *choice,
    int32_t partition);
int32_t ottla_choice_fail(const struct ottla_choice *choice,
    const char *message);
typedef struct ottla_serialized ottla_serialized;
typedef int32_t (*ottla_serialize_fn)(const char *topic,
                                      const void *object,
                                      struct ottla_serialized *out,
                                      void *userdata);
typedef struct ottla_serializer {
    size_t struct_size;
    ottla_configure_fn configure;
    ottla_serialize_fn serialize;
    ottla_close_fn close;
    void *userdata;
    ottla_free_fn free_userdata;
} ottla_serializer;
ottla_code ottla_config_set_key_serializer(struct ottla_config *config,
    const struct ottla_serializer *serializer, struct ottla_error **error_out);
ottla_code ottla_config_set_value_serializer(struct ottla_config *config,
    const struct ottla_serializer *serializer, struct ottla_error **error_out);
ottla_code ottla_serialized_append(struct ottla_serialized *out,
    const void *bytes, size_t len);
ottla_code ottla_serialized_set_null(struct ottla_serialized *out);
ottla_code ottla_serialized_add_header(struct ottla_serialized *out,
    const char *name, size_t name_len, const void *value, size_t value_len);
int32_t ottla_serialized_fail(struct ottla_serialized *out,
    const char *message);
typedef struct ottla_sending ottla_sending;
typedef int32_t (*ottla_on_send_fn)(struct ottla_sending *sending, void *userdata);
typedef int32_t (*ottla_on_acknowledgement_fn)(const struct ottla_delivery *delivery, void *userdata);
typedef struct ottla_interceptor {
    size_t struct_size;
    ottla_configure_fn configure;
    ottla_on_send_fn on_send;
    ottla_on_acknowledgement_fn on_acknowledgement;
    ottla_close_fn close;
    void *userdata;
    ottla_free_fn free_userdata;
} ottla_interceptor;
ottla_code ottla_config_add_interceptor(struct ottla_config *config,
    const struct ottla_interceptor *interceptor, struct ottla_error **error_out);
const char *ottla_sending_topic(const struct ottla_sending *sending);
const struct ottla_record *ottla_sending_record(
    const struct ottla_sending *sending);
const void *ottla_sending_key_object(const struct ottla_sending *sending);
const void *ottla_sending_value_object(const struct ottla_sending *sending);
ottla_code ottla_sending_set_record(struct ottla_sending *sending,
    const struct ottla_record *record, struct ottla_error **error_out);
ottla_code ottla_sending_add_header(struct ottla_sending *sending,
    const char *name, size_t name_len, const void *value, size_t value_len);
int32_t ottla_sending_fail(struct ottla_sending *sending, const char *message);
