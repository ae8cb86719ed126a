//! Inquiries: whether a cluster can be reached, whether a topic exists, and which partitions it has.

use ottla_mock::codes;
use std::time::{Duration, Instant};

use ottla_engine::{ErrorKind, Wait};
use ottla_testkit::kafka;

use crate::harness::Sender;

const SOON: Wait = Wait::AtMost(Duration::from_secs(30));

#[test]
fn a_topic_is_described_as_the_admin_client_describes_it() {
    let cluster = kafka::shared();
    let sender = Sender::new(cluster.bootstrap(), &[("allow.auto.create.topics", "false")]);
    sender.producer.check(SOON).expect("a broker answers");
    let name = cluster.new_topic("described", 5);
    let topic = sender.topic(&name);
    sender.producer.check_topic(&topic, SOON).expect("it is there and led");
    let found = sender.producer.partitions(&topic, SOON).expect("an answer");
    let expected = cluster.describe(&name);
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!((found.partition, found.leader), (expected.partition, expected.leader));
        assert_eq!((&found.replicas, &found.in_sync), (&expected.replicas, &expected.in_sync));
        let (host, port) = found.leader_address.as_ref().expect("it is led");
        assert!(cluster.bootstrap().contains(&format!("{host}:{port}")), "{host}:{port}");
        assert!(found.leader_epoch.is_some() && found.offline.is_empty(), "{found:?}");
    }
    cluster.grow(&name, 8);
    let begin = Instant::now();
    while sender.producer.partitions(&topic, SOON).expect("an answer").len() != 8 {
        assert!(begin.elapsed() < Duration::from_secs(30), "the topic did not grow");
    }
    let begin = Instant::now();
    let error = sender.producer.check_topic(&sender.topic("no-such-topic"), Wait::AtMost(Duration::from_secs(2)));
    assert_eq!(error.expect_err("missing").kind(), ErrorKind::Broker(codes::UNKNOWN_TOPIC_OR_PARTITION));
    assert!((2..20).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    cluster.delete_topic(&name);
}
