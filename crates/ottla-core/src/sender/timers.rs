//! Every deadline of the sender, in one structure.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::index::{BrokerIndex, PartitionIndex};
use crate::sync::Time;

/// What happens when a timer fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    Linger(BrokerIndex),
    Request(BrokerIndex),
    Setup(BrokerIndex),
    Reconnect(BrokerIndex),
    Idle(BrokerIndex),
    Throttle(BrokerIndex),
    Availability(BrokerIndex),
    Backoff(PartitionIndex),
    Expiry(PartitionIndex),
    Metadata,
    Rebootstrap,
    ProducerId,
    Inquiries,
    Close,
    Transaction,
}

/// A heap with one live entry per timer: the earliest time for which it was armed. A timer that fires too early finds
/// nothing due, and its handler arms it again. That is cheaper than moving it at every request.
#[derive(Default)]
pub struct Timers {
    heap: BinaryHeap<Reverse<(Time, Timer)>>,
    armed: HashMap<Timer, Time>,
}

impl Timers {
    /// Makes sure that `timer` fires at `at` or earlier.
    pub fn arm(&mut self, timer: Timer, at: Time) {
        if at == Time::NEVER || self.armed.get(&timer).is_some_and(|&armed| armed <= at) {
            return;
        }
        self.armed.insert(timer, at);
        self.heap.push(Reverse((at, timer)));
    }

    /// The next timer that is due, earliest first.
    pub fn due(&mut self, now: Time) -> Option<Timer> {
        while let Some(&Reverse((at, timer))) = self.heap.peek() {
            if at > now {
                return None;
            }
            self.heap.pop();
            // An entry that an earlier one has replaced is stale.
            if self.armed.get(&timer) == Some(&at) {
                self.armed.remove(&timer);
                return Some(timer);
            }
        }
        None
    }

    /// When the next timer may be due.
    pub fn next(&self) -> Time {
        self.heap.peek().map_or(Time::NEVER, |Reverse((at, _))| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sender::index::TableIndex;

    #[test]
    fn timers_fire_in_order_and_once() {
        let linger = Timer::Linger(BrokerIndex::from_position(1));
        let mut timers = Timers::default();
        timers.arm(Timer::Metadata, Time(30));
        timers.arm(linger, Time(10));
        timers.arm(Timer::Metadata, Time(20));
        timers.arm(Timer::Metadata, Time(40));
        assert_eq!(timers.next(), Time(10));
        assert_eq!(timers.due(Time(25)), Some(linger));
        assert_eq!(timers.due(Time(25)), Some(Timer::Metadata));
        assert_eq!(timers.due(Time(100)), None);
        assert_eq!(timers.next(), Time::NEVER);
    }

    #[test]
    fn never_is_not_armed() {
        let mut timers = Timers::default();
        timers.arm(Timer::Close, Time::NEVER);
        assert_eq!(timers.next(), Time::NEVER);
    }
}
