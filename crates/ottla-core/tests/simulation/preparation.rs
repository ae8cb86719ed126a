//! Batches that helper threads compress: they go in order, and whatever happens to a queued batch happens to one that is being
//! prepared.

use ottla_core::accumulator::TransactionCall as Call;
use ottla_core::compress::Codec;
use ottla_core::{ErrorKind, Fate, Level};
use ottla_mock::{Api, Fault, On, codes};

use crate::delivery::warm;
use crate::transactions::{self, committed};
use crate::world::{Ending, Setup, World, ms};

/// A world whose helpers end when the test says so.
fn slow(setup: Setup, partitions: i32) -> World {
    let mut world = warm(setup, "t", partitions);
    world.helpers.delay = ms(3_600_000);
    world.cluster.clear_requests();
    world
}

/// Each batch has a record that compression makes smaller.
fn send(world: &mut World, partition: i32) -> u64 {
    world.send_sized("t", Some(partition), 300).expect("accepted")
}

/// All that is under way ends.
fn end_all(world: &mut World, ending: Ending) {
    while world.helpers.under_way() > 0 {
        world.end_preparation(0, ending);
        world.turn();
    }
}

fn codecs(world: &World) -> Vec<i16> {
    let requests = world.cluster.requests_of(Api::Produce);
    requests.iter().flat_map(|request| &request.partitions).map(|partition| partition.codec).collect()
}

#[test]
fn a_batch_is_sent_in_the_form_that_the_helper_gave_it() {
    let mut world = slow(Setup::default().helpers(1), 1);
    let id = send(&mut world, 0);
    world.run(ms(10));
    assert_eq!((world.helpers.under_way(), codecs(&world)), (1, vec![]));
    end_all(&mut world, Ending::Done);
    world.run(ms(10));
    world.assert_written(id);
    assert_eq!(codecs(&world), [Codec::Gzip as i16]);
    assert_eq!(world.memory_used(), 0);
}

#[test]
fn a_batch_waits_for_those_before_it_though_it_is_prepared_first() {
    let mut world = slow(Setup::default().helpers(3).single_records(), 1);
    let ids = [(); 4].map(|()| send(&mut world, 0));
    world.run(ms(10));
    assert_eq!(world.helpers.under_way(), 3);
    for last in [2, 1] {
        world.end_preparation(last, Ending::Done);
        world.run(ms(10));
        assert!(codecs(&world).is_empty());
    }
    world.end_preparation(0, Ending::Done);
    world.run(ms(10));
    assert_eq!(world.in_log("t", 0)[1..], ids[..3]);
    end_all(&mut world, Ending::Done);
    world.run(ms(10));
    assert_eq!(world.in_log("t", 0)[1..], ids);
}

#[test]
fn a_retried_batch_is_not_overtaken_by_one_that_was_being_prepared() {
    let mut world = slow(Setup::default().helpers(2).single_records(), 1);
    world.cluster.script(Api::Produce, [Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All)]);
    let ids = [(); 2].map(|()| send(&mut world, 0));
    world.run(ms(10));
    world.end_preparation(0, Ending::Done);
    world.run(ms(10));
    world.end_preparation(0, Ending::Done);
    world.run(ms(5_000));
    assert_eq!(world.in_log("t", 0)[1..], ids);
    assert_eq!(world.outcome(ids[0]).attempts, 2);
}

#[test]
fn as_many_batches_of_a_partition_are_prepared_at_once_as_there_are_helpers() {
    let mut world = slow(Setup::default().helpers(2).single_records(), 2);
    let ids: Vec<u64> = (0..10).map(|n| send(&mut world, n % 2)).collect();
    world.run(ms(10));
    assert_eq!(world.helpers.under_way(), 4);
    world.end_preparation(0, Ending::Done);
    world.turn();
    assert_eq!(world.helpers.under_way(), 4, "the next one takes its place");
    end_all(&mut world, Ending::Done);
    world.run(ms(100));
    ids.iter().for_each(|&id| world.assert_written(id));
}

#[test]
fn an_open_batch_grows_while_the_one_before_it_is_prepared() {
    let mut world = slow(Setup::default().helpers(4), 1);
    let first = send(&mut world, 0);
    world.run(ms(10));
    let more: Vec<u64> = (0..5).map(|_| send(&mut world, 0)).collect();
    world.run(ms(10));
    assert_eq!(world.helpers.under_way(), 1);
    end_all(&mut world, Ending::Done);
    world.run(ms(10));
    end_all(&mut world, Ending::Done);
    world.run(ms(10));
    more.iter().chain([&first]).for_each(|&id| world.assert_written(id));
    assert_eq!(world.cluster.requests_of(Api::Produce).len(), 2);
}

#[test]
fn a_partition_does_not_wait_for_the_batch_of_another() {
    let mut world = slow(Setup::default().helpers(1), 2);
    let slow = send(&mut world, 0);
    world.run(ms(10));
    let quick = send(&mut world, 1);
    world.run(ms(10));
    world.end_preparation(1, Ending::Done);
    world.run(ms(10));
    world.assert_written(quick);
    assert!(!world.application.outcomes.contains_key(&slow));
}

#[test]
fn small_batches_and_those_that_are_not_compressed_need_no_helper() {
    for (codec, helpers, begun) in
        [(Codec::Gzip, 1, 1), (Codec::Zstd, 1, 0), (Codec::Lz4, 1, 0), (Codec::None, 1, 0), (Codec::Gzip, 0, 0)]
    {
        let mut setup = Setup::default().helpers(helpers);
        (setup.sender.codec, setup.sender.compression_level) = (codec, 1);
        setup.sender.smallest_for_helpers = None;
        let mut world = warm(setup, "t", 1);
        assert_eq!(world.helpers.begun, 0, "{codec:?}: one small record");
        let id = world.send_sized("t", Some(0), 5_000).expect("accepted");
        world.run(ms(10));
        world.assert_written(id);
        assert_eq!(world.helpers.begun, begun, "{codec:?}");
    }
}

#[test]
fn without_a_codec_batches_stay_in_their_slot_until_they_are_sent() {
    let mut setup = Setup::default().helpers(4).single_records();
    (setup.sender.codec, setup.sender.max_in_flight) = (Codec::None, 1);
    let mut world = warm(setup, "t", 1);
    let refused = Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All);
    world.cluster.script(Api::Produce, [refused, Fault::NeverAnswer { handled: true }]);
    for _ in 0..10 {
        send(&mut world, 0);
    }
    world.run(ms(1_000));
    let slots = world.accumulator.topics.get("t");
    assert_eq!(slots.partitions().expect("known")[0].waiting().0, 9, "the first is on its way again");
}

#[test]
fn a_batch_expires_while_it_is_prepared_and_its_memory_is_charged_until_that_ends() {
    let mut setup = Setup::default().helpers(1);
    (setup.sender.delivery_timeout, setup.sender.request_timeout) = (ms(2_000), ms(1_000));
    let mut world = slow(setup, 1);
    let id = send(&mut world, 0);
    world.run(ms(2_010));
    world.assert_failed(id, ErrorKind::DeliveryTimedOut, Fate::NotWritten);
    let message = &world.outcome(id).message;
    assert!(message.contains("waiting for a helper thread"), "{message}");
    assert!(world.memory_used() > 0);
    end_all(&mut world, Ending::Done);
    world.run(ms(10));
    assert_eq!(world.memory_used(), 0);
    world.helpers.delay = ms(0);
    let after = send(&mut world, 0);
    world.run(ms(100));
    world.assert_written(after);
    assert_eq!(world.counts().epochs_bumped, 0, "no sequence number was given out");
}

#[test]
fn a_purge_takes_a_batch_that_is_being_prepared() {
    let mut world = slow(Setup::default().helpers(1), 1);
    let purged = send(&mut world, 0);
    world.run(ms(10));
    world.purge(true, false, None);
    world.run(ms(10));
    world.assert_failed(purged, ErrorKind::Purged, Fate::NotWritten);
    let after = send(&mut world, 0);
    world.run(ms(10));
    end_all(&mut world, Ending::Done);
    world.run(ms(10));
    assert_eq!(world.in_log("t", 0)[1..], [after]);
    assert_eq!(world.memory_used(), 0);
}

#[test]
fn a_flush_waits_for_what_is_being_prepared() {
    let mut world = slow(Setup::default().helpers(1).single_records(), 1);
    let ids = [(); 3].map(|()| send(&mut world, 0));
    let flush = world.flush();
    world.run(ms(1_000));
    assert!(world.application.flushed.is_empty());
    end_all(&mut world, Ending::Done);
    world.run(ms(10));
    assert_eq!(world.application.flushed, [flush]);
    assert_eq!(world.in_log("t", 0)[1..], ids);
}

#[test]
fn a_close_waits_for_what_is_being_prepared_until_its_time_is_up() {
    for in_time in [true, false] {
        let mut world = slow(Setup::default().helpers(1), 1);
        let id = send(&mut world, 0);
        world.run(ms(10));
        world.close(ms(1_000));
        world.run(ms(500));
        assert!(!world.application.closed);
        if in_time {
            end_all(&mut world, Ending::Done);
            world.run(ms(10));
            world.assert_written(id);
        } else {
            world.run(ms(510));
            world.assert_failed(id, ErrorKind::Closed, Fate::NotWritten);
        }
        assert!(world.application.closed);
        assert_eq!(world.memory_used(), 0);
    }
}

fn in_transaction(generation: i16) -> World {
    let mut world = transactions::world_of(generation, transactions::setup().helpers(1));
    world.helpers.delay = ms(3_600_000);
    world.transact(Call::Init).expect("initialized");
    world.transact(Call::Begin).expect("begun");
    world
}

#[test]
fn an_abort_does_not_wait_for_what_is_being_prepared() {
    transactions::both(|generation| {
        let mut world = in_transaction(generation);
        let aborted = send(&mut world, 0);
        world.run(ms(100));
        assert_eq!(world.helpers.under_way(), 1);
        world.transact(Call::Abort).expect("aborted");
        assert_eq!(world.outcome(aborted).fate, Fate::NotWritten);
        world.transact(Call::Begin).expect("begun");
        let after = send(&mut world, 0);
        world.run(ms(100));
        end_all(&mut world, Ending::Done);
        world.transact(Call::Commit).expect("committed");
        assert_eq!(committed(&world, 0), [after], "generation {generation}");
        assert_eq!(world.memory_used(), 0);
    });
}

#[test]
fn a_commit_waits_for_what_is_being_prepared() {
    transactions::both(|generation| {
        let mut world = in_transaction(generation);
        let id = send(&mut world, 0);
        let commit = world.call(Call::Commit);
        world.run(ms(1_000));
        assert!(!world.application.answers.contains_key(&commit));
        end_all(&mut world, Ending::Done);
        world.run(ms(1_000));
        assert!(matches!(world.application.answers.get(&commit), Some(Ok(_))));
        assert_eq!(committed(&world, 0), [id], "generation {generation}");
    });
}

#[test]
fn without_memory_a_batch_is_sent_plain() {
    let mut world = slow(Setup::default().helpers(1), 1);
    let id = send(&mut world, 0);
    world.run(ms(10));
    end_all(&mut world, Ending::NoMemory);
    world.run(ms(10));
    world.assert_written(id);
    assert_eq!(codecs(&world), [Codec::None as i16]);
    let told = |(level, line): &(Level, String)| *level == Level::Warning && line.contains("t-0 is sent plain");
    assert!(world.observer.log.iter().any(told), "{:#?}", world.log_tail());
}

#[test]
fn a_panic_of_a_helper_fails_its_batch_alone() {
    let mut world = slow(Setup::default().helpers(2).single_records(), 1);
    let ids = [(); 3].map(|()| send(&mut world, 0));
    world.run(ms(10));
    world.end_preparation(0, Ending::Panic);
    world.run(ms(10));
    world.assert_failed(ids[0], ErrorKind::Internal, Fate::NotWritten);
    end_all(&mut world, Ending::Done);
    world.run(ms(10));
    assert_eq!(world.in_log("t", 0)[1..], ids[1..]);
    assert_eq!((world.counts().epochs_bumped, world.memory_used()), (0, 0));
}

#[test]
fn what_is_being_prepared_for_a_topic_that_is_created_again_fails() {
    let mut setup = Setup::default().helpers(1);
    setup.sender.metadata_max_age = ms(1_000);
    let mut world = slow(setup, 1);
    let id = send(&mut world, 0);
    world.run(ms(10));
    world.cluster.recreate_topic("t");
    world.run(ms(3_000));
    world.assert_failed(id, ErrorKind::Broker(codes::UNKNOWN_TOPIC_ID), Fate::NotWritten);
    let after = send(&mut world, 0);
    world.run(ms(10));
    end_all(&mut world, Ending::Done);
    world.run(ms(3_000));
    assert_eq!(world.in_log("t", 0), [after]);
    assert_eq!(world.memory_used(), 0);
}

#[test]
fn the_leader_moves_while_a_batch_is_prepared() {
    let mut world = slow(Setup::default().helpers(1), 1);
    let leader = world.cluster.leader("t", 0).expect("it has one");
    let id = send(&mut world, 0);
    world.run(ms(10));
    world.cluster.move_leader("t", 0, leader % 3 + 1);
    world.cut_all_to(leader);
    world.run(ms(2_000));
    end_all(&mut world, Ending::Done);
    world.run(ms(2_000));
    assert_eq!(world.in_log("t", 0)[1..], [id]);
}

#[test]
fn the_parts_of_a_batch_that_is_too_large_are_prepared_again_and_keep_their_order() {
    let mut setup = Setup::default().helpers(1);
    setup.sender.linger = ms(5);
    let mut world = slow(setup, 1);
    world.cluster.set_topic_options("t", |options| options.max_message_bytes = 150);
    let ids: Vec<u64> = (0..20).map(|_| send(&mut world, 0)).collect();
    world.run(ms(10));
    assert_eq!(world.helpers.begun, 2, "the first and the whole");
    world.helpers.delay = ms(1);
    end_all(&mut world, Ending::Done);
    world.run(ms(5_000));
    assert_eq!(world.in_log("t", 0)[1..], ids);
    assert!(world.counts().batches_split > 0);
    assert!(world.helpers.begun > 2 + world.counts().batches_split);
    assert_eq!(world.memory_used(), 0);
}

#[test]
fn a_sender_that_panics_leaves_what_is_being_prepared_as_an_orphan() {
    let mut world = slow(Setup::default().helpers(1), 1);
    send(&mut world, 0);
    world.run(ms(10));
    let World { sender, accumulator, mut helpers, .. } = world;
    drop(sender);
    let orphans = accumulator.memory.take_orphans();
    assert_eq!(orphans.iter().map(|orphan| orphan.count()).sum::<u32>(), 1);
    drop(orphans);
    assert!(accumulator.memory.budget().used() > 0, "the helper has its share");
    helpers.join();
    assert_eq!(accumulator.memory.budget().used(), 0);
}
