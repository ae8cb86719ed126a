//! Work for which the memory does not suffice is refused, or fails with a reason, and the process goes on. An
//! infallible allocation would abort this test.
#![expect(unsafe_code, reason = "an allocator that refuses, and values that are lent")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::c_void;
use std::time::Duration;

use ottla_core::accumulator::{Accumulator, AccumulatorSettings, NotAccepted, Submission, Topic, TopicSettings};
use ottla_core::batch::{Batch, Charge, Completion, Memory, Outcome, Report, Room, Waiter};
use ottla_core::compress::{Codec, Compressor, decompress};
use ottla_core::loan::{Lent, Offer};
use ottla_core::serialize::{Object, Objects};
use ottla_core::sync::{Arc, Clock, Time};
use ottla_engine::{Config, ErrorKind, Fate, Header, Level, Producer, Record, Wait};

thread_local! {
    /// How many bytes this thread may still allocate. `None`: no limit.
    static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
}

struct Refusing;

fn may_allocate(size: usize) -> bool {
    match LEFT.get() {
        None => true,
        Some(left) if left >= size => {
            LEFT.set(Some(left - size));
            true
        }
        Some(_) => false,
    }
}

fn give_back(size: usize) {
    LEFT.set(LEFT.get().map(|left| left + size));
}

// SAFETY: everything is passed on unchanged to the system's allocator, or refused.
unsafe impl GlobalAlloc for Refusing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        if may_allocate(layout.size()) { unsafe { System.alloc(layout) } } else { std::ptr::null_mut() }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        give_back(layout.size());
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if !may_allocate(new_size) {
            return std::ptr::null_mut();
        }
        give_back(layout.size());
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[global_allocator]
static REFUSING: Refusing = Refusing;

/// Runs `work` while this thread may allocate so many bytes.
fn within<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    LEFT.set(Some(bytes));
    let result = work();
    LEFT.set(None);
    result
}

/// The reserve that the library keeps for small allocations.
const RESERVE: usize = 256 * 1024;
const SMALL: usize = 8 * 1024;
const ENOUGH: usize = 1 << 30;

struct Still;

impl Clock for Still {
    fn monotonic(&self) -> Time {
        Time(1)
    }

    fn wall_ms(&self) -> i64 {
        1_700_000_000_000
    }
}

unsafe extern "C" fn count_release(_: *const c_void, _: usize, counter: *mut c_void) {
    // SAFETY: the test's counter, which outlives the producer.
    unsafe { *counter.cast::<usize>() += 1 };
}

static VALUE: [u8; 100_000] = [7; 100_000];

/// A producer's accumulator, with one partition once the topic is known.
struct Stage {
    accumulator: Accumulator,
    topic: Arc<Topic>,
    released: Box<usize>,
    lent: usize,
}

impl Stage {
    fn new() -> Self {
        let accumulator = Accumulator::new(&AccumulatorSettings {
            buffer_memory: 1 << 30,
            retain: false,
            batch_size: 16384,
            batch_limit: 1 << 20,
            topic: TopicSettings::default(),
            seed: 1,
        });
        let topic = accumulator.topics.get("t");
        Stage { accumulator, topic, released: Box::default(), lent: 0 }
    }

    /// Makes the topic known while there is so much memory. Returns reports of the records that could not be moved.
    fn assign(&self, bytes: usize) -> Vec<Report> {
        let slots = self.accumulator.partitions_for(&self.topic, 1);
        within(bytes, || self.accumulator.assign(&self.topic, slots, &Still)).into_reports(Time::ZERO).collect()
    }

    /// Sends a record of one of seven kinds.
    fn send(&mut self, number: usize) -> Result<(), NotAccepted> {
        let headers = [Header { name: b"name", value: Some(&VALUE[..3000]) }; 3];
        // SAFETY: the value is static, and the counter outlives the stage's records.
        let offer =
            unsafe { Offer::new(Some(&VALUE[..2000]), count_release, std::ptr::from_mut(&mut *self.released).cast()) };
        let lent = Lent::Offered(offer);
        let mut record = Record { value: Some(&VALUE[..100]), ..Record::default() };
        let mut completion = Completion::Tag(number as u64);
        match number % 7 {
            0 => record.value = Some(&VALUE[..9_000]),
            1 => record.value = Some(&VALUE),
            2 => completion = Completion::Call { call: 1, tag: number as u64 },
            3 => completion = Completion::Waiter(Arc::new(Waiter::patient())),
            4 => record.headers = &headers,
            5 => (record.value, record.lent) = (Some(&VALUE[..2000]), Some(&lent)),
            _ => {}
        }
        let submission = Submission::new(&self.topic, &record, &completion, &Still);
        let sent = self.accumulator.accept(&submission, &mut Room::default());
        self.lent += usize::from(sent.is_ok() && number % 7 == 5);
        sent
    }

    /// Sends until a record is refused. Returns how many were accepted.
    fn fill(&mut self, most: usize) -> usize {
        for number in 0..most {
            match self.send(number) {
                Ok(()) => {}
                Err(NotAccepted::OutOfMemory(_)) => return number,
                Err(other) => panic!("{other:?}"),
            }
        }
        most
    }

    /// What the sender does with batches, without a broker. Returns how many records there were.
    fn take_and_decide(&mut self) -> usize {
        let mut records = 0;
        for slot in self.topic.partitions().into_iter().flatten() {
            while let (Some(mut batch), _) = slot.take() {
                batch.seal();
                let outcome = Outcome {
                    fate: Fate::Written,
                    base_offset: 0,
                    log_append_time: -1,
                    error: None,
                    latency: Duration::ZERO,
                };
                records += batch.decide(outcome).deliveries().count();
            }
        }
        records
    }

    /// Checks that nothing is held any more.
    fn end(self) {
        self.accumulator.memory.give_back_loans();
        assert_eq!(*self.released, self.lent, "each value that was accepted is given back, and no other");
        assert_eq!(self.accumulator.memory.budget().used(), 0);
        self.accumulator.memory.close();
    }
}

/// Amounts of memory that run out at every stage of some record.
fn amounts() -> impl Iterator<Item = usize> {
    let few = (0..SMALL).step_by(97).chain((0..120_000).step_by(499)).map(|bytes| RESERVE + bytes);
    [0, 1000, RESERVE - 1, RESERVE].into_iter().chain(few).chain((0..20).map(|n| RESERVE + n * 100_003))
}

#[test]
fn a_record_without_memory_is_refused_and_the_next_one_with_memory_is_accepted() {
    for known in [true, false] {
        for bytes in amounts() {
            let mut stage = Stage::new();
            if known {
                stage.assign(ENOUGH);
            }
            // A refusal needs a little memory, which other threads of a real process would free.
            let accepted = within(bytes.max(SMALL), || stage.fill(1000));
            assert!(accepted < 1000, "{bytes} bytes are enough for {accepted} records");
            let more = stage.fill(10);
            assert_eq!(more, 10, "with {bytes} bytes {accepted} records were accepted, and later {more}");
            if !known {
                assert!(stage.assign(ENOUGH).is_empty());
            }
            assert_eq!(stage.take_and_decide(), accepted + more);
            stage.end();
        }
    }
}

#[test]
fn records_of_a_topics_queue_that_cannot_be_moved_fail_once() {
    let mut failed_somewhere = 0;
    for bytes in (SMALL..400_000).step_by(1999) {
        let mut stage = Stage::new();
        assert_eq!(stage.fill(40), 40);
        let reports = stage.assign(bytes);
        let mut failed = 0;
        for delivery in reports.iter().flat_map(Report::deliveries) {
            let error = delivery.error.expect("it failed");
            assert_eq!((error.kind(), delivery.fate), (ErrorKind::OutOfMemory, Fate::NotWritten));
            assert!(error.message().contains("to move records of topic t to their partitions"), "{error}");
            failed += 1;
        }
        let waiters: usize = reports.iter().map(|report| report.waiters().len()).sum();
        assert!(waiters <= failed);
        failed_somewhere += failed;
        drop(reports);
        assert_eq!(stage.take_and_decide() + failed, 40, "with {bytes} bytes {failed} failed");
        stage.end();
    }
    assert!(failed_somewhere > 0, "there was memory for all, always");
}

/// A sealed batch of so many records.
fn batch(memory: &Arc<Memory>, records: usize) -> Box<Batch> {
    let mut batch = Batch::new(memory, &"t".into(), 0, Time(1), 3);
    for number in 0..records {
        let record = Record { value: Some(&VALUE[..1000]), ..Record::default() };
        let completion = Completion::Tag(number as u64);
        batch.append(&record, 5, &completion, Charge::Force, &mut Room::default()).expect("there is memory");
    }
    batch.seal();
    batch
}

#[test]
fn a_batch_that_cannot_be_split_or_compressed_without_memory_is_unchanged() {
    let (mut split, mut not) = (0, 0);
    // Larger than everything that may be freed meanwhile.
    let larger = VALUE.repeat(5);
    for bytes in (SMALL..200_000).step_by(1777) {
        let memory = Arc::new(Memory::new(1 << 30, false));
        for pick in [false, true] {
            let whole = batch(&memory, 100);
            let plain: Vec<u8> = whole.payload().slices().flatten().copied().collect();
            let answer = within(bytes, || match pick {
                true => {
                    whole.pick_out(&[vec![3, 50]]).map(|parts| parts.rest.into_iter().chain(parts.groups).collect())
                }
                false => whole.split(plain.len() / 2 + 100),
            });
            match answer {
                Ok(parts) => {
                    split += 1;
                    assert_eq!(parts.iter().map(|part| part.count()).sum::<u32>(), 100);
                    parts.into_iter().for_each(Batch::dissolve);
                }
                Err((mut whole, error)) => {
                    not += 1;
                    assert_eq!((error.kind(), whole.count()), (ErrorKind::OutOfMemory, 100));
                    within(SMALL, || whole.set_compressed(&larger, 1)).expect_err("more than there is");
                    assert!(whole.payload().slices().flatten().eq(&plain), "its bytes are as they were");
                    whole.dissolve();
                }
            }
            assert_eq!(memory.budget().used(), 0);
        }
        memory.close();
    }
    assert!(split > 0 && not > 0, "{split} {not}");
}

#[test]
fn a_codec_without_memory_reports_it_and_can_be_used_again() {
    let plain: Vec<u8> = (0..200_000u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect();
    for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let level = codec.levels().map_or(0, |levels| 1.clamp(*levels.start(), *levels.end()));
        let mut refused = 0;
        for bytes in (0..500_000).step_by(4999) {
            let mut compressor = Compressor::new(codec, level).expect("a codec");
            let mut out = Vec::new();
            let answer = within(bytes.max(1000), || compressor.compress(plain.chunks(16_000), &mut out));
            if let Err(error) = answer {
                assert_eq!((error.kind(), out.len()), (ErrorKind::OutOfMemory, 0), "{error}");
                refused += 1;
                compressor.compress(plain.chunks(16_000), &mut out).expect("there is memory again");
            }
            let read = within(bytes.max(1000), || decompress(codec, &out, plain.len()));
            match read {
                Ok(read) => assert_eq!(read, plain),
                Err(error) => assert_eq!(error.kind(), ErrorKind::OutOfMemory, "{error}"),
            }
        }
        assert!(refused > 0, "{codec:?} always found memory");
    }
}

#[test]
fn the_error_states_the_requested_amount_and_where_to_look() {
    let mut config = Config::new();
    config.set("bootstrap.servers", "127.0.0.1:1").expect("an address");
    config.set("key.serializer", "string").expect("a serializer");
    let producer = Producer::new(&config, Box::new(|_: Report| ()), Box::new(|_, _| ()), Level::Error).expect("one");
    let topic = producer.topic("orders").expect("a topic");
    let record = Record { value: Some(&VALUE), ..Record::default() };
    let send = || producer.send(&topic, &record, Completion::Tag(0), Wait::Forever);
    let error = within(RESERVE + SMALL, send).expect_err("no memory");
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    assert!(error.is_retriable() && !error.is_fatal());
    let expected = "no memory to keep a record of topic orders: the system refused 100352 bytes, while 0 of \
                    buffer.memory=33554432 are in use; look at the limits of the process and its container (ulimit -v, \
                    cgroup), or set buffer.memory lower";
    assert_eq!(error.message(), expected);
    send().expect("there is memory again");

    let key = std::ffi::CString::new(&VALUE[..]).expect("no NUL");
    let objects = Objects { key: Object::new(key.as_ptr().cast()), ..Objects::default() };
    // SAFETY: the key is of the kind that the serializer reads, and outlives the call.
    let send =
        || unsafe { producer.send_objects(&topic, &Record::default(), objects, &Completion::Tag(0), Wait::Never) };
    let serialized = within(SMALL, send);
    let error = serialized.expect_err("no memory");
    assert_eq!(error.kind(), ErrorKind::OutOfMemory, "{error}");
    assert!(error.message().starts_with("the system refused 100000 bytes"), "{error}");
}
