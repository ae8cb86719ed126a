//! What happens to a batch after a failed attempt: decided here, carried out in `retry.rs`.

use super::sequence::{Refusal, Repair, Sequence};
use crate::sync::Time;

/// A gap that is found within this many attempts needs no pause before the sequence begins again. A later one does.
const UNPAUSED_ATTEMPTS: u32 = 2;

/// An attempt to deliver a batch that failed.
#[derive(Clone, Copy, Debug)]
pub struct FailedAttempt {
    /// Attempts so far.
    pub attempts: u32,
    /// The property `retries`.
    pub retries: u32,
    pub deadline: Time,
    pub now: Time,
    /// The topic was deleted and created again since the batch was taken.
    pub recreated: bool,
    /// The batch's transaction is being aborted. The abort would wait for the batch.
    pub aborted: bool,
    /// The batch may be in the log.
    pub in_doubt: bool,
}

/// What happens to the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is sent again after the partition's pause.
    Retry,
    /// It is sent again after the earlier batch that the leader misses.
    RetryBehindEarlier,
    /// It is sent again after the partition's pause, at this time at the latest.
    RetryBy(Time),
    /// The sequence begins again, and the batch is sent under another number. `proven`: neither it nor any batch behind it
    /// is in the log. `pause`: the partition pauses first.
    BeginSequenceAgain {
        proven: bool,
        pause: bool,
    },
    Fail(Reason),
}

/// Why a batch is not sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Recreated,
    Aborted,
    RetriesUsedUp,
    DeadlinePassed,
    /// For the reason in the attempt's own error.
    Refused,
}

impl FailedAttempt {
    /// What happens after a retriable error.
    pub fn next(&self) -> Next {
        if self.recreated {
            Next::Fail(Reason::Recreated)
        } else if self.aborted {
            Next::Fail(Reason::Aborted)
        } else if self.are_retries_used_up() {
            Next::Fail(Reason::RetriesUsedUp)
        } else if self.has_deadline_passed() {
            Next::Fail(Reason::DeadlinePassed)
        } else {
            Next::Retry
        }
    }

    /// What happens if the leader misses earlier batches of the sequence. If nothing will fill the gap, the sequence begins
    /// again. In a transaction, that happens after the abort.
    pub fn next_after_gap(&self, refusal: Refusal, sequence: &mut Sequence) -> Next {
        if !refusal.proves_gap && (self.in_doubt || refusal.transactional) {
            return Next::Fail(Reason::Refused);
        }
        if self.aborted {
            return Next::Fail(Reason::Aborted);
        }
        let repair = sequence.refused(refusal, self.now);
        if (self.are_retries_used_up() && !repair.spent_on_late_requests()) || self.has_deadline_passed() {
            return Next::Fail(Reason::Refused);
        }
        match repair {
            Repair::WaitForEarlier => Next::RetryBehindEarlier,
            Repair::WaitForLate(until) => Next::RetryBy(until),
            Repair::Fail => Next::Fail(Reason::Refused),
            Repair::RaiseEpoch { waited } => {
                let pause = self.attempts > UNPAUSED_ATTEMPTS && !waited;
                Next::BeginSequenceAgain { proven: refusal.proves_gap, pause }
            }
        }
    }

    fn are_retries_used_up(&self) -> bool {
        self.attempts > self.retries
    }

    fn has_deadline_passed(&self) -> bool {
        self.deadline <= self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(5_000_000_000);
    /// Another attempt is possible.
    const FAILED: FailedAttempt = FailedAttempt {
        attempts: 1,
        retries: 3,
        deadline: Time(6_000_000_000),
        now: NOW,
        recreated: false,
        aborted: false,
        in_doubt: false,
    };
    /// A gap that nothing will fill.
    const GAP: Refusal = Refusal { earlier_to_come: false, transactional: false, proves_gap: true };
    const STALE_EPOCH: Refusal = Refusal { proves_gap: false, ..GAP };

    fn after_gap(attempt: FailedAttempt, refusal: Refusal) -> Next {
        attempt.next_after_gap(refusal, &mut Sequence::new())
    }

    /// A sequence of which requests may be late.
    fn late() -> Sequence {
        let mut sequence = Sequence::new();
        sequence.connection_lost();
        sequence
    }

    #[test]
    fn a_batch_is_sent_again_as_often_as_retries_allows() {
        for attempts in 1..=3 {
            assert_eq!(FailedAttempt { attempts, ..FAILED }.next(), Next::Retry);
        }
        assert_eq!(FailedAttempt { attempts: 4, ..FAILED }.next(), Next::Fail(Reason::RetriesUsedUp));
        assert_eq!(FailedAttempt { retries: 0, ..FAILED }.next(), Next::Fail(Reason::RetriesUsedUp));
    }

    #[test]
    fn a_batch_whose_deadline_has_passed_is_not_sent_again() {
        assert_eq!(FailedAttempt { deadline: NOW, ..FAILED }.next(), Next::Fail(Reason::DeadlinePassed));
        assert_eq!(FailedAttempt { deadline: Time(NOW.0 + 1), ..FAILED }.next(), Next::Retry);
    }

    #[test]
    fn an_abort_waits_for_no_further_attempt() {
        let aborted = FailedAttempt { aborted: true, ..FAILED };
        assert_eq!(aborted.next(), Next::Fail(Reason::Aborted));
        assert_eq!(after_gap(aborted, GAP), Next::Fail(Reason::Aborted));
    }

    #[test]
    fn a_batch_is_not_sent_to_a_topic_that_was_created_again() {
        assert_eq!(FailedAttempt { recreated: true, ..FAILED }.next(), Next::Fail(Reason::Recreated));
    }

    #[test]
    fn of_several_reasons_the_first_in_this_order_is_reported() {
        let mut attempt = FailedAttempt { recreated: true, aborted: true, attempts: 9, deadline: Time::ZERO, ..FAILED };
        assert_eq!(attempt.next(), Next::Fail(Reason::Recreated));
        attempt.recreated = false;
        assert_eq!(attempt.next(), Next::Fail(Reason::Aborted));
        attempt.aborted = false;
        assert_eq!(attempt.next(), Next::Fail(Reason::RetriesUsedUp));
        attempt.attempts = 1;
        assert_eq!(attempt.next(), Next::Fail(Reason::DeadlinePassed));
    }

    #[test]
    fn kip_360_a_batch_is_sent_again_behind_an_earlier_one_that_the_leader_misses() {
        assert_eq!(after_gap(FAILED, Refusal { earlier_to_come: true, ..GAP }), Next::RetryBehindEarlier);
    }

    #[test]
    fn kip_360_a_gap_in_a_transaction_fails_the_batch() {
        assert_eq!(after_gap(FAILED, Refusal { transactional: true, ..GAP }), Next::Fail(Reason::Refused));
    }

    #[test]
    fn kip_360_after_a_gap_the_sequence_begins_again_without_a_pause_until_the_third_attempt() {
        for (attempts, pause) in [(1, false), (2, false), (3, true)] {
            let next = after_gap(FailedAttempt { attempts, ..FAILED }, GAP);
            assert_eq!(next, Next::BeginSequenceAgain { proven: true, pause });
        }
    }

    #[test]
    fn kip_360_while_requests_may_be_late_a_batch_keeps_its_number_and_no_attempt_counts() {
        let mut sequence = late();
        let attempt = FailedAttempt { attempts: 9, ..FAILED };
        let Next::RetryBy(until) = attempt.next_after_gap(GAP, &mut sequence) else { panic!("it waits") };
        let last = FailedAttempt { now: until, deadline: Time::NEVER, ..attempt };
        let again = last.next_after_gap(GAP, &mut sequence);
        assert_eq!(again, Next::BeginSequenceAgain { proven: true, pause: false }, "the wait was pause enough");
        assert_eq!(last.next_after_gap(GAP, &mut sequence), Next::Fail(Reason::Refused), "the next attempt counts");
    }

    #[test]
    fn kip_360_a_gap_after_the_last_retry_or_the_deadline_fails_the_batch() {
        for refusal in [GAP, Refusal { earlier_to_come: true, ..GAP }, STALE_EPOCH] {
            for attempt in [FailedAttempt { attempts: 4, ..FAILED }, FailedAttempt { deadline: NOW, ..FAILED }] {
                assert_eq!(after_gap(attempt, refusal), Next::Fail(Reason::Refused), "{attempt:?} {refusal:?}");
            }
        }
        let attempt = FailedAttempt { deadline: NOW, ..FAILED };
        assert_eq!(attempt.next_after_gap(GAP, &mut late()), Next::Fail(Reason::Refused));
    }

    #[test]
    fn kip_360_a_stale_epoch_begins_the_sequence_again_only_for_a_batch_that_is_certainly_not_in_the_log() {
        assert_eq!(after_gap(FAILED, STALE_EPOCH), Next::BeginSequenceAgain { proven: false, pause: false });
        let in_doubt = FailedAttempt { in_doubt: true, ..FAILED };
        assert_eq!(after_gap(in_doubt, STALE_EPOCH), Next::Fail(Reason::Refused));
        assert_eq!(after_gap(in_doubt, GAP), Next::BeginSequenceAgain { proven: true, pause: false });
        let in_transaction = Refusal { transactional: true, ..STALE_EPOCH };
        assert_eq!(after_gap(FAILED, in_transaction), Next::Fail(Reason::Refused));
    }
}
