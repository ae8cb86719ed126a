//! Random transactions: a seed decides what is sent and how each transaction ends, what goes wrong meanwhile, and when the
//! process dies, or another takes its transactional id over while it lives. Invariants are checked after every step; at the
//! end a reader of committed records sees all of every transaction that was committed, nothing of any other, and of one
//! whose end nobody learned all or nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ottla::config::{Facilities, Facility};
use ottla::core::DebugSwitch;
use ottla::front::{GroupMetadata, Offset, OffsetCommit, TransactionCall as Call, TransactionState as State};
use ottla::partition::rng::SplitMix64;
use ottla::sync::Time;
use ottla::{ErrorKind, Fate};
use ottla_test_support::model::{Api, Cluster, Phase, StoredRecord, Versions};

use crate::coverage::{Coverage, Shared};
use crate::dice::{self, Dice};
use crate::faults::{self, Faults};
use crate::pace::{Pace, any_intervals, draw_intervals};
use crate::seeds::{self, Simulation};
use crate::world::{Outcome, Setup, World, id_of, ms};

/// Every seed has at least so many of each.
const STEPS: u64 = 300;
const RECORDS: u64 = 50;
const FAULTS: u64 = 3;
const TRANSACTIONS: usize = 6;

const PARTITIONS: i32 = 2;
const TOPICS: [&str; 2] = ["t", "u"];
const ID: &str = "mine";
const GROUP: &str = "g";

pub const SIMULATION: Simulation =
    Simulation { test: "random_transactions_are_all_or_nothing", run: |seed| Run::new(seed).all(), expected };

#[test]
fn random_transactions_are_all_or_nothing() {
    seeds::run(&SIMULATION, 0..100);
}

/// What a thousand seeds have to meet with.
fn expected() -> Vec<(String, u64)> {
    let apis = [
        Api::Produce,
        Api::InitProducerId,
        Api::FindCoordinator,
        Api::AddPartitionsToTxn,
        Api::AddOffsetsToTxn,
        Api::TxnOffsetCommit,
        Api::EndTxn,
    ];
    let rows = [
        ("transaction: committed", 1000),
        ("transaction: aborted", 1000),
        ("transaction: in doubt", 100),
        ("told: abort, of commit", 100),
        ("told: abort, of offsets", 100),
        ("told: fatal, of commit", 10),
        ("told: fatal, of abort", 10),
        ("fault: broker stopped", 500),
        ("fault: clock jump", 500),
        ("fault: outage", 100),
        ("intervals: any", 250),
        ("fault: close amid it", 100),
        ("fault: coordinator moved", 1000),
        ("fault: crash", 500),
        ("fault: cut", 1000),
        ("fault: downgrade", 200),
        ("fault: group coordinator moved", 500),
        ("fault: leader moved", 1000),
        ("fault: metadata left out a topic", 300),
        ("fault: metadata left out everything", 200),
        ("fault: new brokers", 100),
        ("fault: request too large", 100),
        ("fault: rival", 100),
        ("fault: slow markers", 500),
        ("fault: stale metadata", 500),
        ("fault: transaction expired", 100),
        ("fault: upgrade", 200),
        ("sequence: wrapped", 5),
        ("producer id: another", 50),
    ];
    let rows = rows.map(|(row, times)| (row.to_owned(), times));
    let edges = EDGES.iter().map(|(edge, times)| (format!("edge: {edge}"), *times));
    faults::expected(&apis, 1).into_iter().chain(rows).chain(edges).collect()
}

/// The state edges of a producer's transactions, as the engine tells them, and how often a thousand seeds have to take each.
/// There is no other.
const EDGES: &[(&str, u64)] = &[
    ("abort: draining -> abort: renewing", 100),
    ("abort: draining -> abort: telling", 266),
    ("abort: draining -> fatal", 0),
    ("abort: draining -> ready", 100),
    ("abort: renewing -> fatal", 17),
    ("abort: renewing -> ready", 191),
    ("abort: telling -> abort: renewing", 81),
    ("abort: telling -> fatal", 44),
    ("abort: telling -> ready", 97),
    ("commit: draining -> commit: renewing", 0),
    ("commit: draining -> commit: telling", 527),
    ("commit: draining -> doubted", 27),
    ("commit: draining -> failed", 109),
    ("commit: draining -> fatal", 13),
    ("commit: draining -> ready", 106),
    ("commit: renewing -> fatal", 0),
    ("commit: renewing -> ready", 14),
    ("commit: telling -> commit: renewing", 17),
    ("commit: telling -> doubted", 11),
    ("commit: telling -> failed", 0),
    ("commit: telling -> fatal", 12),
    ("commit: telling -> ready", 481),
    ("doubted -> abort: draining", 8),
    ("doubted -> failed", 42),
    ("doubted -> fatal", 23),
    ("failed -> abort: draining", 268),
    ("failed -> fatal", 3),
    ("initializing -> fatal", 15),
    ("initializing -> ready", 622),
    ("initializing -> uninitialized", 87),
    ("open -> abort: draining", 259),
    ("open -> commit: draining", 822),
    ("open -> doubted", 43),
    ("open -> failed", 136),
    ("open -> fatal", 37),
    ("ready -> fatal", 0),
    ("ready -> open", 1381),
    ("uninitialized -> initializing", 876),
    ("uninitialized -> uninitialized", 898),
];

/// How a transaction ended, as the application knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Committed,
    NotCommitted,
    Unknown,
}

/// A transaction, as its application knows it.
#[derive(Clone, Debug, Default)]
struct Held {
    records: Vec<u64>,
    /// The last that were accepted.
    offset: Option<i64>,
    /// When it began, in steps.
    begun: u64,
    /// Its end has been asked for, and must be an abort.
    failed: bool,
}

struct Done {
    end: End,
    held: Held,
    /// By when it took effect, if it did, in steps.
    ended: u64,
}

/// What an application waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Init,
    Begin,
    Offsets(i64),
    Commit,
    Abort,
    /// Something that its state forbids.
    Nonsense,
}

/// A producer, and the application that uses it.
struct Instance {
    world: World,
    number: u64,
    call: Option<(u64, Asked)>,
    open: Option<Held>,
    flushes: BTreeMap<u64, Vec<u64>>,
    checked_flushes: usize,
    pace: Pace,
    closing: Option<Time>,
    /// How many steps it has taken since its close should have ended.
    late: u32,
}

struct Run {
    dice: Dice,
    /// What intervals producers have and when no broker is up for a while, where intervals are any.
    intervals: Option<SplitMix64>,
    /// The youngest is last; the others were replaced, and have perhaps not heard of it.
    instances: Vec<Instance>,
    /// Whose cluster it is: all but one have an empty one.
    active: usize,
    now: Time,
    next_id: u64,
    next_offset: i64,
    done: Vec<Done>,
    /// What producers that are gone reported.
    told: BTreeMap<u64, Outcome>,
    /// What they left on its way.
    strays: Vec<crate::world::Stray>,
    partition_of: BTreeMap<u64, (usize, i32)>,
    touched: BTreeSet<u64>,
    coverage: Shared,
    rate: Arc<AtomicU32>,
    /// Requests may arrive late.
    late: bool,
    steps: u64,
    started: u64,
    checked_requests: usize,
    faults: u64,
    trace: bool,
    calm: bool,
    /// The size above which brokers close the connection of a request.
    limit: Option<usize>,
}

impl Run {
    fn new(seed: u64) -> Run {
        let mut dice = Dice::new(seed ^ 0x7472_616e);
        let coverage = Shared::default();
        let rate = Arc::new(AtomicU32::new(dice.one_of(&[0, 20, 60, 150])));
        let late = dice.once_in(3);
        let mut limit_dice = dice::stream(seed, "largest request of transactions");
        let limit = (limit_dice.below(6) == 0).then(|| [1_000, 5_000][limit_dice.below(2) as usize]);
        let mut run = Run {
            dice,
            intervals: any_intervals(seed),
            instances: Vec::new(),
            active: 0,
            now: Time(1_000_000_000_000),
            next_id: 1,
            next_offset: 1,
            done: Vec::new(),
            told: BTreeMap::new(),
            strays: Vec::new(),
            partition_of: BTreeMap::new(),
            touched: BTreeSet::new(),
            coverage,
            rate,
            late,
            steps: 0,
            started: 0,
            checked_requests: 0,
            faults: 0,
            trace: std::env::var_os("OTTLA_TRACE").is_some(),
            calm: false,
            limit,
        };
        let cluster = run.cluster();
        run.start(cluster);
        run
    }

    fn cluster(&mut self) -> Cluster {
        let mut cluster = Cluster::new(3);
        let versions = [Versions::kafka_2_1, Versions::kafka_2_8, Versions::kafka_3_9, Versions::kafka_4_3];
        let at = self.dice.one_of(&[0, 1, 2, 3, 3, 3]);
        cluster.set_versions(versions[at]());
        cluster.set_transaction_version(1 + i16::from(at == 3 && !self.dice.once_in(3)));
        cluster.first_epoch = self.dice.one_of(&[0, 0, 0, 32_757, 32_764, 32_766]);
        for topic in TOPICS {
            cluster.create_topic(topic, PARTITIONS);
        }
        if let Some(limit) = self.limit.filter(|_| !self.calm) {
            cluster.max_request_bytes = limit;
        }
        let mut faults = Faults::new(self.dice.draw(), self.rate.clone(), self.coverage.clone(), self.late);
        cluster.on_request(move |request| faults.of(request));
        cluster
    }

    fn setup(&mut self) -> Setup {
        let dice = &mut self.dice;
        let timeout = dice.one_of(&[3_000, 10_000, 60_000]);
        let mut setup = Setup::with(|core| {
            core.transaction = Some((ID.into(), timeout));
            core.seed = dice.draw();
            core.request_timeout = dice.one_of(&[ms(1_500), ms(1_500), ms(30_000)]);
            core.delivery_timeout = dice.one_of(&[ms(4_000), ms(15_000), ms(120_000)]);
            core.linger = dice.one_of(&[ms(0), ms(5), ms(50)]);
            core.max_in_flight = dice.one_of(&[1, 2, 5, 5]);
            core.first_sequence = if dice.once_in(3) { i32::MAX - dice.below(30) as i32 } else { 0 };
            core.bootstrap_servers = vec![("first".into(), 9093), ("second".into(), 9094)];
        });
        if let Some(dice) = &mut self.intervals {
            draw_intervals(dice, &mut setup.core);
        }
        if !self.trace {
            setup.core.debug = Arc::new(DebugSwitch::new(Facilities::of(Facility::Idempotence)));
        }
        if self.started > 0 || self.calm {
            // The brokers know these partitions.
            setup.core.first_sequence = 0;
        }
        setup.front.seed = dice.draw();
        setup.front.buffer_memory = dice.one_of(&[64 << 10, 32 << 20]);
        if dice.once_in(4) { setup.single_records() } else { setup }
    }

    /// A further producer with the same transactional id, in this cluster.
    fn start(&mut self, cluster: Cluster) {
        let mut world = self.setup().start();
        world.cluster = cluster;
        (world.now, world.application.next_id) = (self.now, self.next_id);
        world.network.eager = self.dice.once_in(3);
        let number = self.started;
        self.started += 1;
        self.instances.push(Instance {
            world,
            number,
            call: None,
            open: None,
            flushes: BTreeMap::new(),
            checked_flushes: 0,
            pace: Pace::default(),
            closing: None,
            late: 0,
        });
        self.active = self.instances.len() - 1;
        self.coverage.note("instance: started");
        self.tell(|| format!("instance {number} starts"));
    }

    fn tell(&self, what: impl FnOnce() -> String) {
        if self.trace {
            println!("{:>12.3} ms  {}", (self.now.0 - 1_000_000_000_000) as f64 / 1e6, what());
        }
    }

    fn fault(&mut self, what: &str) {
        self.coverage.note(format!("fault: {what}"));
        self.faults += 1;
        self.tell(|| what.to_owned());
    }

    fn faults(&self) -> u64 {
        self.faults + self.coverage.sum("answer:") + self.coverage.sum("fault: ")
    }

    /// Lets an instance act: the cluster is where it is needed.
    fn turn_to(&mut self, at: usize) -> &mut Instance {
        if at != self.active {
            let cluster = std::mem::replace(&mut self.instances[self.active].world.cluster, Cluster::new(0));
            self.instances[at].world.cluster = cluster;
            self.active = at;
        }
        let instance = &mut self.instances[at];
        instance.world.now = instance.world.now.max(self.now);
        instance.world.application.next_id = instance.world.application.next_id.max(self.next_id);
        let now = instance.world.now;
        instance.world.core.at(now);
        instance.world.cluster.now_ms = 1_700_000_000_000 + (now.0 / 1_000_000) as i64;
        instance
    }

    fn world(&mut self) -> &mut World {
        &mut self.instances[self.active].world
    }

    fn all(mut self) -> Coverage {
        let transactions = TRANSACTIONS + self.dice.below(10) as usize;
        while self.done.len() < transactions || self.steps < STEPS || self.next_id <= RECORDS || self.faults() < FAULTS
        {
            self.step();
            assert!(self.steps < 100_000, "the run does not get on");
        }
        self.be_calm();
        self.end_all();
        self.goes_on();
        // Two producers that brokers cannot tell apart: no producer can make up for that.
        if !self.instances[self.active].world.cluster.has_adopted_a_fenced_producer() {
            self.check_logs();
            self.check_transactions();
        }
        self.coverage.count("intervals: any", u64::from(self.intervals.is_some()));
        let too_large = self.instances[self.active].world.cluster.oversized_requests.len();
        self.coverage.count("fault: request too large", too_large as u64);
        self.coverage.count("steps", self.steps);
        self.coverage.count("records", self.next_id - 1);
        assert!(self.steps >= STEPS && self.next_id > RECORDS && self.faults() >= FAULTS);
        self.coverage.take()
    }

    fn step(&mut self) {
        self.steps += 1;
        let at = self.dice.below(self.instances.len() as u32) as usize;
        self.turn_to(at);
        let late = self.late && !self.calm;
        let (dice, world) = (&mut self.dice, &mut self.instances[at].world);
        world.land();
        match dice.below(100) {
            0..30 => self.act(at),
            30..56 => dice.deliver(world),
            56..68 => dice.write(world, late),
            68..76 => {
                let pressed = world.take_mail();
                self.send_beside(at);
                self.instances[at].world.hand_over_mail(pressed);
            }
            76..82 => {
                let drained = world.drained();
                world.core.tick(drained);
            }
            82..91 => dice.pass_time(world),
            91..93 => {
                let time = dice.up_to(ms(300));
                world.run(time);
            }
            93..96 if !self.calm => self.meddle(),
            96 | 97 if !self.calm && dice.once_in(4) && dice.cut(world) => self.fault("cut"),
            98 => world.cluster.write_markers(),
            99 if !self.calm && self.dice.once_in(3) => self.replace(at),
            _ => {}
        }
        self.after_step();
    }

    fn after_step(&mut self) {
        let at = self.active;
        let world = &mut self.instances[at].world;
        world.carry_out();
        (self.now, self.next_id) = (self.now.max(world.now), self.next_id.max(world.application.next_id));
        let now = self.now;
        for (_, mut connection, bytes) in self.strays.extract_if(.., |(due, ..)| *due <= now) {
            connection.receive(&mut world.cluster, &bytes);
        }
        let expired = |cluster: &Cluster| cluster.transaction(ID).map(|transaction| transaction.epoch);
        let before = expired(&world.cluster);
        world.cluster.expire_transactions();
        if expired(&world.cluster) != before {
            self.fault("transaction expired");
        }
        self.read_log(at);
        self.check_step(at);
        self.take_answer(at);
        if self.instances[at].world.application.closed {
            self.remove(at);
        } else {
            self.check_close(at);
        }
    }

    /// The state edges that the engine went through.
    fn read_log(&mut self, at: usize) {
        let number = self.instances[at].number;
        for (level, line) in std::mem::take(&mut self.instances[at].world.observer.log) {
            if let Some((_, edge)) = line.split_once("transaction: ").filter(|(_, edge)| edge.contains(" -> ")) {
                assert!(EDGES.iter().any(|(known, _)| *known == edge), "a state edge that there is not: {edge}");
                self.coverage.note(format!("edge: {edge}"));
            }
            self.tell(|| format!("{number} {level:?}: {line}"));
        }
    }

    // The application

    fn act(&mut self, at: usize) {
        let instance = &self.instances[at];
        if instance.call.is_some() || instance.closing.is_some() {
            return self.send_beside(at);
        }
        match instance.world.front.gate.transaction_state() {
            State::Uninitialized if self.dice.once_in(10) => self.speak_nonsense(at),
            State::Uninitialized => self.ask(at, Asked::Init),
            State::Ready if self.dice.once_in(10) => self.speak_nonsense(at),
            State::Ready => self.ask(at, Asked::Begin),
            State::InTransaction => match self.dice.below(100) {
                0..70 => self.send(at),
                70..80 => {
                    self.next_offset += 1;
                    self.ask(at, Asked::Offsets(self.next_offset));
                }
                80..84 => self.flush(at),
                84 => self.purge(at),
                85 => self.speak_nonsense(at),
                86..96 => self.ask(at, Asked::Commit),
                _ => self.ask(at, Asked::Abort),
            },
            State::AbortRequired if self.dice.once_in(4) => self.ask(at, Asked::Commit),
            State::AbortRequired => self.ask(at, Asked::Abort),
            State::Fatal => self.give_up(at),
            _ => {}
        }
    }

    fn ask(&mut self, at: usize, asked: Asked) {
        let call = match asked {
            Asked::Init => Call::Init,
            Asked::Begin => Call::Begin,
            Asked::Offsets(offset) => offsets(offset),
            Asked::Commit => Call::Commit,
            Asked::Abort => Call::Abort,
            Asked::Nonsense => unreachable!("that has many forms"),
        };
        self.call(at, asked, call);
    }

    fn call(&mut self, at: usize, asked: Asked, call: Call) {
        let number = self.instances[at].number;
        self.tell(|| format!("{number} calls {asked:?}: {call:?}"));
        let ticket = self.instances[at].world.call(call);
        self.instances[at].call = Some((ticket, asked));
    }

    /// A call, or a send, that the state forbids.
    fn speak_nonsense(&mut self, at: usize) {
        let state = self.instances[at].world.front.gate.transaction_state();
        let call = match (state, self.dice.below(3)) {
            (State::InTransaction, 0 | 1) => Call::Begin,
            (State::InTransaction, _) => Call::Init,
            (_, 0) => {
                let sent = self.instances[at].world.send_sized("t", Some(0), 0);
                assert!(sent.is_err(), "a send without a transaction is taken, in state {state:?}");
                return;
            }
            (_, 1) => Call::Commit,
            (State::Ready, _) => offsets(0),
            (..) => Call::Abort,
        };
        self.call(at, Asked::Nonsense, call);
    }

    fn send(&mut self, at: usize) {
        for _ in 0..=self.dice.below(5) {
            let (topic, partition) = (self.dice.below(2) as usize, self.dice.below(PARTITIONS as u32) as i32);
            let padding = if self.dice.once_in(12) { self.dice.below(20_000) } else { self.dice.below(100) };
            let Instance { world, open, .. } = &mut self.instances[at];
            let id = world.application.next_id;
            if world.send_sized(TOPICS[topic], Some(partition), padding as usize).is_ok() {
                let open = open.as_mut().expect("a record is taken in an open transaction only");
                assert!(!open.failed, "a record is taken after the transaction failed");
                open.records.push(id);
                self.partition_of.insert(id, (topic, partition));
                let number = self.instances[at].number;
                self.tell(|| format!("{number} sends {id} to {}-{partition}", TOPICS[topic]));
            }
        }
    }

    /// Another thread sends while the end of the transaction is asked for. Up to where the gate shuts that is part of it.
    fn send_beside(&mut self, at: usize) {
        let instance = &self.instances[at];
        let is_ending = matches!(instance.call, Some((_, Asked::Commit | Asked::Abort))) && instance.closing.is_none();
        if is_ending && self.dice.once_in(3) {
            let (state, first) = (instance.world.front.gate.transaction_state(), instance.world.application.next_id);
            self.send(at);
            let taken = self.instances[at].world.application.next_id - first;
            assert!(taken == 0 || state == State::InTransaction, "{taken} records are taken in state {state:?}");
        }
    }

    fn flush(&mut self, at: usize) {
        let instance = &mut self.instances[at];
        let due = instance.world.application.accepted.keys().copied().collect();
        let ticket = instance.world.flush();
        instance.flushes.insert(ticket, due);
    }

    fn purge(&mut self, at: usize) {
        let (queued, in_flight) = self.dice.one_of(&[(true, true), (true, false), (false, true)]);
        self.instances[at].world.purge(queued, in_flight, None);
        self.coverage.note("purge");
    }

    /// It cannot go on: every call says so, and it is closed.
    fn give_up(&mut self, at: usize) {
        let instance = &mut self.instances[at];
        assert!(instance.world.send_sized("t", Some(0), 0).is_err(), "a send is taken in state Fatal");
        let timeout = self.dice.one_of(&[ms(0), ms(100), ms(5_000)]);
        instance.closing = Some(instance.world.now.after(timeout));
        instance.world.close(timeout);
        self.coverage.note("instance: fatal");
        if let Some(held) = self.instances[at].open.take() {
            let end = if held.failed { End::NotCommitted } else { End::Unknown };
            self.ended(end, held);
        }
    }

    /// The answer to a call, if it is there.
    fn take_answer(&mut self, at: usize) {
        let steps = self.steps;
        let instance = &mut self.instances[at];
        let Some((ticket, asked)) = instance.call else { return };
        let Some(answer) = instance.world.application.answers.get(&ticket).cloned() else { return };
        instance.call = None;
        let number = instance.number;
        let state = instance.world.front.gate.transaction_state();
        if self.trace {
            self.tell(|| format!("{number} is answered {asked:?}: {answer:?}"));
        }
        let instance = &mut self.instances[at];
        let Err(error) = answer else {
            return match asked {
                Asked::Init => self.initialized(),
                Asked::Begin => instance.open = Some(Held { begun: steps, ..Held::default() }),
                Asked::Offsets(offset) => {
                    instance.open.as_mut().expect("offsets are taken in a transaction").offset = Some(offset);
                }
                Asked::Commit => {
                    let held = instance.open.take().expect("a transaction was committed");
                    assert!(!held.failed, "a failed transaction was committed");
                    held.records.iter().for_each(|id| instance.world.assert_written(*id));
                    self.ended(End::Committed, held);
                }
                Asked::Abort => {
                    let held = instance.open.take().expect("a transaction was aborted");
                    assert!(
                        held.records.iter().all(|id| instance.world.application.outcomes.contains_key(id)),
                        "not all is told"
                    );
                    self.ended(End::NotCommitted, held);
                }
                Asked::Nonsense => panic!("it is not refused"),
            };
        };
        if error.kind() == ErrorKind::Closed {
            assert!(instance.closing.is_some(), "closed by nobody: {error}");
            return;
        }
        match asked {
            _ if error.is_fatal() => {
                self.coverage.note(format!("told: fatal, of {}", name_of(asked)));
                let instance = &mut self.instances[at];
                if let Some(mut held) = instance.open.take() {
                    // A commit that the coordinator had begun is not undone by what came after it.
                    let end = if asked == Asked::Commit && !held.failed { End::Unknown } else { End::NotCommitted };
                    held.failed = true;
                    self.ended(end, held);
                }
            }
            Asked::Init => assert_eq!(state, State::Uninitialized, "{error}"),
            Asked::Nonsense => {
                let may_fail = state == State::AbortRequired;
                assert!(error.kind() == ErrorKind::InvalidState || may_fail, "{error}");
            }
            Asked::Begin => panic!("a transaction cannot begin: {error}"),
            Asked::Offsets(_) | Asked::Commit => {
                assert!(error.requires_abort(), "{error}");
                self.coverage.note(format!("told: abort, of {}", name_of(asked)));
                self.instances[at].open.as_mut().expect("a transaction is open").failed = true;
            }
            Asked::Abort => panic!("a transaction cannot be aborted: {error}"),
        }
    }

    /// Whoever had the transactional id before is fenced: what it left open was aborted.
    fn initialized(&mut self) {
        let steps = self.steps;
        for done in self.done.iter_mut().filter(|done| done.ended == u64::MAX) {
            done.ended = steps;
        }
    }

    fn ended(&mut self, end: End, held: Held) {
        self.coverage.note(match end {
            End::Committed => "transaction: committed",
            End::NotCommitted => "transaction: aborted",
            End::Unknown => "transaction: in doubt",
        });
        let ended = if end == End::Unknown { u64::MAX } else { self.steps };
        self.done.push(Done { end, held, ended });
    }

    // Accidents

    /// What administrators and accidents do.
    fn meddle(&mut self) {
        if self.intervals.as_mut().is_some_and(|dice| dice.below(10) == 0) {
            return self.black_out();
        }
        let broker = 1 + self.dice.below(3) as i32;
        let topic = self.dice.one_of(&TOPICS);
        let partition = self.dice.below(PARTITIONS as u32) as i32;
        let newest = self.world().cluster.versions_of(1) == &Versions::kafka_4_3();
        let is_up = self.world().cluster.is_up(broker);
        match self.dice.below(16) {
            0 | 1 if is_up => {
                self.world().cluster.move_leader(topic, partition, broker);
                self.fault("leader moved");
            }
            2 | 3 => {
                self.world().cluster.move_coordinator(ID, broker);
                self.fault("coordinator moved");
            }
            4 => {
                self.world().cluster.move_coordinator(GROUP, broker);
                self.fault("group coordinator moved");
            }
            5 | 6 => {
                let slow = &mut self.world().cluster.transactions.slow_markers;
                *slow = !*slow;
                if *slow {
                    self.fault("slow markers");
                }
            }
            7 if newest => {
                let level = self.dice.one_of(&[1, 2]);
                self.world().cluster.set_transaction_version(level);
                self.fault(if level == 2 { "upgrade" } else { "downgrade" });
            }
            8 if is_up => {
                self.stop_broker(broker);
                if self.dice.once_in(2) {
                    self.world().cluster.start_broker(broker);
                }
                self.fault("broker stopped");
            }
            9..12 => self.start_brokers(),
            12 => {
                self.world().cluster.hold_metadata();
                self.fault("stale metadata");
            }
            13 => self.world().cluster.release_metadata(),
            14 => {
                let time = self.dice.up_to(ms(20_000));
                self.world().now = self.now.after(time);
                self.fault("clock jump");
            }
            15 if !newest => {
                // An upgrade of the brokers themselves.
                let versions = self.dice.one_of(&[Versions::kafka_3_9 as fn() -> Versions, Versions::kafka_4_3]);
                self.world().cluster.set_versions(versions());
                self.fault("new brokers");
            }
            _ => {}
        }
    }

    /// No broker is up for two seconds, in which the producer whose turn it is does all that it wants to do.
    fn black_out(&mut self) {
        for broker in self.world().cluster.broker_ids() {
            if self.world().cluster.is_up(broker) {
                self.stop_broker(broker);
            }
        }
        self.world().run(ms(2_000));
        self.start_brokers();
        self.fault("outage");
    }

    fn start_brokers(&mut self) {
        for broker in self.world().cluster.broker_ids() {
            if !self.world().cluster.is_up(broker) {
                self.world().cluster.start_broker(broker);
            }
        }
    }

    fn stop_broker(&mut self, broker: i32) {
        self.world().stop_broker(broker);
        self.strays.retain(|(_, connection, _)| connection.broker() != broker);
        let active = self.active;
        for at in 0..self.instances.len() {
            if at != active {
                self.instances[at].world.now = self.now;
                self.instances[at].world.lose_broker(broker);
            }
        }
    }

    /// The process dies, is closed in the middle of it, or gets a rival.
    fn replace(&mut self, at: usize) {
        match self.dice.below(6) {
            0 | 1 => {
                self.fault("crash");
                self.crash(at);
            }
            2 if self.instances[at].closing.is_none() => {
                self.fault("close amid it");
                let timeout = self.dice.one_of(&[ms(0), ms(100), ms(5_000)]);
                let instance = &mut self.instances[at];
                instance.closing = Some(instance.world.now.after(timeout));
                instance.world.close(timeout);
            }
            3 if self.instances.len() < 3 => {
                self.fault("rival");
                let cluster = std::mem::replace(&mut self.world().cluster, Cluster::new(0));
                self.start(cluster);
            }
            _ => {}
        }
    }

    fn crash(&mut self, at: usize) {
        let Instance { world, number, call, open, .. } = self.instances.remove(at);
        self.tell(|| format!("instance {number} dies"));
        if let Some(held) = open {
            let committing = call.is_some_and(|(_, asked)| asked == Asked::Commit) && !held.failed;
            self.ended(if committing { End::Unknown } else { End::NotCommitted }, held);
        }
        self.told.extend(world.application.outcomes.clone());
        self.touched.extend(&world.observer.touched);
        let (cluster, strays) = world.die();
        self.strays.extend(strays);
        self.hand_on(cluster);
    }

    /// Another instance gets the cluster; there is one always.
    fn hand_on(&mut self, cluster: Cluster) {
        match self.instances.last_mut() {
            Some(instance) => {
                instance.world.cluster = cluster;
                self.active = self.instances.len() - 1;
            }
            None => self.start(cluster),
        }
    }

    /// A close has ended: everything is accounted for.
    fn remove(&mut self, at: usize) {
        let mut instance = self.instances.remove(at);
        let number = instance.number;
        self.tell(|| format!("instance {number} is closed"));
        let world = &mut instance.world;
        let missing: Vec<_> =
            world.application.accepted.keys().filter(|id| !world.application.outcomes.contains_key(id)).collect();
        assert!(missing.is_empty(), "records {missing:?} were not completed");
        assert!(world.core.action().is_none(), "an action after the close");
        assert_eq!(world.network.links(), [], "connections are still open");
        assert_eq!(world.memory_used(), 0, "memory is not accounted to zero");
        assert_eq!(world.application.flushed.len(), instance.flushes.len(), "a flush does not end");
        if let Some((ticket, asked)) = instance.call {
            assert!(world.application.answers.contains_key(&ticket), "{asked:?} was not answered");
        }
        if let Some(held) = instance.open.take() {
            let committing = instance.call.is_none() && !held.failed;
            self.ended(if committing { End::Unknown } else { End::NotCommitted }, held);
        }
        self.told.extend(instance.world.application.outcomes.clone());
        self.touched.extend(&instance.world.observer.touched);
        let (cluster, strays) = instance.world.die();
        self.strays.extend(strays);
        self.hand_on(cluster);
    }

    // The end

    fn be_calm(&mut self) {
        self.tell(|| "calm".into());
        self.calm = true;
        self.rate.store(0, Ordering::Relaxed);
        self.start_brokers();
        let cluster = &mut self.world().cluster;
        cluster.release_metadata();
        cluster.max_request_bytes = usize::MAX;
        cluster.transactions.slow_markers = false;
        cluster.write_markers();
    }

    /// Every instance ends its transaction if it can, and is closed.
    fn end_all(&mut self) {
        for at in 0..self.instances.len() {
            if self.instances[at].closing.is_some() {
                continue;
            }
            let settled = self.until(at, |instance| instance.call.is_none());
            assert!(settled, "instance {} is not answered: {:?}", self.instances[at].number, self.instances[at].call);
            let state = self.instances[at].world.front.gate.transaction_state();
            if matches!(state, State::InTransaction) && self.dice.once_in(2) {
                self.ask(at, Asked::Commit);
                assert!(self.until(at, |instance| instance.call.is_none()), "a commit does not end");
            }
            let state = self.instances[at].world.front.gate.transaction_state();
            if matches!(state, State::InTransaction | State::AbortRequired) && self.dice.once_in(2) {
                self.ask(at, Asked::Abort);
                assert!(self.until(at, |instance| instance.call.is_none()), "an abort does not end");
            }
        }
        // Closed, they go: and the last is followed by another.
        let count = self.instances.len();
        for _ in 0..count {
            let number = self.instances[0].number;
            self.turn_to(0);
            if self.instances[0].closing.is_none() {
                self.instances[0].world.close(ms(30_000));
                self.instances[0].closing = Some(self.now.after(ms(30_000)));
            }
            self.until(0, |instance| instance.number != number);
            assert!(self.instances[0].number != number, "the close does not end");
        }
    }

    /// Without trouble, runs an instance until something is so; minutes at most.
    fn until(&mut self, at: usize, done: impl Fn(&Instance) -> bool) -> bool {
        let end = self.now.after(ms(400_000));
        loop {
            let world = &mut self.turn_to(at).world;
            (world.network.eager, world.network.transit) = (true, ms(0));
            world.network.writable().into_iter().for_each(|line| world.finish_write(line));
            world.turn();
            self.after_step();
            if self.instances.get(at).is_none_or(&done) {
                return true;
            }
            let next = self.instances[at].world.next_event();
            if next > end {
                return false;
            }
            self.now = self.now.max(next);
        }
    }

    /// Without trouble every transaction is committed, whatever was before.
    fn goes_on(&mut self) {
        assert_eq!(self.instances.len(), 1);
        self.turn_to(0);
        self.ask(0, Asked::Init);
        assert!(self.until(0, |instance| instance.call.is_none()), "it does not end");
        for _ in 0..3 {
            self.ask(0, Asked::Begin);
            self.until(0, |instance| instance.call.is_none());
            for (topic, name) in TOPICS.iter().enumerate() {
                for partition in 0..PARTITIONS {
                    let id = self.world().application.next_id;
                    self.world().send(name, partition);
                    self.partition_of.insert(id, (topic, partition));
                    self.instances[0].open.as_mut().expect("it began").records.push(id);
                }
            }
            self.next_offset += 1;
            self.ask(0, Asked::Offsets(self.next_offset));
            self.until(0, |instance| instance.call.is_none());
            self.ask(0, Asked::Commit);
            self.until(0, |instance| instance.call.is_none());
            assert!(self.instances[0].open.is_none(), "nothing is in the way of this commit");
        }
        let last = self.done.last().expect("three were added");
        assert_eq!(last.end, End::Committed);
        let phase = self.world().cluster.transaction(ID).map(|transaction| transaction.phase);
        assert_eq!(phase, Some(Phase::Complete { commit: true }));
        self.world().close(ms(30_000));
        self.instances[0].closing = Some(self.now.after(ms(30_000)));
        let number = self.instances[0].number;
        self.until(0, |instance| instance.number != number);
        assert!(self.instances[0].number != number, "the close does not end");
    }

    // The checks

    fn check_step(&mut self, at: usize) {
        let instance = &mut self.instances[at];
        assert!(instance.world.memory_used() < 1 << 40, "memory went below zero");
        let (partitions, records) = (TOPICS.len() * PARTITIONS as usize, instance.world.application.accepted.len());
        instance.pace.check(&mut instance.world.observer.traffic, partitions, records);
        let world = &instance.world;
        for request in &world.cluster.requests()[self.checked_requests..] {
            let mut partitions: Vec<_> = request.partitions.iter().map(|p| (&p.topic, p.partition)).collect();
            partitions.sort_unstable();
            assert!(partitions.is_sorted_by(|a, b| a < b), "a partition twice in a request: {request:?}");
            if self.trace {
                println!("             {request:?}");
            }
        }
        self.checked_requests = world.cluster.requests().len();
        while let Some(ticket) = instance.world.application.flushed.get(instance.checked_flushes) {
            instance.checked_flushes += 1;
            let missing: Vec<&u64> = instance.flushes[ticket]
                .iter()
                .filter(|id| !instance.world.application.outcomes.contains_key(id))
                .collect();
            assert!(missing.is_empty(), "flush {ticket} ended before records {missing:?}");
        }
    }

    fn check_close(&mut self, at: usize) {
        let instance = &mut self.instances[at];
        if let Some(deadline) = instance.closing
            && instance.world.now > deadline
            && instance.world.drained() > deadline
        {
            // Steps are random: some must pass after the deadline until mail and ticks came about.
            instance.late += 1;
            assert!(instance.late < 2_000, "the close does not end");
        }
    }

    /// Each record's place in the logs, against what was told of it.
    fn check_logs(&mut self) {
        let mut places: BTreeMap<u64, Vec<(usize, i32, i64)>> = BTreeMap::new();
        let mut producers = BTreeSet::new();
        for (topic, name) in TOPICS.iter().enumerate() {
            for partition in 0..PARTITIONS {
                let cluster = &self.instances[self.active].world.cluster;
                let records = cluster.records(name, partition);
                let ids: Vec<u64> = records.iter().map(|record| id_of(record.value.as_deref())).collect();
                for (id, record) in ids.iter().zip(&records) {
                    places.entry(*id).or_default().push((topic, partition, record.offset));
                }
                let of_one = |pair: &&[StoredRecord]| {
                    (pair[0].producer_id, pair[0].epoch) == (pair[1].producer_id, pair[1].epoch)
                };
                let wraps = records.windows(2).filter(of_one).filter(|pair| pair[1].sequence < pair[0].sequence);
                self.coverage.count("sequence: wrapped", wraps.count() as u64);
                producers.extend(records.iter().map(|record| record.producer_id));
                let committed = cluster.committed(name, partition);
                let seen: Vec<u64> = committed.iter().map(|record| id_of(record.value.as_deref())).collect();
                assert!(seen.is_sorted_by(|a, b| a < b), "{name}-{partition}: order, or twice: {seen:?}");
            }
        }
        self.coverage.count("producer id: another", producers.len().saturating_sub(1) as u64);
        let told = std::mem::take(&mut self.told);
        for (id, told) in &told {
            let found = places.get(id).map_or(&[][..], Vec::as_slice);
            assert!(found.len() <= 1, "record {id} is in the log twice, {found:?}: {told:?}");
            let (topic, partition) = self.partition_of[id];
            match told.fate {
                Fate::Written => {
                    self.coverage.note("record: written");
                    assert!(!found.is_empty(), "record {id} was reported written and is not: {told:?}");
                    let at = (topic, partition, told.offset);
                    assert!(told.offset < 0 || found.contains(&at), "record {id} is at {found:?}: {told:?}");
                }
                Fate::NotWritten => {
                    self.coverage.note("record: not written");
                    assert!(found.is_empty(), "record {id} is at {found:?}: {told:?}");
                }
                Fate::Unknown => {
                    self.coverage.note("record: unknown");
                    assert!(self.touched.contains(id), "no byte of record {id} reached a connection: {told:?}");
                }
            }
        }
    }

    /// All or nothing.
    fn check_transactions(&mut self) {
        let cluster = &self.instances[self.active].world.cluster;
        let mut seen = BTreeSet::new();
        for topic in TOPICS {
            for partition in 0..PARTITIONS {
                seen.extend(cluster.committed(topic, partition).iter().map(|record| id_of(record.value.as_deref())));
            }
        }
        let mut of_some = BTreeSet::new();
        let mut offsets: Vec<(&Done, bool)> = Vec::new();
        for done in &self.done {
            let ids = &done.held.records;
            of_some.extend(ids);
            let count = ids.iter().filter(|id| seen.contains(id)).count();
            match done.end {
                End::Committed => assert_eq!(count, ids.len(), "committed, and not all is seen: {ids:?}"),
                End::NotCommitted => assert_eq!(count, 0, "not committed, and seen: {ids:?}"),
                End::Unknown => assert!(count == 0 || count == ids.len(), "half of a transaction is seen: {ids:?}"),
            }
            let certain = done.end == End::Committed || count > 0;
            if done.held.offset.is_some() && (certain || done.end == End::Unknown && ids.is_empty()) {
                offsets.push((done, certain));
            }
        }
        assert!(seen.is_subset(&of_some), "records of no transaction are seen");
        let group = cluster.group(GROUP).and_then(|group| group.offsets.get(&("in".to_owned(), 0)));
        let held = group.map(|(offset, _)| *offset);
        let replaced = |done: &Done| offsets.iter().any(|(other, certain)| *certain && other.held.begun > done.ended);
        let possible: Vec<Option<i64>> =
            offsets.iter().filter(|(done, _)| !replaced(done)).map(|(done, _)| done.held.offset).collect();
        assert!(possible.contains(&held), "the group's offset is {held:?}, and should be of {possible:?}");
    }
}

fn name_of(asked: Asked) -> &'static str {
    match asked {
        Asked::Init => "init",
        Asked::Begin => "begin",
        Asked::Offsets(_) => "offsets",
        Asked::Commit => "commit",
        Asked::Abort => "abort",
        Asked::Nonsense => "nonsense",
    }
}

fn offsets(offset: i64) -> Call {
    let offset = Offset { topic: "in".into(), partition: 0, offset, leader_epoch: -1, metadata: None };
    let group = GroupMetadata { group_id: GROUP.into(), generation_id: -1, ..GroupMetadata::default() };
    Call::SendOffsets(Box::new(OffsetCommit { group, offsets: vec![offset] }))
}
