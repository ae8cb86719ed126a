//! Closing a producer: every accepted record is reported, however short the timeout.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use ottla_engine::{Completion, ErrorKind, Fate, Level, Producer, Record, Report, TopicHandle, Wait};
use ottla_testkit::kafka;

use crate::harness::{Sender, check_stamps, config, stamp};

#[test]
fn a_close_delivers_every_accepted_record() {
    let cluster = kafka::shared();
    let topic_name = cluster.new_topic("closing", 3);
    let sender = Sender::new(cluster.bootstrap(), &[("linger.ms", "60000")]);
    let topic = sender.topic(&topic_name);
    for tag in 0..1_000 {
        sender.send(&topic, &Record { value: Some(&stamp(tag, 40)), ..Record::default() }, tag);
    }
    sender.producer.close(Wait::AtMost(Duration::from_secs(30))).expect("closed");
    let reported = sender.reported();
    assert!(
        reported.len() == 1_000 && reported.iter().all(|reported| reported.fate == Fate::Written),
        "{}",
        sender.log()
    );
    check_stamps(&cluster.read_records(&topic_name), 1_000);
    let refused = sender.producer.send(&topic, &Record::default(), Completion::Tag(0), Wait::Never);
    assert_eq!(refused.expect_err("closed").kind(), ErrorKind::Closed);
    sender.producer.close(Wait::Never).expect("a closed producer may be closed again");
}

#[test]
fn a_close_without_timeout_reports_remaining_records_as_closed() {
    let cluster = kafka::shared();
    let topic_name = cluster.new_topic("closing", 1);
    let sender = Sender::new(cluster.bootstrap(), &[("linger.ms", "60000")]);
    let topic = sender.topic(&topic_name);
    for tag in 0..100 {
        sender.send(&topic, &Record { value: Some(&stamp(tag, 40)), ..Record::default() }, tag);
    }
    let begin = Instant::now();
    sender.producer.close(Wait::Never).expect("closed");
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    let reported = sender.reported();
    assert_eq!(reported.len(), 100, "each is told of when close returns");
    for reported in reported {
        assert_eq!(reported.error.as_ref().map(ottla_engine::Error::kind), Some(ErrorKind::Closed), "{reported:?}");
        assert_eq!((reported.fate, reported.offset), (Fate::NotWritten, -1));
    }
    assert!(cluster.read_records(&topic_name).is_empty(), "what is not written is not there");
}

type Kinds = Arc<Mutex<Vec<Option<ErrorKind>>>>;

/// In Java, a close in a callback fails the remaining records. Ours would wait for itself, so it is refused and the
/// remaining records are delivered.
#[test]
fn a_close_in_a_callback_is_refused_and_the_rest_is_delivered() {
    let cluster = kafka::shared();
    let topic_name = cluster.new_topic("closing", 1);
    let shared: Arc<OnceLock<(Producer, TopicHandle)>> = Arc::default();
    let (kinds, refused): (Kinds, Kinds) = Default::default();
    let sink = {
        let (shared, kinds, refused) = (shared.clone(), kinds.clone(), refused.clone());
        move |report: Report| {
            for delivery in report.deliveries() {
                kinds.lock().expect("lock").push(delivery.error.map(ottla_engine::Error::kind));
                if delivery.tag == 0 {
                    let (producer, _) = shared.wait();
                    let outcome = producer.close(Wait::Never);
                    refused.lock().expect("lock").push(outcome.err().map(|error| error.kind()));
                }
            }
        }
    };
    let log = Box::new(|_: Level, _: &str| {});
    let properties = config(cluster.bootstrap(), &[("batch.size", "0")]);
    let producer = Producer::new(&properties, Box::new(sink), log, Level::Error).expect("a producer");
    let topic = producer.topic(&topic_name).expect("a topic");
    let (producer, topic) = shared.get_or_init(|| (producer, topic));
    for tag in 0..50 {
        producer.send(topic, &Record::default(), Completion::Tag(tag), Wait::Forever).expect("accepted");
    }
    producer.flush(Wait::AtMost(Duration::from_secs(60))).expect("flushed");
    assert_eq!(*refused.lock().expect("lock"), [Some(ErrorKind::InCallback)]);
    assert_eq!(*kinds.lock().expect("lock"), [None; 50]);
    producer.close(Wait::AtMost(Duration::from_secs(10))).expect("closed");
}
