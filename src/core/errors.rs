//! What each error code of a Produce response means for its batch (the table of the reference producer, with the
//! fate of the attempt added).

/// What to do with a batch after its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Written,
    /// The broker has it already, and no longer knows where.
    WrittenBefore,
    /// Try again; `refresh`: the metadata is out of date; `unknown`: this attempt may have been appended.
    Retry {
        refresh: bool,
        unknown: bool,
    },
    /// Too large: split it, or fail if it is a single record.
    Split,
    /// What comes before it in the partition's sequence is not in the log.
    SequenceLost,
    Fail,
}

pub fn verdict(code: i16, idempotent: bool) -> Verdict {
    let retry = |refresh, unknown| Verdict::Retry { refresh, unknown };
    match code {
        0 => Verdict::Written,
        // CORRUPT_MESSAGE: refused before it was appended.
        2 => retry(false, false),
        // A leader that steps down answers so also for batches that it appended and others may still replicate:
        // UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR.
        3 | 6 | 56 => retry(true, true),
        // Refused before anything was appended: LEADER_NOT_AVAILABLE, REPLICA_NOT_AVAILABLE, LISTENER_NOT_FOUND,
        // FENCED_LEADER_EPOCH, UNKNOWN_TOPIC_ID, INCONSISTENT_TOPIC_ID.
        5 | 9 | 72 | 74 | 100 | 103 => retry(true, false),
        75 => retry(false, false),
        // REQUEST_TIMED_OUT, NETWORK_EXCEPTION, NOT_ENOUGH_REPLICAS_AFTER_APPEND: the leader has it, or may.
        7 | 13 => retry(true, true),
        20 => retry(false, true),
        // NOT_ENOUGH_REPLICAS, coordinators that load or move, CONCURRENT_TRANSACTIONS, THROTTLING_QUOTA_EXCEEDED.
        19 | 14 | 15 | 16 | 51 | 89 => retry(false, false),
        10 => Verdict::Split,
        // OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, UNKNOWN_PRODUCER_ID.
        45 | 47 | 59 if idempotent => Verdict::SequenceLost,
        46 if idempotent => Verdict::WrittenBefore,
        _ => Verdict::Fail,
    }
}

/// UNKNOWN_SERVER_ERROR says nothing about how far the broker got.
pub fn leaves_fate_unknown(code: i16) -> bool {
    code == -1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retriable_codes_are_retried_and_others_are_not() {
        for code in -1..=130 {
            let kind = crate::ErrorKind::from_broker(code);
            let retried = matches!(verdict(code, true), Verdict::Retry { .. });
            let retriable = kind.is_some_and(crate::ErrorKind::is_retriable) && !matches!(code, 80 | 83 | 84);
            assert_eq!(retried, retriable, "code {code}");
        }
    }

    #[test]
    fn sequence_errors_fail_without_idempotence() {
        for code in [45, 46, 47, 59] {
            assert_eq!(verdict(code, false), Verdict::Fail);
        }
    }
}
