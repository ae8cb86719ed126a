//! acks 0, 1 and all.

use ottla_engine::{Fate, Record};
use ottla_testkit::kafka;

use crate::harness::{Sender, check_stamps, prime, stamp};

#[test]
fn each_acks_value_writes_everything_and_says_what_it_knows() {
    let cluster = kafka::shared();
    for (acks, in_flight, offsets_are_known) in
        [("0", "5", false), ("1", "5", true), ("1", "1", true), ("all", "5", true)]
    {
        let topic_name = cluster.new_topic("acks", 3);
        if acks != "all" && in_flight != "1" {
            // Brokers refuse the first batches of a topic that is still being created. With acks=0 nobody learns of it.
            // Without idempotence, batches in flight overtake a refused one, as Kafka's documentation says.
            prime(cluster, &topic_name, 3);
        }
        let properties = [("acks", acks), ("max.in.flight.requests.per.connection", in_flight)];
        let sender = Sender::new(cluster.bootstrap(), &properties);
        let topic = sender.topic(&topic_name);
        for tag in 0..3000 {
            sender.send(&topic, &Record { value: Some(&stamp(tag, 60)), ..Record::default() }, tag);
        }
        sender.flush();
        let reported = sender.reported();
        assert_eq!(reported.iter().map(|reported| reported.tag).collect::<Vec<_>>(), (0..3000).collect::<Vec<_>>());
        for reported in &reported {
            let fate = if offsets_are_known { Fate::Written } else { Fate::Unknown };
            assert!(reported.error.is_none() && reported.fate == fate, "acks={acks}: {reported:?}");
            assert_eq!(reported.offset >= 0, offsets_are_known, "acks={acks}: {reported:?}");
        }
        let counters = sender.counters();
        println!("acks={acks}: {} batches, {} sent again", counters.batches_sent, counters.batches_retried);
        assert_eq!((counters.records_delivered, counters.records_failed), (3000, 0), "acks={acks}");
        drop(sender);
        let mut records = cluster.read_records(&topic_name);
        records.retain(|record| record.value.is_some());
        check_stamps(&records, 3000);
    }
}
