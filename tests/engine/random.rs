//! Random runs: a seed decides who does what when, and what goes wrong. Invariants are checked after every step and at
//! the end.
//!
//! `cargo test --test engine random` tries 300 seeds, `OTTLA_SEEDS=from..to` others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ottla::compress::Codec;
use ottla::core::Acks;
use ottla::front::{Keyless, Manner, Partitioner, TopicSettings};
use ottla::partition::hash::Hash;
use ottla::partition::rng::SplitMix64;
use ottla::sync::Time;
use ottla::{ErrorKind, Fate, Record};
use ottla_test_support::model::{Api, Fault, On, StoredRecord, TopicOptions, Versions};

use crate::coverage::{Coverage, Shared};
use crate::dice;
use crate::faults::{self, Faults};
use crate::pace::{Pace, any_intervals, draw_intervals};
use crate::seeds::{self, Simulation};
use crate::world::{POISON, Setup, World, id_of, ms};

/// Every seed has at least so many of each.
const STEPS: u64 = 300;
const RECORDS: u64 = 50;
const FAULTS: u64 = 3;

pub const SIMULATION: Simulation =
    Simulation { test: "random_worlds_keep_their_promises", run: |seed| Run::new(seed).all(), expected };

/// What a thousand seeds have to meet with.
fn expected() -> Vec<(String, u64)> {
    let apis = [Api::Produce, Api::InitProducerId, Api::Metadata, Api::ApiVersions];
    let rows = [
        ("record: written", 10_000),
        ("record: not written", 10_000),
        ("record: unknown", 1_000),
        ("batch: sent again", 1_000),
        ("batch: expired", 1_000),
        ("batch: split", 100),
        ("epoch: raised", 100),
        ("sequence: wrapped", 100),
        ("producer id: another", 20),
        ("fault: cut", 500),
        ("fault: leader moved", 500),
        ("fault: broker stopped", 100),
        ("fault: stale metadata", 100),
        ("fault: partitions added", 20),
        ("fault: topic made anew", 10),
        ("fault: topic made anew with fewer partitions", 100),
        ("fault: topic made anew with more partitions", 100),
        ("fault: clock jump", 100),
        ("fault: outage", 200),
        ("intervals: any", 250),
        ("fault: metadata left out a topic", 60),
        ("fault: metadata left out everything", 30),
        ("fault: new topic left out", 100),
        ("fault: request too large", 100),
        ("record: named as what ends its connections", 20),
    ];
    faults::expected(&apis, 1).into_iter().chain(rows.map(|(row, times)| (row.to_owned(), times))).collect()
}

#[test]
fn random_worlds_keep_their_promises() {
    seeds::run(&SIMULATION, 0..200);
}

struct Run {
    world: World,
    random: SplitMix64,
    topics: Vec<(String, i32)>,
    /// What each topic promises.
    promises: BTreeMap<String, Promise>,
    compressed: bool,
    /// Some records have timeouts of their own.
    own_timeouts: bool,
    coverage: Shared,
    /// Requests may arrive late.
    late: bool,
    /// How likely a request is to go wrong, of 1000.
    rate: Arc<AtomicU32>,
    steps: u64,
    max_records: u64,
    retries: u32,
    /// Tickets, with the records that each must wait for.
    flushes: BTreeMap<u64, Vec<u64>>,
    checked_flushes: usize,
    checked_requests: usize,
    trace: bool,
    recreates: bool,
    /// When topics are made anew with other numbers of partitions, and who still asks for those of before.
    resizes: SplitMix64,
    /// Topics refuse poisoned records.
    poison: bool,
    purges: bool,
    pace: Pace,
    /// When no broker is up for a while, where intervals are any.
    outages: Option<SplitMix64>,
    /// The size above which brokers close the connection of a request, and what else this is about is drawn from.
    limit: Option<usize>,
    limit_dice: SplitMix64,
    /// Tickets of purges, with the records that each must give up.
    purged: BTreeMap<u64, Vec<u64>>,
    /// Metadata leaves out a topic that is named for the first time when the trouble is over.
    leaves_out_new: bool,
    /// Of topics that were deleted: topic, partition, ids.
    old_logs: Vec<(String, i32, Vec<u64>)>,
}

/// What may be relied on for a topic.
#[derive(Clone, Copy, Debug)]
struct Promise {
    acks: Acks,
    idempotent: bool,
    ordered: bool,
}

impl Promise {
    fn of(settings: &TopicSettings, max_in_flight: usize) -> Promise {
        let TopicSettings { acks, idempotence: idempotent, .. } = *settings;
        Promise { acks, idempotent, ordered: acks != Acks::None && (idempotent || max_in_flight == 1) }
    }
}

impl Run {
    fn new(seed: u64) -> Run {
        let mut random = SplitMix64::new(seed);
        let mut pick = |below: u32| random.below(below);
        let idempotent = pick(4) != 0;
        let acks = match (idempotent, pick(4)) {
            (true, _) | (false, 0 | 1) => Acks::All,
            (false, 2) => Acks::Leader,
            _ => Acks::None,
        };
        let mut compressed = pick(5) == 0;
        let short = pick(3) == 0;
        let max_in_flight = [1, 2, 5, 5][pick(4) as usize];
        let linger = ms([0, 0, 5, 50][pick(4) as usize]);
        // Idempotence without retries is refused by the configuration.
        let retries = if pick(6) == 0 { pick(4) + u32::from(idempotent) } else { u32::MAX >> 1 };
        let availability = (pick(4) == 0).then(|| ms(200));
        let mut setup = Setup::with(|core| {
            core.idempotence = idempotent;
            core.acks = acks;
            core.max_in_flight = max_in_flight;
            core.linger = linger;
            core.retries = retries;
            core.seed = seed;
            core.availability_timeout = availability;
            if short {
                core.delivery_timeout = ms(3_000);
                core.request_timeout = ms(1_000);
                core.topic_timeout = ms(2_000);
            }
            if compressed {
                core.codec = Codec::Lz4;
                core.compression_level = 9;
            }
            if idempotent && pick(3) == 0 {
                core.first_sequence = i32::MAX - pick(60) as i32;
            }
            core.bootstrap_servers = vec![("first".into(), 9093), ("second".into(), 9094)];
        });
        let mut outages = any_intervals(seed);
        if let Some(dice) = &mut outages {
            draw_intervals(dice, &mut setup.core);
        }
        setup.front.seed = seed;
        setup.front.buffer_memory = [64 << 10, 1 << 20, 32 << 20][pick(3) as usize];
        let batch_size = [1, 100, 1000, 16384][pick(4) as usize];
        setup.front.batch_size = batch_size;
        setup.front.batch_limit = if pick(3) == 0 { batch_size } else { 1 << 20 };
        setup.front.topic.partitioner = match pick(8) {
            0 | 1 => Partitioner::RoundRobin,
            2 => Partitioner::Random,
            3 => Partitioner::Hashed { hash: Hash::Crc32, keyless: Keyless::NullOrEmpty, adaptive: false },
            _ => Partitioner::default(),
        };
        let auto_create = pick(4) == 0;
        let mut count = 1 + pick(4) as i32;
        let topics: Vec<(String, i32)> = (0..=pick(3))
            .map(|n| {
                // Topics that are made when asked for are all alike.
                count = if auto_create { count } else { 1 + pick(4) as i32 };
                (format!("topic-{n}"), count)
            })
            .collect();
        let max_records = RECORDS + u64::from(pick(300));
        let old = pick(5);
        let rate = Arc::new(AtomicU32::new([0, 50, 150, 400][pick(4) as usize]));
        let small_limit = pick(4) == 0;
        let recreates = pick(4) == 0;
        let poison = pick(4) == 0;
        let own_timeouts = pick(3) == 0;
        let own_settings = pick(3) == 0;
        let purges = pick(3) == 0;
        let mut world = setup.start();
        world.network.eager = random.below(3) == 0;
        world.cluster.set_versions(match old {
            0 => Versions::kafka_2_1(),
            1 => Versions::kafka_2_8(),
            2 => Versions::kafka_3_9(),
            _ => Versions::kafka_4_3(),
        });
        world.cluster.first_epoch = [0, 0, 32_766, 32_767][random.below(4) as usize];
        for (name, partitions) in &topics {
            world.cluster.create_topic(name, *partitions);
            if small_limit {
                world.cluster.set_topic_options(name, |options| options.max_message_bytes = 400);
            }
            if poison {
                world.cluster.set_topic_options(name, |options| options.poison = Some(POISON));
            }
            if auto_create {
                world.cluster.delete_topic(name);
                let poison = poison.then_some(POISON);
                let options = TopicOptions { partitions: *partitions, poison, ..Default::default() };
                world.cluster.auto_create = Some(options);
            }
        }
        let mut promises = BTreeMap::new();
        for (name, _) in &topics {
            if own_settings && random.below(2) == 0 {
                world.topic_with(name, |settings| differ(&mut random, settings));
            }
            let settings = world.front.topics.get(name).settings.clone();
            compressed |= settings.codec != Codec::None;
            promises.insert(name.clone(), Promise::of(&settings, max_in_flight));
        }
        // Without sequence numbers brokers cannot tell what is late; nor can those of a topic that is made anew.
        let all_idempotent = promises.values().all(|promise: &Promise| promise.idempotent);
        let late = all_idempotent && !recreates && random.below(3) == 0;
        let mut limit_dice = dice::stream(seed, "largest request");
        let limit = (limit_dice.below(4) == 0).then(|| [700, 1_500, 4_000][limit_dice.below(3) as usize]);
        if let Some(limit) = limit {
            world.cluster.max_request_bytes = limit;
        }
        let mut run = Run {
            world,
            random,
            topics,
            promises,
            compressed,
            own_timeouts,
            coverage: Shared::default(),
            late,
            rate,
            steps: 0,
            max_records,
            retries,
            flushes: BTreeMap::new(),
            checked_flushes: 0,
            checked_requests: 0,
            recreates,
            resizes: dice::stream(seed, "topics made anew with other partitions"),
            poison,
            purges,
            pace: Pace::default(),
            outages,
            limit,
            limit_dice,
            purged: BTreeMap::new(),
            leaves_out_new: dice::stream(seed, "new topic left out").below(4) == 0,
            old_logs: Vec::new(),
            trace: std::env::var_os("OTTLA_TRACE").is_some(),
        };
        run.plant_faults();
        run
    }

    fn plant_faults(&mut self) {
        let mut faults = Faults::new(self.random.draw(), self.rate.clone(), self.coverage.clone(), self.late);
        self.world.cluster.on_request(move |request| faults.of(request));
    }

    fn faults(&self) -> u64 {
        self.coverage.sum("answer: ") + self.coverage.sum("fault: ")
    }

    fn below(&mut self, bound: u32) -> u32 {
        self.random.below(bound)
    }

    fn all(mut self) -> Coverage {
        while (self.world.application.accepted.len() as u64) < self.max_records
            || self.steps < STEPS
            || self.faults() < FAULTS
        {
            self.step();
            assert!(self.steps < 100_000, "the run does not get on");
        }
        if self.below(3) == 0 {
            self.close_amid_it()
        } else {
            self.calm_and_close()
        }
        self.check_end()
    }

    fn step(&mut self) {
        self.steps += 1;
        let now = self.world.now;
        self.world.core.at(now);
        self.world.cluster.now_ms = 1_700_000_000_000 + (now.0 / 1_000_000) as i64;
        self.world.land();
        match self.below(100) {
            0..25 => self.send(),
            25..50 => self.deliver_one(),
            50..62 => self.write_one(),
            62..72 => self.world.read_mail(),
            72..80 => self.tick(),
            80..95 => self.pass_time(),
            95..97 => self.meddle(),
            97 => self.cut_one(),
            98 => self.flush(),
            99 if self.purges && self.below(3) == 0 => self.purge(),
            _ => self.meddle(),
        }
        if self.recreates && self.resizes.below(150) == 0 {
            self.resize();
        }
        self.world.carry_out();
        self.check_step();
    }

    fn send(&mut self) {
        if self.world.application.accepted.len() as u64 >= self.max_records {
            return;
        }
        for _ in 0..=self.below(6) {
            let at = self.below(self.topics.len() as u32) as usize;
            let (topic, partitions) = self.topics[at].clone();
            let partition = (self.below(3) != 0).then(|| self.random.below(partitions as u32) as i32);
            let partition = partition.map(|partition| self.asked_for(&topic, partition));
            let padding = if self.below(10) == 0 { self.below(2000) } else { self.below(60) };
            let manner = if self.below(20) == 0 { Manner::Hurry } else { Manner::Usual };
            let timeout = (self.own_timeouts && self.below(4) == 0).then(|| ms(1 + u64::from(self.below(10_000))));
            let record = Record { partition, timeout, ..Record::default() };
            let sent = if self.poison && self.below(12) == 0 {
                self.world.send_poisoned(&topic, partition)
            } else if self.below(8) == 0 {
                self.world.send_lent(&topic, partition, padding as usize)
            } else {
                self.world.send_record(&topic, record, padding as usize, b'.', manner)
            };
            if sent.is_err() {
                self.world.front.inbox.press();
            }
        }
    }

    /// Applications ask for partitions that they have seen; some may be gone.
    fn asked_for(&mut self, topic: &str, partition: i32) -> i32 {
        let topic = self.world.front.topics.get(topic);
        match topic.partitions() {
            Some(seen) if self.recreates && self.resizes.below(4) == 0 => self.resizes.below(seen.len() as u32) as i32,
            _ => partition,
        }
    }

    fn deliver_one(&mut self) {
        let ready = self.world.arrivals();
        if !ready.is_empty() {
            let at = self.below(ready.len() as u32) as usize;
            self.world.deliver(ready[at]);
        }
    }

    fn write_one(&mut self) {
        let ready = self.world.network.writable();
        if !ready.is_empty() {
            let at = self.below(ready.len() as u32) as usize;
            // The engine counts on brokers to be no later than `Late::AT_MOST`.
            let late = self.late && self.below(6) == 0;
            self.world.network.transit = if late { ms(u64::from(self.below(1_000))) } else { Duration::ZERO };
            if self.below(8) == 0 { self.world.begin_write(ready[at]) } else { self.world.finish_write(ready[at]) }
        }
    }

    fn tick(&mut self) {
        let drained = self.world.drained();
        self.world.core.tick(drained);
    }

    fn pass_time(&mut self) {
        let by = match self.below(20) {
            0..12 => Duration::from_micros(u64::from(self.below(2_000))),
            12..18 => {
                let next = self.world.next_event();
                if next == Time::NEVER { ms(1) } else { next.since(self.world.now).min(ms(20_000)) }
            }
            18 => ms(u64::from(self.below(1_000))),
            _ => ms(u64::from(self.below(10_000))),
        };
        self.world.now = self.world.now.after(by);
    }

    fn cut_one(&mut self) {
        let lines = self.world.network.links();
        if lines.is_empty() {
            return;
        }
        self.coverage.note("fault: cut");
        let line = lines[self.below(lines.len() as u32) as usize];
        if self.below(2) == 0 { self.world.cut(line) } else { self.world.cut_midway(line) }
    }

    /// What administrators and accidents do.
    fn meddle(&mut self) {
        if self.outages.as_mut().is_some_and(|dice| dice.below(4) == 0) {
            return self.black_out();
        }
        let at = self.below(self.topics.len() as u32) as usize;
        let (topic, partitions) = self.topics[at].clone();
        let partition = self.below(partitions as u32) as i32;
        let broker = 1 + self.below(3) as i32;
        let exists = self.is_manageable(&topic);
        let what = match self.below(13) {
            0..4 if exists && self.world.cluster.is_up(broker) => {
                self.world.cluster.move_leader(&topic, partition, broker);
                "leader moved"
            }
            4 | 5 if self.world.cluster.is_up(broker) => {
                self.world.stop_broker(broker);
                "broker stopped"
            }
            6..9 => {
                return self.start_brokers();
            }
            9 if exists && self.below(4) == 0 => {
                self.world.cluster.add_partitions(&topic, partitions + 1);
                self.topics[at].1 += 1;
                "partitions added"
            }
            9 if exists && self.recreates && self.below(4) == 0 => {
                self.recreate(at, partitions);
                "topic made anew"
            }
            10 if exists && self.below(2) == 0 => {
                self.world.cluster.hold_metadata();
                "stale metadata"
            }
            11 => return self.world.cluster.release_metadata(),
            12 if self.below(4) == 0 => {
                self.world.now = self.world.now.after(ms(u64::from(self.random.below(30_000))));
                "clock jump"
            }
            _ => return,
        };
        self.coverage.note(format!("fault: {what}"));
    }

    fn start_brokers(&mut self) {
        for broker in self.world.cluster.broker_ids() {
            if !self.world.cluster.is_up(broker) {
                self.world.cluster.start_broker(broker);
            }
        }
    }

    /// No broker is up for two seconds, in which the engine does all that it wants to do.
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

    /// Deletes a topic and makes it anew; what was in its logs is remembered.
    fn recreate(&mut self, at: usize, anew: i32) {
        let (topic, partitions) = self.topics[at].clone();
        for partition in 0..partitions {
            let ids = self.world.in_log(&topic, partition);
            self.old_logs.push((topic.clone(), partition, ids));
        }
        self.world.cluster.recreate_topic_with(&topic, anew);
        self.topics[at].1 = anew;
    }

    /// Now and then a topic is made anew with another number of partitions.
    fn resize(&mut self) {
        let at = self.resizes.below(self.topics.len() as u32) as usize;
        let (topic, partitions) = self.topics[at].clone();
        let anew = 1 + self.resizes.below(6) as i32;
        if !self.is_manageable(&topic) || anew == partitions {
            return;
        }
        self.recreate(at, anew);
        let which = if anew < partitions { "fewer" } else { "more" };
        self.coverage.note(format!("fault: topic made anew with {which} partitions"));
    }

    /// Nobody makes partitions while no broker could hold them.
    fn is_manageable(&self, topic: &str) -> bool {
        let some_up = self.world.cluster.broker_ids().into_iter().any(|broker| self.world.cluster.is_up(broker));
        some_up && self.world.cluster.topic_id(topic).is_some()
    }

    fn flush(&mut self) {
        let due: Vec<u64> = self.world.application.accepted.keys().copied().collect();
        let ticket = self.world.flush();
        self.flushes.insert(ticket, due);
    }

    fn purge(&mut self) {
        let everything = self.below(2) == 0;
        let (queued, in_flight) =
            if everything { (true, true) } else { [(true, false), (false, true)][self.below(2) as usize] };
        let at = self.below(self.topics.len() as u32) as usize;
        let topic = (self.below(2) == 0).then(|| self.topics[at].0.clone());
        let meant = |of: &str| topic.as_deref().is_none_or(|topic| topic == of);
        let due: Vec<u64> = self
            .world
            .application
            .accepted
            .iter()
            .filter(|(_, accepted)| meant(&accepted.topic))
            .map(|(id, _)| *id)
            .collect();
        let ticket = self.world.purge(queued, in_flight, topic.as_deref());
        self.purged.insert(ticket, if everything { due } else { Vec::new() });
    }

    fn close_amid_it(&mut self) {
        self.rate.store(self.rate.load(Ordering::Relaxed) / 2, Ordering::Relaxed);
        let timeout = ms([0, 10, 500, 5_000][self.below(4) as usize]);
        let deadline = self.world.now.after(timeout);
        self.world.close(timeout);
        let mut late = 0;
        while !self.world.application.closed {
            self.step();
            // Steps are random: some must pass after the deadline until mail and ticks came about.
            if self.world.now > deadline && self.world.drained() > deadline {
                late += 1;
            }
            assert!(late < 2_000, "the close does not end; log: {:#?}", self.world.log_tail());
        }
    }

    fn calm_and_close(&mut self) {
        self.rate.store(0, Ordering::Relaxed);
        self.world.cluster.clear_faults();
        self.world.cluster.max_request_bytes = usize::MAX;
        self.world.cluster.release_metadata();
        self.start_brokers();
        (self.world.network.eager, self.world.network.transit) = (true, Duration::ZERO);
        for line in self.world.network.writable() {
            self.world.finish_write(line);
        }
        // What is on a connection that takes requests and answers none would be known at request.timeout.ms only.
        for broker in self.world.cluster.broker_ids() {
            self.world.cut_all_to(broker);
        }
        self.flush();
        self.tell_all("what was accepted before");
        self.go_on();
        if self.limit.is_some() {
            self.send_too_large();
        }
        self.world.run(ms(10));
        self.check_step();
        assert_eq!(self.world.application.flushed.len(), self.flushes.len(), "a flush does not end");
        self.world.close(ms(1_000));
        assert!(self.world.run_until(ms(1_100), |world| world.application.closed), "the close does not end");
    }

    /// Without trouble, all that was accepted is decided soon.
    fn tell_all(&mut self, what: &str) {
        let all = self.world.run_until(ms(50_000), World::all_completed);
        self.print_log();
        if !all {
            let accepted = self.world.application.accepted.keys();
            let missing: Vec<u64> =
                accepted.copied().filter(|id| !self.world.application.outcomes.contains_key(id)).collect();
            panic!("{what}: records {missing:?} are not decided; log: {:#?}", self.world.log_tail());
        }
    }

    /// Without trouble every record is written, whatever was before. The first round may still find out what changed; of
    /// a topic that was made anew and has no id, only three failures tell that what is known of its leader is wrong.
    fn go_on(&mut self) {
        // An attempt to connect may still be waiting for an answer.
        self.world.run(ms(40_000));
        let metadata = self.world.cluster.versions_of(1).range(Api::Metadata);
        let ids = metadata.is_some_and(|versions| *versions.end() >= 10);
        let last = if self.recreates && !ids { 4 } else { 1 };
        if self.leaves_out_new {
            self.leave_out_new();
        }
        for round in 0..=last {
            let first = self.world.application.next_id;
            for (topic, partitions) in self.topics.clone() {
                (0..partitions).for_each(|partition| drop(self.world.send_sized(&topic, Some(partition), 0)));
                // Wherever the producer takes them to belong.
                for key in 0..8u8 {
                    let record = Record { key: Some(&[key]), ..Record::default() };
                    drop(self.world.send_record(&topic, record, 0, b'.', Manner::Usual));
                }
            }
            self.tell_all("what was accepted after the trouble");
            if last > 1 || self.outages.is_some() {
                // Each failure asks for metadata, once in retry.backoff.ms; and so does the first record for a topic that
                // was idle.
                self.world.run(ms(1_000));
            }
            for (id, told) in self.world.application.outcomes.range(first..).filter(|_| round == last) {
                let acks = self.promises[&self.world.application.accepted[id].topic].acks;
                assert!(acks == Acks::None || told.fate == Fate::Written, "record {id} without trouble: {told:?}");
            }
        }
    }

    /// Makes a topic that the next answers leave out.
    fn leave_out_new(&mut self) {
        let name = "topic-new".to_owned();
        self.world.cluster.create_topic(&name, 1);
        let left_out = Fault::LeaveOut(On::Topic(name.clone()));
        self.world.cluster.script(Api::Metadata, vec![left_out; 3]);
        let settings = self.world.front.topics.get(&name).settings.clone();
        self.promises.insert(name.clone(), Promise::of(&settings, usize::MAX));
        self.topics.push((name, 1));
        self.coverage.note("fault: new topic left out");
    }

    /// Without other trouble, a record that no request can carry takes no other with it, and the search for it costs at most
    /// one connection for each batch.
    fn send_too_large(&mut self) {
        let before = self.world.cluster.oversized_requests.len();
        // All the others together are smaller.
        let limit = 20_000;
        self.world.cluster.max_request_bytes = limit;
        let at = self.limit_dice.below(self.topics.len() as u32) as usize;
        let (topic, partitions) = self.topics[at].clone();
        let partition = self.limit_dice.below(partitions as u32) as i32;
        let first = self.world.application.next_id;
        let large = self.world.send_sized(&topic, Some(partition), limit).expect("there is room");
        let mut behind = BTreeSet::new();
        for round in 0..40 {
            for (name, partitions) in self.topics.clone() {
                for other in 0..partitions {
                    let is_own = (&name, other) == (&topic, partition);
                    // The first may linger until now, and would share its batch.
                    if !is_own || round > 10 {
                        let id = self.world.send_sized(&name, Some(other), 0).expect("there is room");
                        behind.extend(is_own.then_some(id));
                    }
                }
            }
            self.world.run(ms(30));
        }
        self.flush();
        assert!(self.world.run_until(ms(130_000), World::all_completed), "log: {:#?}", self.world.log_tail());
        self.print_log();
        let settings = &self.world.front.topics.get(&topic).settings;
        // With less time, or fewer attempts, what is behind cannot wait until it is known that a number is missing.
        let patient = settings.delivery_timeout >= ms(10_000);
        for (id, told) in self.world.application.outcomes.range(first..).filter(|(id, _)| **id != large) {
            let acks = self.promises[&self.world.application.accepted[id].topic].acks;
            let spared = acks == Acks::None || self.retries == 0 || (behind.contains(id) && !patient);
            assert!(spared || told.fate == Fate::Written, "record {id} beside {large}, which is too large: {told:?}");
        }
        let closed = &self.world.cluster.oversized_requests[before..];
        let alone = closed.iter().min().map_or(0, |one| one + 10);
        let with_others = closed.iter().filter(|&&size| size > alone).count() as i32;
        let all: i32 = self.topics.iter().map(|(_, partitions)| partitions).sum();
        assert!(with_others <= all, "{closed:?}");
    }

    fn check_step(&mut self) {
        assert!(self.world.memory_used() < 1 << 40, "memory went below zero");
        let partitions = self.topics.iter().map(|(_, count)| *count as usize).sum();
        self.pace.check(&mut self.world.observer.traffic, partitions, self.world.application.accepted.len());
        for request in &self.world.cluster.requests()[self.checked_requests..] {
            let mut partitions: Vec<_> = request.partitions.iter().map(|p| (&p.topic, p.partition)).collect();
            partitions.sort_unstable();
            assert!(partitions.is_sorted_by(|a, b| a < b), "a partition twice in a request: {request:?}");
        }
        self.checked_requests = self.world.cluster.requests().len();
        while let Some(ticket) = self.world.application.flushed.get(self.checked_flushes) {
            self.checked_flushes += 1;
            let missing: Vec<&u64> =
                self.flushes[ticket].iter().filter(|id| !self.world.application.outcomes.contains_key(id)).collect();
            assert!(missing.is_empty(), "flush {ticket} ended before records {missing:?}");
        }
        self.purged.retain(|ticket, due| {
            let Some(answer) = self.world.application.answers.get(ticket) else { return true };
            assert!(answer.is_ok(), "a purge failed: {answer:?}");
            let missing: Vec<&u64> =
                due.iter().filter(|id| !self.world.application.outcomes.contains_key(id)).collect();
            assert!(missing.is_empty(), "purge {ticket} ended before records {missing:?}");
            false
        });
        self.print_log();
    }

    fn print_log(&mut self) {
        if self.trace {
            for (level, line) in self.world.observer.log.drain(..) {
                println!("{} {level:?}: {line}", self.world.now.0 / 1000);
            }
        }
    }

    /// Everything was counted once, and what went up came down.
    fn check_statistics(&self) {
        let told = self.world.statistics.read(self.world.now, 0);
        let producer = &told.producer;
        assert_eq!((producer.requests_in_flight, producer.connections_open), (0, 0));
        assert_eq!(producer.connections_opened, producer.connections_closed);
        for broker in told.brokers.iter().map(|broker| &broker.figures) {
            assert_eq!((broker.requests_in_flight, broker.state, broker.connected_us), (0, 0, -1));
        }
        let mut decided = 0;
        for topic in told.topics.iter().map(|topic| &topic.figures) {
            assert_eq!(topic.records_taken, 0);
            assert_eq!(topic.delivery_time_us.count, topic.records_delivered + topic.records_failed);
            decided += topic.delivery_time_us.count;
        }
        assert_eq!(decided, producer.records_delivered + producer.records_failed);
        assert!(producer.records_sent >= producer.records_delivered, "{}", producer.records_sent);
    }

    fn check_end(mut self) -> Coverage {
        let faults = self.faults();
        self.note_wraps();
        if self.trace {
            println!("{:?}", self.promises);
            for request in self.world.cluster.requests_of(Api::Produce) {
                println!("{request:?}");
            }
        }
        let missing: Vec<_> = self
            .world
            .application
            .accepted
            .keys()
            .filter(|id| !self.world.application.outcomes.contains_key(id))
            .collect();
        assert!(missing.is_empty(), "records {missing:?} were not completed; log: {:#?}", self.world.log_tail());
        assert!(self.world.core.action().is_none(), "an action after the close");
        assert_eq!(self.world.network.links(), [], "connections are still open");
        assert_eq!(self.world.memory_used(), 0, "memory is not accounted to zero");
        self.check_statistics();
        assert_eq!(self.world.application.lender.missing(), [0; 0], "values were not given back");
        let figures = self.world.statistics.producer.read(self.world.now);
        assert_eq!((figures.requests_in_flight, self.world.statistics.records_taken()), (0, 0), "counted for ever");
        self.check_timestamps();
        let mut places: BTreeMap<u64, Vec<(i32, i64)>> = BTreeMap::new();
        let mut logs = std::mem::take(&mut self.old_logs);
        let produce = self.world.cluster.versions_of(1).range(Api::Produce);
        let by_id = produce.is_some_and(|versions| *versions.end() >= 13);
        let remade: BTreeSet<String> = logs.iter().map(|(topic, ..)| topic.clone()).collect();
        for (topic, partitions) in self.topics.iter().filter(|(topic, _)| self.world.cluster.topic_id(topic).is_some())
        {
            logs.extend((0..*partitions).map(|p| (topic.clone(), p, self.world.in_log(topic, p))));
        }
        for (topic, partition, ids) in logs {
            for (offset, &id) in (0..).zip(&ids) {
                assert_eq!(self.world.application.accepted[&id].topic, topic);
                places.entry(id).or_default().push((partition, offset));
            }
            // The log of a topic made anew knows no producer and takes any sequence number: what is sent to it by name
            // while the old one is still meant can overtake what was refused in between. Topic ids end that.
            let promise = self.promises[&topic];
            if promise.ordered && (by_id || !remade.contains(&topic)) {
                self.check_order(&ids);
            }
            // A topic made anew is not told apart by brokers that know it by name alone.
            let distinct: BTreeSet<u64> = ids.iter().copied().collect();
            assert!(
                !promise.idempotent || distinct.len() == ids.len() || (!by_id && remade.contains(&topic)),
                "a record twice in {topic}-{partition}: {ids:?}"
            );
        }
        self.coverage.count("intervals: any", u64::from(self.outages.is_some()));
        let mut tally = self.coverage.take();
        tally.count("fault: request too large", self.world.cluster.oversized_requests.len() as u64);
        for (id, told) in &self.world.application.outcomes {
            let acks = self.promises[&self.world.application.accepted[id].topic].acks;
            let found = places.get(id).map_or(&[][..], Vec::as_slice);
            let poisoned = self.world.application.poisoned.contains(id);
            assert!(!poisoned || found.is_empty(), "record {id} is poisoned, and written: {told:?}");
            assert!(poisoned || !told.message.contains("to blame"), "record {id} was not to blame: {told:?}");
            tally.count("record: purged", u64::from(told.error == Some(ErrorKind::Purged)));
            tally.count("record: to blame", u64::from(told.message.contains("to blame")));
            let named = told.message.contains("socket.request.max.bytes");
            tally.count("record: named as what ends its connections", u64::from(named));
            match told.fate {
                Fate::Written => {
                    tally.note("record: written");
                    assert!(!found.is_empty(), "record {id} was reported written and is not: {told:?}");
                    if told.offset >= 0 {
                        let at = (told.partition, told.offset);
                        assert!(found.contains(&at), "record {id} is at {found:?}: {told:?}");
                    }
                }
                Fate::NotWritten => {
                    tally.note("record: not written");
                    assert!(found.is_empty(), "record {id} is at {found:?}: {told:?}");
                }
                Fate::Unknown => {
                    tally.note("record: unknown");
                    assert!(told.attempts > 0, "record {id} was never sent: {told:?}");
                    if !self.compressed {
                        assert!(
                            self.world.observer.touched.contains(id),
                            "no byte of record {id} reached a connection: {told:?}"
                        );
                    }
                }
            }
            assert_eq!(told.error.is_none(), told.fate == Fate::Written || acks == Acks::None && told.error.is_none());
        }
        let accepted = self.world.application.accepted.len() as u64;
        assert!(self.steps >= STEPS && accepted >= RECORDS && faults >= FAULTS);
        let counts = self.world.counts();
        let figures = [
            ("steps", self.steps),
            ("records", self.world.application.accepted.len() as u64),
            ("batch: sent again", counts.batches_retried),
            ("batch: expired", counts.batches_expired),
            ("batch: split", counts.batches_split),
            ("epoch: raised", counts.epochs_bumped),
            ("request: timed out", counts.requests_timed_out),
        ];
        figures.into_iter().for_each(|(what, times)| tally.count(what, times));
        tally
    }

    /// What was reported written has the timestamp that was reported.
    fn check_timestamps(&self) {
        let exists = |topic: &str| self.world.cluster.topic_id(topic).is_some();
        for (topic, partitions) in self.topics.iter().filter(|(topic, _)| exists(topic)) {
            for record in (0..*partitions).flat_map(|partition| self.world.cluster.records(topic, partition)) {
                let id = id_of(record.value.as_deref());
                let told = &self.world.application.outcomes[&id];
                assert!(told.fate != Fate::Written || told.timestamp == record.timestamp, "{record:?}: {told:?}");
            }
        }
    }

    /// Whether sequences and epochs began again.
    fn note_wraps(&self) {
        let mut ids = BTreeSet::new();
        for (topic, partitions) in self.topics.iter().filter(|(topic, _)| self.world.cluster.topic_id(topic).is_some())
        {
            for partition in 0..*partitions {
                let records = self.world.cluster.records(topic, partition);
                ids.extend(records.iter().map(|record| record.producer_id).filter(|id| *id >= 0));
                let of_one = |pair: &&[StoredRecord]| {
                    (pair[0].producer_id, pair[0].epoch) == (pair[1].producer_id, pair[1].epoch)
                };
                let wraps =
                    records.windows(2).filter(of_one).filter(|pair| pair[1].sequence < pair[0].sequence).count();
                self.coverage.count("sequence: wrapped", wraps as u64);
            }
        }
        self.coverage.count("producer id: another", ids.len().saturating_sub(1) as u64);
    }

    /// First occurrences follow acceptance.
    fn check_order(&self, ids: &[u64]) {
        let mut seen = BTreeSet::new();
        if self.trace {
            println!("{ids:?}");
        }
        let first: Vec<u64> = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
        let mut sorted = first.clone();
        sorted.sort_unstable();
        assert_eq!(first, sorted, "order was lost");
    }
}

/// Makes a topic differ from the others.
fn differ(random: &mut SplitMix64, settings: &mut TopicSettings) {
    match random.below(4) {
        0 => settings.acks = Acks::Leader,
        1 => settings.acks = Acks::None,
        _ => {}
    }
    settings.idempotence &= settings.acks == Acks::All;
    settings.linger = ms([0, 1, 20, 200][random.below(4) as usize]);
    (settings.codec, settings.compression_level) =
        [(Codec::None, 0), (Codec::Snappy, 0), (Codec::Gzip, 1)][random.below(3) as usize];
    settings.delivery_timeout = ms([2_000, 10_000, 120_000][random.below(3) as usize]);
    settings.request_timeout = ms([500, 1_500, 30_000][random.below(3) as usize]);
    settings.topic_timeout = settings.delivery_timeout.min(settings.topic_timeout);
}
