//! Topics with their own acks, linger, codec or timeouts.

use ottla_core::compress::Codec;
use ottla_core::sender::Acks;
use ottla_core::{ErrorKind, Fate, Level};
use ottla_mock::{Api, Fault, On, RequestInfo, Versions, codes};

use crate::world::{Setup, World, ms};

/// A world with one broker and a topic `plain` without overrides, which has two partitions. The test creates `t`.
fn world(setup: Setup) -> World {
    let mut world = Setup { brokers: 1, ..setup }.start();
    world.cluster.create_topic("plain", 2);
    world.cluster.create_topic("t", 2);
    world
}

fn weak(world: &mut World, topic: &str, acks: Acks) {
    world.topic_with(topic, |settings| {
        settings.acks = acks;
        settings.idempotence = false;
    });
}

fn deliver_all(world: &mut World) {
    world.flush();
    assert!(world.run_until(ms(10_000), World::all_completed), "{:#?}", world.log_tail());
}

fn produced(world: &World) -> Vec<RequestInfo> {
    world.cluster.requests_of(Api::Produce).into_iter().cloned().collect()
}

#[test]
fn topics_with_different_acks_travel_in_separate_requests() {
    for (acks, wire, fate) in [(Acks::Leader, 1, Fate::Written), (Acks::None, 0, Fate::Unknown)] {
        let mut world = world(Setup::default());
        weak(&mut world, "t", acks);
        let ids = [world.send("plain", 0), world.send("t", 0), world.send("plain", 1), world.send("t", 1)];
        deliver_all(&mut world);
        for request in produced(&world) {
            let of_t = request.partitions.iter().filter(|p| p.topic == "t").count();
            assert!(of_t == 0 || of_t == request.partitions.len(), "{request:?}");
            assert_eq!(request.acks, Some(if of_t == 0 { -1 } else { wire }));
            let numbered = request.partitions.iter().all(|p| p.producer_id >= 0 && p.base_sequence >= 0);
            let without = request.partitions.iter().all(|p| p.producer_id == -1 && p.base_sequence == -1);
            assert!(if of_t == 0 { numbered } else { without }, "{request:?}");
        }
        assert_eq!(produced(&world).len(), 2);
        assert_eq!(ids.map(|id| world.outcome(id).fate), [Fate::Written, fate, Fate::Written, fate]);
        assert_eq!(world.outcome(ids[1]).offset, if acks == Acks::None { -1 } else { 0 });
        assert_eq!(world.outcome(ids[1]).error, None);
    }
}

#[test]
fn topics_with_different_acks_take_turns() {
    let mut world = world(Setup::with(|sender| sender.max_in_flight = 1).single_records());
    weak(&mut world, "t", Acks::Leader);
    for _ in 0..5 {
        world.send("plain", 0);
        world.send("t", 0);
    }
    deliver_all(&mut world);
    let acks: Vec<_> = produced(&world).iter().map(|request| request.acks.unwrap_or_default()).collect();
    assert!(acks.len() == 10 && acks.windows(2).all(|pair| pair[0] != pair[1]), "{acks:?}");
}

#[test]
fn topics_with_weaker_acks_keep_their_order_without_sequence_numbers() {
    let mut world = world(Setup::with(|sender| sender.max_in_flight = 1).single_records());
    weak(&mut world, "t", Acks::Leader);
    let first = world.send("t", 0);
    world.run(ms(1_000));
    world.assert_written(first);
    world.cluster.script(Api::Produce, [Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All), Fault::DropBefore]);
    let ids: Vec<u64> = (0..5).map(|_| world.send("t", 0)).collect();
    deliver_all(&mut world);
    assert_eq!(world.in_log("t", 0)[1..], ids);
}

#[test]
fn topics_that_need_no_producer_id_go_on_when_it_is_refused() {
    // With one request in flight, this record waits for the response to the other request.
    let mut world = world(Setup::with(|sender| sender.max_in_flight = 1));
    weak(&mut world, "t", Acks::Leader);
    world.cluster.script(Api::InitProducerId, vec![Fault::Error(codes::CLUSTER_AUTHORIZATION_FAILED, On::All); 10]);
    let (refused, fine) = (world.send("plain", 0), world.send("t", 0));
    world.run(ms(5_000));
    world.assert_failed(refused, ErrorKind::Broker(codes::CLUSTER_AUTHORIZATION_FAILED), Fate::NotWritten);
    world.assert_written(fine);
}

#[test]
fn topics_that_need_no_producer_id_go_on_while_it_is_awaited() {
    let mut world = world(Setup::default());
    weak(&mut world, "t", Acks::Leader);
    world.cluster.script(Api::InitProducerId, [Fault::Delay(3_000)]);
    let (waits, fine) = (world.send("plain", 0), world.send("t", 0));
    // Responses on one connection come in order, so this record is already written but reported later.
    world.run(ms(1_000));
    assert_eq!(world.in_log("t", 0), [fine]);
    assert!(world.in_log("plain", 0).is_empty());
    world.run(ms(5_000));
    world.assert_written(waits);
    world.assert_written(fine);
}

#[test]
fn each_topic_has_its_linger() {
    let mut world = world(Setup::with(|sender| sender.linger = ms(1_000)));
    world.topic_with("t", |settings| settings.linger = ms(50));
    // Connects, and makes the topics known.
    world.send("plain", 0);
    world.send("t", 0);
    deliver_all(&mut world);
    // The longer linger begins first, on another partition. The shorter one must not wait behind it.
    let slow = world.send("plain", 0);
    world.run(ms(10));
    let fast = world.send("t", 1);
    world.run(ms(49));
    assert_eq!(world.application.outcomes.len(), 2);
    world.run(ms(2));
    world.assert_written(fast);
    // A lingering batch that may share the request is sent with it.
    world.assert_written(slow);
}

#[test]
fn lingering_batches_with_different_acks_do_not_ride_along() {
    let mut world = world(Setup::with(|sender| sender.linger = ms(1_000)));
    world.topic_with("t", |settings| {
        settings.linger = ms(50);
        settings.acks = Acks::Leader;
        settings.idempotence = false;
    });
    world.send("plain", 0);
    world.send("t", 0);
    deliver_all(&mut world);
    let slow = world.send("plain", 0);
    let fast = world.send("t", 1);
    world.run(ms(500));
    world.assert_written(fast);
    assert!(!world.application.outcomes.contains_key(&slow));
    world.run(ms(502));
    world.assert_written(slow);
}

#[test]
fn a_topic_without_linger_does_not_wait() {
    let mut world = world(Setup::with(|sender| sender.linger = ms(1_000)));
    world.topic_with("t", |settings| settings.linger = ms(0));
    world.send("plain", 0);
    deliver_all(&mut world);
    let fast = world.send("t", 0);
    world.run(ms(10));
    world.assert_written(fast);
}

#[test]
fn each_topic_has_its_codec_and_can_be_split() {
    let mut world = world(
        Setup::with(|sender| {
            sender.codec = Codec::Lz4;
            sender.compression_level = 9;
        })
        .batch_size(1 << 20),
    );
    let codecs =
        [("gzip", Codec::Gzip, 1), ("zstd", Codec::Zstd, 3), ("snappy", Codec::Snappy, 0), ("none", Codec::None, 0)];
    for (topic, codec, level) in codecs {
        world.cluster.create_topic(topic, 1);
        world.topic_with(topic, |settings| {
            settings.codec = codec;
            settings.compression_level = level;
        });
    }
    let all = codecs.map(|(topic, codec, _)| (topic, codec as i16)).into_iter().chain([("plain", Codec::Lz4 as i16)]);
    for (topic, bits) in all {
        let before = produced(&world).len();
        let ids: Vec<u64> = (0..20).map(|_| world.send_sized(topic, Some(0), 500).expect("accepted")).collect();
        // The first batch is refused as too large. It is decompressed, and each part is compressed again.
        world.cluster.script(Api::Produce, [Fault::Error(codes::MESSAGE_TOO_LARGE, On::All)]);
        deliver_all(&mut world);
        assert_eq!(world.in_log(topic, 0), ids, "{topic}");
        for request in &produced(&world)[before..] {
            assert!(request.partitions.iter().all(|p| p.codec == bits), "{topic}: {request:?}");
        }
    }
    assert_eq!(world.counts().batches_split, 5);
}

#[test]
fn each_topic_has_its_delivery_timeout() {
    let mut world = world(Setup::default());
    world.topic_with("t", |settings| settings.delivery_timeout = ms(3_000));
    world.send("plain", 0);
    world.send("t", 0);
    deliver_all(&mut world);
    world.stop_broker(1);
    let started = world.now;
    let (long, short) = (world.send("plain", 0), world.send("t", 0));
    world.run(ms(130_000));
    for (id, timeout) in [(short, 3_000), (long, 120_000)] {
        world.assert_failed(id, ErrorKind::DeliveryTimedOut, Fate::NotWritten);
        assert_eq!(world.outcome(id).at, started.after(ms(timeout)));
        assert!(
            world.outcome(id).message.contains(&format!("delivery.timeout.ms={timeout}")),
            "{}",
            world.outcome(id).message
        );
    }
}

#[test]
fn each_topic_has_its_request_timeout() {
    let mut world = world(Setup::default());
    world.topic_with("t", |settings| settings.request_timeout = ms(2_000));
    world.send("plain", 0);
    world.send("t", 0);
    deliver_all(&mut world);
    let timeouts: Vec<_> = produced(&world).iter().map(|request| request.timeout_ms.unwrap_or_default()).collect();
    assert_eq!(timeouts, [30_000, 2_000]);
    // The second request on the connection is due first.
    world.cluster.script(Api::Produce, [Fault::NeverAnswer { handled: false }]);
    let ids = [world.send("plain", 0), world.send("t", 0)];
    world.run(ms(1_999));
    assert_eq!((world.counts().produce_requests, world.counts().requests_timed_out), (4, 0));
    world.run(ms(10));
    assert_eq!(world.counts().requests_timed_out, 1);
    world.run(ms(5_000));
    ids.iter().for_each(|&id| world.assert_written(id));
}

/// A world with acks=0, a delivery timeout of five seconds, and a topic "t" that has a record.
fn without_acks() -> World {
    let mut world = Setup {
        brokers: 3,
        ..Setup::with(|sender| {
            (sender.acks, sender.idempotence) = (Acks::None, false);
            sender.delivery_timeout = ms(5_000);
            sender.topic_timeout = ms(4_000);
        })
    }
    .start();
    world.cluster.create_topic("t", 1);
    let id = world.send("t", 0);
    world.run(ms(1_000));
    assert_eq!(world.in_log("t", 0), [id]);
    world
}

/// With acks=0 there are no responses. A closed connection is the first sign that the topic is gone; metadata then
/// confirms it.
#[test]
fn records_of_a_deleted_topic_are_not_reported_as_sent_with_acks_0() {
    let mut world = without_acks();
    let before = world.counts().connections_closed;
    world.cluster.delete_topic("t");
    let ids: Vec<u64> = (0..100)
        .map(|_| {
            let id = world.send("t", 0);
            world.run(ms(100));
            id
        })
        .collect();
    world.run(ms(5_100));
    // The first record causes the discovery. The next few may be written before metadata arrives.
    let (first, rest) = ids.split_at(4);
    assert_eq!(world.outcome(first[0]).fate, Fate::Unknown);
    for &id in rest {
        world.assert_failed(id, ErrorKind::Broker(codes::UNKNOWN_TOPIC_OR_PARTITION), Fate::NotWritten);
        let message = &world.outcome(id).message;
        assert!(message.contains("UNKNOWN_TOPIC_OR_PARTITION for topic t"), "{message}");
        assert!(message.contains("127.0.0.1:909") && message.contains("delivery.timeout.ms=5000"), "{message}");
    }
    let closed = world.counts().connections_closed - before;
    assert!(closed <= 4, "{closed} connections were closed");
    // After the topic was created again, the first record causes the discovery.
    world.cluster.create_topic("t", 1);
    world.send("t", 0);
    world.run(ms(2_000));
    let again = world.send("t", 0);
    world.run(ms(100));
    assert!(world.in_log("t", 0).ends_with(&[again]));
}

#[test]
fn a_connection_that_ends_after_requests_with_acks_0_is_logged_as_a_warning() {
    let mut world = without_acks();
    world.cluster.delete_topic("t");
    world.send("t", 0);
    world.run(ms(100));
    let warning = world.observer.log.iter().find(|(level, line)| *level == Level::Warning && line.contains("acks=0"));
    let (_, line) = warning.expect("a warning");
    assert!(line.contains("127.0.0.1:909") && line.contains("may be lost"), "{line}");
}

/// A connection without recent writes is closed for other reasons.
#[test]
fn a_connection_that_ends_long_after_a_request_with_acks_0_is_not_logged() {
    let mut world = without_acks();
    world.run(ms(100_000));
    (1..=3).for_each(|broker| world.cut_all_to(broker));
    world.run(ms(100));
    assert!(!world.observer.log.iter().any(|(level, _)| *level == Level::Warning), "{:#?}", world.log_tail());
}

#[test]
fn a_leader_that_moved_is_found_with_acks_0() {
    let mut world = without_acks();
    let old = world.cluster.leader("t", 0).expect("a leader");
    world.cluster.move_leader("t", 0, 1 + old % 3);
    let ids: Vec<u64> = (0..100)
        .map(|_| {
            let id = world.send("t", 0);
            world.run(ms(10));
            id
        })
        .collect();
    let written = world.in_log("t", 0);
    assert!(written.ends_with(&ids[30..]), "{} of 100 arrived", written.len() - 1);
}

/// A recreated topic's leader epochs begin at 0, and brokers before 2.8 have no topic ids.
#[test]
fn the_leader_of_a_recreated_topic_is_found_without_topic_ids_with_acks_0() {
    let mut world = Setup::with(|sender| (sender.acks, sender.idempotence) = (Acks::None, false)).start();
    world.cluster.set_versions(Versions::kafka_2_1());
    world.cluster.create_topic("t", 1);
    world.cluster.move_leader("t", 0, 2);
    world.cluster.move_leader("t", 0, 3);
    let before = world.send("t", 0);
    world.run(ms(1_000));
    assert_eq!(world.in_log("t", 0), [before]);
    world.cluster.recreate_topic("t");
    for _ in 0..10 {
        world.send("t", 0);
        world.run(ms(100));
    }
    let after = world.send("t", 0);
    world.run(ms(1_000));
    assert!(world.in_log("t", 0).contains(&after));
}

/// A broker that is behind does not know an existing topic.
#[test]
fn no_record_is_lost_to_metadata_that_denies_its_topic_with_acks_0() {
    let mut world = without_acks();
    world
        .cluster
        .script(Api::Metadata, vec![Fault::Error(codes::UNKNOWN_TOPIC_OR_PARTITION, On::Topic("t".into())); 5]);
    world.cluster.script(Api::Produce, [Fault::Delay(300)]);
    (1..=3).for_each(|broker| world.cut_all_to(broker));
    let ids: Vec<u64> = (0..200)
        .map(|_| {
            let id = world.send("t", 0);
            world.run(ms(10));
            id
        })
        .collect();
    world.run(ms(2_000));
    assert!(world.in_log("t", 0).ends_with(&ids));
}
