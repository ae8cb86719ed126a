//! The three ways to send, and what is known with acks=0. `tests/c/api_styles.c` shows the same in C.

use std::sync::mpsc;
use std::time::Duration;

use ottla_engine::{Completion, Config, Fate, Level, Producer, Record, Report, Sink, Wait};
use ottla_testkit::sink::{self, SinkOptions};

const LONG: Wait = Wait::AtMost(Duration::from_secs(30));

fn producer(broker: &sink::Sink, properties: &[(&str, &str)], sink: impl Sink + 'static) -> Producer {
    let mut config = Config::new();
    config.set("bootstrap.servers", &broker.addr().to_string()).expect("an address");
    for (name, value) in properties {
        config.set(name, value).expect("a value");
    }
    Producer::new(&config, Box::new(sink), Box::new(|_: Level, _: &str| {}), Level::Error).expect("a producer")
}

fn record() -> Record<'static> {
    Record { key: Some(b"k"), value: Some(b"v"), ..Record::default() }
}

#[test]
fn a_synchronous_send_returns_where_the_record_is() {
    let broker = sink::Sink::start(SinkOptions::default());
    let producer = producer(&broker, &[("linger.ms", "60000"), ("delivery.timeout.ms", "120000")], drop);
    let topic = producer.topic("t").expect("a topic");
    for offset in 0..3 {
        let reported = producer.send_and_wait(&topic, &record(), LONG).expect("told");
        assert_eq!((reported.fate, reported.offset, reported.error.is_none()), (Fate::Written, offset, true));
    }
}

#[test]
fn a_record_that_is_sent_and_forgotten_arrives() {
    let broker = sink::Sink::start(SinkOptions::default());
    let producer = producer(&broker, &[], drop);
    let topic = producer.topic("t").expect("a topic");
    for _ in 0..100 {
        producer.send(&topic, &record(), Completion::Tag(0), Wait::Configured).expect("accepted");
    }
    producer.close(LONG).expect("closed");
    assert_eq!(broker.counters().records, 100);
}

#[test]
fn a_callback_gets_each_record_in_order() {
    let broker = sink::Sink::start(SinkOptions::default());
    let (tell, reported) = mpsc::channel();
    let producer = producer(&broker, &[], move |report: Report| {
        for delivery in report.deliveries() {
            tell.send((delivery.tag, delivery.offset, delivery.error.is_none())).expect("the test listens");
        }
    });
    let topic = producer.topic("t").expect("a topic");
    for tag in 0..100 {
        producer.send(&topic, &record(), Completion::Tag(tag), Wait::Configured).expect("accepted");
    }
    for expected in 0..100 {
        let reported = reported.recv_timeout(Duration::from_secs(30)).expect("told");
        assert_eq!(reported, (expected, expected as i64, true));
    }
}

#[test]
fn without_acks_the_offset_is_minus_one_the_fate_unknown_and_there_is_no_error() {
    let broker = sink::Sink::start(SinkOptions::default());
    let (tell, reported) = mpsc::channel();
    let producer = producer(&broker, &[("acks", "0")], move |report: Report| {
        for delivery in report.deliveries() {
            tell.send((delivery.offset, delivery.fate, delivery.error.is_none())).expect("the test listens");
        }
    });
    let topic = producer.topic("t").expect("a topic");
    producer.send(&topic, &record(), Completion::Tag(0), Wait::Configured).expect("accepted");
    assert_eq!(reported.recv_timeout(Duration::from_secs(30)).expect("told"), (-1, Fate::Unknown, true));
    let waited = producer.send_and_wait(&topic, &record(), LONG).expect("told");
    assert_eq!((waited.offset, waited.fate, waited.error.is_none()), (-1, Fate::Unknown, true));
    let counters = producer.counters();
    assert_eq!((counters.records_delivered, counters.records_failed), (2, 0));
}
