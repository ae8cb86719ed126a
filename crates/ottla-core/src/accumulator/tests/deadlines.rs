//! Deadlines of a slot's batches, and records with a custom timeout.

use std::time::Duration;

use super::{BATCH, DELIVERY, LINGER, Stage, drain, expired, partitions, to};
use crate::accumulator::{AccumulatorSettings, Lingering, Topic};
use crate::record::Record;
use crate::sync::Time;

const MICROS: fn(u64) -> Duration = Duration::from_micros;

/// Sends a record with a custom timeout to partition 0. Its tag is its number, counted from 1.
fn within(stage: &Stage, topic: &Topic, timeout: Duration) {
    let record = Record { timeout: Some(timeout), ..to(0, b"v") };
    stage.send(topic, &record, Lingering::Allowed).expect("accepted");
}

fn plain(stage: &Stage, topic: &Topic) {
    stage.to(topic, 0, 1);
}

#[test]
fn records_with_about_the_same_deadline_share_a_batch() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    within(&stage, &topic, MICROS(40));
    stage.clock.now.set(100 + 5_000);
    within(&stage, &topic, MICROS(40));
    // It would lose more than an eighth of its time.
    stage.clock.now.set(100 + 5_001);
    within(&stage, &topic, MICROS(40));
    // It would be reported too late.
    within(&stage, &topic, MICROS(30));
    assert_eq!(drain(&partitions(&topic)[0]), [vec![1, 2], vec![3], vec![4]]);
}

#[test]
fn plain_records_and_custom_deadlines_do_not_shorten_each_other() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    plain(&stage, &topic);
    within(&stage, &topic, MICROS(50));
    plain(&stage, &topic);
    plain(&stage, &topic);
    within(&stage, &topic, MICROS(500));
    plain(&stage, &topic);
    // About the same timeout as the plain records have.
    stage.clock.now.set(200);
    within(&stage, &topic, DELIVERY);
    assert_eq!(drain(&partitions(&topic)[0]), [vec![1], vec![2], vec![3, 4], vec![5], vec![6, 7]]);
}

#[test]
fn a_plain_record_does_not_read_the_clock_to_join_a_batch() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    plain(&stage, &topic);
    let reads = stage.clock.reads.get();
    for _ in 0..5 {
        plain(&stage, &topic);
    }
    assert_eq!(stage.clock.reads.get(), reads);
}

#[test]
fn a_batch_in_the_middle_expires_first_if_its_records_said_so() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    let slot = &partitions(&topic)[0];
    plain(&stage, &topic);
    within(&stage, &topic, MICROS(50));
    plain(&stage, &topic);
    within(&stage, &topic, MICROS(60));
    assert_eq!(slot.status().deadline, Time(100).after(MICROS(50)));
    assert_eq!(expired(slot, Time(99).after(MICROS(50))), [[0; 0]; 0]);
    assert_eq!(expired(slot, Time(100).after(MICROS(50))), [[2]]);
    assert_eq!(slot.status().deadline, Time(100).after(MICROS(60)));
    assert_eq!(expired(slot, Time(100).after(MICROS(60))), [[4]]);
    assert_eq!(slot.status().deadline, Time(100).after(DELIVERY));
    assert_eq!(slot.status().oldest, Some(Time(100)));
    assert_eq!(expired(slot, Time(100).after(DELIVERY)), [[1], [3]]);
    assert_eq!(slot.load(), 0);
}

#[test]
fn an_earlier_deadline_is_announced_to_a_sender_that_knows_the_slot() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    stage.to(&topic, 0, BATCH);
    assert_eq!(stage.mail(), [0]);
    plain(&stage, &topic);
    assert_eq!(stage.mail(), [0; 0]);
    stage.woken();
    stage.sleep(u64::MAX);
    within(&stage, &topic, MICROS(50));
    assert_eq!((stage.mail(), stage.woken()), (vec![0], 1));
    within(&stage, &topic, MICROS(50));
    assert_eq!(stage.mail(), [0; 0], "it shares a batch whose deadline was told");
    drain(&partitions(&topic)[0]);
}

#[test]
fn a_record_with_little_time_does_not_linger() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    within(&stage, &topic, 2 * LINGER);
    assert!(!partitions(&topic)[0].status().ready);
    drain(&partitions(&topic)[0]);
    within(&stage, &topic, 2 * LINGER - Duration::from_nanos(2));
    assert!(partitions(&topic)[0].status().ready);
    drain(&partitions(&topic)[0]);
}

#[test]
fn an_open_batch_that_grew_for_long_is_closed() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    let slot = &partitions(&topic)[0];
    plain(&stage, &topic);
    slot.close_old(MICROS(10), Time(99).after(MICROS(10)));
    plain(&stage, &topic);
    stage.clock.now.set(100 + 10_000);
    slot.close_old(MICROS(10), Time(100).after(MICROS(10)));
    assert_eq!(slot.status().open, None);
    plain(&stage, &topic);
    assert_eq!(slot.status().open, Some(Time(100 + 10_000)));
    assert_eq!(drain(slot), [vec![1, 2], vec![3]]);
}

#[test]
fn a_topic_s_queue_keeps_deadlines_for_the_partitions() {
    let max_block = MICROS(60);
    let stage = Stage::new(|settings: &mut AccumulatorSettings| {
        settings.topic.topic_timeout = max_block;
    });
    let topic = stage.accumulator.topics.get("t");
    plain(&stage, &topic);
    within(&stage, &topic, MICROS(500));
    within(&stage, &topic, MICROS(50));
    // Two of them have the same deadline in the queue, but not at the partition.
    assert_eq!(topic.queue.status().deadline, Time(100).after(MICROS(50)));
    assert_eq!(expired(&topic.queue, Time(100).after(MICROS(50))), [[3]]);
    assert_eq!(topic.queue.status().deadline, Time(100).after(max_block));
    stage.clock.now.set(5_000);
    let slots = stage.accumulator.partitions_for(&topic, 1);
    stage.accumulator.assign(&topic, slots, &stage.clock);
    let slot = &partitions(&topic)[0];
    let deadlines: Vec<Time> =
        std::iter::from_fn(|| slot.take().0).map(|batch| (batch.deadline, super::decided(batch)).0).collect();
    assert_eq!(deadlines, [Time(100).after(DELIVERY), Time(100).after(MICROS(500))]);
}
