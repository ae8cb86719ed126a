//! A consumer group's offsets in transactions. Java's consumer reads a topic that is copied, and Java's admin client
//! returns what the group committed.

use std::collections::BTreeMap;
use std::time::Duration;

use ottla_core::accumulator::{GroupMetadata, Offset, OffsetCommit, TransactionState};
use ottla_engine::{ErrorKind, Record, Wait};
use ottla_testkit::kafka::{self, Cluster, GroupMember, Isolation, Options, Reader};

use crate::harness::Sender;

const SOON: Wait = Wait::AtMost(Duration::from_secs(30));
const RECORDS: usize = 60;

fn copier(cluster: &Cluster, id: &str) -> Sender {
    let sender = Sender::new(cluster.bootstrap(), &[("transactional.id", id), ("linger.ms", "2")]);
    sender.producer.init_transactions(SOON).expect("initialized");
    sender
}

/// Fills a topic of three partitions with different values.
fn filled(cluster: &Cluster) -> String {
    let topic = cluster.new_topic("consumed", 3);
    let sender = Sender::new(cluster.bootstrap(), &[]);
    let handle = sender.topic(&topic);
    for number in 0..RECORDS {
        let value = format!("value {number}");
        let partition = Some((number % 3) as i32);
        sender.send(&handle, &Record { partition, value: Some(value.as_bytes()), ..Record::default() }, number as u64);
    }
    sender.all_delivered(RECORDS as u64);
    topic
}

/// The offsets after those that were read.
fn next_offsets(topic: &str, read: &[(i32, i64, Vec<u8>)]) -> BTreeMap<(String, i32), i64> {
    read.iter().map(|&(partition, offset, _)| ((topic.to_owned(), partition), offset + 1)).collect()
}

/// The commit of the offsets that `member` has read.
fn commit_of(member: &GroupMember, group: &str, topic: &str) -> OffsetCommit {
    let group = GroupMetadata {
        group_id: group.into(),
        generation_id: Some(member.generation_id),
        member_id: member.member_id.clone(),
        group_instance_id: None,
    };
    let offsets = next_offsets(topic, &member.records).into_iter().map(|((topic, partition), offset)| Offset {
        topic,
        partition,
        offset,
        leader_epoch: None,
        metadata: None,
    });
    OffsetCommit { group, offsets: offsets.collect() }
}

fn copy(sender: &Sender, to: &str, records: &[(i32, i64, Vec<u8>)]) {
    let topic = sender.topic(to);
    for (number, (partition, _, value)) in records.iter().enumerate() {
        let record = Record { partition: Some(*partition), value: Some(value), ..Record::default() };
        sender.send(&topic, &record, number as u64);
    }
}

fn seen(cluster: &Cluster, topic: &str) -> Vec<(i32, Vec<u8>)> {
    let records = cluster.read_records_with(topic, Reader::Librdkafka, Isolation::ReadCommitted);
    let mut seen: Vec<_> =
        records.into_iter().map(|record| (record.partition, record.value.expect("a value"))).collect();
    seen.sort();
    seen
}

fn copied_with_its_offsets(cluster: &Cluster) {
    let (from, to) = (filled(cluster), cluster.new_topic("copied", 3));
    let group = format!("{to}-group");
    let sender = copier(cluster, &group);
    let mut member = cluster.join_group(&group, &from, RECORDS);

    // First an abort: neither the copies nor the offsets are visible.
    sender.producer.begin_transaction().expect("begun");
    copy(&sender, &to, &member.records);
    sender.producer.send_offsets_to_transaction(commit_of(&member, &group, &from), SOON).expect("sent");
    sender.producer.abort_transaction(SOON).expect("aborted");
    assert_eq!((cluster.group_offsets(&group), seen(cluster, &to)), (BTreeMap::new(), Vec::new()));

    // Then a commit: both are visible.
    sender.producer.begin_transaction().expect("begun");
    copy(&sender, &to, &member.records);
    sender.producer.send_offsets_to_transaction(commit_of(&member, &group, &from), SOON).expect("sent");
    sender.producer.commit_transaction(SOON).expect("committed");
    assert_eq!(cluster.group_offsets(&group), next_offsets(&from, &member.records));
    let mut expected: Vec<_> = member.records.iter().map(|(partition, _, value)| (*partition, value.clone())).collect();
    expected.sort();
    assert_eq!(seen(cluster, &to), expected);

    // A consumer that has left is fenced, because another consumer may have its partitions by now.
    member.leave();
    member.records.iter_mut().for_each(|record| record.1 += 1000);
    sender.producer.begin_transaction().expect("begun");
    copy(&sender, &to, &member.records);
    let error = sender
        .producer
        .send_offsets_to_transaction(commit_of(&member, &group, &from), SOON)
        .expect_err("the member left its group");
    // UNKNOWN_MEMBER_ID, or ILLEGAL_GENERATION.
    assert!(matches!(error.kind(), ErrorKind::Broker(25 | 22)), "{error}");
    assert!(error.requires_abort() && !error.is_fatal(), "{error}");
    assert_eq!(sender.producer.transaction_state(), TransactionState::AbortRequired);
    assert!(sender.producer.commit_transaction(SOON).expect_err("it has to be aborted").requires_abort());
    sender.producer.abort_transaction(SOON).expect("aborted");
    assert_eq!(seen(cluster, &to), expected);
    member.records.iter_mut().for_each(|record| record.1 -= 1000);
    assert_eq!(cluster.group_offsets(&group), next_offsets(&from, &member.records));

    // The producer goes on.
    sender.producer.begin_transaction().expect("begun");
    copy(&sender, &to, &member.records[..1]);
    sender.producer.commit_transaction(SOON).expect("committed");
    sender.producer.close(SOON).expect("closed");
    assert_eq!(seen(cluster, &to).len(), expected.len() + 1);
}

#[test]
fn a_copy_and_the_offsets_of_its_consumer_are_seen_together_on_4_3() {
    copied_with_its_offsets(kafka::shared());
}

#[test]
fn a_copy_and_the_offsets_of_its_consumer_are_seen_together_on_3_9() {
    let cluster = Cluster::start(Options { version: "3.9.1".into(), ..Options::default() });
    copied_with_its_offsets(&cluster);
}
