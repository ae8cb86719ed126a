//! The cluster's transaction.version is raised and lowered while a producer has transactions.

use std::time::Duration;

use ottla_engine::{Record, Wait};
use ottla_testkit::kafka::{Cluster, Isolation, Options, Reader};

use crate::harness::Sender;

const SOON: Wait = Wait::AtMost(Duration::from_secs(60));

/// Transactions with a record in each of two partitions. Every third is aborted. Adds the committed values to `kept`.
fn transact(sender: &Sender, topic: &str, numbers: std::ops::Range<u64>, kept: &mut Vec<String>) {
    let topic = sender.topic(topic);
    for number in numbers {
        sender.producer.begin_transaction().expect("begun");
        let value = format!("{number:03}");
        for partition in 0..2 {
            let record = Record { partition: Some(partition), value: Some(value.as_bytes()), ..Record::default() };
            sender.send(&topic, &record, number);
        }
        if number % 3 == 2 {
            sender.producer.abort_transaction(SOON).expect("aborted");
        } else {
            sender.producer.commit_transaction(SOON).unwrap_or_else(|error| panic!("{error}\n{}", sender.log()));
            kept.push(value);
        }
    }
}

/// A connection learns the level when it opens. Until a new connection, the producer goes on in the old way.
#[test]
fn transactions_go_on_while_transaction_version_changes() {
    let cluster = Cluster::start(Options::default());
    let topic = cluster.new_topic("feature", 2);
    let sender = Sender::new(cluster.bootstrap(), &[("transactional.id", "feature"), ("linger.ms", "1")]);
    let mut kept = Vec::new();
    sender.producer.init_transactions(SOON).expect("initialized");
    transact(&sender, &topic, 0..10, &mut kept);
    for (number, level) in (1..).zip([1, 2]) {
        cluster.finalize("transaction.version", level);
        transact(&sender, &topic, number * 100..number * 100 + 10, &mut kept);
        cluster.restart(1);
        transact(&sender, &topic, number * 100 + 50..number * 100 + 60, &mut kept);
    }
    sender.producer.close(SOON).expect("closed");
    let read = cluster.read_records_with(&topic, Reader::Librdkafka, Isolation::ReadCommitted);
    for partition in 0..2 {
        let values = read.iter().filter(|record| record.partition == partition);
        let values: Vec<&[u8]> = values.map(|record| record.value.as_deref().expect("a value")).collect();
        assert_eq!(values, kept.iter().map(String::as_bytes).collect::<Vec<_>>());
    }
}
