//! Secured clusters let in the clients that they should, and no others. `scripts/soak secured` runs these tests: they test
//! the servers, not Ottla.

use ottla_testkit::kafka::{ClientFiles, Cluster, Options, shared_secured};
use std::fs;
use std::path::PathBuf;

/// Writes a changed copy of a client file into the cluster's folder.
fn changed(cluster: &Cluster, name: &str, file: &str, replacements: &[(&str, &str)]) -> PathBuf {
    let mut text = fs::read_to_string(cluster.secured_file(file)).expect("each cluster has this file");
    for (old, new) in replacements {
        assert!(text.contains(old), "{file} has no {old}");
        text = text.replace(old, new);
    }
    let changed = cluster.secured_file(name);
    fs::write(&changed, text).expect("the cluster's folder can be written");
    changed
}

fn each_file_delivers(version: &'static str) {
    let cluster = shared_secured(version);
    for kind in [ClientFiles::Java, ClientFiles::Librdkafka] {
        let topic = cluster.new_topic("each-file", 1);
        let files = cluster.client_files(kind);
        assert_eq!(cluster.produce_with_files(kind, &topic, &files), []);
        let mut delivered: Vec<String> = cluster
            .read_records(&topic)
            .into_iter()
            .map(|record| String::from_utf8(record.value.expect("a value")).expect("a file's name"))
            .collect();
        delivered.sort();
        let names = files.iter().map(|file| file.file_name().expect("a file").to_string_lossy().into_owned());
        assert_eq!(delivered, names.collect::<Vec<_>>());
    }
}

#[test]
#[ignore = "long: scripts/soak runs it"]
fn kafka_4_4_takes_records_through_each_client_file() {
    each_file_delivers("4.4.0");
}

#[test]
#[ignore = "long: scripts/soak runs it"]
fn kafka_3_9_takes_records_through_each_client_file() {
    each_file_delivers("3.9.1");
}

#[test]
#[ignore = "long: scripts/soak runs it"]
fn wrong_credentials_are_refused() {
    let cluster = shared_secured("4.4.0");
    let topic = cluster.new_topic("refused", 1);
    let wrong = |mechanism: &str, old: &str| {
        let file = format!("clients/java/sasl-plaintext-{mechanism}.properties");
        changed(cluster, &format!("wrong-{mechanism}.properties"), &file, &[(old, "wrong")])
    };
    let pem = "clients/java/ssl-certificate-pem.properties";
    let certificate = |name: &str| changed(cluster, &format!("wrong-{name}.properties"), pem, &[("ada.pem", name)]);
    let mtls = cluster.setting("BOOTSTRAP_MTLS").expect("a secured cluster");
    let ssl = cluster.setting("BOOTSTRAP_SSL").expect("a secured cluster");
    let cases = [
        (wrong("plain", "ada-secret"), "Invalid username or password"),
        (wrong("scram-sha-256", "ada-secret"), "invalid credentials"),
        (wrong("scram-sha-512", "ada-secret"), "invalid credentials"),
        (wrong("oauthbearer-client-credentials", "ada-secret"), "invalid_client"),
        (wrong("oauthbearer-client-assertion", "ada-assertion"), "invalid_client"),
        (wrong("oauthbearer-jwt-bearer", "ada-bearer"), "invalid_client"),
        (wrong("gssapi", "ada.keytab"), "LoginException"),
        (certificate("ada-expired.pem"), "certificate_unknown"),
        (certificate("ada-of-stranger.pem"), "bad_certificate"),
        (
            changed(cluster, "no-certificate.properties", "clients/java/ssl.properties", &[(ssl, mtls)]),
            "bad_certificate",
        ),
    ];
    let files: Vec<PathBuf> = cases.iter().map(|(file, _)| file.clone()).collect();
    let failures = cluster.produce_with_files(ClientFiles::Java, &topic, &files);
    assert_eq!(failures.len(), cases.len(), "{failures:#?}");
    for ((name, reason), (_, expected)) in failures.iter().zip(cases) {
        assert!(reason.contains(expected), "{name}: {reason}");
    }
    assert_eq!(cluster.read_records(&topic), []);
}

#[test]
#[ignore = "long: scripts/soak runs it"]
fn a_guest_writes_where_it_has_the_right() {
    let cluster = shared_secured("3.9.1");
    let file = "clients/rdkafka/sasl-plaintext-plain.conf";
    let guest = [changed(cluster, "guest.conf", file, &[("ada", "guest")])];
    let refused = |topic: &str| {
        let failures = cluster.produce_with_files(ClientFiles::Librdkafka, topic, &guest);
        let [(_, reason)] = &failures[..] else { return false };
        assert!(reason.contains("Topic authorization failed"), "{reason}");
        true
    };
    assert!(!refused(&cluster.new_topic("guest-book", 1)));
    let topic = cluster.new_topic("others", 1);
    let resource = format!("topic:{topic}");
    assert!(refused(&topic));
    cluster.allow("User:guest", "WRITE", &resource);
    assert!(!refused(&topic));
    cluster.revoke("User:guest", "WRITE", &resource);
    assert!(refused(&topic));
    assert_eq!(cluster.read_records(&topic).len(), 1);
}

#[test]
#[ignore = "long: scripts/soak runs it"]
fn the_token_endpoint_and_the_kdc_come_back_after_a_kill() {
    let cluster = Cluster::start(Options { secured: true, ..Options::default() });
    cluster.create_topic("t", 1, 1, &[]);
    let names = ["oauthbearer-client-credentials", "gssapi"];
    let files = names.map(|name| cluster.secured_file(&format!("clients/java/sasl-plaintext-{name}.properties")));
    let failures = || cluster.produce_with_files(ClientFiles::Java, "t", &files);
    cluster.kill("oidc");
    cluster.kill("kdc");
    let failed = failures();
    assert_eq!(failed.len(), 2, "{failed:?}");
    assert!(failed.iter().all(|(_, reason)| reason.contains("Connection refused")), "{failed:?}");
    cluster.restart("oidc");
    cluster.restart("kdc");
    assert_eq!(failures(), []);
}
