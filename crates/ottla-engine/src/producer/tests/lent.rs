//! Lent values in a producer with its threads.
#![expect(unsafe_code, reason = "offering a value is a promise that the compiler cannot check")]

use std::ffi::c_void;

use super::*;
use ottla_core::loan::{Lent, Offer};

pub unsafe extern "C" fn count(_: *const c_void, _: usize, counter: *mut c_void) {
    // SAFETY: the test's counter, which outlives the producer.
    unsafe { &*counter.cast::<AtomicU64>() }.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn a_sender_that_panics_completes_all_records_and_gives_all_values_back() {
    let broker = SinkBroker::start(SinkOptions::default());
    let mut config = Config::new();
    config.set("bootstrap.servers", &broker.addr().to_string()).expect("an address");
    let reported = Arc::new(AtomicU64::new(0));
    let counter = reported.clone();
    let sink = move |report: Report| {
        let before = counter.fetch_add(u64::from(report.count()), Ordering::SeqCst);
        assert!(before > 0, "on purpose");
    };
    let (returned, value) = (AtomicU64::new(0), [7; 5000]);
    let producer = Producer::new(&config, Box::new(sink), Box::new(|_, _| ()), Level::Error).expect("a producer");
    let topic = producer.topic("lent").expect("a topic");
    let send = || {
        // SAFETY: the value and the counter outlive the producer.
        let offer = unsafe { Offer::new(Some(&value), count, std::ptr::from_ref(&returned).cast_mut().cast()) };
        let lent = Lent::Offered(offer);
        let record = Record { value: Some(&value), lent: Some(&lent), ..Record::default() };
        producer.send(&topic, &record, Completion::Tag(0), Wait::Never)
    };
    let mut accepted = 0;
    while send().is_ok() {
        accepted += 1;
        std::thread::sleep(Duration::from_micros(200));
    }
    drop(producer);
    assert!(accepted > 0);
    assert_eq!(returned.load(Ordering::SeqCst), accepted);
    assert_eq!(reported.load(Ordering::SeqCst), accepted);
}
