//! What the accumulator guarantees to application threads and to the sender, with a manual clock. The module `threads`
//! uses real threads, and `crates/ottla-core/tests/loom.rs` tries every interleaving of smaller cases.

mod choose;
mod deadlines;
mod fast_path;
mod threads;

use std::cell::{Cell, RefCell};
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use super::slot::SlotStatus;
use super::*;
use crate::batch::{Batch, Completion, Outcome, Report, Waiter};
use crate::error::{Error, ErrorKind};
use crate::partition::hash::Hash;
use crate::partition::murmur2;
use crate::partition::rng::SplitMix64;
use crate::protocol::record_batch;
use crate::record::{Fate, Record};
use crate::sync::Ordering;

const BATCH: usize = 1000;
const LINGER: Duration = Duration::from_nanos(500);
const DELIVERY: Duration = Duration::from_micros(100);

/// A clock that the test sets.
#[derive(Default)]
pub(super) struct Hand {
    now: Cell<u64>,
    /// How often the precise clock was read.
    reads: Cell<u32>,
}

impl Clock for Hand {
    fn monotonic(&self) -> Time {
        self.reads.set(self.reads.get() + 1);
        Time(self.now.get())
    }

    fn wall_ms(&self) -> i64 {
        1_700_000_000_000 + self.now.get() as i64
    }
}

fn settings() -> AccumulatorSettings {
    AccumulatorSettings {
        buffer_memory: 1 << 20,
        retain: false,
        batch_size: BATCH,
        batch_limit: 4 * BATCH,
        topic: TopicSettings { linger: LINGER, delivery_timeout: DELIVERY, ..TopicSettings::default() },
        seed: 1,
    }
}

/// An accumulator, its clock, and what a sender would do with it.
struct Stage {
    accumulator: Accumulator,
    clock: Hand,
    wakes: Arc<AtomicUsize>,
    tag: Cell<u64>,
    /// Reused for every `take`, as the sender does.
    mail: RefCell<Mail<Command>>,
}

impl Stage {
    fn new(change: impl FnOnce(&mut AccumulatorSettings)) -> Self {
        let mut settings = settings();
        change(&mut settings);
        let accumulator = Accumulator::new(&settings);
        let wakes = Arc::new(AtomicUsize::new(0));
        let counter = wakes.clone();
        accumulator.inbox.on_wake(Box::new(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        }));
        Stage {
            accumulator,
            clock: Hand { now: Cell::new(100), ..Hand::default() },
            wakes,
            tag: Cell::new(0),
            mail: RefCell::default(),
        }
    }

    /// A topic with this many partitions.
    fn known(&self, count: usize) -> Arc<Topic> {
        let topic = self.accumulator.topics.get("t");
        let slots = self.accumulator.partitions_for(&topic, count);
        let rejected = self.accumulator.assign(&topic, slots, &self.clock);
        assert_eq!(rejected.into_reports(Time::ZERO).count(), 0);
        topic
    }

    /// Accepts a record with the next tag.
    fn send(&self, topic: &Topic, record: &Record<'_>, lingering: Lingering) -> Result<(), NotAccepted> {
        self.tag.set(self.tag.get() + 1);
        self.send_with(topic, record, lingering, Completion::Tag(self.tag.get()))
    }

    fn send_with(
        &self,
        t: &Topic,
        record: &Record<'_>,
        lingering: Lingering,
        to: Completion,
    ) -> Result<(), NotAccepted> {
        let submission = Submission { lingering, ..Submission::new(t, record, &to, &self.clock) };
        self.accumulator.accept(&submission, &mut Room::default())
    }

    fn to(&self, topic: &Topic, partition: i32, len: usize) {
        self.send(topic, &to(partition, &vec![0; len]), Lingering::Allowed).expect("accepted");
    }

    fn sticky(&self, topic: &Topic, len: usize) {
        self.send(topic, &value(&vec![0; len]), Lingering::Allowed).expect("accepted");
    }

    /// The slots announced since the last call, by partition.
    fn mail(&self) -> Vec<i32> {
        let mut mail = self.mail.borrow_mut();
        self.accumulator.inbox.take(&mut mail);
        mail.commands.clear();
        mail.slots.drain(..).map(|slot| slot.partition).collect()
    }

    /// Wake-ups since the last call.
    fn woken(&self) -> usize {
        self.wakes.swap(0, Ordering::SeqCst)
    }

    fn sleep(&self, until: u64) {
        assert!(self.accumulator.inbox.fall_asleep(Time(until), false), "nothing is there to be done");
    }
}

/// The sticky partitioner's present choice; out of range if there is none.
fn sticky(topic: &Topic) -> u32 {
    topic.sticky().map_or(u32::MAX, |slot| slot.partition.cast_unsigned())
}

fn value(value: &[u8]) -> Record<'_> {
    Record { value: Some(value), ..Record::default() }
}

fn to(partition: i32, value: &[u8]) -> Record<'_> {
    Record { partition: Some(partition), value: Some(value), ..Record::default() }
}

pub(super) fn decided(batch: Box<Batch>) -> Report {
    let error = Error::new(ErrorKind::Closed, "the test is over");
    let outcome = Outcome::failed(&batch, error, Time::ZERO);
    batch.decide(outcome)
}

/// The tags of each batch in a slot.
fn drain(slot: &Slot) -> Vec<Vec<u64>> {
    let taken = std::iter::from_fn(|| slot.take().0);
    taken.map(|batch| decided(batch).deliveries().map(|delivery| delivery.tag).collect()).collect()
}

/// The tags of each expired batch in a slot.
fn expired(slot: &Slot, now: Time) -> Vec<Vec<u64>> {
    let tags = |batch| decided(batch).deliveries().map(|delivery| delivery.tag).collect();
    slot.take_expired(now).into_iter().map(tags).collect()
}

/// The status of a slot that has only an open batch.
fn one_open(created: Time, ready: bool) -> SlotStatus {
    SlotStatus { oldest: Some(created), deadline: created.after(DELIVERY), open: Some(created), ready }
}

fn partitions(topic: &Topic) -> &[Arc<Slot>] {
    topic.partitions().expect("known")
}

fn held(topic: &Topic) -> Vec<usize> {
    let each = partitions(topic).iter();
    each.map(|slot| std::iter::from_fn(|| slot.take().0).map(|b| decided(b).count() as usize).sum()).collect()
}

// ---- what wakes the sender ----

#[test]
fn the_first_record_announces_its_slot_and_the_next_do_not() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(2);
    stage.to(&topic, 1, 10);
    stage.to(&topic, 1, 10);
    assert_eq!(stage.mail(), [1]);
    stage.to(&topic, 1, 10);
    assert_eq!(stage.mail(), [] as [i32; 0], "reported once, until it took what is there");
    assert_eq!(partitions(&topic)[1].status(), one_open(Time(100), false));
    assert_eq!(drain(&partitions(&topic)[1]), [[1, 2, 3]]);
    stage.to(&topic, 1, 10);
    assert_eq!(stage.mail(), [1], "and again after that");
    held(&topic);
}

#[test]
fn an_open_batch_wakes_only_a_sender_that_would_sleep_beyond_its_linger() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(2);
    stage.sleep(100 + 500);
    stage.to(&topic, 0, 10);
    assert_eq!(stage.woken(), 0, "it looks in time anyway");
    stage.mail();
    stage.sleep(100 + 501);
    stage.to(&topic, 1, 10);
    assert_eq!(stage.woken(), 1);
    stage.to(&topic, 1, 10);
    assert_eq!(stage.woken(), 0);
    held(&topic);
}

#[test]
fn a_full_batch_wakes_at_once_and_only_once() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    stage.to(&topic, 0, 10);
    assert_eq!(stage.mail(), [0]);
    stage.sleep(101);
    stage.to(&topic, 0, BATCH);
    assert_eq!((stage.woken(), stage.mail()), (1, vec![0]));
    assert!(partitions(&topic)[0].status().ready);
    stage.sleep(101);
    stage.to(&topic, 0, BATCH);
    stage.to(&topic, 0, 4 * BATCH);
    assert_eq!((stage.woken(), stage.mail()), (0, vec![]));
    held(&topic);
}

#[test]
fn a_sender_that_rests_is_not_woken_for_full_batches_but_for_all_else() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(4);
    let rest = || assert!(stage.accumulator.inbox.fall_asleep(Time(300), true), "nothing is there to be done");
    rest();
    stage.to(&topic, 0, 2 * BATCH);
    assert_eq!(stage.woken(), 0, "it looks soon");
    stage.to(&topic, 1, 10);
    assert_eq!(stage.woken(), 0, "its linger ends later");
    assert_eq!(stage.mail(), [0, 1]);
    rest();
    stage.send(&topic, &to(2, b"now"), Lingering::Skipped).expect("accepted");
    assert_eq!((stage.woken(), stage.mail()), (1, vec![2]));
    rest();
    stage.clock.now.set(0);
    stage
        .send(&topic, &Record { timeout: Some(Duration::from_nanos(800)), ..to(3, b"") }, Lingering::Allowed)
        .expect("accepted");
    assert_eq!((stage.woken(), stage.mail()), (1, vec![3]), "it has little time");
    rest();
    stage.accumulator.inbox.command(Command::Flush { ticket: 1 });
    assert_eq!(stage.woken(), 1);
    stage.mail();
    stage.to(&topic, 1, 2 * BATCH);
    assert!(!stage.accumulator.inbox.fall_asleep(Time(300), true), "what is full already is looked at before");
    assert_eq!(stage.mail(), [1]);
    for _ in 0..2 {
        rest();
        assert!(stage.mail().is_empty(), "what was taken keeps nobody awake any more");
    }
    held(&topic);
}

#[test]
fn a_lingering_batch_does_not_keep_the_sender_awake() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    stage.to(&topic, 0, 10);
    assert!(!stage.accumulator.inbox.fall_asleep(Time(601), false), "its linger ends before");
    stage.sleep(600);
    assert_eq!(stage.mail(), [0]);
    for _ in 0..2 {
        stage.sleep(u64::MAX);
        assert!(stage.mail().is_empty(), "what was taken wakes nobody any more");
    }
    held(&topic);
}

#[test]
fn a_record_that_a_call_waits_for_does_not_linger() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    stage.to(&topic, 0, 10);
    stage.mail();
    stage.sleep(101);
    stage.send(&topic, &to(0, b"now"), Lingering::Skipped).expect("accepted");
    assert_eq!((stage.woken(), stage.mail()), (1, vec![0]));
    assert!(partitions(&topic)[0].status().ready);
    held(&topic);
}

#[test]
fn a_sender_that_is_awake_is_not_woken() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    stage.to(&topic, 0, 2 * BATCH);
    stage.accumulator.inbox.request_room();
    stage.accumulator.inbox.command(Command::Flush { ticket: 1 });
    assert_eq!(stage.woken(), 0);
    assert!(!stage.accumulator.inbox.fall_asleep(Time::NEVER, false), "there is mail");
    assert!(stage.accumulator.inbox.take_room_request());
    assert!(!stage.accumulator.inbox.fall_asleep(Time::NEVER, false), "there still is");
    stage.mail();
    stage.sleep(u64::MAX);
    stage.accumulator.inbox.request_room();
    stage.accumulator.inbox.command(Command::Flush { ticket: 2 });
    assert_eq!(stage.woken(), 1, "the second sees that the first did");
    assert!(!stage.accumulator.inbox.fall_asleep(Time::NEVER, false), "a press alone keeps awake too");
    held(&topic);
}

#[test]
fn the_precise_clock_is_read_once_a_batch() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    for _ in 0..50 {
        stage.to(&topic, 0, 1);
    }
    assert_eq!(stage.clock.reads.get(), 1);
    held(&topic);
}

// ---- batches ----

#[test]
fn an_open_batch_grows_past_its_size_until_the_limit() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    (0..12).for_each(|_| stage.to(&topic, 0, 800));
    assert_eq!(drain(&partitions(&topic)[0]), [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]);
    topic.lower_batch_limit(900);
    (0..2).for_each(|_| stage.to(&topic, 0, 800));
    assert_eq!(drain(&partitions(&topic)[0]), [[13], [14]], "learned from the broker");
    topic.lower_batch_limit(2000);
    (0..2).for_each(|_| stage.to(&topic, 0, 800));
    assert_eq!(drain(&partitions(&topic)[0]), [[15], [16]], "never raised");
    stage.to(&topic, 0, 5000);
    assert_eq!(drain(&partitions(&topic)[0]), [[17]], "one record always fits");
}

#[test]
fn the_limit_counts_bytes_exactly() {
    let stage = Stage::new(|settings| settings.batch_limit = 100);
    let topic = stage.known(1);
    // A record takes 5 bytes besides its 44 bytes of value: with a length varint of one byte, two records take 102
    // bytes.
    let lens = [(43, 1), (44, 2)];
    for (len, batches) in lens {
        let record_len = |index: i32| {
            let body = record_batch::record_len(0, index, None, Some(len), &[]);
            record_batch::record_len_with_prefix(body)
        };
        let expected = if record_len(0) + record_len(1) > 100 { 2 } else { 1 };
        assert_eq!(expected, batches, "the test's own arithmetic");
        (0..2).for_each(|_| stage.to(&topic, 0, len));
        assert_eq!(drain(&partitions(&topic)[0]).len(), batches, "records of {len} bytes");
    }
}

#[test]
fn take_returns_whether_more_is_here() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    let slot = &partitions(&topic)[0];
    assert!(matches!(slot.take(), (None, false)));
    (0..5).for_each(|_| stage.to(&topic, 0, 800));
    let (first, more) = slot.take();
    assert!(more);
    assert_eq!(decided(first.expect("four records")).count(), 4);
    assert_eq!(stage.mail(), [0, 0], "open, then ready");
    stage.to(&topic, 0, 800);
    assert_eq!(stage.mail(), [] as [i32; 0], "who was told that more is here need not be told again");
    assert!(matches!(slot.take(), (Some(_), false)));
    assert_eq!(slot.status(), SlotStatus { oldest: None, deadline: Time::NEVER, open: None, ready: false });
    stage.accumulator.memory.take_orphans();
}

#[test]
fn only_what_is_old_enough_expires() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    let slot = &partitions(&topic)[0];
    stage.to(&topic, 0, 4 * BATCH);
    stage.clock.now.set(200);
    stage.to(&topic, 0, 1);
    for (created, before) in [(100, 0), (200, 1)] {
        let due = Time(created).after(DELIVERY);
        assert_eq!(slot.status().deadline, due);
        assert_eq!(expired(slot, Time(due.0 - 1)), [[0; 0]; 0]);
        assert_eq!(expired(slot, due), [[before + 1]]);
    }
    assert_eq!(expired(slot, Time::NEVER), [[0; 0]; 0]);
}

#[test]
fn the_load_of_a_partition_is_what_waits_there() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    let slot = &partitions(&topic)[0];
    (0..3).for_each(|_| stage.to(&topic, 0, 3500));
    assert_eq!(slot.load(), 2 * 3500_u32.div_ceil(1024) - 1, "as of the last event");
    slot.take();
    slot.take();
    slot.take();
    assert_eq!(slot.load(), 0);
    stage.to(&topic, 0, 10);
    stage.to(&topic, 0, BATCH);
    drain(slot);
    assert_eq!(slot.load(), 0, "an open batch that was announced twice counts once");
    stage.accumulator.memory.take_orphans();
}

// ---- no room ----

#[test]
fn a_refusal_leaves_everything_as_it_was() {
    let stage = Stage::new(|settings| settings.buffer_memory = 2000);
    let topic = stage.known(1);
    let slot = &partitions(&topic)[0];
    let big = vec![0; 3000];
    assert_eq!(stage.send(&topic, &to(0, &big), Lingering::Allowed), Err(NotAccepted::NoRoom(4096)));
    assert_eq!((stage.accumulator.memory.budget().used(), slot.status().oldest), (0, None));
    assert_eq!(stage.mail(), [] as [i32; 0]);
    stage.to(&topic, 0, 10);
    let used = stage.accumulator.memory.budget().used();
    assert_eq!(stage.send(&topic, &to(0, &big), Lingering::Skipped), Err(NotAccepted::NoRoom(4096)));
    assert_eq!(stage.accumulator.memory.budget().used(), used);
    assert_eq!((stage.mail(), slot.status().ready), (vec![0], false));
    assert_eq!(drain(slot), [[2]]);
    assert_eq!(stage.accumulator.memory.budget().used(), 0);
}

#[test]
fn a_refused_record_of_a_topics_queue_leaves_no_wanted_partition_behind() {
    let stage = Stage::new(|settings| settings.buffer_memory = 600);
    let topic = stage.accumulator.topics.get("t");
    stage.send(&topic, &to(1, b"a"), Lingering::Allowed).expect("accepted");
    assert!(stage.send(&topic, &to(0, &[0; 300]), Lingering::Allowed).is_err());
    stage.send(&topic, &to(2, b"b"), Lingering::Allowed).expect("accepted");
    let slots = stage.accumulator.partitions_for(&topic, 3);
    stage.accumulator.assign(&topic, slots, &stage.clock);
    assert_eq!(held(&topic), [0, 1, 1]);
    assert_eq!(stage.accumulator.memory.budget().used(), 0);
}

#[test]
fn memory_returns_to_zero_over_many_kinds_of_records() {
    let stage = Stage::new(|settings| settings.buffer_memory = 60_000);
    let topic = stage.known(5);
    let mut random = SplitMix64::new(9);
    let (mut accepted, mut reported, mut refused) = (0, 0, 0);
    for round in 0..20_000u64 {
        let len = (random.draw() % 1500) as usize;
        let bytes = vec![1; len];
        let key = round.to_be_bytes();
        let record = Record { key: (round % 3 == 0).then_some(&key), ..value(&bytes) };
        let completion = if round % 7 == 0 { Completion::Call { call: 2, tag: round } } else { Completion::Tag(round) };
        match stage.send_with(&topic, &record, Lingering::Allowed, completion) {
            Ok(()) => accepted += 1,
            Err(NotAccepted::NoRoom(_)) => {
                refused += 1;
                let used = stage.accumulator.memory.budget().used();
                assert!(used <= 60_000 + 8192, "widening alone overdraws: {used}");
                let slot = &partitions(&topic)[(round % 5) as usize];
                reported += std::iter::from_fn(|| slot.take().0).map(|b| decided(b).count() as usize).sum::<usize>();
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    reported += held(&topic).iter().sum::<usize>();
    assert_eq!((reported, stage.accumulator.memory.budget().used()), (accepted, 0));
    assert!(refused > 100 && accepted > 10_000, "{refused} {accepted}");
}

// ---- choosing partitions ----

#[test]
fn keys_and_explicit_partitions_do_not_move_the_sticky_choice() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(8);
    stage.sticky(&topic, 10);
    let chosen = sticky(&topic);
    for index in 0..200 {
        stage.to(&topic, index % 8, 500);
        let key = index.to_be_bytes();
        let record = Record { key: Some(&key), value: Some(&[0; 500]), ..Record::default() };
        stage.send(&topic, &record, Lingering::Allowed).expect("accepted");
    }
    assert_eq!(sticky(&topic), chosen);
    held(&topic);
}

#[test]
fn a_keys_partition_is_murmurs_unless_keys_are_ignored() {
    for ignore_keys in [false, true] {
        let keyless = if ignore_keys { Keyless::Always } else { Keyless::Null };
        let stage = choose::stage(choose::hashed(Hash::Murmur2, keyless));
        let topic = stage.known(8);
        for index in 0..20 {
            stage.sticky(&topic, 0);
            let record = Record { key: Some(b"same"), value: Some(&[index]), ..Record::default() };
            stage.send(&topic, &record, Lingering::Allowed).expect("accepted");
        }
        let sticky = sticky(&topic) as usize;
        let mut expected = [0; 8];
        expected[sticky] += 20;
        expected[if ignore_keys { sticky } else { murmur2::partition_for_key(b"same", 8) as usize }] += 20;
        assert_eq!(held(&topic), expected);
    }
}

#[test]
fn sticky_leaves_after_a_batchs_worth() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(50);
    stage.sticky(&topic, 900);
    let first = sticky(&topic);
    stage.sticky(&topic, 20);
    assert_eq!(sticky(&topic), first);
    // This record fills the batch: it still goes there, the next one goes elsewhere.
    stage.sticky(&topic, 100);
    assert_ne!(sticky(&topic), first);
    let counts = held(&topic);
    assert_eq!((counts[first as usize], counts.iter().sum::<usize>()), (3, 3));
}

#[test]
fn sticky_stays_while_leaving_would_make_a_small_batch() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(50);
    stage.sticky(&topic, 600);
    let first = sticky(&topic);
    drain(&partitions(&topic)[first as usize]);
    // A batch's worth went there, but the open batch is half full, and KIP-794 leaves only full batches.
    stage.sticky(&topic, 600);
    assert_eq!(sticky(&topic), first);
    drain(&partitions(&topic)[first as usize]);
    // When nothing is open, the next record goes elsewhere first.
    stage.sticky(&topic, 10);
    let second = sticky(&topic);
    assert_ne!(second, first);
    assert_eq!(held(&topic)[second as usize], 1);
}

#[test]
fn sticky_leaves_after_two_batches_worth_whatever_is_open() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(50);
    stage.sticky(&topic, 600);
    let first = sticky(&topic);
    for _ in 0..2 {
        drain(&partitions(&topic)[first as usize]);
        // A record that names the partition keeps a batch open, so the slot is never settled.
        stage.to(&topic, first as i32, 10);
        assert_eq!(sticky(&topic), first);
        stage.sticky(&topic, 700);
    }
    assert_ne!(sticky(&topic), first, "600 + 700 + 700 bytes");
    held(&topic);
}

#[test]
fn a_topic_of_one_partition_is_always_chosen() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    (0..100).for_each(|_| stage.sticky(&topic, 300));
    assert_eq!(held(&topic), [100]);
}

#[test]
fn sticky_spreads_evenly_and_avoids_the_unavailable() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(4);
    partitions(&topic)[2].set_available(false);
    let mut totals = [0; 4];
    for _ in 0..2000 {
        stage.sticky(&topic, BATCH);
        held(&topic).iter().zip(&mut totals).for_each(|(count, total)| *total += count);
    }
    assert_eq!(totals[2], 0);
    assert!([totals[0], totals[1], totals[3]].iter().all(|total| (500..850).contains(total)), "{totals:?}");
}

#[test]
fn adaptive_sticky_prefers_what_drains() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(2);
    let mut sent = [0; 2];
    for _ in 0..200 {
        stage.sticky(&topic, BATCH);
        // Partition 0 is never drained.
        sent[1] += drain(&partitions(&topic)[1]).len();
    }
    sent[0] = drain(&partitions(&topic)[0]).concat().len();
    assert!(sent[0] <= 3, "{sent:?}");
}

#[test]
fn round_robin_takes_turns_with_or_without_key() {
    let stage = choose::stage(Partitioner::RoundRobin);
    let topic = stage.known(3);
    for index in 0..9 {
        let record = Record { key: (index % 2 == 0).then_some(b"k"), ..Record::default() };
        stage.send(&topic, &record, Lingering::Allowed).expect("accepted");
    }
    assert_eq!(held(&topic), [3, 3, 3]);
    partitions(&topic)[1].set_available(false);
    for _ in 0..8 {
        stage.send(&topic, &Record::default(), Lingering::Allowed).expect("accepted");
    }
    assert_eq!(held(&topic), [4, 0, 4]);
}

#[test]
fn a_partition_that_the_topic_does_not_have_is_refused() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(2);
    for partition in [2, i32::MAX, -1, i32::MIN] {
        let refused = stage.send(&topic, &to(partition, b""), Lingering::Allowed);
        assert_eq!(refused, Err(NotAccepted::UnknownPartition { count: 2 }), "{partition}");
    }
    let more = stage.accumulator.partitions_for(&topic, 3);
    stage.accumulator.resize(&topic, more);
    stage.to(&topic, 2, 1);
    assert_eq!(held(&topic), [0, 0, 1]);
}

#[test]
fn growing_keeps_the_slots_there_are() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(2);
    let before = partitions(&topic).to_vec();
    let more = stage.accumulator.partitions_for(&topic, 4);
    assert_eq!(partitions(&topic).len(), 2, "not shown yet");
    stage.accumulator.resize(&topic, more);
    assert!(partitions(&topic).iter().zip(&before).all(|(new, old)| Arc::ptr_eq(new, old)));
    let indices: Vec<u32> = stage.accumulator.topics.slots().iter().map(|slot| slot.index).collect();
    assert_eq!(indices, [0, 1, 2, 3, 4], "dense, the queue's too");
}

#[test]
fn a_partition_that_is_gone_takes_nothing_and_comes_back_with_its_slot() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(4);
    let gone = partitions(&topic)[3].clone();
    for _ in 0..5 {
        stage.to(&topic, 3, 10);
    }
    stage.accumulator.resize(&topic, stage.accumulator.partitions_for(&topic, 2));
    for partition in [2, 3] {
        let refused = stage.send(&topic, &to(partition, b""), Lingering::Allowed);
        assert_eq!(refused, Err(NotAccepted::UnknownPartition { count: 2 }));
    }
    for number in 0..30u8 {
        let key = [number];
        let record = Record { key: Some(&key).filter(|_| number % 2 == 0).map(|key| &key[..]), ..Record::default() };
        stage.send(&topic, &record, Lingering::Allowed).expect("accepted");
    }
    assert_eq!(held(&topic).iter().sum::<usize>(), 30);
    assert_eq!(gone.waiting().0, 5, "what was accepted before is the sender's to decide");
    drain(&gone);
    stage.accumulator.resize(&topic, stage.accumulator.partitions_for(&topic, 5));
    assert!(Arc::ptr_eq(&partitions(&topic)[3], &gone));
    stage.to(&topic, 3, 10);
    assert_eq!(held(&topic)[3], 1);
}

#[test]
fn records_without_a_key_leave_a_sticky_partition_that_is_gone() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(4);
    let gone = partitions(&topic)[3].clone();
    topic.stick_to(3);
    for _ in 0..3 {
        stage.sticky(&topic, 10);
    }
    stage.accumulator.resize(&topic, stage.accumulator.partitions_for(&topic, 2));
    for _ in 0..5 {
        stage.sticky(&topic, 10);
    }
    assert_eq!((held(&topic).iter().sum::<usize>(), gone.waiting().0), (5, 3));
}

// ---- a topic becomes known ----

#[test]
fn records_from_before_assignment_come_before_those_after() {
    let stage = Stage::new(|_| {});
    let topic = stage.accumulator.topics.get("t");
    for index in 0..30 {
        stage.to(&topic, index % 3, 300);
    }
    assert_eq!(stage.mail(), [-1, -1], "the queue is announced as any slot");
    let slots = stage.accumulator.partitions_for(&topic, 3);
    let rejected = stage.accumulator.assign(&topic, slots, &stage.clock);
    assert_eq!(rejected.into_reports(Time::ZERO).count(), 0);
    for index in 0..3 {
        stage.to(&topic, index, 1);
    }
    for (partition, slot) in (1..).zip(partitions(&topic)) {
        let expected: Vec<u64> = (0..11).map(|round| partition + 3 * round).collect();
        assert_eq!(drain(slot).concat(), expected);
    }
    assert_eq!(stage.accumulator.memory.budget().used(), 0);
}

#[test]
fn assignment_keeps_all_of_a_record_and_its_age() {
    let stage = Stage::new(|_| {});
    let topic = stage.accumulator.topics.get("t");
    let waiter = Arc::<Waiter>::default();
    let headers = [crate::record::Header { name: b"h", value: None }];
    let record = Record { timestamp: Some(77), key: Some(b"k"), headers: &headers, ..Record::default() };
    stage.send_with(&topic, &record, Lingering::Allowed, Completion::Call { call: 4, tag: 44 }).expect("accepted");
    stage.send_with(&topic, &value(b"v"), Lingering::Skipped, Completion::Waiter(waiter.clone())).expect("accepted");
    stage.mail();
    stage.clock.now.set(9000);
    let slots = stage.accumulator.partitions_for(&topic, 1);
    stage.accumulator.assign(&topic, slots, &stage.clock);
    assert_eq!(partitions(&topic)[0].status(), one_open(Time(100), true));
    let batch = partitions(&topic)[0].take().0.expect("two records");
    let mut seen = Vec::new();
    let read = batch.for_each_record(|record, timestamp, _| {
        seen.push((timestamp, record.key.map(<[u8]>::to_vec), record.value.map(<[u8]>::to_vec), record.headers.len()));
        Ok(())
    });
    read.expect("well formed");
    let sent_at = 1_700_000_000_100;
    assert_eq!(seen, [(77, Some(b"k".to_vec()), None, 1), (sent_at, None, Some(b"v".to_vec()), 0)]);
    let report = decided(batch);
    report.notify_waiters();
    let reported: Vec<_> = report.deliveries().map(|d| (d.call, d.tag, d.timestamp)).collect();
    assert_eq!(reported, [(4, 44, 77), (0, 0, sent_at)]);
    assert!(waiter.wait(None).is_some());
}

#[test]
fn a_record_that_is_waited_for_later_lingers_also_after_its_assignment() {
    for (waiter, lingering, ready) in
        [(Waiter::patient(), Lingering::Allowed, false), (Waiter::default(), Lingering::Skipped, true)]
    {
        let stage = Stage::new(|_| {});
        let topic = stage.accumulator.topics.get("t");
        stage.send_with(&topic, &value(b"v"), lingering, Completion::Waiter(Arc::new(waiter))).expect("accepted");
        stage.mail();
        let slots = stage.accumulator.partitions_for(&topic, 1);
        stage.accumulator.assign(&topic, slots, &stage.clock);
        assert_eq!(partitions(&topic)[0].status(), one_open(Time(100), ready));
        decided(partitions(&topic)[0].take().0.expect("one record"));
    }
}

#[test]
fn records_that_asked_for_too_much_are_rejected_once_and_alone() {
    let stage = Stage::new(|_| {});
    let topic = stage.accumulator.topics.get("t");
    for partition in [0, 5, 5, 1, 2, 5] {
        stage.to(&topic, partition, 10);
    }
    let slots = stage.accumulator.partitions_for(&topic, 2);
    let rejected = stage.accumulator.assign(&topic, slots, &stage.clock);
    let reports: Vec<Report> = rejected.into_reports(Time(300)).collect();
    let mut reported = Vec::new();
    for report in &reports {
        let outcome = report.outcome();
        assert_eq!(outcome.fate, Fate::NotWritten);
        assert_eq!(outcome.error.as_ref().map(Error::kind), Some(ErrorKind::UnknownPartition));
        assert_eq!(outcome.latency, Duration::from_nanos(200), "waiting for metadata counts");
        reported.extend(report.deliveries().map(|delivery| (delivery.partition, delivery.tag)));
    }
    assert_eq!(reported, [(5, 2), (5, 3), (2, 5), (5, 6)]);
    drop(reports);
    assert_eq!(held(&topic), [1, 1]);
    assert_eq!(stage.accumulator.memory.budget().used(), 0);
}

#[test]
fn assignment_needs_no_room() {
    let stage = Stage::new(|settings| settings.buffer_memory = 20_000);
    let topic = stage.accumulator.topics.get("t");
    let mut sent = 0;
    while stage.send(&topic, &value(&[0; 700]), Lingering::Allowed).is_ok() {
        sent += 1;
    }
    let slots = stage.accumulator.partitions_for(&topic, 7);
    stage.accumulator.assign(&topic, slots, &stage.clock);
    assert_eq!(held(&topic).iter().sum::<usize>(), sent);
    assert_eq!(stage.accumulator.memory.budget().used(), 0);
}

#[test]
fn keyless_records_of_a_queue_are_spread_by_batches() {
    let stage = Stage::new(|_| {});
    let topic = stage.accumulator.topics.get("t");
    (0..100).for_each(|_| stage.sticky(&topic, 400));
    let slots = stage.accumulator.partitions_for(&topic, 10);
    stage.accumulator.assign(&topic, slots, &stage.clock);
    let counts = held(&topic);
    assert_eq!(counts.iter().sum::<usize>(), 100);
    assert!(counts.iter().all(|count| *count <= 30), "{counts:?}");
}

#[test]
fn slots_of_an_assignment_under_way_are_among_all_slots() {
    let stage = Stage::new(|_| {});
    let topic = stage.accumulator.topics.get("t");
    let hidden = stage.accumulator.partitions_for(&topic, 2);
    assert!(topic.partitions().is_none());
    let slots = stage.accumulator.topics.slots();
    assert!(hidden.iter().all(|slot| slots.iter().any(|other| Arc::ptr_eq(slot, other))));
}

// ---- the gate ----

#[test]
fn nothing_is_accepted_after_close_and_what_was_is_here() {
    let stage = Stage::new(|_| {});
    let known = stage.known(2);
    let unknown = stage.accumulator.topics.get("u");
    stage.to(&known, 0, 1);
    stage.to(&unknown, 0, 1);
    stage.accumulator.gate.close();
    for (topic, partition) in [(&known, 0), (&known, 1), (&unknown, 0)] {
        assert_eq!(
            stage.send(topic, &to(partition, b""), Lingering::Allowed),
            Err(NotAccepted::Barred(Barred::Closed))
        );
    }
    assert_eq!(
        stage.send(&stage.accumulator.topics.get("new"), &value(b""), Lingering::Allowed),
        Err(NotAccepted::Barred(Barred::Closed))
    );
    assert_eq!((drain(&partitions(&known)[0]), drain(&unknown.queue)), (vec![vec![1]], vec![vec![2]]));
    stage.accumulator.gate.close();
}

#[test]
fn a_queue_is_assigned_after_close_too() {
    let stage = Stage::new(|_| {});
    let topic = stage.accumulator.topics.get("t");
    (0..3).for_each(|partition| stage.to(&topic, partition, 1));
    stage.accumulator.gate.close();
    let slots = stage.accumulator.partitions_for(&topic, 3);
    stage.accumulator.assign(&topic, slots, &stage.clock);
    assert_eq!(held(&topic), [1, 1, 1]);
    assert_eq!(stage.send(&topic, &to(0, b""), Lingering::Allowed), Err(NotAccepted::Barred(Barred::Closed)));
}
