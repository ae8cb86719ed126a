//! A broker that names the records for which it refuses a batch.

use ottla_engine::{ErrorKind, Fate, Record};
use ottla_mock::codes;
use ottla_testkit::kafka;

use crate::harness::{Sender, stamp};

const RECORDS: u64 = 400;

/// A compacted topic refuses records without a key.
#[test]
fn records_that_a_compacted_topic_refuses_fail_alone() {
    let cluster = kafka::shared();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic_name = format!("compacted-{}-{codec}", std::process::id());
        cluster.create_topic(&topic_name, 1, 1, &[("cleanup.policy", "compact")]);
        let sender = Sender::new(cluster.bootstrap(), &[("linger.ms", "200"), ("compression.type", codec)]);
        let topic = sender.topic(&topic_name);
        let is_bad = |tag: u64| tag % 7 == 3;
        for tag in 0..RECORDS {
            let key = tag.to_string();
            let key = (!is_bad(tag)).then_some(key.as_bytes());
            sender.send(&topic, &Record { key, value: Some(&stamp(tag, 60)), ..Record::default() }, tag);
        }
        sender.flush();
        let mut reported = sender.reported();
        reported.sort_by_key(|reported| reported.tag);
        assert_eq!(reported.iter().map(|reported| reported.tag).collect::<Vec<_>>(), (0..RECORDS).collect::<Vec<_>>());
        let mut last_offset = -1;
        for reported in &reported {
            let Some(error) = &reported.error else {
                assert!(
                    !is_bad(reported.tag) && reported.fate == Fate::Written && reported.offset > last_offset,
                    "{reported:?}"
                );
                last_offset = reported.offset;
                continue;
            };
            assert!(is_bad(reported.tag) && reported.fate == Fate::NotWritten, "{codec}: {reported:?}");
            assert_eq!(error.kind(), ErrorKind::Broker(codes::INVALID_RECORD), "{reported:?}");
            assert!(error.message().contains("without key"), "{error}");
        }
        assert_eq!(sender.counters().epochs_bumped, 0, "{codec}\n{}", sender.log());
        let values: Vec<Option<Vec<u8>>> =
            cluster.read_records(&topic_name).into_iter().map(|record| record.value).collect();
        let expected: Vec<_> = (0..RECORDS).filter(|&tag| !is_bad(tag)).map(|tag| Some(stamp(tag, 60))).collect();
        assert_eq!(values, expected, "{codec}");
        drop(sender);
        cluster.delete_topic(&topic_name);
    }
}
