//! How brokers are found, and found again.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use ottla_engine::{ErrorKind, Record, Wait};
use ottla_testkit::kafka::{self, Cluster, Options};

use crate::harness::{Sender, check_stamps, stamp};

fn round_trip(cluster: &Cluster, bootstrap: &str) {
    let topic_name = cluster.new_topic("reaching", 1);
    let sender = Sender::new(bootstrap, &[]);
    let topic = sender.topic(&topic_name);
    for tag in 0..10 {
        sender.send(&topic, &Record { value: Some(&stamp(tag, 30)), ..Record::default() }, tag);
    }
    sender.all_delivered(10);
    check_stamps(&cluster.read_records(&topic_name), 10);
}

#[test]
fn one_live_bootstrap_address_is_enough() {
    let cluster = kafka::shared();
    let gone = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    // Accepts connections but never responds.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent_at = silent.local_addr().expect("its address");
    round_trip(cluster, &format!("{gone},no-such-host.invalid:9092,{}", cluster.bootstrap()));
    let begin = Instant::now();
    let topic_name = cluster.new_topic("reaching", 1);
    let sender =
        Sender::new(&format!("{silent_at},{}", cluster.bootstrap()), &[("socket.connection.setup.timeout.ms", "1000")]);
    let topic = sender.topic(&topic_name);
    sender.send(&topic, &Record::default(), 0);
    sender.all_delivered(1);
    println!("past a silent address in {:?}", begin.elapsed());
}

#[test]
fn brokers_are_reached_over_ipv6() {
    let cluster = kafka::shared();
    match cluster.setting("BOOTSTRAP6") {
        Some(bootstrap) => round_trip(cluster, bootstrap),
        None => println!("this machine has no IPv6 loopback"),
    }
}

#[test]
fn localhost_is_resolved() {
    let cluster = kafka::shared();
    round_trip(cluster, &cluster.bootstrap().replace("127.0.0.1", "localhost"));
}

/// Killed and restarted, then shut down in a controlled way and restarted.
#[test]
fn records_flow_on_over_two_restarts_of_the_only_broker() {
    let cluster = Cluster::start(Options::default());
    let topic_name = cluster.new_topic("restarted", 3);
    let sender = Sender::new(cluster.bootstrap(), &[]);
    let topic = sender.topic(&topic_name);
    let count = 12_000;
    let retried = std::thread::scope(|scope| {
        scope.spawn(|| {
            for tag in 0..count {
                sender.send(&topic, &Record { value: Some(&stamp(tag, 100)), ..Record::default() }, tag);
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let mut retried = Vec::new();
        for fault in [Cluster::kill, Cluster::terminate] {
            std::thread::sleep(Duration::from_secs(1));
            let before = sender.counters().batches_retried;
            fault(&cluster, 1);
            std::thread::sleep(Duration::from_millis(500));
            cluster.restart(1);
            sender.flush();
            retried.push(sender.counters().batches_retried - before);
        }
        retried
    });
    println!("{retried:?} batches sent again: {:?}", sender.counters());
    sender.all_delivered(count);
    check_stamps(&cluster.read_records(&topic_name), count);
}

/// One listener is reachable under another address than the advertised one, where nothing listens.
#[test]
fn wrong_advertised_listeners_are_named_by_the_check_and_by_records() {
    let cluster = Cluster::start(Options { proxied: true, ..Options::default() });
    let topic_name = cluster.new_topic("advertised", 2);
    let (advertised, behind) = cluster.proxied().remove(0);
    let sender = Sender::new(&behind, &[("delivery.timeout.ms", "2000"), ("request.timeout.ms", "1000")]);
    let topic = sender.topic(&topic_name);
    sender.producer.check(Wait::AtMost(Duration::from_secs(20))).expect("the bootstrap address answers");
    let checked = sender.producer.check_topic(&topic, Wait::AtMost(Duration::from_secs(1)));
    let error = checked.expect_err("the leaders refuse connections");
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    sender.send(&topic, &Record::default(), 0);
    sender.flush();
    let failed = sender.reported().remove(0).error.expect("it cannot be sent");
    assert_eq!(failed.kind(), ErrorKind::DeliveryTimedOut, "{failed}");
    for error in [error, failed] {
        for word in [&*advertised, "refused", "advertised.listeners"] {
            assert!(error.message().contains(word), "{word} is missing: {error}");
        }
    }
}

#[test]
fn a_metadata_max_age_of_0_refreshes_no_more_often_than_retry_backoff_ms() {
    let cluster = kafka::shared();
    let sender = Sender::new(cluster.bootstrap(), &[("metadata.max.age.ms", "0")]);
    sender.producer.check(Wait::AtMost(Duration::from_secs(20))).expect("a broker answers");
    let before = sender.counters().metadata_updates;
    std::thread::sleep(Duration::from_secs(2));
    let asked = sender.counters().metadata_updates - before;
    assert!((2..=21).contains(&asked), "{asked} times in 2 s");
}
