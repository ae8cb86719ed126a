//! Requests that always end their connection. Other batches in them get through, and the error of the batch to blame
//! says what to check.

use ottla_core::accumulator::TransactionCall as Call;
use ottla_core::sender::Acks;
use ottla_core::{ErrorKind, Fate, Level};
use ottla_mock::{Api, Fault, RequestInfo, codes};

use crate::delivery::warm;
use crate::world::{Setup, World, ms};

/// The broker's limit, which it does not reveal.
const LIMIT: usize = 10_000;
/// A record that no request can carry.
const LARGE: usize = 20_000;

/// One broker, which leads all partitions of topic `t`. Each partition has accepted a record.
fn one_broker(mut setup: Setup, partitions: i32) -> World {
    setup.brokers = 1;
    let mut world = warm(setup, "t", partitions);
    world.cluster.clear_requests();
    world
}

/// The same, with a broker that closes the connection for each request above `LIMIT`.
fn limited(setup: Setup, partitions: i32) -> World {
    let mut world = one_broker(setup, partitions);
    world.cluster.max_request_bytes = LIMIT;
    world
}

/// Timeouts short enough for records to expire within the test.
fn short() -> Setup {
    Setup::with(|sender| {
        sender.delivery_timeout = ms(5_000);
        sender.request_timeout = ms(3_000);
    })
}

fn send_large(world: &mut World, partition: i32) -> u64 {
    world.send_sized("t", Some(partition), LARGE).expect("accepted")
}

/// Sends small records to all partitions for eight seconds, and a large one to partition 0 amid them. Returns the large
/// one.
fn stream(world: &mut World, partitions: i32) -> u64 {
    let mut large = 0;
    for round in 0..400 {
        for partition in 0..partitions {
            if (round, partition) == (5, 0) {
                large = send_large(world, 0);
            } else {
                world.send("t", partition);
            }
        }
        world.run(ms(20));
    }
    assert!(world.run_until(ms(120_000), World::all_completed));
    large
}

/// The partitions of each Produce request, in order.
fn produced(world: &World) -> Vec<Vec<i32>> {
    let requests = world.cluster.requests_of(Api::Produce).into_iter();
    requests.map(|request| request.partitions.iter().map(|partition| partition.partition).collect()).collect()
}

#[test]
fn a_record_too_large_for_a_request_takes_no_other_record_with_it() {
    let all = [(Acks::All, true), (Acks::All, false), (Acks::Leader, false)];
    for ((acks, idempotence), partitions) in all.into_iter().flat_map(|one| [(one, 1), (one, 3)]) {
        let mut setup = short();
        (setup.sender.acks, setup.sender.idempotence) = (acks, idempotence);
        let mut world = limited(setup, partitions);
        let large = stream(&mut world, partitions);
        for (&id, reported) in &world.application.outcomes {
            assert_eq!(reported.fate == Fate::Written, id != large, "record {id}, acks {acks:?}: {reported:?}");
        }
        for partition in 0..partitions {
            assert!(world.in_log("t", partition).is_sorted(), "order was lost in {partition}");
        }
    }
}

/// No request has been answered yet, so no request size is known to be accepted.
#[test]
fn a_first_record_too_large_for_a_request_takes_no_other_record_with_it() {
    let mut setup = short();
    setup.brokers = 1;
    let mut world = setup.start();
    world.cluster.create_topic("t", 1);
    world.cluster.max_request_bytes = LIMIT;
    let large = send_large(&mut world, 0);
    for _ in 0..300 {
        world.run(ms(20));
        world.send("t", 0);
    }
    world.run(ms(6_000));
    for (&id, reported) in &world.application.outcomes {
        assert_eq!(reported.fate == Fate::Written, id != large, "record {id}: {reported:?}");
    }
}

/// A network that drops large packets: no response comes, and the connection stays open.
#[test]
fn a_record_lost_in_transit_takes_no_other_record_with_it() {
    let mut setup = short();
    (setup.sender.delivery_timeout, setup.sender.request_timeout) = (ms(20_000), ms(500));
    let mut world = one_broker(setup, 3);
    let is_large = |request: &RequestInfo| request.partitions.iter().map(|p| p.bytes).sum::<usize>() > LIMIT;
    world.cluster.on_request(move |request| match is_large(request) {
        true => Fault::NeverAnswer { handled: false },
        false => Fault::None,
    });
    let large = stream(&mut world, 3);
    for (&id, reported) in &world.application.outcomes {
        assert_eq!(reported.fate == Fate::Written, id != large, "record {id}: {reported:?}");
    }
}

/// The connection of the request that was lost first is not counted.
#[test]
fn the_search_costs_at_most_one_connection_per_batch() {
    for count in [1, 2, 3, 5, 9, 20] {
        for to_blame in 0..=count {
            let mut world = limited(Setup::default(), count);
            // Spreads the large records evenly over the partitions.
            let is_large = |n: i32| (n + 1) * to_blame / count != n * to_blame / count;
            let small: Vec<u64> = (0..count)
                .filter_map(|n| {
                    let id = if is_large(n) { send_large(&mut world, n) } else { world.send("t", n) };
                    (!is_large(n)).then_some(id)
                })
                .collect();
            world.run(ms(10_000));
            small.iter().for_each(|&id| world.assert_written(id));
            let closed = &world.cluster.oversized_requests;
            let Some((_, closed)) = closed.split_first() else { continue };
            let one = *closed.iter().min().expect("each batch to blame is sent again");
            let several = closed.iter().filter(|&&size| size > one + 20).count() as i32;
            assert!(several + to_blame <= count, "{to_blame} of {count} batches: connections lost for {closed:?}");
        }
    }
}

#[test]
fn batches_that_are_too_large_together_are_delivered() {
    let mut world = limited(Setup::default(), 20);
    let ids: Vec<u64> = (0..20).map(|n| world.send_sized("t", Some(n), 2_000).expect("accepted")).collect();
    world.run(ms(5_000));
    ids.iter().for_each(|&id| world.assert_written(id));
    assert!(world.cluster.oversized_requests.len() <= 3, "{:?}", world.cluster.oversized_requests);
}

#[test]
fn the_error_states_the_size_of_the_request_and_the_limits_to_look_at() {
    let mut world = limited(short(), 2);
    let (large, small) = (send_large(&mut world, 0), world.send("t", 1));
    world.run(ms(5_000));
    world.assert_written(small);
    world.assert_failed(large, ErrorKind::Broker(codes::NETWORK_EXCEPTION), Fate::Unknown);
    let reported = world.outcome(large).clone();
    let size = world.cluster.oversized_requests.last().expect("connections were closed") + 4;
    for word in ["broker 1 at", &format!("{size} bytes"), "socket.request.max.bytes", "proxies and gateways", "MTU"] {
        assert!(reported.message.contains(word), "{word} is missing: {}", reported.message);
    }
    let warnings: Vec<_> = world.observer.log.iter().filter(|(level, _)| *level == Level::Warning).collect();
    let [(_, warning)] = &warnings[..] else { panic!("one warning is expected: {warnings:?}") };
    assert!(warning.contains(&format!("{size} bytes")) && warning.contains("topic t, partition 0"), "{warning}");
}

/// The error of a suspect that expires before it is found guilty has the same explanation.
#[test]
fn the_error_of_an_expired_suspect_says_why_it_was_suspected() {
    let mut world = one_broker(Setup::default(), 1);
    world.cluster.on_request(|request| match request.api {
        Api::Produce => Fault::NeverAnswer { handled: false },
        _ => Fault::None,
    });
    let large = send_large(&mut world, 0);
    world.run(ms(121_000));
    world.assert_failed(large, ErrorKind::DeliveryTimedOut, Fate::Unknown);
    let message = &world.outcome(large).message;
    assert!(message.contains("no answer to Produce") && message.contains("MTU"), "{message}");
}

/// A replica that lags behind delays the response for its partition, whatever the size of the request.
#[test]
fn a_missing_response_is_no_proof_against_a_batch() {
    let mut setup = short();
    setup.sender.request_timeout = ms(200);
    let mut world = one_broker(setup, 2);
    let filler = world.send_sized("t", Some(1), 500).expect("accepted");
    world.run(ms(10));
    world.assert_written(filler);
    world.cluster.on_request(|request| match request.partitions.iter().any(|p| p.partition == 0) {
        true => Fault::NeverAnswer { handled: false },
        false => Fault::None,
    });
    let slow = world.send("t", 0);
    world.run(ms(4_000));
    assert!(!world.application.outcomes.contains_key(&slow), "{:?}", world.outcome(slow));
    world.cluster.clear_faults();
    world.run(ms(2_000));
    world.assert_written(slow);
}

/// A broker in trouble may answer ApiVersions and then end every connection.
#[test]
fn a_broker_that_ends_every_request_is_no_proof_against_a_batch() {
    let mut world = one_broker(short(), 3);
    world.cluster.on_request(|request| match request.api {
        Api::Produce => Fault::DropBefore,
        _ => Fault::None,
    });
    let ids: Vec<u64> = (0..3).map(|n| world.send("t", n)).collect();
    world.run(ms(3_800));
    world.cluster.clear_faults();
    world.run(ms(1_500));
    ids.iter().for_each(|&id| world.assert_written(id));
}

/// After a broker was restarted, no batch is to blame.
#[test]
fn suspicion_ends_with_the_first_responses() {
    let mut world = one_broker(Setup::default(), 64);
    world.cluster.script(Api::Produce, [Fault::NeverAnswer { handled: false }]);
    let all = |world: &mut World| -> Vec<u64> { (0..64).map(|n| world.send("t", n)).collect() };
    let lost = all(&mut world);
    world.run(ms(10));
    world.cut_all_to(1);
    world.cluster.clear_requests();
    world.run(ms(150));
    lost.iter().for_each(|&id| world.assert_written(id));
    let carried: Vec<usize> = produced(&world).iter().map(Vec::len).collect();
    assert!(carried.len() <= 8, "{carried:?}");
    world.cluster.clear_requests();
    all(&mut world);
    world.run(ms(10));
    assert_eq!(produced(&world).len(), 1, "requests are as full as before");
    assert!(world.all_completed());
}

/// New batches share neither a request nor a connection with suspects.
#[test]
fn new_records_are_not_put_at_risk_with_suspects() {
    let mut world = limited(Setup::default(), 8);
    let large = send_large(&mut world, 0);
    let mut ids = vec![world.send("t", 1)];
    let lost = |world: &World| world.counts().batches_retried;
    for _ in 0..400 {
        ids.extend((2..8).map(|n| world.send("t", n)));
        world.run(ms(5));
    }
    assert!(world.cluster.oversized_requests.len() > 3, "{:?}", world.cluster.oversized_requests);
    ids.iter().for_each(|&id| world.assert_written(id));
    let alone = world.cluster.oversized_requests.len() as u64;
    assert!(lost(&world) <= alone + 7, "{} batches were lost with {alone} connections", lost(&world));
    assert!(!world.application.outcomes.contains_key(&large));
}

/// Each attempt costs the other batches a connection.
#[test]
fn the_attempts_of_a_batch_that_ends_its_connections_become_rare() {
    let mut world = limited(Setup::default(), 2);
    let large = send_large(&mut world, 0);
    let mut worst = ms(0);
    while !world.application.outcomes.contains_key(&large) {
        let (id, sent) = (world.send("t", 1), world.now);
        world.run(ms(100));
        world.run_until(ms(10_000), |world| world.application.outcomes.contains_key(&id));
        worst = worst.max(world.outcome(id).at.since(sent));
    }
    assert!(worst < ms(200), "{worst:?}");
    let attempts = world.outcome(large).attempts;
    assert!((10..25).contains(&attempts), "{attempts} attempts in a minute");
}

#[test]
fn the_last_attempt_of_a_suspect_is_made_alone() {
    let mut world = limited(Setup::with(|sender| sender.retries = 1), 8);
    let large = send_large(&mut world, 7);
    // Larger than the other batch, so that it is not tried first.
    let ids: Vec<u64> = (0..7).map(|n| world.send("t", n)).collect();
    world.run(ms(5_000));
    ids.iter().for_each(|&id| world.assert_written(id));
    world.assert_failed(large, ErrorKind::Broker(codes::NETWORK_EXCEPTION), Fate::Unknown);
    assert!(produced(&world).iter().all(|partitions| partitions.len() == 1), "{:?}", produced(&world));
}

/// With acks=0 there are no responses. Batches that were partly written when the connection was lost are sent again, in
/// separate requests.
#[test]
fn suspects_with_acks_0_travel_in_separate_requests() {
    let mut world = one_broker(Setup::with(|sender| (sender.acks, sender.idempotence) = (Acks::None, false)), 4);
    world.network.eager = false;
    let ids: Vec<u64> = (0..4).map(|n| world.send("t", n)).collect();
    world.run(ms(1));
    let line = world.network.writable()[0];
    world.begin_write(line);
    world.cut_all_to(1);
    world.network.eager = true;
    world.run(ms(1_000));
    assert!(ids.iter().all(|id| world.outcome(*id).error.is_none()));
    let carried: Vec<usize> = produced(&world).iter().map(Vec::len).collect();
    assert_eq!(carried, [1, 2, 1]);
}

#[test]
fn a_transaction_with_a_record_too_large_for_a_request_can_be_aborted_and_the_next_one_committed() {
    let mut setup = short();
    setup.sender.transaction = Some(("mine".into(), 60_000));
    setup.brokers = 1;
    let mut world = setup.start();
    world.cluster.create_topic("t", 3);
    world.cluster.max_request_bytes = LIMIT;
    world.transact(Call::Init).expect("initialized");
    world.transact(Call::Begin).expect("begun");
    let large = send_large(&mut world, 0);
    let small: Vec<u64> = (1..3).map(|n| world.send("t", n)).collect();
    let error = world.transact(Call::Commit).expect_err("a record failed");
    assert!(error.requires_abort(), "{error}");
    assert_ne!(world.outcome(large).fate, Fate::Written);
    small.iter().for_each(|&id| world.assert_written(id));
    world.transact(Call::Abort).expect("aborted");
    world.transact(Call::Begin).expect("begun");
    let next: Vec<u64> = (0..3).map(|n| world.send("t", n)).collect();
    world.transact(Call::Commit).expect("committed");
    next.iter().for_each(|&id| world.assert_written(id));
    assert_eq!(world.cluster.committed("t", 0).len(), 1);
}

/// Another kind of request that always ends its connection is made rarely, and does not keep records from their
/// partitions.
#[test]
fn a_metadata_request_that_ends_its_connection_delays_no_record() {
    let mut world = one_broker(Setup::with(|sender| sender.metadata_max_age = ms(1_000)), 4);
    world.cluster.on_request(|request| match request.api {
        Api::Metadata => Fault::DropBefore,
        _ => Fault::None,
    });
    for _ in 0..600 {
        for n in 0..4 {
            world.send("t", n);
        }
        world.run(ms(100));
    }
    world.run(ms(2_000));
    world.application.outcomes.values().for_each(|reported| assert_eq!(reported.fate, Fate::Written, "{reported:?}"));
    assert!(world.all_completed());
    let requests = world.cluster.requests_of(Api::Metadata).len();
    assert!((30..90).contains(&requests), "{requests} requests in a minute");
}
