//! Producers that speak TLS: records through it, and the error for each thing that may be wrong.

mod front;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use front::{Front, OpenSslServer, fixture, listen};
use ottla_engine::{Completion, Config, Level, Producer, Record, Report, Wait};
use ottla_mock::Cluster;
use ottla_mock::server::ModelServer;
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};

const TLS12_ALONE: &[&SupportedProtocolVersion] = &[&TLS12];
const TLS13_ALONE: &[&SupportedProtocolVersion] = &[&TLS13];

type Lines = Arc<Mutex<Vec<String>>>;

fn config(bootstrap: &str, properties: &[(&str, &str)]) -> Config {
    let mut config = Config::new();
    let always = [("bootstrap.servers", bootstrap), ("security.protocol", "SSL")];
    for (name, value) in always.iter().chain(properties) {
        let value = value.strip_prefix('@').map_or((*value).to_owned(), fixture);
        config.set(name, &value).expect("a property");
    }
    config
}

/// A producer, and what became of its records.
fn producer(bootstrap: &str, properties: &[(&str, &str)]) -> (Producer, mpsc::Receiver<Option<String>>, Lines) {
    let lines = Lines::default();
    let written = lines.clone();
    let log = move |_: Level, line: &str| written.lock().expect("no panic").push(line.to_owned());
    let (reported, reports) = mpsc::channel();
    let sink = move |report: Report| {
        for delivery in report.deliveries() {
            let _ = reported.send(delivery.error.map(|error| error.to_string()));
        }
    };
    let config = config(bootstrap, properties);
    let producer = Producer::new(&config, Box::new(sink), Box::new(log), Level::Info).expect("a producer");
    (producer, reports, lines)
}

/// A modelled broker that is reached through a listener for TLS under the name `localhost`.
fn broker_behind(front: Front) -> (ModelServer, String) {
    let mut cluster = Cluster::new(1);
    cluster.create_topic("t", 3);
    let id = cluster.broker_ids()[0];
    let server = ModelServer::start(cluster, 1);
    let port = front.start(Some(server.addr(id))).port();
    server.with(|cluster| cluster.set_address(id, "localhost", port));
    (server, format!("localhost:{port}"))
}

const TRUSTED: (&str, &str) = ("ssl.truststore.location", "@authority.pem");

fn send_all(producer: &Producer, values: &[Vec<u8>], reports: &mpsc::Receiver<Option<String>>) {
    let topic = producer.topic("t").expect("a topic");
    for value in values {
        let record = Record { value: Some(value), ..Record::default() };
        producer.send(&topic, &record, Completion::Tag(0), Wait::Configured).expect("accepted");
    }
    for _ in values {
        assert_eq!(reports.recv_timeout(Duration::from_secs(30)).expect("a report"), None);
    }
}

/// Small ones, and some that take many records of TLS.
fn values() -> Vec<Vec<u8>> {
    let value = |number: usize| vec![number as u8; if number % 100 == 7 { 600_000 } else { number }];
    (0..500).map(value).collect()
}

fn arrived(server: &ModelServer) -> Vec<Vec<u8>> {
    let records = |cluster: &mut Cluster, partition| cluster.records("t", partition);
    let stored = (0..3).flat_map(|partition| server.with(|cluster| records(cluster, partition)));
    let mut values: Vec<Vec<u8>> =
        stored.map(|record| record.value.map(|value| value.to_vec()).unwrap_or_default()).collect();
    values.sort();
    values
}

#[test]
fn records_arrive_through_each_version_and_suite() {
    let mut sent = values();
    sent.sort();
    for (versions, suites) in [
        (rustls::ALL_VERSIONS, ""),
        (TLS12_ALONE, ""),
        (TLS13_ALONE, "TLS_CHACHA20_POLY1305_SHA256"),
        (TLS13_ALONE, "TLS_AES_128_GCM_SHA256"),
        (TLS12_ALONE, "ECDHE-ECDSA-AES128-GCM-SHA256"),
    ] {
        let (server, bootstrap) = broker_behind(Front { versions, ..Front::default() });
        let memory = ("buffer.memory", "2000000");
        let (producer, reports, _) = producer(&bootstrap, &[TRUSTED, memory, ("ssl.cipher.suites", suites)]);
        send_all(&producer, &values(), &reports);
        assert_eq!(arrived(&server), sent, "{suites}");
    }
}

#[test]
fn client_shows_its_certificate() {
    let required = || Front { clients_of: Some("authority"), ..Front::default() };
    for properties in [
        &[("ssl.certificate.location", "@client.pem"), ("ssl.key.location", "@client.key")][..],
        &[("ssl.keystore.location", "@keytool.p12"), ("ssl.keystore.password", "store-password")],
        &[("ssl.keystore.location", "@keytool.jks"), ("ssl.keystore.password", "store-password")],
    ] {
        let (server, bootstrap) = broker_behind(required());
        let (producer, reports, _) = producer(&bootstrap, &[properties, &[TRUSTED]].concat());
        send_all(&producer, &[vec![1]], &reports);
        assert_eq!(arrived(&server), [[1]]);
    }
}

#[test]
fn certificate_is_accepted_if_its_issuer_or_itself_is_trusted() {
    let chain = Front { certificate: "above-missing", above: &["below"], ..Front::default() };
    let itself = |certificate| Front { certificate, ..Front::default() };
    for (front, trusted) in [
        (chain, "@authority.pem"),
        (itself("good"), "@good.pem"),
        (itself("own-authority"), "@own-authority.pem"),
        (itself("above-missing"), "@below.pem"),
    ] {
        let (_server, bootstrap) = broker_behind(front);
        let (producer, reports, _) = producer(&bootstrap, &[("ssl.ca.location", trusted)]);
        send_all(&producer, &[vec![1]], &reports);
    }
}

#[test]
fn checks_that_are_switched_off_are_not_made() {
    for (certificate, property) in [
        ("elsewhere", ("ssl.endpoint.identification.algorithm", "")),
        ("nameless", ("ssl.endpoint.identification.algorithm", "none")),
        ("unknown", ("enable.ssl.certificate.verification", "false")),
        ("expired", ("enable.ssl.certificate.verification", "false")),
    ] {
        let (_server, bootstrap) = broker_behind(Front { certificate, ..Front::default() });
        let (producer, reports, lines) = producer(&bootstrap, &[TRUSTED, property]);
        send_all(&producer, &[vec![1]], &reports);
        let lines = lines.lock().expect("no panic");
        assert!(lines.iter().any(|line| line.contains(property.0) && line.contains("pose as the broker")), "{lines:?}");
    }
}

/// What a check of the producer says about a broker that cannot be used.
fn complaint(address: SocketAddr, properties: &[(&str, &str)]) -> String {
    let (producer, ..) = producer(&format!("localhost:{}", address.port()), properties);
    let error = producer.check(Wait::AtMost(Duration::from_secs(2))).expect_err("it cannot be used");
    error.to_string()
}

/// A name, a listener, properties, and the words that the complaint must have.
type Case = (&'static str, SocketAddr, Vec<(&'static str, &'static str)>, Vec<&'static str>);

/// Each in a thread of its own, since each waits.
fn all_complain(cases: Vec<Case>) {
    thread::scope(|scope| {
        for (name, address, properties, words) in cases {
            scope.spawn(move || {
                let complaint = complaint(address, &properties);
                for word in words {
                    assert!(complaint.contains(word), "{name}: '{word}' is missing in: {complaint}");
                }
            });
        }
    });
}

#[test]
fn each_fault_of_a_broker_s_certificate_is_named() {
    let present = |certificate| Front { certificate, ..Front::default() }.start(None);
    let case = |certificate, words: &[&'static str]| (certificate, present(certificate), vec![TRUSTED], words.to_vec());
    all_complain(vec![
        case("expired", &["CN=expired", "valid until 2021-01-01T00:00:00Z", "has expired; it is 20"]),
        case("early", &["CN=early", "is not valid before 2100-01-01T00:00:00Z", "clock"]),
        case(
            "elsewhere",
            &["is for other.example, *.wild.example", "looked up as 'localhost'", "advertised.listeners"],
        ),
        case("nameless", &["CN=nameless", "no subject alternative name", "common name does not count", "'localhost'"]),
        case("version1", &["CN=version1", "X.509 version 1", "-extfile"]),
        case(
            "unknown",
            &[
                "CN=unknown",
                "issued by 'CN=stranger",
                "not issued by a trusted authority",
                "ssl.truststore.location (it has 'CN=authority",
            ],
        ),
        case(
            "above-missing",
            &["CN=above-missing", "sent no other certificate", "'CN=below", "certificates in between"],
        ),
        case("clients-only", &["CN=clients-only", "extended key usage", "serverAuth"]),
        case("below", &["CN=below", "CA:TRUE", "issue one with CA:FALSE"]),
        case("sha1", &["CN=sha1", "SHA-1 with ECDSA", "SHA-256"]),
    ]);
    // Signed by nobody else: it has to be trusted itself.
    let own = ("own-authority", present("own-authority"), vec![TRUSTED], vec!["CN=own-authority", "CA:TRUE"]);
    let pinned = vec![("ssl.ca.location", "@expired.pem")];
    let expired = ("a pinned one", present("expired"), pinned, vec!["CN=expired", "has expired"]);
    all_complain(vec![own, expired]);
}

#[test]
fn keys_of_brokers_that_are_too_weak_or_unknown_are_named() {
    let small = OpenSslServer::start("small", &["-cipher", "DEFAULT@SECLEVEL=0"]);
    let large = OpenSslServer::start("p521", &[]);
    all_complain(vec![
        ("small", small.1, vec![TRUSTED], vec!["CN=small", "has 1024 bits", "at least 2048"]),
        ("p521", large.1, vec![TRUSTED], vec!["the broker ended TLS with the alert", "P-521"]),
    ]);
}

#[test]
fn versions_and_suites_without_a_match_are_named() {
    let only = |versions| Front { versions, ..Front::default() }.start(None);
    let java_s = OpenSslServer::start("sha1", &["-tls1_2", "-cipher", "AES128-SHA@SECLEVEL=0"]);
    let old = OpenSslServer::start("good", &["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]);
    all_complain(vec![
        (
            "1.2",
            only(TLS12_ALONE),
            vec![TRUSTED, ("ssl.enabled.protocols", "TLSv1.3")],
            vec!["ProtocolVersion", "ssl.enabled.protocols"],
        ),
        (
            "1.3",
            only(TLS13_ALONE),
            vec![TRUSTED, ("ssl.protocol", "TLSv1.2")],
            vec!["ProtocolVersion", "ssl.enabled.protocols"],
        ),
        ("CBC", java_s.1, vec![TRUSTED], vec!["HandshakeFailure", "ssl.cipher.suites", "CBC"]),
        ("1.1", old.1, vec![TRUSTED], vec!["ProtocolVersion"]),
    ]);
}

#[test]
fn refused_client_certificate_is_named_in_both_versions() {
    let front = |versions| Front { clients_of: Some("authority"), versions, ..Front::default() }.start(None);
    let stranger = vec![TRUSTED, ("ssl.certificate.location", "@unknown.pem"), ("ssl.key.location", "@unknown.key")];
    let refused = vec!["refuses the certificate of 'CN=unknown", "issued by 'CN=stranger", "valid until"];
    let missing = vec!["requires a certificate of the client: set ssl.keystore.location"];
    all_complain(vec![
        ("none, 1.2", front(TLS12_ALONE), vec![TRUSTED], missing.clone()),
        ("none, 1.3", front(TLS13_ALONE), vec![TRUSTED], missing),
        ("stranger, 1.2", front(TLS12_ALONE), stranger.clone(), refused.clone()),
        ("stranger, 1.3", front(TLS13_ALONE), stranger, refused),
    ]);
}

#[test]
fn listeners_of_another_protocol_are_recognised() {
    // Brokers close a connection whose first four bytes are no length.
    let plaintext = listen(|mut stream| drop(stream.read(&mut [0; 4])));
    let web = listen(|mut stream| {
        let _ = stream.read(&mut [0; 1000]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let other = listen(|mut stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
        let _ = stream.read(&mut [0; 1000]);
    });
    let silent = listen(|mut stream| while matches!(stream.read(&mut [0; 1000]), Ok(1..)) {});
    let setup = ("socket.connection.setup.timeout.ms", "700");
    all_complain(vec![
        ("plaintext", plaintext, vec![TRUSTED], vec!["is it a listener without TLS?", "PLAINTEXT"]),
        ("web", web, vec![TRUSTED], vec!["a web server answers there"]),
        ("other", other, vec![TRUSTED], vec!["not TLS (it begins with 'SSH-2.0-')", "security.protocol"]),
        ("silent", silent, vec![TRUSTED, setup], vec!["TLS handshake", "socket.connection.setup.timeout.ms"]),
    ]);
}

#[test]
fn producer_without_tls_recognises_a_listener_with_tls() {
    // What Java's brokers answer.
    let listener = listen(|mut stream| {
        let _ = stream.read(&mut [0; 1000]);
        let _ = stream.write_all(&[0x15, 3, 3, 0, 2, 2, 80]);
    });
    let complaint = complaint(listener, &[("security.protocol", "PLAINTEXT")]);
    assert!(complaint.contains("first bytes of TLS") && complaint.contains("security.protocol=SSL"), "{complaint}");
}

#[test]
fn stalled_handshake_does_not_delay_the_close() {
    let silent = listen(|mut stream| while matches!(stream.read(&mut [0; 1000]), Ok(1..)) {});
    let (producer, ..) = producer(&silent.to_string(), &[TRUSTED]);
    thread::sleep(Duration::from_millis(200));
    let began = Instant::now();
    producer.close(Wait::AtMost(Duration::from_secs(5))).expect("closed");
    assert!(began.elapsed() < Duration::from_secs(1));
}
