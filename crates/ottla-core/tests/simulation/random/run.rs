//! A random run: it drives a world step by step according to its plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ottla_core::accumulator::Lingering;
use ottla_core::sender::Acks;
use ottla_core::{ErrorKind, Record};
use ottla_mock::{Api, TopicOptions};

use super::plan::{Ending, Plan};
use crate::coverage::{Coverage, Shared};
use crate::dice::{self, Dice};
use crate::faults::Faults;
use crate::promises::{self, PartitionLog, Promise, Records};
use crate::world::{POISON, World, ms};

/// Minimums of every run.
const STEPS: u64 = 300;
const FAULTS: u64 = 3;

pub struct Run {
    pub(super) plan: Plan,
    pub(super) world: World,
    /// Names, and present numbers of partitions.
    pub(super) topics: Vec<(String, i32)>,
    pub(super) coverage: Shared,
    /// The probability that a request goes wrong, per thousand.
    pub(super) fault_rate: Arc<AtomicU32>,
    promises: Vec<Box<dyn Promise>>,
    /// Logs of deleted topics.
    old_logs: Vec<PartitionLog>,
    dice: Streams,
    steps: u64,
    printed_requests: usize,
    trace: bool,
}

/// The random streams of the steps.
struct Streams {
    steps: Dice,
    sends: Dice,
    purges: Dice,
    sockets: Dice,
    time: Dice,
    accidents: Dice,
    outages: Dice,
    recreations: Dice,
    helpers: Dice,
}

impl Streams {
    fn of(seed: u64) -> Streams {
        let stream = |name| dice::stream(seed, name);
        Streams {
            steps: stream("steps"),
            sends: stream("sends"),
            purges: stream("purge"),
            sockets: stream("sockets"),
            time: stream("time"),
            accidents: stream("accidents"),
            outages: stream("outages"),
            recreations: stream("recreations"),
            helpers: stream("helpers at work"),
        }
    }
}

impl Run {
    pub fn new(plan: Plan) -> Run {
        let trace = std::env::var_os("OTTLA_TRACE").is_some();
        if trace {
            println!("{plan:#?}");
        }
        let mut promises = promises::of_a_producer();
        promises.extend(promises::of_a_cluster());
        let mut run = Run {
            world: plan.setup().start(),
            topics: Vec::new(),
            coverage: Shared::default(),
            fault_rate: Arc::new(AtomicU32::new(plan.fault_rate)),
            promises,
            old_logs: Vec::new(),
            dice: Streams::of(plan.seed),
            steps: 0,
            printed_requests: 0,
            trace,
            plan,
        };
        run.world.helpers.delay = run.plan.helpers.as_ref().map_or(Duration::ZERO, |helpers| helpers.delay);
        run.set_up_brokers();
        run.set_up_topics();
        run
    }

    fn set_up_brokers(&mut self) {
        let cluster = &mut self.world.cluster;
        cluster.set_versions(self.plan.release.versions());
        cluster.first_epoch = self.plan.first_epoch;
        cluster.max_request_bytes = self.plan.max_request_bytes.unwrap_or(usize::MAX);
        let late = self.plan.late_requests.is_some();
        let mut faults = Faults::new(self.plan.seed, self.fault_rate.clone(), self.coverage.clone(), late);
        cluster.on_request(move |request| faults.of(request));
        self.world.network.eager = self.plan.eager_sockets;
    }

    fn set_up_topics(&mut self) {
        let poison = self.plan.poison.then_some(POISON);
        for (n, topic) in self.plan.topics.iter().enumerate() {
            let mut options = TopicOptions { partitions: topic.partitions, poison, ..TopicOptions::default() };
            options.max_message_bytes = self.plan.max_message_bytes.unwrap_or(options.max_message_bytes);
            let name = format!("topic-{n}");
            if self.plan.auto_create {
                self.world.cluster.auto_create = Some(options);
            } else {
                self.world.cluster.create_topic_with(&name, options);
            }
            if let Some(overrides) = &topic.overrides {
                self.world.topic_with(&name, |settings| overrides.apply(settings));
            }
            self.topics.push((name, topic.partitions));
        }
    }

    pub fn all(mut self) -> Coverage {
        while self.accepted() < self.plan.records || self.steps < STEPS || self.faults() < FAULTS {
            self.step();
            assert!(self.steps < 100_000, "the run does not get on");
        }
        match self.plan.ending {
            Ending::AmidTrouble(timeout) => self.close_amid_trouble(timeout),
            Ending::AfterTrouble => self.calm_and_close(),
        }
        self.finish()
    }

    fn accepted(&self) -> u64 {
        self.world.application.accepted.len() as u64
    }

    fn faults(&self) -> u64 {
        self.coverage.sum("answer: ") + self.coverage.sum("fault: ")
    }

    fn step(&mut self) {
        self.steps += 1;
        self.world.set_clocks();
        self.world.land();
        match self.dice.steps.below(100) {
            0..25 => self.send(),
            25..50 => self.dice.sockets.deliver(&mut self.world),
            50..62 => self.dice.sockets.write(&mut self.world, self.plan.late_requests),
            62..72 => self.world.read_mail(),
            72..80 => {
                let drained = self.world.drained();
                self.world.sender.tick(drained);
            }
            80..95 => self.dice.time.pass_time(&mut self.world),
            97 => {
                if self.dice.sockets.cut(&mut self.world) {
                    self.coverage.note("fault: cut");
                }
            }
            98 => drop(self.world.flush()),
            99 if self.plan.purges && self.dice.purges.once_in(3) => self.purge(),
            _ => self.meddle(),
        }
        self.dice.helpers.end_preparation(&mut self.world, &self.coverage);
        if self.plan.recreated_topics && self.dice.recreations.once_in(150) {
            self.resize();
        }
        self.world.carry_out();
        self.check_step();
    }

    pub(super) fn check_step(&mut self) {
        self.promises.iter_mut().for_each(|promise| promise.step(&self.world));
        self.print();
    }

    fn print(&mut self) {
        if self.trace {
            for (level, line) in self.world.observer.log.drain(..) {
                println!("{} {level:?}: {line}", self.world.now.0 / 1000);
            }
            for request in &self.world.cluster.requests()[self.printed_requests..] {
                println!("{} {request:?}", self.world.now.0 / 1000);
            }
            self.printed_requests = self.world.cluster.requests().len();
        }
    }

    // The application

    fn send(&mut self) {
        if self.accepted() >= self.plan.records {
            return;
        }
        for _ in 0..=self.dice.sends.below(6) {
            let dice = &mut self.dice.sends;
            let (topic, partitions) = dice.one_of(&self.topics);
            let partition = (!dice.once_in(3)).then(|| dice.below(partitions as u32) as i32);
            let padding = if dice.once_in(10) { dice.below(2000) } else { dice.below(60) } as usize;
            let lingering = if dice.once_in(20) { Lingering::Skipped } else { Lingering::Allowed };
            let timeout = (self.plan.record_timeouts && dice.once_in(4)).then(|| ms(1 + u64::from(dice.below(10_000))));
            let (poisoned, lent) = (self.plan.poison && dice.once_in(12), dice.once_in(8));
            let partition = partition.map(|partition| self.known_partition(&topic, partition));
            let record = Record { partition, timeout, ..Record::default() };
            let sent = if poisoned {
                self.world.send_poisoned(&topic, partition)
            } else if lent {
                self.world.send_lent(&topic, partition, padding)
            } else {
                self.world.send_record(&topic, record, padding, b'.', lingering)
            };
            if sent.is_err() {
                self.world.accumulator.inbox.request_room();
            }
        }
    }

    /// Applications use partitions that they have seen. Some may be gone.
    fn known_partition(&mut self, topic: &str, partition: i32) -> i32 {
        let dice = &mut self.dice.recreations;
        match self.world.accumulator.topics.get(topic).partitions() {
            Some(seen) if self.plan.recreated_topics && dice.once_in(4) => dice.below(seen.len() as u32) as i32,
            _ => partition,
        }
    }

    fn purge(&mut self) {
        let dice = &mut self.dice.purges;
        let (queued, in_flight) = dice.one_of(&[(true, true), (true, true), (true, false), (false, true)]);
        let (topic, _) = dice.one_of(&self.topics);
        let topic = dice.once_in(2).then_some(topic);
        self.world.purge(queued, in_flight, topic.as_deref());
    }

    fn close_amid_trouble(&mut self, timeout: Duration) {
        self.fault_rate.store(self.plan.fault_rate / 2, Ordering::Relaxed);
        self.world.close(timeout);
        while !self.world.application.closed {
            self.step();
        }
    }

    // Accidents

    /// What administrators and accidents do.
    fn meddle(&mut self) {
        if self.plan.outages && self.dice.outages.once_in(4) {
            return self.black_out();
        }
        let dice = &mut self.dice.accidents;
        let at = dice.below(self.topics.len() as u32) as usize;
        let (topic, partitions) = self.topics[at].clone();
        let partition = dice.below(partitions as u32) as i32;
        let broker = 1 + dice.below(3) as i32;
        let what = dice.below(13);
        let (once_in_four, once_in_two) = (dice.once_in(4), dice.once_in(2));
        let jump = dice.up_to(ms(30_000));
        let (exists, is_up) = (self.is_manageable(&topic), self.world.cluster.is_up(broker));
        let what = match what {
            0..4 if exists && is_up => {
                self.world.cluster.move_leader(&topic, partition, broker);
                "leader moved"
            }
            4 | 5 if is_up => {
                self.world.stop_broker(broker);
                "broker stopped"
            }
            6..9 => return self.start_brokers(),
            9 if exists && once_in_four => {
                self.world.cluster.add_partitions(&topic, partitions + 1);
                self.topics[at].1 += 1;
                "partitions added"
            }
            9 if exists && self.plan.recreated_topics && self.dice.recreations.once_in(4) => {
                self.recreate(at, partitions);
                "topic made anew"
            }
            10 if exists && once_in_two => {
                self.world.cluster.hold_metadata();
                "stale metadata"
            }
            11 => return self.world.cluster.release_metadata(),
            12 if once_in_four => {
                self.world.now = self.world.now.after(jump);
                "clock jump"
            }
            _ => return,
        };
        self.coverage.note(format!("fault: {what}"));
    }

    pub(super) fn start_brokers(&mut self) {
        for broker in self.world.cluster.broker_ids() {
            if !self.world.cluster.is_up(broker) {
                self.world.cluster.start_broker(broker);
            }
        }
    }

    /// All brokers are down for two seconds, and the engine does whatever it wants meanwhile.
    fn black_out(&mut self) {
        self.coverage.note("fault: outage");
        for broker in self.world.cluster.broker_ids() {
            if self.world.cluster.is_up(broker) {
                self.world.stop_broker(broker);
            }
        }
        self.world.run(ms(2_000));
        self.start_brokers();
    }

    /// Deletes a topic and creates it again. Its old logs are kept for the checks.
    fn recreate(&mut self, at: usize, new_partitions: i32) {
        let (topic, partitions) = self.topics[at].clone();
        self.old_logs.extend((0..partitions).map(|p| PartitionLog::read(&self.world.cluster, &topic, p)));
        self.world.cluster.recreate_topic_with(&topic, new_partitions);
        self.topics[at].1 = new_partitions;
    }

    /// Sometimes recreates a topic with another number of partitions.
    fn resize(&mut self) {
        let at = self.dice.recreations.below(self.topics.len() as u32) as usize;
        let (topic, partitions) = self.topics[at].clone();
        let new_partitions = 1 + self.dice.recreations.below(6) as i32;
        if !self.is_manageable(&topic) || new_partitions == partitions {
            return;
        }
        self.recreate(at, new_partitions);
        let which = if new_partitions < partitions { "fewer" } else { "more" };
        self.coverage.note(format!("fault: topic made anew with {which} partitions"));
    }

    /// Nobody can create partitions while no broker could hold them.
    fn is_manageable(&self, topic: &str) -> bool {
        let some_up = self.world.cluster.broker_ids().into_iter().any(|broker| self.world.cluster.is_up(broker));
        some_up && self.world.cluster.topic_id(topic).is_some()
    }

    // The end

    fn finish(mut self) -> Coverage {
        self.promises.iter_mut().for_each(|promise| promise.closed(&mut self.world));
        let mut records = Records::default();
        records.add_producer(&self.world);
        self.read_logs().into_iter().for_each(|log| records.add_log(log));
        promises::check_records(&records);
        records.note_coverage(&self.coverage);
        self.note_coverage();
        self.coverage.take()
    }

    /// All logs, including those of deleted topics, and which promises hold for them.
    fn read_logs(&mut self) -> Vec<PartitionLog> {
        let mut logs = std::mem::take(&mut self.old_logs);
        let recreated: BTreeSet<String> = logs.iter().map(|log| log.topic.clone()).collect();
        let cluster = &self.world.cluster;
        for (topic, partitions) in self.topics.iter().filter(|(topic, _)| cluster.topic_id(topic).is_some()) {
            logs.extend((0..*partitions).map(|partition| PartitionLog::read(cluster, topic, partition)));
        }
        let produce = cluster.versions_of(1).range(Api::Produce);
        let by_id = produce.is_some_and(|versions| *versions.end() >= 13);
        for log in &mut logs {
            let settings = &self.world.accumulator.topics.get(&log.topic).settings;
            // The log of a recreated topic knows no producer and accepts any sequence number. Batches for the old topic
            // that are addressed by name can be written twice, or overtake batches that were refused in between. Topic
            // ids prevent that.
            let known = by_id || !recreated.contains(&log.topic);
            log.once = settings.idempotence && known;
            let in_order = settings.idempotence || self.plan.max_in_flight == 1;
            log.ordered = settings.acks != Acks::None && in_order && known;
        }
        logs
    }

    fn note_coverage(&self) {
        let counts = self.world.counts();
        let outcomes = || self.world.application.outcomes.values();
        let named = |words: &str| outcomes().filter(|outcome| outcome.message.contains(words)).count() as u64;
        let purged = outcomes().filter(|outcome| outcome.error == Some(ErrorKind::Purged)).count() as u64;
        let rows = BTreeMap::from([
            ("steps", self.steps),
            ("records", self.accepted()),
            ("intervals: any", u64::from(self.plan.intervals.is_some())),
            ("fault: request too large", self.world.cluster.oversized_requests.len() as u64),
            ("record: purged", purged),
            ("record: to blame", named("to blame")),
            ("record: named as what ends its connections", named("socket.request.max.bytes")),
            ("batch: sent again", counts.batches_retried),
            ("batch: expired", counts.batches_expired),
            ("batch: split", counts.batches_split),
            ("epoch: raised", counts.epochs_bumped),
            ("request: timed out", counts.requests_timed_out),
        ]);
        rows.into_iter().for_each(|(row, times)| self.coverage.count(row, times));
    }
}
