//! Brokers that cannot be reached or do not respond.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use ottla_engine::{ErrorKind, Fate, Record, Wait};
use ottla_mock::{Api, Fault};

use crate::flow::{Flow, GRACE, assert_contains, break_with, mend, model};
use crate::harness::Sender;

#[test]
fn no_broker_listens() {
    let server = model();
    let at = server.bootstrap();
    server.close_port(1);
    let mut flow = Flow::new(&at, "orders", &[]);
    let words = [&*at, "orders", "delivery.timeout.ms", "refused", "bootstrap.servers"];
    flow.fails(ErrorKind::MetadataTimedOut, Fate::NotWritten, &words);
    server.open_port(1);
    flow.works();
    // Once more, when the topic is already known.
    server.close_port(1);
    flow.fails(ErrorKind::DeliveryTimedOut, Fate::NotWritten, &[&at, "orders-", "delivery.timeout.ms=2000", "refused"]);
    server.open_port(1);
    flow.works();
    flow.end();
}

#[test]
fn a_host_name_that_does_not_resolve() {
    let server = model();
    let at = server.bootstrap();
    let mut flow = Flow::new("no-such-host.invalid:9092", "orders", &[]);
    let words = ["orders", "resolving", "no-such-host.invalid", "spelled"];
    flow.fails(ErrorKind::MetadataTimedOut, Fate::NotWritten, &words);
    flow.end();
    // Together with a known address that is down, it delays nothing.
    server.close_port(1);
    let mut flow = Flow::new(&format!("no-such-host.invalid:9092,{at}"), "orders", &[]);
    flow.fails(ErrorKind::MetadataTimedOut, Fate::NotWritten, &["orders"]);
    server.open_port(1);
    flow.works();
    flow.end();
}

#[test]
fn a_cluster_that_advertises_an_address_without_listener() {
    let server = model();
    let at = server.addr(1);
    // Without a rebootstrap, no broker is left for metadata about the topic once the bootstrap address has named the
    // brokers.
    for (strategy, known) in [("rebootstrap", &["orders-0"][..]), ("none", &[])] {
        server.with(|cluster| cluster.set_address(1, "127.0.0.1", 1));
        let mut flow = Flow::new(&at.to_string(), "orders", &[("metadata.recovery.strategy", strategy)]);
        let checked = flow.sender.producer.check(Wait::AtMost(Duration::from_secs(2)));
        // Without a rebootstrap, it depends on whether the check or the producer's own first request comes first.
        assert!(checked.is_ok() || strategy == "none", "the bootstrap address answers: {checked:?}");
        let words = ["broker 1 at 127.0.0.1:1", "refused", "advertised.listeners"];
        let begin = Instant::now();
        let checked = flow.sender.producer.check_topic(&flow.topic, Wait::AtMost(Duration::from_millis(1_500)));
        let error = checked.expect_err("its leader refuses connections");
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        assert_contains(error.message(), &[&words[..], known, &["1500 ms"]].concat());
        assert!(begin.elapsed() < GRACE, "it outlived its limit");
        if strategy == "rebootstrap" {
            flow.fails(ErrorKind::DeliveryTimedOut, Fate::NotWritten, &[&words[..], &["last error: "]].concat());
        } else {
            flow.fails(ErrorKind::MetadataTimedOut, Fate::NotWritten, &words);
        }
        server.with(|cluster| cluster.set_address(1, "127.0.0.1", at.port()));
        if strategy == "rebootstrap" {
            flow.works();
            flow.sender.producer.check_topic(&flow.topic, Wait::AtMost(GRACE)).expect("as it should be");
        }
        flow.end();
    }
}

/// The sender's turns show loops in which the network has no part.
#[test]
fn pauses_of_0_are_no_busy_loop() {
    let server = model();
    let at = server.bootstrap();
    for is_up in [true, false] {
        if !is_up {
            server.close_port(1);
        }
        for (what, properties) in [
            ("reconnect", &[("reconnect.backoff.ms", "0")][..]),
            ("trigger", &[("metadata.recovery.rebootstrap.trigger.ms", "0")]),
            ("age", &[("metadata.max.age.ms", "0")]),
            ("idle", &[("connections.max.idle.ms", "0")]),
            (
                "all",
                &[
                    ("reconnect.backoff.ms", "0"),
                    ("retry.backoff.ms", "0"),
                    ("retry.backoff.max.ms", "0"),
                    ("metadata.recovery.rebootstrap.trigger.ms", "0"),
                    ("metadata.max.age.ms", "0"),
                    ("connections.max.idle.ms", "0"),
                    ("partitioner.availability.timeout.ms", "1"),
                    ("max.block.ms", "0"),
                ],
            ),
        ] {
            let config = [properties, &[("delivery.timeout.ms", "1500"), ("request.timeout.ms", "1000")]].concat();
            let sender = Sender::new(&at, &config);
            sender.send(&sender.topic("orders"), &Record::default(), 0);
            std::thread::sleep(Duration::from_secs(1));
            let figures = sender.producer.statistics().expect("a snapshot").producer;
            let tried = figures.connections_opened + figures.connections_failed;
            let asked = figures.metadata_updates;
            let most = if what == "all" { 250 } else { 25 };
            assert!(tried <= most, "{what}, up: {is_up}: {tried} attempts to connect in 1 s");
            assert!(asked <= most, "{what}, up: {is_up}: {asked} times metadata in 1 s");
            assert!(figures.turns <= 40 * most, "{what}, up: {is_up}: {} turns in 1 s", figures.turns);
        }
    }
}

#[test]
fn a_broker_that_accepts_and_never_answers() {
    let server = model();
    let at = server.bootstrap();
    let mute = |api: Api| Fault::NeverAnswer { handled: api == Api::Produce };
    break_with(&server, move |request| mute(request.api));
    let mut flow = Flow::new(&at, "orders", &[]);
    let words =
        [&*at, "orders", "did not answer ApiVersions", "socket.connection.setup.timeout.ms", "security.protocol"];
    flow.fails(ErrorKind::MetadataTimedOut, Fate::NotWritten, &words);
    mend(&server);
    server.cut_connections(1);
    flow.works();
    for (api, kind, fate) in [
        (Api::Metadata, ErrorKind::MetadataTimedOut, Fate::NotWritten),
        (Api::InitProducerId, ErrorKind::DeliveryTimedOut, Fate::NotWritten),
        (Api::Produce, ErrorKind::DeliveryTimedOut, Fate::Unknown),
    ] {
        break_with(&server, move |request| if request.api == api { mute(api) } else { Fault::None });
        let mut flow = Flow::new(&at, "orders", &[]);
        let asked = format!("no answer to {api:?}");
        flow.fails(kind, fate, &[&at, "orders", "delivery.timeout.ms", &asked, "request.timeout.ms"]);
        mend(&server);
        flow.works();
        flow.end();
    }
    flow.end();
}

/// Nothing accepts the connection, because the kernel's backlog is full.
#[test]
fn a_port_that_does_not_even_accept() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("its address").to_string();
    let mut filling = Vec::new();
    let full = std::time::Duration::from_millis(200);
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&at.parse().expect("an address"), full) {
        filling.push(stream);
        assert!(filling.len() < 10_000, "the queue never fills");
    }
    let mut flow = Flow::new(&at, "orders", &[]);
    let words = [&*at, "was not established", "socket.connection.setup.timeout.ms"];
    flow.fails(ErrorKind::MetadataTimedOut, Fate::NotWritten, &words);
    flow.end();
}

/// With acks=0 no broker confirms a record. It is reported when the socket has accepted it, or when nothing can be
/// sent.
#[test]
fn a_connection_that_is_cut_under_acks_0() {
    let server = model();
    let at = server.bootstrap();
    let mut flow = Flow::new(&at, "orders", &[("acks", "0")]);
    flow.works();
    for _ in 0..5 {
        server.cut_connections(1);
        for _ in 0..20 {
            let tags = flow.send(20);
            flow.reported(tags);
        }
    }
    server.close_port(1);
    std::thread::sleep(std::time::Duration::from_millis(300));
    let tags = flow.send(20);
    let reported = flow.reported(tags);
    crate::flow::assert_failed_with(
        &reported,
        ErrorKind::DeliveryTimedOut,
        &[&at, "orders-", "delivery.timeout.ms=2000"],
    );
    server.open_port(1);
    flow.works();
    for reported in flow.end() {
        assert_eq!(reported.offset, -1, "acks=0 has no offset: {reported:?}");
        assert!(reported.error.is_some() || reported.fate == Fate::Unknown, "acks=0 knows no success: {reported:?}");
    }
}
