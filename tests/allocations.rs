//! What the accumulator allocates: nothing for a record, little for a batch, and nothing for a batch of a kind seen before.
#![expect(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use ottla_core::accumulator::{Accumulator, AccumulatorSettings, Command, Lingering, Mail, Topic, TopicSettings};
use ottla_core::batch::{Completion, Outcome, Room};
use ottla_core::sync::{Arc, Clock, Time};
use ottla_engine::{Fate, Record};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: everything is passed on to the system's allocator as it came. (What grows or shrinks in place counts too.)
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as promised by the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as promised by the caller.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

/// Stands still, so that every run makes the same batches.
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
    /// Some records go where the sticky partitioner likes.
    sticky: bool,
}

impl Stage {
    fn new(sticky: bool) -> Self {
        let accumulator = Accumulator::new(&AccumulatorSettings {
            buffer_memory: 32 << 20,
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
                // Explicit, keyed and sticky ones.
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
            self.accumulator
                .accept(&self.topic, &record, &completion, Lingering::Allowed, &Still, &mut Room::default())
                .expect("there is room");
        }
    }

    /// What the sender does with a batch, without a broker. Returns how many there were.
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

/// Allocations for a hundred thousand records, after as many to warm up, and how many batches these made.
fn steady(sticky: bool) -> (usize, usize) {
    let mut stage = Stage::new(sticky);
    let first = allocations(|| stage.send(1000));
    assert!(first > 0, "the counter counts");
    stage.take_and_decide();
    for _ in 0..100 {
        stage.send(1000);
        stage.take_and_decide();
    }
    let mut batches = 0;
    let steady = allocations(|| {
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
    // A recycled batch of a few chunks now and then becomes one of many.
    let (allocations, batches) = steady(true);
    assert!(batches >= 500 && allocations * 100 <= batches, "{allocations} in {batches} batches of 100000 records");
}

#[test]
fn a_new_batch_costs_a_bounded_number_of_allocations() {
    let mut stage = Stage::new(true);
    // Warm: the inbox's vectors, the slots' queues.
    for _ in 0..3 {
        stage.send(2000);
        stage.take_and_decide();
    }
    // All free memory is given back, so each batch is made anew.
    let mut batches = 0;
    let made = allocations(|| {
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
            // SAFETY: the object is what each serializer reads; it outlives the call.
            let sent = unsafe {
                producer.send_objects(&topic, &Record::default(), objects, &completion, ottla_engine::Wait::Never)
            };
            sent.expect("accepted");
        }
    };
    send(1000);
    // Those of the queue of a topic that is not known: chunks and batches, none for a record.
    let made = allocations(|| send(10_000));
    assert!(made < 500, "{made} allocations for 10000 records");
}
