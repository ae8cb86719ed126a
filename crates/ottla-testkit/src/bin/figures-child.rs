//! The process that `tests/sink_figures.rs` measures: a producer that sends to a sink.
//!
//! ```text
//! figures-child memory BOOTSTRAP PARTITIONS       one record to each partition: prints idle_kb= and peak_kb=
//! figures-child steady BOOTSTRAP WARM_UP RECORDS [NAME=VALUE]...
//!                                                 warms up, then sends: prints allocations=, seconds=, delivered=
//! ```
//!
//! After the warm-up, `steady` waits for a line on standard input. Meanwhile a tracer can attach.

use std::io::BufRead;
use std::time::{Duration, Instant};

use ottla_engine::{Completion, Config, Level, Producer, Record, Report, Wait};
use ottla_testkit::allocator::{Counting, total_allocations};

#[global_allocator]
static COUNTING: Counting = Counting;

const VALUE: &[u8] = &[b'v'; 100];

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("not a number: {text}"));
    match words[..] {
        [_, "memory", bootstrap, partitions] => memory(&producer(bootstrap, &[]), number(partitions)),
        [_, "steady", bootstrap, warm_up, records, ref properties @ ..] => {
            steady(&producer(bootstrap, properties), number(warm_up), number(records));
        }
        _ => panic!(
            "usage: figures-child memory BOOTSTRAP PARTITIONS | steady BOOTSTRAP WARM_UP RECORDS [NAME=VALUE]..."
        ),
    }
}

fn producer(bootstrap: &str, properties: &[&str]) -> Producer {
    let mut config = Config::new();
    config.set("bootstrap.servers", bootstrap).expect("an address");
    for property in properties {
        let (name, value) = property.split_once('=').expect("NAME=VALUE");
        config.set(name, value).expect("a property");
    }
    let log = Box::new(|level: Level, line: &str| eprintln!("{level:?} {line}"));
    Producer::new(&config, Box::new(|_: Report| {}), log, Level::Warning).expect("a producer")
}

fn finish(producer: &Producer) {
    producer.flush(Wait::AtMost(Duration::from_secs(300))).expect("flushed");
}

/// `VmHWM` of this process: its peak memory.
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn memory(producer: &Producer, partitions: u64) {
    let topic = producer.topic("wide").expect("a topic");
    std::thread::sleep(Duration::from_millis(300));
    let idle = peak_kb();
    for partition in 0..partitions {
        let record = Record { partition: Some(partition as i32), value: Some(VALUE), ..Record::default() };
        producer.send(&topic, &record, Completion::Tag(partition), Wait::Forever).expect("accepted");
    }
    finish(producer);
    println!("idle_kb={idle}\npeak_kb={}\ndelivered={}", peak_kb(), producer.counters().records_delivered);
}

fn steady(producer: &Producer, warm_up: u64, records: u64) {
    let topic = producer.topic("steady").expect("a topic");
    let send = |count| {
        let record = Record { value: Some(VALUE), ..Record::default() };
        for tag in 0..count {
            producer.send(&topic, &record, Completion::Tag(tag), Wait::Forever).expect("accepted");
        }
        finish(producer);
    };
    send(warm_up);
    println!("warm");
    let _ = std::io::stdin().lock().read_line(&mut String::new());
    let (before, begin) = (total_allocations(), Instant::now());
    send(records);
    let allocations = total_allocations() - before;
    let (seconds, counters) = (begin.elapsed().as_secs_f64(), producer.counters());
    println!("allocations={allocations}\nseconds={seconds}\ndelivered={}", counters.records_delivered);
    println!("requests={}\nbatches={}", counters.produce_requests, counters.batches_sent);
}
