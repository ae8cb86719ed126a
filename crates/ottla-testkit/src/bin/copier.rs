//! Copies a topic in transactions, and may be killed at any time. `transactional.rs` runs it.
//!
//! ```text
//! copier BOOTSTRAP TRANSACTIONAL_ID FROM TO GROUP FIRST END PACE_MS
//! ```
//! Its transactions are numbered from FIRST to END. It prints `ready` once the producer is initialized, and then reads
//! the positions at which to begin: a line with an offset for each partition. For each transaction it announces every
//! step before it takes it, and prints the outcome: `begun N`, `sent N`, `committing N` or `aborting N`, `committed N`,
//! `aborted N` or `failed N REASON`; after each `retried COUNT`; at last `done`. A fatal error ends the program.
//!
//! The contents of FROM are computed ([`plan`]), so no consumer is needed.

use std::io::Write;
use std::time::{Duration, Instant};

use ottla_engine::{Completion, Config, Error, ErrorKind, Header, Level, Producer, Record, Report, Result, Wait};
use ottla_engine::{GroupMetadata, Offset, OffsetCommit};
use ottla_testkit::copy_plan::{Positions, copied, is_aborted, value};

const TRY: Wait = Wait::AtMost(Duration::from_secs(5));
const LONGEST: Duration = Duration::from_secs(180);

struct Copier {
    producer: Producer,
    from: String,
    to: String,
    group: String,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [bootstrap, id, from, to, group, first, end, pace] = &words[..] else { panic!("see the head of copier.rs") };
    let number = |word: &str| word.parse::<u64>().expect("a number");
    let copier = Copier::new(bootstrap, id, [from, to, group].map(String::clone));
    until_done(|| copier.producer.init_transactions(TRY)).expect("initialized");
    say("ready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("positions");
    let mut positions = parse(&line);
    let begin = Instant::now();
    for (turn, transaction) in (0..).zip(number(first)..number(end)) {
        let due = begin + Duration::from_millis(number(pace)) * turn;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        copier.transact(transaction, &mut positions);
        say(&format!("retried {}", copier.producer.counters().batches_retried));
    }
    say("done");
}

impl Copier {
    fn new(bootstrap: &str, id: &str, [from, to, group]: [String; 3]) -> Copier {
        let mut config = Config::new();
        let settings = [("bootstrap.servers", bootstrap), ("transactional.id", id), ("linger.ms", "2")];
        for (name, value) in settings.into_iter().chain([("request.timeout.ms", "3000")]) {
            config.set(name, value).expect("a setting");
        }
        let log = Box::new(|level: Level, line: &str| eprintln!("copier: {level:?} {line}"));
        let producer = Producer::new(&config, Box::new(|_: Report| {}), log, Level::Info).expect("a producer");
        Copier { producer, from, to, group }
    }

    /// A transaction that failed is aborted. The next one copies its records.
    fn transact(&self, number: u64, positions: &mut Positions) {
        self.producer.begin_transaction().expect("begun");
        say(&format!("begun {number}"));
        let (mut next, mut error) = (*positions, None);
        match self.copy(number, &mut next) {
            Ok(()) if !is_aborted(number) => {
                say(&format!("committing {number}"));
                match until_done(|| self.producer.commit_transaction(TRY)) {
                    Ok(()) => {
                        *positions = next;
                        return say(&format!("committed {number}"));
                    }
                    Err(failed) => error = Some(failed),
                }
            }
            Ok(()) => say(&format!("aborting {number}")),
            Err(failed) => error = Some(failed),
        }
        self.abort(number, error);
    }

    fn copy(&self, number: u64, next: &mut Positions) -> Result<()> {
        let topic = self.producer.topic(&self.to)?;
        let name = number.to_string();
        let headers = [Header { name: b"transaction", value: Some(name.as_bytes()) }];
        for (partition, position) in copied(number, next) {
            let value = value(partition, position);
            let record = Record {
                partition: Some(partition as i32),
                value: Some(&value),
                headers: &headers,
                ..Record::default()
            };
            self.producer.send(&topic, &record, Completion::Tag(number), Wait::Forever)?;
        }
        say(&format!("sent {number}"));
        until_done(|| self.producer.send_offsets_to_transaction(self.offsets(number, next), TRY))
    }

    /// The consumer's new positions, with the transaction's number as metadata. The consumer has its partitions to
    /// itself, so there is no group membership.
    fn offsets(&self, number: u64, positions: &Positions) -> OffsetCommit {
        let offset = |(partition, &offset)| Offset {
            topic: self.from.clone(),
            partition,
            offset: offset as i64,
            leader_epoch: None,
            metadata: Some(number.to_string()),
        };
        let group = GroupMetadata { group_id: self.group.clone(), ..GroupMetadata::default() };
        OffsetCommit { group, offsets: (0..).zip(positions).map(offset).collect() }
    }

    fn abort(&self, number: u64, error: Option<Error>) {
        if let Some(error) = &error {
            assert!(!error.is_fatal(), "transaction {number}: {error}");
        }
        until_done(|| self.producer.abort_transaction(TRY)).expect("aborted");
        match error {
            Some(error) => say(&format!("failed {number} {error}")),
            None => say(&format!("aborted {number}")),
        }
    }
}

fn parse(line: &str) -> Positions {
    let positions: Vec<u64> = line.split_whitespace().map(|word| word.parse().expect("a position")).collect();
    positions.try_into().expect("one for each partition")
}

/// Repeats a call that timed out until it is done. Gives up at some time, so that the test ends.
fn until_done(call: impl Fn() -> Result<()>) -> Result<()> {
    let begin = Instant::now();
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::TimedOut && begin.elapsed() < LONGEST => {
                eprintln!("copier: {error}")
            }
            result => return result,
        }
    }
}

/// Prints a line, which is flushed before the next step.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("somebody listens");
}
