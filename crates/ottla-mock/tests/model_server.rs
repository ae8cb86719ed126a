//! The modelled cluster behind sockets.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use kafka_protocol::messages::{ApiVersionsRequest, MetadataRequest, ProduceRequest};
use ottla_mock::server::ModelServer;
use ottla_mock::{Api, Cluster, Fault, On, codes};
use ottla_testkit::client::{Client, NOBODY, batch, decode, frame, produce, text, with_length};

fn server(brokers: i32) -> ModelServer {
    let mut cluster = Cluster::new(brokers);
    cluster.create_topic("t", brokers);
    ModelServer::start(cluster, brokers as usize)
}

fn to(partition: i32, value: &str) -> ProduceRequest {
    produce(-1, &[("t", &[(partition, batch(NOBODY, &[value]))])])
}

#[test]
fn metadata_leads_to_the_brokers_and_they_take_records() {
    let server = server(3);
    let mut client = Client::connect(server.bootstrap().split(',').next().expect("one").parse().expect("an address"));
    let answer = client.call(9, &MetadataRequest::default().with_topics(None));
    for partition in &answer.topics[0].partitions {
        let broker = answer.brokers.iter().find(|broker| broker.node_id == partition.leader_id).expect("a leader");
        let mut client = Client::connect(format!("{}:{}", broker.host, broker.port).parse().expect("an address"));
        let answer = client.call(9, &to(partition.partition_index, "a"));
        assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
    }
    for partition in 0..3 {
        assert_eq!(server.with(|cluster| cluster.records("t", partition).len()), 1);
    }
    assert_eq!(server.with(|cluster| cluster.requests_of(Api::Produce).len()), 3);
}

#[test]
fn frames_may_be_cut_anywhere_and_run_together() {
    let server = server(1);
    let big = "x".repeat(300_000);
    let mut bytes = Vec::new();
    for n in 0..10 {
        bytes.extend(with_length(&frame(n, 9, &to(0, if n % 3 == 0 { &big } else { "small" }))));
    }
    for piece in [5, 1001, usize::MAX] {
        let mut client = Client::connect(server.addr(1));
        let (head, tail) = bytes.split_at(if piece == 5 { 3000 } else { bytes.len() });
        for piece in head.chunks(piece).chain(tail.chunks(1 << 16)) {
            client.stream.write_all(piece).expect("the server reads");
        }
        for n in 0..10 {
            assert_eq!(decode::<ProduceRequest>(9, &client.receive().expect("an answer")).0, n);
        }
    }
    assert_eq!(server.with(|cluster| cluster.records("t", 0).len()), 30);
}

#[test]
fn faults_are_carried_out() {
    let server = server(1);
    let script = |fault: Fault| server.with(|cluster| cluster.script(Api::Produce, [fault]));
    let end = || server.with(|cluster| cluster.log("t", 0).end_offset());

    script(Fault::DropBefore);
    let mut client = Client::connect(server.addr(1));
    client.send(9, &to(0, "a"));
    assert!(client.receive().is_err());
    assert_eq!(end(), 0);

    script(Fault::DropAfter);
    let mut client = Client::connect(server.addr(1));
    client.send(9, &to(0, "a"));
    assert!(client.receive().is_err());
    assert_eq!(end(), 1);

    script(Fault::Delay(80));
    let mut client = Client::connect(server.addr(1));
    let begin = Instant::now();
    client.call(9, &to(0, "a"));
    assert!(begin.elapsed() >= Duration::from_millis(80));

    script(Fault::Garbage(vec![0, 0, 0, 3, 1, 2, 3]));
    client.send(9, &to(0, "a"));
    assert_eq!(client.receive().expect("garbage"), [1, 2, 3]);

    script(Fault::Error(codes::LISTENER_NOT_FOUND, On::All));
    assert_eq!(client.call(9, &to(0, "a")).responses[0].partition_responses[0].error_code, codes::LISTENER_NOT_FOUND);

    script(Fault::Truncate(10));
    client.send(9, &to(0, "a"));
    assert!(client.receive().is_err());
    assert_eq!(end(), 4);
}

#[test]
fn a_request_that_is_never_answered_stops_its_connection_but_no_other() {
    let server = server(1);
    server.with(|cluster| cluster.script(Api::Produce, [Fault::NeverAnswer { handled: true }]));
    let mut stuck = Client::connect(server.addr(1));
    stuck.stream.set_read_timeout(Some(Duration::from_millis(100))).expect("a socket option");
    stuck.send(9, &to(0, "a"));
    assert!(server.wait_until(Duration::from_secs(5), |cluster| cluster.log("t", 0).end_offset() == 1));
    stuck.send(9, &to(0, "b"));
    let error = stuck.receive().expect_err("nothing comes");
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "and the connection is open");
    assert_eq!(Client::connect(server.addr(1)).call(9, &to(0, "c")).responses[0].partition_responses[0].base_offset, 1);
}

#[test]
fn brokers_go_down_and_come_up_on_their_port() {
    let server = server(2);
    let mut first = Client::connect(server.addr(1));
    first.call(9, &to(0, "a"));
    server.stop_broker(1);
    assert!(first.receive().is_err());
    assert!(TcpStream::connect(server.addr(1)).is_err());
    let mut second = Client::connect(server.addr(2));
    let answer = second.call(9, &MetadataRequest::default().with_topics(None));
    assert_eq!((answer.brokers.len(), answer.topics[0].partitions[0].leader_id.0), (1, 2));
    assert_eq!(second.call(9, &to(0, "b")).responses[0].partition_responses[0].base_offset, 1);
    server.start_broker(1);
    let mut first = Client::connect(server.addr(1));
    assert_eq!(
        first.call(9, &to(0, "c")).responses[0].partition_responses[0].error_code,
        codes::NOT_LEADER_OR_FOLLOWER
    );
    server.cut_connections(1);
    assert!(first.receive().is_err());
    let mut first = Client::connect(server.addr(1));
    let request = ApiVersionsRequest::default();
    let request = request.with_client_software_name(text("x")).with_client_software_version(text("1"));
    assert_eq!(first.call(4, &request).error_code, 0);
    drop(server);
    assert!(first.receive().is_err());
}

#[test]
fn connections_are_counted() {
    let server = server(1);
    let client = Client::connect(server.addr(1));
    assert!(server.wait_until(Duration::from_secs(5), |_| server.connections(1) == 1));
    drop(client);
    assert!(server.wait_until(Duration::from_secs(5), |_| server.connections(1) == 0));
}
