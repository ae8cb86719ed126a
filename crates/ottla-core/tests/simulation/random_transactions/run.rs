//! A random run of transactions: it drives producers and their cluster step by step according to its plan.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use ottla_core::config::{Facilities, Facility};
use ottla_core::sender::DebugSwitch;
use ottla_core::sync::Time;
use ottla_mock::Cluster;

use super::application::Call;
use super::plan::Plan;
use crate::coverage::{Coverage, Shared};
use crate::dice::{self, Dice};
use crate::faults::Faults;
use crate::promises::{self, PartitionLog, Promise, Records, StateEdges, Transaction, Transactions};
use crate::world::{Stray, World, ms};

/// Minimums of every run.
const STEPS: u64 = 300;
const RECORDS: u64 = 50;
const FAULTS: u64 = 3;

pub const PARTITIONS: i32 = 2;
pub const TOPICS: [&str; 2] = ["t", "u"];
pub const ID: &str = "mine";
pub const GROUP: &str = "g";

/// A producer, and the application that uses it.
pub struct Instance {
    pub world: World,
    pub number: usize,
    /// The pending call and its ticket.
    pub call: Option<(u64, Call)>,
    pub open: Option<Transaction>,
    promises: Vec<Box<dyn Promise>>,
    /// How many log lines were printed.
    printed: usize,
}

pub struct Run {
    pub(super) plan: Plan,
    pub(super) dice: Streams,
    /// The newest is last. The others have been replaced, perhaps without knowing it.
    pub(super) instances: Vec<Instance>,
    /// The instance whose world has the cluster. The other worlds have an empty one.
    pub(super) active: usize,
    pub(super) now: Time,
    pub(super) next_id: u64,
    pub(super) next_offset: i64,
    pub(super) transactions: Transactions,
    pub(super) coverage: Shared,
    /// The probability that a request goes wrong, per thousand.
    pub(super) fault_rate: Arc<AtomicU32>,
    pub(super) calm: bool,
    pub(super) steps: u64,
    pub(super) trace: bool,
    /// The records of producers that have ended.
    records: Records,
    /// Requests of ended producers that are still on their way.
    pub(super) strays: Vec<Stray>,
    promises: Vec<Box<dyn Promise>>,
    started: usize,
    faults: u64,
    printed_requests: usize,
}

/// The random streams of the steps.
pub struct Streams {
    pub steps: Dice,
    pub calls: Dice,
    pub sends: Dice,
    pub sockets: Dice,
    pub time: Dice,
    pub accidents: Dice,
    pub outages: Dice,
    pub replacements: Dice,
    pub endings: Dice,
    pub helpers: Dice,
}

impl Streams {
    fn of(seed: u64) -> Streams {
        let stream = |name| dice::stream(seed, &format!("transactions: {name}"));
        Streams {
            steps: stream("steps"),
            calls: stream("calls"),
            sends: stream("sends"),
            sockets: stream("sockets"),
            time: stream("time"),
            accidents: stream("accidents"),
            outages: stream("outages"),
            replacements: stream("replacements"),
            endings: stream("endings"),
            helpers: stream("helpers at work"),
        }
    }
}

impl Run {
    pub fn new(plan: Plan) -> Run {
        let mut run = Run {
            dice: Streams::of(plan.seed),
            instances: Vec::new(),
            active: 0,
            now: Time(1_000_000_000_000),
            next_id: 1,
            next_offset: 1,
            transactions: Transactions::default(),
            coverage: Shared::default(),
            fault_rate: Arc::new(AtomicU32::new(plan.fault_rate)),
            calm: false,
            steps: 0,
            trace: std::env::var_os("OTTLA_TRACE").is_some(),
            records: Records::default(),
            strays: Vec::new(),
            promises: promises::of_a_cluster(),
            started: 0,
            faults: 0,
            printed_requests: 0,
            plan,
        };
        run.print(|| format!("{:#?}", run.plan));
        let cluster = run.cluster();
        run.start(cluster);
        run
    }

    fn cluster(&self) -> Cluster {
        let plan = &self.plan;
        let mut cluster = Cluster::new(3);
        cluster.set_versions(plan.release.versions());
        cluster.set_transaction_version(plan.transaction_version);
        cluster.first_epoch = plan.first_epoch;
        cluster.max_request_bytes = plan.max_request_bytes.unwrap_or(usize::MAX);
        for topic in TOPICS {
            cluster.create_topic(topic, PARTITIONS);
        }
        let late = plan.late_requests.is_some();
        let mut faults = Faults::new(plan.seed, self.fault_rate.clone(), self.coverage.clone(), late);
        cluster.on_request(move |request| faults.of(request));
        cluster
    }

    /// Starts another producer with the same transactional id in this cluster.
    pub fn start(&mut self, cluster: Cluster) {
        let number = self.started;
        self.started += 1;
        let producer = &self.plan.producers[number % self.plan.producers.len()];
        let mut setup = producer.setup(ID);
        if number > 0 {
            setup.sender.first_sequence = 0;
        }
        if !self.trace {
            setup.sender.debug = Arc::new(DebugSwitch::new(Facilities::of(Facility::Idempotence)));
        }
        let mut world = setup.start();
        world.cluster = cluster;
        (world.now, world.application.next_id) = (self.now, self.next_id);
        world.network.eager = producer.eager_sockets;
        world.helpers.delay = producer.helpers.as_ref().map_or(Duration::ZERO, |helpers| helpers.delay);
        let mut promises = promises::of_a_producer();
        promises.push(Box::new(StateEdges::new(self.coverage.clone())));
        self.instances.push(Instance { world, number, call: None, open: None, promises, printed: 0 });
        self.active = self.instances.len() - 1;
        self.coverage.note("instance: started");
        self.print(|| format!("instance {number} starts"));
    }

    /// Prints a line if the run is traced.
    pub fn print(&self, what: impl FnOnce() -> String) {
        if self.trace {
            println!("{:>12.3} ms  {}", (self.now.0 - 1_000_000_000_000) as f64 / 1e6, what());
        }
    }

    pub fn fault(&mut self, what: &str) {
        self.coverage.note(format!("fault: {what}"));
        self.faults += 1;
        self.print(|| what.to_owned());
    }

    fn faults(&self) -> u64 {
        self.faults + self.coverage.sum("answer:") + self.coverage.sum("fault: ")
    }

    /// Moves the cluster to an instance, so that it can act.
    pub fn turn_to(&mut self, at: usize) -> &mut Instance {
        if at != self.active {
            let cluster = std::mem::replace(&mut self.instances[self.active].world.cluster, Cluster::new(0));
            self.instances[at].world.cluster = cluster;
            self.active = at;
        }
        let world = &mut self.instances[at].world;
        world.now = world.now.max(self.now);
        world.application.next_id = world.application.next_id.max(self.next_id);
        world.set_clocks();
        &mut self.instances[at]
    }

    pub fn world(&mut self) -> &mut World {
        &mut self.instances[self.active].world
    }

    pub fn all(mut self) -> Coverage {
        while self.transactions.len() < self.plan.transactions
            || self.steps < STEPS
            || self.next_id <= RECORDS
            || self.faults() < FAULTS
        {
            self.step();
            assert!(self.steps < 100_000, "the run does not get on");
        }
        self.end_trouble();
        self.end_all();
        self.go_on();
        self.check_records();
        self.note_coverage();
        self.coverage.take()
    }

    fn step(&mut self) {
        self.steps += 1;
        let at = self.dice.steps.below(self.instances.len() as u32) as usize;
        self.turn_to(at);
        let late = self.plan.late_requests.filter(|_| !self.calm);
        let (dice, world) = (&mut self.dice, &mut self.instances[at].world);
        world.land();
        match dice.steps.below(100) {
            0..30 => self.output(at),
            30..56 => dice.sockets.deliver(world),
            56..68 => dice.sockets.write(world, late),
            68..76 => {
                let room_requested = world.take_mail();
                self.send_meanwhile(at);
                self.instances[at].world.hand_over_mail(room_requested);
            }
            76..82 => {
                let drained = world.drained();
                world.sender.tick(drained);
            }
            82..91 => dice.time.pass_time(world),
            91..93 => {
                let time = dice.time.up_to(ms(300));
                world.run(time);
            }
            93..96 if !self.calm => self.meddle(),
            96 | 97 if !self.calm && dice.sockets.once_in(4) && dice.sockets.cut(world) => self.fault("cut"),
            98 => world.cluster.write_markers(),
            99 if !self.calm && dice.replacements.once_in(3) => self.replace(at),
            _ => {}
        }
        let world = &mut self.instances[self.active].world;
        if !self.calm {
            self.dice.helpers.end_preparation(world, &self.coverage);
        }
        self.after_step();
    }

    pub fn after_step(&mut self) {
        let at = self.active;
        let world = &mut self.instances[at].world;
        world.carry_out();
        (self.now, self.next_id) = (self.now.max(world.now), self.next_id.max(world.application.next_id));
        let now = self.now;
        for (_, mut connection, bytes) in self.strays.extract_if(.., |(due, ..)| *due <= now) {
            connection.receive(&mut world.cluster, &bytes);
        }
        let epoch = |cluster: &Cluster| cluster.transaction(ID).map(|transaction| transaction.epoch);
        let before = epoch(&world.cluster);
        world.cluster.expire_transactions();
        if epoch(&world.cluster) != before {
            self.fault("transaction expired");
        }
        self.print_log(at);
        let instance = &mut self.instances[at];
        let promises = instance.promises.iter_mut().chain(&mut self.promises);
        promises.for_each(|promise| promise.step(&instance.world));
        self.take_answer(at);
        if self.instances[at].world.application.closed {
            self.remove(at);
        }
    }

    fn print_log(&mut self, at: usize) {
        if !self.trace {
            return;
        }
        let Instance { number, world, printed, .. } = &self.instances[at];
        for (level, line) in &world.observer.log[*printed..] {
            self.print(|| format!("{number} {level:?}: {line}"));
        }
        for request in &world.cluster.requests()[self.printed_requests..] {
            println!("             {request:?}");
        }
        self.printed_requests = world.cluster.requests().len();
        self.instances[at].printed = self.instances[at].world.observer.log.len();
    }

    /// Removes an instance whose close has ended, after the checks that are due then.
    fn remove(&mut self, at: usize) {
        let mut instance = self.instances.remove(at);
        let number = instance.number;
        self.print(|| format!("instance {number} is closed"));
        let world = &mut instance.world;
        instance.promises.iter_mut().for_each(|promise| promise.closed(world));
        if let Some((ticket, call)) = instance.call {
            assert!(world.application.answers.contains_key(&ticket), "{call:?} was not answered");
        }
        if let Some(open) = instance.open.take() {
            let committing = instance.call.is_none() && !open.failed;
            self.abandon(open, committing);
        }
        self.bury(instance.world);
    }

    /// Takes the records and strays of a producer that has ended. What it wrote may still reach brokers.
    pub fn bury(&mut self, world: World) {
        self.records.add_producer(&world);
        let (cluster, strays) = world.die();
        self.strays.extend(strays);
        // Another instance takes the cluster. There is always one.
        match self.instances.last_mut() {
            Some(instance) => {
                instance.world.cluster = cluster;
                self.active = self.instances.len() - 1;
            }
            None => self.start(cluster),
        }
    }

    fn check_records(&mut self) {
        let mut records = std::mem::take(&mut self.records);
        let cluster = &self.world().cluster;
        // Brokers could not tell two producers apart, which no producer can make up for.
        if cluster.has_adopted_a_fenced_producer() {
            return;
        }
        let partitions = TOPICS.into_iter().flat_map(|topic| (0..PARTITIONS).map(move |partition| (topic, partition)));
        partitions.for_each(|(topic, partition)| records.add_log(PartitionLog::read(cluster, topic, partition)));
        let group = cluster.group(GROUP).and_then(|group| group.offsets.get(&("in".to_owned(), 0)));
        let offset = group.map(|(offset, _)| *offset);
        promises::check_records(&records);
        self.transactions.check(&records, offset);
        records.note_coverage(&self.coverage);
    }

    fn note_coverage(&mut self) {
        let rows = BTreeMap::from([
            ("intervals: any", u64::from(self.plan.outages)),
            ("fault: request too large", self.world().cluster.oversized_requests.len() as u64),
            ("steps", self.steps),
            ("records", self.next_id - 1),
        ]);
        rows.into_iter().for_each(|(row, times)| self.coverage.count(row, times));
    }
}
