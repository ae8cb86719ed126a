//! The number of requests that a broker sees, and topics with many partitions.

use std::time::{Duration, Instant};

use ottla_engine::Record;
use ottla_testkit::kafka::{self, Cluster, Options, Reader};

use crate::harness::{Sender, check_stamps, prime, stamp};

#[test]
fn one_linger_of_a_hundred_partitions_is_at_most_three_requests() {
    let cluster = kafka::shared();
    let topic_name = cluster.new_topic("requests", 100);
    prime(cluster, &topic_name, 100);
    let sender = Sender::new(cluster.bootstrap(), &[("linger.ms", "400")]);
    let topic = sender.topic(&topic_name);
    // The first round waits for metadata and the producer id. The second only lingers.
    for round in 0..2 {
        let before = sender.counters();
        let begin = Instant::now();
        for number in 0..1000 {
            sender.send(&topic, &in_partition(number % 100), (round * 1000 + number) as u64);
        }
        let accepted_in = begin.elapsed();
        assert!(accepted_in < Duration::from_millis(350), "this machine is too busy: {accepted_in:?}");
        let deadline = Instant::now() + Duration::from_secs(20);
        while sender.reported_count() < (round as usize + 1) * 1000 {
            assert!(Instant::now() < deadline, "round {round}: {:?}\n{}", sender.counters(), sender.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        let after = sender.counters();
        let requests = after.produce_requests - before.produce_requests;
        println!("round {round}: 1000 records to 100 partitions in {requests} Produce requests");
        assert!((1..=3).contains(&requests), "round {round}: {requests} Produce requests {after:?}\n{}", sender.log());
    }
    sender.all_delivered(2000);
    assert!(cluster.read_back(&topic_name, Reader::Librdkafka).iter().all(|partition| partition.count == 21));
    cluster.delete_topic(&topic_name);
}

fn in_partition(partition: i32) -> Record<'static> {
    Record { partition: Some(partition), value: Some(&[b'v'; 100]), ..Record::default() }
}

/// An automatically created topic is part of this test, to save another cluster.
#[test]
fn two_thousand_partitions_and_a_topic_that_is_created_on_the_way() {
    let properties = [("auto.create.topics.enable", "true"), ("num.partitions", "3")];
    let properties = properties.map(|(name, value)| (name.into(), value.into())).to_vec();
    let cluster = Cluster::start(Options { properties, broker_heap: "512m".into(), ..Options::default() });

    let sender = Sender::new(cluster.bootstrap(), &[]);
    let created = sender.topic("created-on-the-way");
    for tag in 0..30 {
        sender.send(&created, &Record { value: Some(&stamp(tag, 30)), ..Record::default() }, tag);
    }
    sender.all_delivered(30);
    assert_eq!(cluster.describe("created-on-the-way").len(), 3);
    check_stamps(&cluster.read_records("created-on-the-way"), 30);

    let frugal = [("allow.auto.create.topics", "false"), ("max.block.ms", "1500")];
    let sender = Sender::new(cluster.bootstrap(), &frugal);
    sender.send(&sender.topic("never-created"), &Record::default(), 0);
    sender.flush();
    let reported = sender.reported();
    let error = reported[0].error.as_ref().expect("no such topic").to_string();
    assert!(error.contains("never-created"), "{error}");
    drop(sender);

    let topic_name = cluster.new_topic("wide", 2000);
    let sender = Sender::new(cluster.bootstrap(), &[]);
    let topic = sender.topic(&topic_name);
    // At first the broker is still creating partitions, and refuses records for those that are not ready.
    for round in 0..2 {
        let (begin, before) = (Instant::now(), sender.counters());
        for partition in 0..2000 {
            sender.send(&topic, &in_partition(partition), (round * 2000 + partition) as u64);
        }
        sender.flush();
        let (after, elapsed) = (sender.counters(), begin.elapsed());
        let requests = after.produce_requests - before.produce_requests;
        let retried = after.batches_retried - before.batches_retried;
        println!("2000 records to 2000 partitions in {elapsed:?}: {requests} requests, {retried} batches sent again");
        assert!(round == 0 || requests <= 100, "{requests} requests for 2000 partitions that all exist");
    }
    for reported in sender.all_delivered(4000) {
        assert_eq!((reported.partition as u64, reported.offset as u64), (reported.tag % 2000, reported.tag / 2000));
    }
    let read = cluster.read_back(&topic_name, Reader::Java(kafka::DEFAULT_VERSION));
    assert!(read.len() == 2000 && read.iter().all(|partition| partition.count == 2), "each partition has its records");
}
