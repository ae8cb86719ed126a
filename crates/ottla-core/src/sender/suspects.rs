//! Suspects: batches whose requests were lost with their connections. One of them may end its connection whenever it is
//! sent.
//!
//! A broker closes the connection for a request above `socket.request.max.bytes`, a gateway has its own limit, and some
//! networks lose large packets. If such a batch were sent again with the others of its request, all of them would be
//! lost again until they expire. So each batch of a lost request is a **suspect** until a broker has responded to it:
//! - Suspects travel without others, and nothing else is on their connection. They have lanes of their own.
//! - The smallest goes first, alone. Each response doubles how much the next request may carry. A loss begins again
//!   with one batch. So every lost request of several suspects follows a response, and the search loses at most one
//!   connection per batch. After a mere restart of the broker, a few requests clear all of them.
//! - A batch that was lost while it was alone on its connection is sent alone from then on, after growing pauses.

use std::time::Duration;

use super::broker::LostAlone;
use super::index::{BrokerIndex, PartitionIndex};
use super::pause::PauseBounds;
use super::request::{InFlight, RequestKind};
use super::{Backoff, Level, Sender};
use crate::batch::{Batch, Suspicion};
use crate::error::{Error, ErrorCode, ErrorKind};
use crate::partition::rng::SplitMix64;
use crate::planted::{Fault, planted};

/// After this many lost connections in a row with only one batch on them, that batch is to blame.
const NO_ACCIDENT: u32 = 3;

/// The pauses of a batch that was lost while it was alone on its connection, even if `retry.backoff.ms` is shorter:
/// every attempt costs the others a connection.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

const REQUEST_TIMED_OUT: ErrorKind = ErrorKind::Broker(ErrorCode::REQUEST_TIMED_OUT);

impl Sender {
    /// Makes the batches of a request that was lost with its connection suspects. `only`: it was the only request
    /// there.
    ///
    /// If the sender closed the connection because of what the broker sent, the request is not to blame.
    pub(super) fn suspect(&mut self, broker: BrokerIndex, request: &mut InFlight, error: &Error, only: bool) {
        let (RequestKind::Produce(produced) | RequestKind::ProduceUnanswered(produced)) = &mut request.kind else {
            return;
        };
        if planted(Fault::SuspectsTogether) {
            return;
        }
        let alone = only && produced.len() == 1;
        let was_sent_garbage = !error.is_retriable();
        let held = self.now.since(request.sent);
        for batch in produced.iter_mut().filter_map(|carried| carried.batch.as_mut()) {
            let before = batch.sealed.suspicion.map_or(0, |suspicion| suspicion.alone);
            let alone = if was_sent_garbage { 0 } else { before + u32::from(alone) };
            batch.sealed.suspicion = Some(Suspicion { alone, bytes: request.bytes, held });
        }
        self.broker(broker).suspect_room = 0;
    }

    /// Notes a Produce request that got through: a broker responded to it, or it was written and has no response.
    pub(super) fn got_through(&mut self, broker: BrokerIndex, request: &InFlight) {
        let broker = self.broker(broker);
        if matches!(request.kind, RequestKind::Produce(_)) {
            broker.largest_answered = broker.largest_answered.max(Some(request.bytes));
            broker.lost_alone = LostAlone::Nobody;
        }
        if request.suspects {
            broker.suspect_room = 2 * request.bytes;
        }
    }

    /// The smallest batch goes first, so that those that will probably pass are not at risk from the others.
    pub(super) fn sort_suspects(&mut self, broker: BrokerIndex, lane: usize) {
        let mut ready = std::mem::take(&mut self.broker(broker).lanes.lane(lane).ready);
        ready.make_contiguous().sort_by_key(|&partition| {
            let head = self.partition(partition).queue.front();
            head.map(|batch| (batch.sealed.suspicion.map(|suspicion| suspicion.alone), batch.payload().len()))
        });
        self.broker(broker).lanes.lane(lane).ready = ready;
    }

    /// Whether a batch needs a request of its own.
    pub(super) fn needs_own_request(&self, batch: &Batch) -> bool {
        let last_attempt = batch.sealed.attempts >= self.settings.retries;
        batch.sealed.suspicion.is_some_and(|suspicion| suspicion.alone > 0 || last_attempt)
    }

    /// Sends a suspect again, or fails it if it is to blame for its lost connections. It is to blame after several of
    /// them, if the broker has responded only to smaller requests. If the broker has responded to none, no other
    /// partition may have lost a batch alone. A broker that ends every request, or a partition whose replicas lag
    /// behind, proves nothing against a batch.
    pub(super) fn suspect_lost(
        &mut self,
        index: PartitionIndex,
        batch: Box<Batch>,
        suspicion: Suspicion,
        error: Error,
    ) {
        let lost_alone = suspicion.alone > 0;
        let Some(broker) = self.partition(index).in_flight_broker.filter(|_| lost_alone) else {
            return self.retry(index, batch, error);
        };
        let largest = self.brokers[broker].largest_answered;
        let was_closed = error.kind() != REQUEST_TIMED_OUT;
        let only_one = self.note_lost_alone(broker, index);
        let to_blame = is_larger(suspicion, largest) || (largest.is_none() && only_one && was_closed);
        if largest >= Some(suspicion.bytes) && was_closed {
            // The path to the broker may have changed. The next responses show which sizes pass now.
            self.broker(broker).largest_answered = None;
        }
        let error = explain(&error, suspicion, largest);
        if suspicion.alone == NO_ACCIDENT {
            self.log(Level::Warning, || format!("{error} (topic {}, partition {})", batch.topic, batch.partition));
            if to_blame {
                self.lower_batch_limit(index, &batch);
            }
        }
        if suspicion.alone >= NO_ACCIDENT && to_blame && self.half_time(&batch).is_none() {
            // No broker has refused the batches behind it.
            self.partition(index).pause.forget_failures();
            return self.give_up(index, batch, error);
        }
        self.retry(index, batch, error);
    }

    /// Notes that a batch of this partition was lost alone. Returns whether that happened only to this partition since
    /// the last response.
    fn note_lost_alone(&mut self, broker: BrokerIndex, index: PartitionIndex) -> bool {
        let broker = self.broker(broker);
        broker.lost_alone = match broker.lost_alone {
            LostAlone::Nobody => LostAlone::One(index),
            LostAlone::One(other) if other != index => LostAlone::Several,
            unchanged => unchanged,
        };
        broker.lost_alone == LostAlone::One(index)
    }

    /// The bounds of the pause before the next attempt of a partition's first batch.
    pub(super) fn pause_bounds(&mut self, index: PartitionIndex) -> PauseBounds {
        let partition = &self.partitions[index];
        let largest = partition.in_flight_broker.and_then(|broker| self.brokers[broker].largest_answered);
        let Some(batch) = partition.queue.front() else { return PauseBounds::NONE };
        let Some(suspicion) = batch.sealed.suspicion else { return PauseBounds::NONE };
        let until_half = self.half_time(batch).unwrap_or(Duration::MAX);
        let initial = self.settings.retry_backoff.initial.max(FIRST_PAUSE);
        let pauses = Backoff { initial, max: LONGEST_PAUSE };
        bounds_of(suspicion, largest, until_half, &pauses, &mut self.random)
    }

    /// The rest of the first half of a batch's time. The second half belongs to the batches behind it.
    fn half_time(&self, batch: &Batch) -> Option<Duration> {
        let half = batch.created.after(batch.deadline.since(batch.created) / 2);
        (half > self.now).then(|| half.since(self.now))
    }
}

/// Whether the broker has responded to smaller requests, and to none as large.
fn is_larger(suspicion: Suspicion, largest_answered: Option<usize>) -> bool {
    largest_answered.is_some_and(|largest| largest < suspicion.bytes)
}

/// The bounds of a suspect's pause: none, unless it was lost alone twice. If other batches get through, every attempt costs
/// them their connection. So they get the connection for at least as long as the attempt took. `until_half`: the rest of
/// the first half of the batch's time.
fn bounds_of(
    suspicion: Suspicion,
    largest_answered: Option<usize>,
    until_half: Duration,
    pauses: &Backoff,
    random: &mut SplitMix64,
) -> PauseBounds {
    if suspicion.alone < 2 {
        return PauseBounds::NONE;
    }
    let at_least = match is_larger(suspicion, largest_answered) {
        true => pauses.after(suspicion.alone, random).max(suspicion.held),
        false => Duration::ZERO,
    };
    PauseBounds { at_least, at_most: until_half }
}

/// Adds what is known about the request to the error of a lost connection.
fn explain(error: &Error, suspicion: Suspicion, largest: Option<usize>) -> Error {
    let Suspicion { alone, bytes, .. } = suspicion;
    let times = if alone == 1 { "once".to_owned() } else { format!("{alone} times in a row") };
    let advice = if largest >= Some(bytes) {
        "the broker has answered larger ones, so its own log may say more".to_owned()
    } else {
        let answered = match largest {
            None => "the broker has answered none yet".to_owned(),
            Some(largest) => format!("the largest that the broker answered had {largest} bytes"),
        };
        format!(
            "{answered}: compare with socket.request.max.bytes of the broker, limits of proxies and gateways, and the MTU \
             of the network; raise that limit, or lower max.request.size"
        )
    };
    let request = format!("a Produce request of {bytes} bytes, with this batch alone, ended its connection {times}");
    error.note(format_args!("{request}; {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Duration = Duration::from_secs(60);
    const PAUSES: Backoff = Backoff { initial: FIRST_PAUSE, max: LONGEST_PAUSE };

    /// The bounds of a batch whose request had 1000 bytes and was lost `alone` times alone, after `held`.
    fn bounds(alone: u32, held: Duration, largest_answered: Option<usize>) -> PauseBounds {
        let suspicion = Suspicion { alone, bytes: 1000, held };
        bounds_of(suspicion, largest_answered, HALF, &PAUSES, &mut SplitMix64::new(7))
    }

    #[test]
    fn a_suspect_that_was_lost_alone_once_pauses_as_any_batch() {
        for alone in 0..2 {
            assert_eq!(bounds(alone, Duration::from_secs(9), Some(500)), PauseBounds::NONE);
        }
    }

    #[test]
    fn a_suspect_larger_than_what_got_through_pauses_for_as_long_as_its_attempt_took_and_ever_longer() {
        assert_eq!(bounds(2, Duration::from_secs(9), Some(999)).at_least, Duration::from_secs(9));
        let [second, third] = [2, 3].map(|alone| bounds(alone, Duration::ZERO, Some(999)).at_least);
        assert!(second >= Duration::from_millis(160) && third == 2 * second, "{second:?} {third:?}");
    }

    #[test]
    fn a_suspect_that_is_not_larger_pauses_no_longer_than_others() {
        for largest_answered in [None, Some(1000), Some(5000)] {
            let bounds = bounds(2, Duration::from_secs(9), largest_answered);
            assert_eq!(bounds.at_least, Duration::ZERO, "{largest_answered:?}");
        }
    }

    #[test]
    fn no_pause_of_a_suspect_takes_from_the_half_of_its_time_that_belongs_to_the_batches_behind_it() {
        for largest_answered in [None, Some(500)] {
            assert_eq!(bounds(2, Duration::from_secs(99), largest_answered).at_most, HALF);
        }
    }
}
