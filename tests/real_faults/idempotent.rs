//! Each record is in the log once and in order, whatever happens to the brokers within its deadline.

use std::thread::sleep;
use std::time::{Duration, Instant};

use ottla_testkit::kafka::{DEFAULT_VERSION, Reader};

use crate::flow::{Flow, key, value};
use crate::harness::{Sender, compare, expected, soak};
use crate::troubled::{DELIVERY_TIMEOUT, Fault, REQUEST_TIMEOUT, Troubled};

const TOPIC: &str = "flowing";
const PARTITIONS: u32 = 12;
const THREADS: u8 = 4;

/// Strikes while records flow. Each fault must lead to retried batches.
fn strike_and_watch(troubled: &Troubled, sender: &Sender, fault: Fault, victim: u32) {
    let (before, begin) = (sender.counters(), Instant::now());
    troubled.strike(fault, victim, &[TOPIC]);
    let lasted = begin.elapsed();
    let retried = || sender.counters().batches_retried - before.batches_retried;
    while retried() == 0 && begin.elapsed() < lasted + Duration::from_secs(30) {
        sleep(Duration::from_millis(50));
    }
    let (after, retried) = (sender.counters(), retried());
    println!(
        "broker {victim} {fault:?}: over after {lasted:.1?}; {retried} batches were sent again, {} requests timed out, {} epochs bumped",
        after.requests_timed_out - before.requests_timed_out,
        after.epochs_bumped - before.epochs_bumped,
    );
    assert!(retried > 0, "broker {victim} {fault:?}, and nobody noticed: {after:?}\n{}", sender.log());
}

/// Sends at least `count` records, and as many as are needed for each of the `faults` to happen once.
fn each_record_is_there_once(version: &str, faults: &[Fault], count: u64, rate: u64) {
    let begin = Instant::now();
    let troubled = Troubled::start(version);
    troubled.create_topic(TOPIC, PARTITIONS);
    troubled.cluster.wait_in_sync();
    let limits = [("request.timeout.ms", REQUEST_TIMEOUT), ("delivery.timeout.ms", DELIVERY_TIMEOUT)];
    let sender = Sender::new(troubled.bootstrap(), &limits);
    let flow = Flow::default();
    std::thread::scope(|scope| {
        let _stop = flow.stop_on_drop();
        for thread in 0..THREADS {
            let (flow, sender) = (&flow, &sender);
            scope.spawn(move || flow.run(thread, sender, TOPIC, rate / u64::from(THREADS)));
        }
        sleep(Duration::from_secs(1));
        let mut strikes = 0;
        while strikes < faults.len() || flow.sent() < count {
            let (round, at) = (strikes / faults.len(), strikes % faults.len());
            strike_and_watch(&troubled, &sender, faults[at], (round + at) as u32 % 3 + 1);
            strikes += 1;
            sleep(Duration::from_secs(1));
        }
        println!("{strikes} faults, {} records in {:.0?}", flow.sent(), begin.elapsed());
    });
    sender.flush();
    println!("{:?}", sender.counters());
    let sent = flow.sent();
    let reported = sender.all_delivered(sent);
    let most = reported.iter().map(|reported| reported.attempts).max();
    println!("{sent} records are written, with {most:?} attempts at most");
    let threads = flow.into_threads();
    let expected = expected(
        &reported,
        PARTITIONS,
        |tag| u64::from(threads[tag as usize]),
        |reported, checksum| checksum.add(reported.timestamp, Some(&key(reported.tag)), Some(&value(reported.tag)), []),
    );
    compare(&troubled.cluster, TOPIC, &[Reader::Java(DEFAULT_VERSION), Reader::Librdkafka], &expected);
}

#[test]
fn nothing_is_lost_or_duplicated_under_faults_on_4_3() {
    match soak() {
        true => each_record_is_there_once(DEFAULT_VERSION, &Fault::ALL, 2_000_000, 5_000),
        false => {
            let faults = [Fault::Killed, Fault::Stopped, Fault::Cut, Fault::Elected];
            each_record_is_there_once(DEFAULT_VERSION, &faults, 20_000, 2_000);
        }
    }
}

#[test]
#[ignore = "long: scripts/soak runs it"]
fn nothing_is_lost_or_duplicated_under_faults_on_3_9() {
    each_record_is_there_once("3.9.1", &Fault::ALL, 2_000_000, 5_000);
}
