//! The producer's statistics, compared with what is in Kafka.

use std::time::Duration;

use ottla_engine::{Record, Wait};
use ottla_testkit::kafka;

use super::harness::{Sender, prime};

#[test]
fn statistics_agree_with_the_log() {
    let cluster = kafka::shared();
    let (good, missing) = (cluster.new_topic("statistics", 3), "statistics-of-nothing");
    prime(cluster, &good, 3);
    let properties = [("compression.type", "lz4"), ("allow.auto.create.topics", "false"), ("max.block.ms", "1500")];
    let sender = Sender::new(cluster.bootstrap(), &properties);
    let (topic, nothing) = (sender.topic(&good), sender.topic(missing));
    let value = [b'v'; 200];
    for tag in 0..5_000 {
        sender.send(&topic, &Record { value: Some(&value), ..Record::default() }, tag);
    }
    for tag in 5_000..5_003 {
        sender.send(&nothing, &Record::default(), tag);
    }
    sender.flush();
    sender.producer.close(Wait::AtMost(Duration::from_secs(20))).expect("closed");

    let reported = sender.producer.statistics().expect("statistics");
    let producer = &reported.producer;
    let in_log: u64 = cluster.read_back(&good, kafka::Reader::Librdkafka).iter().map(|summary| summary.count).sum();
    assert_eq!(producer.records_delivered + 3, in_log, "prime wrote three of its own");
    assert_eq!((producer.records_sent, producer.records_delivered, producer.records_failed), (5_000, 5_000, 3));
    assert!(producer.compression_ratio < 0.5, "{}", producer.compression_ratio);
    assert_eq!((producer.records_held, producer.buffer_used_bytes, producer.requests_in_flight), (0, 0, 0));
    let figures = |name: &str| &reported.topics.iter().find(|topic| &*topic.what == name).expect("it was used").figures;
    let (good, missing) = (figures(&good), figures(missing));
    assert_eq!((good.records_delivered, good.partitions, good.partitions_without_leader), (5_000, 3, 0));
    assert_eq!((missing.records_failed, missing.records_sent, missing.partitions), (3, 0, 0));
    assert_eq!(reported.errors.iter().map(|error| error.records_failed).sum::<u64>(), 3);
    let broker = &reported.brokers.iter().find(|broker| broker.what.id == 1).expect("the broker").figures;
    assert!(broker.request_latency_us.count > 0 && broker.request_latency_us.max < 60_000_000);
    assert_eq!((broker.connections_opened, broker.connections_closed, broker.state), (1, 1, 0));
    let bytes = |count: fn(&ottla_core::statistics::BrokerFigures) -> u64| -> u64 {
        reported.brokers.iter().map(|broker| count(&broker.figures)).sum()
    };
    assert_eq!(bytes(|broker| broker.bytes_sent), producer.bytes_sent);
    assert_eq!(bytes(|broker| broker.bytes_received), producer.bytes_received);
}
