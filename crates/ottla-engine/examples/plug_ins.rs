//! A producer in Rust with a partitioner and an interceptor of the application's own.
//!
//! The partitioner sends urgent orders to partition 0 and spreads the others over the remaining partitions. The interceptor
//! adds a header to each record and counts what became of them.
//!
//! Usage: cargo run -p ottla-engine --example plug_ins -- BOOTSTRAP TOPIC [RECORDS]
//!
//! Prints, for 10 records and a topic of 3 partitions:
//!
//! ```text
//! 10 delivered, 0 failed; seen by the interceptor: 10 sent, 10 acknowledged
//! ```

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ottla_engine::plugin::{Choice, CustomPartitioner, Interceptor, Plugin, PluginSettings, Plugins, Sending};
use ottla_engine::{Completion, Config, Delivery, Header, Level, Producer, Record, Report, Wait};

struct UrgentFirst {
    next: AtomicU64,
}

impl Plugin for UrgentFirst {
    fn configure(&self, _settings: &PluginSettings) -> Result<(), String> {
        Ok(())
    }

    fn close(&self) {}
}

impl CustomPartitioner for UrgentFirst {
    fn choose(&self, choice: &Choice<'_>) -> Result<u32, String> {
        let others = choice.partitions.count() - 1;
        if choice.key == Some(b"urgent") || others == 0 {
            return Ok(0);
        }
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        Ok(1 + (next % u64::from(others)) as u32)
    }

    fn needs_objects(&self) -> bool {
        false
    }
}

/// What became of the records. Both functions may run at the same time, on different threads.
#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    acknowledged: AtomicU64,
}

impl Plugin for Counts {
    fn configure(&self, _settings: &PluginSettings) -> Result<(), String> {
        Ok(())
    }

    fn close(&self) {}
}

impl Interceptor for Counts {
    fn on_send(&self, sending: &mut Sending<'_>) -> Result<(), String> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        let header = Header { name: b"origin", value: Some(b"plug_ins") };
        sending.add_header(&header).map_err(|error| error.to_string())
    }

    fn on_acknowledgement(&self, _delivery: &Delivery<'_>) -> Result<(), String> {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Sends the records and returns how many were delivered and how many failed.
fn send(bootstrap: &str, topic: &str, records: u64, counts: &Arc<Counts>) -> ottla_engine::Result<(u64, u64)> {
    let mut config = Config::new();
    config.set("bootstrap.servers", bootstrap)?;
    let plugins = Plugins {
        partitioner: Some(Arc::new(UrgentFirst { next: AtomicU64::new(0) })),
        interceptors: vec![counts.clone()],
        ..Plugins::default()
    };

    let results = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
    let sink = {
        let results = results.clone();
        // Runs on the sender thread, once for each batch.
        move |report: Report| {
            let count = if report.outcome().error.is_none() { &results.0 } else { &results.1 };
            count.fetch_add(u64::from(report.count()), Ordering::Relaxed);
        }
    };
    let log = Box::new(|level: Level, line: &str| eprintln!("{level:?}: {line}"));
    let producer = Producer::with_plugins(&config, &plugins, Box::new(sink), log, Level::Warning)?;

    let topic = producer.topic(topic)?;
    for number in 0..records {
        let key: &[u8] = if number % 5 == 0 { b"urgent" } else { b"normal" };
        let value = format!("order {number}");
        let record = Record { key: Some(key), value: Some(value.as_bytes()), ..Record::default() };
        producer.send(&topic, &record, Completion::Tag(number), Wait::Configured)?;
    }
    producer.close(Wait::AtMost(Duration::from_secs(30)))?;
    Ok((results.0.load(Ordering::Relaxed), results.1.load(Ordering::Relaxed)))
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (bootstrap, topic, records) = match &words[..] {
        [bootstrap, topic] => (bootstrap, topic, Ok(10)),
        [bootstrap, topic, records] => (bootstrap, topic, records.parse()),
        _ => {
            eprintln!("usage: plug_ins BOOTSTRAP TOPIC [RECORDS]");
            return ExitCode::from(2);
        }
    };
    let Ok(records) = records else {
        eprintln!("plug_ins: RECORDS is a whole number");
        return ExitCode::from(2);
    };
    let counts = Arc::new(Counts::default());
    match send(bootstrap, topic, records, &counts) {
        Ok((delivered, failed)) => {
            let (sent, acknowledged) =
                (counts.sent.load(Ordering::Relaxed), counts.acknowledged.load(Ordering::Relaxed));
            println!(
                "{delivered} delivered, {failed} failed; seen by the interceptor: {sent} sent, {acknowledged} acknowledged"
            );
            ExitCode::from(u8::from(failed > 0))
        }
        Err(error) => {
            eprintln!("plug_ins: {error}");
            ExitCode::FAILURE
        }
    }
}
