//! With too few replicas in sync, records are retried until their deadline.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ottla_engine::{ErrorKind, Fate, Record};
use ottla_testkit::kafka::{Cluster, Options};

use crate::flow::Flow;
use crate::harness::{Reported, Sender, check_stamps, stamp};

/// Checks that what was reported about each record agrees with the log.
fn check_fates(cluster: &Cluster, topic_name: &str, reported: &[Reported]) -> BTreeMap<&'static str, usize> {
    let mut copies = BTreeMap::new();
    for record in cluster.read_records(topic_name) {
        let value = record.value.expect("a stamped value");
        let number: u64 = std::str::from_utf8(&value[..20]).ok().and_then(|n| n.parse().ok()).expect("a stamp");
        *copies.entry(number).or_insert(0) += 1;
    }
    let mut fates = BTreeMap::new();
    for reported in reported {
        let copies = copies.get(&reported.tag).copied().unwrap_or(0);
        let (name, agrees) = match reported.fate {
            Fate::Written => ("written", copies == 1),
            Fate::NotWritten => ("not written", copies == 0),
            Fate::Unknown => ("unknown", copies <= 1),
        };
        assert!(agrees, "{topic_name} has {copies} copies of {reported:?}");
        *fates.entry(name).or_insert(0) += 1;
    }
    fates
}

#[test]
fn too_few_replicas_are_retried_and_then_reported() {
    let cluster = Cluster::start(Options { brokers: 3, separate_controller: true, ..Options::default() });
    for topic in ["impatient", "patient", "flowing"] {
        cluster.create_topic(topic, 3, 3, &[("min.insync.replicas", "2")]);
    }
    cluster.wait_in_sync();
    let short = [("delivery.timeout.ms", "10000")];
    let flowing = Sender::new(cluster.bootstrap(), &short);
    let impatient = Sender::new(cluster.bootstrap(), &short);
    let patient = Sender::new(cluster.bootstrap(), &[]);
    let flow = Flow::default();
    std::thread::scope(|scope| {
        let _stop = flow.stop_on_drop();
        scope.spawn(|| flow.run(0, &flowing, "flowing", 1_000));
        std::thread::sleep(Duration::from_secs(1));
        cluster.kill(2);
        cluster.kill(3);
        let deadline = Instant::now() + Duration::from_secs(30);
        // While a leader still counts a dead replica as in sync, it accepts records and waits, instead of refusing
        // them.
        for topic in ["impatient", "patient", "flowing"] {
            while cluster.describe(topic).iter().any(|partition| partition.in_sync != [1]) {
                assert!(Instant::now() < deadline, "{:?}", cluster.describe(topic));
                std::thread::sleep(Duration::from_millis(200));
            }
        }
        std::thread::sleep(Duration::from_secs(1));
        let begin = Instant::now();
        let (to_impatient, to_patient) = (impatient.topic("impatient"), patient.topic("patient"));
        for tag in 0..300 {
            let value = stamp(tag, 50);
            let record = Record { partition: Some(tag as i32 % 3), value: Some(&value), ..Record::default() };
            impatient.send(&to_impatient, &record, tag);
            patient.send(&to_patient, &record, tag);
        }
        impatient.flush();
        let elapsed = begin.elapsed();
        assert!((9..13).contains(&elapsed.as_secs()), "reported after {elapsed:?}");
        assert_eq!(patient.reported_count(), 0, "the patient producer still tries");
        cluster.restart_no_wait(2);
        cluster.restart_no_wait(3);
        cluster.wait_serving();
        cluster.wait_in_sync();
        std::thread::sleep(Duration::from_secs(1));
    });

    let reported = impatient.reported();
    assert_eq!(reported.len(), 300);
    for reported in &reported {
        let error = reported.error.as_ref().expect("an error");
        assert_eq!((error.kind(), reported.fate), (ErrorKind::DeliveryTimedOut, Fate::NotWritten), "{reported:?}");
        assert!(error.message().contains("NOT_ENOUGH_REPLICAS"), "{reported:?}");
    }
    // Batches behind a retried one wait for it, so the others have fewer attempts.
    assert!(reported.iter().any(|reported| reported.attempts > 3), "{:?}", impatient.counters());
    println!("impatient: {}", reported[0].error.as_ref().expect("an error"));
    patient.flush();
    println!("patient: {:?}", patient.counters());
    assert!(patient.counters().batches_retried > 3);
    patient.all_delivered(300);
    check_stamps(&cluster.read_records("patient"), 300);
    println!("impatient: {:?}", check_fates(&cluster, "impatient", &reported));

    flowing.flush();
    let (reported, count) = (flowing.reported(), flow.sent());
    assert_eq!(reported.len() as u64, count);
    println!("flowing: {:?}, {:?}", check_fates(&cluster, "flowing", &reported), flowing.counters());
    let failed = flowing.counters().records_failed;
    assert!(failed > 0 && failed < count, "some of the records fail: {:?}", flowing.counters());
    let last = reported.last().expect("the last");
    assert!(last.error.is_none(), "the producer goes on: {last:?}");
}
