//! Explores every interleaving, up to a number of preemptions, of application threads and the sender in the
//! accumulator.
//!
//! `scripts/loom` runs it. "Red when" in the comment of a model names the mistakes that the model was seen to find.
#![cfg(ottla_loom)]

use std::time::Duration;

use loom::thread;
use ottla_core::accumulator::{
    Accumulator, AccumulatorSettings, Command, Keyless, Mail, NotAccepted, Partitioner, Slot, Submission, Topic,
    TopicSettings,
};
use ottla_core::batch::{Batch, Charge, Completion, Outcome, Report, Room, WaitEnded};
use ottla_core::partition::hash::Hash;
use ottla_core::sync::{Arc, Clock, Latest, Mutex, Ordering, Time};
use ottla_core::{Error, ErrorKind, Record};

struct Still;

impl Clock for Still {
    fn monotonic(&self) -> Time {
        Time(100)
    }

    fn wall_ms(&self) -> i64 {
        0
    }
}

fn model(f: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 20_000;
    // LOOM_MAX_PREEMPTIONS overrides this.
    builder.preemption_bound.get_or_insert(2);
    builder.check(f);
}

fn accumulator(batch_limit: usize, buffer_memory: usize) -> Arc<Accumulator> {
    Arc::new(Accumulator::new(&AccumulatorSettings {
        buffer_memory,
        retain: false,
        batch_size: 1000,
        batch_limit,
        topic: TopicSettings {
            linger: Duration::from_nanos(50),
            partitioner: Partitioner::Hashed { hash: Hash::Murmur2, keyless: Keyless::Null, adaptive: false },
            ..TopicSettings::default()
        },
        seed: 1,
    }))
}

fn assign(accumulator: &Accumulator, topic: &Topic) {
    assign_partitions(accumulator, topic, 1);
}

fn assign_partitions(accumulator: &Accumulator, topic: &Topic, count: usize) {
    let slots = accumulator.partitions_for(topic, count);
    let rejected = accumulator.assign(topic, slots, &Still);
    assert_eq!(rejected.into_reports(Time::ZERO).count(), 0);
}

fn send(accumulator: &Accumulator, topic: &Topic, tag: u64) -> Result<(), NotAccepted> {
    let record = Record { partition: Some(0), ..Record::default() };
    accumulator.accept(&Submission::new(topic, &record, &Completion::Tag(tag), &Still), &mut Room::default())
}

fn decided(batch: Box<Batch>) -> Report {
    let outcome = Outcome::failed(&batch, Error::new(ErrorKind::Closed, ""), Time::ZERO);
    batch.decide(outcome)
}

/// Takes everything that is in a slot.
fn drain(slot: &Slot, into: &mut Vec<u64>) {
    while let (Some(batch), _) = slot.take() {
        into.extend(decided(batch).deliveries().map(|delivery| delivery.tag));
    }
}

fn only(topic: &Topic) -> &Slot {
    &topic.partitions().expect("assigned")[0]
}

fn position(tags: &[u64], tag: u64) -> usize {
    tags.iter().position(|&other| other == tag).unwrap_or_else(|| panic!("{tag} is lost: {tags:?}"))
}

/// Red when `take` took the newest full batch first.
#[test]
fn concurrent_append_and_take_neither_lose_nor_repeat_nor_reorder_records() {
    // Once with a batch per record, once with all records in one batch.
    for batch_limit in [1, 1000] {
        model(move || {
            let accumulator = accumulator(batch_limit, 1 << 20);
            let topic = accumulator.topics.get("t");
            assign(&accumulator, &topic);
            let one = thread::spawn({
                let (accumulator, topic) = (accumulator.clone(), topic.clone());
                move || {
                    send(&accumulator, &topic, 1).expect("room");
                    send(&accumulator, &topic, 2).expect("room");
                }
            });
            let other = thread::spawn({
                let (accumulator, topic) = (accumulator.clone(), topic.clone());
                move || send(&accumulator, &topic, 11).expect("room")
            });
            let mut tags = Vec::new();
            drain(only(&topic), &mut tags);
            one.join().expect("no panic");
            other.join().expect("no panic");
            drain(only(&topic), &mut tags);
            assert!(position(&tags, 1) < position(&tags, 2));
            position(&tags, 11);
            assert_eq!((tags.len(), accumulator.memory.budget().used()), (3, 0));
            accumulator.memory.close();
        });
    }
}

/// The sender's loop: it takes mail, sleeps and is woken until `done` returns true.
fn sender(
    accumulator: &Accumulator,
    asleep: &loom::sync::Notify,
    done: impl Fn(&[u64], &[Command]) -> bool,
) -> Vec<u64> {
    let (mut tags, mut commands, mut mail) = (Vec::new(), Vec::new(), Mail::default());
    loop {
        accumulator.inbox.wake_up();
        accumulator.inbox.take_room_request();
        accumulator.inbox.take(&mut mail);
        mail.slots.drain(..).for_each(|slot| drain(&slot, &mut tags));
        commands.append(&mut mail.commands);
        if done(&tags, &commands) {
            return tags;
        }
        if accumulator.inbox.fall_asleep(Time::NEVER, false) {
            asleep.wait();
        }
    }
}

fn accumulator_with_waker() -> (Arc<Accumulator>, Arc<loom::sync::Notify>) {
    let accumulator = accumulator(1000, 1 << 20);
    let asleep = Arc::new(loom::sync::Notify::new());
    let waker = asleep.clone();
    accumulator.inbox.on_wake(Box::new(move || waker.notify()));
    (accumulator, asleep)
}

/// A lost wake-up is a deadlock here. Red when `take` did not reset the flag that the sender had been woken.
#[test]
fn a_record_wakes_the_sender() {
    model(|| {
        let (accumulator, asleep) = accumulator_with_waker();
        let topic = accumulator.topics.get("t");
        assign(&accumulator, &topic);
        let senders: Vec<_> = [1, 2]
            .map(|tag| {
                let (accumulator, topic) = (accumulator.clone(), topic.clone());
                thread::spawn(move || send(&accumulator, &topic, tag).expect("room"))
            })
            .into();
        let tags = sender(&accumulator, &asleep, |tags, _| tags.len() == 2);
        senders.into_iter().for_each(|sender| sender.join().expect("no panic"));
        assert_ne!(tags[0], tags[1]);
        accumulator.memory.close();
    });
}

/// While wakes are coalesced, full batches wake nobody. The sender limits its sleep, and looks at the inbox again by
/// itself (here: when the other threads are done). Red when `fall_asleep` did not look for full batches, and when it
/// cleared `resting` only after it had looked.
#[test]
fn a_batch_that_fills_while_wakes_are_coalesced_is_found_at_the_next_look() {
    model(|| {
        let (accumulator, asleep) = accumulator_with_waker();
        let topic = accumulator.topics.get("t");
        assign(&accumulator, &topic);
        let other = thread::spawn({
            let (accumulator, topic) = (accumulator.clone(), topic.clone());
            move || {
                let record = Record { partition: Some(0), value: Some(&[0; 1000]), ..Record::default() };
                let to = Completion::Tag(1);
                let submission = Submission::new(&topic, &record, &to, &Still);
                accumulator.accept(&submission, &mut Room::default()).expect("room");
            }
        });
        let (mut tags, mut mail) = (Vec::new(), Mail::default());
        let mut resting = true;
        while tags.is_empty() {
            accumulator.inbox.wake_up();
            accumulator.inbox.take(&mut mail);
            mail.slots.drain(..).for_each(|slot| drain(&slot, &mut tags));
            if !tags.is_empty() {
                break;
            }
            let until = if resting { Time(120) } else { Time::NEVER };
            if accumulator.inbox.fall_asleep(until, resting) && !resting {
                asleep.wait();
            }
            resting = false;
        }
        other.join().expect("no panic");
        accumulator.memory.close();
    });
}

/// Red when `fall_asleep` looked at the mail before it stored `asleep_until`, and when a command read `asleep_until`
/// before it was left in the inbox.
#[test]
fn a_command_wakes_the_sender_which_finds_the_records_before_it() {
    model(|| {
        let (accumulator, asleep) = accumulator_with_waker();
        let topic = accumulator.topics.get("t");
        assign(&accumulator, &topic);
        let other = thread::spawn({
            let (accumulator, topic) = (accumulator.clone(), topic.clone());
            move || {
                send(&accumulator, &topic, 1).expect("room");
                accumulator.inbox.command(Command::Flush { ticket: 1 });
            }
        });
        let tags = sender(&accumulator, &asleep, |_, commands| !commands.is_empty());
        assert_eq!(tags, [1], "a flush covers what was accepted before it");
        other.join().expect("no panic");
        accumulator.memory.close();
    });
}

/// Red when `fall_asleep` read `room_requested` before it stored `asleep_until`.
#[test]
fn a_request_for_room_wakes_the_sender() {
    model(|| {
        let (accumulator, asleep) = accumulator_with_waker();
        let other = thread::spawn({
            let accumulator = accumulator.clone();
            move || accumulator.inbox.request_room()
        });
        loop {
            accumulator.inbox.wake_up();
            if accumulator.inbox.take_room_request() {
                break;
            }
            if accumulator.inbox.fall_asleep(Time::NEVER, false) {
                asleep.wait();
            }
        }
        other.join().expect("no panic");
    });
}

/// Red when `wait` registered its waiter only after it had looked at the memory in use.
#[test]
fn a_waiting_call_gets_released_memory() {
    model(|| {
        let accumulator = accumulator(1000, 100);
        accumulator.memory.budget().charge(100);
        let waiter = thread::spawn({
            let accumulator = accumulator.clone();
            move || accumulator.memory.budget().wait(60, None)
        });
        let other = thread::spawn({
            let accumulator = accumulator.clone();
            move || accumulator.memory.budget().release(50)
        });
        accumulator.memory.budget().release(50);
        assert_eq!(waiter.join().expect("no panic"), Ok(()));
        other.join().expect("no panic");
        assert_eq!((accumulator.memory.budget().used(), accumulator.memory.budget().waiting()), (60, 0));
    });
}

/// Red when `stop_deferring` served the queue before it cleared `deferred`. Before that flag existed, red whenever the
/// sender slept while another thread freed a report of less than an eighth of the memory.
#[test]
fn a_small_release_while_the_sender_falls_asleep_serves_the_waiting_call() {
    model(|| {
        let accumulator = accumulator(1000, 100);
        accumulator.memory.budget().charge(100);
        let waiter = thread::spawn({
            let accumulator = accumulator.clone();
            move || accumulator.memory.budget().wait(8, None)
        });
        let other = thread::spawn({
            let accumulator = accumulator.clone();
            move || accumulator.memory.budget().release(4)
        });
        accumulator.memory.budget().defer();
        accumulator.memory.budget().release(4);
        accumulator.memory.budget().stop_deferring();
        assert_eq!(waiter.join().expect("no panic"), Ok(()));
        other.join().expect("no panic");
        assert_eq!(accumulator.memory.budget().used(), 100);
    });
}

/// Red when a refused call requested room before the refusal was recorded, when a release woke nobody, and when
/// `stop_deferring` came after the look for room.
#[test]
fn a_refused_call_is_notified_of_room_while_the_sender_falls_asleep() {
    model(|| {
        let (accumulator, asleep) = accumulator_with_waker();
        let waker = asleep.clone();
        accumulator.memory.budget().on_room(Box::new(move || waker.notify()));
        accumulator.memory.budget().charge((1 << 20) - 10);
        let asking = thread::spawn({
            let accumulator = accumulator.clone();
            move || match accumulator.memory.budget().try_charge(60) {
                Ok(()) => accumulator.inbox.command(Command::Flush { ticket: 1 }),
                Err(_) => accumulator.refuse(60),
            }
        });
        let other = thread::spawn({
            let accumulator = accumulator.clone();
            move || accumulator.memory.budget().release((1 << 20) - 10)
        });
        let mut mail = Mail::default();
        loop {
            accumulator.inbox.wake_up();
            accumulator.inbox.take_room_request();
            accumulator.inbox.take(&mut mail);
            accumulator.memory.budget().defer();
            accumulator.memory.budget().stop_deferring();
            // Room was reported, or there was room at once.
            if accumulator.memory.budget().take_room_after_refusal() || !mail.commands.is_empty() {
                break;
            }
            if accumulator.inbox.fall_asleep(Time::NEVER, false) {
                asleep.wait();
            }
        }
        asking.join().expect("no panic");
        other.join().expect("no panic");
    });
}

/// Red when a waiter charged memory without being first in the queue, and when one that left did not wake the next.
#[test]
fn waiting_calls_are_served_in_order() {
    model(|| {
        let accumulator = accumulator(1000, 100);
        accumulator.memory.budget().charge(100);
        let order = Arc::new(Mutex::new(Vec::new()));
        let wait = |bytes: usize| {
            let (accumulator, order) = (accumulator.clone(), order.clone());
            thread::spawn(move || {
                // Only the first waiter's charge is sure to precede its line in `order`: the second may charge only
                // after it.
                accumulator.memory.budget().wait(bytes, None).expect("room comes");
                order.lock().push((bytes, accumulator.memory.budget().used()));
            })
        };
        let first = wait(60);
        while accumulator.memory.budget().waiting() == 0 {
            thread::yield_now();
        }
        let second = wait(20);
        // Enough for the second, not for the first.
        accumulator.memory.budget().release(30);
        assert!(order.lock().is_empty(), "the second overtook the first");
        accumulator.memory.budget().release(70);
        first.join().expect("no panic");
        second.join().expect("no panic");
        assert_eq!(accumulator.memory.budget().used(), 80);
    });
}

/// `close` wakes all waiters. Waking the first would do: a waiter that leaves the queue wakes the next.
#[test]
fn closing_ends_every_wait() {
    model(|| {
        let accumulator = accumulator(1000, 100);
        accumulator.memory.budget().charge(100);
        let waiters: Vec<_> = [10, 20]
            .map(|bytes| {
                let accumulator = accumulator.clone();
                thread::spawn(move || accumulator.memory.budget().wait(bytes, None))
            })
            .into();
        accumulator.memory.budget().close();
        for waiter in waiters {
            assert_eq!(waiter.join().expect("no panic"), Err(WaitEnded::Closed));
        }
        assert_eq!(accumulator.memory.budget().waiting(), 0);
    });
}

/// Red when charging was a comparison followed by a separate addition.
#[test]
fn concurrent_charges_never_exceed_the_limit() {
    model(|| {
        let accumulator = accumulator(1000, 100);
        let ask = || {
            let accumulator = accumulator.clone();
            thread::spawn(move || {
                let charged = accumulator.memory.budget().try_charge(60).is_ok();
                assert!(accumulator.memory.budget().used() <= 100);
                if charged {
                    accumulator.memory.budget().release(60);
                }
            })
        };
        let asking = [ask(), ask()];
        let charged = accumulator.memory.budget().try_charge(40).is_ok();
        assert!(accumulator.memory.budget().used() <= 100);
        asking.into_iter().for_each(|thread| thread.join().expect("no panic"));
        assert_eq!(accumulator.memory.budget().used(), if charged { 40 } else { 0 });
    });
}

/// Red when `close` revoked no slot, when it revoked before the gate was closed, and when a slot was admitted under one
/// hold of the gate's lock and listed under another.
#[test]
fn nothing_is_appended_after_close_and_no_earlier_record_is_missed() {
    model(|| {
        let accumulator = accumulator(1000, 1 << 20);
        let topic = accumulator.topics.get("t");
        assign(&accumulator, &topic);
        let sending = |tags: &'static [u64]| {
            let (accumulator, topic) = (accumulator.clone(), topic.clone());
            thread::spawn(move || tags.iter().filter(|&&tag| send(&accumulator, &topic, tag).is_ok()).count())
        };
        let senders = [sending(&[1, 2]), sending(&[11])];
        accumulator.gate.close();
        let mut tags = Vec::new();
        accumulator.topics.slots().iter().for_each(|slot| drain(slot, &mut tags));
        let accepted: usize = senders.into_iter().map(|sender| sender.join().expect("no panic")).sum();
        assert_eq!(tags.len(), accepted, "{tags:?}");
        drain(only(&topic), &mut tags);
        assert_eq!(tags.len(), accepted, "appended after close");
        accumulator.memory.close();
    });
}

fn shut(accumulator: &Accumulator) {
    accumulator.gate.shut(Error::new(ErrorKind::InvalidState, ""));
}

/// A transaction ends and the next one begins. Red when `shut` revoked no slot, when it revoked before the gate was
/// shut, and when a revoked slot still believed that it was enrolled.
#[test]
fn records_accepted_before_the_gate_shuts_are_in_their_slot_and_none_follow_until_it_opens() {
    model(|| {
        let accumulator = accumulator(1000, 1 << 20);
        let topic = accumulator.topics.get("t");
        assign(&accumulator, &topic);
        let sending = |tags: &'static [u64]| {
            let (accumulator, topic) = (accumulator.clone(), topic.clone());
            thread::spawn(move || tags.iter().filter(|&&tag| send(&accumulator, &topic, tag).is_ok()).count())
        };
        let senders = [sending(&[1, 2]), sending(&[11])];
        shut(&accumulator);
        let mut of_the_first = Vec::new();
        drain(only(&topic), &mut of_the_first);
        thread::yield_now();
        let mut between = Vec::new();
        drain(only(&topic), &mut between);
        assert!(between.is_empty(), "{between:?} landed in the next transaction");
        accumulator.gate.open();
        let accepted: usize = senders.into_iter().map(|sender| sender.join().expect("no panic")).sum();
        let mut of_the_second = Vec::new();
        drain(only(&topic), &mut of_the_second);
        assert_eq!(of_the_first.len() + of_the_second.len(), accepted, "{of_the_first:?} {of_the_second:?}");
        accumulator.memory.close();
    });
}

/// The application closes while the sender ends a transaction. Both may then rely on a shut gate. Red when the first of
/// the two took the list of enrolled slots away from the other.
#[test]
fn nothing_is_appended_after_a_shut_that_runs_concurrently_with_a_close() {
    model(|| {
        let accumulator = accumulator(1000, 1 << 20);
        let topic = accumulator.topics.get("t");
        assign(&accumulator, &topic);
        send(&accumulator, &topic, 1).expect("room");
        let sender = thread::spawn({
            let (accumulator, topic) = (accumulator.clone(), topic.clone());
            move || [2, 3].into_iter().filter(|&tag| send(&accumulator, &topic, tag).is_ok()).count()
        });
        let closer = thread::spawn({
            let accumulator = accumulator.clone();
            move || accumulator.gate.close()
        });
        shut(&accumulator);
        let mut tags = Vec::new();
        drain(only(&topic), &mut tags);
        let accepted = 1 + sender.join().expect("no panic");
        closer.join().expect("no panic");
        assert_eq!(tags.len(), accepted, "appended after the gate was shut");
        accumulator.gate.open();
        assert!(send(&accumulator, &topic, 4).is_err(), "a closed gate was opened");
        accumulator.memory.close();
    });
}

/// The same for a topic's queue that is assigned after close.
#[test]
fn a_topics_queue_is_closed_like_any_slot() {
    model(|| {
        let accumulator = accumulator(1000, 1 << 20);
        let topic = accumulator.topics.get("t");
        let sender = thread::spawn({
            let (accumulator, topic) = (accumulator.clone(), topic.clone());
            move || [1, 2].into_iter().filter(|&tag| send(&accumulator, &topic, tag).is_ok()).count()
        });
        accumulator.gate.close();
        assign(&accumulator, &topic);
        let mut tags = Vec::new();
        accumulator.topics.slots().iter().for_each(|slot| drain(slot, &mut tags));
        let accepted = sender.join().expect("no panic");
        assert_eq!(tags.len(), accepted, "{tags:?}");
        accumulator.memory.close();
    });
}

/// Red when `set` stored the address of the first value that it had seen.
#[test]
fn a_reader_sees_values_that_never_go_back() {
    model(|| {
        let latest = Arc::new(Latest::new());
        let set = |latest: &Latest<[i32; 2]>, value: i32| latest.set([value, value], |one, other| one == other);
        set(&latest, 1);
        let writers = [2, 3].map(|value| {
            let latest = latest.clone();
            thread::spawn(move || {
                set(&latest, value);
                assert_ne!(latest.get(), Some(&[1, 1]), "own publication, or the other's");
            })
        });
        let first = *latest.get().expect("set");
        let second = *latest.get().expect("set");
        assert_eq!(first[0], first[1]);
        assert!(second == first || second[0] != 1, "{first:?} then {second:?}");
        writers.into_iter().for_each(|writer| writer.join().expect("no panic"));
        set(&latest, 4);
        assert_eq!(latest.get(), Some(&[4, 4]), "after both");
    });
}

/// A topic loses its second partition and gets it back. Red when `retire` left the slot enrolled, and when `resize`
/// retired before it published: a sender that found its partition retired then found the same one for ever.
#[test]
fn nothing_is_appended_to_a_removed_partition_and_no_earlier_record_is_missed() {
    for comes_back in [false, true] {
        model(move || {
            let accumulator = accumulator(1000, 1 << 20);
            let topic = accumulator.topics.get("t");
            assign_partitions(&accumulator, &topic, 2);
            let slots = accumulator.partitions_for(&topic, 2);
            let send = |accumulator: &Accumulator, topic: &Topic, partition, tag| {
                let record = Record { partition, ..Record::default() };
                let to = Completion::Tag(tag);
                accumulator.accept(&Submission::new(topic, &record, &to, &Still), &mut Room::default())
            };
            // The partition has accepted a record before, and has no open batch.
            let mut tags = Vec::new();
            send(&accumulator, &topic, Some(1), 1).expect("room");
            drain(&slots[1], &mut tags);
            let explicit = thread::spawn({
                let (accumulator, topic) = (accumulator.clone(), topic.clone());
                move || {
                    let sent = send(&accumulator, &topic, Some(1), 2);
                    assert!(sent.is_ok() || sent == Err(NotAccepted::UnknownPartition { count: 1 }));
                    usize::from(sent.is_ok())
                }
            });
            let keyless = thread::spawn({
                let (accumulator, topic) = (accumulator.clone(), topic.clone());
                move || [11, 12].map(|tag| send(&accumulator, &topic, None, tag).expect("there is a partition"))
            });
            accumulator.resize(&topic, slots[..1].to_vec());
            drain(&slots[1], &mut tags);
            if comes_back {
                accumulator.resize(&topic, slots.clone());
            }
            let accepted = 3 + explicit.join().expect("no panic");
            keyless.join().expect("no panic");
            assert!(comes_back || slots[1].waiting() == (0, 0), "appended after it was gone");
            slots.iter().for_each(|slot| drain(slot, &mut tags));
            assert_eq!((tags.len(), accumulator.memory.budget().used()), (accepted, 0), "{tags:?}");
            accumulator.memory.close();
        });
    }
}

/// Red when the queue released its lock between the last look and the publication, and when it did not forget that it
/// was enrolled.
#[test]
fn nothing_overtakes_or_is_lost_while_a_topic_becomes_known() {
    model(|| {
        let accumulator = accumulator(1000, 1 << 20);
        let topic = accumulator.topics.get("t");
        let sender = thread::spawn({
            let (accumulator, topic) = (accumulator.clone(), topic.clone());
            move || (1..=3).for_each(|tag| send(&accumulator, &topic, tag).expect("room"))
        });
        assign(&accumulator, &topic);
        sender.join().expect("no panic");
        let mut tags = Vec::new();
        drain(only(&topic), &mut tags);
        assert_eq!(tags, [1, 2, 3]);
        assert_eq!(accumulator.memory.budget().used(), 0);
        accumulator.memory.close();
    });
}

/// Concurrent `charge` and `try_charge` add up.
#[test]
fn concurrent_forced_and_checked_charges_add_up() {
    model(|| {
        let accumulator = accumulator(1000, 300);
        let slot_topic: Arc<str> = "t".into();
        let other = thread::spawn({
            let (accumulator, topic) = (accumulator.clone(), slot_topic.clone());
            move || {
                let mut batch = Batch::new(&accumulator.memory, &topic, 0, Time::ZERO, 0);
                let record = Record::default();
                batch.append(&record, 0, &Completion::Tag(1), Charge::Force, &mut Room::default()).expect("forced");
                decided(batch)
            }
        });
        let mut batch = Batch::new(&accumulator.memory, &slot_topic, 0, Time::ZERO, 0);
        let asked = batch.append(&Record::default(), 0, &Completion::Tag(2), Charge::Ask, &mut Room::default());
        assert!(asked.is_err(), "two chunks do not fit");
        drop(other.join().expect("no panic"));
        drop(batch);
        assert_eq!(accumulator.memory.budget().used(), 0);
        assert!(accumulator.memory.take_orphans().is_empty());
        accumulator.memory.close();
    });
}

/// The other models prove something only if loom sees such a mistake: here, release and acquire where the order of a
/// store and a load needs SeqCst.
#[test]
#[should_panic]
fn loom_finds_a_lost_wake_up() {
    model(|| {
        let flags = Arc::new([ottla_core::sync::AtomicBool::new(false), ottla_core::sync::AtomicBool::new(false)]);
        let other = thread::spawn({
            let flags = flags.clone();
            move || {
                flags[0].store(true, Ordering::Release);
                flags[1].load(Ordering::Acquire)
            }
        });
        flags[1].store(true, Ordering::Release);
        let here = flags[0].load(Ordering::Acquire);
        assert!(here || other.join().expect("no panic"), "neither saw the other");
    });
}
