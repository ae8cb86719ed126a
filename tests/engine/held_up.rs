//! A sender that cannot work for a while.

use ottla::{ErrorKind, Fate};

use crate::world::{Setup, ms};

#[test]
fn a_record_that_expires_behind_a_slow_callback_says_so() {
    let mut world = Setup::with(|core| core.delivery_timeout = ms(2_000)).start();
    world.cluster.create_topic("t", 1);
    world.send("t", 0);
    world.run(ms(100));
    let late = world.send("t", 0);
    // The callback returns after three seconds.
    world.now = world.now.after(ms(3_000));
    world.core.note_held_up(ms(3_000));
    world.run(ms(100));
    world.assert_failed(late, ErrorKind::DeliveryTimedOut, Fate::NotWritten);
    let message = &world.told(late).message;
    assert!(message.contains("the sender was held up for"), "{message}");
}

#[test]
fn a_process_that_was_stopped_is_noticed_by_its_timers() {
    let mut world = Setup::with(|core| {
        core.delivery_timeout = ms(5_000);
        core.linger = ms(1_000);
    })
    .start();
    world.cluster.create_topic("t", 1);
    world.send("t", 0);
    world.run(ms(2_000));
    let late = world.send("t", 0);
    world.turn();
    world.now = world.now.after(ms(8_000));
    world.run(ms(100));
    world.assert_failed(late, ErrorKind::DeliveryTimedOut, Fate::NotWritten);
    let message = &world.told(late).message;
    assert!(message.contains("the sender was held up for"), "{message}");
}
