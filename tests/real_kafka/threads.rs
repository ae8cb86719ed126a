//! Eight threads share a producer and a topic.

use std::time::Instant;

use ottla_engine::Record;
use ottla_testkit::kafka::{self, Cluster, Options, Reader};

use crate::harness::{Random, Sender, compare, expected, noise, size, soak};

const THREADS: u64 = 8;
const PARTITIONS: u32 = 12;

/// The value of a record of thread `tag >> 32`: 99 of 100 are below 4 KB, the sizes of the others log-uniform up to 900
/// KB.
fn value_of(tag: u64) -> (i32, Vec<u8>) {
    let mut random = Random::new(tag);
    let length = match random.below(100) {
        0 => random.log_uniform(4.0 * 1024.0, 900.0 * 1024.0),
        _ => random.below(4 * 1024) as usize,
    };
    let mut value = tag.to_be_bytes().to_vec();
    value.extend_from_slice(noise(&mut random, length.saturating_sub(8)));
    (random.below(PARTITIONS.into()) as i32, value)
}

/// One record in three has a partition, one has a key, and for one the producer chooses.
fn with_record<T>(tag: u64, use_it: impl FnOnce(&Record<'_>) -> T) -> T {
    let (partition, value) = value_of(tag);
    let key = tag.to_le_bytes();
    let record = Record { value: Some(&value), timestamp: Some(1_700_000_000_000), ..Record::default() };
    match tag % 3 {
        0 => use_it(&Record { partition: Some(partition), ..record }),
        1 => use_it(&Record { key: Some(&key), ..record }),
        _ => use_it(&record),
    }
}

#[test]
fn eight_threads_keep_their_order_in_each_partition() {
    let own = soak().then(|| Cluster::start(Options { broker_heap: "512m".into(), ..Options::default() }));
    let cluster = own.as_ref().unwrap_or_else(|| kafka::shared());
    let each = size(20_000, 1_000_000) / THREADS;
    let topic_name = cluster.new_topic("threads", PARTITIONS);
    let sender = Sender::new(cluster.bootstrap(), &[]);
    let topic = sender.topic(&topic_name);
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (sender, topic) = (&sender, &topic);
            scope.spawn(move || {
                for tag in thread << 32..(thread << 32) + each {
                    with_record(tag, |record| sender.send(topic, record, tag));
                }
            });
        }
    });
    sender.flush();
    let (counters, seconds) = (sender.counters(), begin.elapsed().as_secs_f64());
    let reported = sender.reported();
    let tags = (0..THREADS).flat_map(|thread| thread << 32..(thread << 32) + each);
    assert_eq!(reported.len() as u64, THREADS * each);
    for (reported, tag) in reported.iter().zip(tags) {
        assert_eq!((reported.tag, reported.error.is_none()), (tag, true), "{reported:?}\n{}", sender.log());
    }
    println!(
        "{} records, {} bytes from {THREADS} threads in {seconds:.1} s, {} requests, {} batches, {} sent again",
        reported.len(),
        counters.record_bytes,
        counters.produce_requests,
        counters.batches_sent,
        counters.batches_retried
    );
    drop(sender);
    let sender_of = |tag: u64| tag >> 32;
    let expected = expected(&reported, PARTITIONS, sender_of, |reported, checksum| {
        with_record(reported.tag, |record| {
            assert!(record.partition.is_none_or(|partition| partition == reported.partition), "{reported:?}");
            let no_headers: [(&str, Option<&[u8]>); 0] = [];
            checksum.add(reported.timestamp, record.key, record.value, no_headers);
        });
    });
    compare(cluster, &topic_name, &[Reader::Librdkafka, Reader::Java(kafka::DEFAULT_VERSION)], &expected);
    cluster.delete_topic(&topic_name);
}
