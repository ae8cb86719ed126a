//! The committed messages are identical to the generator's output.

use std::process::Command;

/// Needs python3, rustfmt and Kafka's schemas: OTTLA_KAFKA_SCHEMAS names kafka-clients.jar, or a folder of them.
#[test]
#[ignore = "needs Kafka's message schemas: OTTLA_KAFKA_SCHEMAS=<kafka-clients.jar>"]
fn committed_messages_are_the_generated_ones() {
    let schemas = std::env::var("OTTLA_KAFKA_SCHEMAS").expect("OTTLA_KAFKA_SCHEMAS names kafka-clients.jar");
    let generator = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/messages/generate.py");
    let output = Command::new("python3").args([generator, &schemas, "--check"]).output().expect("python3 runs");
    let reported = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "run {generator} {schemas}:\n{reported}");
}
