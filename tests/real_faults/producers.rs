//! The producers that wrote to a partition's log, according to Kafka's own tool.

use std::process::Command;

use ottla_testkit::kafka::{Cluster, DEFAULT_VERSION};

/// The producer id and epoch of each batch, including markers, in order.
pub fn producers(cluster: &Cluster, broker: u32, topic: &str, partition: u32) -> Vec<(i64, i16)> {
    let folder = cluster.folder().join(format!("node-{broker}/data/{topic}-{partition}"));
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut segments: Vec<String> = entries
        .map(|entry| entry.expect("an entry").path().to_string_lossy().into_owned())
        .filter(|path| path.ends_with(".log"))
        .collect();
    segments.sort();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kafka/kafka");
    let output = Command::new(script)
        .args(["java", DEFAULT_VERSION, "org.apache.kafka.tools.DumpLogSegments", "--files", &segments.join(",")])
        .output()
        .expect("the script runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter(|line| line.starts_with("baseOffset: ")).map(producer).collect()
}

/// A line has the form `... producerId: 5 producerEpoch: 0 ...`.
fn producer(line: &str) -> (i64, i16) {
    let after = |name: &str| line.split_once(name).and_then(|(_, rest)| rest.split_whitespace().next());
    let id = after(" producerId: ").and_then(|id| id.parse().ok());
    let epoch = after(" producerEpoch: ").and_then(|epoch| epoch.parse().ok());
    id.zip(epoch).unwrap_or_else(|| panic!("not a batch: {line}"))
}
