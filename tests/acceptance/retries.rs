//! `acks=1`, `linger.ms=20`, `retry.backoff.ms=1000` and `delivery.timeout.ms=5000`: an attempt per second, and failure
//! after five.

use std::time::{Duration, Instant};

use ottla_engine::{ErrorKind, Fate, Record};
use ottla_mock::server::ModelServer;
use ottla_mock::{Api, Cluster, Fault, On, codes};

use crate::harness::Sender;
use crate::warm;
use crate::world::ms;

const PROPERTIES: [(&str, &str); 4] =
    [("acks", "1"), ("linger.ms", "20"), ("retry.backoff.ms", "1000"), ("delivery.timeout.ms", "5000")];

#[test]
fn a_refused_record_is_tried_each_second_and_fails_at_five() {
    let mut world = warm(&PROPERTIES, "t", 1);
    world.cluster.on_request(|request| match request.api {
        Api::Produce => Fault::Error(codes::UNKNOWN_TOPIC_OR_PARTITION, On::All),
        _ => Fault::None,
    });
    let start = world.now;
    let id = world.send("t", 0);
    world.run(ms(10_000));
    world.assert_failed(id, ErrorKind::DeliveryTimedOut, Fate::Unknown);
    let took = world.outcome(id).at.since(start);
    assert!((ms(5_000)..ms(5_010)).contains(&took), "{took:?}");
    let message = &world.outcome(id).message;
    assert!(message.contains("delivery.timeout.ms") && message.contains("UNKNOWN_TOPIC_OR_PARTITION"), "{message}");

    let produced: Vec<_> = world.cluster.requests_of(Api::Produce);
    assert!((5..=7).contains(&produced.len()), "{} attempts", produced.len());
    assert_eq!(world.outcome(id).attempts as usize, produced.len());
    assert!(produced.iter().all(|request| request.acks == Some(1)));
}

/// Each pause is a second, with a jitter of a fifth. By default the longest pause is a second as well, so it does not
/// grow.
#[test]
fn the_pause_between_attempts_stays_a_second() {
    let mut world = warm(&PROPERTIES, "t", 1);
    world.cluster.on_request(|request| match request.api {
        Api::Produce => Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All),
        _ => Fault::None,
    });
    world.observer.written.clear();
    let start = world.now;
    let id = world.send("t", 0);
    world.run(ms(10_000));
    assert!(world.application.outcomes.contains_key(&id));
    let first = world.observer.written[0].0.since(start);
    assert!((ms(20)..ms(22)).contains(&first), "the first attempt came after {first:?}");
    let pauses: Vec<Duration> = world.observer.written.windows(2).map(|pair| pair[1].0.since(pair[0].0)).collect();
    assert!(pauses.len() >= 4, "{pauses:?}");
    assert!(pauses.iter().all(|pause| (ms(800)..ms(1_202)).contains(pause)), "{pauses:?}");
}

#[test]
fn a_broker_that_comes_back_in_time_gets_the_record() {
    let mut world = warm(&PROPERTIES, "t", 1);
    world.cluster.script(Api::Produce, vec![Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All); 3]);
    let id = world.send("t", 0);
    world.run(ms(10_000));
    world.assert_written(id);
    assert_eq!(world.outcome(id).attempts, 4);
}

/// The same with threads, sockets and the system's clock.
#[test]
fn over_sockets_a_record_is_tried_each_second_and_fails_at_five() {
    let mut cluster = Cluster::new(1);
    cluster.create_topic("t", 1);
    cluster.on_request(|request| match request.api {
        Api::Produce => Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All),
        _ => Fault::None,
    });
    let server = ModelServer::start(cluster, 1);
    let sender = Sender::new(&server.bootstrap(), &PROPERTIES);
    let begin = Instant::now();
    sender.send(&sender.topic("t"), &Record { value: Some(b"v"), ..Record::default() }, 0);
    sender.flush();
    let took = begin.elapsed();
    let reported = &sender.reported()[0];
    assert_eq!(
        reported.error.as_ref().map(ottla_engine::Error::kind),
        Some(ErrorKind::DeliveryTimedOut),
        "{reported:?}"
    );
    assert_eq!(reported.fate, Fate::NotWritten);
    assert!((4_990..9_000).contains(&took.as_millis()), "{took:?}");
    assert!((3..=7).contains(&reported.attempts), "{reported:?}");
    server.with(|cluster| assert_eq!(cluster.requests_of(Api::Produce).len(), reported.attempts as usize));
}
