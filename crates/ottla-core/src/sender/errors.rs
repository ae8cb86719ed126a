//! What each error code of a Produce response means for its batch: the table of the reference producer, with the fate
//! of the attempt added.

use crate::error::{ErrorCode, ProduceVerdict};

/// The verdict in the table of codes. Without idempotence, errors about sequences are ordinary failures.
pub fn verdict(code: i16, idempotent: bool) -> ProduceVerdict {
    match ErrorCode::produce_verdict(code) {
        ProduceVerdict::SequenceLost | ProduceVerdict::WrittenBefore if !idempotent => {
            ProduceVerdict::Fail { in_doubt: false }
        }
        verdict => verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn retriable_codes_are_retried_and_others_are_not() {
        const OF_ELECTIONS: [i16; 3] = [
            ErrorCode::PREFERRED_LEADER_NOT_AVAILABLE,
            ErrorCode::ELIGIBLE_LEADERS_NOT_AVAILABLE,
            ErrorCode::ELECTION_NOT_NEEDED,
        ];
        for code in -1..=130 {
            let kind = ErrorKind::from_broker(code);
            let retried = matches!(verdict(code, true), ProduceVerdict::Retry { .. });
            let retriable = kind.is_some_and(ErrorKind::is_retriable) && !OF_ELECTIONS.contains(&code);
            assert_eq!(retried, retriable, "code {code}");
        }
    }

    #[test]
    fn sequence_errors_fail_without_idempotence() {
        for code in [
            ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
            ErrorCode::DUPLICATE_SEQUENCE_NUMBER,
            ErrorCode::INVALID_PRODUCER_EPOCH,
            ErrorCode::UNKNOWN_PRODUCER_ID,
        ] {
            assert_eq!(verdict(code, false), ProduceVerdict::Fail { in_doubt: false });
        }
    }
}
