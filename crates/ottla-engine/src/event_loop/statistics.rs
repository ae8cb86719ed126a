//! Takes a snapshot of all figures: those that the sender counts, and levels that are read from their source.

use std::collections::HashMap;
use std::time::Duration;

use super::Shared;
use ottla_core::accumulator::{Slot, Topic};
use ottla_core::statistics::{BrokerFigures, ProducerFigures, Snapshot, TopicFigures};
use ottla_core::sync::{Arc, Clock, SystemClock, Time};

impl Shared {
    /// A snapshot of all figures. Any thread, at any time. Looks once at every partition of the topics in use.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = self.statistics.read(SystemClock.monotonic(), SystemClock.wall_ms());
        self.look_at_buffer(&mut snapshot.producer);
        let mut brokers: HashMap<i32, &mut BrokerFigures> =
            snapshot.brokers.iter_mut().map(|broker| (broker.what.id, &mut broker.figures)).collect();
        let topics: HashMap<Arc<str>, Arc<Topic>> =
            self.accumulator.topics.all().into_iter().map(|topic| (topic.name.clone(), topic)).collect();
        let producer = &mut snapshot.producer;
        for measured in &mut snapshot.topics {
            let Some(topic) = topics.get(&measured.what) else { continue };
            let figures = &mut measured.figures;
            look_at_queue(figures, &topic.queue);
            for slot in topic.partitions().unwrap_or_default() {
                let leader = slot.leader().and_then(|id| brokers.get_mut(&id));
                look_at_partition(figures, leader.map(|broker| &mut **broker), slot);
            }
            producer.topics += 1;
            producer.partitions += figures.partitions;
            producer.records_held += figures.records_waiting + figures.records_taken;
        }
        snapshot
    }

    /// Records that are not decided yet: those that wait in slots, and those that the sender has taken.
    pub fn records_held(&self) -> usize {
        let waiting: usize = self.accumulator.topics.slots().iter().map(|slot| slot.waiting().0).sum();
        waiting + self.statistics.records_taken()
    }

    fn look_at_buffer(&self, producer: &mut ProducerFigures) {
        let memory = &self.accumulator.memory;
        let budget = memory.budget();
        producer.buffer_report_bytes = level(memory.report_bytes());
        producer.buffer_total_bytes = level(budget.limit());
        producer.buffer_used_bytes = level(budget.used());
        producer.buffer_waiting = level(budget.waiting());
    }
}

/// When statistics are due next. Missed reports are not made up for.
pub struct Interval {
    every: Duration,
    pub next: Time,
}

impl Interval {
    pub fn new(every: Option<Duration>, now: Time) -> Self {
        Interval { every: every.unwrap_or_default(), next: every.map_or(Time::NEVER, |every| now.after(every)) }
    }

    pub fn is_due(&mut self, now: Time) -> bool {
        let due = now >= self.next;
        if due {
            self.next = now.after(self.every);
        }
        due
    }
}

fn look_at_queue(topic: &mut TopicFigures, queue: &Slot) {
    let (records, bytes) = queue.waiting();
    topic.records_waiting += level(records);
    topic.bytes_waiting += level(bytes);
}

fn look_at_partition(topic: &mut TopicFigures, leader: Option<&mut BrokerFigures>, slot: &Slot) {
    let (records, bytes) = slot.waiting();
    topic.partitions += 1;
    topic.records_waiting += level(records);
    topic.bytes_waiting += level(bytes);
    match leader {
        None => topic.partitions_without_leader += 1,
        Some(leader) => {
            leader.partitions += 1;
            leader.records_waiting += level(records);
            leader.bytes_waiting += level(bytes);
        }
    }
}

fn level(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
