//! The wall clock is set back and forward under a running producer. Records get the time that it shows. Nothing else
//! depends on it.

use ottla_core::batch::{Completion, Room};

use ottla_core::accumulator::Submission;
use ottla_core::sync::{Clock, Time};
use ottla_core::{ErrorKind, Fate, Record};
use ottla_mock::{Api, Fault};

use crate::delivery::warm;
use crate::world::setup::Properties;
use crate::world::{Setup, World, ms};

/// A wall clock with a fixed time, independent of the world's monotonic time.
struct SetTo(Time, i64);

impl Clock for SetTo {
    fn monotonic(&self) -> Time {
        self.0
    }

    fn wall_ms(&self) -> i64 {
        self.1
    }
}

const NOW: i64 = 1_700_000_000_000;
const HOUR: i64 = 3_600_000;
const YEAR: i64 = 365 * 24 * HOUR;

/// Sends a record while the wall clock shows `wall`.
fn send_at(world: &mut World, id: u64, wall: i64) {
    let record = Record { partition: Some(0), value: Some(b"value"), ..Record::default() };
    let topic = world.accumulator.topics.get("t");
    let (to, clock) = (Completion::Tag(id), SetTo(world.now, wall));
    let submission = Submission::new(&topic, &record, &to, &clock);
    world.accumulator.accept(&submission, &mut Room::default()).expect("accepted");
    world.application.next_id = id;
    world.application.accept(&topic, Some(0), 0);
}

fn setup(change: impl FnOnce(&mut Properties)) -> Setup {
    let mut setup = Setup::with(change);
    setup.brokers = 1;
    setup
}

#[test]
fn records_have_the_time_that_the_wall_clock_shows_and_keep_their_order() {
    let mut world = warm(setup(|sender| sender.linger = ms(100)), "t", 1);
    // All go into one batch. Its base timestamp is the first record's, so deltas may be negative.
    let shown = [NOW, NOW - YEAR, NOW + YEAR, NOW - HOUR, 0, NOW];
    for (id, wall) in (1_000..).zip(shown) {
        send_at(&mut world, id, wall);
    }
    world.run(ms(150));
    for (id, wall) in (1_000..).zip(shown) {
        let reported = world.outcome(id);
        assert_eq!((reported.fate, reported.timestamp), (Fate::Written, wall));
    }
    let stored = world.cluster.records("t", 0);
    let stamps: Vec<i64> = stored.iter().map(|record| record.timestamp).collect();
    assert!(stamps.ends_with(&shown), "{stamps:?}");
    let offsets: Vec<i64> = (1_000..1_006).map(|id| world.outcome(id).offset).collect();
    assert!(offsets.is_sorted());
}

#[test]
fn linger_and_timeouts_do_not_look_at_the_wall_clock() {
    for step in [-YEAR, -HOUR, HOUR, YEAR] {
        let mut world = warm(setup(|sender| (sender.linger, sender.delivery_timeout) = (ms(200), ms(5_000))), "t", 1);
        send_at(&mut world, 1_000, NOW);
        world.run(ms(100));
        send_at(&mut world, 1_001, NOW + step);
        let sent = world.now;
        world.run(ms(150));
        let took = world.outcome(1_001).at.since(sent);
        assert!((ms(100)..ms(102)).contains(&took), "the linger of the first ends it, after {took:?}");
        world.cluster.on_request(|request| match request.api {
            Api::Produce => Fault::NeverAnswer { handled: false },
            _ => Fault::None,
        });
        send_at(&mut world, 1_002, NOW);
        let sent = world.now;
        world.run(ms(4_900));
        send_at(&mut world, 1_003, NOW + step);
        assert!(!world.application.outcomes.contains_key(&1_002), "too early");
        world.run(ms(200));
        world.assert_failed(1_002, ErrorKind::DeliveryTimedOut, Fate::Unknown);
        let took = world.outcome(1_002).at.since(sent);
        assert!((ms(5_000)..ms(5_002)).contains(&took), "{took:?}");
        assert!(!world.application.outcomes.contains_key(&1_003), "too early");
    }
}
