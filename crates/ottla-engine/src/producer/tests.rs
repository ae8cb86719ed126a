//! The producer with its threads, against the sink broker. ThreadSanitizer runs these tests too.

mod added_brokers;
mod helpers;
mod lent;
mod retained;
mod send_handle;

mod statistics;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{OnceLock, Weak};
use std::time::Duration;

use ottla_testkit::sink::{Sink as SinkBroker, SinkOptions};

use super::*;
use ottla_core::batch::Report;

const THREADS: u64 = 4;

/// A producer for the sink broker, and how many of its records were delivered and how many failed.
fn producer(broker: &SinkBroker, properties: &[(&str, &str)]) -> (Producer, Arc<[AtomicU64; 2]>) {
    producer_of(&broker.addr().to_string(), properties)
}

fn producer_of(bootstrap: &str, properties: &[(&str, &str)]) -> (Producer, Arc<[AtomicU64; 2]>) {
    let mut config = Config::new();
    config.set("bootstrap.servers", bootstrap).expect("an address");
    for (name, value) in properties {
        config.set(name, value).expect("a property");
    }
    let counts: Arc<[AtomicU64; 2]> = Arc::default();
    let reported = counts.clone();
    let sink = move |report: Report| {
        for delivery in report.deliveries() {
            reported[usize::from(delivery.error.is_some())].fetch_add(1, Ordering::SeqCst);
        }
    };
    (Producer::new(&config, Box::new(sink), Box::new(|_, _| ()), Level::Error).expect("a producer"), counts)
}

fn send_until_refused(producer: &Producer, topic: &TopicHandle, count: u64) -> u64 {
    let value = [7; 100];
    let record = Record { value: Some(&value), ..Record::default() };
    (0..count).take_while(|&tag| producer.send(topic, &record, Completion::Tag(tag), Wait::Configured).is_ok()).count()
        as u64
}

#[test]
fn threads_share_a_producer_whose_memory_is_short() {
    let broker = SinkBroker::start(SinkOptions::default());
    let (producer, counts) = producer(&broker, &[("buffer.memory", "200000"), ("linger.ms", "1")]);
    let topic = producer.topic("shared").expect("a topic");
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| assert_eq!(send_until_refused(&producer, &topic, 5_000), 5_000));
        }
        scope.spawn(|| (0..20).for_each(|_| producer.flush(Wait::AtMost(Duration::from_secs(60))).expect("flushed")));
    });
    producer.flush(Wait::AtMost(Duration::from_secs(60))).expect("flushed");
    assert_eq!(counts[0].load(Ordering::SeqCst), THREADS * 5_000);
    assert_eq!(producer.buffered_bytes(), 0);
}

#[test]
fn a_callback_may_send_the_record_that_expired_again() {
    let mut config = Config::new();
    for (name, value) in [("bootstrap.servers", "127.0.0.1:1"), ("delivery.timeout.ms", "200"), ("linger.ms", "0")] {
        config.set(name, value).expect("a property");
    }
    let again: Arc<OnceLock<Weak<Producer>>> = Arc::default();
    let (reported, reports) = std::sync::mpsc::channel();
    let sender = again.clone();
    let sink = move |report: Report| {
        for delivery in report.deliveries() {
            if delivery.tag < 2 {
                let producer = sender.get().and_then(Weak::upgrade).expect("it is there");
                let topic = producer.topic("t").expect("a topic");
                let next = Completion::Tag(delivery.tag + 1);
                producer.send(&topic, &Record::default(), next, Wait::Never).expect("accepted");
            }
            reported.send((delivery.tag, delivery.error.is_some())).expect("somebody waits");
        }
    };
    let producer = Producer::new(&config, Box::new(sink), Box::new(|_, _| ()), Level::Error).expect("a producer");
    let producer = Arc::new(producer);
    again.set(Arc::downgrade(&producer)).expect("once");
    let topic = producer.topic("t").expect("a topic");
    producer.send(&topic, &Record::default(), Completion::Tag(0), Wait::Never).expect("accepted");
    for tag in 0..3 {
        assert_eq!(reports.recv_timeout(Duration::from_secs(60)), Ok((tag, true)));
    }
    producer.close(Wait::AtMost(Duration::from_secs(60))).expect("closed");
}

#[test]
fn closing_while_threads_send_completes_what_was_accepted() {
    let broker = SinkBroker::start(SinkOptions::default());
    let (producer, counts) = producer(&broker, &[]);
    let topic = producer.topic("closing").expect("a topic");
    let accepted = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| accepted.fetch_add(send_until_refused(&producer, &topic, u64::MAX), Ordering::SeqCst));
        }
        std::thread::sleep(Duration::from_millis(100));
        producer.close(Wait::AtMost(Duration::from_secs(60))).expect("closed");
    });
    let reported = counts[0].load(Ordering::SeqCst) + counts[1].load(Ordering::SeqCst);
    assert_eq!(reported, accepted.load(Ordering::SeqCst));
    let refused = producer.send(&topic, &Record::default(), Completion::Tag(0), Wait::Never).expect_err("closed");
    assert_eq!(refused.kind(), ErrorKind::Closed);
}

#[test]
fn threads_wait_for_records_of_their_own() {
    let broker = SinkBroker::start(SinkOptions::default());
    let (producer, _) = producer(&broker, &[("linger.ms", "1000")]);
    let topic = producer.topic("sync").expect("a topic");
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..50 {
                    let wait = Wait::AtMost(Duration::from_secs(60));
                    let reported = producer.send_and_wait(&topic, &Record::default(), wait).expect("told");
                    assert!(reported.error.is_none() && reported.offset >= 0, "{reported:?}");
                }
            });
        }
    });
}

#[test]
fn what_a_record_cannot_be_is_refused_in_the_call() {
    let broker = SinkBroker::start(SinkOptions::default());
    let (producer, counts) = producer(&broker, &[]);
    let topic = producer.topic("t").expect("a topic");
    for (record, said) in [
        (Record { timestamp: Some(-1), ..Record::default() }, "at least 0, not -1"),
        (Record { timestamp: Some(i64::MIN), ..Record::default() }, "timestamp"),
        (Record { partition: Some(-1), ..Record::default() }, "partition is at least 0, not -1"),
    ] {
        let refused = producer.send(&topic, &record, Completion::Tag(0), Wait::Never).expect_err("it cannot be");
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
        assert!(refused.message().contains(said), "{refused}");
    }
    producer
        .send(&topic, &Record { timestamp: Some(0), ..Record::default() }, Completion::Tag(0), Wait::Never)
        .expect("1970 is a time");
    producer.close(Wait::AtMost(Duration::from_secs(60))).expect("closed");
    assert_eq!([&counts[0], &counts[1]].map(|count| count.load(Ordering::SeqCst)), [1, 0], "no completion follows");
}

#[test]
fn a_topics_name_follows_kafkas_rules() {
    let broker = SinkBroker::start(SinkOptions::default());
    let (producer, _) = producer(&broker, &[]);
    for legal in ["a", "A-b_c.9", "...", &"x".repeat(249)] {
        assert_eq!(producer.topic(legal).expect("legal").name(), legal);
    }
    for illegal in ["", ".", "..", "a b", "a/b", "gr\u{fc}n", &"x".repeat(250)] {
        let refused = producer.topic(illegal).err().unwrap_or_else(|| panic!("{illegal:?} is not a topic's name"));
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
        assert!(refused.message().contains("1 to 249"), "{refused}");
    }
}

#[test]
fn flushes_are_counted_and_timed() {
    let broker = SinkBroker::start(SinkOptions { delay: Duration::from_millis(50), ..SinkOptions::default() });
    let (producer, counts) = producer(&broker, &[]);
    let topic = producer.topic("t").expect("a topic");
    for _ in 0..2 {
        producer.send(&topic, &Record::default(), Completion::Tag(0), Wait::Never).expect("accepted");
        producer.flush(Wait::AtMost(Duration::from_secs(60))).expect("flushed");
    }
    let figures = producer.statistics().expect("figures").producer;
    assert_eq!((figures.flushes, counts[0].load(Ordering::SeqCst)), (2, 2));
    // Each flush waits for the broker's 50 ms.
    assert!(figures.flush_us >= 100_000, "{} microseconds", figures.flush_us);
}

#[test]
fn a_bootstrap_server_is_reached_by_its_canonical_name() {
    let broker = SinkBroker::start(SinkOptions::default());
    let mut config = Config::new();
    let properties = [
        ("bootstrap.servers", &*broker.addr().to_string()),
        ("client.dns.lookup", "resolve_canonical_bootstrap_servers_only"),
    ];
    for (name, value) in properties {
        config.set(name, value).expect("a property");
    }
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = lines.clone();
    let log = Box::new(move |_, line: &str| log.lock().push(line.to_owned()));
    let producer = Producer::new(&config, Box::new(|_: Report| ()), log, Level::Info).expect("a producer");
    producer.check(Wait::AtMost(Duration::from_secs(60))).expect("answered");
    let renamed = lines.lock().iter().any(|line| line.contains("canonical names localhost"));
    assert!(renamed, "{:?}", lines.lock());
}
