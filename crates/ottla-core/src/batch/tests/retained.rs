//! Reports of a producer that retains records show them as they were sent.

use super::lent::{Returned, assert_all_returned_once, sample, sample_batch, taken};
use super::*;

fn retaining() -> Arc<Memory> {
    Arc::new(Memory::new(PLENTY, true))
}

type Shown = (Option<Vec<u8>>, Option<Vec<u8>>, Vec<(Vec<u8>, Option<Vec<u8>>)>, i64);

fn shown(report: &Report) -> Vec<Shown> {
    let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
    let record = |record: SentRecord<'_>| {
        let headers = record.headers.map(|header| (header.name.to_vec(), owned(header.value))).collect();
        (owned(record.key), owned(record.value), headers, record.timestamp)
    };
    report.records().map(record).collect()
}

/// What `sample_batch` sends.
fn sent(values: &[Option<Vec<u8>>]) -> Vec<Shown> {
    let record = |(index, value): (usize, &Option<Vec<u8>>)| {
        let key = (index % 2 == 0).then(|| vec![b'k'; index]);
        let header = (b"name".to_vec(), value.as_ref().map(|_| b"h".to_vec()));
        (key, value.clone(), vec![header; index % 2], 5000 + index as i64)
    };
    values.iter().chain(values).enumerate().map(record).collect()
}

/// What is done to a batch before it is decided.
const STATES: [fn(&mut Batch); 4] = [
    |_| (),
    Batch::seal,
    |batch| {
        batch.seal();
        batch.set_compressed(b"tiny", 4).expect("there is memory");
    },
    |batch| {
        batch.seal();
        batch.set_compressed(b"tiny", 4).expect("there is memory");
        batch.set_plain(b"what it was compressed from is still there").expect("there is memory");
    },
];

#[test]
fn report_shows_records_until_it_is_dropped() {
    let (memory, values) = (retaining(), sample());
    for (state, change) in STATES.iter().enumerate() {
        let returned = Returned::default();
        let mut batch = sample_batch(&memory, &values, Some(&returned));
        change(&mut batch);
        // Short values were copied.
        memory.give_back_loans();
        taken(&returned);
        let report = batch.decide(Outcome { log_append_time: 7, ..written(0) });
        assert_eq!(shown(&report), sent(&values), "state {state}");
        let held = memory.report_bytes();
        assert!(held > 5_000 && memory.budget().used() >= held, "state {state}: {held}");
        memory.give_back_loans();
        assert_eq!(taken(&returned), [], "state {state}: lent values can still be read");
        drop(report);
        memory.give_back_loans();
        assert_eq!((memory.report_bytes(), memory.budget().used()), (0, 0), "state {state}");
        assert!(!taken(&returned).is_empty(), "state {state}");
    }
}

#[test]
fn report_of_a_producer_that_does_not_retain_has_no_records() {
    let (memory, values, returned) = (memory(PLENTY), sample(), Returned::default());
    for change in STATES.iter().take(3) {
        let mut batch = sample_batch(&memory, &values, Some(&returned));
        change(&mut batch);
        let report = batch.decide(written(0));
        assert_eq!(shown(&report), []);
        memory.give_back_loans();
        assert_eq!(memory.budget().used(), memory.report_bytes(), "the entries alone");
    }
}

#[test]
fn compressed_bytes_are_released_when_the_batch_is_decided() {
    let memory = retaining();
    let mut batch = batch(&memory);
    ask(&mut batch, &value(&[9; 4000]), 0, Completion::Tag(1)).expect("there is room");
    batch.seal();
    batch.set_compressed(b"tiny", 4).expect("there is memory");
    assert_eq!(memory.budget().used(), 4096 + 256 + 256, "plain, compressed, entries");
    let report = batch.decide(written(0));
    assert_eq!((memory.budget().used(), memory.report_bytes()), (4096 + 256, 4096 + 256));
    drop(report);
    assert_eq!(memory.budget().used(), 0);
}

#[test]
fn parts_of_a_split_show_their_records() {
    let (memory, values, returned) = (retaining(), sample(), Returned::default());
    let mut batch = sample_batch(&memory, &values, Some(&returned));
    batch.seal();
    let parts = batch.split(30_000).unwrap_or_else(|(_, error)| panic!("{error}"));
    assert!(parts.len() > 2);
    let reports: Vec<Report> = parts.into_iter().map(|part| part.decide(written(0))).collect();
    assert_eq!(reports.iter().flat_map(shown).collect::<Vec<_>>(), sent(&values));
    drop(reports);
    assert_all_returned_once(&memory, &values, &returned);
}

#[test]
fn records_that_were_left_behind_are_shown_without_those_that_moved() {
    let (memory, values, returned) = (retaining(), sample(), Returned::default());
    for moved in [0, 1, 5] {
        let mut batch = sample_batch(&memory, &values, Some(&returned));
        batch.drop_moved(moved);
        let report = batch.decide(written(0));
        assert_eq!(shown(&report), sent(&values)[moved as usize..]);
        assert_eq!(report.deliveries().count(), report.records().count());
    }
    let next = sample_batch(&memory, &values, None);
    assert_eq!(shown(&next.decide(written(0))), sent(&values), "a recycled batch is as new");
}

#[test]
fn orphan_shows_its_records() {
    let (memory, values) = (retaining(), sample());
    for (state, change) in STATES.iter().enumerate() {
        let returned = Returned::default();
        let mut batch = sample_batch(&memory, &values, Some(&returned));
        change(&mut batch);
        drop(batch);
        let orphans = memory.take_orphans();
        assert_eq!(orphans.iter().flat_map(shown).collect::<Vec<_>>(), sent(&values), "state {state}");
        drop(orphans);
        assert_all_returned_once(&memory, &values, &returned);
    }
}

#[test]
fn sender_is_woken_for_values_whose_loans_end_with_a_report() {
    let (memory, values, returned) = (retaining(), sample(), Returned::default());
    let woken = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let count = woken.clone();
    memory.on_loans_ended(Box::new(move || {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }));
    drop(sample_batch(&memory, &values, None).decide(written(0)));
    assert_eq!(woken.load(std::sync::atomic::Ordering::SeqCst), 0);
    let report = sample_batch(&memory, &values, Some(&returned)).decide(written(0));
    drop(report);
    assert_eq!(woken.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert_all_returned_once(&memory, &values, &returned);
}
