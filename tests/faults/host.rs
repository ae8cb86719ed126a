//! What the application and its process do to a producer. tests/c has those in C (life_*.c).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ottla_engine::{Completion, Error, ErrorKind, Fate, Level, Producer, Record, Report, TopicHandle, Wait};
use ottla_mock::server::ModelServer;
use ottla_mock::{Api, Cluster, Fault};

use crate::flow::{Flow, GRACE, QUICK, assert_contains, break_with, model};
use crate::harness::config;

/// What was reported about each record, in order.
type Ledger = Arc<Mutex<BTreeMap<u64, Vec<(Fate, Option<Error>, u32)>>>>;

/// A producer whose sink notes each report and then calls `inside`.
fn producer(
    at: &str,
    properties: &[(&str, &str)],
    mut inside: impl FnMut(&Report) + Send + 'static,
) -> (Producer, Ledger) {
    let ledger = Ledger::default();
    let reported = ledger.clone();
    let sink = move |report: Report| {
        // Tag 0 is that of a record for which a call waits.
        for delivery in report.deliveries().filter(|delivery| delivery.tag != 0) {
            let mut reported = reported.lock().expect("lock");
            reported.entry(delivery.tag).or_default().push((delivery.fate, delivery.error.cloned(), delivery.attempts));
        }
        inside(&report);
    };
    let config = config(at, &[&QUICK[..], properties].concat());
    let log = Box::new(|_: Level, line: &str| println!("{line}"));
    (Producer::new(&config, Box::new(sink), log, Level::Info).expect("a producer"), ledger)
}

fn send(producer: &Producer, topic: &TopicHandle, tag: u64, partition: i32) -> ottla_engine::Result<()> {
    let record = Record { partition: Some(partition), value: Some(b"value"), ..Record::default() };
    producer.send(topic, &record, Completion::Tag(tag), Wait::Configured)
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < 2 * GRACE, "{what} does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A callback that takes longer than every timeout. Responses that arrive meanwhile are not late.
#[test]
fn a_slow_callback() {
    let server = model();
    // Handled at once. The response comes when the next request is on its way, too.
    break_with(&server, |request| if request.api == Api::Produce { Fault::Delay(300) } else { Fault::None });
    let asleep = Arc::new(AtomicBool::new(false));
    let sleeping = asleep.clone();
    let (producer, ledger) = producer(&server.bootstrap(), &[], move |report| {
        if report.deliveries().any(|delivery| delivery.tag == 2) {
            sleeping.store(true, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(2_500));
        }
    });
    let topic = producer.topic("orders").expect("a topic");
    let flush = || producer.flush(Wait::AtMost(2 * GRACE)).expect("flushed");
    send(&producer, &topic, 1, 0).expect("accepted");
    flush();
    // Two requests in a row. The response to the second arrives while the callback of the first sleeps.
    send(&producer, &topic, 2, 1).expect("accepted");
    let requests = || server.with(|cluster| cluster.requests_of(Api::Produce).len());
    wait_until("the first request", || requests() >= 2);
    send(&producer, &topic, 3, 2).expect("accepted");
    wait_until("the callback", || asleep.load(Ordering::SeqCst));
    flush();
    for tag in 4..=20 {
        send(&producer, &topic, tag, 0).expect("accepted");
    }
    flush();
    producer.close(Wait::AtMost(GRACE)).expect("closed");
    let reported = ledger.lock().expect("lock");
    assert_eq!(reported.len(), 20);
    for (tag, reported) in &*reported {
        let [(Fate::Written, None, 1)] = reported[..] else { panic!("record {tag}: {reported:?}") };
    }
    assert_eq!(producer.counters().requests_timed_out, 0);
}

/// A panic on the sender thread while records are everywhere: in a request, queued behind it, for an unknown topic, and
/// waited for; and while threads wait for room and for a flush.
#[test]
fn a_panic_in_the_engine() {
    const FIRST: u64 = 30;
    const TRIGGER: u64 = 31;
    const LONG: Wait = Wait::AtMost(Duration::from_secs(40));
    let mut cluster = Cluster::new(2);
    cluster.create_topic("orders", 2);
    let [answering, held] = [0, 1].map(|partition| (partition, cluster.leader("orders", partition).expect("a leader")));
    assert_ne!(answering.1, held.1);
    let server = ModelServer::start(cluster, 2);
    let properties = [
        ("delivery.timeout.ms", "60000"),
        ("request.timeout.ms", "50000"),
        ("max.block.ms", "60000"),
        ("buffer.memory", "200000"),
    ];
    let (producer, ledger) = producer(&server.bootstrap(), &properties, move |report| {
        let trigger = report.deliveries().any(|delivery| delivery.tag == TRIGGER);
        assert!(!trigger, "a defect, on purpose");
    });
    let [topic, unknown] = ["orders", "nowhere"].map(|name| producer.topic(name).expect("a topic"));
    send(&producer, &topic, FIRST, answering.0).expect("accepted");
    producer.flush(Wait::AtMost(GRACE)).expect("flushed");
    break_with(&server, move |request| match request.api {
        Api::Produce if request.broker == held.1 => Fault::NeverAnswer { handled: false },
        Api::Produce => Fault::Delay(2_000),
        _ => Fault::None,
    });
    for tag in 1..10 {
        send(&producer, &topic, tag, held.0).expect("accepted");
    }
    wait_until("the request", || server.with(|cluster| cluster.requests_of(Api::Produce).len()) >= 2);
    for tag in 10..20 {
        send(&producer, &topic, tag, held.0).expect("accepted");
        send(&producer, &unknown, tag + 10, 0).expect("accepted");
    }
    send(&producer, &topic, TRIGGER, answering.0).expect("accepted");
    let fill = vec![0; 20_000];
    let large = Record { partition: Some(held.0), value: Some(&fill), ..Record::default() };
    let small = Record { partition: Some(held.0), ..Record::default() };
    let mut accepted = TRIGGER + 1;
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| {
            let reported = producer.send_and_wait(&topic, &small, LONG).expect("accepted");
            reported.error.expect("it was not written")
        });
        let flushes = scope.spawn(|| producer.flush(LONG).expect_err("it never ends well"));
        std::thread::sleep(Duration::from_millis(200));
        while producer.send(&topic, &large, Completion::Tag(accepted), Wait::Never).is_ok() {
            accepted += 1;
        }
        let wants_room = scope.spawn(|| {
            producer.send(&topic, &large, Completion::Tag(u64::MAX), LONG).expect_err("there was never room")
        });
        let begin = Instant::now();
        for (what, error) in [
            ("send_and_wait", waits.join().expect("no panic here")),
            ("flush", flushes.join().expect("no panic here")),
            ("send", wants_room.join().expect("no panic here")),
        ] {
            assert_eq!(error.kind(), ErrorKind::Internal, "{what}: {error}");
            assert!(error.is_fatal());
        }
        assert!(begin.elapsed() < GRACE, "who waits is woken");
    });
    for error in [
        send(&producer, &topic, u64::MAX, 0).expect_err("no sender"),
        producer.flush(Wait::AtMost(GRACE)).expect_err("no sender"),
        producer.close(Wait::AtMost(GRACE)).expect_err("no sender"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert_contains(error.message(), &["sender thread", "defect"]);
    }
    let reported = ledger.lock().expect("lock");
    assert_eq!(reported.len() as u64 + 1, accepted, "{:?}", reported.keys());
    for (tag, reported) in &*reported {
        let [(fate, error, attempts)] = &reported[..] else { panic!("record {tag}: {reported:?}") };
        let expected = match (*tag, attempts) {
            (FIRST | TRIGGER, _) => (Fate::Written, None),
            (_, 0) => (Fate::NotWritten, Some(ErrorKind::Internal)),
            _ => (Fate::Unknown, Some(ErrorKind::Internal)),
        };
        assert_eq!((*fate, error.as_ref().map(Error::kind)), expected, "record {tag}: {error:?}");
    }
    assert_eq!(reported[&1][0].2, 1, "one was in a request");
    assert_eq!(producer.buffered_bytes(), 0);
    drop(producer);
    // The process is unharmed: another producer works.
    let server = model();
    let mut flow = Flow::new(&server.bootstrap(), "orders", &[]);
    flow.works();
    flow.end();
}
