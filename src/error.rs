//! Error codes and error objects.

use std::ffi::{CStr, CString, c_char};
use std::sync::OnceLock;

use super::guarded;
use ottla_engine::{Error, ErrorKind};
use ottla_host::text::{c_message, c_string};

/// The outcome of a call or of a record: 0 for success, negative for Ottla's own errors, positive for a code of the
/// Kafka protocol as the broker sent it (org.apache.kafka.common.protocol.Errors), even if this release has no name for
/// it. ottla_err names the values. The type is a plain number, so that new codes break no program.
pub type ottla_code = i32;

/// Names for the values of ottla_code. A number never gets another meaning.
#[repr(C)]
#[derive(Clone, Copy)]
#[expect(dead_code, reason = "named for C, where enumerators share one scope; codes travel as ottla_code")]
pub enum ottla_err {
    /// Success.
    OTTLA_ERR_OK = 0,
    /// The broker answered UNKNOWN_SERVER_ERROR (its code is -1 in the protocol too).
    OTTLA_ERR_UNKNOWN_SERVER_ERROR = -1,
    /// An argument of the call is not valid.
    OTTLA_ERR_INVALID_ARGUMENT = -2,
    /// A property is unknown, its value is out of range, or two properties contradict each other.
    OTTLA_ERR_INVALID_CONFIG = -3,
    /// The producer is closed or closing.
    OTTLA_ERR_CLOSED = -4,
    /// The time limit of the call passed. The message says what the call was waiting for, and what came back last.
    OTTLA_ERR_TIMED_OUT = -5,
    /// There is no room in buffer.memory, and the call may not wait for it, or waited as long as it may.
    OTTLA_ERR_BUFFER_FULL = -6,
    /// The record alone is larger than max.request.size or buffer.memory.
    OTTLA_ERR_RECORD_TOO_LARGE = -7,
    /// The call waits, or ends the producer, so it is not allowed in a callback of the producer.
    OTTLA_ERR_IN_CALLBACK = -8,
    /// A defect in Ottla: a panic was caught, or an invariant did not hold.
    OTTLA_ERR_INTERNAL = -9,
    /// The producer belongs to the process that forked this one.
    OTTLA_ERR_FORKED = -10,
    /// The call is not allowed in the producer's present state.
    OTTLA_ERR_INVALID_STATE = -11,
    /// The partition is outside the topic's range.
    OTTLA_ERR_UNKNOWN_PARTITION = -12,
    /// delivery.timeout.ms, or the record's own timeout_ms, passed before the record's fate was decided.
    OTTLA_ERR_DELIVERY_TIMED_OUT = -13,
    /// The topic's metadata did not arrive in time.
    OTTLA_ERR_METADATA_TIMED_OUT = -14,
    /// The record was purged; its fate says whether it may have been written.
    OTTLA_ERR_PURGED = -15,
    /// The broker sent bytes that do not follow the protocol.
    OTTLA_ERR_BAD_RESPONSE = -16,
    /// The broker supports no version of a request that this release can send.
    OTTLA_ERR_UNSUPPORTED_BROKER = -17,
    /// An operating-system call failed.
    OTTLA_ERR_IO = -18,
    /// A host name could not be resolved.
    OTTLA_ERR_RESOLVE = -19,
    /// The partitioner of the application failed.
    OTTLA_ERR_PARTITIONER_FAILED = -20,
    /// A serializer failed.
    OTTLA_ERR_SERIALIZATION = -21,
    /// The record was not sent: its transaction was aborted first.
    OTTLA_ERR_TRANSACTION_ABORTED = -22,
    /// The system has no memory for the record. The limits of the process and its container decide this (ulimit -v,
    /// cgroup), not buffer.memory.
    OTTLA_ERR_OUT_OF_MEMORY = -23,
    /// The codes of the Kafka protocol begin here.
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
    /// Kafka's INVALID_CONFIG; OTTLA_ERR_INVALID_CONFIG is Ottla's own.
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
}

/// Details of a failure: a code to branch on, a class, and a message that says what was tried, on what, and what came
/// back.
///
/// Functions that can fail have a last argument `error_out`, unless their code says everything. Pass NULL if only the
/// code matters. Otherwise it is set on failure (its old value is neither read nor freed) and left alone on success.
/// Release the error with ottla_error_free(). An error inside an ottla_delivery, ottla_batch or ottla_event belongs to
/// that structure and must not be freed.
///
/// An error does not change: any thread, any number at once.
pub struct ottla_error {
    error: Error,
    message: CString,
}

impl ottla_error {
    pub(super) fn new(error: Error) -> Self {
        ottla_error { message: c_message(error.message()), error }
    }
}

/// Returns the name of a code: "OK"; "TIMED_OUT" (OTTLA_ERR_TIMED_OUT without its prefix); "NOT_LEADER_OR_FOLLOWER" (as
/// in Kafka); "BROKER_ERROR" for a positive code without a name; "UNKNOWN_CODE" for any other number. Static; never
/// NULL. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_code_name(code: ottla_code) -> *const c_char {
    guarded(c"INTERNAL".as_ptr(), || name_of(code).as_ptr())
}

/// The names with a NUL at their end, made at the first question.
fn name_of(code: ottla_code) -> &'static CStr {
    static OWN_NAMES: OnceLock<Vec<(i32, CString)>> = OnceLock::new();
    static BROKER_NAMES: OnceLock<Vec<CString>> = OnceLock::new();
    if code == 0 {
        return c"OK";
    }
    if let Ok(broker) = i16::try_from(code)
        && broker > 0
    {
        let names =
            BROKER_NAMES.get_or_init(|| (0..=200).map(|code| c_string(ErrorKind::Broker(code).name())).collect());
        return names.get(broker.unsigned_abs() as usize).map_or(c"BROKER_ERROR", CString::as_c_str);
    }
    let own = || ErrorKind::OWN.iter().map(|kind| (kind.code(), c_string(kind.name()))).collect();
    let names = OWN_NAMES.get_or_init(own);
    names.iter().find(|(number, _)| *number == code).map_or(c"UNKNOWN_CODE", |(_, name)| name.as_c_str())
}

/// Returns 1 if the same call or record may succeed when it is tried again (Kafka's RetriableException), else 0. The
/// producer has already retried records as often as `retries` and `delivery.timeout.ms` allow. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_code_is_retriable(code: ottla_code) -> i32 {
    guarded(0, || ErrorKind::from_code(code).is_some_and(ErrorKind::is_retriable).into())
}

/// Returns 1 for OTTLA_ERR_INTERNAL and for the codes that usually end a producer with transactions
/// (OTTLA_ERR_PRODUCER_FENCED and similar), else 0. Only ottla_error_is_fatal() is exact: another code can be fatal in
/// some situation, and without transactions no code of a broker is. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_code_is_fatal(code: ottla_code) -> i32 {
    guarded(0, || ErrorKind::from_code(code).is_some_and(ErrorKind::is_fatal).into())
}

/// Returns the error's code; OTTLA_ERR_INVALID_ARGUMENT for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_error_code(error: Option<&ottla_error>) -> ottla_code {
    error.map_or(ErrorKind::InvalidArgument.code(), |error| error.error.kind().code())
}

/// Returns the name of the error's code, as ottla_code_name() does. Static; never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_error_name(error: Option<&ottla_error>) -> *const c_char {
    ottla_code_name(ottla_error_code(error))
}

/// Returns the message: what was tried, on what, and what came back. UTF-8, one line, valid as long as the error; never
/// NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_error_message(error: Option<&ottla_error>) -> *const c_char {
    error.map_or(c"error is NULL".as_ptr(), |error| error.message.as_ptr())
}

/// Returns 1 if the error is retriable, like ottla_code_is_retriable(); 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_error_is_retriable(error: Option<&ottla_error>) -> i32 {
    error.is_some_and(|error| error.error.is_retriable()).into()
}

/// Returns 1 if the producer cannot go on: only ottla_producer_close() and ottla_producer_free() can still succeed, and
/// the application has to create another producer. Otherwise, and for NULL, 0.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_error_is_fatal(error: Option<&ottla_error>) -> i32 {
    error.is_some_and(|error| error.error.is_fatal()).into()
}

/// Returns 1 if the open transaction has to be aborted with ottla_producer_abort_transaction(); after that the producer
/// can be used again. Otherwise, and for NULL, 0. Errors of transaction calls have this class, and errors of sends that
/// are refused because the transaction failed.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_error_requires_abort(error: Option<&ottla_error>) -> i32 {
    error.is_some_and(|error| error.error.requires_abort()).into()
}

/// Releases an error that was returned in an `error_out`. NULL is ignored. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_error_free(error: Option<Box<ottla_error>>) {
    guarded((), || drop(error));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_its_name_and_class() {
        for kind in ErrorKind::OWN {
            assert_eq!(name_of(kind.code()).to_str().unwrap(), kind.name());
        }
        assert_eq!(name_of(6), c"NOT_LEADER_OR_FOLLOWER");
        assert_eq!(name_of(199), c"BROKER_ERROR");
        assert_eq!(name_of(i32::from(i16::MAX)), c"BROKER_ERROR");
        assert_eq!(name_of(i32::MAX), c"UNKNOWN_CODE");
        assert_eq!(name_of(i32::MIN), c"UNKNOWN_CODE");
        assert_eq!((ottla_code_is_retriable(6), ottla_code_is_fatal(6)), (1, 0));
        assert_eq!((ottla_code_is_retriable(90), ottla_code_is_fatal(90)), (0, 1));
    }
}
