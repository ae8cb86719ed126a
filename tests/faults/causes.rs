//! Whatever goes wrong, each call that times out and each record that is given up says why: what was tried, with which
//! broker, and what came back. Each situation is combined with every call that it affects.

use std::time::{Duration, Instant};

use ottla_core::accumulator::{GroupMetadata, Offset, OffsetCommit};
use ottla_engine::{Completion, Error, ErrorKind, Level, Producer, Record, Wait};
use ottla_mock::server::ModelServer;
use ottla_mock::{Api, Fault, On, RequestInfo, codes};

use crate::flow::{Flow, GRACE, QUICK, assert_contains, break_with, model};
use crate::harness::{Sender, config};

/// What goes wrong with requests, and what each message must contain.
struct Situation {
    name: &'static str,
    fault: fn(&RequestInfo) -> Fault,
    says: &'static [&'static str],
}

const fn on(name: &'static str, fault: fn(&RequestInfo) -> Fault, says: &'static [&'static str]) -> Situation {
    Situation { name, fault, says }
}

fn mute() -> Fault {
    Fault::NeverAnswer { handled: false }
}

/// Situations in which nothing works at all.
const ALWAYS: [Situation; 5] = [
    on("no answer to the greeting", |_| mute(), &["ApiVersions", "security.protocol"]),
    on("closed at the first bytes", |_| Fault::DropBefore, &["the connection was lost", "TLS"]),
    on(
        "closed at the next request",
        |request| if request.api == Api::ApiVersions { Fault::None } else { Fault::DropBefore },
        &["the connection was lost", "SASL", "security.protocol"],
    ),
    on("not Kafka", |_| Fault::Garbage(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()), &["a web server"]),
    on("throttled", |_| Fault::Throttle(60_000), &["asked to hold requests back for 60000 ms"]),
];

/// In every situation, the message names the address.
fn has_cause(situation: &str, call: &str, at: &str, says: &[&str], error: &Error) {
    println!("{situation}, {call}: {error}");
    assert_contains(error.message(), &[says, &[at]].concat());
}

const SHORT: Wait = Wait::AtMost(Duration::from_millis(1_500));

/// The error of each call with a timeout, and of a record that is given up.
fn calls_without_transactions(at: &str) -> Vec<(&'static str, Error)> {
    let calls = Sender::new(at, &[&QUICK[..], &[("delivery.timeout.ms", "3500")]].concat());
    let (producer, topic) = (&calls.producer, calls.topic("orders"));
    let record = Record { value: Some(b"v"), ..Record::default() };
    let mut errors = std::thread::scope(|scope| {
        let calls = [
            scope.spawn(|| ("check", producer.check(SHORT).expect_err("no answer"))),
            scope.spawn(|| ("check_topic", producer.check_topic(&topic, SHORT).expect_err("no answer"))),
            scope.spawn(|| ("partitions", producer.partitions(&topic, SHORT).map(drop).expect_err("no answer"))),
            scope.spawn(|| {
                let waited = producer.send_and_wait(&topic, &record, SHORT);
                ("send_and_wait", waited.map(drop).expect_err("not decided"))
            }),
            scope.spawn(|| {
                let handle = producer.send_handle(&topic, &record, SHORT).expect("accepted");
                ("a handle's wait", handle.wait(SHORT).map(drop).expect_err("not decided"))
            }),
        ];
        calls.map(|call| call.join().expect("no panic")).to_vec()
    });
    let mut flow = Flow::new(at, "orders", &[]);
    let tags = flow.send(1);
    let reported = flow.reported(tags);
    errors.push(("a record", reported[0].error.clone().expect("given up")));
    errors
}

fn init(at: &str) -> Error {
    let properties = [&QUICK[..], &[("transactional.id", "copier")]].concat();
    let sender = Sender::new(at, &properties);
    sender.producer.init_transactions(SHORT).expect_err("nobody coordinates")
}

#[test]
fn every_call_says_why_nothing_works() {
    std::thread::scope(|scope| {
        for situation in &ALWAYS {
            scope.spawn(|| {
                let server = model();
                break_with(&server, situation.fault);
                let at = server.bootstrap();
                let calls = calls_without_transactions(&at).into_iter().chain([("init_transactions", init(&at))]);
                calls.for_each(|(call, error)| has_cause(situation.name, call, &at, situation.says, &error));
            });
        }
        scope.spawn(|| {
            let server = model();
            let at = server.bootstrap();
            server.close_port(1);
            let calls = calls_without_transactions(&at).into_iter().chain([("init_transactions", init(&at))]);
            calls.for_each(|(call, error)| has_cause("no broker there", call, &at, &["refused"], &error));
        });
        scope.spawn(|| {
            let at = "no-such-host.invalid:9092";
            let calls = calls_without_transactions(at).into_iter().chain([("init_transactions", init(at))]);
            calls.for_each(|(call, error)| has_cause("no such name", call, at, &["resolving"], &error));
        });
    });
}

/// What goes wrong with one kind of request, and the transactional calls that it affects.
struct Refusal {
    api: Api,
    fault: fn() -> Fault,
    says: &'static [&'static str],
    calls: &'static [Call],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Init,
    SendOffsets,
    Commit,
    Abort,
}

const REFUSALS: [Refusal; 11] = [
    Refusal {
        api: Api::FindCoordinator,
        fault: || Fault::Error(codes::COORDINATOR_NOT_AVAILABLE, On::All),
        says: &[
            "answered FindCoordinator of copier with COORDINATOR_NOT_AVAILABLE",
            "transaction.state.log.replication.factor",
        ],
        calls: &[Call::Init],
    },
    Refusal {
        api: Api::FindCoordinator,
        fault: mute,
        says: &["has not answered FindCoordinator"],
        calls: &[Call::Init],
    },
    Refusal { api: Api::InitProducerId, fault: mute, says: &["InitProducerId"], calls: &[Call::Init] },
    Refusal {
        api: Api::InitProducerId,
        fault: || Fault::Error(codes::CONCURRENT_TRANSACTIONS, On::All),
        says: &["answered InitProducerId", "CONCURRENT_TRANSACTIONS"],
        calls: &[Call::Init],
    },
    Refusal {
        api: Api::InitProducerId,
        fault: || Fault::Error(codes::NOT_COORDINATOR, On::All),
        says: &["answered InitProducerId", "NOT_COORDINATOR"],
        calls: &[Call::Init],
    },
    Refusal { api: Api::TxnOffsetCommit, fault: mute, says: &["TxnOffsetCommit"], calls: &[Call::SendOffsets] },
    Refusal {
        api: Api::TxnOffsetCommit,
        fault: || Fault::Error(codes::COORDINATOR_LOAD_IN_PROGRESS, On::All),
        says: &["answered TxnOffsetCommit", "COORDINATOR_LOAD_IN_PROGRESS"],
        calls: &[Call::SendOffsets],
    },
    Refusal { api: Api::Produce, fault: mute, says: &["orders-", "Produce"], calls: &[Call::Commit] },
    Refusal {
        api: Api::Produce,
        fault: || Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All),
        says: &["orders-", "answered NOT_ENOUGH_REPLICAS"],
        calls: &[Call::Commit],
    },
    Refusal { api: Api::EndTxn, fault: mute, says: &["EndTxn"], calls: &[Call::Commit, Call::Abort] },
    Refusal {
        api: Api::EndTxn,
        fault: || Fault::DropBefore,
        says: &["the connection was lost"],
        calls: &[Call::Commit, Call::Abort],
    },
];

fn offsets() -> OffsetCommit {
    let offset = Offset { topic: "orders".into(), partition: 0, offset: 1, leader_epoch: None, metadata: None };
    OffsetCommit {
        group: GroupMetadata { group_id: "group".into(), ..GroupMetadata::default() },
        offsets: vec![offset],
    }
}

/// The error of a transactional call in this situation.
fn refused(server: &ModelServer, refusal: &'static Refusal, call: Call) -> Error {
    let properties = [&QUICK[..], &[("transactional.id", "copier"), ("delivery.timeout.ms", "20000")]].concat();
    let sender = Sender::new(&server.bootstrap(), &properties);
    let producer = &sender.producer;
    if call != Call::Init {
        producer.init_transactions(Wait::AtMost(GRACE)).expect("initialized");
        producer.begin_transaction().expect("begun");
    }
    break_with(server, |request| if request.api == refusal.api { (refusal.fault)() } else { Fault::None });
    if matches!(call, Call::Commit | Call::Abort) {
        sender.send(&sender.topic("orders"), &Record::default(), 0);
        std::thread::sleep(Duration::from_millis(300));
    }
    let ended = match call {
        Call::Init => producer.init_transactions(SHORT),
        Call::SendOffsets => producer.send_offsets_to_transaction(offsets(), SHORT),
        Call::Commit => producer.commit_transaction(SHORT),
        Call::Abort => producer.abort_transaction(SHORT),
    };
    ended.expect_err("it does not get through")
}

#[test]
fn every_transactional_call_says_what_it_waits_for() {
    std::thread::scope(|scope| {
        for refusal in &REFUSALS {
            for &call in refusal.calls {
                scope.spawn(move || {
                    let server = model();
                    let error = refused(&server, refusal, call);
                    assert_eq!(error.kind(), ErrorKind::TimedOut, "{call:?}, {:?}: {error}", refusal.api);
                    let at = server.bootstrap();
                    has_cause(&format!("{:?}", refusal.api), &format!("{call:?}"), &at, refusal.says, &error);
                });
            }
        }
    });
}

/// A call that does not wait still starts its request, and says what it found.
#[test]
fn a_call_that_does_not_wait_says_why_it_failed() {
    let server = model();
    break_with(&server, |request| match request.api {
        Api::FindCoordinator => Fault::Error(codes::COORDINATOR_NOT_AVAILABLE, On::All),
        _ => Fault::None,
    });
    let properties = [&QUICK[..], &[("transactional.id", "copier")]].concat();
    let sender = Sender::new(&server.bootstrap(), &properties);
    sender.producer.init_transactions(Wait::Never).expect_err("begun");
    std::thread::sleep(Duration::from_millis(500));
    let begin = Instant::now();
    let error = sender.producer.init_transactions(Wait::Never).expect_err("not done");
    assert!(begin.elapsed() < Duration::from_millis(100), "it does not wait");
    has_cause("COORDINATOR_NOT_AVAILABLE", "polled", &server.bootstrap(), &["COORDINATOR_NOT_AVAILABLE"], &error);
}

/// For a call without a timeout, the log has the reason.
#[test]
fn a_call_without_a_timeout_logs_the_reason() {
    let server = model();
    break_with(&server, |request| match request.api {
        Api::FindCoordinator => Fault::Error(codes::COORDINATOR_NOT_AVAILABLE, On::All),
        _ => Fault::None,
    });
    let properties = [&QUICK[..], &[("transactional.id", "copier")]].concat();
    let (sender, lines) = std::sync::mpsc::channel();
    let log = Box::new(move |level: Level, line: &str| {
        if level == Level::Warning {
            drop(sender.send(line.to_owned()));
        }
    });
    let sink = |report: ottla_engine::Report| drop(report);
    let config = config(&server.bootstrap(), &properties);
    let producer = Producer::new(&config, Box::new(sink), log, Level::Warning).expect("a producer");
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| producer.init_transactions(Wait::Forever));
        let line = lines.recv_timeout(Duration::from_secs(10) + GRACE).expect("a warning");
        assert_contains(
            &line,
            &["init_transactions has been waiting for 10 s", &server.bootstrap(), "COORDINATOR_NOT_AVAILABLE"],
        );
        crate::flow::mend(&server);
        waits.join().expect("no panic").expect("initialized");
    });
    assert_eq!(lines.try_iter().count(), 0, "logged once so far");
}

/// While a callback does not return, a call is not even started, and says so.
#[test]
fn a_call_delayed_by_a_slow_callback_says_so() {
    let server = model();
    let (inside, entered) = std::sync::mpsc::channel();
    let sink = move |report: ottla_engine::Report| {
        drop(report);
        let _ = inside.send(());
        std::thread::sleep(Duration::from_secs(3));
    };
    let properties = [&QUICK[..], &[("transactional.id", "copier")]].concat();
    let config = config(&server.bootstrap(), &properties);
    let producer = Producer::new(&config, Box::new(sink), Box::new(|_, _| ()), Level::Error).expect("a producer");
    producer.init_transactions(Wait::AtMost(GRACE)).expect("initialized");
    producer.begin_transaction().expect("begun");
    let topic = producer.topic("orders").expect("a topic");
    producer.send(&topic, &Record::default(), Completion::Tag(1), Wait::Forever).expect("accepted");
    entered.recv_timeout(GRACE).expect("its callback");
    let error = producer.commit_transaction(Wait::AtMost(Duration::from_millis(300))).expect_err("not in time");
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_contains(error.message(), &["commit_transaction", "is a callback slow?"]);
}

/// Records that cannot be sent hold the memory.
#[test]
fn a_send_that_got_no_room_says_what_the_held_records_wait_for() {
    let server = model();
    break_with(&server, |request| if request.api == Api::Produce { mute() } else { Fault::None });
    let properties = [("buffer.memory", "100000"), ("delivery.timeout.ms", "60000"), ("request.timeout.ms", "30000")];
    let mut flow = Flow::new(&server.bootstrap(), "orders", &properties);
    let record = Record { value: Some(&[0; 5000]), ..Record::default() };
    while flow.try_send(&record, Wait::Never).is_ok() {}
    std::thread::sleep(Duration::from_millis(200));
    while flow.try_send(&record, Wait::Never).is_ok() {}
    let error = flow.try_send(&record, SHORT).expect_err("no room");
    assert_eq!(error.kind(), ErrorKind::BufferFull);
    assert_contains(
        error.message(),
        &["buffer.memory=100000", "records ", &server.bootstrap(), "has not answered Produce"],
    );
}

/// Texts too long for any request are refused by the call that takes them.
#[test]
fn texts_that_are_too_long_for_a_request_are_refused() {
    let server = model();
    let properties = [&QUICK[..], &[("transactional.id", "copier")]].concat();
    let sender = Sender::new(&server.bootstrap(), &properties);
    sender.producer.init_transactions(Wait::AtMost(GRACE)).expect("initialized");
    sender.producer.begin_transaction().expect("begun");
    let long = "x".repeat(32_768);
    let too_long = |change: &dyn Fn(&mut OffsetCommit, String), what: &str| {
        let mut commit = offsets();
        change(&mut commit, long.clone());
        let error = sender.producer.send_offsets_to_transaction(commit, Wait::AtMost(GRACE)).expect_err("too long");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert_contains(error.message(), &[what, "32768 bytes", "32767"]);
    };
    too_long(&|commit, text| commit.group.group_id = text, "the group's id");
    too_long(&|commit, text| commit.group.member_id = text, "the member's id");
    too_long(&|commit, text| commit.group.group_instance_id = Some(text), "group.instance.id");
    too_long(&|commit, text| commit.offsets[0].topic = text, "an offset's topic");
    too_long(&|commit, text| commit.offsets[0].metadata = Some(text), "an offset's metadata");
    sender.producer.send_offsets_to_transaction(offsets(), Wait::AtMost(GRACE)).expect("nothing was harmed");
    sender.producer.commit_transaction(Wait::AtMost(GRACE)).expect("committed");
}
