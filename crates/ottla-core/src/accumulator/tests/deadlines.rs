//! Deadlines of a slot's batches, and records with their own timeout.

use std::time::Duration;

use super::{BATCH, DELIVERY, LINGER, Stage, drain, expired, partitions, to};
use crate::accumulator::{AccumulatorSettings, Lingering, Topic};
use crate::record::Record;
use crate::sync::Time;

const MICROS: fn(u64) -> Duration = Duration::from_micros;

/// A record for partition 0 with a timeout of its own; its tag is the number of records before it, and one.
fn within(stage: &Stage, topic: &Topic, timeout: Duration) {
    let record = Record { timeout: Some(timeout), ..to(0, b"v") };
    stage.send(topic, &record, Lingering::Allowed).expect("accepted");
}

fn usual(stage: &Stage, topic: &Topic) {
    stage.to(topic, 0, 1);
}

#[test]
fn records_with_about_the_same_deadline_share_a_batch() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    within(&stage, &topic, MICROS(40));
    stage.clock.now.set(100 + 5_000);
    within(&stage, &topic, MICROS(40));
    // More than an eighth of its time would be lost.
    stage.clock.now.set(100 + 5_001);
    within(&stage, &topic, MICROS(40));
    // It would be told too late.
    within(&stage, &topic, MICROS(30));
    assert_eq!(drain(&partitions(&topic)[0]), [vec![1, 2], vec![3], vec![4]]);
}

#[test]
fn usual_records_and_those_with_a_deadline_of_their_own_do_not_shorten_each_other_s() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    usual(&stage, &topic);
    within(&stage, &topic, MICROS(50));
    usual(&stage, &topic);
    usual(&stage, &topic);
    within(&stage, &topic, MICROS(500));
    usual(&stage, &topic);
    // About as long as the others have.
    stage.clock.now.set(200);
    within(&stage, &topic, DELIVERY);
    assert_eq!(drain(&partitions(&topic)[0]), [vec![1], vec![2], vec![3, 4], vec![5], vec![6, 7]]);
}

#[test]
fn a_usual_record_does_not_look_at_the_clock_to_join_a_batch() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    usual(&stage, &topic);
    let reads = stage.clock.reads.get();
    for _ in 0..5 {
        usual(&stage, &topic);
    }
    assert_eq!(stage.clock.reads.get(), reads);
}

#[test]
fn a_batch_in_the_middle_expires_first_if_its_records_said_so() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    let slot = &partitions(&topic)[0];
    usual(&stage, &topic);
    within(&stage, &topic, MICROS(50));
    usual(&stage, &topic);
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
fn a_sender_that_knows_of_the_slot_is_told_of_an_earlier_deadline() {
    let stage = Stage::new(|_| {});
    let topic = stage.known(1);
    stage.to(&topic, 0, BATCH);
    assert_eq!(stage.mail(), [0]);
    usual(&stage, &topic);
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
    usual(&stage, &topic);
    slot.close_old(MICROS(10), Time(99).after(MICROS(10)));
    usual(&stage, &topic);
    stage.clock.now.set(100 + 10_000);
    slot.close_old(MICROS(10), Time(100).after(MICROS(10)));
    assert_eq!(slot.status().open, None);
    usual(&stage, &topic);
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
    usual(&stage, &topic);
    within(&stage, &topic, MICROS(500));
    within(&stage, &topic, MICROS(50));
    // In the queue two of them have the same deadline, later they have not.
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
