//! The fast path writes the same bytes as the general path.

use super::*;
use crate::partition::rng::SplitMix64;

/// Two equal batches of `count` records each.
fn pair(count: u64) -> (Box<Batch>, Box<Batch>) {
    let memory = memory(8 * PLENTY);
    let batch = || Batch::new(&memory, &"t".into(), 3, Time(1_000_000), 3);
    let (mut one, mut other) = (batch(), batch());
    fill(&mut one, 0..count);
    fill(&mut other, 0..count);
    (one, other)
}

fn bytes(mut batch: Box<Batch>) -> Vec<u8> {
    batch.seal();
    batch.payload().slices().flatten().copied().collect()
}

/// Whether a record after `count` others, `delta` milliseconds after the first, takes the fast path. Checks its bytes
/// if it does.
fn goes(count: u64, delta: i64, key: Option<&[u8]>, value: Option<&[u8]>) -> bool {
    let (mut one, mut other) = pair(count);
    let timestamp = one.base_timestamp.wrapping_add(delta);
    let Some(plain) = PlainRecord::new(-1, timestamp, key, value, 77) else { return false };
    let Some(len) = one.append_fast(&plain, Batch::FAST_PATH_LIMIT) else { return false };
    let before = other.bytes();
    let record = Record { key, value, ..Record::default() };
    ask(&mut other, &record, timestamp, Completion::Tag(77)).expect("there is room");
    assert_eq!(other.bytes() - before, len);
    assert_eq!((one.bytes(), one.count(), one.max_timestamp), (other.bytes(), other.count(), other.max_timestamp));
    assert!(one.entries().iter().eq(other.entries().iter()));
    assert_eq!(bytes(one), bytes(other));
    true
}

#[test]
fn lengths_around_those_of_varints() {
    let long = vec![9; 5000];
    let lengths = (0..140).chain([1000, 4000, PlainRecord::LONGEST]);
    for len in lengths {
        let some = Some(&long[..len]);
        assert!(goes(1, 0, None, some) && goes(1, 0, some, None) && goes(1, 0, some, some), "{len}");
    }
    assert!(!goes(1, 0, None, Some(&long)) && !goes(1, 0, Some(&long), None));
    assert!(goes(1, 0, None, None));
}

#[test]
fn a_key_that_lies_in_a_chunk_is_sent_again() {
    let mut one = pair(1).0;
    let plain =
        PlainRecord::new(-1, one.base_timestamp, Some(b"the key"), Some(b"the value"), 1).expect("not too long");
    one.append_fast(&plain, Batch::FAST_PATH_LIMIT).expect("there is room");
    one.seal();
    let slice = one.payload().slices().last().expect("there are records");
    let at = |bytes: &[u8]| slice.windows(bytes.len()).position(|window| window == bytes).expect("it was appended");
    let key = &slice[at(b"the key")..][..7];
    assert!(goes(1, 0, Some(key), Some(key)));
    // The last bytes of a chunk, as many as the fast path takes.
    let end = &slice[slice.len().saturating_sub(PlainRecord::LONGEST)..];
    assert!(goes(1, 0, Some(end), Some(end)));
}

#[test]
fn timestamps_and_offsets_around_those_of_varints() {
    for delta in [0, 1, 63, 64, 8191] {
        assert!(goes(1, delta, None, Some(b"v")), "{delta}");
    }
    for delta in [-1, 8192, i64::MAX, i64::MIN] {
        assert!(!goes(1, delta, None, Some(b"v")), "{delta}");
        assert!(!goes(1, delta, Some(b""), Some(b"")), "{delta}");
    }
    for count in [2, 63, 64, 65, 8191, 8193, 20_001] {
        assert!(goes(count, 64, Some(b"k"), Some(b"v")), "{count}");
    }
}

#[test]
fn where_there_is_no_room_nothing_changes() {
    let memory = memory(512);
    let mut batch = batch(&memory);
    fill(&mut batch, 0..1);
    let plain = PlainRecord::new(-1, batch.base_timestamp, None, Some(b"v"), 7).expect("short");
    while batch.append_fast(&plain, Batch::FAST_PATH_LIMIT).is_some() {}
    let (before, used) = ((batch.bytes(), batch.count()), memory.budget().used());
    assert_eq!(batch.append_fast(&plain, Batch::FAST_PATH_LIMIT), None);
    assert_eq!((batch.bytes(), batch.count()), before);
    assert_eq!(memory.budget().used(), used);
    ask(&mut batch, &value(b"next"), 100, Completion::Call { call: 1, tag: 1 }).expect("another chunk");
    assert_eq!(batch.append_fast(&plain, Batch::FAST_PATH_LIMIT), None, "entries with their own callback are longer");
    assert_eq!(batch.count(), before.1 + 1);
}

/// Appends records to two batches, to one of them by the fast path where possible. Returns how many took it.
fn both_ways(records: u32, mut next: impl FnMut() -> (i64, Option<&'static [u8]>, Option<&'static [u8]>)) -> u32 {
    let memories = [memory(64 * PLENTY), memory(64 * PLENTY)];
    let [mut one, mut other] = memories.each_ref().map(batch);
    fill(&mut one, 0..1);
    fill(&mut other, 0..1);
    let mut plain = 0;
    for tag in 0..records {
        let (delta, key, value) = next();
        let (timestamp, tag) = (one.base_timestamp + delta, u64::from(tag));
        let record = Record { key, value, ..Record::default() };
        let may = PlainRecord::new(-1, timestamp, key, value, tag).expect("short");
        match one.append_fast(&may, Batch::FAST_PATH_LIMIT) {
            Some(_) => plain += 1,
            None => ask(&mut one, &record, timestamp, Completion::Tag(tag)).expect("there is room"),
        }
        ask(&mut other, &record, timestamp, Completion::Tag(tag)).expect("there is room");
        let used = memories.each_ref().map(|memory| memory.budget().used());
        assert_eq!(used[0], used[1], "record {tag}: {key:?} {value:?}");
        assert_eq!((one.bytes(), one.max_timestamp), (other.bytes(), other.max_timestamp));
    }
    assert!(one.entries().iter().eq(other.entries().iter()));
    assert!(bytes(one) == bytes(other));
    plain
}

static LONG: [u8; 300] = [5; 300];

#[test]
fn records_in_a_row_are_the_same_on_both_paths() {
    for seed in 0..10 {
        let mut random = SplitMix64::new(seed);
        // Mostly like the record before.
        let mut record = (0, None, Some(&LONG[..100]));
        let some = |random: &mut SplitMix64| match random.below(4) {
            0 => None,
            1 => Some(&LONG[..0]),
            _ => Some(&LONG[..random.below(300) as usize]),
        };
        both_ways(9_000, || {
            match random.below(60) {
                0 => record.0 = i64::from(random.below(9_000)) - 100,
                1 => record.1 = some(&mut random),
                2 => record.2 = some(&mut random),
                _ => {}
            }
            record
        });
    }
}

type Parts = (i64, Option<&'static [u8]>, Option<&'static [u8]>);

/// Appends records to two batches, to one of them in runs where possible. Returns how many runs that took.
fn in_runs(records: &[Parts]) -> u32 {
    let memories = [memory(64 * PLENTY), memory(64 * PLENTY)];
    let [mut one, mut other] = memories.each_ref().map(batch);
    fill(&mut one, 0..1);
    fill(&mut other, 0..1);
    let base = one.base_timestamp;
    let record = |nth: usize| {
        let (delta, key, value) = records[nth];
        (Record { key, value, ..Record::default() }, base + delta, Completion::Tag(nth as u64))
    };
    let plain = |nth: usize| {
        let (delta, key, value) = records[nth];
        PlainRecord::new(-1, base + delta, key, value, nth as u64).expect("short")
    };
    let (mut appended, mut runs) = (0, 0);
    while appended < records.len() {
        let others = (appended + 1..records.len()).map(plain);
        let run = one.append_fast_run(&plain(appended), others, Batch::FAST_PATH_LIMIT);
        if run == 0 {
            let (record, timestamp, completion) = record(appended);
            ask(&mut one, &record, timestamp, completion).expect("there is room");
        }
        for nth in appended..appended + run.max(1) {
            let (record, timestamp, completion) = record(nth);
            ask(&mut other, &record, timestamp, completion).expect("there is room");
        }
        appended += run.max(1);
        runs += 1;
        let used = memories.each_ref().map(|memory| memory.budget().used());
        assert_eq!((used[0], one.bytes(), one.count()), (used[1], other.bytes(), other.count()), "record {appended}");
        assert_eq!(one.max_timestamp, other.max_timestamp);
    }
    assert!(one.entries().iter().eq(other.entries().iter()));
    assert!(bytes(one) == bytes(other));
    runs
}

#[test]
fn a_run_has_the_bytes_of_records_appended_one_by_one() {
    for seed in 0..10 {
        let mut random = SplitMix64::new(seed);
        let mut record: Parts = (0, None, None);
        let records = (0..9_000).map(|_| {
            match random.below(40) {
                0 => record.0 = i64::from(random.below(9_000)) - 100,
                1 => record.1 = None,
                2 => record.1 = Some(&LONG[..random.below(300) as usize]),
                3 => record.2 = None,
                4..20 => record.2 = Some(&LONG[..random.below(300) as usize]),
                _ => {}
            }
            record
        });
        in_runs(&records.collect::<Vec<_>>());
    }
}

#[test]
fn a_run_goes_as_far_as_offsets_are_alike_and_the_chunk_reaches() {
    // The first record of the batch comes before them.
    let runs = in_runs(&vec![(0, None, Some(&LONG[..13])); 64 * 100 - 1]);
    // There are about 35 chunks, most of them for entries. At the end of each, a run ends and one record takes the
    // general path.
    assert!((100..170).contains(&runs), "{runs}");
}

#[test]
fn a_run_stays_below_its_limit() {
    let memory = memory(PLENTY);
    let mut batch = batch(&memory);
    fill(&mut batch, 0..1);
    let plain = PlainRecord::new(-1, batch.base_timestamp, None, Some(b"v"), 7).expect("short");
    let before = batch.bytes();
    let len = batch.append_fast(&plain, 1_000).expect("there is room");
    let below = before + 10 * len;
    assert_eq!(batch.append_fast_run(&plain, std::iter::repeat(plain), below), 8);
    assert_eq!(batch.bytes(), below - len);
    assert_eq!(batch.append_fast_run(&plain, std::iter::repeat(plain), below), 0);
    assert_eq!(batch.append_fast_run(&plain, std::iter::repeat(plain), below + 1), 1);
}

#[test]
fn a_full_chunk_ends_the_fast_path_only_where_the_general_path_could_still_fill_it() {
    let plain = both_ways(20_000, || (0, None, Some(&LONG[..100])));
    // A chunk of the 16 KiB class holds 151 records. The 76 bytes left are too few for another.
    assert!(plain >= 19_990, "{plain} of 20000");
}

#[test]
fn without_memory_for_both_chunks_nothing_changes() {
    for limit in [512, 768, 1_024] {
        let memory = memory(limit);
        let mut batch = batch(&memory);
        // Sixteen records fill the first chunk of entries, and leave too little room in the chunk of data.
        fill(&mut batch, 0..16);
        let plain = PlainRecord::new(-1, batch.base_timestamp, None, Some(&LONG[..20]), 7).expect("short");
        let appended = batch.append_fast(&plain, Batch::FAST_PATH_LIMIT);
        assert_eq!((appended, memory.budget().used()), if limit < 1_024 { (None, 512) } else { (Some(27), 1_024) });
    }
}

#[test]
fn a_batch_stays_below_its_limit() {
    let memory = memory(PLENTY);
    let mut batch = batch(&memory);
    fill(&mut batch, 0..1);
    let plain = PlainRecord::new(-1, batch.base_timestamp, None, Some(b"v"), 7).expect("short");
    let len = batch.append_fast(&plain, 1_000).expect("there is room");
    assert_eq!(batch.append_fast(&plain, batch.bytes() + len), None);
    assert_eq!(batch.append_fast(&plain, batch.bytes() + len + 1), Some(len));
}
