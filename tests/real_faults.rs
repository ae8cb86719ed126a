//! Three brokers, of which some die. `OTTLA_SOAK=1` runs the long form.

#[path = "real_kafka/harness.rs"]
mod harness;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use harness::{Sender, Told, check_stamps, size, soak, stamp};
use ottla::{ErrorKind, Fate, Record};
use ottla_test_support::kafka::{Checksum, Cluster, Options, ReadRecord, Reader};

/// Sends keyed records, `rate` a second, as long as there are `more`; `sent` counts them.
fn send_paced(sender: &Sender, topic_name: &str, rate: u64, sent: &AtomicU64, more: impl Fn(u64) -> bool) {
    let topic = sender.topic(topic_name);
    let begin = Instant::now();
    for tag in (0..).take_while(|&tag| more(tag)) {
        let due = begin + Duration::from_micros(tag * 1_000_000 / rate);
        if let Some(wait) = due.checked_duration_since(Instant::now()).filter(|wait| wait.as_millis() > 0) {
            std::thread::sleep(wait);
        }
        let (key, value) = (tag.to_be_bytes(), stamp(tag, 100));
        sender.send(&topic, &Record { key: Some(&key), value: Some(&value), ..Record::default() }, tag);
        sent.store(tag + 1, Ordering::Relaxed);
    }
}

#[test]
fn nothing_is_lost_nor_doubled_while_brokers_are_killed() {
    let cluster = Cluster::start(Options { brokers: 3, ..Options::default() });
    let topic_name = "killed";
    cluster.create_topic(topic_name, 6, 3, &[("min.insync.replicas", "2")]);
    cluster.wait_in_sync();
    let (count, rate) = (size(20_000, 500_000), size(2_000, 5_000));
    let victims: &[u32] = if soak() { &[1, 2, 3] } else { &[2] };
    let sender = Sender::new(cluster.bootstrap(), &[]);
    let sent = AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| send_paced(&sender, topic_name, rate, &sent, |tag| tag < count));
        std::thread::sleep(Duration::from_secs(1));
        for &victim in victims {
            lead(&cluster, topic_name, victim as i32);
            let (before, begin) = (sender.counters(), Instant::now());
            // Stopped a moment before, as a dying machine is, so that requests are in flight when it goes.
            cluster.pause(victim);
            std::thread::sleep(Duration::from_millis(100));
            cluster.kill(victim);
            assert!(sent.load(Ordering::Relaxed) < count, "records still flow when broker {victim} dies");
            std::thread::sleep(Duration::from_secs(2));
            cluster.restart(victim);
            cluster.wait_in_sync();
            let in_sync_at = Instant::now();
            let retried = || sender.counters().batches_retried - before.batches_retried;
            while retried() == 0 && in_sync_at.elapsed() < Duration::from_secs(30) {
                std::thread::sleep(Duration::from_millis(50));
            }
            let (waited, retried) = (in_sync_at.elapsed(), retried());
            if waited > Duration::from_secs(1) {
                println!("nothing was sent again until {waited:?} after all was in sync\n{}", sender.log());
            }
            println!(
                "broker {victim} killed and back in sync in {:?}: {} records accepted, {retried} batches sent again",
                begin.elapsed(),
                sent.load(Ordering::Relaxed)
            );
            assert!(retried > 0, "broker {victim} died unnoticed: {:?}", sender.counters());
            std::thread::sleep(Duration::from_secs(1));
        }
    });
    sender.flush();
    println!("{:?}", sender.counters());
    let told = sender.all_delivered(count);
    let attempts = told.iter().map(|told| told.attempts).max();
    println!("{count} records delivered, with at most {attempts:?} attempts");
    let records = cluster.read_records(topic_name);
    check_stamps(&records, count);
    check_places(&records, &told);
    for partition in cluster.read_back(topic_name, Reader::Librdkafka) {
        let mut checksum = Checksum::new();
        let here = records.iter().filter(|record| record.partition == partition.partition);
        here.for_each(|record| checksum.add_record(record));
        assert_eq!(partition.checksum, checksum.value(), "as librdkafka reads it (left) and as Java's consumer does");
    }
}

/// Whether each record lies where its completion said, with the timestamp that it said.
///
/// A broker that has a batch already answers with the batch's latest timestamp as if that were the append time, also where
/// the topic keeps the producer's timestamps: completions of a batch that was sent again may say that. They are counted.
fn check_places(records: &[ReadRecord], told: &[Told]) {
    let said: BTreeMap<(i32, i64), &Told> = told.iter().map(|told| ((told.partition, told.offset), told)).collect();
    assert_eq!((said.len(), records.len()), (told.len(), told.len()), "every record has a place of its own");
    let mut other_time = 0;
    for record in records {
        let told = said[&(record.partition, record.offset)];
        assert_eq!(record.value, Some(stamp(told.tag, 100)), "where this should be: {told:?}");
        if record.timestamp != told.timestamp {
            assert!(told.attempts > 1, "its timestamp is {}: {told:?}", record.timestamp);
            other_time += 1;
        }
    }
    println!("{other_time} records, of batches sent again, have another timestamp than their completions said");
}

/// Makes a broker lead two partitions of six. One that was slow for some seconds has lost what it led, and nobody would
/// notice its death.
fn lead(cluster: &Cluster, topic_name: &str, broker: i32) {
    let led = |partition: i32| cluster.describe(topic_name)[partition as usize].leader == Some(broker);
    for partition in [broker - 1, broker + 2] {
        if !led(partition) {
            let others = (1..=3).filter(|&other| other != broker);
            let replicas: Vec<i32> = std::iter::once(broker).chain(others).collect();
            cluster.move_partition(topic_name, partition, &replicas);
            println!("partition {partition} moved to broker {broker}");
        }
        assert!(led(partition), "{:?}", cluster.describe(topic_name));
    }
    std::thread::sleep(Duration::from_secs(1));
}

/// What was told of each record must agree with what lies in the log.
fn check_fates(cluster: &Cluster, topic_name: &str, told: &[Told]) -> BTreeMap<&'static str, usize> {
    let mut copies = BTreeMap::new();
    for record in cluster.read_records(topic_name) {
        let value = record.value.expect("a stamped value");
        let number: u64 = std::str::from_utf8(&value[..20]).ok().and_then(|n| n.parse().ok()).expect("a stamp");
        *copies.entry(number).or_insert(0) += 1;
    }
    let mut fates = BTreeMap::new();
    for told in told {
        let copies = copies.get(&told.tag).copied().unwrap_or(0);
        let (name, agrees) = match told.fate {
            Fate::Written => ("written", copies == 1),
            Fate::NotWritten => ("not written", copies == 0),
            Fate::Unknown => ("unknown", copies <= 1),
        };
        assert!(agrees, "{topic_name} has {copies} copies of {told:?}");
        *fates.entry(name).or_insert(0) += 1;
    }
    fates
}

/// Lets a thread end when the one that checks has failed.
struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
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
    let (sent, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let _stop = OnDrop(&stop);
        scope.spawn(|| send_paced(&flowing, "flowing", 1_000, &sent, |_| !stop.load(Ordering::Relaxed)));
        std::thread::sleep(Duration::from_secs(1));
        cluster.kill(2);
        cluster.kill(3);
        let deadline = Instant::now() + Duration::from_secs(30);
        // While a leader still counts a dead replica as in sync it takes records and waits, instead of refusing them.
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
        assert_eq!(patient.told_count(), 0, "the patient producer still tries");
        cluster.restart_no_wait(2);
        cluster.restart_no_wait(3);
        cluster.wait_serving();
        cluster.wait_in_sync();
        std::thread::sleep(Duration::from_secs(1));
    });

    let told = impatient.told();
    assert_eq!(told.len(), 300);
    for told in &told {
        let error = told.error.as_ref().expect("an error");
        assert_eq!((error.kind(), told.fate), (ErrorKind::DeliveryTimedOut, Fate::NotWritten), "{told:?}");
        assert!(error.message().contains("NOT_ENOUGH_REPLICAS"), "{told:?}");
    }
    // A batch behind one that is being retried waits for it.
    assert!(told.iter().any(|told| told.attempts > 3), "{:?}", impatient.counters());
    println!("impatient: {}", told[0].error.as_ref().expect("an error"));
    patient.flush();
    println!("patient: {:?}", patient.counters());
    assert!(patient.counters().batches_retried > 3);
    patient.all_delivered(300);
    check_stamps(&cluster.read_records("patient"), 300);
    println!("impatient: {:?}", check_fates(&cluster, "impatient", &told));

    flowing.flush();
    let (told, count) = (flowing.told(), sent.load(Ordering::Relaxed));
    assert_eq!(told.len() as u64, count);
    println!("flowing: {:?}, {:?}", check_fates(&cluster, "flowing", &told), flowing.counters());
    let failed = flowing.counters().records_failed;
    assert!(failed > 0 && failed < count, "some of the records fail: {:?}", flowing.counters());
    let last = told.last().expect("the last");
    assert!(last.error.is_none(), "the producer goes on: {last:?}");
}
