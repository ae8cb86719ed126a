//! Errors: a code to branch on, a class, and a message. The message names what was attempted, on what, and what
//! happened.
#![forbid(unsafe_code)]

mod codes;

use std::fmt;
use std::sync::Arc;

pub use codes::{Class, ErrorCode, ProduceVerdict, TransactionRequest, TransactionVerdict};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error. Cheap to clone: the completions of a batch share one.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    weight: Weight,
    source: Option<Source>,
}

type Source = Arc<dyn std::error::Error + Send + Sync>;

/// What an error means beyond the record or the call that it belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// What its kind means.
    OfItsKind,
    /// Nothing, whatever its kind means: the producer goes on.
    Nothing,
    /// The open transaction must be aborted.
    Transaction,
    /// The producer is defunct.
    Producer,
}

/// The source is not compared, because errors of other libraries cannot be.
impl PartialEq for Error {
    fn eq(&self, other: &Error) -> bool {
        (self.0.kind, &self.0.message, self.0.weight) == (other.0.kind, &other.0.message, other.0.weight)
    }
}

impl Eq for Error {}

macro_rules! kinds {
    ($($(#[$doc:meta])+ $code:literal $kind:ident $name:literal;)+) => {
        /// The kind of an error. [`ErrorKind::code`] is its number in C: negative for Ottla's own kinds, positive for the
        /// codes of the Kafka protocol (`org.apache.kafka.common.protocol.Errors`), including those that this release
        /// does not know.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$doc])+ $kind,)+
            /// A code of the Kafka protocol, as the broker sent it.
            Broker(i16),
        }

        impl ErrorKind {
            /// Ottla's own kinds.
            pub const OWN: &[ErrorKind] = &[$(ErrorKind::$kind),+];

            /// The number in C: `OTTLA_ERR_…` if negative, the protocol's code if positive.
            pub fn code(self) -> i32 {
                match self {
                    $(ErrorKind::$kind => $code,)+
                    ErrorKind::Broker(code) => code.into(),
                }
            }

            /// The name in C without `OTTLA_ERR_` (`CLOSED`), or Kafka's name (`NOT_LEADER_OR_FOLLOWER`).
            pub fn name(self) -> &'static str {
                match self {
                    $(ErrorKind::$kind => $name,)+
                    ErrorKind::Broker(code) => ErrorCode::name(code).unwrap_or(NO_NAME),
                }
            }
        }
    };
}

kinds! {
    /// The broker responded with UNKNOWN_SERVER_ERROR, whose code is -1 in the protocol too.
    -1 UnknownServerError "UNKNOWN_SERVER_ERROR";
    /// An argument of the call cannot be used.
    -2 InvalidArgument "INVALID_ARGUMENT";
    /// A property is unknown, its value is out of range, or two properties contradict each other.
    -3 InvalidConfig "INVALID_CONFIG";
    /// The producer is closed or closing.
    -4 Closed "CLOSED";
    /// The call's own time limit passed.
    -5 TimedOut "TIMED_OUT";
    /// No room in `buffer.memory`, and the call may not (or no longer) wait for it.
    -6 BufferFull "BUFFER_FULL";
    /// The record alone is larger than `max.request.size` or `buffer.memory`.
    -7 RecordTooLarge "RECORD_TOO_LARGE";
    /// The call waits, and may not be made from a completion callback.
    -8 InCallback "IN_CALLBACK";
    /// A defect in Ottla: a panic was caught, or an invariant did not hold.
    -9 Internal "INTERNAL";
    /// The producer belongs to the process that forked this one.
    -10 Forked "FORKED";
    /// The call is not allowed in the producer's present state.
    -11 InvalidState "INVALID_STATE";
    /// The partition is outside the topic's range.
    -12 UnknownPartition "UNKNOWN_PARTITION";
    /// `delivery.timeout.ms` passed before the record's fate was known.
    -13 DeliveryTimedOut "DELIVERY_TIMED_OUT";
    /// The topic's metadata did not arrive in time.
    -14 MetadataTimedOut "METADATA_TIMED_OUT";
    /// The record was removed from the queue by a purge.
    -15 Purged "PURGED";
    /// The broker's bytes do not follow the protocol.
    -16 BadResponse "BAD_RESPONSE";
    /// The broker offers no version of a request that this release speaks.
    -17 UnsupportedBroker "UNSUPPORTED_BROKER";
    /// An operating-system call failed.
    -18 Io "IO";
    /// A host name could not be resolved.
    -19 Resolve "RESOLVE";
    /// The application's own partitioner failed.
    -20 PartitionerFailed "PARTITIONER_FAILED";
    /// A serializer failed.
    -21 Serialization "SERIALIZATION";
    /// The record was not sent: its transaction was aborted.
    -22 TransactionAborted "TRANSACTION_ABORTED";
    /// The system gave no memory for a record.
    -23 OutOfMemory "OUT_OF_MEMORY";
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Arc::new(Inner { kind, message: message.into(), weight: Weight::OfItsKind, source: None }))
    }

    /// The same error with `source` as its cause. The message must name the cause too, because C sees only the message.
    #[cold]
    pub fn caused_by(&self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.changed(|inner| inner.source = Some(Arc::new(source)))
    }

    /// The same error after a `prefix` that says where it happened.
    #[cold]
    pub fn context(&self, prefix: impl fmt::Display) -> Self {
        self.with_message(format!("{prefix}: {}", self.0.message))
    }

    /// The same error with a remark after its message.
    #[cold]
    pub fn note(&self, remark: impl fmt::Display) -> Self {
        self.with_message(format!("{}; {remark}", self.0.message))
    }

    /// The same error with another kind.
    #[cold]
    pub fn with_kind(&self, kind: ErrorKind) -> Self {
        self.changed(|inner| inner.kind = kind)
    }

    /// The same error with another message.
    #[cold]
    pub fn with_message(&self, message: impl Into<String>) -> Self {
        self.changed(|inner| inner.message = message.into())
    }

    /// The same error; the open transaction must be aborted.
    pub fn requiring_abort(&self) -> Self {
        self.weighing(Weight::Transaction)
    }

    /// The same error; the producer is defunct.
    pub fn fatal(&self) -> Self {
        self.weighing(Weight::Producer)
    }

    /// The same error; the producer goes on although errors of this kind can end it.
    pub fn passing(&self) -> Self {
        self.weighing(Weight::Nothing)
    }

    fn weighing(&self, weight: Weight) -> Self {
        self.changed(|inner| inner.weight = weight)
    }

    /// A copy with one change. Everything else stays the same.
    #[cold]
    fn changed(&self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Inner::clone(&self.0);
        change(&mut inner);
        Error(Arc::new(inner))
    }

    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether the same call may succeed later.
    pub fn is_retriable(&self) -> bool {
        self.0.kind.is_retriable()
    }

    /// Whether the producer is defunct, so that the application must create another.
    pub fn is_fatal(&self) -> bool {
        match self.0.weight {
            Weight::Producer => true,
            Weight::OfItsKind => self.0.kind.is_fatal(),
            Weight::Nothing | Weight::Transaction => false,
        }
    }

    /// Whether the open transaction must be aborted.
    pub fn requires_abort(&self) -> bool {
        self.0.weight == Weight::Transaction
    }
}

impl ErrorKind {
    /// The kind with this number in C; `None` for 0 and for numbers that were never given out.
    pub fn from_code(code: i32) -> Option<Self> {
        match i16::try_from(code) {
            Ok(code @ 1..) => Some(ErrorKind::Broker(code)),
            _ => Self::OWN.iter().copied().find(|kind| kind.code() == code),
        }
    }

    /// The kind for an error code of the protocol; `None` for 0.
    pub fn from_broker(code: i16) -> Option<Self> {
        match code {
            ErrorCode::NONE => None,
            ErrorCode::UNKNOWN_SERVER_ERROR => Some(ErrorKind::UnknownServerError),
            code => Some(ErrorKind::Broker(code)),
        }
    }

    /// Kafka's `RetriableException`, and those of Ottla's own kinds that time or room may resolve.
    pub fn is_retriable(self) -> bool {
        match self {
            ErrorKind::BufferFull
            | ErrorKind::OutOfMemory
            | ErrorKind::TimedOut
            | ErrorKind::DeliveryTimedOut
            | ErrorKind::MetadataTimedOut
            | ErrorKind::Io
            | ErrorKind::Resolve => true,
            ErrorKind::Broker(code) => ErrorCode::class(code) == Class::Retriable,
            _ => false,
        }
    }

    /// Whether this kind ends a transactional producer (`ProducerFencedException` and the like), unless the error
    /// itself says otherwise.
    pub fn is_fatal(self) -> bool {
        match self {
            ErrorKind::Internal => true,
            ErrorKind::Broker(code) => ErrorCode::class(code) == Class::Fatal,
            _ => false,
        }
    }
}

/// For codes that this release does not know.
const NO_NAME: &str = "BROKER_ERROR";

/// The form in messages. A code without a name shows its number.
impl fmt::Display for ErrorKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.name()) {
            (ErrorKind::Broker(code), NO_NAME) => write!(out, "{NO_NAME} (error code {code})"),
            (_, name) => out.write_str(name),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.0.kind, self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Error({self})")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_in_other_words_keeps_its_class_source_and_code() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let original = Error::new(ErrorKind::Broker(29), "the topic is not ours").caused_by(refused);
        let class = |error: &Error| (error.kind(), error.is_fatal(), error.requires_abort());
        for original in [original.clone(), original.requiring_abort(), original.fatal(), original.passing()] {
            let in_other_words = [
                ("records[3]: the topic is not ours", original.context("records[3]")),
                ("the topic is not ours; ask for it", original.note("ask for it")),
                ("something else", original.with_message("something else")),
            ];
            for (message, changed) in in_other_words {
                assert_eq!((changed.message(), class(&changed)), (message, class(&original)));
                let source = std::error::Error::source(&changed).and_then(|source| source.downcast_ref());
                assert_eq!(source.map(std::io::Error::kind), Some(std::io::ErrorKind::ConnectionRefused));
            }
        }
    }

    #[test]
    fn every_kind_is_found_by_its_number_and_no_other_number_is_a_kind() {
        for kind in ErrorKind::OWN.iter().copied().chain([ErrorKind::Broker(6), ErrorKind::Broker(i16::MAX)]) {
            assert_eq!(ErrorKind::from_code(kind.code()), Some(kind));
        }
        let beyond = ErrorKind::OWN.iter().map(|kind| kind.code()).min().map_or(0, |last| last - 1);
        for code in [0, beyond, i32::from(i16::MAX) + 1, i32::MIN] {
            assert_eq!(ErrorKind::from_code(code), None, "{code}");
        }
    }

    #[test]
    fn a_code_without_a_name_shows_its_number() {
        let error = |code| Error::new(ErrorKind::Broker(code), format!("it answered {}", ErrorKind::Broker(code)));
        assert_eq!(error(999).to_string(), "BROKER_ERROR (error code 999): it answered BROKER_ERROR (error code 999)");
        assert_eq!(
            error(ErrorCode::NOT_LEADER_OR_FOLLOWER).to_string(),
            "NOT_LEADER_OR_FOLLOWER: it answered NOT_LEADER_OR_FOLLOWER"
        );
        assert_eq!(ErrorKind::Broker(999).name(), "BROKER_ERROR");
    }
}
