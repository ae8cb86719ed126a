//! The modelled cluster as a program, for trying other clients. See `model-broker --help`.

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use ottla_mock::server::ModelServer;
use ottla_mock::{Cluster, Fault, On, TopicOptions, Versions, codes};

const HELP: &str = "\
model-broker: a modelled Kafka cluster that any client can talk to

Usage: model-broker [--brokers N] [--partitions N] [--kafka 2.1|2.8|3.9|4.3] [--faults N]

  --brokers N       brokers, each on a free port (default 1)
  --partitions N    partitions of a topic, which is made when a client asks for it (default 3)
  --kafka VERSION   whose versions of the protocol are spoken (default 4.3)
  --faults N        every Nth Produce request meets a fault, one kind after the other
  --help            this text

Prints `LISTENING host:port,...` when it serves. At the end of standard input it prints the log's records, one a line:
topic, partition, offset, producer id, epoch, sequence, key, value; then the number of requests of each kind and version.
";

fn main() -> ExitCode {
    match run(env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("model-broker: {message}; see --help");
            ExitCode::from(2)
        }
    }
}

fn run(mut args: impl Iterator<Item = String>) -> Result<(), String> {
    let (mut brokers, mut partitions, mut every, mut versions) = (1, 3, 0, Versions::kafka_4_3());
    while let Some(arg) = args.next() {
        if arg == "--help" {
            print!("{HELP}");
            return Ok(());
        }
        let value = args.next().ok_or(format!("{arg} needs a value"))?;
        let number = || value.parse::<i32>().map_err(|_| format!("{arg}: {value:?} is not a number"));
        match (arg.as_str(), value.as_str()) {
            ("--brokers", _) => brokers = number()?,
            ("--partitions", _) => partitions = number()?,
            ("--faults", _) => every = number()?,
            ("--kafka", "2.1") => versions = Versions::kafka_2_1(),
            ("--kafka", "2.8") => versions = Versions::kafka_2_8(),
            ("--kafka", "3.9") => versions = Versions::kafka_3_9(),
            ("--kafka", "4.3") => versions = Versions::kafka_4_3(),
            _ => return Err(format!("unknown option {arg} {value}")),
        }
    }
    serve(brokers, partitions, every, versions).map_err(|error| error.to_string())
}

fn serve(brokers: i32, partitions: i32, every: i32, versions: Versions) -> io::Result<()> {
    let mut cluster = Cluster::new(brokers);
    cluster.set_versions(versions);
    cluster.auto_create = Some(TopicOptions { partitions, ..TopicOptions::default() });
    let mut produced = 0;
    cluster.on_request(move |request| {
        produced += i32::from(request.acks.is_some());
        if request.acks.is_none() || every == 0 || produced % every != 0 {
            return Fault::None;
        }
        match produced / every % 6 {
            0 => Fault::DropBefore,
            1 => Fault::DropAfter,
            2 => Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All),
            3 => Fault::ErrorAfter(codes::NOT_ENOUGH_REPLICAS_AFTER_APPEND, On::All),
            4 => Fault::NotLeader { hint: true, on: On::All },
            _ => Fault::ErrorAfter(codes::REQUEST_TIMED_OUT, On::All),
        }
    });
    let server = ModelServer::start(cluster, brokers as usize);
    println!("LISTENING {}", server.bootstrap());
    io::stdout().flush()?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    server.with(|cluster| report(cluster, &mut out))?;
    out.flush()
}

fn report(cluster: &Cluster, out: &mut impl Write) -> io::Result<()> {
    for topic in cluster.topic_names() {
        for partition in 0..cluster.partition_count(&topic) {
            for record in cluster.records(&topic, partition) {
                let text = |bytes: &Option<bytes::Bytes>| match bytes {
                    Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    None => "NULL".into(),
                };
                let (id, epoch, sequence) = (record.producer_id, record.epoch, record.sequence);
                let (key, value) = (text(&record.key), text(&record.value));
                writeln!(out, "{topic} {partition} {} {id} {epoch} {sequence} {key} {value}", record.offset)?;
            }
        }
    }
    let mut counts = std::collections::BTreeMap::new();
    for request in cluster.requests() {
        *counts.entry((request.api as i16, request.version)).or_insert(0) += 1;
    }
    for ((api, version), count) in counts {
        writeln!(out, "requests api {api} version {version}: {count}")?;
    }
    Ok(())
}
