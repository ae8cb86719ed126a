//! Real threads at the accumulator, one of them the sender. Each test ends with a count: every accepted record comes
//! out once and in order, and no memory is held. Also run under ThreadSanitizer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::sync::SystemClock;

const SENDERS: u64 = 3;

/// Records per thread. Fewer where every access is checked.
const EACH: u64 = if cfg!(ottla_tsan) { 2_000 } else { 20_000 };

/// Takes everything until `stop` is set and nothing is left. Calls `each` with the thread and the number of each
/// record.
fn drain_until(accumulator: &Accumulator, stop: &AtomicBool, mut each: impl FnMut(i32, u64, u64)) {
    let mut mail = Mail::<Command>::default();
    loop {
        let stopping = stop.load(Ordering::SeqCst);
        accumulator.inbox.wake_up();
        accumulator.memory.budget().defer();
        accumulator.inbox.take(&mut mail);
        mail.commands.clear();
        accumulator.inbox.take_room_request();
        let mut idle = mail.slots.is_empty();
        for slot in mail.slots.drain(..).filter(|slot| slot.partition >= 0) {
            while let (Some(batch), _) = slot.take() {
                idle = false;
                let report = decided(batch);
                report.deliveries().for_each(|d| each(d.partition, d.tag >> 32, d.tag & 0xffff_ffff));
            }
        }
        accumulator.memory.budget().stop_deferring();
        if idle && stopping {
            return;
        }
        if idle {
            thread::yield_now();
        }
    }
}

fn send_all(accumulator: &Accumulator, topic: &Topic, sender: u64, partitions: u64, sent: &AtomicU64) {
    let deadline = Some(Instant::now() + Duration::from_secs(60));
    for number in 0..EACH {
        let bytes = [0; 40];
        let partition = (number % partitions) as i32;
        let record = Record { partition: Some(partition), value: Some(&bytes), ..Record::default() };
        let completion = match number % 5 {
            0 => Completion::Call { call: 1, tag: sender << 32 | number },
            _ => Completion::Tag(sender << 32 | number),
        };
        let submission = Submission::new(topic, &record, &completion, &SystemClock);
        let mut room = Room::default();
        let mut needed = 0;
        loop {
            match accumulator.accept(&submission, &mut room) {
                Ok(()) => break,
                Err(NotAccepted::NoRoom(bytes)) => {
                    accumulator.give_back(std::mem::take(&mut room));
                    needed += bytes;
                    room = accumulator.wait_for_room(needed, deadline).expect("room comes");
                }
                Err(NotAccepted::Barred(Barred::Closed)) => return accumulator.give_back(room),
                Err(other) => panic!("{other:?}"),
            }
        }
        accumulator.give_back(room);
        sent.fetch_add(1, Ordering::SeqCst);
    }
}

/// Runs several producing threads and one that takes. `during` runs meanwhile on the calling thread.
fn race(buffer_memory: usize, known: bool, during: impl FnOnce(&Accumulator, &Topic)) {
    const PARTITIONS: usize = 4;
    let accumulator = Accumulator::new(&AccumulatorSettings { buffer_memory, ..settings() });
    let topic = accumulator.topics.get("t");
    if known {
        let slots = accumulator.partitions_for(&topic, PARTITIONS);
        accumulator.assign(&topic, slots, &SystemClock);
    }
    let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut last = HashMap::new();
    let mut taken = 0;
    thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let (accumulator, topic, sent) = (&accumulator, &topic, &sent);
                scope.spawn(move || send_all(accumulator, topic, sender, PARTITIONS as u64, sent))
            })
            .collect();
        let taker = scope.spawn(|| {
            drain_until(&accumulator, &stop, |partition, sender, number| {
                let before = last.insert((partition, sender), number);
                assert!(before.is_none_or(|before| before < number), "{sender}: {number} after {before:?}");
                taken += 1;
            });
        });
        during(&accumulator, &topic);
        senders.into_iter().for_each(|sender| sender.join().expect("a sender does not panic"));
        stop.store(true, Ordering::SeqCst);
        taker.join().expect("the taker does not panic");
    });
    assert_eq!(taken, sent.load(Ordering::SeqCst));
    assert_eq!((accumulator.memory.budget().used(), accumulator.memory.budget().waiting()), (0, 0));
    accumulator.memory.close();
}

#[test]
fn no_record_is_lost_or_doubled_or_overtaken() {
    race(64 << 20, true, |_, _| {});
}

#[test]
fn with_little_room_everyone_still_gets_through() {
    race(8_000, true, |_, _| {});
}

#[test]
fn sends_racing_with_assignment_keep_their_order() {
    for pause in [0, 50, 500] {
        race(64 << 20, false, |accumulator, topic| {
            thread::sleep(Duration::from_micros(pause));
            let slots = accumulator.partitions_for(topic, 4);
            let rejected = accumulator.assign(topic, slots, &SystemClock);
            assert_eq!(rejected.into_reports(Time::ZERO).count(), 0);
        });
    }
}

#[test]
fn sends_racing_with_growth_keep_their_order() {
    race(64 << 20, true, |accumulator, topic| {
        for count in 5..30 {
            let slots = accumulator.partitions_for(topic, count);
            accumulator.resize(topic, slots);
            thread::yield_now();
        }
    });
}

/// Sends records with a key, without one, and to a partition that may be gone, while the topic alternates between one
/// partition and four.
#[test]
fn sends_racing_with_a_topic_that_shrinks_and_grows_leave_nothing_behind() {
    const FLIPS: usize = if cfg!(ottla_tsan) { 200 } else { 2_000 };
    let accumulator = Accumulator::new(&AccumulatorSettings { buffer_memory: 64 << 20, ..settings() });
    let topic = accumulator.topics.get("t");
    let all = accumulator.partitions_for(&topic, 4);
    accumulator.assign(&topic, all.clone(), &SystemClock);
    let (stop, accepted) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut taken = 0;
    let mut take = |slot: &Arc<Slot>| taken += drain(slot).concat().len() as u64;
    thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (accumulator, topic, stop, accepted) = (&accumulator, &topic, &stop, &accepted);
            scope.spawn(move || {
                let mut number = sender;
                while !stop.load(Ordering::SeqCst) {
                    number += 1;
                    let key = number.to_be_bytes();
                    let record = match number % 3 {
                        0 => Record { key: Some(&key), ..Record::default() },
                        1 => Record { partition: Some((number % 4) as i32), ..Record::default() },
                        _ => Record::default(),
                    };
                    let completion = Completion::Tag(number);
                    let submission = Submission::new(topic, &record, &completion, &SystemClock);
                    match accumulator.accept(&submission, &mut Room::default()) {
                        Ok(()) => drop(accepted.fetch_add(1, Ordering::SeqCst)),
                        Err(NotAccepted::UnknownPartition { count: 1 }) if record.partition.is_some() => {}
                        // Room comes when the other thread takes a batch.
                        Err(NotAccepted::NoRoom(_)) => thread::yield_now(),
                        Err(other) => panic!("{other:?}"),
                    }
                }
            });
        }
        for _ in 0..FLIPS {
            accumulator.resize(&topic, all[..1].to_vec());
            all[1..].iter().for_each(&mut take);
            thread::yield_now();
            assert_eq!(all[1..].iter().map(|slot| slot.waiting().0).sum::<usize>(), 0, "appended after it was gone");
            accumulator.resize(&topic, all.clone());
            all.iter().for_each(&mut take);
        }
        stop.store(true, Ordering::SeqCst);
    });
    all.iter().for_each(&mut take);
    assert_eq!((taken, accumulator.memory.budget().used()), (accepted.load(Ordering::SeqCst), 0));
    accumulator.memory.close();
}

#[test]
fn a_record_accepted_while_closing_is_in_its_slot() {
    race(64 << 20, true, |accumulator, topic| {
        thread::sleep(Duration::from_millis(1));
        accumulator.gate.close();
        let (record, completion) = (Record { partition: Some(0), ..Record::default() }, Completion::Tag(0));
        let submission = Submission::new(topic, &record, &completion, &SystemClock);
        let refused = accumulator.accept(&submission, &mut Room::default());
        assert_eq!(refused, Err(NotAccepted::Barred(Barred::Closed)));
    });
}
