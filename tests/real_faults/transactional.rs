//! Transactions take effect as a whole or not at all, whatever happens to the brokers and to the process.
//!
//! A program copies a topic in transactions (`copier.rs`). It is killed again and again while brokers have faults. What
//! it printed about each transaction must agree with what two other clients' consumers see, and with its group's
//! offsets.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ottla_engine::Record;
use ottla_testkit::copy_plan::{PARTITIONS, Positions, copied, is_aborted, size, value};
use ottla_testkit::kafka::{DEFAULT_VERSION, Isolation, Reader};
use ottla_testkit::program;

use crate::group_log::committed;
use crate::harness::{Random, Sender, soak};
use crate::producers::producers;
use crate::troubled::{Fault, Troubled};

const FROM: &str = "original";
const TO: &str = "copy";
const ID: &str = "copier";
/// The topics whose leaders move. Leaders of the internal topics are the coordinators.
const TOPICS: [&str; 3] = [TO, "__transaction_state", "__consumer_offsets"];

/// The outcome of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Committed,
    Aborted,
    /// It failed with this error and was aborted.
    Failed(String),
    /// The process was killed before it called commit.
    Killed,
    /// The process was killed after it called commit.
    InDoubt,
    /// As before, and the commit did not take effect.
    DoubtfulLost,
    /// As before, and the commit took effect.
    DoubtfulCommitted,
}

/// What the program printed, and what follows from it.
#[derive(Default)]
struct Ledger {
    outcomes: BTreeMap<u64, Outcome>,
    /// The positions after everything that committed transactions copied.
    positions: Positions,
    /// Retried batches, in previous lives and in this one.
    retried: (u64, u64),
}

impl Ledger {
    fn note(&mut self, line: &str) {
        let mut words = line.splitn(3, ' ');
        let (what, number) = (words.next().expect("a word"), words.next().map(|word| word.parse().expect("a number")));
        let number: u64 = number.unwrap_or_default();
        let outcome = match what {
            "begun" => Outcome::Killed,
            "committing" => Outcome::InDoubt,
            "committed" => Outcome::Committed,
            "aborted" => Outcome::Aborted,
            "failed" => Outcome::Failed(words.next().unwrap_or_default().to_owned()),
            "retried" => return self.retried.1 = number,
            _ => return,
        };
        if outcome == Outcome::Committed {
            copied(number, &mut self.positions);
        }
        self.outcomes.insert(number, outcome);
    }

    /// After the program has ended, decides by the group's offsets whether the last commit took effect.
    fn settle(&mut self, offsets: Positions) {
        self.retried = (self.retried.0 + self.retried.1, 0);
        if let Some((&number, outcome)) = self.outcomes.iter_mut().last().filter(|(_, last)| **last == Outcome::InDoubt)
        {
            let mut positions = self.positions;
            copied(number, &mut positions);
            *outcome = if offsets == positions { Outcome::DoubtfulCommitted } else { Outcome::DoubtfulLost };
            if offsets == positions {
                self.positions = positions;
            }
        }
        assert_eq!(
            offsets,
            self.positions,
            "the group's offsets and what was committed: {:?}",
            self.outcomes.last_key_value()
        );
    }

    /// Retried batches, up to the last transaction that ended.
    fn retried(&self) -> u64 {
        self.retried.0 + self.retried.1
    }

    fn next(&self) -> u64 {
        self.outcomes.last_key_value().map_or(0, |(number, _)| number + 1)
    }

    fn count(&self, which: impl Fn(&Outcome) -> bool) -> usize {
        self.outcomes.values().filter(|outcome| which(outcome)).count()
    }

    /// The transactions that took effect.
    fn committed(&self) -> impl Iterator<Item = u64> {
        let took_effect = |outcome: &Outcome| matches!(outcome, Outcome::Committed | Outcome::DoubtfulCommitted);
        self.outcomes.iter().filter(move |(_, outcome)| took_effect(outcome)).map(|(number, _)| *number)
    }

    fn summary(&self) -> String {
        let of = |outcome: Outcome| self.count(|other| *other == outcome);
        format!(
            "{} transactions: {} committed, {} aborted, {} failed, {} cut before their commit, {} in it and lost, \
             {} in it and committed; {} batches sent again",
            self.outcomes.len(),
            of(Outcome::Committed),
            of(Outcome::Aborted),
            self.count(|outcome| matches!(outcome, Outcome::Failed(_))),
            of(Outcome::Killed),
            of(Outcome::DoubtfulLost),
            of(Outcome::DoubtfulCommitted),
            self.retried()
        )
    }
}

/// When to kill the program: this long after it printed `line` about a transaction with this number or a higher one.
struct Kill {
    number: u64,
    line: &'static str,
    after: Duration,
}

/// Kills spread over `count` transactions, at every stage of a transaction.
fn kills(count: u64, kills: u64) -> Vec<Kill> {
    let mut random = Random::new(count);
    let stages = ["committing", "begun", "committing", "sent", "committing", "aborting"];
    let kill = |nth: u64| Kill {
        number: (nth + 1) * count / (kills + 1),
        line: stages[nth as usize % stages.len()],
        after: Duration::from_millis(random.below(8)),
    };
    (0..kills).map(kill).collect()
}

struct Copying<'a> {
    troubled: &'a Troubled,
    form: &'a Form,
    ledger: Mutex<Ledger>,
}

/// The program that copies, built with the profile of this test.
fn copier() -> &'static Path {
    static COPIER: OnceLock<PathBuf> = OnceLock::new();
    COPIER.get_or_init(|| program::build("copier", !cfg!(debug_assertions)))
}

/// One run of the program, until it ends or is killed.
struct Life {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Copying<'_> {
    /// Runs the program until everything is copied, and kills it on the way.
    fn run(&self) {
        let log = File::create(self.troubled.cluster.folder().join("copier.log")).expect("a log");
        for kill in &kills(self.form.transactions, self.form.deaths) {
            let mut life = self.start(&log);
            let done = self.follow(&mut life, Some(kill));
            assert!(!done, "the program was done before it was to be killed at {}", kill.number);
        }
        let mut life = self.start(&log);
        assert!(self.follow(&mut life, None), "the program has ended: {}", life.child.wait().expect("our child"));
        self.ledger().settle(self.offsets());
    }

    fn start(&self, log: &File) -> Life {
        let first = self.ledger().next();
        let numbers =
            [first, self.form.transactions, self.form.pace.as_millis() as u64].map(|number| number.to_string());
        let mut command = Command::new(copier());
        command.args([self.troubled.bootstrap(), ID, FROM, TO, ID]).args(numbers);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log.try_clone().expect("a log"));
        let mut child = command.spawn().expect("the program runs");
        let lines = BufReader::new(child.stdout.take().expect("a pipe was asked for")).lines();
        let mut life = Life { child, lines };
        assert_eq!(life.line().as_deref(), Some("ready"), "the program has ended: see copier.log");
        self.ledger().settle(self.offsets());
        let mut input = life.child.stdin.take().expect("a pipe was asked for");
        let positions = self.ledger().positions.map(|position| position.to_string());
        writeln!(input, "{}", positions.join(" ")).expect("the program reads");
        life
    }

    /// Notes what the program prints until it ends. Returns whether it was done.
    fn follow(&self, life: &mut Life, kill: Option<&Kill>) -> bool {
        while let Some(line) = life.line() {
            self.ledger().note(&line);
            let number = line.split(' ').nth(1).and_then(|number| number.parse().ok()).unwrap_or(0);
            if kill.is_some_and(|kill| line.starts_with(kill.line) && number >= kill.number) {
                sleep(kill.expect("just seen").after);
                life.child.kill().expect("our child");
            }
            if line == "done" {
                return true;
            }
        }
        let signal = std::os::unix::process::ExitStatusExt::signal(&life.child.wait().expect("our child"));
        assert_eq!(signal, Some(9), "the program ended by itself: see copier.log");
        false
    }

    fn offsets(&self) -> Positions {
        let mut positions = Positions::default();
        for ((topic, partition), offset) in self.troubled.cluster.group_offsets(ID) {
            assert_eq!(topic, FROM);
            positions[partition as usize] = offset as u64;
        }
        positions
    }

    fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("lock")
    }
}

impl Life {
    fn line(&mut self) -> Option<String> {
        self.lines.next().map(|line| line.expect("a program of ours prints UTF-8"))
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // It may have ended already. In any case it must be waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Fills the source topic with as many records as `count` transactions may need.
fn fill(troubled: &Troubled, count: u64) {
    let each: u64 = (0..count).map(|number| size(number).div_ceil(PARTITIONS as u64)).sum();
    let sender = Sender::new(troubled.cluster.bootstrap(), &[]);
    let topic = sender.topic(FROM);
    for (tag, (position, partition)) in (0..each).flat_map(|at| (0..PARTITIONS).map(move |p| (at, p))).enumerate() {
        let value = value(partition, position);
        let record = Record { partition: Some(partition as i32), value: Some(&value), ..Record::default() };
        sender.send(&topic, &record, tag as u64);
    }
    sender.all_delivered(each * PARTITIONS as u64);
}

/// Applies each fault in turn, with a pause in between, as long as the program runs.
fn strike(copying: &Copying<'_>, form: &Form, running: impl Fn() -> bool) {
    let wait = |time: Duration, enough: &dyn Fn() -> bool| {
        let begin = Instant::now();
        while running() && begin.elapsed() < time && !enough() {
            sleep(Duration::from_millis(50));
        }
    };
    // The internal topics are created for the first transaction.
    wait(Duration::MAX, &|| copying.ledger().positions != Positions::default());
    let mut strikes = 0;
    while running() {
        let (round, at) = (strikes / form.faults.len(), strikes % form.faults.len());
        let (fault, victim, begin) = (form.faults[at], (round + at) as u32 % 3 + 1, Instant::now());
        let so_far = || {
            let ledger = copying.ledger();
            (ledger.outcomes.len() as u64, ledger.retried())
        };
        let before = so_far();
        copying.troubled.strike(fault, victim, &TOPICS);
        let after = so_far();
        let (transactions, retried) = (after.0 - before.0, after.1 - before.1);
        println!(
            "broker {victim} {fault:?}: over after {:.1?}; {transactions} transactions, {retried} batches sent again",
            begin.elapsed()
        );
        strikes += 1;
        wait(form.calm, &|| false);
    }
    assert!(strikes >= form.faults.len(), "only {strikes} faults while the program ran");
}

/// Checks that a read-committed consumer sees the values of the ledger, in order, each in its transaction.
fn check_copy(troubled: &Troubled, ledger: &Ledger) {
    let (mut positions, mut expected) = (Positions::default(), BTreeMap::<i32, Vec<_>>::new());
    for number in ledger.committed() {
        for (partition, position) in copied(number, &mut positions) {
            expected.entry(partition as i32).or_default().push((value(partition, position), number));
        }
    }
    for reader in [Reader::Java(DEFAULT_VERSION), Reader::Librdkafka] {
        let mut seen = BTreeMap::<i32, Vec<_>>::new();
        for record in troubled.cluster.read_records_with(TO, reader, Isolation::ReadCommitted) {
            let [(name, Some(number))] = &record.headers[..] else { panic!("{record:?}") };
            assert_eq!(name, "transaction");
            let number: u64 = std::str::from_utf8(number).ok().and_then(|text| text.parse().ok()).expect("a number");
            seen.entry(record.partition).or_default().push((record.value.expect("a value"), number));
        }
        for (partition, expected) in &expected {
            let seen = &seen[partition];
            if let Some(at) = seen.iter().zip(expected).position(|(seen, expected)| seen != expected) {
                let (seen, expected) = (seen[at].1, expected[at].1);
                panic!("partition {partition}: behind {at} records {reader:?} sees transaction {seen}, not {expected}");
            }
            assert_eq!(seen.len(), expected.len(), "records that {reader:?} sees in partition {partition}");
        }
        assert_eq!(seen.len(), expected.len(), "partitions that {reader:?} sees something in");
    }
}

/// Checks that each transaction that the ledger has as committed committed its group's offsets, and that no other did.
fn check_offsets(troubled: &Troubled, ledger: &Ledger) {
    let mut seen = BTreeMap::<u64, Positions>::new();
    for committed in committed(&troubled.cluster, ID) {
        let number = committed.metadata.parse().expect("a number");
        seen.entry(number).or_default()[committed.partition as usize] = committed.offset;
    }
    let mut positions = Positions::default();
    for number in ledger.committed() {
        copied(number, &mut positions);
        assert_eq!(seen.remove(&number), Some(positions), "the offsets of transaction {number}");
    }
    assert!(seen.is_empty(), "offsets of transactions that were not committed: {seen:?}");
}

/// Checks that one producer id wrote everything, with rising epochs.
fn check_producers(troubled: &Troubled, lives: usize) {
    let (mut ids, mut epochs) = (BTreeSet::new(), BTreeSet::new());
    for partition in 0..PARTITIONS as u32 {
        let producers = producers(&troubled.cluster, 1, TO, partition);
        assert!(producers.is_sorted_by_key(|(_, epoch)| epoch), "partition {partition}: {producers:?}");
        ids.extend(producers.iter().map(|(id, _)| *id));
        epochs.extend(producers.iter().map(|(_, epoch)| *epoch));
    }
    println!("producer ids {ids:?}, {} epochs up to {:?}", epochs.len(), epochs.last());
    assert_eq!(ids.len(), 1, "producer ids in the log: {ids:?}");
    assert!(epochs.len() >= lives, "each life has an epoch of its own: {epochs:?}");
}

/// The size of a run.
struct Form {
    faults: &'static [Fault],
    calm: Duration,
    transactions: u64,
    deaths: u64,
    pace: Duration,
}

const SHORT: Form = Form {
    faults: &[Fault::Killed],
    calm: Duration::from_secs(60),
    transactions: 100,
    deaths: 3,
    pace: Duration::from_millis(150),
};

const LONG: Form = Form {
    faults: &Fault::ALL,
    calm: Duration::from_secs(6),
    transactions: 2_000,
    deaths: 20,
    pace: Duration::from_millis(50),
};

fn each_transaction_is_seen_whole_or_not_at_all(version: &str, form: &Form) {
    let begin = Instant::now();
    let troubled = Troubled::start(version);
    [FROM, TO].iter().for_each(|topic| troubled.create_topic(topic, PARTITIONS as u32));
    troubled.cluster.wait_in_sync();
    fill(&troubled, form.transactions);
    let copying = Copying { troubled: &troubled, form, ledger: Mutex::default() };
    std::thread::scope(|scope| {
        let program = scope.spawn(|| copying.run());
        strike(&copying, form, || !program.is_finished());
    });
    let ledger = copying.ledger();
    let records: u64 = ledger.positions.iter().sum();
    println!("{}; {records} records copied; {:.0?}", ledger.summary(), begin.elapsed());
    for (number, outcome) in &ledger.outcomes {
        if let Outcome::Failed(reason) = outcome {
            println!("transaction {number} failed: {reason}");
        }
        assert!(!is_aborted(*number) || !matches!(outcome, Outcome::Committed | Outcome::DoubtfulCommitted));
    }
    check_copy(&troubled, &ledger);
    check_offsets(&troubled, &ledger);
    check_producers(&troubled, form.deaths as usize + 1);
}

#[test]
fn transactions_are_all_or_nothing_under_faults_on_4_3() {
    each_transaction_is_seen_whole_or_not_at_all(DEFAULT_VERSION, if soak() { &LONG } else { &SHORT });
}

#[test]
#[ignore = "long: scripts/soak runs it"]
fn transactions_are_all_or_nothing_under_faults_on_3_9() {
    each_transaction_is_seen_whole_or_not_at_all("3.9.1", &LONG);
}
