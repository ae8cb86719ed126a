//! The usual way writes the bytes that the thorough one writes.

use super::*;

/// Two batches with `count` records each, the same.
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

/// Whether a record behind `count` others, `delta` after the first, goes the usual way; if so its bytes are right.
fn goes(count: u64, delta: i64, key: Option<&[u8]>, value: Option<&[u8]>) -> bool {
    let (mut one, mut other) = pair(count);
    let timestamp = one.base_timestamp.wrapping_add(delta);
    let Some(usual) = Usual::new(-1, timestamp, key, value, 77) else { return false };
    let Some(len) = one.append_usual(&usual) else { return false };
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
    let lengths = (0..140).chain([1000, 4000, Usual::LONGEST]);
    for len in lengths {
        let some = Some(&long[..len]);
        assert!(goes(1, 0, None, some) && goes(1, 0, some, None) && goes(1, 0, some, some), "{len}");
    }
    assert!(!goes(1, 0, None, Some(&long)) && !goes(1, 0, Some(&long), None));
    assert!(goes(1, 0, None, None));
}

#[test]
fn timestamps_and_offsets_around_those_of_varints() {
    for delta in [0, 1, 63, 64, 8191] {
        assert!(goes(1, delta, None, Some(b"v")), "{delta}");
    }
    for delta in [-1, 8192, i64::MAX, i64::MIN] {
        assert!(!goes(1, delta, None, Some(b"v")), "{delta}");
    }
    for count in [2, 63, 64, 65, 8191, 8193, 20_001] {
        assert!(goes(count, 64, Some(b"k"), Some(b"v")), "{count}");
    }
}

#[test]
fn where_there_is_no_room_nothing_changes() {
    let memory = memory(PLENTY);
    let mut batch = batch(&memory);
    fill(&mut batch, 0..1);
    let usual = Usual::new(-1, batch.base_timestamp, None, Some(b"v"), 7).expect("short");
    while batch.append_usual(&usual).is_some() {}
    let (before, used) = ((batch.bytes(), batch.count()), memory.budget().used());
    assert_eq!(batch.append_usual(&usual), None);
    assert_eq!((batch.bytes(), batch.count()), before);
    assert_eq!(memory.budget().used(), used);
    ask(&mut batch, &value(b"next"), 100, Completion::Call { call: 1, tag: 1 }).expect("another chunk");
    assert_eq!(batch.append_usual(&usual), None, "entries with a function of their own are longer");
    assert_eq!(batch.count(), before.1 + 1);
}
