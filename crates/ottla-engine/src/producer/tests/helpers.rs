//! Batches that helper threads compress.

use ottla_mock::server::ModelServer;
use ottla_mock::{Api, Cluster};

use super::*;

const PARTITIONS: i32 = 6;
const LONG: Wait = Wait::AtMost(Duration::from_secs(60));

/// A record that compression makes smaller, and that says which it is.
fn value(number: u64) -> Vec<u8> {
    let mut value = number.to_be_bytes().to_vec();
    value.resize(1000, b'.');
    value
}

fn send(producer: &Producer, topic: &TopicHandle, number: u64) -> Result<()> {
    let value = value(number);
    let partition = Some((number % PARTITIONS as u64) as i32);
    let record = Record { partition, value: Some(&value), ..Record::default() };
    producer.send(topic, &record, Completion::Tag(number), Wait::Configured)
}

fn start(properties: &[(&str, &str)]) -> (ModelServer, Producer, Arc<[AtomicU64; 2]>) {
    let mut cluster = Cluster::new(1);
    cluster.create_topic("t", PARTITIONS);
    let server = ModelServer::start(cluster, 1);
    let (producer, counts) = producer_of(&server.bootstrap(), properties);
    (server, producer, counts)
}

#[test]
fn records_arrive_in_order_and_compressed_whoever_compresses_them() {
    const RECORDS: u64 = 3_000;
    for threads in ["0", "1", "4", "-1"] {
        for (codec, number) in [("gzip", 1), ("zstd", 4), ("lz4", 3)] {
            let properties =
                [("compression.type", codec), ("ottla.compression.threads", threads), ("batch.size", "100000")];
            let (server, producer, counts) = start(&properties);
            let topic = producer.topic("t").expect("a topic");
            (0..RECORDS).for_each(|number| send(&producer, &topic, number).expect("accepted"));
            producer.flush(LONG).expect("flushed");
            assert_eq!(counts[0].load(Ordering::SeqCst), RECORDS);
            assert_eq!(producer.buffered_bytes(), 0);
            for partition in 0..PARTITIONS {
                let records = server.with(|cluster| cluster.records("t", partition));
                let expected = (0..RECORDS).filter(|number| number % PARTITIONS as u64 == partition as u64).map(value);
                assert!(records.into_iter().map(|record| record.value.expect("a value")).eq(expected));
            }
            let codecs: Vec<i16> = server.with(|cluster| {
                let requests = cluster.requests_of(Api::Produce);
                requests.iter().flat_map(|request| &request.partitions).map(|partition| partition.codec).collect()
            });
            assert!(codecs.iter().all(|&codec| codec == number), "{codec}: {codecs:?}");
        }
    }
}

#[test]
fn a_producer_that_is_closed_at_once_completes_what_helpers_are_compressing() {
    let (_server, producer, counts) = start(&[("compression.type", "gzip"), ("compression.gzip.level", "9")]);
    let topic = producer.topic("t").expect("a topic");
    (0..5_000).for_each(|number| send(&producer, &topic, number).expect("accepted"));
    producer.shut_down();
    let [delivered, failed] = [0, 1].map(|at| counts[at].load(Ordering::SeqCst));
    assert_eq!(delivered + failed, 5_000);
    assert_eq!(producer.buffered_bytes(), 0);
}
