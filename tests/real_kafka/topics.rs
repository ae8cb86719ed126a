//! Settings that belong to topics: the number of partitions, the largest batch, whose timestamps count.

use ottla_mock::codes;
use std::time::{Duration, Instant};

use ottla_core::partition::murmur2::partition_for_key;
use ottla_engine::{Completion, ErrorKind, Fate, Record, Wait};
use ottla_testkit::kafka::{self, Reader};

use crate::harness::{Random, Sender, check_stamps, noise, now_ms, stamp};

const SOON: Wait = Wait::AtMost(Duration::from_secs(30));

#[test]
fn added_partitions_are_picked_up_while_running() {
    let cluster = kafka::shared();
    let topic_name = cluster.new_topic("growing", 2);
    let sender = Sender::new(cluster.bootstrap(), &[("metadata.max.age.ms", "1000")]);
    let topic = sender.topic(&topic_name);
    let mut sent = 0;
    let mut send = |partition| {
        let key = format!("key-{sent}").into_bytes();
        let value = stamp(sent, 40);
        sender.send(&topic, &Record { partition, key: Some(&key), value: Some(&value), ..Record::default() }, sent);
        sent += 1;
    };
    (0..50).for_each(|_| send(None));
    sender.flush();
    assert_eq!(topic.partition_count(), Some(2));
    cluster.grow(&topic_name, 5);
    let deadline = Instant::now() + Duration::from_secs(30);
    while topic.partition_count() != Some(5) {
        assert!(Instant::now() < deadline, "the new partitions are not seen\n{}", sender.log());
        send(None);
        std::thread::sleep(Duration::from_millis(50));
    }
    let grown_at = sent;
    let mut send = |partition| {
        let key = format!("key-{sent}").into_bytes();
        let value = stamp(sent, 40);
        sender.send(&topic, &Record { partition, key: Some(&key), value: Some(&value), ..Record::default() }, sent);
        sent += 1;
    };
    (0..50).for_each(|_| send(None));
    send(Some(4));
    let reported = sender.all_delivered(sent);
    for reported in &reported[grown_at as usize..sent as usize - 1] {
        assert_eq!(reported.partition as u32, partition_for_key(format!("key-{}", reported.tag).as_bytes(), 5));
    }
    assert_eq!(reported.last().expect("the last").partition, 4);
    check_stamps(&cluster.read_records(&topic_name), sent);
}

#[test]
fn a_topic_recreated_with_fewer_partitions_and_then_with_more_gets_all_its_records() {
    let cluster = kafka::shared();
    let topic_name = cluster.new_topic("created-again", 6);
    let sender = Sender::new(cluster.bootstrap(), &[("metadata.max.age.ms", "300")]);
    let topic = sender.topic(&topic_name);
    // By tag.
    let mut expected: Vec<u32> = Vec::new();
    for partitions in [6, 2, 5] {
        if partitions != 6 {
            cluster.delete_topic(&topic_name);
            cluster.create_topic(&topic_name, partitions, 1, &[]);
        }
        let deadline = Instant::now() + Duration::from_secs(30);
        while sender.producer.partitions(&topic, SOON).expect("an answer").len() != partitions as usize {
            assert!(Instant::now() < deadline, "the other partitions are not seen\n{}", sender.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        let first = expected.len();
        for number in 0..12 + partitions {
            let key = format!("key-{number}").into_bytes();
            let partition = number.checked_sub(12);
            expected.push(partition.unwrap_or_else(|| partition_for_key(&key, partitions)));
            let partition = partition.map(u32::cast_signed);
            let record = Record { partition, key: Some(&key), value: Some(b"v"), ..Record::default() };
            sender.send(&topic, &record, expected.len() as u64 - 1);
        }
        sender.flush();
        assert_eq!(cluster.read_records(&topic_name).len(), expected.len() - first, "{}", sender.log());
        let outside = Record { partition: Some(partitions.cast_signed()), ..Record::default() };
        let refused = sender.producer.send(&topic, &outside, Completion::Tag(0), Wait::Forever);
        assert_eq!(refused.expect_err("there is no such partition").kind(), ErrorKind::UnknownPartition);
    }
    let reported = sender.all_delivered(expected.len() as u64);
    assert_eq!(reported.iter().map(|reported| reported.partition.cast_unsigned()).collect::<Vec<_>>(), expected);
    cluster.delete_topic(&topic_name);
}

/// The size of a batch with one record and a null key, without the value: 61 bytes for the header, 3 for the record's
/// length, 8 for the rest.
const AROUND_VALUE: usize = 61 + 3 + 8;

#[test]
fn a_record_as_large_as_the_broker_allows_is_written_and_one_byte_more_is_not() {
    let cluster = kafka::shared();
    let topic_name = cluster.new_topic("large", 1);
    let limit = 1_048_588;
    cluster.configure_topic(&topic_name, "max.message.bytes", &limit.to_string());
    let sender = Sender::new(cluster.bootstrap(), &[("max.request.size", "4000000")]);
    let topic = sender.topic(&topic_name);
    let mut random = Random::new(5);
    let fitting = noise(&mut random, limit - AROUND_VALUE);
    let larger = noise(&mut random, limit - AROUND_VALUE + 1);
    for (tag, value) in [(0, &b"before"[..]), (1, fitting), (2, larger), (3, b"behind")] {
        sender.send(&topic, &Record { value: Some(value), ..Record::default() }, tag);
        sender.flush();
    }
    let reported = sender.reported();
    assert_eq!(reported.iter().map(|reported| reported.offset).collect::<Vec<_>>(), [0, 1, -1, 2], "{}", sender.log());
    let refused = &reported[2];
    assert_eq!(
        refused.error.as_ref().map(ottla_engine::Error::kind),
        Some(ErrorKind::Broker(codes::MESSAGE_TOO_LARGE)),
        "{refused:?}"
    );
    assert_eq!(refused.fate, Fate::NotWritten);
    let values: Vec<_> = cluster.read_records(&topic_name).into_iter().map(|record| record.value).collect();
    assert_eq!(values, [&b"before"[..], fitting, b"behind"].map(|value| Some(value.to_vec())));
    cluster.delete_topic(&topic_name);
}

#[test]
fn batches_too_large_for_the_topic_are_split() {
    let cluster = kafka::shared();
    for properties in [&[][..], &[("compression.type", "zstd")], &[("enable.idempotence", "false")]] {
        let topic_name = cluster.new_topic("splitting", 2);
        cluster.configure_topic(&topic_name, "max.message.bytes", "5000");
        let properties = [&[("batch.size", "60000"), ("linger.ms", "100")][..], properties].concat();
        let sender = Sender::new(cluster.bootstrap(), &properties);
        let topic = sender.topic(&topic_name);
        let mut random = Random::new(9);
        for tag in 0..2000 {
            let value = [&stamp(tag, 21)[..], noise(&mut random, 200)].concat();
            let record = Record { partition: Some(tag as i32 % 2), value: Some(&value), ..Record::default() };
            sender.send(&topic, &record, tag);
        }
        sender.flush();
        let counters = sender.counters();
        println!("{properties:?}: {} batches, {} split", counters.batches_sent, counters.batches_split);
        assert!(counters.batches_split > 0, "{counters:?}");
        sender.all_delivered(2000);
        check_stamps(&cluster.read_records(&topic_name), 2000);
        cluster.delete_topic(&topic_name);
    }
}

#[test]
fn incompressible_batches_are_sent_uncompressed() {
    let cluster = kafka::shared();
    for codec in ["gzip", "snappy", "lz4", "zstd"] {
        let topic_name = cluster.new_topic("incompressible", 1);
        let sender = Sender::new(cluster.bootstrap(), &[("compression.type", codec)]);
        let topic = sender.topic(&topic_name);
        let mut random = Random::new(3);
        let values: Vec<_> = noise(&mut random, 500_000).chunks(5000).collect();
        for (tag, value) in (0..).zip(&values) {
            sender.send(&topic, &Record { value: Some(value), ..Record::default() }, tag);
        }
        sender.flush();
        let counters = sender.counters();
        assert_eq!(counters.payload_bytes, counters.record_bytes, "{codec}: {counters:?}");
        sender.all_delivered(100);
        let read: Vec<_> = cluster.read_records(&topic_name).into_iter().filter_map(|record| record.value).collect();
        assert_eq!(read, values, "{codec}");
    }
}

#[test]
fn the_brokers_append_time_is_reported() {
    let cluster = kafka::shared();
    for codec in ["none", "zstd"] {
        let topic_name = cluster.new_topic("append-time", 2);
        cluster.configure_topic(&topic_name, "message.timestamp.type", "LogAppendTime");
        let sender = Sender::new(cluster.bootstrap(), &[("compression.type", codec)]);
        let topic = sender.topic(&topic_name);
        let begin = now_ms();
        for tag in 0..100 {
            let record = Record { value: Some(&stamp(tag, 300)), timestamp: Some(1_000_000), ..Record::default() };
            sender.send(&topic, &record, tag);
        }
        sender.flush();
        let counters = sender.counters();
        let reported = sender.all_delivered(100);
        assert_eq!(counters.payload_bytes < counters.record_bytes, codec == "zstd", "{counters:?}");
        let mut read = cluster.read_records(&topic_name);
        check_stamps(&read, 100);
        read.sort_by_key(|record| record.value.clone());
        for (reported, read) in reported.iter().zip(&read) {
            let place = (reported.partition, reported.offset, reported.timestamp);
            assert_eq!(place, (read.partition, read.offset, read.timestamp));
            assert!((begin..=now_ms()).contains(&reported.timestamp), "{reported:?}");
        }
        assert_eq!(cluster.read_back(&topic_name, Reader::Librdkafka).iter().map(|p| p.count).sum::<u64>(), 100);
    }
}
