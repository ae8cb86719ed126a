//! What a batch guarantees to its owners: first the slot, then the sender, then the sink.

mod fast_path;
mod lent;
mod retained;

use std::time::Duration;

use super::*;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::record_batch::RecordIter;
use crate::record::{Fate, Header, Record};
use crate::sync::{Arc, Time};

const PLENTY: usize = 1 << 20;

fn memory(limit: usize) -> Arc<Memory> {
    Arc::new(Memory::new(limit, false))
}

fn batch(memory: &Arc<Memory>) -> Box<Batch> {
    Batch::new(memory, &"t".into(), 3, Time(1_000_000), 0)
}

fn value(value: &[u8]) -> Record<'_> {
    Record { value: Some(value), ..Record::default() }
}

fn ask(batch: &mut Batch, record: &Record<'_>, timestamp: i64, completion: Completion) -> Result<(), NoRoom> {
    batch.append(record, timestamp, &completion, Charge::Ask, &mut Room::default())
}

fn fill(batch: &mut Batch, tags: std::ops::Range<u64>) {
    for tag in tags {
        ask(batch, &value(&tag.to_be_bytes()), 100, Completion::Tag(tag)).expect("there is room");
    }
}

fn written(base_offset: i64) -> Outcome {
    Outcome { fate: Fate::Written, base_offset, log_append_time: -1, error: None, latency: Duration::from_millis(7) }
}

/// Callback and tag of each record, in order.
fn reported(report: &Report) -> Vec<(u64, u64)> {
    report.deliveries().map(|delivery| (delivery.call, delivery.tag)).collect()
}

/// The values in a sealed, uncompressed batch.
fn values(batch: &Batch) -> Vec<Vec<u8>> {
    let slices = batch.payload().slices();
    let records = slices.flat_map(|slice| RecordIter::new(slice).collect::<Vec<_>>());
    records.map(|record| record.expect("well formed").value.unwrap_or_default().to_vec()).collect()
}

#[test]
fn an_empty_batch_charges_nothing_and_one_record_little() {
    let memory = memory(PLENTY);
    let mut batch = batch(&memory);
    assert_eq!(memory.budget().used(), 0);
    fill(&mut batch, 0..1);
    assert_eq!(memory.budget().used(), 512, "the smallest chunk for data, and for entries");
}

#[test]
fn memory_is_zero_when_the_reports_are_dropped() {
    let memory = memory(PLENTY);
    let mut reports = Vec::new();
    for size in [1, 300, 5_000, 9_000, 40_000] {
        let mut batch = batch(&memory);
        let bytes = vec![7; size];
        for tag in 0..20 {
            ask(&mut batch, &value(&bytes), 5, Completion::Call { call: tag % 2, tag }).expect("there is room");
        }
        batch.seal();
        batch.set_compressed(&bytes[..size / 2], 1).expect("there is memory");
        reports.push(batch.decide(written(0)));
    }
    assert!(memory.budget().used() > 0, "entries stay until the report is dropped");
    reports.clear();
    assert_eq!(memory.budget().used(), 0);
}

#[test]
fn deciding_releases_the_data_before_the_sink_runs() {
    let memory = memory(PLENTY);
    let mut batch = batch(&memory);
    ask(&mut batch, &value(&[0; 100_000]), 0, Completion::Tag(1)).expect("there is room");
    batch.seal();
    let report = batch.decide(written(0));
    assert_eq!(memory.budget().used(), 256, "the entries");
    drop(report);
    assert_eq!(memory.budget().used(), 0);
}

#[test]
fn a_refused_record_changes_nothing() {
    // The data and the entries of one record fit, and a second chunk of data, but not a second chunk of entries.
    let memory = memory(256 + 256 + 1024);
    let mut batch = batch(&memory);
    for tag in 0..16 {
        ask(&mut batch, &value(b""), 0, Completion::Tag(tag)).expect("there is room");
    }
    let (used, bytes) = (memory.budget().used(), batch.bytes());
    assert_eq!(used, 512);
    // Twice: the second attempt would find what the first one left behind.
    for _ in 0..2 {
        assert_eq!(ask(&mut batch, &value(&[1; 900]), 9, Completion::Tag(99)), Err(NoRoom::Buffer(256)));
        assert_eq!((memory.budget().used(), batch.bytes(), batch.count()), (used, bytes, 16));
        assert_eq!(batch.max_timestamp, 0);
    }
    batch.seal();
    assert_eq!(values(&batch).len(), 16);
    assert_eq!(reported(&batch.decide(written(0))), (0..16).map(|tag| (0, tag)).collect::<Vec<_>>());
    assert_eq!(memory.budget().used(), 0);
}

#[test]
fn a_size_hint_never_refuses_a_record_that_fits() {
    let memory = memory(1024);
    let mut batch = Batch::new(&memory, &"t".into(), 0, Time::ZERO, 3);
    ask(&mut batch, &value(b"small"), 0, Completion::Tag(1)).expect("512 of 1024 bytes are enough");
    assert_eq!(memory.budget().used(), 256 + 256, "a class of 16384 would have been liked");
    batch.decide(written(0));
    assert_eq!(memory.budget().used(), 0);
}

#[test]
fn room_that_was_waited_for_is_used_first() {
    let memory = memory(1024);
    memory.budget().charge(1024);
    let mut room = Room { charged: 512 };
    let mut batch = batch(&memory);
    batch.append(&value(b"x"), 0, &Completion::Tag(1), Charge::Ask, &mut room).expect("room was brought");
    assert_eq!((room.charged, memory.budget().used()), (0, 1024));
    batch.decide(written(0));
    assert_eq!(memory.budget().used(), 512);
}

#[test]
fn only_the_sender_overdraws() {
    let memory = memory(100);
    let mut batch = batch(&memory);
    assert_eq!(ask(&mut batch, &value(b"x"), 0, Completion::Tag(1)), Err(NoRoom::Buffer(256)));
    assert_eq!(memory.budget().used(), 0);
    batch.append(&value(b"x"), 0, &Completion::Tag(1), Charge::Force, &mut Room::default()).expect("forced");
    assert_eq!(memory.budget().used(), 512);
    batch.decide(written(0));
    assert_eq!(memory.budget().used(), 0);
}

#[test]
fn entries_widen_in_mid_batch_and_lose_nothing() {
    for narrow in [0u64, 1, 15, 16, 17, 100, 1000] {
        let memory = memory(PLENTY);
        let mut batch = batch(&memory);
        fill(&mut batch, 0..narrow);
        ask(&mut batch, &value(b"w"), 100, Completion::Call { call: 77, tag: 5 }).expect("there is room");
        fill(&mut batch, 0..40);
        let report = batch.decide(written(0));
        let expected = (0..narrow).map(|tag| (0, tag)).chain([(77, 5)]).chain((0..40).map(|tag| (0, tag)));
        assert_eq!(reported(&report), expected.collect::<Vec<_>>(), "after {narrow} narrow entries");
        drop(report);
        assert_eq!(memory.budget().used(), 0);
    }
}

#[test]
fn waiters_get_the_fate_of_their_own_record() {
    let memory = memory(PLENTY);
    let mut batch = batch(&memory);
    let waiters: Vec<Arc<Waiter>> = (0..4).map(|_| Arc::default()).collect();
    for (index, waiter) in (0i64..).zip(&waiters) {
        fill(&mut batch, 0..10);
        // The entries become wide in the middle. Waiters must still belong to their records.
        if index == 2 {
            ask(&mut batch, &value(b""), 0, Completion::Call { call: 1, tag: 1 }).expect("there is room");
        }
        ask(&mut batch, &value(b""), 200 + index, Completion::Waiter(waiter.clone())).expect("there is room");
    }
    batch.decide(written(1000)).notify_waiters();
    let reported: Vec<DeliveryResult> = waiters.iter().map(|waiter| waiter.wait(None).expect("told")).collect();
    let offsets: Vec<i64> = reported.iter().map(|reported| reported.offset).collect();
    assert_eq!(offsets, [1010, 1021, 1033, 1044]);
    let timestamps: Vec<i64> = reported.iter().map(|reported| reported.timestamp).collect();
    assert_eq!(timestamps, [200, 201, 202, 203]);
}

#[test]
fn timestamps_may_go_back_and_are_reported_as_sent() {
    let sent = [1_700_000_000_000, 1_699_999_999_000, 0, 1_700_000_000_500, i64::MAX, 1];
    let memory = memory(PLENTY);
    let mut batch = batch(&memory);
    for timestamp in sent {
        ask(&mut batch, &value(b"v"), timestamp, Completion::Tag(0)).expect("there is room");
    }
    assert_eq!((batch.base_timestamp, batch.max_timestamp), (sent[0], i64::MAX));
    batch.seal();
    let encoded: Vec<i64> = batch
        .payload()
        .slices()
        .flat_map(|slice| RecordIter::new(slice).collect::<Vec<_>>())
        .map(|record| sent[0].wrapping_add(record.expect("well formed").timestamp_delta))
        .collect();
    assert_eq!(encoded, sent);
    let report = batch.decide(written(0));
    assert_eq!(report.deliveries().map(|delivery| delivery.timestamp).collect::<Vec<_>>(), sent);
}

#[test]
fn log_append_time_replaces_the_records_own() {
    let memory = memory(PLENTY);
    let mut batch = batch(&memory);
    fill(&mut batch, 0..3);
    let report = batch.decide(Outcome { log_append_time: 0, ..written(40) });
    let reported: Vec<_> = report.deliveries().map(|delivery| (delivery.timestamp, delivery.offset)).collect();
    assert_eq!(reported, [(0, 40), (0, 41), (0, 42)]);
}

#[test]
fn without_a_base_offset_no_record_has_one() {
    let memory = memory(PLENTY);
    let mut batch = batch(&memory);
    fill(&mut batch, 0..2);
    assert!(batch.decide(written(-1)).deliveries().all(|delivery| delivery.offset == -1));
}

#[test]
fn a_payload_pinned_by_a_request_is_charged_until_it_lets_go() {
    let memory = memory(PLENTY);
    let mut batch = batch(&memory);
    ask(&mut batch, &value(&[9; 5000]), 0, Completion::Tag(1)).expect("there is room");
    batch.seal();
    let pinned = batch.payload().clone();
    let bytes = pinned.slices().flatten().copied().collect::<Vec<u8>>();
    let report = batch.decide(written(0));
    drop(report);
    assert_eq!(memory.budget().used(), 16384, "its chunk, and nothing else");
    assert!(pinned.slices().flatten().eq(&bytes), "still readable");
    // The recycled batch does not touch the payload.
    let mut next = self::batch(&memory);
    fill(&mut next, 0..50);
    next.seal();
    assert!(pinned.slices().flatten().eq(&bytes));
    drop(pinned);
    next.decide(written(0));
    assert_eq!(memory.budget().used(), 0);
}

#[test]
fn compressing_releases_the_plain_bytes_unless_pinned() {
    let memory = memory(PLENTY);
    let mut batch = batch(&memory);
    ask(&mut batch, &value(&[9; 4000]), 0, Completion::Tag(1)).expect("there is room");
    batch.seal();
    assert_eq!(memory.budget().used(), 4096 + 256);
    let pinned = batch.payload().clone();
    batch.set_compressed(b"tiny", 4).expect("there is memory");
    assert_eq!(memory.budget().used(), 4096 + 256 + 256);
    assert_eq!(pinned.len(), batch.bytes(), "a retry in flight sends what it was given");
    drop(pinned);
    assert_eq!(memory.budget().used(), 256 + 256);
    assert_eq!((batch.sealed.attributes, batch.payload().len()), (4, 4));
    batch.decide(written(0));
    assert_eq!(memory.budget().used(), 0);
}

#[test]
fn a_batch_dropped_undecided_is_reported_once() {
    let memory = memory(PLENTY);
    let waiter = Arc::<Waiter>::default();
    let mut lost = batch(&memory);
    fill(&mut lost, 0..5);
    ask(&mut lost, &value(b""), 0, Completion::Waiter(waiter)).expect("there is room");
    lost.seal();
    drop(lost);
    let orphans = memory.take_orphans();
    assert_eq!(orphans.len(), 1);
    let report = &orphans[0];
    assert_eq!((report.count(), report.waiters().len(), report.partition()), (6, 1, 3));
    assert_eq!(report.outcome().error.as_ref().map(Error::kind), Some(ErrorKind::Internal));
    assert_eq!(report.outcome().fate, Fate::NotWritten, "no request carried it");
    drop(orphans);
    assert!(memory.take_orphans().is_empty());
    assert_eq!(memory.budget().used(), 0);
    // An empty batch has nothing to report.
    drop(batch(&memory));
    assert!(memory.take_orphans().is_empty());
}

#[test]
fn a_batch_dropped_on_its_way_has_an_unknown_fate() {
    let memory = memory(PLENTY);
    let mut lost = batch(&memory);
    fill(&mut lost, 0..1);
    lost.seal();
    lost.sealed.attempts = 1;
    drop(lost);
    assert_eq!(memory.take_orphans()[0].outcome().fate, Fate::Unknown);
}

#[test]
fn a_panic_while_a_batch_is_owned_leaves_an_orphan() {
    let memory = memory(PLENTY);
    let mut owned = batch(&memory);
    fill(&mut owned, 0..3);
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _owner = owned;
        panic!("on purpose");
    }));
    assert!(unwound.is_err());
    assert_eq!(memory.take_orphans().iter().map(Report::count).collect::<Vec<_>>(), [3]);
}

#[test]
fn a_failure_after_an_unknown_attempt_is_unknown() {
    let memory = memory(PLENTY);
    let mut batch = batch(&memory);
    fill(&mut batch, 0..1);
    batch.sealed.outcome_unknown = true;
    let outcome = Outcome::failed(&batch, Error::new(ErrorKind::TimedOut, "late"), Time(5_000_000));
    assert_eq!((outcome.fate, outcome.latency), (Fate::Unknown, Duration::from_millis(4)));
    batch.decide(outcome);
}

/// Ten records that together have everything that a record may have.
fn full_batch(memory: &Arc<Memory>, waiter: &Arc<Waiter>) -> Box<Batch> {
    let mut batch = batch(memory);
    for index in 0..10u64 {
        let number = index.to_be_bytes();
        let headers = [Header { name: b"h", value: Some(&number) }, Header { name: b"h", value: None }];
        let record = Record {
            key: (index % 2 == 0).then_some(&number),
            value: (index % 3 != 0).then_some(&number),
            headers: &headers[..index as usize % 3],
            ..Record::default()
        };
        let completion = match index {
            3 => Completion::Call { call: 8, tag: 33 },
            7 => Completion::Waiter(waiter.clone()),
            tag => Completion::Tag(tag),
        };
        ask(&mut batch, &record, 1000 - index as i64 * 10, completion).expect("there is room");
    }
    batch
}

/// The owned form of what `for_each_record` passes.
fn dump(batch: &Batch) -> Vec<String> {
    let mut seen = Vec::new();
    let read = batch.for_each_record(|record, timestamp, completion| {
        let completion = match completion {
            Completion::Tag(tag) => format!("tag {tag}"),
            Completion::Call { call, tag } => format!("call {call} {tag}"),
            Completion::Waiter(_) => "waiter".to_string(),
        };
        seen.push(format!("{timestamp} {:?} {:?} {:?} {completion}", record.key, record.value, record.headers));
        Ok(())
    });
    read.expect("well formed");
    seen
}

#[test]
fn a_split_keeps_order_sequences_and_entries() {
    for target in [1, 40, 100, 10_000] {
        let memory = memory(PLENTY);
        let waiter = Arc::<Waiter>::default();
        let mut whole = full_batch(&memory, &waiter);
        whole.seal();
        let before = dump(&whole);
        let serial = 42;
        let base = BaseSequence { producer: ProducerEpoch { id: 5, epoch: 1 }, number: i32::MAX - 3 };
        whole.sealed = Sealed { serial, base_sequence: Some(base), attempts: 2, attributes: 4, ..Sealed::default() };
        let created = whole.created;
        let parts = whole.split(target).unwrap_or_else(|_| panic!("it is plain"));
        assert_eq!(parts.iter().flat_map(|part| dump(part)).collect::<Vec<_>>(), before);
        let mut first_record = 0;
        let mut sequence = base;
        for part in &parts {
            assert!(part.count() == 1 || part.bytes() <= target);
            assert_eq!((part.sealed.serial, part.sealed.first_record), (serial, first_record));
            assert_eq!(part.sealed.base_sequence, Some(sequence), "together its sequence numbers, which wrap to 0");
            assert_eq!((part.sealed.attempts, part.created), (2, created));
            assert_eq!(part.sealed.attributes, 0, "plain");
            assert_eq!(part.payload().len(), part.bytes());
            first_record += part.count();
            sequence = sequence.after(part.count());
        }
        assert_eq!((first_record, sequence.number), (10, 6));
        assert!(memory.take_orphans().is_empty(), "the whole is reported by its parts alone");
        let reports: Vec<Report> = parts.into_iter().map(|part| part.decide(written(0))).collect();
        reports.iter().for_each(Report::notify_waiters);
        assert!(waiter.wait(None).is_some());
        drop(reports);
        assert_eq!(memory.budget().used(), 0);
    }
}

#[test]
fn parts_of_a_batch_without_sequence_have_none() {
    let memory = memory(PLENTY);
    let mut whole = batch(&memory);
    fill(&mut whole, 0..4);
    whole.seal();
    let parts = whole.split(1).unwrap_or_else(|_| panic!("it is plain"));
    assert_eq!(parts.iter().map(|part| part.sealed.base_sequence).collect::<Vec<_>>(), [None; 4]);
    parts.into_iter().for_each(Batch::dissolve);
    assert_eq!(memory.budget().used(), 0);
}

#[test]
fn parts_of_parts_keep_their_place() {
    let memory = memory(PLENTY);
    let mut whole = batch(&memory);
    fill(&mut whole, 0..8);
    whole.seal();
    whole.sealed.serial = 9;
    let half = whole.bytes() / 2;
    let mut places = Vec::new();
    for part in whole.split(half).unwrap_or_else(|_| panic!("it is plain")) {
        let quarter = part.bytes() / 2;
        for part in part.split(quarter).unwrap_or_else(|_| panic!("it is plain")) {
            places.push((part.sealed.serial, part.sealed.first_record));
            part.dissolve();
        }
    }
    assert!(places.is_sorted() && places.iter().all(|(serial, _)| *serial == 9), "{places:?}");
    assert_eq!(places.iter().map(|(_, first)| *first).max(), Some(6));
}

#[test]
fn a_batch_that_cannot_be_read_is_not_split_and_not_lost() {
    let memory = memory(PLENTY);
    let mut whole = batch(&memory);
    fill(&mut whole, 0..4);
    whole.seal();
    whole.set_compressed(b"\x10not records", 1).expect("there is memory");
    let Err((whole, _)) = whole.split(10) else { panic!("compressed bytes are no records") };
    assert_eq!(whole.count(), 4);
    whole.decide(written(0));
    assert_eq!(memory.budget().used(), 0);
}

#[test]
fn a_recycled_batch_is_like_a_new_one() {
    let memory = memory(PLENTY);
    let waiter = Arc::<Waiter>::default();
    let mut first = full_batch(&memory, &waiter);
    first.want(4);
    first.seal();
    first.sealed.attempts = 9;
    first.sealed.outcome_unknown = true;
    first.decide(written(12));
    let mut second = Batch::new(&memory, &"other".into(), 8, Time(5), 1);
    assert_eq!((second.count(), second.bytes(), second.wanted.len()), (0, 0, 0));
    assert_eq!((&*second.topic, second.partition, second.created), ("other", 8, Time(5)));
    assert_eq!((second.sealed.attempts, second.sealed.outcome_unknown), (0, false));
    fill(&mut second, 0..2);
    assert_eq!((second.base_timestamp, second.max_timestamp), (100, 100));
    let report = second.decide(written(0));
    assert!(report.waiters().is_empty());
    assert_eq!(reported(&report), [(0, 0), (0, 1)]);
}

#[test]
fn trim_keeps_what_it_is_given_and_close_keeps_nothing() {
    let memory = memory(PLENTY);
    let weak = Arc::downgrade(&memory);
    let batches: Vec<Box<Batch>> = (0..100)
        .map(|_| {
            let mut batch = batch(&memory);
            fill(&mut batch, 0..30);
            batch
        })
        .collect();
    batches.into_iter().for_each(|batch| drop(batch.decide(written(0))));
    let free = memory.free_bytes();
    assert!(free > 8192, "{free}");
    memory.trim(2048);
    assert!(memory.free_bytes() <= 4 * 2048, "{}", memory.free_bytes());
    memory.trim(0);
    assert_eq!(memory.free_bytes(), 0);

    let mut late = batch(&memory);
    fill(&mut late, 0..3);
    memory.close();
    assert_eq!(memory.budget().wait(1, None), Err(WaitEnded::Closed));
    // A report may outlive the producer. What it gives back then is not kept.
    let report = late.decide(written(0));
    drop(memory);
    drop(report);
    assert!(weak.upgrade().is_none(), "nothing refers to a closed memory once its reports are gone");
}
