//! What accumulator and compressors allocate: nothing for a record, little for a batch, and nothing for a batch like an
//! earlier one.
#![expect(unsafe_code, reason = "a serializer")]

use std::time::Duration;

use ottla_core::accumulator::{Accumulator, AccumulatorSettings, Command, Mail, Submission, Topic, TopicSettings};
use ottla_core::batch::{Completion, Outcome, Room};
use ottla_core::compress::{Codec, Compressor};
use ottla_core::sync::{Arc, Clock, Time};
use ottla_engine::{Fate, Record};
use ottla_testkit::allocator::{Counting, allocations_during};

#[global_allocator]
static COUNTING: Counting = Counting;

/// A clock that stands still, so that every run makes the same batches.
struct Still;

impl Clock for Still {
    fn monotonic(&self) -> Time {
        Time(1)
    }

    fn wall_ms(&self) -> i64 {
        1_700_000_000_000
    }
}

const PARTITIONS: usize = 8;
const VALUE: [u8; 100] = [7; 100];

struct Stage {
    accumulator: Accumulator,
    topic: Arc<Topic>,
    mail: Mail<Command>,
    tag: u64,
    /// The sticky partitioner chooses the partition of some records.
    sticky: bool,
}

impl Stage {
    fn new(sticky: bool) -> Self {
        let accumulator = Accumulator::new(&AccumulatorSettings {
            buffer_memory: 32 << 20,
            retain: false,
            batch_size: 16384,
            batch_limit: 1 << 20,
            topic: TopicSettings::default(),
            seed: 1,
        });
        let topic = accumulator.topics.get("t");
        let slots = accumulator.partitions_for(&topic, PARTITIONS);
        let rejected = accumulator.assign(&topic, slots, &Still);
        assert_eq!(rejected.into_reports(Time::ZERO).count(), 0);
        Stage { accumulator, topic, mail: Mail::default(), tag: 0, sticky }
    }

    fn send(&mut self, count: usize) {
        for _ in 0..count {
            self.tag += 1;
            let key = self.tag.to_be_bytes();
            let record = Record {
                // Explicit, keyed and sticky partitions.
                partition: (!self.sticky || self.tag.is_multiple_of(3))
                    .then_some((self.tag % PARTITIONS as u64) as i32),
                key: self.tag.is_multiple_of(2).then_some(&key),
                value: Some(&VALUE),
                ..Record::default()
            };
            let completion = match self.tag % 5 {
                0 => Completion::Call { call: 1, tag: self.tag },
                _ => Completion::Tag(self.tag),
            };
            let submission = Submission::new(&self.topic, &record, &completion, &Still);
            self.accumulator.accept(&submission, &mut Room::default()).expect("there is room");
        }
    }

    /// Does what the sender does with batches, without a broker. Returns how many there were.
    fn take_and_decide(&mut self) -> usize {
        let mut batches = 0;
        self.accumulator.inbox.take(&mut self.mail);
        for slot in self.mail.slots.drain(..) {
            while let (Some(mut batch), _) = slot.take() {
                batch.seal();
                let outcome = Outcome {
                    fate: Fate::Written,
                    base_offset: 0,
                    log_append_time: -1,
                    error: None,
                    latency: Duration::ZERO,
                };
                let report = batch.decide(outcome);
                assert!(report.deliveries().all(|delivery| delivery.offset >= 0));
                batches += 1;
            }
        }
        batches
    }
}

/// The allocations for a hundred thousand records, after as many to warm up, and the number of their batches.
fn steady(sticky: bool) -> (usize, usize) {
    let mut stage = Stage::new(sticky);
    let first = allocations_during(|| stage.send(1000));
    assert!(first > 0, "the counter counts");
    stage.take_and_decide();
    for _ in 0..100 {
        stage.send(1000);
        stage.take_and_decide();
    }
    let mut batches = 0;
    let steady = allocations_during(|| {
        for _ in 0..100 {
            stage.send(1000);
            batches += stage.take_and_decide();
        }
    });
    assert_eq!(stage.accumulator.memory.budget().used(), 0);
    stage.accumulator.memory.close();
    (steady, batches)
}

#[test]
fn in_steady_state_nothing_is_allocated() {
    assert_eq!(steady(false), (0, 800));
}

#[test]
fn batches_of_all_sizes_allocate_next_to_nothing() {
    // Now and then a recycled batch with few chunks becomes one with many.
    let (allocations, batches) = steady(true);
    assert!(batches >= 500 && allocations * 100 <= batches, "{allocations} in {batches} batches of 100000 records");
}

#[test]
fn a_new_batch_costs_a_bounded_number_of_allocations() {
    let mut stage = Stage::new(true);
    // Warms up the inbox's vectors and the slots' queues.
    for _ in 0..3 {
        stage.send(2000);
        stage.take_and_decide();
    }
    // All free memory is released, so that no batch is recycled.
    let mut batches = 0;
    let made = allocations_during(|| {
        for _ in 0..50 {
            stage.accumulator.memory.trim(0);
            stage.send(2000);
            batches += stage.take_and_decide();
        }
    });
    // 2000 records in 8 batches of 30 KiB: the batch, its payload, five chunks of data, four of entries (two of them
    // widened), and the vectors that hold these.
    assert!(made <= batches * 24, "{made} allocations for {batches} batches");
    assert!(made >= batches * 4, "{made} for {batches}: the free lists were given back");
    stage.accumulator.memory.close();
}

#[test]
fn objects_are_serialized_without_allocations() {
    use ottla_core::serialize::{Object, Objects, Serialized, Serializer};

    /// Writes a number as text, with a header.
    struct Text;

    impl ottla_core::config::Plugin for Text {
        fn configure(&self, _: &ottla_core::config::PluginSettings) -> Result<(), String> {
            Ok(())
        }

        fn close(&self) {}
    }

    impl Serializer for Text {
        unsafe fn serialize(&self, _: &str, _: Object, out: &mut Serialized) -> Result<(), String> {
            out.append(b"a text of some length");
            out.add_header(b"type", Some(b"text"));
            Ok(())
        }
    }

    let mut config = ottla_engine::Config::new();
    config.set("bootstrap.servers", "127.0.0.1:1").expect("an address");
    config.set("key.serializer", "uuid").expect("a serializer");
    let plugins = ottla_engine::producer::Plugins { value_serializer: Some(Arc::new(Text)), ..Default::default() };
    let sink = Box::new(|_: ottla_engine::Report| ());
    let producer =
        ottla_engine::Producer::with_plugins(&config, &plugins, sink, Box::new(|_, _| ()), ottla_engine::Level::Error)
            .expect("a producer");
    let topic = producer.topic("t").expect("a topic");
    let uuid = [7u8; 16];
    let send = |count: u64| {
        for tag in 0..count {
            let object = Object::new(std::ptr::from_ref(&uuid).cast());
            let (objects, completion) = (Objects { key: object, value: object }, Completion::Tag(tag));
            // SAFETY: the object is of the kind that both serializers read, and outlives the call.
            let sent = unsafe {
                producer.send_objects(&topic, &Record::default(), objects, &completion, ottla_engine::Wait::Never)
            };
            sent.expect("accepted");
        }
    };
    send(1000);
    // The queue of an unknown topic allocates chunks and batches, and nothing per record.
    let made = allocations_during(|| send(10_000));
    assert!(made < 500, "{made} allocations for 10000 records");
}

#[test]
fn compressing_a_second_batch_allocates_nothing() {
    let plain: Vec<u8> = (0..300_000u32).flat_map(|number| (number / 7).to_le_bytes()).collect();
    for (codec, level) in [(Codec::None, 0), (Codec::Gzip, 6), (Codec::Snappy, 0), (Codec::Lz4, 9), (Codec::Zstd, 3)] {
        for chunk in [plain.len(), 16_384, 1_000] {
            let mut compressor = Compressor::new(codec, level).unwrap();
            let mut out = Vec::new();
            let mut batch = |length: usize| {
                out.clear();
                allocations_during(|| compressor.compress(plain[..length].chunks(chunk), &mut out).unwrap())
            };
            assert!(batch(plain.len()) > 0, "{codec:?}: the counter counts");
            for length in [plain.len(), 16_384, 0, 65_536, 100_000, plain.len()] {
                assert_eq!(batch(length), 0, "{codec:?}, {length} bytes in chunks of {chunk}");
            }
        }
    }
}
