//! A producer that gets its brokers after it was made.

use super::*;
use ottla_core::config::Dialect;

#[test]
fn producer_in_librdkafka_s_dialect_starts_without_brokers_and_gets_them_later() {
    let broker = SinkBroker::start(SinkOptions::default());
    let config = Config::for_dialect(Dialect::Librdkafka);
    let delivered = Arc::new(AtomicU64::new(0));
    let count = delivered.clone();
    let sink = move |report: Report| {
        let written = report.deliveries().filter(|delivery| delivery.error.is_none());
        count.fetch_add(written.count() as u64, Ordering::SeqCst);
    };
    let producer = Producer::new(&config, Box::new(sink), Box::new(|_, _| ()), Level::Error).expect("a producer");
    let topic = producer.topic("later").expect("a topic");
    assert_eq!(send_until_refused(&producer, &topic, 100), 100);
    let waiting = producer.flush(Wait::AtMost(Duration::from_millis(200))).expect_err("there is no broker");
    assert!(waiting.message().contains("no broker is known"), "{waiting}");
    let wrong = producer.add_brokers("localhost").expect_err("there is no port");
    assert!(wrong.message().starts_with("the list of brokers: entry 1 ('localhost')"), "{wrong}");
    assert_eq!(wrong.kind(), ErrorKind::InvalidArgument);
    producer.add_brokers(&broker.addr().to_string()).expect("an address");
    producer.flush(Wait::AtMost(Duration::from_secs(60))).expect("flushed");
    assert_eq!(delivered.load(Ordering::SeqCst), 100);
}
