//! What must hold once the trouble is over.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ottla_core::accumulator::Lingering;
use ottla_core::sender::Acks;
use ottla_core::{Fate, Record};
use ottla_mock::{Api, Fault, On};

use super::run::Run;
use crate::dice;
use crate::world::{World, ms};

impl Run {
    pub(super) fn calm_and_close(&mut self) {
        self.end_trouble();
        self.world.flush();
        self.complete_all("what was accepted before");
        self.go_on();
        if self.plan.max_request_bytes.is_some() {
            self.send_too_large();
        }
        self.world.run(ms(10));
        self.check_step();
        let application = &self.world.application;
        assert_eq!(application.flushed.len(), application.flushes.len(), "a flush does not end");
        self.world.close(ms(1_000));
        assert!(self.world.run_until(ms(1_100), |world| world.application.closed), "the close does not end");
    }

    fn end_trouble(&mut self) {
        self.fault_rate.store(0, Ordering::Relaxed);
        self.world.cluster.clear_faults();
        self.world.cluster.max_request_bytes = usize::MAX;
        self.world.cluster.release_metadata();
        self.start_brokers();
        (self.world.network.eager, self.world.network.transit) = (true, Duration::ZERO);
        for link in self.world.network.writable() {
            self.world.finish_write(link);
        }
        // Requests on a connection that never answers would fail only after request.timeout.ms.
        for broker in self.world.cluster.broker_ids() {
            self.world.cut_all_to(broker);
        }
    }

    /// Without trouble, all accepted records are completed soon.
    fn complete_all(&mut self, what: &str) {
        let all = self.world.run_until(ms(50_000), World::all_completed);
        self.check_step();
        let incomplete = self.world.application.incomplete();
        assert!(all, "{what}: records {incomplete:?} have no completion; log: {:#?}", self.world.log_tail());
    }

    /// Without trouble every record is written, whatever happened before. The first round may still discover what has
    /// changed. If a topic without an id was created again, only three failures show that its known leader is stale.
    fn go_on(&mut self) {
        // A connection attempt may still be waiting for its result.
        self.world.run(ms(40_000));
        let metadata = self.world.cluster.versions_of(1).range(Api::Metadata);
        let ids = metadata.is_some_and(|versions| *versions.end() >= 10);
        let last = if self.plan.recreated_topics && !ids { 4 } else { 1 };
        if self.plan.new_topic_left_out {
            self.leave_out_new_topic();
        }
        for round in 0..=last {
            let first = self.world.application.next_id;
            self.send_everywhere();
            self.complete_all("what was accepted after the trouble");
            if last > 1 || self.plan.outages {
                // Each failure requests metadata, at most once per retry.backoff.ms. So does the first record for a
                // topic that was idle.
                self.world.run(ms(1_000));
            }
            if round == last {
                self.assert_all_written_from(first);
            }
        }
    }

    fn send_everywhere(&mut self) {
        for (topic, partitions) in &self.topics {
            for partition in 0..*partitions {
                drop(self.world.send_sized(topic, Some(partition), 0));
            }
            // Without a partition: the producer chooses one by the key.
            for key in 0..8u8 {
                let record = Record { key: Some(&[key]), ..Record::default() };
                drop(self.world.send_record(topic, record, 0, b'.', Lingering::Allowed));
            }
        }
    }

    fn assert_all_written_from(&self, first: u64) {
        let application = &self.world.application;
        for (id, outcome) in application.outcomes.range(first..) {
            let acks = application.accepted[id].acks;
            assert!(acks == Acks::None || outcome.fate == Fate::Written, "record {id} without trouble: {outcome:?}");
        }
    }

    /// Creates a topic that the next metadata responses leave out.
    fn leave_out_new_topic(&mut self) {
        let name = "topic-new".to_owned();
        self.world.cluster.create_topic(&name, 1);
        let left_out = Fault::LeaveOut(On::Topic(name.clone()));
        self.world.cluster.script(Api::Metadata, vec![left_out; 3]);
        self.topics.push((name, 1));
        self.coverage.note("fault: new topic left out");
    }

    /// Without other trouble, a record that no request can carry fails alone, and the search for it costs at most one
    /// connection per batch.
    fn send_too_large(&mut self) {
        let before = self.world.cluster.oversized_requests.len();
        // All other records together are smaller.
        let limit = 20_000;
        self.world.cluster.max_request_bytes = limit;
        // Slower than the application, helpers would let the buffer fill up.
        self.world.helpers.delay = Duration::ZERO;
        let mut dice = dice::stream(self.plan.seed, "record too large");
        let (topic, partitions) = dice.one_of(&self.topics);
        let partition = dice.below(partitions as u32) as i32;
        let first = self.world.application.next_id;
        let large = self.world.send_sized(&topic, Some(partition), limit).expect("there is room");
        let behind = self.send_around(&topic, partition);
        self.world.flush();
        assert!(self.world.run_until(ms(130_000), World::all_completed), "log: {:#?}", self.world.log_tail());
        self.check_step();
        // With less time, or fewer attempts, later batches may expire before the missing number is certain.
        let patient = self.world.accumulator.topics.get(&topic).settings.delivery_timeout >= ms(10_000);
        let application = &self.world.application;
        for (id, outcome) in application.outcomes.range(first..).filter(|(id, _)| **id != large) {
            let acks = application.accepted[id].acks;
            let spared = acks == Acks::None || self.plan.retries == 0 || (behind.contains(id) && !patient);
            assert!(spared || outcome.fate == Fate::Written, "record {id} besides {large}, too large: {outcome:?}");
        }
        let closed = &self.world.cluster.oversized_requests[before..];
        let alone = closed.iter().min().map_or(0, |one| one + 10);
        let with_others = closed.iter().filter(|&&size| size > alone).count() as i32;
        let all: i32 = self.topics.iter().map(|(_, partitions)| partitions).sum();
        assert!(with_others <= all, "{closed:?}");
    }

    /// Sends records to all partitions. Returns those sent to the partition of the large record.
    fn send_around(&mut self, topic: &str, partition: i32) -> BTreeSet<u64> {
        let mut behind = BTreeSet::new();
        for round in 0..40 {
            for (name, partitions) in &self.topics {
                for other in 0..*partitions {
                    let same = name == topic && other == partition;
                    // Until the tenth round the large record may linger, and these would share its batch.
                    if !same || round > 10 {
                        let id = self.world.send_sized(name, Some(other), 0).expect("there is room");
                        behind.extend(same.then_some(id));
                    }
                }
            }
            self.world.run(ms(30));
        }
        behind
    }
}
