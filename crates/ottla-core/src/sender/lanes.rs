//! Lanes: where partitions wait for their turn at their broker.

use std::collections::VecDeque;
use std::time::Duration;

use super::index::{BrokerIndex, PartitionIndex};
use super::partitions::Partitions;
use super::{Place, Sender, Timer};
use crate::accumulator::TopicSettings;
use crate::config::Acks;
use crate::sync::Time;

/// What a Produce request says for all that it carries. Partitions whose topics differ in it need separate requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    pub acks: Acks,
    pub request_timeout: Duration,
    /// What it carries was lost with its connection before (see `suspects.rs`).
    pub suspect: bool,
}

impl Terms {
    pub fn of(topic: &TopicSettings) -> Self {
        Terms { acks: topic.acks, request_timeout: topic.request_timeout, suspect: false }
    }
}

/// Partitions of one broker that may share a request.
pub struct Lane {
    pub terms: Terms,
    pub ready: VecDeque<PartitionIndex>,
    /// By linger. Partitions with the same linger are in the order in which it began, so the first is due first.
    pub lingering: Vec<(Duration, VecDeque<PartitionIndex>)>,
}

impl Lane {
    /// When the first linger ends. Drops partitions that no longer linger on the way.
    fn next_linger(&mut self, partitions: &mut Partitions) -> Option<Time> {
        self.lingering.iter_mut().filter_map(|(linger, waiting)| first_linger(*linger, waiting, partitions)).min()
    }
}

/// The first partition of a list has lingered longest.
fn first_linger(linger: Duration, waiting: &mut VecDeque<PartitionIndex>, partitions: &mut Partitions) -> Option<Time> {
    loop {
        let index = *waiting.front()?;
        let partition = &mut partitions[index];
        if partition.place == Place::Lingering {
            if let Some(oldest) = partition.slot.status().oldest {
                return Some(oldest.after(linger));
            }
            partition.place = Place::Idle;
            partitions.deactivate_if_idle(index);
        }
        waiting.pop_front();
    }
}

/// The lanes of one broker. Usually there is one; topics with other terms have lanes of their own.
#[derive(Default)]
pub struct Lanes {
    lanes: Vec<Lane>,
    /// The lane that is served next.
    turn: usize,
}

impl Lanes {
    pub fn len(&self) -> usize {
        self.lanes.len()
    }

    pub fn lane(&mut self, at: usize) -> &mut Lane {
        &mut self.lanes[at]
    }

    /// Whether a partition here need not linger.
    pub fn any_ready(&self) -> bool {
        self.lanes.iter().any(|lane| !lane.ready.is_empty())
    }

    /// The next lane that has something ready and may go. Lanes take turns, so that none starves. A lane of suspects
    /// waits, and holds up the others, until nothing is in flight.
    pub fn next(&mut self, any_in_flight: bool, may_go: impl Fn(&Terms) -> bool) -> Option<usize> {
        let count = self.lanes.len();
        let goes = |lane: &Lane| !lane.ready.is_empty() && may_go(&lane.terms);
        let next = (0..count).map(|by| (self.turn + by) % count).find(|&at| goes(&self.lanes[at]))?;
        if any_in_flight && self.lanes[next].terms.suspect {
            return None;
        }
        self.turn = next + 1;
        Some(next)
    }

    pub fn push_ready(&mut self, terms: Terms, partition: PartitionIndex) {
        self.of(terms).ready.push_back(partition);
    }

    pub fn push_lingering(&mut self, terms: Terms, linger: Duration, partition: PartitionIndex) {
        let lists = &mut self.of(terms).lingering;
        let at = lists.iter().position(|(of, _)| *of == linger).unwrap_or_else(|| {
            lists.push((linger, VecDeque::new()));
            lists.len() - 1
        });
        lists[at].1.push_back(partition);
    }

    fn of(&mut self, terms: Terms) -> &mut Lane {
        let at = self.lanes.iter().position(|lane| lane.terms == terms).unwrap_or_else(|| {
            self.lanes.push(Lane { terms, ready: VecDeque::new(), lingering: Vec::new() });
            self.lanes.len() - 1
        });
        &mut self.lanes[at]
    }
}

impl Sender {
    /// Ends the linger of all batches, because a call waits for their memory or for a flush.
    pub(super) fn end_all_lingering(&mut self) {
        for broker in self.brokers.indices() {
            self.end_lingering(broker);
        }
    }

    pub(super) fn end_lingering(&mut self, broker: BrokerIndex) {
        for lane in 0..self.brokers[broker].lanes.len() {
            self.end_lingering_in(broker, lane);
        }
    }

    /// Makes the lingering partitions of this lane ready.
    pub(super) fn end_lingering_in(&mut self, broker: BrokerIndex, lane: usize) {
        let mut lists = std::mem::take(&mut self.broker(broker).lanes.lane(lane).lingering);
        for index in lists.iter_mut().flat_map(|(_, list)| list.drain(..)) {
            if self.partition(index).place == Place::Lingering {
                self.partition(index).place = Place::Idle;
                self.make_ready(index);
            }
        }
        self.broker(broker).lanes.lane(lane).lingering = lists;
    }

    pub(super) fn linger_passed(&mut self, broker: BrokerIndex) {
        for lane in 0..self.brokers[broker].lanes.len() {
            match self.brokers[broker].lanes.lane(lane).next_linger(&mut self.partitions) {
                // When the first of a lane is due, the others of the lane join its request.
                Some(due) if due <= self.now => self.end_lingering_in(broker, lane),
                Some(due) => self.timers.arm(Timer::Linger(broker), due),
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(partition: u32) -> PartitionIndex {
        PartitionIndex::of_slot(partition)
    }

    const SECOND: Duration = Duration::from_secs(1);

    fn terms(acks: Acks) -> Terms {
        Terms { acks, request_timeout: SECOND, suspect: false }
    }

    #[test]
    fn lanes_take_turns() {
        let mut lanes = Lanes::default();
        for partition in 0..3 {
            lanes.push_ready(terms(Acks::All), index(partition));
            lanes.push_ready(terms(Acks::Leader), index(10 + partition));
        }
        let taken: Vec<PartitionIndex> = std::iter::from_fn(|| {
            let at = lanes.next(true, |_| true)?;
            lanes.lane(at).ready.pop_front()
        })
        .collect();
        assert_eq!(taken, [0, 10, 1, 11, 2, 12].map(index));
    }

    #[test]
    fn a_lane_that_may_not_go_holds_up_no_other() {
        let mut lanes = Lanes::default();
        lanes.push_ready(terms(Acks::All), index(0));
        lanes.push_ready(terms(Acks::None), index(1));
        let at = lanes.next(true, |terms| terms.acks == Acks::None).expect("one may go");
        assert_eq!(lanes.lane(at).ready, [index(1)]);
    }

    #[test]
    fn suspects_wait_until_nothing_is_in_flight_and_are_not_overtaken() {
        let suspect = Terms { suspect: true, ..terms(Acks::All) };
        let mut lanes = Lanes::default();
        (0..2).for_each(|partition| lanes.push_ready(terms(Acks::All), index(partition)));
        lanes.push_ready(suspect, index(10));
        assert_eq!(lanes.next(true, |_| true), Some(0));
        assert_eq!(lanes.next(true, |_| true), None, "it is their turn");
        assert_eq!(lanes.next(false, |_| true), Some(1));
        assert_eq!(lanes.next(true, |_| true), Some(0));
    }

    #[test]
    fn what_a_request_says_and_the_linger_keep_partitions_apart() {
        let mut lanes = Lanes::default();
        let other = Terms { request_timeout: 2 * SECOND, ..terms(Acks::All) };
        for (partition, (terms, linger)) in (0..).zip([
            (terms(Acks::All), SECOND),
            (terms(Acks::All), 2 * SECOND),
            (other, SECOND),
            (terms(Acks::All), SECOND),
        ]) {
            lanes.push_lingering(terms, linger, index(partition));
        }
        assert_eq!(lanes.len(), 2);
        assert_eq!(lanes.lane(0).lingering, [(SECOND, [0, 3].map(index).into()), (2 * SECOND, [index(1)].into())]);
        assert_eq!(lanes.lane(1).lingering, [(SECOND, [index(2)].into())]);
        assert!(!lanes.any_ready());
    }
}
