//! What the call itself refuses, or could not know when it accepted a record.

use std::time::{Duration, Instant};

use ottla_engine::{Completion, Config, ErrorKind, Fate, Record, Wait};
use ottla_mock::{Api, Fault};

use crate::flow::{Flow, GRACE, assert_contains, assert_failed_with, break_with, mend, model};

/// The completion of a record that is not accepted.
const NEVER_TOLD: Completion = Completion::Tag(u64::MAX);

fn value(bytes: &[u8]) -> Record<'_> {
    Record { value: Some(bytes), ..Record::default() }
}

#[test]
fn a_record_larger_than_max_request_size() {
    let server = model();
    let mut flow = Flow::new(&server.bootstrap(), "orders", &[("max.request.size", "50000")]);
    flow.works();
    let large = vec![0; 50_000];
    let of_headers = [ottla_engine::Header { name: b"h", value: Some(&large) }];
    for record in [
        value(&large),
        Record { key: Some(&large), ..Record::default() },
        Record { headers: &of_headers, ..Record::default() },
    ] {
        let error = flow.try_send(&record, Wait::Configured).expect_err("too large");
        assert_eq!(error.kind(), ErrorKind::RecordTooLarge);
        assert_contains(error.message(), &["orders", "max.request.size=50000", "50", "bytes"]);
        assert!(!error.is_retriable());
    }
    let (accepted, refused) = flow.try_send_many(&[value(b"fits"), value(&large), value(b"fits")], Wait::Configured);
    assert_eq!((accepted, refused.expect_err("too large").kind()), (1, ErrorKind::RecordTooLarge));
    flow.works();
    flow.end();
}

#[test]
fn a_record_larger_than_all_of_the_buffer() {
    let server = model();
    let mut flow = Flow::new(&server.bootstrap(), "orders", &[("buffer.memory", "60000")]);
    let large = vec![0; 70_000];
    let begin = Instant::now();
    let error = flow.try_send(&value(&large), Wait::Forever).expect_err("too large");
    assert!(begin.elapsed() < GRACE, "waiting would not help");
    assert_eq!(error.kind(), ErrorKind::RecordTooLarge);
    assert_contains(error.message(), &["orders", "buffer.memory=60000"]);
    flow.works();
    flow.end();
}

/// Each way to send while a broker that does not respond keeps the memory occupied. tests/c/life_full.c has the C
/// functions.
#[test]
fn a_full_buffer() {
    let server = model();
    let at = server.bootstrap();
    break_with(&server, |request| match request.api {
        Api::Produce => Fault::NeverAnswer { handled: true },
        _ => Fault::None,
    });
    let properties = [("buffer.memory", "100000"), ("max.block.ms", "400"), ("delivery.timeout.ms", "60000")];
    let mut flow = Flow::new(&at, "orders", &[&properties[..], &[("request.timeout.ms", "30000")]].concat());
    let (topic, bytes) = (flow.topic.clone(), [0; 5000]);
    let record = value(&bytes);
    let wait_and_be_refused = |wait: Wait, least: u64, send: &dyn Fn(Wait) -> ottla_engine::Result<()>| {
        let begin = Instant::now();
        let error = send(wait).expect_err("no room");
        let took = begin.elapsed();
        assert_eq!(error.kind(), ErrorKind::BufferFull, "{error}");
        assert_contains(error.message(), &["orders", "buffer.memory=100000", "bytes are held", "wait for completions"]);
        assert!(error.is_retriable());
        assert!((Duration::from_millis(least)..GRACE).contains(&took), "{wait:?} took {took:?}");
    };
    let fill = Instant::now();
    while flow.try_send(&record, Wait::Never).is_ok() {
        assert!(fill.elapsed() < GRACE, "it never fills");
    }
    for (wait, least) in [(Wait::Never, 0), (Wait::Configured, 400), (Wait::AtMost(Duration::from_millis(50)), 50)] {
        let producer = &flow.sender.producer;
        wait_and_be_refused(wait, least, &|wait| producer.send(&topic, &record, NEVER_TOLD, wait));
        wait_and_be_refused(wait, least, &|wait| {
            let (accepted, result) = producer.send_many(&topic, [(record, NEVER_TOLD)], wait);
            assert_eq!(accepted, 0);
            result
        });
        wait_and_be_refused(wait, least, &|wait| producer.send_and_wait(&topic, &record, wait).map(drop));
    }
    // A call that waits longer gets the memory that the broker's responses free.
    mend(&server);
    server.cut_connections(1);
    flow.try_send(&record, Wait::AtMost(Duration::from_secs(30))).expect("room again");
    flow.works();
    flow.end().iter().for_each(|reported| assert_eq!(reported.fate, Fate::Written, "{reported:?}"));
}

#[test]
fn a_partition_that_the_topic_does_not_have() {
    let server = model();
    let mut flow = Flow::new(&server.bootstrap(), "orders", &[("metadata.max.age.ms", "500")]);
    let of = |partition| Record { partition: Some(partition), ..Record::default() };
    // The topic is not known yet, so all are accepted. Other records are not affected.
    let tags: Vec<u64> = [2, 3, 0, i32::MAX].map(|partition| flow.send_record(&of(partition))).into();
    let reported = flow.reported(tags[0]..tags[3] + 1);
    for at in [1, 3] {
        assert_failed_with(&reported[at..=at], ErrorKind::UnknownPartition, &["orders", "3 partitions"]);
        assert_eq!(reported[at].fate, Fate::NotWritten);
    }
    assert!(reported[0].error.is_none() && reported[2].error.is_none(), "{reported:?}");
    // Now the topic is known, and the call refuses.
    let error = flow.try_send(&of(3), Wait::Configured).expect_err("three partitions");
    assert_eq!(error.kind(), ErrorKind::UnknownPartition);
    assert_contains(error.message(), &["orders", "3 partitions (0 to 2)", "asks for partition 3"]);
    let error = flow.try_send(&of(-7), Wait::Configured).expect_err("no number");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert_contains(error.message(), &["partition", "at least 0", "-7"]);
    // When the topic has grown, the partition exists.
    server.with(|cluster| cluster.add_partitions("orders", 4));
    let begin = Instant::now();
    loop {
        std::thread::sleep(Duration::from_millis(100));
        match flow.try_send(&of(3), Wait::Configured) {
            Ok(()) => break,
            Err(error) => assert!(begin.elapsed() < GRACE, "{error}"),
        }
    }
    flow.end();
}

/// Invalid names, values and combinations. The error names the property and says what to do. The table's own tests are
/// in crates/ottla-core/src/config.
#[test]
fn invalid_properties() {
    type Words = &'static [&'static str];
    type Properties = &'static [(&'static str, &'static str)];
    const WRONG: [(&str, &str, Words); 15] = [
        ("deliver.timeout.ms", "1", &["deliver.timeout.ms", "did you mean delivery.timeout.ms"]),
        ("max.inflight.request.per.connection", "1", &["did you mean max.in.flight.requests.per.connection"]),
        ("flux.capacity", "1", &["flux.capacity", "unknown"]),
        ("", "1", &["unknown property ''"]),
        ("acks", "2", &["acks='2'", "all"]),
        ("acks", "", &["acks"]),
        ("linger.ms", "5ms", &["linger.ms='5ms'", "number"]),
        ("linger.ms", "-1", &["linger.ms", "-1", "0"]),
        ("retries", "2147483648", &["retries", "2147483648", "2147483647"]),
        ("batch.size", "1e6", &["batch.size", "1e6"]),
        ("enable.idempotence", "yes", &["enable.idempotence", "yes", "true", "false"]),
        ("compression.type", "brotli", &["compression.type", "brotli", "zstd"]),
        ("bootstrap.servers", "localhost", &["bootstrap.servers", "localhost", "port"]),
        ("bootstrap.servers", "a:1,b:99999", &["bootstrap.servers", "b:99999"]),
        ("partitioner.class", "com.example.Mine", &["partitioner.class", "com.example.Mine"]),
    ];
    let server = model();
    let mut config = Config::new();
    for (name, value, words) in WRONG {
        let error = config.set(name, value).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{name}={value}: {error}");
        assert_contains(error.message(), words);
    }
    const TOGETHER: [(Properties, Words); 6] = [
        (&[("security.protocol", "SASL_SSL")], &["security.protocol=SASL_SSL", "SASL is not in this release"]),
        (&[], &["bootstrap.servers"]),
        (&[("enable.idempotence", "true"), ("acks", "1")], &["enable.idempotence", "acks"]),
        (&[("enable.idempotence", "true"), ("retries", "0")], &["enable.idempotence", "retries"]),
        (
            &[("enable.idempotence", "true"), ("max.in.flight.requests.per.connection", "6")],
            &["enable.idempotence", "max.in.flight.requests.per.connection", "5"],
        ),
        (
            &[("delivery.timeout.ms", "1000"), ("linger.ms", "600"), ("request.timeout.ms", "500")],
            &["delivery.timeout.ms", "linger.ms", "request.timeout.ms"],
        ),
    ];
    for (properties, words) in TOGETHER {
        let mut config = Config::new();
        let servers = (!properties.is_empty()).then_some(("bootstrap.servers", "127.0.0.1:1"));
        for (name, value) in servers.iter().chain(properties) {
            config.set(name, value).expect("right on its own");
        }
        let error = config.resolve().map(drop).expect_err("a contradiction");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert_contains(error.message(), words);
    }
    // Refused properties have no effect.
    let at = server.bootstrap();
    config.set("bootstrap.servers", &at).expect("right");
    let sink = |report: ottla_engine::Report| drop(report);
    let producer =
        ottla_engine::Producer::new(&config, Box::new(sink), Box::new(|_, _| ()), ottla_engine::Level::Error)
            .expect("all right");
    let topic = producer.topic("orders").expect("a topic");
    let reported = producer.send_and_wait(&topic, &value(b"v"), Wait::AtMost(GRACE)).expect("delivered");
    assert!(reported.error.is_none(), "{reported:?}");
}
