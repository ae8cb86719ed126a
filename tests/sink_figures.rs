//! What a producer costs: memory, system calls, allocations and instructions, measured in a separate process
//! (`crates/ottla-testkit/src/bin/figures-child.rs`, a release build) that sends to a sink in this one.
//!
//! Needs strace and valgrind, which `scripts/setup` installs.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use ottla_testkit::program;
use ottla_testkit::sink::{Sink, SinkOptions};

/// Runs these tests one at a time, because they would slow each other down.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The child, always a release build: the cost of a debug build does not matter.
fn child() -> &'static Path {
    static CHILD: OnceLock<PathBuf> = OnceLock::new();
    CHILD.get_or_init(|| program::build("figures-child", true))
}

fn sink(topic: &str, partitions: u32) -> (Sink, String) {
    let sink = Sink::start(SinkOptions { topics: vec![(topic.into(), partitions)], ..SinkOptions::default() });
    let bootstrap = sink.addr().to_string();
    (sink, bootstrap)
}

type Figures = BTreeMap<String, f64>;

fn figures(text: &str) -> Figures {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.parse().expect("a number"))).collect()
}

/// Runs a child to its end. Calls `when_warm` with its process id before the measured part.
fn run(command: &mut Command, when_warm: impl FnOnce(u32)) -> Figures {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {command:?}: {error} (scripts/setup installs what is needed)"));
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut text = String::new();
    output.read_line(&mut text).expect("a line");
    if text == "warm\n" {
        when_warm(child.id());
        // If the child has failed, its exit status shows that.
        let _ = child.stdin.take().expect("a pipe").write_all(b"\n");
    }
    output.read_to_string(&mut text).expect("text");
    let status = child.wait().expect("a status");
    assert!(status.success(), "{command:?}: {status}\n{text}");
    figures(&text)
}

#[test]
fn ten_thousand_partitions_take_at_most_64_megabytes() {
    let _alone = alone();
    let (sink, bootstrap) = sink("wide", 10_000);
    let figures = run(Command::new(child()).args(["memory", &bootstrap, "10000"]), |_| {});
    let (idle, above) = (figures["idle_kb"], figures["peak_kb"] - figures["idle_kb"]);
    println!("10,000 partitions: idle {idle} kB, peak {above} kB above that; {:?}", sink.counters());
    assert_eq!((figures["delivered"], sink.counters().records), (10_000.0, 10_000));
    assert!(idle < 10.0 * 1024.0, "the idle process holds {idle} kB");
    assert!(above <= 64.0 * 1024.0, "10,000 partitions took {above} kB");
}

const RECORDS: u32 = 1_000_000;

#[test]
fn a_steady_producer_makes_few_system_calls_and_allocations() {
    let _alone = alone();
    // A busy machine only adds to the costs: a delayed sender sends many small requests instead of a few large ones.
    let (calls, allocations) = steady_costs();
    let (again_calls, again_allocations) = if allocations < 0.002 { (calls, allocations) } else { steady_costs() };
    let (calls, allocations) = (calls.min(again_calls), allocations.min(again_allocations));
    assert!(calls < 0.02, "{calls} system calls a record");
    assert!(allocations < 0.002, "{allocations} allocations a record");
}

/// System calls and allocations per record, of a million records.
fn steady_costs() -> (f64, f64) {
    // During the warm-up the sink pauses once, so that all of buffer.memory has been used. The measurement then
    // contains no growth, however much strace slows down the sender.
    let pause = Some((200_000, Duration::from_secs(1)));
    let sink = Sink::start(SinkOptions { topics: vec![("steady".into(), 6)], pause, ..SinkOptions::default() });
    let mut steady = Command::new(child());
    steady.args(["steady", &sink.addr().to_string(), "1500000", &RECORDS.to_string()]);
    let summary = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("strace.txt");
    let mut tracer = None;
    let figures = run(&mut steady, |child| {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-c", "-q", "-o"]).arg(&summary).args(["-p", &child.to_string()]);
        tracer = Some(strace.stderr(Stdio::null()).spawn().unwrap_or_else(|error| {
            panic!("cannot run {strace:?}: {error}; install it: apt-get install strace (scripts/setup does)")
        }));
        // Time for strace to attach to every thread.
        std::thread::sleep(Duration::from_millis(500));
    });
    let status = tracer.expect("it was started").wait().expect("a status");
    assert!(status.success(), "strace: {status}; it needs the right to trace a process of the same user");
    let table = std::fs::read_to_string(&summary).expect("strace's summary");
    let total = table.lines().find(|line| line.ends_with(" total")).expect("a line with the total");
    // Columns: % time, seconds, usecs/call, calls, errors (missing if there are none)
    let calls: f64 = total.split_whitespace().nth(3).and_then(|calls| calls.parse().ok()).expect("a number of calls");
    let (calls, allocations) = (calls / f64::from(RECORDS), figures["allocations"] / f64::from(RECORDS));
    println!("{calls:.5} system calls and {allocations:.5} allocations a record; {figures:?}\n{table}");
    assert_eq!(sink.counters().records, 2_500_000);
    (calls, allocations)
}

/// The measured figure is 390.
const INSTRUCTIONS: f64 = 500.0;

/// User instructions per record: the difference between two runs, so without the constant costs of a producer.
fn instructions_a_record(bootstrap: &str, properties: &[&str]) -> f64 {
    let count = |records: u32| -> f64 {
        let counted = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("callgrind.{records}"));
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--tool=callgrind", "--quiet", &format!("--callgrind-out-file={}", counted.display())]);
        valgrind.arg(child()).args(["steady", bootstrap, "50000", &records.to_string()]).args(properties);
        run(&mut valgrind, |_| {});
        let text = std::fs::read_to_string(&counted).expect("callgrind's counts");
        let total = text.lines().find_map(|line| line.strip_prefix("summary: ").or(line.strip_prefix("totals: ")));
        total.and_then(|total| total.trim().parse().ok()).expect("a total")
    };
    let (few, many) = (count(200_000), count(700_000));
    (many - few) / 500_000.0
}

#[test]
fn a_record_costs_a_bounded_number_of_instructions() {
    let _alone = alone();
    let (_sink, bootstrap) = sink("steady", 6);
    let each = instructions_a_record(&bootstrap, &[]);
    println!("{each:.0} user instructions a record (100 bytes, 6 partitions, linger 5 ms)");
    assert!(each < INSTRUCTIONS, "{each} user instructions a record");
}

/// The way in which the sender happens to cut batches costs more than idempotence. So the smallest of several counts is
/// compared.
#[test]
fn idempotence_costs_at_most_two_percent_more_instructions() {
    let _alone = alone();
    let (_sink, bootstrap) = sink("steady", 6);
    let (mut with, mut without) = (f64::INFINITY, f64::INFINITY);
    for round in 0..5 {
        with = with.min(instructions_a_record(&bootstrap, &["enable.idempotence=true"]));
        without = without.min(instructions_a_record(&bootstrap, &["enable.idempotence=false"]));
        println!("round {round}: {with:.1} user instructions a record with idempotence, {without:.1} without");
        if round > 0 && with <= without * 1.02 {
            return;
        }
    }
    panic!("{with:.1} user instructions a record with idempotence, {without:.1} without");
}
