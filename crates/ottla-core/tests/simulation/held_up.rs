//! A sender that is kept from working for a while.

use ottla_core::{ErrorKind, Fate};
use ottla_mock::{Api, Fault};

use crate::world::{Setup, ms};

#[test]
fn a_record_that_expires_behind_a_slow_callback_says_so() {
    let mut world = Setup::with(|sender| sender.delivery_timeout = ms(2_000)).start();
    world.cluster.create_topic("t", 1);
    world.send("t", 0);
    world.run(ms(100));
    let late = world.send("t", 0);
    // The callback returns after three seconds.
    world.now = world.now.after(ms(3_000));
    world.sender.note_held_up(ms(3_000));
    world.run(ms(100));
    world.assert_failed(late, ErrorKind::DeliveryTimedOut, Fate::NotWritten);
    let message = &world.outcome(late).message;
    assert!(message.contains("the sender was held up for"), "{message}");
}

#[test]
fn a_process_that_was_stopped_is_noticed_by_its_timers() {
    let mut world = Setup::with(|sender| {
        sender.delivery_timeout = ms(5_000);
        sender.linger = ms(1_000);
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
    let message = &world.outcome(late).message;
    assert!(message.contains("the sender was held up for"), "{message}");
}

/// The topic becomes known after three seconds, two seconds after its batch should have been closed. The leader's
/// address accepts no connection.
#[test]
fn the_error_of_a_record_whose_leader_is_being_connected_to_does_not_blame_the_sender() {
    let mut setup = Setup::with(|sender| sender.delivery_timeout = ms(8_000));
    setup.brokers = 1;
    let mut world = setup.start();
    world.cluster.create_topic("t", 1);
    world.cluster.set_address(1, "127.0.0.9", 9093);
    world.network.silent.insert(([127, 0, 0, 9], 9093).into());
    world.cluster.script(Api::Metadata, [Fault::Delay(3_000)]);
    let id = world.send("t", 0);
    world.run(ms(9_000));
    world.assert_failed(id, ErrorKind::DeliveryTimedOut, Fate::NotWritten);
    let message = &world.outcome(id).message;
    assert!(!message.contains("held up"), "{message}");
    assert!(message.contains("broker 1 at 127.0.0.9:9093: the connection is not established after"), "{message}");
}

#[test]
fn the_error_of_a_record_sent_after_a_delay_of_the_sender_does_not_mention_the_delay() {
    let mut world = Setup::with(|sender| sender.delivery_timeout = ms(2_000)).start();
    world.cluster.create_topic("t", 1);
    world.send("t", 0);
    world.run(ms(100));
    world.sender.note_held_up(ms(3_000));
    world.run(ms(60_000));
    world.cluster.script(Api::Produce, [Fault::NeverAnswer { handled: false }]);
    let id = world.send("t", 0);
    world.run(ms(3_000));
    let message = &world.outcome(id).message;
    assert!(!message.contains("held up"), "{message}");
    assert!(message.contains("has not answered Produce after 2000 ms"), "{message}");
}
