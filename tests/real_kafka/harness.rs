//! What the tests against real brokers share: records made from a number, and a ledger of what was reported about them.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ottla_engine::{
    Completion, Config, CounterSnapshot, Error, Fate, Header, Level, Producer, Record, Report, TopicHandle, Wait,
};
use ottla_testkit::kafka::{Checksum, Cluster, PartitionSummary, ReadRecord, Reader};

/// Whether to run the long form of the tests.
pub fn soak() -> bool {
    std::env::var("OTTLA_SOAK").is_ok_and(|value| value == "1")
}

/// Returns `sample` in `cargo test`, `full` with `OTTLA_SOAK=1`.
pub fn size(sample: u64, full: u64) -> u64 {
    if soak() { full } else { sample }
}

/// What was reported about one record.
#[derive(Clone, Debug)]
pub struct Reported {
    pub tag: u64,
    pub partition: i32,
    pub offset: i64,
    pub timestamp: i64,
    pub fate: Fate,
    pub error: Option<Error>,
    pub attempts: u32,
}

/// A producer, and everything that it reported.
pub struct Sender {
    pub producer: Producer,
    reported: Arc<Mutex<Vec<Reported>>>,
    log: Arc<Mutex<Vec<String>>>,
}

pub fn config(bootstrap: &str, properties: &[(&str, &str)]) -> Config {
    let mut config = Config::new();
    for (name, value) in [("bootstrap.servers", bootstrap)].iter().chain(properties) {
        config.set(name, value).unwrap_or_else(|error| panic!("{name}={value}: {error}"));
    }
    config
}

impl Sender {
    pub fn new(bootstrap: &str, properties: &[(&str, &str)]) -> Sender {
        let reported: Arc<Mutex<Vec<Reported>>> = Arc::default();
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let (ledger, lines) = (reported.clone(), log.clone());
        let sink = move |report: Report| {
            ledger.lock().expect("lock").extend(report.deliveries().map(|delivery| Reported {
                tag: delivery.tag,
                partition: delivery.partition,
                offset: delivery.offset,
                timestamp: delivery.timestamp,
                fate: delivery.fate,
                error: delivery.error.cloned(),
                attempts: delivery.attempts,
            }));
        };
        let log_line = Box::new(move |level: Level, line: &str| {
            let mut lines = lines.lock().expect("lock");
            lines.push(format!("{:?} {level:?} {line}", now()));
        });
        let producer =
            Producer::new(&config(bootstrap, properties), Box::new(sink), log_line, Level::Info).expect("a producer");
        Sender { producer, reported, log }
    }

    pub fn topic(&self, name: &str) -> TopicHandle {
        self.producer.topic(name).expect("a topic")
    }

    pub fn send(&self, topic: &TopicHandle, record: &Record<'_>, tag: u64) {
        self.producer
            .send(topic, record, Completion::Tag(tag), Wait::Forever)
            .unwrap_or_else(|error| panic!("record {tag} was not accepted: {error}"));
    }

    /// Waits until every accepted record is reported.
    pub fn flush(&self) {
        if let Err(error) = self.producer.flush(Wait::AtMost(Duration::from_secs(240))) {
            panic!("{error}; {:?}\n{}", self.counters(), self.log());
        }
    }

    pub fn counters(&self) -> CounterSnapshot {
        self.producer.counters()
    }

    /// The last lines that the producer logged.
    pub fn log(&self) -> String {
        let log = self.log.lock().expect("lock");
        log[log.len().saturating_sub(60)..].join("\n")
    }

    /// Everything reported so far, by tag.
    pub fn reported(&self) -> Vec<Reported> {
        let mut reported = self.reported.lock().expect("lock").clone();
        reported.sort_by_key(|reported| reported.tag);
        reported
    }

    pub fn reported_count(&self) -> usize {
        self.reported.lock().expect("lock").len()
    }

    /// Flushes, closes, and checks that each of the records 0 to `count` was reported once, as written.
    pub fn all_delivered(self, count: u64) -> Vec<Reported> {
        self.flush();
        self.producer.close(Wait::AtMost(Duration::from_secs(20))).expect("closed");
        let reported = self.reported();
        for (expected, reported) in (0..).zip(&reported) {
            assert_eq!(reported.tag, expected, "each record is reported once\n{}", self.log());
            assert!(reported.error.is_none() && reported.fate == Fate::Written, "{reported:?}\n{}", self.log());
        }
        assert_eq!(reported.len() as u64, count, "each record is reported\n{}", self.log());
        let counters = self.counters();
        assert_eq!((counters.records_delivered, counters.records_failed), (count, 0));
        reported
    }
}

/// Writes an empty record to each partition. A broker reports that it leads a new partition a moment before it does,
/// and refuses records until then. For tests that count requests or retries.
pub fn prime(cluster: &Cluster, topic_name: &str, partitions: i32) {
    let sender = Sender::new(cluster.bootstrap(), &[]);
    let topic = sender.topic(topic_name);
    for partition in 0..partitions {
        sender.send(&topic, &Record { partition: Some(partition), ..Record::default() }, partition as u64);
    }
    sender.all_delivered(partitions as u64);
}

pub fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970")
}

pub fn now_ms() -> i64 {
    now().as_millis() as i64
}

/// splitmix64: a sequence of numbers for each seed.
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// From `low` to `high`, with each order of magnitude equally likely.
    pub fn log_uniform(&mut self, low: f64, high: f64) -> usize {
        let at = self.next() as f64 / u64::MAX as f64;
        (low * (high / low).powf(at)) as usize
    }
}

const NOISE: usize = 1 << 20;

/// Bytes that no codec can compress.
pub fn noise(random: &mut Random, length: usize) -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    let bytes = BYTES.get_or_init(|| {
        let mut random = Random::new(1);
        (0..NOISE / 8).flat_map(|_| random.next().to_le_bytes()).collect()
    });
    let at = random.below((NOISE - length + 1) as u64) as usize;
    &bytes[at..at + length]
}

/// Bytes that every codec compresses.
pub fn text(random: &mut Random, length: usize) -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    const WORDS: [&str; 8] = ["order ", "paid ", "sent ", "customer-", "grüße ", "{\"id\":", "}, ", "0123456789"];
    let bytes = BYTES.get_or_init(|| {
        let mut random = Random::new(2);
        let words = std::iter::repeat_with(|| WORDS[random.below(8) as usize].bytes()).flatten();
        words.take(NOISE).collect()
    });
    let at = random.below((NOISE - length + 1) as u64) as usize;
    &bytes[at..at + length]
}

/// A record of any shape, made from a number alone, so that sent records need not be kept for comparison.
pub struct Varied {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(&'static str, Option<Vec<u8>>)>,
    pub timestamp: Option<i64>,
    pub partition: Option<i32>,
}

/// The earliest explicit timestamp.
const TIMES_FROM: i64 = 0;
const TIMES: u64 = 1_760_000_000_000;

impl Varied {
    pub fn new(seed: u64, number: u64, partitions: u64) -> Varied {
        let mut random = Random::new(seed.wrapping_mul(0x5851_f42d_4c95_7f2d) ^ number);
        let r = &mut random;
        let key = match r.below(10) {
            0..3 => None,
            3 => Some(Vec::new()),
            4 => Some(format!("key-{}", r.below(50)).into_bytes()),
            _ => Some(bytes(r, 40)),
        };
        let value = match r.below(20) {
            0 => None,
            1 => Some(Vec::new()),
            2 => Some(bytes(r, 6000)),
            _ => Some(bytes(r, 500)),
        };
        let names = ["trace", "trace", "", "größe", "content-type"];
        let headers = match r.below(4) {
            0 => r.below(6),
            _ => 0,
        };
        let headers = (0..headers).map(|_| {
            let name = names[r.below(5) as usize];
            let value = match r.below(4) {
                0 => None,
                1 => Some(Vec::new()),
                _ => Some(bytes(r, 30)),
            };
            (name, value)
        });
        let headers = headers.collect();
        let timestamp = (r.below(3) == 0).then(|| TIMES_FROM + r.below(TIMES) as i64);
        let partition = (r.below(4) == 0).then(|| r.below(partitions) as i32);
        Varied { key, value, headers, timestamp, partition }
    }

    pub fn with<T>(&self, use_it: impl FnOnce(&Record<'_>) -> T) -> T {
        let headers: Vec<Header<'_>> = self
            .headers
            .iter()
            .map(|(name, value)| Header { name: name.as_bytes(), value: value.as_deref() })
            .collect();
        use_it(&Record {
            partition: self.partition,
            timestamp: self.timestamp,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: &headers,
            ..Record::default()
        })
    }

    pub fn add_to(&self, checksum: &mut Checksum, timestamp: i64) {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (*name, value.as_deref())).collect();
        checksum.add(timestamp, self.key.as_deref(), self.value.as_deref(), headers);
    }
}

/// Up to `longest` bytes. Half of them can be compressed.
fn bytes(random: &mut Random, longest: u64) -> Vec<u8> {
    let length = random.below(longest) as usize;
    match random.below(2) {
        0 => noise(random, length).to_vec(),
        _ => text(random, length).to_vec(),
    }
}

/// What a reader should find in each partition, derived from the reports. `add` puts a record into the checksum. Checks
/// that offsets run from 0 without a gap, and that records of one thread are in the order of their tags.
pub fn expected(
    reported: &[Reported],
    partitions: u32,
    sender_of: impl Fn(u64) -> u64,
    add: impl Fn(&Reported, &mut Checksum),
) -> Vec<PartitionSummary> {
    let mut by_partition: BTreeMap<i32, Vec<&Reported>> = (0..partitions as i32).map(|p| (p, Vec::new())).collect();
    for reported in reported {
        by_partition.get_mut(&reported.partition).expect("a partition of the topic").push(reported);
    }
    let summary = |(partition, mut reported): (i32, Vec<&Reported>)| {
        reported.sort_by_key(|reported| reported.offset);
        let mut last: BTreeMap<u64, u64> = BTreeMap::new();
        let mut checksum = Checksum::new();
        for (offset, reported) in (0..).zip(&reported) {
            assert_eq!(reported.offset, offset, "partition {partition} has each offset once: {reported:?}");
            let before = last.insert(sender_of(reported.tag), reported.tag);
            assert!(
                before < Some(reported.tag),
                "partition {partition}: record {} lies behind {before:?}",
                reported.tag
            );
            add(reported, &mut checksum);
        }
        PartitionSummary {
            partition,
            count: reported.len() as u64,
            first_offset: if reported.is_empty() { -1 } else { 0 },
            last_offset: reported.len() as i64 - 1,
            checksum: checksum.value(),
        }
    };
    by_partition.into_iter().map(summary).collect()
}

/// Reads the topic with each of the readers and compares the results.
pub fn compare(cluster: &Cluster, topic: &str, readers: &[Reader], expected: &[PartitionSummary]) {
    for &reader in readers {
        let read = cluster.read_back(topic, reader);
        for (read, expected) in read.iter().zip(expected) {
            assert_eq!(read, expected, "{topic} as {reader:?} reads it (left) and as it was sent (right)");
        }
        assert_eq!(read.len(), expected.len(), "{topic}: partitions that {reader:?} sees");
    }
}

/// A value that begins with its number, padded to `length`, for [`check_stamps`].
pub fn stamp(number: u64, length: usize) -> Vec<u8> {
    let mut value = format!("{number:020} ").into_bytes();
    value.resize(length.max(value.len()), b'.');
    value
}

/// Checks that `records` have the stamps 0 to `count`, each once and in order within each partition.
pub fn check_stamps(records: &[ReadRecord], count: u64) {
    let mut seen = vec![0u8; count as usize];
    let mut last: BTreeMap<i32, u64> = BTreeMap::new();
    let (mut twice, mut disordered) = (Vec::new(), Vec::new());
    for record in records {
        let value = record.value.as_deref().expect("a stamped value");
        let number: u64 = std::str::from_utf8(&value[..20]).ok().and_then(|n| n.parse().ok()).expect("a stamp");
        seen[number as usize] += 1;
        if seen[number as usize] > 1 {
            twice.push((record.partition, record.offset, number));
        }
        if last.insert(record.partition, number).is_some_and(|before| before >= number) {
            disordered.push((record.partition, record.offset, number));
        }
    }
    let lost: Vec<usize> = (0..seen.len()).filter(|&number| seen[number] == 0).collect();
    let first = |list: &[(i32, i64, u64)]| format!("{:?}", &list[..list.len().min(5)]);
    assert!(
        lost.is_empty() && twice.is_empty() && disordered.is_empty(),
        "of {count} records {} are lost {:?}, {} lie twice {}, {} out of order {} (partition, offset, number)",
        lost.len(),
        &lost[..lost.len().min(5)],
        twice.len(),
        first(&twice),
        disordered.len(),
        first(&disordered)
    );
}
