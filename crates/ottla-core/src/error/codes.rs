//! Kafka's error codes (`org.apache.kafka.common.protocol.Errors`): one table, from which everything about them is
//! derived.
//!
//! Codes are `i16`, as in the protocol. A broker may send one that the table does not have. It has no name, is neither
//! retriable nor fatal, and fails the batch or request that it was the response to.

use ProduceVerdict::{SequenceLost, Split, Written, WrittenBefore};
use TransactionRequest::*;

/// The codes, by Kafka's names.
pub enum ErrorCode {}

/// What a code means wherever it occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Kafka's `RetriableException`.
    Retriable,
    /// It ends a transactional producer, unless the error that carries it says otherwise.
    Fatal,
    Neither,
}

/// What a code in a Produce response means for its batch.
///
/// `in_doubt`: the batch may have been appended all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProduceVerdict {
    Written,
    /// The broker has the batch already, but no longer knows its offset.
    WrittenBefore,
    /// Send it again. `refresh`: the metadata is outdated.
    Retry {
        refresh: bool,
        in_doubt: bool,
    },
    /// Too large: split it, or fail it if it is a single record.
    Split,
    /// Earlier batches of the partition's sequence are not in the log.
    SequenceLost,
    Fail {
        in_doubt: bool,
    },
}

/// What a code in the response to a request of a transaction means. In ascending order of severity: of several, the
/// most severe decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransactionVerdict {
    /// The end of the previous transaction is still being written, which takes milliseconds.
    RetrySoon,
    /// Send the request again after a backoff.
    Retry,
    /// Another broker is the coordinator: look it up, and send the request again.
    Rediscover,
    /// During init_transactions, the call fails and can be made again. Later, the producer is defunct.
    Refuse,
    /// The transaction must be aborted.
    Abort,
    /// The epoch is old, or another producer aborted the transaction. Only the coordinator knows which.
    Doubt,
    Fatal,
}

/// The requests of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionRequest {
    FindCoordinator,
    FindGroupCoordinator,
    Init,
    AddPartitions,
    AddOffsets,
    CommitOffsets,
    Commit,
    Abort,
}

/// What the code means to some requests.
type Meanings = &'static [(&'static [TransactionRequest], TransactionVerdict)];

struct Row {
    code: i16,
    name: &'static str,
    class: Class,
    produce: ProduceVerdict,
    /// The first entry with the request counts. Without one, the class of the code decides.
    transaction: Meanings,
}

macro_rules! codes {
    ($($code:literal $name:ident $class:ident, $produce:expr, [$($requests:expr => $verdict:ident),*];)+) => {
        impl ErrorCode { $(pub const $name: i16 = $code;)+ }

        /// In ascending order.
        static TABLE: &[Row] = &[$(Row {
            code: $code,
            name: stringify!($name),
            class: Class::$class,
            produce: $produce,
            transaction: &[$(($requests, TransactionVerdict::$verdict)),*],
        }),+];
    };
}

const AGAIN: ProduceVerdict = ProduceVerdict::Retry { refresh: false, in_doubt: false };
const AGAIN_IN_DOUBT: ProduceVerdict = ProduceVerdict::Retry { refresh: false, in_doubt: true };
const REFRESH: ProduceVerdict = ProduceVerdict::Retry { refresh: true, in_doubt: false };
const REFRESH_IN_DOUBT: ProduceVerdict = ProduceVerdict::Retry { refresh: true, in_doubt: true };
const FAIL: ProduceVerdict = ProduceVerdict::Fail { in_doubt: false };
const FAIL_IN_DOUBT: ProduceVerdict = ProduceVerdict::Fail { in_doubt: true };

const ALL: &[TransactionRequest] =
    &[FindCoordinator, FindGroupCoordinator, Init, AddPartitions, AddOffsets, CommitOffsets, Commit, Abort];

// The third column follows Java's `Sender`, with the fate of the attempt added. The last follows its `TransactionManager`,
// except that the coordinator is asked about an old epoch.
codes! {
    // The broker does not say whether it had appended the batch.
    -1 UNKNOWN_SERVER_ERROR                  Neither,   FAIL_IN_DOUBT,    [];
    0 NONE                                   Neither,   Written,          [];
    1 OFFSET_OUT_OF_RANGE                    Neither,   FAIL,             [];
    // Refused before it was appended.
    2 CORRUPT_MESSAGE                        Retriable, AGAIN,            [];
    // A leader that steps down answers 3, 6 and 56 also for batches that it appended and that others may still
    // replicate.
    3 UNKNOWN_TOPIC_OR_PARTITION             Retriable, REFRESH_IN_DOUBT, [];
    4 INVALID_FETCH_SIZE                     Neither,   FAIL,             [];
    // Refused before anything was appended, as with 9, 72, 74, 100 and 103.
    5 LEADER_NOT_AVAILABLE                   Retriable, REFRESH,          [];
    6 NOT_LEADER_OR_FOLLOWER                 Retriable, REFRESH_IN_DOUBT, [];
    // The leader has it, or may have it, as with 13 and 20.
    7 REQUEST_TIMED_OUT                      Retriable, REFRESH_IN_DOUBT, [&[CommitOffsets] => Rediscover];
    8 BROKER_NOT_AVAILABLE                   Neither,   FAIL,             [];
    9 REPLICA_NOT_AVAILABLE                  Retriable, REFRESH,          [];
    10 MESSAGE_TOO_LARGE                     Neither,   Split,            [];
    11 STALE_CONTROLLER_EPOCH                Neither,   FAIL,             [];
    12 OFFSET_METADATA_TOO_LARGE             Neither,   FAIL,             [];
    13 NETWORK_EXCEPTION                     Retriable, REFRESH_IN_DOUBT, [];
    14 COORDINATOR_LOAD_IN_PROGRESS          Retriable, AGAIN,            [];
    15 COORDINATOR_NOT_AVAILABLE             Retriable, AGAIN,            [&[FindCoordinator, FindGroupCoordinator] => Retry, ALL => Rediscover];
    16 NOT_COORDINATOR                       Retriable, AGAIN,            [ALL => Rediscover];
    17 INVALID_TOPIC_EXCEPTION               Neither,   FAIL,             [];
    18 RECORD_LIST_TOO_LARGE                 Neither,   FAIL,             [];
    19 NOT_ENOUGH_REPLICAS                   Retriable, AGAIN,            [];
    20 NOT_ENOUGH_REPLICAS_AFTER_APPEND      Retriable, AGAIN_IN_DOUBT,   [];
    21 INVALID_REQUIRED_ACKS                 Neither,   FAIL,             [];
    22 ILLEGAL_GENERATION                    Neither,   FAIL,             [];
    23 INCONSISTENT_GROUP_PROTOCOL           Neither,   FAIL,             [];
    24 INVALID_GROUP_ID                      Neither,   FAIL,             [];
    25 UNKNOWN_MEMBER_ID                     Neither,   FAIL,             [];
    26 INVALID_SESSION_TIMEOUT               Neither,   FAIL,             [];
    27 REBALANCE_IN_PROGRESS                 Neither,   FAIL,             [];
    28 INVALID_COMMIT_OFFSET_SIZE            Neither,   FAIL,             [];
    29 TOPIC_AUTHORIZATION_FAILED            Neither,   FAIL,             [];
    30 GROUP_AUTHORIZATION_FAILED            Neither,   FAIL,             [];
    // The right to produce idempotently may be granted later, like the right to the transactional id (53).
    31 CLUSTER_AUTHORIZATION_FAILED          Fatal,     FAIL,             [&[FindCoordinator, Init] => Refuse];
    32 INVALID_TIMESTAMP                     Neither,   FAIL,             [];
    33 UNSUPPORTED_SASL_MECHANISM            Neither,   FAIL,             [];
    34 ILLEGAL_SASL_STATE                    Neither,   FAIL,             [];
    35 UNSUPPORTED_VERSION                   Fatal,     FAIL,             [];
    36 TOPIC_ALREADY_EXISTS                  Neither,   FAIL,             [];
    37 INVALID_PARTITIONS                    Neither,   FAIL,             [];
    38 INVALID_REPLICATION_FACTOR            Neither,   FAIL,             [];
    39 INVALID_REPLICA_ASSIGNMENT            Neither,   FAIL,             [];
    40 INVALID_CONFIG                        Neither,   FAIL,             [];
    41 NOT_CONTROLLER                        Neither,   FAIL,             [];
    42 INVALID_REQUEST                       Neither,   FAIL,             [];
    43 UNSUPPORTED_FOR_MESSAGE_FORMAT        Neither,   FAIL,             [&[CommitOffsets] => Fatal];
    44 POLICY_VIOLATION                      Neither,   FAIL,             [];
    45 OUT_OF_ORDER_SEQUENCE_NUMBER          Neither,   SequenceLost,     [];
    46 DUPLICATE_SEQUENCE_NUMBER             Neither,   WrittenBefore,    [];
    // A group coordinator knows only that the epoch is old. From a transaction coordinator, this is the older name of
    // PRODUCER_FENCED.
    47 INVALID_PRODUCER_EPOCH                Neither,   SequenceLost,     [&[CommitOffsets] => Doubt, ALL => Fatal];
    // EndTxn 5 answers a commit with this code if the coordinator has aborted the transaction by itself, because it
    // timed out or a newer producer is being initialized.
    48 INVALID_TXN_STATE                     Neither,   FAIL,             [&[AddPartitions, AddOffsets] => Fatal, &[Commit] => Doubt];
    49 INVALID_PRODUCER_ID_MAPPING           Fatal,     FAIL,             [&[AddPartitions, AddOffsets] => Fatal];
    50 INVALID_TRANSACTION_TIMEOUT           Neither,   FAIL,             [&[Init] => Refuse];
    51 CONCURRENT_TRANSACTIONS               Retriable, AGAIN,            [ALL => RetrySoon];
    52 TRANSACTION_COORDINATOR_FENCED        Neither,   FAIL,             [];
    53 TRANSACTIONAL_ID_AUTHORIZATION_FAILED Fatal,     FAIL,             [&[FindCoordinator, Init] => Refuse, ALL => Fatal];
    54 SECURITY_DISABLED                     Neither,   FAIL,             [];
    // Another partition of the request failed, and its code decides.
    55 OPERATION_NOT_ATTEMPTED               Neither,   FAIL,             [&[AddPartitions] => Retry];
    56 KAFKA_STORAGE_ERROR                   Retriable, REFRESH_IN_DOUBT, [];
    57 LOG_DIR_NOT_FOUND                     Neither,   FAIL,             [];
    58 SASL_AUTHENTICATION_FAILED            Neither,   FAIL,             [];
    // The transaction was not committed.
    59 UNKNOWN_PRODUCER_ID                   Neither,   SequenceLost,     [&[Commit] => Abort];
    60 REASSIGNMENT_IN_PROGRESS              Neither,   FAIL,             [];
    72 LISTENER_NOT_FOUND                    Retriable, REFRESH,          [];
    73 TOPIC_DELETION_DISABLED               Neither,   FAIL,             [];
    74 FENCED_LEADER_EPOCH                   Retriable, REFRESH,          [];
    75 UNKNOWN_LEADER_EPOCH                  Retriable, AGAIN,            [];
    76 UNSUPPORTED_COMPRESSION_TYPE          Neither,   FAIL,             [];
    77 STALE_BROKER_EPOCH                    Neither,   FAIL,             [];
    78 OFFSET_NOT_AVAILABLE                  Neither,   FAIL,             [];
    79 MEMBER_ID_REQUIRED                    Neither,   FAIL,             [];
    // Retriable for administrators who request an election, as are 83 and 84. Not used in Produce responses.
    80 PREFERRED_LEADER_NOT_AVAILABLE        Retriable, FAIL,             [];
    81 GROUP_MAX_SIZE_REACHED                Neither,   FAIL,             [];
    82 FENCED_INSTANCE_ID                    Neither,   FAIL,             [];
    83 ELIGIBLE_LEADERS_NOT_AVAILABLE        Retriable, FAIL,             [];
    84 ELECTION_NOT_NEEDED                   Retriable, FAIL,             [];
    87 INVALID_RECORD                        Neither,   FAIL,             [];
    88 UNSTABLE_OFFSET_COMMIT                Neither,   FAIL,             [];
    89 THROTTLING_QUOTA_EXCEEDED             Retriable, AGAIN,            [];
    90 PRODUCER_FENCED                       Fatal,     FAIL,             [ALL => Fatal];
    100 UNKNOWN_TOPIC_ID                     Retriable, REFRESH,          [];
    103 INCONSISTENT_TOPIC_ID                Retriable, REFRESH,          [];
    // With the first request, there is no transaction to abort. A commit with this response was not carried out.
    120 TRANSACTION_ABORTABLE                Neither,   FAIL,             [&[Init] => Refuse, &[Commit] => Abort];
    129 REBOOTSTRAP_REQUIRED                 Neither,   FAIL,             [];
}

impl ErrorCode {
    /// Every code with a name.
    pub fn all() -> impl Iterator<Item = i16> {
        TABLE.iter().map(|row| row.code)
    }

    /// Kafka's name for a code, if the table has it.
    pub fn name(code: i16) -> Option<&'static str> {
        row(code).map(|row| row.name)
    }

    pub fn class(code: i16) -> Class {
        row(code).map_or(Class::Neither, |row| row.class)
    }

    /// What the code means for the batch of an idempotent producer.
    pub fn produce_verdict(code: i16) -> ProduceVerdict {
        row(code).map_or(FAIL, |row| row.produce)
    }

    /// What the code means for a request of a transaction; `None` if its class decides.
    pub fn transaction_verdict(code: i16, request: TransactionRequest) -> Option<TransactionVerdict> {
        let meanings = row(code)?.transaction;
        meanings.iter().find(|(requests, _)| requests.contains(&request)).map(|(_, verdict)| *verdict)
    }
}

fn row(code: i16) -> Option<&'static Row> {
    TABLE.binary_search_by_key(&code, |row| row.code).ok().map(|at| &TABLE[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_once() {
        assert!(TABLE.is_sorted_by(|before, after| before.code < after.code));
        for row in TABLE {
            assert_eq!(ErrorCode::name(row.code), Some(row.name));
        }
        assert_eq!(ErrorCode::name(61), None);
    }

    #[test]
    fn a_code_without_a_row_fails_what_it_answers() {
        assert_eq!(ErrorCode::class(999), Class::Neither);
        assert_eq!(ErrorCode::produce_verdict(999), FAIL);
        assert_eq!(ErrorCode::transaction_verdict(999, Commit), None);
    }

    #[test]
    fn no_entry_is_hidden_by_one_before_it() {
        for row in TABLE {
            for (at, (requests, _)) in row.transaction.iter().enumerate() {
                let before = &row.transaction[..at];
                let is_listed = |request| before.iter().any(|(earlier, _)| earlier.contains(request));
                assert!(!requests.iter().all(is_listed), "{}", row.name);
            }
        }
    }
}
