//! acks 0, 1 and all.

use ottla::{Fate, Record};
use ottla_test_support::kafka;

use crate::harness::{Sender, check_stamps, stamp};

#[test]
fn each_acks_value_writes_everything_and_says_what_it_knows() {
    let cluster = kafka::shared();
    for (acks, offsets_are_known) in [("0", false), ("1", true), ("all", true)] {
        let topic_name = cluster.new_topic("acks", 3);
        let sender = Sender::new(cluster.bootstrap(), &[("acks", acks)]);
        let topic = sender.topic(&topic_name);
        for tag in 0..3000 {
            sender.send(&topic, &Record { value: Some(&stamp(tag, 60)), ..Record::default() }, tag);
        }
        sender.flush();
        let told = sender.told();
        assert_eq!(told.iter().map(|told| told.tag).collect::<Vec<_>>(), (0..3000).collect::<Vec<_>>());
        for told in &told {
            let fate = if offsets_are_known { Fate::Written } else { Fate::Unknown };
            assert!(told.error.is_none() && told.fate == fate, "acks={acks}: {told:?}");
            assert_eq!(told.offset >= 0, offsets_are_known, "acks={acks}: {told:?}");
        }
        let counters = sender.counters();
        println!("acks={acks}: {} batches, {} sent again", counters.batches_sent, counters.batches_retried);
        assert_eq!((counters.records_delivered, counters.records_failed), (3000, 0), "acks={acks}");
        drop(sender);
        check_stamps(&cluster.read_records(&topic_name), 3000);
    }
}
