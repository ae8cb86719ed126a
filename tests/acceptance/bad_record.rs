//! A bad record in a batch: the broker names it, and it fails alone.
//! `crates/ottla-core/tests/simulation/record_errors.rs` has the corner cases.

use ottla_engine::{ErrorKind, Fate, Record};
use ottla_mock::codes;
use ottla_testkit::kafka;

use crate::harness::{Sender, stamp};

/// A compacted topic refuses records without a key, and names them.
#[test]
fn a_bad_record_fails_alone_and_its_neighbours_are_delivered() {
    let cluster = kafka::shared();
    let topic_name = cluster.new_topic_with("definition-bad", 1, &[("cleanup.policy", "compact")]);
    let sender = Sender::new(cluster.bootstrap(), &[("linger.ms", "300")]);
    let topic = sender.topic(&topic_name);
    sender.send(&topic, &Record { key: Some(b"key"), ..Record::default() }, 0);
    sender.flush();
    for tag in 1..11 {
        let key: Option<&[u8]> = if tag == 5 { None } else { Some(b"key") };
        sender.send(&topic, &Record { key, value: Some(&stamp(tag, 30)), ..Record::default() }, tag);
    }
    sender.flush();
    for (tag, reported) in (0..).zip(sender.reported()) {
        assert_eq!(reported.tag, tag, "each record is told of once");
        if tag == 5 {
            assert_eq!(
                reported.error.as_ref().map(ottla_engine::Error::kind),
                Some(ErrorKind::Broker(codes::INVALID_RECORD)),
                "{reported:?}"
            );
            assert_eq!((reported.fate, reported.offset), (Fate::NotWritten, -1));
        } else {
            // The bad record leaves no gap.
            assert!(reported.error.is_none() && reported.fate == Fate::Written, "{reported:?}");
            assert_eq!(reported.offset, tag as i64 - i64::from(tag > 5));
        }
    }
    assert_eq!(sender.reported_count(), 11);
}
