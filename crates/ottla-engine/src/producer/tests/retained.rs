//! Records that reports show again, in a producer with its threads.
#![expect(unsafe_code, reason = "offering a value is a promise that the compiler cannot check")]

use std::sync::mpsc;
use std::time::Instant;

use super::lent::count;
use super::*;
use ottla_core::loan::{Lent, Offer};
use ottla_core::record::Header;

#[test]
fn report_shows_its_records_and_returns_lent_values_when_it_is_dropped() {
    let broker = SinkBroker::start(SinkOptions::default());
    let mut config = Config::new();
    config.set("bootstrap.servers", &broker.addr().to_string()).expect("an address");
    config.set("retain.records", "true").expect("a property");
    config.set("compression.type", "lz4").expect("a property");
    let (reports, reported) = mpsc::channel();
    let sink = move |report: Report| reports.send(report).expect("the test waits");
    let (returned, value) = (AtomicU64::new(0), [7; 5000]);
    let producer = Producer::new(&config, Box::new(sink), Box::new(|_, _| ()), Level::Error).expect("a producer");
    let topic = producer.topic("retained").expect("a topic");
    // SAFETY: the value and the counter outlive the producer.
    let offer = unsafe { Offer::new(Some(&value), count, std::ptr::from_ref(&returned).cast_mut().cast()) };
    let lent = Lent::Offered(offer);
    let headers = [Header { name: b"name", value: None }];
    let record = Record {
        key: Some(b"key"),
        value: Some(&value),
        headers: &headers,
        timestamp: Some(42),
        lent: Some(&lent),
        ..Record::default()
    };
    producer.send(&topic, &record, Completion::Tag(0), Wait::Never).expect("accepted");
    producer.flush(Wait::AtMost(Duration::from_secs(60))).expect("flushed");
    let report = reported.try_recv().expect("reported");
    let shown = report.records().next().expect("the record");
    assert_eq!((shown.key, shown.value, shown.timestamp), (Some(&b"key"[..]), Some(&value[..]), 42));
    assert!(shown.headers.eq(headers));
    assert_eq!(returned.load(Ordering::SeqCst), 0);
    assert!(producer.buffered_bytes() > 5000);
    // The producer has nothing to do: dropping the report has to wake it.
    std::thread::sleep(Duration::from_millis(50));
    drop(report);
    let begun = Instant::now();
    while returned.load(Ordering::SeqCst) == 0 && begun.elapsed() < Duration::from_secs(3) {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(returned.load(Ordering::SeqCst), 1);
    assert_eq!(producer.buffered_bytes(), 0);
}
