//! Brokers, topics and leaders: how the engine learns of them, and what it does when they change.

use ottla_core::sender::Level;
use ottla_core::{ErrorKind, Fate};
use ottla_mock::{Api, Fault, On, TopicOptions, Versions, codes};

use crate::delivery::warm;
use crate::world::{Setup, World, ms};

#[test]
fn an_auto_created_topic_gets_its_records() {
    let mut world = Setup::default().start();
    world.cluster.auto_create = Some(TopicOptions { partitions: 2, ..TopicOptions::default() });
    let ids: Vec<u64> = (0..10).map(|n| world.send_sized("t", Some(n % 2), 0).expect("accepted")).collect();
    world.run(ms(2_000));
    ids.iter().for_each(|&id| world.assert_written(id));
}

#[test]
fn an_unknown_topic_fails_within_its_bound_and_says_why() {
    let mut world = Setup::with(|sender| sender.topic_timeout = ms(5_000)).start();
    let start = world.now;
    let id = world.send("missing", 0);
    world.run(ms(4_900));
    assert!(!world.application.outcomes.contains_key(&id));
    world.run(ms(200));
    world.assert_failed(id, ErrorKind::Broker(codes::UNKNOWN_TOPIC_OR_PARTITION), Fate::NotWritten);
    assert!(world.outcome(id).at.since(start) <= ms(5_001));
    assert!(world.outcome(id).message.contains("UNKNOWN_TOPIC_OR_PARTITION"), "{}", world.outcome(id).message);
    // The topic may be created later.
    world.cluster.create_topic("missing", 1);
    let later = world.send("missing", 0);
    world.run(ms(2_000));
    world.assert_written(later);
}

#[test]
fn records_of_a_topic_that_cannot_exist_fail_at_once() {
    let mut world = Setup::default().start();
    let invalid = world.send("not a name", 0);
    world.run(ms(1_000));
    world.assert_failed(invalid, ErrorKind::Broker(codes::INVALID_TOPIC_EXCEPTION), Fate::NotWritten);
    world.cluster.script(Api::Metadata, [Fault::Error(codes::TOPIC_AUTHORIZATION_FAILED, On::Topic("secret".into()))]);
    world.cluster.create_topic("secret", 1);
    let secret = world.send("secret", 0);
    world.run(ms(1_000));
    world.assert_failed(secret, ErrorKind::Broker(codes::TOPIC_AUTHORIZATION_FAILED), Fate::NotWritten);
    // The missing right may be granted later.
    let granted = world.send("secret", 0);
    world.run(ms(1_000));
    world.assert_written(granted);
    assert_eq!(world.memory_used(), 0);
}

#[test]
fn a_partition_outside_the_topic_fails_when_the_topic_is_known() {
    let mut world = Setup::default().start();
    world.cluster.create_topic("t", 2);
    let (inside, outside) = (world.send("t", 1), world.send("t", 2));
    world.run(ms(1_000));
    world.assert_written(inside);
    world.assert_failed(outside, ErrorKind::UnknownPartition, Fate::NotWritten);
    assert!(world.send_sized("t", Some(2), 0).is_err());
}

#[test]
fn growth_is_picked_up() {
    let mut world = warm(Setup::with(|sender| sender.metadata_max_age = ms(10_000)), "t", 1);
    world.cluster.add_partitions("t", 3);
    assert!(world.send_sized("t", Some(2), 0).is_err());
    world.run(ms(10_100));
    let id = world.send("t", 2);
    world.run(ms(1_000));
    world.assert_written(id);
}

/// Batches that were queued, backing off or in flight for the old topic are not sent to the new one.
#[test]
fn records_of_a_recreated_topic_fail_and_later_ones_flow() {
    for produce in [13, 12] {
        let mut world = Setup::with(|sender| sender.metadata_max_age = ms(500)).single_records().start();
        world.cluster.set_versions(Versions::kafka_4_3().with(Api::Produce, 3..=produce));
        world.cluster.create_topic("t", 1);
        world.send("t", 0);
        // These records open connections, on which metadata is requested.
        world.cluster.create_topic("other", 3);
        (0..3).for_each(|partition| {
            world.send("other", partition);
        });
        world.run(ms(1_000));
        // The first batch is refused, but late. Those behind it miss it.
        world.cluster.script(
            Api::Produce,
            [Fault::Many(vec![Fault::Delay(2_000), Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All)])],
        );
        let old: Vec<u64> = (0..8).map(|_| world.send("t", 0)).collect();
        world.run(ms(10));
        world.cluster.recreate_topic("t");
        world.run(ms(5_000));
        assert!(world.all_completed());
        world.assert_failed(old[0], ErrorKind::Broker(codes::UNKNOWN_TOPIC_ID), Fate::NotWritten);
        let new = world.send("t", 0);
        world.run(ms(2_000));
        world.assert_written(new);
        for id in &old {
            assert_eq!(
                world.outcome(*id).error,
                Some(ErrorKind::Broker(codes::UNKNOWN_TOPIC_ID)),
                "v{produce} record {id}"
            );
        }
        assert_eq!(world.in_log("t", 0), [new], "v{produce}");
    }
}

/// A broker that is behind describes the old topic once more.
#[test]
fn an_id_that_flips_back_causes_no_false_success() {
    let mut world = Setup::with(|sender| sender.metadata_max_age = ms(1_000)).start();
    world.cluster.create_topic("t", 1);
    world.send("t", 0);
    world.run(ms(500));
    let old = world.cluster.view();
    world.cluster.recreate_topic("t");
    world.run(ms(2_000));
    let first = world.send("t", 0);
    world.run(ms(100));
    world.assert_written(first);
    world.cluster.hold_view(old);
    world.run(ms(2_500));
    world.cluster.release_metadata();
    world.run(ms(2_500));
    let second = world.send("t", 0);
    world.run(ms(2_000));
    world.assert_written(second);
    assert_eq!(world.in_log("t", 0), [first, second]);
}

#[test]
fn a_broker_without_ids_makes_no_topic_new() {
    let mut world = Setup::with(|sender| sender.metadata_max_age = ms(1_000)).start();
    world.cluster.create_topic("t", 1);
    let before = world.send("t", 0);
    world.run(ms(500));
    world.cluster.set_versions(Versions::kafka_2_1());
    world.cluster.script(Api::Produce, (0..3).map(|_| Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All)));
    let meanwhile = world.send("t", 0);
    // Versions are exchanged when a connection opens.
    (1..=3).for_each(|broker| world.cut_all_to(broker));
    world.run(ms(5_000));
    world.assert_written(before);
    world.assert_written(meanwhile);
}

#[test]
fn idle_topics_are_not_refreshed() {
    let mut world = Setup::with(|sender| {
        sender.metadata_max_age = ms(10_000);
        sender.metadata_max_idle = ms(15_000);
    })
    .start();
    world.cluster.create_topic("t", 1);
    world.send("t", 0);
    world.run(ms(60_000));
    let moved = 1 + world.cluster.leader("t", 0).expect("a leader") % 3;
    world.cluster.move_leader("t", 0, moved);
    let id = world.send("t", 0);
    world.run(ms(1_000));
    world.assert_written(id);
}

#[test]
fn a_topic_with_records_waiting_is_not_idle() {
    let mut world = Setup::with(|sender| sender.metadata_max_idle = ms(5_000)).start();
    world.cluster.create_topic("known", 1);
    world.cluster.script(Api::Metadata, [Fault::None]);
    let unknown = world.send("unknown", 0);
    let known = world.send("known", 0);
    world.run(ms(20_000));
    world.assert_written(known);
    world.cluster.create_topic("unknown", 1);
    world.run(ms(2_000));
    world.assert_written(unknown);
}

#[test]
fn a_topic_whose_records_wait_for_a_leader_is_not_idle() {
    let mut world = warm(Setup::with(|sender| sender.metadata_max_idle = ms(5_000)), "t", 1);
    world.cluster.remove_leader("t", 0);
    let waiting = world.send("t", 0);
    world.run(ms(20_000));
    world.cluster.move_leader("t", 0, 1);
    world.run(ms(2_000));
    world.assert_written(waiting);
}

#[test]
fn a_stale_leader_epoch_is_ignored() {
    let mut world = warm(Setup::with(|sender| sender.metadata_max_age = ms(1_000)), "t", 3);
    world.cluster.hold_metadata();
    let old = world.cluster.leader("t", 0).expect("a leader");
    world.cluster.move_leader("t", 0, 1 + old % 3);
    // The Produce response names the true leader. Metadata does not.
    let id = world.send("t", 0);
    world.run(ms(5_000));
    world.assert_written(id);
    let before = world.counts().batches_retried;
    let next = world.send("t", 0);
    world.run(ms(100));
    world.assert_written(next);
    assert_eq!(world.counts().batches_retried, before);
}

/// A topic without an id whose leader moved twice, and which was then created again.
fn remade_without_id(setup: Setup) -> World {
    let mut world = setup.start();
    world.cluster.set_versions(Versions::kafka_2_1());
    world.cluster.create_topic("t", 1);
    world.cluster.move_leader("t", 0, 2);
    world.cluster.move_leader("t", 0, 3);
    let before = world.send("t", 0);
    world.run(ms(1_000));
    world.assert_written(before);
    // The new topic's leader epochs begin at 0.
    world.cluster.recreate_topic("t");
    world
}

#[test]
fn the_leader_of_a_recreated_topic_is_found_without_topic_ids() {
    let mut world = remade_without_id(Setup::default());
    let after = world.send("t", 0);
    world.run(ms(10_000));
    world.assert_written(after);
}

#[test]
fn the_leader_of_a_recreated_topic_is_found_without_retries() {
    let mut world = remade_without_id(Setup::with(|sender| sender.retries = 0));
    // The first three records are lost to the former leader.
    for _ in 0..4 {
        world.send("t", 0);
        world.run(ms(1_000));
    }
    let after = world.send("t", 0);
    world.run(ms(1_000));
    world.assert_written(after);
}

#[test]
fn the_leader_of_a_recreated_topic_is_found_after_there_was_none() {
    let mut world = Setup::default().start();
    world.cluster.set_versions(Versions::kafka_2_1());
    world.cluster.create_topic("t", 1);
    world.cluster.move_leader("t", 0, 3);
    world.cluster.remove_leader("t", 0);
    let before = world.send("t", 0);
    world.run(ms(1_000));
    assert!(!world.application.outcomes.contains_key(&before));
    world.cluster.recreate_topic("t");
    world.run(ms(10_000));
    world.assert_written(before);
}

#[test]
fn a_dead_first_address_is_skipped() {
    for seed in 0..8 {
        let mut world = Setup::with(|sender| {
            sender.bootstrap_servers = vec![("nowhere".into(), 1), ("first".into(), 9093)];
            sender.seed = seed;
        })
        .start();
        world.cluster.create_topic("t", 1);
        let id = world.send("t", 0);
        world.run(ms(5_000));
        world.assert_written(id);
    }
}

/// A name with several addresses. The first drops all packets.
#[test]
fn a_silent_address_is_followed_by_the_next() {
    let mut world = Setup::default().start();
    let silent = "10.0.0.1:9093".parse().expect("an address");
    world.network.silent.insert(silent);
    world.network.names.get_mut("first").expect("set").insert(0, silent);
    world.cluster.create_topic("t", 1);
    let id = world.send("t", 0);
    world.run(ms(30_000));
    world.assert_written(id);
}

#[test]
fn a_cluster_that_moved_is_found_by_its_bootstrap_address() {
    let mut world = warm(Setup::default(), "t", 3);
    // All brokers move to other ports. The bootstrap name resolves to one of them.
    world.network.listeners.clear();
    for broker in 1..=3 {
        world.cluster.set_address(broker, "127.0.0.1", 19_000 + broker as u16);
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 19_000 + broker as u16));
        world.network.listeners.insert(address, broker);
        world.network.names.insert("first".into(), vec![address]);
        world.cut_all_to(broker);
    }
    let ids: Vec<u64> = (0..3).map(|partition| world.send("t", partition)).collect();
    world.run(ms(30_000));
    ids.iter().for_each(|&id| world.assert_written(id));
}

#[test]
fn rebootstrap_required_begins_from_the_bootstrap_address() {
    let mut world = warm(Setup::with(|sender| sender.metadata_max_age = ms(5_000)), "t", 3);
    world.cluster.script(Api::Metadata, [Fault::Error(codes::REBOOTSTRAP_REQUIRED, On::All)]);
    let before = world.counts().connections_opened;
    world.run(ms(6_000));
    assert!(world.observer.log.iter().any(|(_, line)| line.contains("REBOOTSTRAP_REQUIRED")));
    let ids: Vec<u64> = (0..3).map(|partition| world.send("t", partition)).collect();
    world.run(ms(5_000));
    ids.iter().for_each(|&id| world.assert_written(id));
    assert!(world.counts().connections_opened > before);
}

/// Records were ready for a broker that the rebootstrap removed.
#[test]
fn records_ready_before_a_rebootstrap_are_sent_after_it() {
    let mut world = warm(Setup::with(|sender| sender.metadata_max_age = ms(5_000)), "t", 3);
    world.cluster.script(Api::Produce, [Fault::Throttle(8_000), Fault::Throttle(8_000), Fault::Throttle(8_000)]);
    (0..3).for_each(|partition| {
        world.send("t", partition);
    });
    world.run(ms(10));
    let held: Vec<u64> = (0..3).map(|partition| world.send("t", partition)).collect();
    world.cluster.script(Api::Metadata, [Fault::Error(codes::REBOOTSTRAP_REQUIRED, On::All)]);
    world.run(ms(30_000));
    held.iter().for_each(|&id| world.assert_written(id));
    assert!(world.observer.log.iter().any(|(_, line)| line.contains("REBOOTSTRAP_REQUIRED")));
}

#[test]
fn old_brokers_get_requests_in_their_versions() {
    for versions in [Versions::kafka_2_1(), Versions::kafka_2_8(), Versions::kafka_3_9()] {
        let mut world = Setup::default().start();
        world.cluster.set_versions(versions.clone());
        world.cluster.create_topic("t", 2);
        let ids = [world.send("t", 0), world.send("t", 1)];
        world.run(ms(2_000));
        ids.iter().for_each(|&id| world.assert_written(id));
        for request in world.cluster.requests() {
            let asked = request.api == Api::ApiVersions;
            assert!(asked || versions.range(request.api).expect("offered").contains(&request.version));
        }
    }
}

#[test]
fn a_broker_without_a_common_version_is_named_as_the_reason() {
    let mut world = Setup::with(|sender| sender.topic_timeout = ms(3_000)).start();
    world.cluster.set_versions(Versions::kafka_2_1().with(Api::Produce, 0..=2));
    let id = world.send("t", 0);
    world.run(ms(4_000));
    world.assert_failed(id, ErrorKind::MetadataTimedOut, Fate::NotWritten);
    let message = &world.outcome(id).message;
    assert!(message.contains("UNSUPPORTED_BROKER") && message.contains("Kafka 2.1"), "{message}");
}

#[test]
fn a_producer_id_is_requested_until_it_is_granted() {
    let mut world = Setup::default().start();
    world.cluster.create_topic("t", 1);
    let faults = [
        Fault::Error(codes::COORDINATOR_LOAD_IN_PROGRESS, On::All),
        Fault::DropBefore,
        Fault::DropAfter,
        Fault::Error(codes::COORDINATOR_NOT_AVAILABLE, On::All),
    ];
    world.cluster.script(Api::InitProducerId, faults);
    let id = world.send("t", 0);
    world.run(ms(10_000));
    world.assert_written(id);
    assert_eq!(world.cluster.requests_of(Api::InitProducerId).len(), 5);
}

#[test]
fn a_refused_producer_id_fails_records_with_the_reason_until_it_is_granted() {
    let mut world = Setup::default().start();
    world.cluster.create_topic("t", 3);
    world.cluster.script(Api::InitProducerId, vec![Fault::Error(codes::CLUSTER_AUTHORIZATION_FAILED, On::All); 3]);
    let ids: Vec<u64> = (0..3).map(|partition| world.send("t", partition)).collect();
    world.run(ms(10_000));
    ids.iter().for_each(|&id| {
        world.assert_failed(id, ErrorKind::Broker(codes::CLUSTER_AUTHORIZATION_FAILED), Fate::NotWritten)
    });
    assert!(world.outcome(ids[0]).message.contains("enable.idempotence"));
    world.cluster.clear_faults();
    let granted = world.send("t", 0);
    world.run(ms(1_000));
    world.assert_written(granted);
}

#[test]
fn a_response_without_a_producer_id_is_not_believed() {
    let mut world = Setup::default().start();
    world.cluster.create_topic("t", 1);
    // Version 4, flexible: length, correlation id, tags, throttle time, no error, producer id and epoch -1, tags.
    let mut answer = vec![0, 0, 0, 22, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0];
    answer.extend([0xff; 10]);
    answer.push(0);
    world.cluster.script(Api::InitProducerId, [Fault::Garbage(answer)]);
    let id = world.send("t", 0);
    world.run(ms(5_000));
    world.assert_written(id);
    assert!(world.observer.log.iter().any(|(_, line)| line.contains("not one")), "{:#?}", world.log_tail());
    assert_eq!(world.cluster.records("t", 0)[0].sequence, 0);
}

/// A response that was on its way when the refresh was requested may be older than the request.
#[test]
fn a_refresh_requested_during_another_is_not_forgotten() {
    let mut world = Setup::with(|sender| sender.metadata_max_age = ms(10_000)).start();
    world.cluster.set_versions(Versions::kafka_3_9().with(Api::Produce, 3..=9));
    world.cluster.create_topic("t", 1);
    world.send("t", 0);
    world.run(ms(9_950));
    world.cluster.script(Api::Metadata, [Fault::Delay(1_500)]);
    world.run(ms(1_000));
    // Current metadata is on its way. The leader moves after it was made.
    let old = world.cluster.leader("t", 0).expect("a leader");
    world.cluster.move_leader("t", 0, 1 + old % 3);
    let id = world.send("t", 0);
    world.run(ms(3_000));
    world.assert_written(id);
}

#[test]
fn metadata_whose_leader_is_not_listed_is_requested_again() {
    let mut world = warm(Setup::with(|sender| sender.metadata_max_age = ms(2_000)), "t", 3);
    let leader = world.cluster.leader("t", 1).expect("a leader");
    // The response names the same leaders, but lists fewer brokers.
    world.cluster.hold_metadata();
    world.stop_broker(leader);
    world.run(ms(5_000));
    let id = world.send("t", 1);
    world.run(ms(1_000));
    world.cluster.start_broker(leader);
    world.cluster.release_metadata();
    world.run(ms(5_000));
    world.assert_written(id);
}

#[test]
fn attempts_to_connect_back_off() {
    let mut world = Setup::default().start();
    world.network.listeners.clear();
    world.send("t", 0);
    world.run(ms(20_000));
    let failed = world.counts().connections_failed;
    // 50, 100, 200, 400, 800, then 1000 ms.
    assert!((20..35).contains(&failed), "{failed} attempts");
    let loud = world.observer.log.iter().filter(|(level, _)| *level == Level::Error).count();
    assert_eq!(loud, 1);
}

#[test]
fn a_connection_that_is_not_used_is_closed_and_opened_again() {
    let mut world = warm(
        Setup::with(|sender| {
            sender.connections_max_idle = Some(ms(20_000));
            sender.metadata_max_age = ms(3_600_000);
        }),
        "t",
        1,
    );
    world.run(ms(60_000));
    assert!(world.network.links().is_empty(), "{:?}", world.network.links());
    let id = world.send("t", 0);
    world.run(ms(1_000));
    world.assert_written(id);
}

#[test]
fn a_broker_that_never_responds_does_not_stop_metadata() {
    let mut world = warm(Setup::with(|sender| sender.metadata_max_age = ms(5_000)), "t", 3);
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 9094));
    world.network.silent.insert(address);
    world.cut_all_to(2);
    let stuck = world.cluster.leader("t", 1).expect("a leader");
    assert_eq!(stuck, 2);
    let id = world.send("t", 1);
    world.run(ms(100));
    world.cluster.move_leader("t", 1, 3);
    world.run(ms(8_000));
    world.assert_written(id);
}

#[test]
fn records_that_wait_for_a_leader_survive_an_error_in_metadata() {
    let mut world = warm(Setup::default().single_records(), "t", 1);
    world.cluster.remove_leader("t", 0);
    let waiting = world.send("t", 0);
    world.run(ms(500));
    world.cluster.script(Api::Metadata, [Fault::Error(codes::TOPIC_AUTHORIZATION_FAILED, On::Topic("t".into()))]);
    world.run(ms(2_000));
    assert!(!world.application.outcomes.contains_key(&waiting));
    world.cluster.move_leader("t", 0, 1);
    world.run(ms(3_000));
    world.assert_written(waiting);
}

fn left_out(topic: &str) -> Fault {
    Fault::LeaveOut(On::Topic(topic.into()))
}

#[test]
fn a_topic_that_a_response_leaves_out_is_requested_again() {
    let mut world = Setup::default().start();
    world.cluster.create_topic("t", 1);
    world.cluster.create_topic("other", 1);
    world.cluster.script(Api::Metadata, [Fault::None, left_out("t"), left_out("t")]);
    world.run(ms(100));
    let (id, other) = (world.send("t", 0), world.send("other", 0));
    world.run(ms(1_000));
    world.assert_written(other);
    world.assert_written(id);
}

/// A request for new topics does not ask for known ones, so the response says nothing about those.
#[test]
fn a_new_topic_that_a_response_leaves_out_is_requested_again_while_others_are_known() {
    let mut world = warm(Setup::default(), "known", 3);
    world.cluster.create_topic("new", 1);
    world.cluster.script(Api::Metadata, [left_out("new"), left_out("new")]);
    let id = world.send("new", 0);
    world.run(ms(1_000));
    world.assert_written(id);
}

#[test]
fn a_known_topic_that_a_response_leaves_out_keeps_its_leaders_and_is_requested_again() {
    let mut world = warm(Setup::with(|sender| sender.metadata_max_age = ms(10_000)), "t", 1);
    world.cluster.script(Api::Metadata, [left_out("t")]);
    world.run(ms(9_000));
    world.cluster.clear_requests();
    let meanwhile = world.send("t", 0);
    world.run(ms(2_000));
    world.assert_written(meanwhile);
    assert_eq!(world.cluster.requests_of(Api::Metadata).len(), 2);
}

#[test]
fn a_partition_that_a_response_leaves_out_is_requested_again() {
    let mut world = Setup::default().start();
    world.cluster.create_topic("t", 3);
    let gap = || Fault::LeaveOut(On::partition("t", 1));
    world.cluster.script(Api::Metadata, [Fault::None, gap(), gap()]);
    world.run(ms(100));
    let id = world.send("t", 1);
    world.run(ms(1_000));
    world.assert_written(id);
}

#[test]
fn a_response_without_brokers_changes_nothing_and_the_request_is_repeated() {
    for versions in [Versions::kafka_4_3(), Versions::kafka_2_1()] {
        let mut world = Setup::with(|sender| sender.topic_timeout = ms(3_000)).start();
        world.cluster.set_versions(versions);
        world.cluster.create_topic("t", 1);
        world.cluster.script(Api::Metadata, vec![Fault::LeaveOut(On::All); 3]);
        let id = world.send("t", 0);
        world.run(ms(1_500));
        world.assert_written(id);
        world.cluster.script(Api::Metadata, vec![Fault::LeaveOut(On::All); 30]);
        let never = world.send("never", 0);
        world.run(ms(3_100));
        let message = &world.outcome(never).message;
        assert!(message.contains("named no broker") && !message.contains("no broker answered"), "{message}");
    }
}

/// From version 12 on, a response may have a topic without a name.
#[test]
fn a_topic_without_a_name_is_requested_again() {
    let mut world = Setup::default().start();
    world.cluster.set_versions(Versions::kafka_4_3().with(Api::Metadata, 0..=12));
    world.cluster.create_topic("t", 1);
    world.run(ms(100));
    // The second request on the connection to a broker of the cluster.
    let mut body = vec![0, 0, 0, 1, 0, 0, 0, 0, 0];
    // One broker, no cluster id, controller 1, one topic: no error, no name, no id, not internal, no partitions.
    body.extend([2, 0, 0, 0, 1, 10]);
    body.extend(b"127.0.0.1");
    body.extend([0, 0, 0x23, 0x85, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0]);
    body.extend([0; 16]);
    body.extend([0, 1, 0, 0, 0, 0, 0, 0]);
    let mut answer = (body.len() as u32).to_be_bytes().to_vec();
    answer.extend(body);
    world.cluster.script(Api::Metadata, [Fault::Garbage(answer)]);
    let id = world.send("t", 0);
    world.run(ms(1_000));
    assert!(
        !world.observer.log.iter().any(|(_, line)| line.contains("closing the connection")),
        "{:#?}",
        world.log_tail()
    );
    world.assert_written(id);
}

/// From version 13 on, a response may have an error for the whole request.
#[test]
fn a_response_that_is_an_error_is_requested_again() {
    let mut world = Setup::with(|sender| sender.topic_timeout = ms(3_000)).start();
    world.cluster.create_topic("t", 1);
    world.cluster.script(Api::Metadata, vec![Fault::Error(codes::REQUEST_TIMED_OUT, On::All); 3]);
    let id = world.send("t", 0);
    world.run(ms(2_000));
    world.assert_written(id);
    world.cluster.script(Api::Metadata, vec![Fault::Error(codes::REQUEST_TIMED_OUT, On::All); 30]);
    let never = world.send("never", 0);
    world.run(ms(3_100));
    let message = &world.outcome(never).message;
    assert!(message.contains("REQUEST_TIMED_OUT"), "{message}");
}

#[test]
fn a_topic_that_is_always_left_out_fails_with_that_as_the_reason() {
    let mut world = Setup::with(|sender| sender.topic_timeout = ms(3_000)).start();
    world.cluster.create_topic("t", 1);
    world.cluster.on_request(|request| match request.api {
        Api::Metadata => left_out("t"),
        _ => Fault::None,
    });
    let id = world.send("t", 0);
    world.run(ms(3_100));
    world.assert_failed(id, ErrorKind::MetadataTimedOut, Fate::NotWritten);
    let message = &world.outcome(id).message;
    assert!(message.contains("left topic t out") && !message.contains("no broker answered"), "{message}");
    assert!(message.contains("127.0.0.1:909"), "{message}");
    let asked = world.cluster.requests_of(Api::Metadata).len();
    assert!((5..12).contains(&asked), "{asked} requests in 3 s, with a backoff from 100 ms to 1 s");
}
