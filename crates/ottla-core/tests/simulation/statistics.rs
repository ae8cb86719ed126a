//! The engine's figures, compared with what the modelled brokers saw.

use ottla_core::statistics::Snapshot;
use ottla_core::{ErrorKind, Fate};
use ottla_mock::{Api, Fault, On, codes};

use crate::delivery::warm;
use crate::world::{Hand, Setup, World, ms};

fn read(world: &World) -> Snapshot {
    world.statistics.read(world.now, ottla_core::sync::Clock::wall_ms(&Hand(world.now)))
}

#[test]
fn every_accepted_record_is_counted_once_by_its_outcome() {
    let mut world = warm(Setup::with(|sender| sender.retries = 1), "good", 2);
    world.cluster.create_topic("bad", 1);
    world.cluster.script(Api::Produce, [Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All)]);
    for record in 0..10 {
        world.send("good", record % 2);
    }
    world.run(ms(2_000));
    world.cluster.script(Api::Produce, vec![Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All); 2]);
    for _ in 0..3 {
        world.send("bad", 0);
    }
    assert!(world.run_until(ms(10_000), World::all_completed));
    let reported = read(&world);
    let producer = &reported.producer;
    assert_eq!((producer.records_sent, producer.records_delivered, producer.records_failed), (15, 12, 3));
    assert_eq!(producer.delivery_time_us.count, 15);
    assert_eq!(producer.queue_time_us.count, 15);
    let [good, bad] = &reported.topics[..] else { panic!("two topics") };
    assert_eq!((&*good.what, good.figures.records_delivered, good.figures.records_failed), ("good", 12, 0));
    assert_eq!((&*bad.what, bad.figures.records_delivered, bad.figures.records_failed), ("bad", 0, 3));
    assert_eq!(good.figures.records_retried + bad.figures.records_retried, producer.records_retried);
    assert_eq!((good.figures.records_taken, bad.figures.records_taken), (0, 0));
    let error = reported
        .errors
        .iter()
        .find(|error| error.kind == ErrorKind::Broker(codes::NOT_ENOUGH_REPLICAS))
        .expect("it was met");
    assert_eq!(error.records_failed, 3);
    let refused: u64 = reported.brokers.iter().map(|broker| broker.figures.batches_refused).sum();
    assert_eq!(error.batches_refused, refused);
}

#[test]
fn brokers_add_up_to_the_producer() {
    let mut world = warm(Setup::default(), "t", 6);
    for record in 0..60 {
        world.send("t", record % 6);
    }
    world.run(ms(1_000));
    let reported = read(&world);
    let sum = |figure: fn(&ottla_core::statistics::BrokerFigures) -> u64| -> u64 {
        reported.brokers.iter().map(|broker| figure(&broker.figures)).sum()
    };
    let producer = &reported.producer;
    assert_eq!(sum(|broker| broker.requests), producer.requests);
    assert_eq!(sum(|broker| broker.responses), producer.responses);
    assert_eq!(producer.requests, producer.responses);
    assert_eq!(sum(|broker| broker.bytes_sent), producer.bytes_sent);
    assert_eq!(sum(|broker| broker.bytes_received), producer.bytes_received);
    assert_eq!(sum(|broker| broker.batches_sent), producer.batches_sent);
    assert_eq!(sum(|broker| broker.request_latency_us.count), producer.request_latency_us.count);
    assert_eq!(producer.request_bytes.sum, producer.bytes_sent);
    assert_eq!(producer.request_latency_us.count, producer.responses);
    assert_eq!(producer.records_per_request.sum, producer.records_sent);
    assert_eq!(producer.batch_records.sum, producer.records_sent);
    let up = reported.brokers.iter().filter(|broker| broker.figures.state == 4);
    assert_eq!(up.count() as i64, producer.connections_open);
    assert_eq!(reported.brokers.iter().filter(|broker| broker.what.id > 0).count(), 3);
}

#[test]
fn request_latency_is_the_time_until_the_broker_responds() {
    let mut world = warm(Setup::default(), "t", 1);
    let earlier = read(&world);
    world.cluster.script(Api::Produce, [Fault::Delay(250)]);
    world.send("t", 0);
    assert!(world.run_until(ms(1_000), World::all_completed));
    let between = read(&world).since(&earlier);
    assert_eq!(between.producer.request_latency_us.count, 1);
    for latency in [&between.producer.request_latency_us, &between.topics[0].figures.delivery_time_us] {
        let (reported, exact) = (latency.percentile(0.5) as f64, 250_100.0);
        assert!((reported - exact).abs() < exact * 0.02, "{latency:?}");
    }
}

#[test]
fn in_flight_goes_up_and_down() {
    let mut world = warm(Setup::default().single_records(), "t", 1);
    let leader = world.cluster.leader("t", 0).expect("a leader");
    world.cluster.script(Api::Produce, [Fault::NeverAnswer { handled: true }]);
    for _ in 0..8 {
        world.send("t", 0);
    }
    world.run(ms(50));
    let reported = read(&world);
    let broker = reported.brokers.iter().find(|broker| broker.what.id == leader).expect("the leader");
    assert_eq!((reported.producer.requests_in_flight, broker.figures.requests_in_flight), (5, 5));
    // Three of the eight records are still in their slot.
    assert_eq!(reported.topics[0].figures.records_taken, 5);
    // The connection to the bootstrap address may lead to the leader too.
    let open = reported.producer.connections_open - world.network.links_to(leader).len() as i64;
    world.cut_all_to(leader);
    let reported = read(&world);
    assert_eq!(reported.producer.requests_in_flight, 0);
    assert_eq!(reported.producer.connections_open, open);
    assert!(world.run_until(ms(5_000), World::all_completed));
    let reported = read(&world);
    assert_eq!((reported.producer.requests_in_flight, reported.topics[0].figures.records_taken), (0, 0));
    assert_eq!(reported.producer.records_delivered, 9);
    // The lost connection ended the attempts of five batches.
    let error = reported
        .errors
        .iter()
        .find(|error| error.kind == ErrorKind::Broker(codes::NETWORK_EXCEPTION))
        .expect("it was met");
    assert_eq!((error.batches_refused, error.records_failed), (5, 0));
}

#[test]
fn expired_and_throttled_are_counted() {
    let mut world = warm(Setup::with(|sender| sender.delivery_timeout = ms(3_000)), "t", 1);
    world.cluster.script(Api::Produce, [Fault::Throttle(400)]);
    world.send("t", 0);
    world.run(ms(1_000));
    world.cluster.script(Api::Produce, [Fault::NeverAnswer { handled: false }]);
    let late = world.send("t", 0);
    world.run(ms(10_000));
    world.assert_failed(late, ErrorKind::DeliveryTimedOut, Fate::Unknown);
    let reported = read(&world);
    let topic = &reported.topics[0].figures;
    assert_eq!((reported.producer.records_expired, topic.records_expired, topic.records_unknown), (1, 1, 1));
    assert_eq!((reported.producer.throttle_time_us.count, reported.producer.throttle_time_us.max), (1, 400_000));
    assert_eq!(reported.brokers.iter().map(|broker| broker.figures.throttle_ms).sum::<u64>(), 400);
}

#[test]
fn batches_of_a_recalled_request_are_counted_once() {
    let mut world = warm(Setup::with(|sender| sender.delivery_timeout = ms(2_000)), "t", 4);
    let leader = world.cluster.leader("t", 0).expect("a leader");
    let neighbour = (1..4).find(|&p| world.cluster.leader("t", p) == Some(leader)).expect("two partitions of a leader");
    world.network.eager = false;
    world.send("t", 0);
    world.run(ms(1));
    let old = world.send("t", 0);
    world.run(ms(1_000));
    world.send("t", neighbour);
    let line = world.network.writable()[0];
    world.finish_write(line);
    world.run(ms(1_100));
    world.assert_failed(old, ErrorKind::DeliveryTimedOut, Fate::NotWritten);
    world.network.eager = true;
    world.network.writable().into_iter().for_each(|line| world.finish_write(line));
    assert!(world.run_until(ms(1_000), World::all_completed));
    let producer = read(&world).producer;
    assert_eq!((producer.records_sent, producer.records_delivered, producer.records_failed), (7, 6, 1));
    assert_eq!((producer.requests_in_flight, producer.records_retried), (0, 0));
}
