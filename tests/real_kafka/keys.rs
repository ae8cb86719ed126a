//! Keys go to the partitions that Java's producer chooses. It wrote the vectors:
//! crates/ottla-core/tests/vectors/murmur2.txt.

use ottla_core::partition::murmur2::{murmur2, partition_for_key};
use ottla_engine::Record;
use ottla_testkit::kafka::{self, ReadRecord};

use crate::harness::Sender;

struct Vector {
    key: Vec<u8>,
    hash: u32,
    /// The partitions of the key with 1, 6, 7 and 100 partitions.
    partitions: [u32; 4],
}

const COUNTS: [u32; 4] = [1, 6, 7, 100];

fn vectors() -> Vec<Vector> {
    let lines =
        include_str!("../../crates/ottla-core/tests/vectors/murmur2.txt").lines().filter(|line| !line.starts_with('#'));
    let parse = |(number, line): (u64, &str)| {
        let words: Vec<&str> = line.split(' ').collect();
        let [kind, length, hash, six, seven, hundred] = words[..] else { panic!("not a vector: {line}") };
        let key = match kind {
            "t" => format!("key-{number}").into_bytes(),
            _ => xorshift(number, length.parse().expect("a length")),
        };
        let partition = |text: &str| text.parse().expect("a partition");
        Vector {
            key,
            hash: u32::from_str_radix(hash, 16).expect("a hash"),
            partitions: [0, partition(six), partition(seven), partition(hundred)],
        }
    };
    (0..).zip(lines).map(parse).collect()
}

fn xorshift(number: u64, length: usize) -> Vec<u8> {
    let mut state = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let step = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 56) as u8
    };
    std::iter::repeat_with(step).take(length).collect()
}

#[test]
fn ten_thousand_keys_have_the_partitions_that_java_gives_them() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 10_000);
    for vector in &vectors {
        assert_eq!(murmur2(&vector.key), vector.hash, "{:?}", vector.key);
        for (count, expected) in COUNTS.iter().zip(vector.partitions) {
            assert_eq!(partition_for_key(&vector.key, *count), expected, "{:?} on {count} partitions", vector.key);
        }
    }
}

/// The first keys wait for metadata and the later ones do not. Both ways must agree. Java's producer writes the same
/// keys.
#[test]
fn keys_reach_the_partitions_of_a_real_topic() {
    let cluster = kafka::shared();
    let (ours, javas) = (cluster.new_topic("keys", 7), cluster.new_topic("keys-java", 7));
    let vectors: Vec<Vector> = vectors().into_iter().step_by(20).collect();
    let sender = Sender::new(cluster.bootstrap(), &[]);
    let topic = sender.topic(&ours);
    for (tag, vector) in (0..).zip(&vectors) {
        sender.send(&topic, &Record { key: Some(&vector.key), value: Some(b"v"), ..Record::default() }, tag);
        if tag == 100 {
            sender.flush();
        }
    }
    for (reported, vector) in sender.all_delivered(vectors.len() as u64).iter().zip(&vectors) {
        assert_eq!(reported.partition as u32, vector.partitions[2], "{:?}", vector.key);
    }
    let record = |vector: &Vector| ReadRecord {
        partition: -1,
        offset: -1,
        timestamp: 1,
        key: Some(vector.key.clone()),
        value: Some(b"v".to_vec()),
        headers: Vec::new(),
    };
    cluster.produce_with_java(&javas, &vectors.iter().map(record).collect::<Vec<_>>(), &[]);
    let keys = |topic: &str| -> Vec<(i32, Option<Vec<u8>>)> {
        cluster.read_records(topic).into_iter().map(|record| (record.partition, record.key)).collect()
    };
    assert_eq!(keys(&ours), keys(&javas), "our records (left) and Java's");
}
