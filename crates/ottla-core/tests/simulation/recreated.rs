//! Topics that are deleted and created again with another number of partitions.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use ottla_core::accumulator::{About, Command, Lingering, NotAccepted, Partitioner, TransactionCall as Call};
use ottla_core::config::{Plugin, PluginSettings};
use ottla_core::partition::custom::{Choice, CustomPartitioner};
use ottla_core::sender::{Acks, Answer};
use ottla_core::{ErrorKind, Fate, Record};
use ottla_mock::{Api, Fault, On, Versions, codes};

use crate::transactions;
use crate::world::setup::Properties;
use crate::world::{Setup, World, ms};

/// Metadata with topic ids and without.
fn both() -> [Versions; 2] {
    [Versions::kafka_4_3(), Versions::kafka_2_1()]
}

/// A world with a topic of this many partitions, each of which has a record.
fn world(setup: Setup, versions: Versions, partitions: i32) -> World {
    let mut world = setup.start();
    world.cluster.set_versions(versions);
    world.cluster.create_topic("t", partitions);
    let ids: Vec<u64> = (0..partitions).map(|partition| world.send("t", partition)).collect();
    assert_all_written(&mut world, &ids);
    world
}

/// Metadata is refreshed every second.
fn refreshing() -> Setup {
    Setup::with(|sender| sender.metadata_max_age = ms(1_000))
}

/// Recreates the topic and waits until the producer knows.
fn recreate(world: &mut World, partitions: i32) {
    world.cluster.recreate_topic_with("t", partitions);
    world.run(ms(5_000));
    assert_eq!(known(world), partitions as usize);
}

/// The number of partitions that application threads see.
fn known(world: &World) -> usize {
    world.accumulator.topics.get("t").partitions().expect("known").len()
}

fn send_keys(world: &mut World) -> Vec<u64> {
    (0..12).map(|key| send_key(world, key)).collect()
}

fn send_key(world: &mut World, key: u32) -> u64 {
    let key = format!("key {key}").into_bytes();
    let record = Record { key: Some(&key), ..Record::default() };
    world.send_record("t", record, 0, b'.', Lingering::Allowed).expect("accepted")
}

fn send_anywhere(world: &mut World) -> Vec<u64> {
    (0..12).map(|_| world.send_sized("t", None, 0).expect("accepted")).collect()
}

fn assert_all_written(world: &mut World, ids: &[u64]) {
    world.flush();
    assert!(world.run_until(ms(10_000), World::all_completed), "{:#?}", world.log_tail());
    ids.iter().for_each(|&id| world.assert_written(id));
}

/// The partitions that the records were written to.
fn places(world: &World, ids: &[u64]) -> BTreeSet<i32> {
    ids.iter().map(|&id| world.outcome(id).partition).collect()
}

#[test]
fn keys_are_spread_over_the_partitions_of_a_topic_that_shrank() {
    for versions in both() {
        let mut world = world(refreshing(), versions, 6);
        recreate(&mut world, 2);
        let ids = send_keys(&mut world);
        assert_all_written(&mut world, &ids);
        assert_eq!(places(&world, &ids), [0, 1].into());
    }
}

#[test]
fn a_topic_recreated_with_any_number_of_partitions_gets_all_its_records() {
    let unnumbered = |sender: &mut Properties| sender.idempotence = false;
    let leader_only = |sender: &mut Properties| {
        sender.idempotence = false;
        sender.acks = Acks::Leader;
    };
    let kinds: [&dyn Fn(&mut Properties); 3] = [&|_| {}, &unnumbered, &leader_only];
    for (versions, kind) in both().iter().flat_map(|versions| kinds.map(|kind| (versions.clone(), kind))) {
        let setup = Setup::with(|sender| {
            sender.metadata_max_age = ms(1_000);
            kind(sender);
        });
        let mut world = world(setup, versions, 6);
        for partitions in [2, 5, 1, 7, 7, 3, 6] {
            recreate(&mut world, partitions);
            let mut ids: Vec<u64> = (0..partitions).map(|partition| world.send("t", partition)).collect();
            ids.extend(send_keys(&mut world));
            ids.extend(send_anywhere(&mut world));
            assert_all_written(&mut world, &ids);
            let logs = (0..partitions).map(|partition| world.in_log("t", partition).len());
            assert_eq!(logs.sum::<usize>(), ids.len(), "{partitions} partitions");
        }
    }
}

/// Twelve keys a second while the topic is recreated. Once the producer knows the topic again, all records are written.
#[test]
fn records_sent_continuously_are_written_again_after_each_recreation() {
    for versions in both() {
        let mut world = world(Setup::default(), versions, 6);
        for partitions in [2, 5, 1, 6] {
            world.cluster.recreate_topic_with("t", partitions);
            let mut last = Vec::new();
            for _ in 0..6 {
                last = send_keys(&mut world);
                world.run(ms(1_000));
            }
            assert!(world.all_completed());
            last.iter().for_each(|&id| world.assert_written(id));
        }
    }
}

#[test]
fn every_partitioner_chooses_among_existing_partitions() {
    for partitioner in [Partitioner::RoundRobin, Partitioner::Random] {
        let mut setup = refreshing();
        setup.accumulator.topic.partitioner = partitioner;
        let mut world = world(setup, Versions::kafka_4_3(), 6);
        for partitions in [2, 5, 1] {
            recreate(&mut world, partitions);
            let ids = send_keys(&mut world);
            assert_all_written(&mut world, &ids);
            assert!(places(&world, &ids).iter().all(|place| (0..partitions).contains(place)));
        }
    }
}

/// Chooses the last partition, and notes the number of partitions it chooses from.
#[derive(Default)]
struct Last(Mutex<BTreeSet<u32>>);

impl Plugin for Last {
    fn configure(&self, _: &PluginSettings) -> Result<(), String> {
        Ok(())
    }

    fn close(&self) {}
}

impl CustomPartitioner for Last {
    fn choose(&self, choice: &Choice<'_>) -> Result<u32, String> {
        let count = choice.partitions.count();
        self.0.lock().expect("no panic holds it").insert(count);
        Ok(count - 1)
    }

    fn needs_objects(&self) -> bool {
        false
    }
}

#[test]
fn a_custom_partitioner_chooses_among_existing_partitions() {
    let own = Arc::new(Last::default());
    let mut setup = refreshing();
    setup.accumulator.topic.partitioner = Partitioner::Custom(own.clone());
    let mut world = world(setup, Versions::kafka_4_3(), 6);
    for partitions in [2, 5, 1] {
        recreate(&mut world, partitions);
        own.0.lock().expect("no panic holds it").clear();
        let ids = send_anywhere(&mut world);
        assert_all_written(&mut world, &ids);
        assert_eq!(*own.0.lock().expect("no panic holds it"), [partitions as u32].into());
        assert_eq!(places(&world, &ids), [partitions - 1].into());
    }
}

#[test]
fn a_partition_that_no_longer_exists_is_refused_by_send() {
    for versions in both() {
        let mut world = world(refreshing(), versions, 6);
        recreate(&mut world, 2);
        for partition in 2..6 {
            let refused = world.send_sized("t", Some(partition), 0);
            assert_eq!(refused, Err(NotAccepted::UnknownPartition { count: 2 }), "partition {partition}");
        }
    }
}

#[test]
fn lingering_records_for_a_removed_partition_fail_when_its_removal_is_known() {
    for versions in both() {
        let setup = Setup::with(|sender| {
            sender.metadata_max_age = ms(1_000);
            sender.linger = ms(60_000);
        });
        let mut world = world(setup, versions, 6);
        let id = world.send("t", 5);
        world.cluster.recreate_topic_with("t", 2);
        world.run(ms(3_000));
        world.assert_failed(id, ErrorKind::Broker(codes::UNKNOWN_TOPIC_ID), Fate::NotWritten);
        assert!(
            world.outcome(id).message.contains("topic t was deleted and created again"),
            "{}",
            world.outcome(id).message
        );
        assert_eq!(world.memory_used(), 0);
    }
}

/// This includes records that were sent and are being retried. No call keeps waiting for them.
#[test]
fn records_in_flight_to_a_removed_partition_fail_soon() {
    for versions in both() {
        let mut world = world(Setup::default().single_records(), versions, 6);
        world.cluster.recreate_topic_with("t", 2);
        let ids: Vec<u64> = (0..12).map(|n| world.send("t", 4 + n % 2)).collect();
        let ticket = world.flush();
        world.run(ms(2_000));
        assert!(world.application.flushed.contains(&ticket), "{:#?}", world.log_tail());
        ids.iter()
            .for_each(|id| assert_eq!(world.outcome(*id).error, Some(ErrorKind::Broker(codes::UNKNOWN_TOPIC_ID))));
        assert_eq!(world.memory_used(), 0);
    }
}

/// The response arrives after the partition was removed.
#[test]
fn a_request_answered_after_its_partition_was_removed_is_not_retried() {
    for versions in both() {
        let mut world = world(refreshing(), versions, 6);
        // The broker that serves metadata.
        let asked = world.cluster.leader("t", 0);
        let late = (1..6).find(|&partition| world.cluster.leader("t", partition) != asked).expect("another broker");
        world.cluster.script(
            Api::Produce,
            [Fault::Many(vec![Fault::Delay(5_000), Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All)])],
        );
        let id = world.send("t", late);
        world.run(ms(10));
        world.cluster.recreate_topic_with("t", 1);
        world.run(ms(4_000));
        assert_eq!((known(&world), world.application.outcomes.contains_key(&id)), (1, false));
        world.run(ms(2_000));
        world.assert_failed(id, ErrorKind::Broker(codes::UNKNOWN_TOPIC_ID), Fate::NotWritten);
        recreate(&mut world, 6);
        let next = world.send("t", late);
        assert_all_written(&mut world, &[next]);
    }
}

/// Normally a gap proves that no batch behind it is in the log. But a recreated topic without an id looks like the old
/// one, and its new log, which knows no producer, accepts the batches that were in flight behind the gap.
#[test]
fn batches_in_flight_behind_a_gap_may_be_in_the_log_of_a_recreated_topic() {
    let mut world = world(Setup::default().single_records(), Versions::kafka_2_1(), 1);
    world.cluster.recreate_topic("t");
    let (refused, gap) =
        (Fault::Error(codes::INVALID_RECORD, On::All), Fault::Error(codes::OUT_OF_ORDER_SEQUENCE_NUMBER, On::All));
    let again = Fault::NeverAnswer { handled: false };
    world.cluster.script(Api::Produce, [refused, gap, Fault::DropAfter, again]);
    let ids = [(); 3].map(|()| world.send("t", 0));
    world.run(ms(1_000));
    assert_eq!((world.in_log("t", 0), world.counts().epochs_bumped), (vec![ids[2]], 1));
    (1..=3).for_each(|broker| world.stop_broker(broker));
    world.run(ms(130_000));
    world.assert_failed(ids[2], ErrorKind::DeliveryTimedOut, Fate::Unknown);
}

/// A broker has not heard of new partitions. The topic has the same id, or none.
#[test]
fn an_outdated_broker_removes_no_partition() {
    for (versions, behind) in both().into_iter().zip([ms(10_000), ms(400)]) {
        let mut world = world(Setup::with(|sender| sender.linger = ms(30_000)), versions, 2);
        let old = world.cluster.view();
        world.cluster.add_partitions("t", 6);
        refresh(&mut world);
        assert_eq!(known(&world), 6);
        let ids: Vec<u64> = (0..6).map(|partition| world.send("t", partition)).collect();
        world.cluster.hold_view(old);
        refresh(&mut world);
        world.run(behind);
        assert_eq!(known(&world), 6);
        world.cluster.release_metadata();
        assert_all_written(&mut world, &ids);
    }
}

/// A broker has not heard that the topic was recreated with more partitions.
#[test]
fn a_broker_that_describes_the_deleted_topic_removes_no_partition() {
    let mut world = world(Setup::with(|sender| sender.linger = ms(30_000)), Versions::kafka_4_3(), 2);
    let old = world.cluster.view();
    world.cluster.recreate_topic_with("t", 6);
    refresh(&mut world);
    assert_eq!(known(&world), 6);
    let ids: Vec<u64> = (0..6).map(|partition| world.send("t", partition)).collect();
    world.cluster.hold_view(old);
    refresh(&mut world);
    world.run(ms(400));
    world.cluster.release_metadata();
    assert_all_written(&mut world, &ids);
}

/// If no other broker contradicts for some time, the smaller number is believed.
#[test]
fn fewer_partitions_are_believed_when_no_broker_has_more() {
    for versions in both() {
        let mut world = world(refreshing(), versions, 6);
        recreate(&mut world, 2);
        let first = world.cluster.view();
        recreate(&mut world, 6);
        world.cluster.hold_view(first);
        world.run(ms(5_000));
        assert_eq!(known(&world), 2);
        world.cluster.release_metadata();
        world.run(ms(5_000));
        assert_eq!(known(&world), 6);
        let mut ids: Vec<u64> = (0..6).map(|partition| world.send("t", partition)).collect();
        ids.extend(send_keys(&mut world));
        assert_all_written(&mut world, &ids);
    }
}

/// Requests metadata now.
fn refresh(world: &mut World) -> u64 {
    let (asked_at, deadline) = (world.now, world.now.after(ms(10_000)));
    let about = About::Topic { name: "t".into(), led: false };
    let ticket = world.command(|ticket| Command::Inquire { ticket, about, asked_at, deadline });
    world.run(ms(10));
    ticket
}

#[test]
fn the_application_sees_the_partitions_that_records_go_to() {
    for versions in both() {
        let mut world = world(Setup::default(), versions, 6);
        world.cluster.recreate_topic_with("t", 2);
        let ticket = refresh(&mut world);
        assert!(world.run_until(ms(5_000), |world| world.application.answers.contains_key(&ticket)));
        let Ok(Answer::Partitions(partitions)) = &world.application.answers[&ticket] else {
            panic!("{:?}", world.application.answers)
        };
        assert_eq!((partitions.len(), known(&world)), (2, 2));
    }
}

/// Records that were not written fail, and their transaction with them. The next transaction sees the topic as it is
/// now.
#[test]
fn a_transaction_whose_topic_is_recreated_with_fewer_partitions_is_aborted_and_the_next_succeeds() {
    transactions::both(|generation| {
        let mut setup = transactions::setup();
        setup.sender.metadata_max_age = ms(1_000);
        let mut world = setup.start();
        world.cluster.set_transaction_version(generation);
        world.cluster.create_topic("t", 6);
        world.transact(Call::Init).expect("initialized");
        for partitions in [2, 5, 1, 6] {
            world.transact(Call::Begin).expect("begun");
            world.cluster.recreate_topic_with("t", partitions);
            // Some records are for partitions that no longer exist. In the first round no partition is known yet.
            let before = world.accumulator.topics.get("t").partitions().map_or(0, <[_]>::len);
            (0..before as i32).for_each(|partition| drop(world.send_sized("t", Some(partition), 0)));
            world.run(ms(3_000));
            assert!(world.all_completed(), "{:#?}", world.log_tail());
            drop(world.transact(Call::Commit));
            drop(world.transact(Call::Abort));
            world.transact(Call::Begin).expect("begun");
            let ids: Vec<u64> = (0..partitions).map(|partition| world.send("t", partition)).collect();
            world.transact(Call::Commit).unwrap_or_else(|error| panic!("{partitions} partitions: {error}"));
            ids.iter().for_each(|&id| world.assert_written(id));
            let committed = (0..partitions).flat_map(|partition| transactions::committed(&world, partition));
            assert!(committed.collect::<BTreeSet<_>>().is_superset(&ids.into_iter().collect()));
        }
    });
}
