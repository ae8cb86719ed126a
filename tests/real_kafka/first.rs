//! The first test that worked: a record, and a completion that says where it is.

use std::sync::{Arc, Mutex};
use std::time::Duration;

type Fates = Arc<Mutex<Vec<(u64, i64, Option<String>)>>>;

use ottla_engine::{Completion, Config, Header, Level, Producer, Record, Report, Wait};

fn main_config(bootstrap: &str) -> Config {
    let mut config = Config::new();
    config.set("bootstrap.servers", bootstrap).expect("a bootstrap address");
    config
}

#[test]
fn a_record_reaches_kafka_and_its_completion_says_where() {
    let cluster = ottla_testkit::kafka::shared();
    let topic_name = cluster.new_topic("first-record", 1);
    let fates: Fates = Arc::default();
    let seen = fates.clone();
    let sink = move |report: Report| {
        for delivery in report.deliveries() {
            seen.lock().expect("lock").push((delivery.tag, delivery.offset, delivery.error.map(|e| e.to_string())));
        }
    };
    let log = Box::new(|level: Level, line: &str| eprintln!("{level:?} {line}"));
    let producer =
        Producer::new(&main_config(cluster.bootstrap()), Box::new(sink), log, Level::Debug).expect("a producer");
    let topic = producer.topic(&topic_name).expect("a topic");
    let headers = [Header { name: b"h", value: Some(b"v") }];
    for tag in 0..10 {
        let record = Record { key: Some(b"k"), value: Some(b"value"), headers: &headers, ..Record::default() };
        producer.send(&topic, &record, Completion::Tag(tag), Wait::Configured).expect("accepted");
    }
    producer.flush(Wait::AtMost(Duration::from_secs(20))).expect("flushed");
    let fates = fates.lock().expect("lock").clone();
    assert_eq!(fates, (0..10).map(|tag| (tag, tag as i64, None)).collect::<Vec<_>>());
    let reported =
        producer.send_and_wait(&topic, &Record::default(), Wait::AtMost(Duration::from_secs(20))).expect("told");
    assert_eq!(reported.offset, 10);
    producer.close(Wait::AtMost(Duration::from_secs(5))).expect("closed");
}
