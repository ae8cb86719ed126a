//! Handles, with which the application waits for a record later.

use super::*;
use ottla_core::record::Fate;

const LONG: Wait = Wait::AtMost(Duration::from_secs(60));

fn handles(producer: &Producer, topic: &TopicHandle, count: usize) -> Vec<SendHandle> {
    let send = |_| producer.send_handle(topic, &Record::default(), Wait::Configured).expect("accepted");
    (0..count).map(send).collect()
}

#[test]
fn records_of_handles_linger_together_and_each_handle_has_its_record_s_fate() {
    let broker = SinkBroker::start(SinkOptions::default());
    let (producer, counts) = producer(&broker, &[("linger.ms", "300")]);
    let topic = producer.topic("handles").expect("a topic");
    let mut handles = Vec::new();
    while handles.len() < 100 {
        handles.extend(self::handles(&producer, &topic, 5));
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(handles[99].wait(Wait::Never).expect_err("it lingers").kind(), ErrorKind::TimedOut);
    let reported: Vec<_> = handles.iter().map(|handle| handle.wait(LONG).expect("told")).collect();
    assert!(reported.iter().all(|reported| reported.fate == Fate::Written && reported.error.is_none()));
    let mut places: Vec<_> = reported.iter().map(|reported| (reported.partition, reported.offset)).collect();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), 100);
    assert!(producer.statistics().expect("this process").producer.produce_requests <= 5, "they did not linger");
    // Once more, on several threads.
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| assert_eq!(handles[7].wait(Wait::Forever).expect("told").offset, reported[7].offset));
        }
    });
    producer.flush(LONG).expect("flushed");
    assert_eq!(counts[0].load(Ordering::SeqCst), 100, "a sink sees them, and leaves them to their waiters");
}

#[test]
fn threads_that_wait_on_one_handle_all_wake() {
    let broker = SinkBroker::start(SinkOptions::default());
    let (producer, _) = producer(&broker, &[("linger.ms", "100")]);
    let topic = producer.topic("one").expect("a topic");
    let handle = producer.send_handle(&topic, &Record::default(), Wait::Configured).expect("accepted");
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| assert_eq!(handle.wait(LONG).expect("told").fate, Fate::Written));
        }
    });
    assert!(begun.elapsed() < Duration::from_secs(30), "one waited to the end of its time");
}

#[test]
fn a_dropped_handle_lets_its_record_go_on() {
    let broker = SinkBroker::start(SinkOptions::default());
    let (producer, counts) = producer(&broker, &[]);
    let topic = producer.topic("dropped").expect("a topic");
    drop(handles(&producer, &topic, 10));
    producer.close(LONG).expect("closed");
    assert_eq!(counts[0].load(Ordering::SeqCst), 10);
}

#[test]
fn the_end_of_the_producer_ends_the_wait() {
    let broker = SinkBroker::start(SinkOptions::default());
    // Nothing listens there.
    let (producer, _) = producer(&broker, &[("bootstrap.servers", "127.0.0.1:1")]);
    let topic = producer.topic("ended").expect("a topic");
    let handles = handles(&producer, &topic, 2);
    std::thread::scope(|scope| {
        scope.spawn(|| assert!(handles[0].wait(Wait::Forever).expect("told").error.is_some()));
        std::thread::sleep(Duration::from_millis(20));
        drop(producer);
    });
    let reported = handles[1].wait(Wait::Never).expect("told");
    assert_eq!(reported.error.expect("it was closed").kind(), ErrorKind::Closed);
}

#[test]
fn a_callback_may_poll_a_handle_but_not_wait() {
    let broker = SinkBroker::start(SinkOptions::default());
    let mut config = Config::new();
    config.set("bootstrap.servers", &broker.addr().to_string()).expect("an address");
    let (give, take) = std::sync::mpsc::channel::<(Arc<Producer>, TopicHandle, SendHandle)>();
    let (answer, answered) = std::sync::mpsc::channel();
    let sink = move |_: Report| {
        if let Ok((producer, topic, done)) = take.try_recv() {
            // The record cannot be sent before this returns.
            let late = producer.send_handle(&topic, &Record::default(), Wait::Configured).expect("accepted");
            let kinds = [done.wait(Wait::Forever), late.wait(LONG), late.wait(Wait::Never)]
                .map(|reported| reported.err().map(|error| error.kind()));
            let _ = answer.send(kinds);
        }
    };
    let producer = Producer::new(&config, Box::new(sink), Box::new(|_, _| ()), Level::Error).expect("a producer");
    let topic = producer.topic("inside").expect("a topic");
    let producer = Arc::new(producer);
    let done = producer.send_handle(&topic, &Record::default(), Wait::Configured).expect("accepted");
    done.wait(LONG).expect("told");
    give.send((producer.clone(), topic.clone(), done)).expect("the sink is there");
    producer.send(&topic, &Record::default(), Completion::Tag(0), Wait::Configured).expect("accepted");
    let kinds = answered.recv().expect("a report came");
    assert_eq!(kinds, [None, Some(ErrorKind::InCallback), Some(ErrorKind::TimedOut)]);
    producer.close(LONG).expect("closed");
}
