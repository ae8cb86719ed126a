//! Brokers that cannot be reached, or do not speak.

use std::net::TcpListener;

use ottla::{ErrorKind, Fate};
use ottla_test_support::model::{Api, Fault};

use crate::flow::{Flow, break_with, mend, model};

#[test]
fn no_broker_there() {
    let server = model();
    let at = server.bootstrap();
    server.close_port(1);
    let mut flow = Flow::new(&at, "orders", &[]);
    let words = [&*at, "orders", "delivery.timeout.ms", "refused", "bootstrap.servers"];
    flow.fails(ErrorKind::MetadataTimedOut, Fate::NotWritten, &words);
    server.open_port(1);
    flow.works();
    // The same once more, when the topic is known already.
    server.close_port(1);
    flow.fails(ErrorKind::DeliveryTimedOut, Fate::NotWritten, &[&at, "orders-", "delivery.timeout.ms=2000", "refused"]);
    server.open_port(1);
    flow.works();
    flow.end();
}

#[test]
fn a_host_name_that_nobody_knows() {
    let server = model();
    let at = server.bootstrap();
    let mut flow = Flow::new("no-such-host.invalid:9092", "orders", &[]);
    let words = ["orders", "resolving", "no-such-host.invalid", "spelled"];
    flow.fails(ErrorKind::MetadataTimedOut, Fate::NotWritten, &words);
    flow.end();
    // Beside one that is known but down for now, it keeps nothing back.
    server.close_port(1);
    let mut flow = Flow::new(&format!("no-such-host.invalid:9092,{at}"), "orders", &[]);
    flow.fails(ErrorKind::MetadataTimedOut, Fate::NotWritten, &["orders"]);
    server.open_port(1);
    flow.works();
    flow.end();
}

#[test]
fn a_broker_that_accepts_and_never_answers() {
    let server = model();
    let at = server.bootstrap();
    let mute = |api: Api| Fault::NeverAnswer { handled: api == Api::Produce };
    break_with(&server, move |request| mute(request.api));
    let mut flow = Flow::new(&at, "orders", &[]);
    let words = [&*at, "orders", "did not answer ApiVersions", "socket.connection.setup.timeout.ms", "plaintext"];
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

/// Nobody takes the connection: the kernel's queue for it is full.
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

/// With acks=0 nobody says what became of a record: it is told of when the socket took it, or when nothing can be sent.
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
            flow.told(tags);
        }
    }
    server.close_port(1);
    std::thread::sleep(std::time::Duration::from_millis(300));
    let tags = flow.send(20);
    let told = flow.told(tags);
    crate::flow::said(&told, ErrorKind::DeliveryTimedOut, &[&at, "orders-", "delivery.timeout.ms=2000"]);
    server.open_port(1);
    flow.works();
    for told in flow.end() {
        assert_eq!(told.offset, -1, "acks=0 has no offset: {told:?}");
        assert!(told.error.is_some() || told.fate == Fate::Unknown, "acks=0 knows no success: {told:?}");
    }
}
