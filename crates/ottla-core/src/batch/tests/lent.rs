//! Records with lent values are like records with copied ones, on the wire and in their completions.
#![expect(unsafe_code, reason = "offering a value is a promise that the compiler cannot check")]

use std::ffi::c_void;
use std::sync::Mutex;

use super::*;
use crate::loan::{Lent, LentValue, Offer};

/// The values that were given back, in order.
pub type Returned = Mutex<Vec<LentValue>>;

unsafe extern "C" fn note(value: *const c_void, len: usize, returned: *mut c_void) {
    // SAFETY: each test passes its own list, which outlives the loans.
    let returned = unsafe { &*returned.cast::<Returned>() };
    returned.lock().expect("not poisoned").push(LentValue { address: value.expose_provenance(), len });
}

/// The loan of a record's value.
fn offer<'a>(value: Option<&[u8]>, returned: &'a Returned) -> Lent<'a> {
    // SAFETY: the values of these tests live until the end of the test, and do not change.
    Lent::Offered(unsafe { Offer::new(value, note, std::ptr::from_ref(returned).cast_mut().cast()) })
}

/// Appends a record that has only a lent value.
fn lend(batch: &mut Batch, bytes: &[u8], returned: &Returned) -> Result<(), NoRoom> {
    let record = Record { lent: Some(&offer(Some(bytes), returned)), ..value(bytes) };
    ask(batch, &record, 0, Completion::Tag(1))
}

pub fn taken(returned: &Returned) -> Vec<LentValue> {
    std::mem::take(&mut returned.lock().expect("not poisoned"))
}

/// Values that are null, empty, and around the lengths at which values are copied or chunks end.
const SIZES: [Option<usize>; 11] = [
    Some(2000),
    None,
    Some(0),
    Some(1),
    Some(1023),
    Some(1024),
    Some(1025),
    Some(100),
    Some(20_000),
    Some(8000),
    Some(70_000),
];

pub fn sample() -> Vec<Option<Vec<u8>>> {
    SIZES.iter().map(|size| size.map(|size| (0..size).map(|at| (at * 7 + size) as u8).collect())).collect()
}

/// A batch with two records for each value. With `returned`, two of three values are lent.
pub fn sample_batch(memory: &Arc<Memory>, values: &[Option<Vec<u8>>], returned: Option<&Returned>) -> Box<Batch> {
    let mut batch = batch(memory);
    for (index, value) in (0u64..).zip(values.iter().chain(values)) {
        let key = [b'k'; 300];
        let headers = [Header { name: b"name", value: value.as_ref().map(|_| &b"h"[..]) }];
        let record = Record {
            key: (index % 2 == 0).then_some(&key[..index as usize]),
            value: value.as_deref(),
            headers: &headers[..index as usize % 2],
            ..Record::default()
        };
        let lent = returned.filter(|_| index % 3 != 2).map(|returned| offer(value.as_deref(), returned));
        let record = Record { lent: lent.as_ref(), ..record };
        ask(&mut batch, &record, 5000 + index as i64, Completion::Tag(index)).expect("there is room");
    }
    batch
}

/// The values that `sample_batch` lends.
fn lent_of(values: &[Option<Vec<u8>>]) -> Vec<Option<LentValue>> {
    let value_of = |value: &Option<Vec<u8>>| value.as_deref().map(LentValue::of).unwrap_or_default();
    (0..).zip(values.iter().chain(values)).map(|(index, value)| (index % 3 != 2).then(|| value_of(value))).collect()
}

fn sorted(mut values: Vec<LentValue>) -> Vec<LentValue> {
    values.sort_by_key(|value| (value.address, value.len));
    values
}

fn bytes_of(batch: &Batch) -> Vec<u8> {
    batch.payload().slices().collect::<Vec<_>>().concat()
}

pub fn assert_all_returned_once(memory: &Memory, values: &[Option<Vec<u8>>], returned: &Returned) {
    memory.give_back_loans();
    assert_eq!(sorted(taken(returned)), sorted(lent_of(values).into_iter().flatten().collect()));
    assert_eq!(memory.budget().used(), 0);
}

#[test]
fn lent_records_are_the_same_bytes_as_copied_ones() {
    let (memory, values, returned) = (memory(PLENTY), sample(), Returned::default());
    let (mut copied, mut spliced) =
        (sample_batch(&memory, &values, None), sample_batch(&memory, &values, Some(&returned)));
    assert_eq!(dump(&copied), dump(&spliced), "open");
    assert_eq!(copied.bytes(), spliced.bytes());
    copied.seal();
    spliced.seal();
    assert_eq!((copied.payload().len(), spliced.payload().len()), (copied.bytes(), copied.bytes()));
    assert_eq!(bytes_of(&copied), bytes_of(&spliced));
    assert_eq!(dump(&copied), dump(&spliced), "sealed");
    assert!(spliced.payload().slices().all(|slice| !slice.is_empty()));
    // No value of a kilobyte or more was copied.
    let addresses: Vec<usize> = spliced.payload().slices().map(|slice| slice.as_ptr().addr()).collect();
    for value in lent_of(&values).into_iter().flatten() {
        assert_eq!(addresses.contains(&value.address), value.len >= 1024, "{value:?}");
    }
    copied.decide(written(0));
    spliced.decide(written(0));
    assert_all_returned_once(&memory, &values, &returned);
}

#[test]
fn completions_have_the_address_of_a_lent_value() {
    let (memory, values, returned) = (memory(PLENTY), sample(), Returned::default());
    let report = sample_batch(&memory, &values, Some(&returned)).decide(written(0));
    // The loans have ended by then.
    memory.give_back_loans();
    assert_eq!(report.deliveries().map(|delivery| delivery.lent).collect::<Vec<_>>(), lent_of(&values));
    drop(report);
    let mut next = batch(&memory);
    fill(&mut next, 0..30);
    assert!(next.decide(written(0)).deliveries().all(|delivery| delivery.lent.is_none()), "a recycled batch is as new");
}

#[test]
fn parts_of_a_batch_share_its_loans() {
    for (target, compressed) in [(1, false), (3000, false), (30_000, false), (30_000, true), (1, true)] {
        let (memory, values, returned) = (memory(PLENTY), sample(), Returned::default());
        let (mut copied, mut spliced) =
            (sample_batch(&memory, &values, None), sample_batch(&memory, &values, Some(&returned)));
        copied.seal();
        spliced.seal();
        if compressed {
            let plain = bytes_of(&spliced);
            spliced.set_compressed(b"tiny", 1).expect("there is memory");
            spliced.set_plain(&plain).expect("there is memory");
        }
        // A request that was not written to its end.
        let pinned = spliced.payload().clone();
        let split = |batch: Box<Batch>| batch.split(target).unwrap_or_else(|_| panic!("it is plain"));
        let (copied, spliced) = (split(copied), split(spliced));
        let all = |parts: &[Box<Batch>]| parts.iter().map(|part| bytes_of(part)).collect::<Vec<_>>();
        assert_eq!(all(&copied), all(&spliced));
        drop(copied.into_iter().map(|part| part.decide(written(0))).collect::<Vec<_>>());
        let reports: Vec<Report> = spliced.into_iter().map(|part| part.decide(written(0))).collect();
        let reported = reports.iter().flat_map(|report| report.deliveries().map(|delivery| delivery.lent));
        assert_eq!(reported.collect::<Vec<_>>(), lent_of(&values));
        drop((reports, pinned));
        assert_all_returned_once(&memory, &values, &returned);
    }
}

#[test]
fn a_value_is_lent_and_charged_until_nobody_needs_its_bytes() {
    let (memory, returned) = (memory(PLENTY), Returned::default());
    let bytes = [7; 5000];
    let mut batch = batch(&memory);
    lend(&mut batch, &bytes, &returned).expect("there is room");
    assert_eq!(memory.budget().used(), 5000 + 256 + 256);
    batch.seal();
    let pinned = batch.payload().clone();
    drop(batch.decide(written(0)));
    memory.give_back_loans();
    assert_eq!(taken(&returned), [], "a request still carries it");
    assert_eq!(bytes_of_payload(&pinned).len(), pinned.len());
    drop(pinned);
    assert_eq!(taken(&returned), [], "who let go may be in the middle of something");
    assert_eq!(memory.budget().used(), 5000);
    memory.give_back_loans();
    assert_eq!(taken(&returned), [LentValue::of(&bytes)]);
    assert_eq!(memory.budget().used(), 0);
}

fn bytes_of_payload(payload: &Payload) -> Vec<u8> {
    payload.slices().collect::<Vec<_>>().concat()
}

#[test]
fn compressing_ends_the_loans() {
    let (memory, returned) = (memory(PLENTY), Returned::default());
    let bytes = [7; 5000];
    let mut batch = batch(&memory);
    lend(&mut batch, &bytes, &returned).expect("there is room");
    batch.seal();
    batch.set_compressed(b"tiny", 1).expect("there is memory");
    memory.give_back_loans();
    assert_eq!(taken(&returned), [LentValue::of(&bytes)], "before its completion");
    assert_eq!(memory.budget().used(), 256 + 256);
    let report = batch.decide(written(0));
    assert_eq!(report.deliveries().next().and_then(|delivery| delivery.lent), Some(LentValue::of(&bytes)));
}

#[test]
fn a_refused_record_was_never_lent() {
    let bytes = [7; 5000];
    // What there is too little room for: the value, the rest of the record, its completion.
    for (limit, refused) in [(256 + 256 + 4999, 5000), (256 + 256 + 5000, 256), (256 + 256 + 5000 + 256, 256)] {
        let (memory, returned) = (memory(limit), Returned::default());
        let mut batch = batch(&memory);
        fill(&mut batch, 0..16);
        let (used, before) = (memory.budget().used(), batch.bytes());
        let lent = offer(Some(&bytes), &returned);
        let record = Record { key: Some(&bytes[..200]), lent: Some(&lent), ..value(&bytes) };
        for _ in 0..2 {
            let answer = ask(&mut batch, &record, 9, Completion::Tag(99));
            assert_eq!(answer, Err(NoRoom::Buffer(refused)));
            assert_eq!((memory.budget().used(), batch.bytes(), batch.count()), (used, before, 16));
        }
        batch.seal();
        assert_eq!(values(&batch).len(), 16);
        batch.decide(written(0));
        memory.give_back_loans();
        assert_eq!(taken(&returned), []);
        assert_eq!(memory.budget().used(), 0);
    }
}

#[test]
fn records_that_share_an_offer_give_the_value_back_once() {
    let (memory, returned) = (memory(PLENTY), Returned::default());
    let bytes = [7; 5000];
    let lent = offer(Some(&bytes), &returned);
    let mut batch = batch(&memory);
    for tag in 0..3 {
        let record = Record { lent: Some(&lent), ..value(&bytes) };
        ask(&mut batch, &record, 0, Completion::Tag(tag)).expect("there is room");
    }
    let mut copied = super::batch(&memory);
    for tag in 0..3 {
        ask(&mut copied, &value(&bytes), 0, Completion::Tag(tag)).expect("there is room");
    }
    batch.seal();
    copied.seal();
    assert_eq!(bytes_of(&batch), bytes_of(&copied));
    batch.decide(written(0));
    copied.decide(written(0));
    memory.give_back_loans();
    assert_eq!(taken(&returned), [LentValue::of(&bytes)]);
    assert_eq!(memory.budget().used(), 0);
}

#[test]
fn an_offer_of_another_value_than_the_records_is_given_back_and_not_read() {
    let (memory, returned) = (memory(PLENTY), Returned::default());
    let (offered, sent) = ([7; 5000], [8; 6000]);
    let lent = offer(Some(&offered), &returned);
    let mut batch = batch(&memory);
    let record = Record { lent: Some(&lent), ..value(&sent) };
    ask(&mut batch, &record, 0, Completion::Tag(1)).expect("there is room");
    batch.seal();
    assert_eq!(values(&batch), [sent]);
    batch.decide(written(0));
    memory.give_back_loans();
    assert_eq!(taken(&returned), [LentValue::of(&offered)]);
}

#[test]
fn a_batch_dropped_undecided_ends_its_loans() {
    let (memory, values, returned) = (memory(PLENTY), sample(), Returned::default());
    let mut lost = sample_batch(&memory, &values, Some(&returned));
    lost.seal();
    drop(lost);
    let orphans = memory.take_orphans();
    assert_eq!(orphans[0].deliveries().map(|delivery| delivery.lent).collect::<Vec<_>>(), lent_of(&values));
    drop(orphans);
    assert_all_returned_once(&memory, &values, &returned);
}

#[test]
fn a_loan_that_ends_after_the_sender_is_given_back_at_once() {
    let (memory, returned) = (memory(PLENTY), Returned::default());
    let bytes = [7; 5000];
    let mut batch = batch(&memory);
    lend(&mut batch, &bytes, &returned).expect("there is room");
    memory.give_back_last_loans();
    assert_eq!(taken(&returned), []);
    drop(batch.decide(written(0)));
    assert_eq!(taken(&returned), [LentValue::of(&bytes)]);
}

#[test]
fn a_function_that_gives_back_finds_the_room_that_it_gave() {
    unsafe extern "C" fn look(_: *const c_void, _: usize, memory: *mut c_void) {
        // SAFETY: the test's memory, which outlives the loan.
        let memory = unsafe { &*memory.cast::<Memory>() };
        assert_eq!(memory.budget().used(), 0);
    }
    let memory = memory(PLENTY);
    let bytes = [7; 5000];
    let mut batch = batch(&memory);
    // SAFETY: the value and the memory outlive the loan.
    let lent = Lent::Offered(unsafe { Offer::new(Some(&bytes), look, Arc::as_ptr(&memory).cast_mut().cast()) });
    let record = Record { lent: Some(&lent), ..value(&bytes) };
    ask(&mut batch, &record, 0, Completion::Tag(1)).expect("there is room");
    batch.decide(written(0));
    memory.give_back_loans();
}
