//! Random transactions: a seed decides what is sent and how each transaction ends, what goes wrong meanwhile, and when the
//! process dies and another takes its transactional id over. At the end a reader of committed records sees all of every
//! transaction that was committed, nothing of any other, and of one whose end nobody learned all or nothing.
//!
//! `cargo test --test engine random_transactions` tries 200 seeds, `OTTLA_SEEDS=from..to` others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ottla::Fate;
use ottla::front::{GroupMetadata, Offset, OffsetCommit, TransactionCall as Call, TransactionState as State};
use ottla::partition::rng::SplitMix64;
use ottla_test_support::model::{Api, Cluster, Fault, On, RequestInfo};

use crate::coverage::Coverage;
use crate::seeds::{self, Simulation};
use crate::world::{Setup, World, id_of, ms};

const TRANSACTIONS: u64 = 25;
const PARTITIONS: i32 = 3;
const ID: &str = "mine";

pub const SIMULATION: Simulation = Simulation {
    test: "random_transactions_are_all_or_nothing",
    run: |seed| Run::new(seed).all(),
    expected: || ["committed", "aborted", "failed", "crashes", "faults"].map(|what| (what.into(), 500)).into(),
};

#[test]
fn random_transactions_are_all_or_nothing() {
    seeds::run(&SIMULATION, 0..200);
}

/// How a transaction ended, as the application knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Committed,
    NotCommitted,
    Unknown,
}

struct Done {
    end: End,
    /// Ids by partition, in the order in which they were sent.
    records: BTreeMap<i32, Vec<u64>>,
    offset: Option<i64>,
}

struct Run {
    world: World,
    random: SplitMix64,
    done: Vec<Done>,
    tally: Coverage,
    /// Faults happen while this is set.
    trouble: Arc<AtomicBool>,
    faults: Arc<AtomicU64>,
}

fn setup(seed: u64) -> Setup {
    let mut setup = Setup::with(|core| {
        core.transaction = Some((ID.into(), 60_000));
        core.seed = seed;
        core.request_timeout = ms(1_500);
        core.delivery_timeout = ms(15_000);
        core.linger = ms(seed % 3 * 5);
    });
    if seed.is_multiple_of(4) {
        setup = setup.single_records();
    }
    setup
}

impl Run {
    fn new(seed: u64) -> Run {
        let mut random = SplitMix64::new(seed ^ 0x7472_616e);
        let mut world = setup(seed).start();
        world.cluster.set_transaction_version(1 + (seed % 2) as i16);
        world.cluster.create_topic("t", PARTITIONS);
        let (trouble, faults) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
        let mut fates = SplitMix64::new(random.draw());
        let (wanted, count) = (trouble.clone(), faults.clone());
        let often = 4 + seed % 30;
        world.cluster.on_request(move |request| {
            if !wanted.load(Ordering::Relaxed) || !fates.draw().is_multiple_of(often) {
                return Fault::None;
            }
            count.fetch_add(1, Ordering::Relaxed);
            fault(request, &mut fates)
        });
        let tally = Coverage::default();
        Run { world, random, done: Vec::new(), tally, trouble, faults }
    }

    fn all(mut self) -> Coverage {
        while !self.initialize() {
            self.succeed();
        }
        for _ in 0..TRANSACTIONS {
            self.transaction();
        }
        self.finish();
        self.tally.count("faults", self.faults.load(Ordering::Relaxed));
        self.tally
    }

    fn chance(&mut self, in_how_many: u64) -> bool {
        self.random.draw().is_multiple_of(in_how_many)
    }

    /// False if this producer was fenced, or cannot go on.
    fn initialize(&mut self) -> bool {
        loop {
            match self.wait_for(Call::Init) {
                Some(Ok(())) => return true,
                Some(Err(error)) if error.is_fatal() => return false,
                Some(Err(_)) => {}
                None => return false,
            }
        }
    }

    /// Asks, and lets things happen until the answer is there. `None`: the process died before.
    fn wait_for(&mut self, call: Call) -> Option<ottla::Result<()>> {
        let mortal = !matches!(call, Call::Begin);
        let ticket = self.world.call(call);
        for _ in 0..2_000 {
            let step = self.random.draw() % 200;
            if self.world.run_until(ms(step), |world| world.answers.contains_key(&ticket)) {
                return Some(self.world.answers[&ticket].clone().map(drop));
            }
            self.disturb();
            if mortal && self.chance(60) {
                return None;
            }
        }
        panic!("no answer in minutes; log: {:#?}", self.world.log_tail());
    }

    /// Something happens to the cluster.
    fn disturb(&mut self) {
        let (what, partition) = (self.random.draw() % 40, (self.random.draw() % 3) as i32);
        let broker = 1 + (self.random.draw() % 3) as i32;
        match what {
            0 => self.world.cluster.move_leader("t", partition, broker),
            1 => self.world.cluster.move_coordinator(ID, broker),
            2 => self.world.cluster.move_coordinator("g", broker),
            3 => self.world.cut_all_to(broker),
            4 => self.world.cluster.transactions.slow_markers ^= true,
            5 => self.world.cluster.set_transaction_version(2),
            6 => {
                self.world.stop_broker(broker);
                self.world.cluster.start_broker(broker);
            }
            _ => {}
        }
        if self.chance(3) {
            self.world.cluster.write_markers();
        }
    }

    fn transaction(&mut self) {
        if let Some(Err(error)) = self.wait_for(Call::Begin) {
            assert!(error.is_fatal(), "{error}");
            return self.succeed_until_ready();
        }
        let mut records: BTreeMap<i32, Vec<u64>> = BTreeMap::new();
        for _ in 0..1 + self.random.draw() % 12 {
            let partition = (self.random.draw() % PARTITIONS as u64) as i32;
            if let Ok(id) = self.world.send_sized("t", Some(partition), (self.random.draw() % 200) as usize) {
                records.entry(partition).or_default().push(id);
                self.tally.note("records");
            }
            if self.chance(3) {
                let time = self.random.draw() % 100;
                self.world.run(ms(time));
                self.disturb();
            }
        }
        let mut offset = None;
        if self.chance(3) {
            let number = self.done.len() as i64;
            match self.wait_for(offsets(number)) {
                Some(Ok(())) => offset = Some(number),
                Some(Err(error)) => assert!(error.requires_abort() || error.is_fatal(), "{error}"),
                None => return self.died(records, None, false),
            }
        }
        let commit = !self.chance(4);
        let end = self.wait_for(if commit { Call::Commit } else { Call::Abort });
        match end {
            Some(Ok(())) if commit => self.ended(End::Committed, records, offset),
            Some(Ok(())) => self.ended(End::NotCommitted, records, offset),
            Some(Err(error)) if error.requires_abort() => self.abort(records, offset),
            Some(Err(error)) => {
                assert!(error.is_fatal(), "{error}");
                // A commit that the coordinator had already begun is not undone by what came after it.
                self.ended(if commit { End::Unknown } else { End::NotCommitted }, records, offset);
                self.succeed_until_ready();
            }
            None => self.died(records, offset, commit),
        }
    }

    fn abort(&mut self, records: BTreeMap<i32, Vec<u64>>, offset: Option<i64>) {
        self.tally.note("failed");
        match self.wait_for(Call::Abort) {
            Some(Ok(())) => {
                assert_eq!(self.world.front.gate.transaction_state(), State::Ready);
                self.ended(End::NotCommitted, records, offset);
            }
            Some(Err(error)) => {
                assert!(error.is_fatal(), "{error}");
                self.ended(End::NotCommitted, records, offset);
                self.succeed_until_ready();
            }
            None => self.died(records, offset, false),
        }
    }

    fn ended(&mut self, end: End, records: BTreeMap<i32, Vec<u64>>, offset: Option<i64>) {
        match end {
            End::Committed => {
                self.tally.note("committed");
                for id in records.values().flatten() {
                    self.world.assert_written(*id);
                }
            }
            End::NotCommitted => self.tally.note("aborted"),
            End::Unknown => self.tally.note("unknown"),
        }
        self.done.push(Done { end, records, offset });
    }

    /// The process died in the middle of it; another takes over.
    fn died(&mut self, records: BTreeMap<i32, Vec<u64>>, offset: Option<i64>, committing: bool) {
        self.tally.note("crashes");
        self.ended(if committing { End::Unknown } else { End::NotCommitted }, records, offset);
        self.succeed_until_ready();
    }

    fn succeed_until_ready(&mut self) {
        self.tally.note("fatal");
        loop {
            self.succeed();
            if self.initialize() {
                return;
            }
        }
    }

    /// Another process with the same transactional id.
    fn succeed(&mut self) {
        let mut next = setup(self.random.draw() % 1000).start();
        next.next_id = self.world.next_id;
        next.now = self.world.now;
        std::mem::swap(&mut next.cluster, &mut self.world.cluster);
        self.world = next;
    }

    fn finish(&mut self) {
        self.trouble.store(false, Ordering::Relaxed);
        self.world.cluster.transactions.slow_markers = false;
        self.world.cluster.write_markers();
        self.goes_on();
        self.world.close(ms(30_000));
        assert!(self.world.run_until(ms(30_000), |world| world.closed), "{:#?}", self.world.log_tail());
        self.world.cluster.write_markers();
        assert!(self.world.all_told());
        assert_eq!(self.world.memory_used(), 0, "memory is held");
        let told_unwritten = self.world.told.iter().filter(|(_, told)| told.fate == Fate::NotWritten);
        let unwritten: BTreeSet<u64> = told_unwritten.map(|(id, _)| *id).collect();
        let logged: BTreeSet<u64> = (0..PARTITIONS).flat_map(|partition| self.world.in_log("t", partition)).collect();
        assert!(unwritten.is_disjoint(&logged), "told not written, and is in the log");
        self.check(&self.world.cluster);
    }

    /// Without trouble every transaction is committed, whatever was before.
    fn goes_on(&mut self) {
        for _ in 0..3 {
            self.world.transact(Call::Begin).expect("begun");
            let sent = |partition| (partition, vec![self.world.send("t", partition)]);
            let records = (0..PARTITIONS).map(sent).collect();
            self.world.transact(Call::Commit).expect("nothing is in the way of this commit");
            self.ended(End::Committed, records, None);
        }
    }

    fn check(&self, cluster: &Cluster) {
        let seen: BTreeMap<i32, Vec<u64>> = (0..PARTITIONS)
            .map(|partition| {
                let records = cluster.committed("t", partition);
                (partition, records.iter().map(|record| id_of(record.value.as_deref())).collect())
            })
            .collect();
        for (partition, ids) in &seen {
            assert!(ids.is_sorted_by(|a, b| a < b), "{partition}: order, or twice: {ids:?}");
        }
        let all_seen: BTreeSet<u64> = seen.values().flatten().copied().collect();
        let mut expected: Option<i64> = None;
        let mut possible = BTreeSet::from([None]);
        for done in &self.done {
            let ids: Vec<u64> = done.records.values().flatten().copied().collect();
            let count = ids.iter().filter(|id| all_seen.contains(id)).count();
            match done.end {
                End::Committed => assert_eq!(count, ids.len(), "committed, and not all is seen: {ids:?}"),
                End::NotCommitted => assert_eq!(count, 0, "not committed, and seen: {ids:?}"),
                End::Unknown => assert!(count == 0 || count == ids.len(), "half of a transaction is seen: {ids:?}"),
            }
            if let Some(offset) = done.offset {
                let took_effect = done.end == End::Committed || (done.end == End::Unknown && count > 0);
                if took_effect {
                    expected = Some(offset);
                    possible = BTreeSet::from([expected]);
                } else if done.end == End::Unknown && ids.is_empty() {
                    possible.insert(Some(offset));
                }
            }
        }
        let held = cluster.group("g").and_then(|group| group.offsets.get(&("in".to_owned(), 0)).map(|(o, _)| *o));
        assert!(possible.contains(&held), "the group's offset is {held:?}, and should be {expected:?} ({possible:?})");
    }
}

fn offsets(offset: i64) -> Call {
    let offset = Offset { topic: "in".into(), partition: 0, offset, leader_epoch: -1, metadata: None };
    let group = GroupMetadata { group_id: "g".into(), generation_id: -1, ..GroupMetadata::default() };
    Call::SendOffsets(Box::new(OffsetCommit { group, offsets: vec![offset] }))
}

/// Something that goes wrong with a request: on the way, or as an answer that its API may give.
fn fault(request: &RequestInfo, random: &mut SplitMix64) -> Fault {
    let codes: &[i16] = match request.api {
        Api::Produce => &[2, 5, 6, 19, 19, 29, 45, 48, 120],
        Api::InitProducerId => &[14, 15, 16, 51],
        Api::AddPartitionsToTxn => &[3, 14, 15, 16, 51, 120],
        Api::AddOffsetsToTxn => &[14, 15, 16, 51, 120],
        Api::TxnOffsetCommit => &[3, 7, 14, 15, 16, 22, 25, 120],
        Api::EndTxn => &[14, 15, 16, 51],
        Api::FindCoordinator => &[14, 15],
        _ => &[],
    };
    match random.draw() % 6 {
        0 => Fault::DropBefore,
        1 => Fault::DropAfter,
        2 => Fault::Delay(random.draw() % 2_500),
        3 if request.api == Api::Produce => Fault::ErrorAfter([7, 20][(random.draw() % 2) as usize], On::All),
        _ if codes.is_empty() => Fault::None,
        _ => Fault::Error(codes[(random.draw() % codes.len() as u64) as usize], On::All),
    }
}
