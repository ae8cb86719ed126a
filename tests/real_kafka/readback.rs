//! Every field of every record, as librdkafka and Java's consumer read it.

use ottla_testkit::kafka::{self, Cluster, Options, Reader};

use crate::harness::{Sender, Varied, compare, expected, now_ms, size};

const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];
const PARTITIONS: u32 = 6;

fn every_codec(cluster: &Cluster, readers: &[Reader]) {
    let count = size(2_000, 100_000);
    for (seed, codec) in (1..).zip(CODECS) {
        round_trip(cluster, seed, count, &[("compression.type", codec)], readers);
    }
}

/// Sends records of all shapes, and compares what the readers see with what was sent.
pub fn round_trip(cluster: &Cluster, seed: u64, count: u64, properties: &[(&str, &str)], readers: &[Reader]) {
    let topic_name = cluster.new_topic("readback", PARTITIONS);
    let sender = Sender::new(cluster.bootstrap(), properties);
    let topic = sender.topic(&topic_name);
    // The producer reads the kernel's coarse clock, which may be one tick behind.
    let begin = now_ms() - 20;
    for tag in 0..count {
        Varied::new(seed, tag, PARTITIONS.into()).with(|record| sender.send(&topic, record, tag));
    }
    let reported = sender.all_delivered(count);
    let end = now_ms();
    let expected = expected(
        &reported,
        PARTITIONS,
        |_| 0,
        |reported, checksum| {
            let record = Varied::new(seed, reported.tag, PARTITIONS.into());
            match record.timestamp {
                Some(timestamp) => assert_eq!(reported.timestamp, timestamp, "{reported:?}"),
                None => {
                    assert!((begin..=end).contains(&reported.timestamp), "{reported:?} was sent from {begin} to {end}")
                }
            }
            if let Some(partition) = record.partition {
                assert_eq!(reported.partition, partition, "{reported:?}");
            }
            record.add_to(checksum, reported.timestamp);
        },
    );
    assert!(expected.iter().all(|partition| partition.count > 0), "{expected:?}");
    compare(cluster, &topic_name, readers, &expected);
    println!("{count} records of all shapes with {properties:?}: as sent, for {readers:?}");
    cluster.delete_topic(&topic_name);
}

#[test]
fn every_codec_is_read_back_from_kafka_4_3() {
    every_codec(kafka::shared(), &[Reader::Librdkafka, Reader::Java("4.3.1")]);
}

#[test]
fn every_codec_is_read_back_from_kafka_3_9() {
    let cluster = Cluster::start(Options { version: "3.9.1".into(), ..Options::default() });
    every_codec(&cluster, &[Reader::Librdkafka, Reader::Java("3.9.1")]);
}

/// Produce 9 and metadata of that time. The current Java consumer reads it, which supports brokers from 2.1 on.
#[test]
fn kafka_2_8_takes_records_of_an_idempotent_producer_and_of_a_plain_one() {
    let cluster = Cluster::start(Options { version: "2.8.2".into(), ..Options::default() });
    let readers = [Reader::Librdkafka, Reader::Java("2.8.2"), Reader::Java(kafka::DEFAULT_VERSION)];
    let count = size(2_000, 100_000);
    round_trip(&cluster, 11, count, &[("enable.idempotence", "true")], &readers);
    round_trip(&cluster, 12, count, &[("enable.idempotence", "false"), ("compression.type", "zstd")], &readers[..1]);
    round_trip(&cluster, 13, count, &[("acks", "1"), ("compression.type", "lz4")], &readers[..1]);
}
