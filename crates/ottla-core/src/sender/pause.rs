//! A partition's failures in a row, and its pause before the next attempt.

use std::time::Duration;

use super::Backoff;
use crate::error::Error;
use crate::partition::rng::SplitMix64;
use crate::sync::Time;

/// After this many failures in a row the known leader epoch does not count. A topic that was deleted and created again
/// counts its epochs from 0, and brokers before 2.8 report no id that would show this.
const DISPROVED: u32 = 3;

/// Counts a partition's failures in a row, and says when the next attempt may be made.
///
/// 1. [`end`](Self::end) is asked before an attempt, and [`sent`](Self::sent) is called for each batch on a request.
/// 2. [`failed`](Self::failed) for each batch that is sent again after a pause, [`succeeded`](Self::succeeded) for each that
///    got through.
/// 3. [`leader_named`](Self::leader_named) after the failures of a response that named the new leader.
pub struct Pause {
    /// Batches that were in flight together and fail together count once.
    failures: u32,
    sent_since_failure: bool,
    /// The end of the last pause. `None` before the first, and if the leader was named since the last failure.
    until: Option<Time>,
    /// Why the last attempt failed.
    last_error: Option<Error>,
}

/// What the length of a pause depends on, besides the number of failures.
#[derive(Clone, Copy, Debug)]
pub struct PauseLength {
    pub backoff: Backoff,
    /// The seed of the jitter. Pauses with the same one are equally long.
    pub jitter: u64,
    pub bounds: PauseBounds,
}

/// What the first batch of the partition demands of a pause. `at_most` wins if they contradict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PauseBounds {
    pub at_least: Duration,
    pub at_most: Duration,
}

impl PauseBounds {
    pub const NONE: PauseBounds = PauseBounds { at_least: Duration::ZERO, at_most: Duration::MAX };
}

impl PauseLength {
    /// The pause after so many failures in a row.
    fn after(&self, failures: u32) -> Duration {
        let usual = self.backoff.after(failures, &mut SplitMix64::new(self.jitter));
        usual.max(self.bounds.at_least).min(self.bounds.at_most)
    }
}

impl Pause {
    pub fn new() -> Self {
        Pause { failures: 0, sent_since_failure: true, until: None, last_error: None }
    }

    /// A batch was put into a request.
    pub fn sent(&mut self) {
        self.sent_since_failure = true;
    }

    /// An attempt failed, and the next one has to wait. Of batches that were in flight together, the first failure makes the
    /// pause longer, and the others start it anew. If the response to the first named the leader (KIP-951), there is
    /// none.
    pub fn failed(&mut self, error: Error, now: Time, length: &PauseLength) {
        let is_first = std::mem::take(&mut self.sent_since_failure);
        let leader_was_named = !is_first && self.until.is_none();
        self.failures += u32::from(is_first);
        if !leader_was_named {
            self.until = Some(now.after(length.after(self.failures)));
        }
        self.last_error = Some(error);
    }

    /// Counts a failure after which nothing has to wait.
    pub fn failed_without_pause(&mut self) {
        self.failures += 1;
    }

    /// A response named the new leader. It is tried at once.
    pub fn leader_named(&mut self) {
        self.until = None;
    }

    /// Ends the pause at this time, if that is earlier.
    pub fn end_by(&mut self, at: Time) {
        self.until = self.until.map(|until| until.min(at));
    }

    /// A batch got through. A pause for others goes on.
    pub fn succeeded(&mut self) {
        self.failures = 0;
        self.last_error = None;
    }

    /// The failures so far say nothing about the batches that are sent next.
    pub fn forget_failures(&mut self) {
        self.failures = 0;
    }

    /// When the pause ends, unless it is over.
    pub fn end(&self, now: Time) -> Option<Time> {
        self.until.filter(|&until| until > now)
    }

    /// Whether the known leader epoch can no longer be valid.
    pub fn disproves_leader_epoch(&self) -> bool {
        self.failures >= DISPROVED
    }

    pub fn last_error(&self) -> Option<&Error> {
        self.last_error.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const NOW: Time = Time(7_000_000_000);
    const BACKOFF: Backoff = Backoff { initial: Duration::from_millis(100), max: Duration::from_millis(1000) };
    const LENGTH: PauseLength = PauseLength { backoff: BACKOFF, jitter: 7, bounds: PauseBounds::NONE };

    fn refused(why: &str) -> Error {
        Error::new(ErrorKind::Internal, why)
    }

    fn fail(pause: &mut Pause, now: Time) {
        pause.failed(refused("no"), now, &LENGTH);
    }

    /// How much of the pause is left.
    fn left(pause: &Pause, now: Time) -> Duration {
        pause.end(now).map_or(Duration::ZERO, |end| end.since(now))
    }

    /// Fails so many attempts, one after the other.
    fn failed_in_a_row(failures: u32, length: &PauseLength) -> Pause {
        let mut pause = Pause::new();
        for _ in 0..failures {
            pause.sent();
            pause.failed(refused("no"), NOW, length);
        }
        pause
    }

    #[test]
    fn the_pause_doubles_up_to_its_maximum_with_jitter() {
        for (failures, base) in [(1, 100.0), (2, 200.0), (3, 400.0), (4, 800.0), (5, 1000.0), (50, 1000.0)] {
            let lengths: Vec<f64> = (0..100)
                .map(|jitter| left(&failed_in_a_row(failures, &PauseLength { jitter, ..LENGTH }), NOW))
                .map(|left| left.as_secs_f64() * 1e3)
                .collect();
            assert!(lengths.iter().all(|ms| (0.8 * base..=1.2 * base).contains(ms)), "{failures}: {lengths:?}");
            assert!(lengths.iter().any(|&ms| ms < base) && lengths.iter().any(|&ms| ms > base), "{failures}");
        }
    }

    #[test]
    fn partitions_that_one_response_refuses_pause_equally_long() {
        let [first, second] = [(); 2].map(|()| failed_in_a_row(1, &LENGTH));
        assert_eq!(first.end(NOW), second.end(NOW));
    }

    #[test]
    fn the_pause_is_over_when_its_time_has_come() {
        let pause = failed_in_a_row(1, &LENGTH);
        let end = pause.end(NOW).expect("it pauses");
        assert_eq!(pause.end(Time(end.0 - 1)), Some(end));
        assert_eq!(pause.end(end), None);
    }

    #[test]
    fn batches_that_were_in_flight_together_count_once_and_each_starts_the_pause_anew() {
        let mut pause = failed_in_a_row(1, &LENGTH);
        let (length, later) = (left(&pause, NOW), NOW.after(Duration::from_millis(50)));
        (0..4).for_each(|_| fail(&mut pause, later));
        assert_eq!(left(&pause, later), length, "from the last failure on, and not doubled");
        assert!(!pause.disproves_leader_epoch());
    }

    #[test]
    fn a_leader_that_a_response_named_is_tried_without_a_pause() {
        let mut pause = failed_in_a_row(1, &LENGTH);
        pause.leader_named();
        assert_eq!(pause.end(NOW), None);
        fail(&mut pause, NOW);
        assert_eq!(pause.end(NOW), None, "the others in flight fail at the former leader");
        pause.sent();
        fail(&mut pause, NOW);
        assert!(left(&pause, NOW) >= Duration::from_millis(160), "the named leader refuses: a second failure");
    }

    #[test]
    fn a_success_begins_the_count_again_and_keeps_the_pause() {
        let mut pause = failed_in_a_row(4, &LENGTH);
        let end = pause.end(NOW);
        pause.succeeded();
        assert_eq!((pause.end(NOW), pause.last_error()), (end, None));
        pause.sent();
        fail(&mut pause, NOW);
        assert!(left(&pause, NOW) <= Duration::from_millis(120));
    }

    #[test]
    fn a_failure_without_a_pause_counts() {
        let mut pause = Pause::new();
        (0..2).for_each(|_| pause.failed_without_pause());
        assert!(pause.end(NOW).is_none() && !pause.disproves_leader_epoch());
        pause.failed_without_pause();
        assert!(pause.disproves_leader_epoch());
        pause.forget_failures();
        assert!(!pause.disproves_leader_epoch());
    }

    #[test]
    fn three_failures_in_a_row_disprove_the_leader_epoch() {
        assert!(!failed_in_a_row(2, &LENGTH).disproves_leader_epoch());
        assert!(failed_in_a_row(3, &LENGTH).disproves_leader_epoch());
    }

    #[test]
    fn a_pause_can_be_ended_earlier_but_not_later() {
        let mut pause = failed_in_a_row(1, &LENGTH);
        let end = pause.end(NOW);
        pause.end_by(NOW.after(Duration::from_secs(1)));
        assert_eq!(pause.end(NOW), end);
        let sooner = NOW.after(Duration::from_millis(3));
        pause.end_by(sooner);
        assert_eq!(pause.end(NOW), Some(sooner));
        pause.leader_named();
        pause.end_by(sooner);
        assert_eq!(pause.end(NOW), None, "there is none to end");
    }

    #[test]
    fn the_first_batch_bounds_the_pause() {
        let [short, long] = [1, 5000].map(Duration::from_millis);
        let within = |at_least, at_most| {
            let bounds = PauseBounds { at_least, at_most };
            left(&failed_in_a_row(1, &PauseLength { bounds, ..LENGTH }), NOW)
        };
        assert_eq!(within(long, Duration::MAX), long);
        assert_eq!(within(Duration::ZERO, short), short);
        assert_eq!(within(long, short), short, "the time of the batches behind it counts more");
    }

    #[test]
    fn the_last_error_is_that_of_the_last_failure() {
        let mut pause = Pause::new();
        assert_eq!(pause.last_error(), None);
        for why in ["first", "second"] {
            pause.failed(refused(why), NOW, &LENGTH);
            assert_eq!(pause.last_error().map(Error::message), Some(why));
        }
    }
}
