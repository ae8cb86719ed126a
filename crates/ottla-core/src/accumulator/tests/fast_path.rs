//! The fast path and the general path have the same effect.

use super::choose::hashed;
use super::*;
use crate::batch::PlainRecord;
use crate::partition::rng::SplitMix64;

const PARTITIONS: usize = 3;

/// One step of a test. The records of a run are sent in one call.
enum Step {
    Send { record: Record<'static>, completion: Completion },
    Run { records: Vec<(Record<'static>, Completion)> },
    Take { partition: usize },
    Pass { time: u64 },
    Sleep,
    Shut,
    Lower { limit: usize },
}

impl Step {
    fn name(&self) -> String {
        match self {
            Step::Send { record, completion } => {
                let own = matches!(completion, Completion::Call { .. });
                let len = record.value.map(<[u8]>::len);
                format!(
                    "Send {:?} {:?} {:?} {len:?} {:?} {own}",
                    record.partition, record.timestamp, record.key, record.timeout
                )
            }
            Step::Run { records } => format!("Run of {}", records.len()),
            Step::Take { partition } => format!("Take {partition}"),
            Step::Pass { time } => format!("Pass {time}"),
            Step::Sleep => "Sleep".into(),
            Step::Shut => "Shut".into(),
            Step::Lower { limit } => format!("Lower {limit}"),
        }
    }
}

static VALUE: [u8; 5000] = [7; 5000];
static KEYS: [u8; 4] = [1, 2, 3, 4];

fn step(random: &mut SplitMix64, now: i64) -> Step {
    match random.below(100) {
        0..4 => return Step::Take { partition: random.below(PARTITIONS as u32) as usize },
        4..8 => return Step::Pass { time: u64::from(random.below(200)) },
        8..10 => return Step::Sleep,
        10 => return Step::Shut,
        11 => return Step::Lower { limit: 2000 + random.below(2000) as usize },
        12 => return Step::Run { records: (0..random.below(40)).map(|_| record(random, now)).collect() },
        _ => {}
    }
    let (record, completion) = record(random, now);
    Step::Send { record, completion }
}

fn record(random: &mut SplitMix64, now: i64) -> (Record<'static>, Completion) {
    let longest = [8, 100, 700, 5000][random.below(4) as usize];
    let record = Record {
        partition: (random.below(8) == 0).then(|| random.below(4).cast_signed()),
        timestamp: (random.below(8) == 0).then(|| now - 5_000 + i64::from(random.below(20_000))),
        key: (random.below(3) == 0).then(|| &KEYS[..random.below(5) as usize]),
        value: (random.below(8) != 0).then(|| &VALUE[..random.below(longest) as usize]),
        timeout: (random.below(50) == 0).then_some(LINGER * 8),
        ..Record::default()
    };
    let tag = random.draw();
    let call = random.below(100) == 0;
    (record, if call { Completion::Call { call: 9, tag } } else { Completion::Tag(tag) })
}

/// The visible properties of a batch.
fn look(batch: Box<Batch>) -> impl PartialEq + std::fmt::Debug {
    let mut batch = batch;
    batch.seal();
    let bytes = batch.payload().slices().flatten().copied().collect::<Vec<_>>();
    let (times, count) = ((batch.base_timestamp, batch.max_timestamp, batch.deadline), batch.count());
    let entries = decided(batch).entries().iter().collect::<Vec<_>>();
    (bytes, times, count, entries)
}

/// Two accumulators: one with the fast path, one without.
struct Pair {
    fast: (Stage, Arc<Topic>),
    general: (Stage, Arc<Topic>),
}

impl Pair {
    fn new(partitioner: &Partitioner) -> Self {
        let side = || {
            let stage = super::choose::stage(partitioner.clone());
            let topic = stage.known(PARTITIONS);
            (stage, topic)
        };
        Pair { fast: side(), general: side() }
    }

    /// Does the same to both, and returns what each shows.
    fn both<T>(&self, mut act: impl FnMut(&Stage, &Topic) -> T) -> (T, T) {
        (act(&self.fast.0, &self.fast.1), act(&self.general.0, &self.general.1))
    }

    fn send(&self, record: &Record<'_>, completion: &Completion) {
        let ((a, at), (b, bt)) = (&self.fast, &self.general);
        let submission = Submission::new(at, record, completion, &a.clock);
        let one = a.accumulator.accept(&submission, &mut Room::default());
        let submission = Submission::new(bt, record, completion, &b.clock);
        let other = b.accumulator.accept_any(&submission, &mut Room::default());
        assert_eq!(one, other, "{record:?}");
    }

    fn send_run(&self, records: &[(Record<'_>, Completion)]) {
        let ((a, at), (b, bt)) = (&self.fast, &self.general);
        let accept = |record: &Record<'_>, completion: &Completion| {
            let submission = Submission::new(at, record, completion, &a.clock);
            a.accumulator.accept(&submission, &mut Room::default())
        };
        let mut one = Vec::new();
        while let [(record, completion), ..] = &records[one.len()..] {
            let fast =
                records[one.len()..].iter().map_while(|(record, tag)| PlainRecord::from_record(record, tag, &a.clock));
            match a.accumulator.accept_fast_run(at, fast) {
                0 => one.push(accept(record, completion)),
                run => one.extend((0..run).map(|_| Ok(()))),
            }
        }
        let other = records.iter().map(|(record, completion)| {
            let submission = Submission::new(bt, record, completion, &b.clock);
            b.accumulator.accept_any(&submission, &mut Room::default())
        });
        assert_eq!(one, other.collect::<Vec<_>>());
    }

    fn agree(&self, last: &Step) {
        let (one, other) = self.both(|stage, topic| {
            let waiting: Vec<_> = partitions(topic).iter().map(|slot| (slot.batches(), slot.load())).collect();
            (waiting, sticky(topic), stage.mail(), stage.woken(), stage.accumulator.memory.budget().used())
        });
        assert_eq!(one, other, "after {}", last.name());
    }

    fn step(&self, step: &Step) {
        match step {
            Step::Send { record, completion } => self.send(record, completion),
            Step::Run { records } => self.send_run(records),
            Step::Take { partition } => {
                let (one, other) = self.both(|_, topic| partitions(topic)[*partition].take().0.map(look));
                assert_eq!(one, other);
            }
            Step::Pass { time } => {
                self.both(|stage, _| stage.clock.now.set(stage.clock.now.get() + time));
            }
            Step::Sleep => {
                self.both(|stage, _| stage.accumulator.inbox.fall_asleep(Time(stage.clock.now.get() + 300), false));
            }
            Step::Shut => {
                self.both(|stage, _| {
                    stage.accumulator.gate.shut(Error::new(ErrorKind::InvalidState, "shut"));
                    let topic = stage.accumulator.topics.get("t");
                    let refused = stage.send_with(&topic, &value(b"late"), Lingering::Allowed, Completion::Tag(0));
                    assert!(matches!(refused, Err(NotAccepted::Barred(_))), "{refused:?}");
                    stage.accumulator.gate.open();
                });
            }
            Step::Lower { limit } => {
                self.both(|_, topic| topic.lower_batch_limit(*limit));
            }
        }
    }
}

/// Single-threaded, so ThreadSanitizer would see little, and take long.
const SEEDS: usize = if cfg!(ottla_tsan) { 5 } else { 200 };

#[test]
fn the_fast_path_and_the_general_path_do_the_same() {
    let keyless = [Keyless::Null, Keyless::NullOrEmpty, Keyless::Never, Keyless::Always];
    let mut partitioners: Vec<_> = keyless.iter().map(|keyless| hashed(Hash::Murmur2, *keyless)).collect();
    partitioners.push(Partitioner::RoundRobin);
    for seed in 0..SEEDS {
        let pair = Pair::new(&partitioners[seed % partitioners.len()]);
        let mut random = SplitMix64::new(seed as u64);
        for _ in 0..400 {
            let now = pair.fast.0.clock.wall_ms();
            let step = step(&mut random, now);
            pair.step(&step);
            pair.agree(&step);
        }
        for partition in 0..PARTITIONS {
            for _ in 0..100 {
                pair.step(&Step::Take { partition });
                pair.agree(&Step::Take { partition });
            }
        }
    }
}

/// Sends records of 100 bytes without a key. Returns how many took the fast path.
fn send_fast(stage: &Stage, topic: &Topic, count: u64) -> u64 {
    let mut fast = 0;
    for tag in 0..count {
        let (record, tag) = (value(&[0; 100]), Completion::Tag(tag));
        let may = PlainRecord::from_record(&record, &tag, &stage.clock).expect("it is plain");
        match stage.accumulator.accept_fast(topic, &may) {
            Some(()) => fast += 1,
            None => stage.send_with(topic, &record, Lingering::Allowed, tag).expect("accepted"),
        }
    }
    fast
}

#[test]
fn most_records_take_the_fast_path() {
    let stage = Stage::new(|settings| (settings.batch_size, settings.batch_limit) = (16_384, 1 << 20));
    let topic = stage.known(1);
    let fast = send_fast(&stage, &topic, 100);
    assert!(fast > 95, "{fast} of 100");
}

#[test]
fn only_records_that_begin_or_fill_a_batch_leave_the_fast_path() {
    let stage = Stage::new(|settings| (settings.batch_size, settings.batch_limit) = (16_384, 1 << 20));
    let topic = stage.known(2);
    send_fast(&stage, &topic, 2_000);
    let fast = send_fast(&stage, &topic, 2_000);
    assert!(fast >= 1_980, "{fast} of 2000");
}

#[test]
fn a_batch_that_was_taken_early_keeps_no_record_off_the_fast_path() {
    let stage = Stage::new(|settings| (settings.batch_size, settings.batch_limit) = (16_384, 1 << 20));
    let topic = stage.known(1);
    send_fast(&stage, &topic, 100);
    assert!(partitions(&topic)[0].take().0.is_some());
    // When the batch is half full, the sticky partitioner has sent enough here, but leaves only when the batch is full.
    let fast = send_fast(&stage, &topic, 149);
    assert!(fast >= 147, "{fast} of 149");
}
