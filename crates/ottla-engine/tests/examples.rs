//! The examples in Rust do what their heads promise, on a real Kafka.

use std::process::Command;

use ottla_testkit::{kafka, program};

#[test]
fn plug_ins_partitions_and_intercepts() {
    let cluster = kafka::shared();
    let topic = cluster.new_topic("plug-ins", 3);
    let output = Command::new(program::build_example("ottla-engine", "plug_ins"))
        .args([cluster.bootstrap(), &topic])
        .output()
        .expect("the example runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "10 delivered, 0 failed; seen by the interceptor: 10 sent, 10 acknowledged\n"
    );

    let records = cluster.read_records(&topic);
    let urgent = records.iter().filter(|record| record.key.as_deref() == Some(b"urgent"));
    assert!(urgent.clone().all(|record| record.partition == 0) && urgent.count() == 2, "{records:?}");
    let normal: Vec<_> = records.iter().filter(|record| record.key.as_deref() == Some(b"normal")).collect();
    assert!(normal.iter().all(|record| record.partition != 0) && normal.len() == 8, "{records:?}");
    assert!(records.iter().all(|record| record.headers == [("origin".to_owned(), Some(b"plug_ins".to_vec()))]));
}
