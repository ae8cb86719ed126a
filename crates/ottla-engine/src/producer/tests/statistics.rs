//! Figures that are counted outside the sender.

use super::*;

#[test]
fn what_waits_is_counted_where_it_waits() {
    let broker = SinkBroker::start(SinkOptions::default());
    let (producer, _) = producer(&broker, &[("linger.ms", "60000"), ("delivery.timeout.ms", "120000")]);
    let topic = producer.topic("waiting").expect("a topic");
    assert_eq!(send_until_refused(&producer, &topic, 1), 1);
    producer.flush(Wait::AtMost(Duration::from_secs(60))).expect("flushed");
    assert_eq!(send_until_refused(&producer, &topic, 5), 5);
    let reported = producer.statistics().expect("statistics");
    let figures = &reported.topics[0].figures;
    assert_eq!((figures.records_waiting, figures.records_taken, reported.producer.records_held), (5, 0, 5));
    assert!(figures.bytes_waiting > 500, "{}", figures.bytes_waiting);
    let leader = reported.brokers.iter().find(|broker| broker.figures.records_waiting > 0).expect("a leader");
    assert!(leader.what.id >= 0 && figures.partitions_without_leader == 0, "{:?}", leader.what);
    assert_eq!((leader.figures.records_waiting, leader.figures.partitions), (5, figures.partitions));
    assert_eq!((reported.producer.flushes, reported.producer.buffer_total_bytes), (1, 32 << 20));
    assert!(reported.producer.buffer_used_bytes > 0);
}

#[test]
fn waits_for_room_and_refusals_are_counted() {
    let broker = SinkBroker::start(SinkOptions { delay: Duration::from_millis(200), ..SinkOptions::default() });
    let (producer, _) = producer(&broker, &[("buffer.memory", "40000")]);
    let topic = producer.topic("short").expect("a topic");
    let value = [7; 1000];
    let record = Record { value: Some(&value), ..Record::default() };
    let send = |wait| producer.send(&topic, &record, Completion::Tag(0), wait);
    let refused = (0..100).find_map(|_| send(Wait::Never).err()).expect("forty fit at most");
    assert_eq!(refused.kind(), ErrorKind::BufferFull);
    send(Wait::AtMost(Duration::from_secs(60))).expect("there is room when the first are answered");
    let reported = producer.statistics().expect("statistics").producer;
    assert_eq!((reported.buffer_exhausted, reported.buffer_waits), (1, 1));
    assert!(reported.buffer_wait_us > 0);
}

#[test]
fn records_for_a_partition_that_is_not_there_are_counted_as_failed() {
    let broker = SinkBroker::start(SinkOptions::default());
    let (producer, _) = producer(&broker, &[]);
    let topic = producer.topic("narrow").expect("a topic");
    let record = Record { partition: Some(1_000_000), ..Record::default() };
    producer.send(&topic, &record, Completion::Tag(0), Wait::Never).expect("its partitions are not known yet");
    producer.flush(Wait::AtMost(Duration::from_secs(60))).expect("flushed");
    let reported = producer.statistics().expect("statistics");
    assert_eq!((reported.producer.records_failed, reported.topics[0].figures.records_failed), (1, 1));
    assert_eq!((reported.errors[0].kind, reported.errors[0].records_failed), (ErrorKind::UnknownPartition, 1));
}
