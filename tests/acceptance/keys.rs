//! Keys and partitions: the same key goes to the same partition until the topic grows.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ottla_core::partition::murmur2::partition_for_key;
use ottla_engine::Record;
use ottla_testkit::kafka;

use crate::harness::Sender;

const KEYS: u64 = 50;

fn key(number: u64) -> Vec<u8> {
    format!("customer-{number}").into_bytes()
}

/// Sends every key `times` times. Returns the reported partitions by key.
fn send_all(sender: &Sender, topic_name: &str, times: u64) -> BTreeMap<u64, Vec<i32>> {
    let topic = sender.topic(topic_name);
    let before = sender.reported_count();
    for n in 0..KEYS * times {
        let value = format!("{n}");
        let key = key(n % KEYS);
        let record = Record { key: Some(&key), value: Some(value.as_bytes()), ..Record::default() };
        sender.send(&topic, &record, before as u64 + n);
    }
    sender.flush();
    let mut partitions: BTreeMap<u64, Vec<i32>> = BTreeMap::new();
    for reported in &sender.reported()[before..] {
        assert!(reported.error.is_none(), "{reported:?}");
        partitions.entry((reported.tag - before as u64) % KEYS).or_default().push(reported.partition);
    }
    partitions
}

#[test]
fn a_key_keeps_its_partition_until_the_topic_grows() {
    let cluster = kafka::shared();
    let topic_name = cluster.new_topic("definition-keys", 3);
    let sender = Sender::new(cluster.bootstrap(), &[("metadata.max.age.ms", "500")]);
    let partition = |number: u64, count: u32| partition_for_key(&key(number), count) as i32;
    for (number, partitions) in send_all(&sender, &topic_name, 4) {
        assert_eq!(partitions, [partition(number, 3); 4], "key {number} of 3 partitions");
    }

    cluster.grow(&topic_name, 7);
    let deadline = Instant::now() + Duration::from_secs(30);
    while sender.topic(&topic_name).partition_count() != Some(7) {
        assert!(Instant::now() < deadline, "the new partitions are not seen\n{}", sender.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    let grown = send_all(&sender, &topic_name, 4);
    for (number, partitions) in &grown {
        assert_eq!(*partitions, [partition(*number, 7); 4], "key {number} of 7 partitions");
    }
    let moved = grown.keys().filter(|&&number| partition(number, 7) != partition(number, 3)).count();
    assert!(moved > 10, "only {moved} of {KEYS} keys moved: the keys of this test are badly chosen");

    for record in cluster.read_records(&topic_name) {
        let key = record.key.expect("every record has a key");
        let expected = [3, 7].map(|count| partition_for_key(&key, count) as i32);
        assert!(expected.contains(&record.partition), "{expected:?}: {:?}", record.partition);
    }
}
