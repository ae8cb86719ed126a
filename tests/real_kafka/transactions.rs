//! Transactions on real brokers of both generations: 4.3.1 has transaction.version 2, 3.9.1 has 1. Other clients read
//! back what was committed.

use std::time::Duration;

use ottla_core::accumulator::TransactionState;
use ottla_engine::{Record, Wait};
use ottla_testkit::kafka::{Cluster, DEFAULT_VERSION, Isolation, Options, Reader};

use crate::harness::Sender;

const SOON: Wait = Wait::AtMost(Duration::from_secs(30));

fn sender(bootstrap: &str, id: &str) -> Sender {
    Sender::new(bootstrap, &[("transactional.id", id), ("linger.ms", "2")])
}

/// Runs transactions of 1 to 7 records over three partitions. Every third is aborted. Returns the values that should be
/// visible, in order.
fn transact(cluster: &Cluster, topic_name: &str, id: &str, count: u64) -> Vec<String> {
    let sender = sender(cluster.bootstrap(), id);
    sender.producer.init_transactions(SOON).expect("initialized");
    let topic = sender.topic(topic_name);
    let mut kept = Vec::new();
    for number in 0..count {
        sender.producer.begin_transaction().expect("begun");
        let values: Vec<String> = (0..=number % 7).map(|record| format!("{number}-{record}")).collect();
        for (value, partition) in values.iter().zip([0, 1, 2].into_iter().cycle()) {
            let record = Record { partition: Some(partition), value: Some(value.as_bytes()), ..Record::default() };
            sender.send(&topic, &record, number);
        }
        if number % 3 == 2 {
            sender.producer.abort_transaction(SOON).expect("aborted");
        } else {
            sender.producer.commit_transaction(SOON).expect("committed");
            kept.extend(values);
        }
    }
    assert_eq!(sender.producer.transaction_state(), TransactionState::Ready);
    sender.producer.close(SOON).expect("closed");
    kept
}

fn seen(cluster: &Cluster, topic: &str, reader: Reader) -> Vec<String> {
    let records = cluster.read_records_with(topic, reader, Isolation::ReadCommitted);
    records.iter().map(|record| String::from_utf8(record.value.clone().expect("a value")).expect("text")).collect()
}

fn committed_and_nothing_else(cluster: &Cluster) {
    let topic = cluster.new_topic("transactions", 3);
    let mut kept = transact(cluster, &topic, &format!("{topic}-id"), 30);
    kept.sort();
    for reader in [Reader::Java(DEFAULT_VERSION), Reader::Librdkafka] {
        let mut seen = seen(cluster, &topic, reader);
        seen.sort();
        assert_eq!(seen, kept, "{reader:?}");
    }
}

#[test]
fn only_committed_records_are_seen_on_4_3() {
    committed_and_nothing_else(ottla_testkit::kafka::shared());
}

#[test]
fn only_committed_records_are_seen_on_3_9() {
    let cluster = Cluster::start(Options { version: "3.9.1".into(), ..Options::default() });
    committed_and_nothing_else(&cluster);
}
