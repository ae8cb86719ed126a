//! The harness for real brokers keeps its promises: `cargo test -p ottla-testkit --test kafka`.

use ottla_testkit::kafka::{self, Checksum, Cluster, DEFAULT_VERSION, Isolation, Options, ReadRecord, Reader};
use std::collections::BTreeMap;
use std::process::Command;

fn record(partition: i32, timestamp: i64, key: Option<&str>, value: Option<&str>) -> ReadRecord {
    let bytes = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
    ReadRecord { partition, offset: 0, timestamp, key: bytes(key), value: bytes(value), headers: Vec::new() }
}

/// Null and empty keys and values, headers of all kinds, timestamps that go back and forth. Their offsets are the
/// expected ones.
fn awkward_records() -> Vec<ReadRecord> {
    let now = 1_700_000_000_000;
    let mut records = vec![
        record(0, now, None, None),
        record(0, now - 5, Some(""), Some("")),
        record(0, now + 5, None, Some("")),
        record(1, 0, Some("key"), None),
        record(1, now, Some("key"), Some("value")),
        record(3, 1, Some("k"), Some("v")),
    ];
    records[4].headers = vec![
        ("a".into(), Some(b"1".to_vec())),
        ("a".into(), Some(vec![0, 255, 10])),
        ("".into(), Some(Vec::new())),
        ("null \u{1f986}".into(), None),
    ];
    let mut next = BTreeMap::<i32, i64>::new();
    for record in &mut records {
        let offset = next.entry(record.partition).or_default();
        record.offset = *offset;
        *offset += 1;
    }
    records
}

#[test]
fn both_readers_return_what_java_wrote() {
    let broker = kafka::shared();
    let topic = broker.new_topic("awkward", 4);
    let records = awkward_records();
    broker.produce_with_java(&topic, &records, &[("compression.type", "zstd")]);
    assert_eq!(broker.read_records(&topic), records);
    assert_eq!(broker.read_records_with(&topic, Reader::Librdkafka, Isolation::ReadUncommitted), records);

    let summaries = broker.read_back(&topic, Reader::Java(DEFAULT_VERSION));
    assert_eq!(broker.read_back(&topic, Reader::Librdkafka), summaries);
    assert_eq!(summaries.iter().map(|s| s.count).collect::<Vec<_>>(), [3, 2, 0, 1]);
    assert_eq!(summaries.iter().map(|s| s.last_offset).collect::<Vec<_>>(), [2, 1, -1, 0]);
    for summary in summaries {
        let mut checksum = Checksum::new();
        records.iter().filter(|r| r.partition == summary.partition).for_each(|r| checksum.add_record(r));
        assert_eq!(summary.checksum, checksum.value(), "partition {}", summary.partition);
    }
    broker.delete_topic(&topic);
}

#[test]
fn topics_grow_and_are_described() {
    let broker = kafka::shared();
    let topic = broker.new_topic("growing", 1);
    broker.grow(&topic, 4);
    broker.configure_topic(&topic, "max.message.bytes", "2000");
    let partitions = broker.describe(&topic);
    assert_eq!(partitions.len(), 4);
    assert!(partitions.iter().all(|p| p.leader == Some(1) && p.in_sync == [1]));
    broker.delete_topic(&topic);
}

#[test]
fn three_brokers_with_a_separate_controller_survive_two_deaths() {
    let cluster = Cluster::start(Options { brokers: 3, separate_controller: true, ..Options::default() });
    cluster.create_topic("t", 3, 3, &[("min.insync.replicas", "1")]);
    cluster.wait_in_sync();
    cluster.move_partition("t", 0, &[2, 3, 1]);
    assert_eq!(cluster.describe("t")[0].leader, Some(2));
    cluster.rotate("t");
    assert_eq!(cluster.describe("t")[0].replicas, [3, 1, 2]);
    cluster.elect("t");
    assert!(cluster.describe("t").iter().all(|partition| partition.leader == partition.replicas.first().copied()));
    cluster.kill(2);
    cluster.terminate(3);
    let records = [record(1, 1, None, Some("one broker left"))];
    cluster.produce_with_java("t", &records, &[("acks", "all")]);
    cluster.restart(2);
    cluster.restart(3);
    cluster.pause(1);
    cluster.resume(1);
    cluster.wait_serving();
    cluster.wait_in_sync();
    assert_eq!(cluster.read_records("t"), records);
}

#[test]
fn the_last_kafka_with_zookeeper_serves_and_restarts() {
    let version = "2.8.2";
    let cluster = Cluster::start(Options { version: version.into(), ..Options::default() });
    cluster.create_topic("t", 2, 1, &[]);
    let records = [record(0, 7, Some("k"), Some("v")), record(1, 8, None, Some("w"))];
    cluster.produce_with_java("t", &records, &[]);
    cluster.kill(1);
    cluster.restart(1);
    let summaries = cluster.read_back("t", Reader::Java(version));
    assert_eq!(summaries, cluster.read_back("t", Reader::Java(DEFAULT_VERSION)));
    assert_eq!(summaries, cluster.read_back("t", Reader::Librdkafka));
    assert_eq!(cluster.read_records("t"), records);
}

#[test]
fn the_last_kafka_3_is_read_by_its_own_consumer() {
    is_read_by_its_own_consumer("3.9.1");
}

#[test]
fn the_newest_kafka_is_read_by_its_own_consumer() {
    is_read_by_its_own_consumer("4.4.0");
}

fn is_read_by_its_own_consumer(version: &'static str) {
    let cluster = Cluster::start(Options { version: version.into(), ..Options::default() });
    cluster.create_topic("t", 1, 1, &[]);
    cluster.produce_with_java("t", &[record(0, 7, Some("k"), Some("v"))], &[("enable.idempotence", "true")]);
    let summaries = cluster.read_back_with("t", Reader::Java(version), Isolation::ReadCommitted);
    assert_eq!(summaries, cluster.read_back("t", Reader::Librdkafka));
}

#[test]
fn a_cluster_ends_with_its_owner() {
    // The owner is a process that only sleeps, and is killed.
    let mut owner = Command::new("sleep").arg("600").spawn().expect("sleep starts");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/kafka/kafka");
    let name = format!("orphan-{}", std::process::id());
    let started = Command::new(script)
        .args(["start", "--name", &name, "--owner-pid", &owner.id().to_string()])
        .output()
        .expect("the script runs");
    assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
    owner.kill().expect("it is our child");
    owner.wait().expect("it is our child");
    let ended = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        let status = Command::new(script).args(["status", &name]).output().expect("the script runs");
        let text = String::from_utf8_lossy(&status.stdout).into_owned();
        text.starts_with("not running") && text.contains("NODE 1 dead")
    });
    assert!(ended, "{name} outlives its owner");
    assert!(Command::new(script).args(["stop", &name]).status().is_ok_and(|status| status.success()));
}
