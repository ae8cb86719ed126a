//! Which batches of idempotent producers the modelled leader accepts, rule by rule.

use kafka_protocol::messages::ProduceRequest;
use ottla_mock::codes::*;
use ottla_mock::{Cluster, UnknownProducer};
use ottla_testkit::client::{From, NOBODY, batch, decode, frame, produce};

fn cluster() -> Cluster {
    let mut cluster = Cluster::new(1);
    cluster.create_topic("t", 2);
    cluster
}

/// Sends records whose sequences begin at `sequence`. Returns the error code and the offset.
fn send(cluster: &mut Cluster, epoch: i16, sequence: i32, values: &[&str]) -> (i16, i64) {
    send_from(cluster, From { producer_id: 7, epoch, sequence }, values)
}

fn send_from(cluster: &mut Cluster, from: From, values: &[&str]) -> (i16, i64) {
    let request = frame(1, 9, &produce(-1, &[("t", &[(0, batch(from, values))])]));
    let answer = cluster.handle(1, &request).expect("an answer");
    let partition = decode::<ProduceRequest>(9, &answer).1.responses[0].partition_responses[0].clone();
    (partition.error_code, partition.base_offset)
}

fn values(cluster: &Cluster) -> Vec<String> {
    let text = |value: bytes::Bytes| String::from_utf8(value.to_vec()).expect("text");
    cluster.records("t", 0).into_iter().map(|record| text(record.value.expect("a value"))).collect()
}

#[test]
fn consecutive_sequences_are_appended_and_kept_in_the_records() {
    let mut cluster = cluster();
    assert_eq!(send(&mut cluster, 0, 0, &["a", "b"]), (0, 0));
    assert_eq!(send(&mut cluster, 0, 2, &["c"]), (0, 2));
    let records = cluster.records("t", 0);
    let seen: Vec<_> = records.iter().map(|r| (r.offset, r.producer_id, r.epoch, r.sequence)).collect();
    assert_eq!(seen, [(0, 7, 0, 0), (1, 7, 0, 1), (2, 7, 0, 2)]);
    assert_eq!(cluster.log("t", 0).producers.last(7), Some((0, 2)));
}

#[test]
fn a_duplicate_of_the_last_five_gets_its_offset_and_is_not_appended() {
    let mut cluster = cluster();
    for sequence in 0..5 {
        assert_eq!(send(&mut cluster, 0, sequence, &["x"]), (0, i64::from(sequence)));
    }
    for sequence in 0..5 {
        assert_eq!(send(&mut cluster, 0, sequence, &["x"]), (0, i64::from(sequence)));
    }
    assert_eq!(cluster.log("t", 0).end_offset(), 5);
}

#[test]
fn a_duplicate_older_than_five_batches_is_out_of_order() {
    let mut cluster = cluster();
    for sequence in 0..6 {
        send(&mut cluster, 0, sequence, &["x"]);
    }
    assert_eq!(send(&mut cluster, 0, 0, &["x"]), (OUT_OF_ORDER_SEQUENCE_NUMBER, -1));
    assert_eq!(send(&mut cluster, 0, 1, &["x"]), (0, 1));
}

#[test]
fn a_batch_that_only_overlaps_a_known_one_is_out_of_order() {
    let mut cluster = cluster();
    send(&mut cluster, 0, 0, &["a", "b"]);
    assert_eq!(send(&mut cluster, 0, 0, &["a"]).0, OUT_OF_ORDER_SEQUENCE_NUMBER);
    assert_eq!(send(&mut cluster, 0, 1, &["b"]).0, OUT_OF_ORDER_SEQUENCE_NUMBER);
    assert_eq!(send(&mut cluster, 0, 0, &["a", "b", "c"]).0, OUT_OF_ORDER_SEQUENCE_NUMBER);
}

#[test]
fn a_gap_is_out_of_order_and_changes_nothing() {
    let mut cluster = cluster();
    send(&mut cluster, 0, 0, &["a"]);
    assert_eq!(send(&mut cluster, 0, 2, &["c"]), (OUT_OF_ORDER_SEQUENCE_NUMBER, -1));
    assert_eq!(send(&mut cluster, 0, 1, &["b"]), (0, 1));
    assert_eq!(values(&cluster), ["a", "b"]);
}

#[test]
fn sequences_wrap_to_zero() {
    let mut cluster = cluster();
    assert_eq!(send(&mut cluster, 0, i32::MAX - 2, &["a"]).0, 0);
    assert_eq!(send(&mut cluster, 0, i32::MAX, &["skips one"]).0, OUT_OF_ORDER_SEQUENCE_NUMBER);
    assert_eq!(send(&mut cluster, 0, i32::MAX - 1, &["b", "c", "d"]), (0, 1), "a batch across the wrap");
    let sequences: Vec<i32> = cluster.records("t", 0).iter().map(|record| record.sequence).collect();
    assert_eq!(sequences, [i32::MAX - 2, i32::MAX - 1, i32::MAX, 0]);
    assert_eq!(send(&mut cluster, 0, i32::MAX - 1, &["b", "c", "d"]), (0, 1), "its duplicate");
    assert_eq!(send(&mut cluster, 0, 1, &["e"]), (0, 4));
    let other = |sequence| From { producer_id: 8, epoch: 0, sequence };
    assert_eq!(send_from(&mut cluster, other(i32::MAX), &["at the end"]), (0, 5));
    assert_eq!(send_from(&mut cluster, other(0), &["then zero"]), (0, 6));
}

#[test]
fn an_older_epoch_is_invalid_even_for_a_batch_that_is_known() {
    let mut cluster = cluster();
    send(&mut cluster, 3, 0, &["a"]);
    send(&mut cluster, 4, 0, &["b"]);
    assert_eq!(send(&mut cluster, 3, 0, &["a"]), (INVALID_PRODUCER_EPOCH, -1));
    assert_eq!(send(&mut cluster, 3, 1, &["c"]), (INVALID_PRODUCER_EPOCH, -1));
}

#[test]
fn a_new_epoch_begins_at_zero() {
    let mut cluster = cluster();
    send(&mut cluster, 0, 0, &["a"]);
    assert_eq!(send(&mut cluster, 1, 1, &["b"]), (OUT_OF_ORDER_SEQUENCE_NUMBER, -1));
    assert_eq!(send(&mut cluster, 1, 0, &["b"]), (0, 1));
    assert_eq!(send(&mut cluster, 0, 1, &["late"]), (INVALID_PRODUCER_EPOCH, -1));
    assert_eq!(send(&mut cluster, 1, 1, &["c"]), (0, 2));
}

#[test]
fn a_new_epochs_first_batch_is_no_duplicate_of_the_old_epochs() {
    let mut cluster = cluster();
    send(&mut cluster, 0, 0, &["a"]);
    assert_eq!(send(&mut cluster, 1, 0, &["a"]), (0, 1));
    assert_eq!(values(&cluster), ["a", "a"]);
}

#[test]
fn an_unknown_producer_sets_its_sequence_on_modern_brokers_only() {
    let mut cluster = cluster();
    assert_eq!(send(&mut cluster, 2, 17, &["a"]), (0, 0));
    assert_eq!(send(&mut cluster, 2, 19, &["c"]).0, OUT_OF_ORDER_SEQUENCE_NUMBER);
    cluster.unknown_producer = UnknownProducer::Refused;
    let other = |sequence| From { producer_id: 8, epoch: 0, sequence };
    assert_eq!(send_from(&mut cluster, other(17), &["b"]), (UNKNOWN_PRODUCER_ID, -1));
    assert_eq!(send_from(&mut cluster, other(0), &["b"]), (0, 1));
}

#[test]
fn a_forgotten_producer_is_unknown_and_its_duplicates_are_appended() {
    let mut cluster = cluster();
    send(&mut cluster, 0, 0, &["a"]);
    cluster.log_mut("t", 0).producers.forget(7);
    assert_eq!(send(&mut cluster, 0, 0, &["a"]), (0, 1));
    assert_eq!(values(&cluster), ["a", "a"]);
}

#[test]
fn each_partition_and_producer_has_its_own_sequence() {
    let mut cluster = cluster();
    send(&mut cluster, 0, 0, &["a"]);
    let request = produce(-1, &[("t", &[(1, batch(From { producer_id: 7, epoch: 0, sequence: 0 }, &["b"]))])]);
    let answer = cluster.handle(1, &frame(1, 9, &request)).expect("an answer");
    assert_eq!(decode::<ProduceRequest>(9, &answer).1.responses[0].partition_responses[0].base_offset, 0);
    assert_eq!(send_from(&mut cluster, From { producer_id: 8, epoch: 0, sequence: 0 }, &["c"]), (0, 1));
    assert_eq!(send_from(&mut cluster, NOBODY, &["d"]), (0, 2));
    assert_eq!(send(&mut cluster, 0, 1, &["e"]), (0, 3));
}

#[test]
fn moving_the_leader_keeps_producer_state() {
    let mut cluster = Cluster::new(2);
    cluster.create_topic("t", 1);
    assert_eq!(send(&mut cluster, 0, 0, &["a"]), (0, 0));
    cluster.move_leader("t", 0, 2);
    cluster.move_leader("t", 0, 1);
    assert_eq!(send(&mut cluster, 0, 0, &["a"]), (0, 0));
    cluster.restart_broker(1);
    cluster.move_leader("t", 0, 1);
    assert_eq!(send(&mut cluster, 0, 0, &["a"]), (0, 0));
    assert_eq!(values(&cluster), ["a"]);
}

#[test]
fn truncation_rolls_back_producer_state() {
    let mut cluster = cluster();
    for sequence in 0..4 {
        send(&mut cluster, 0, sequence, &["x"]);
    }
    cluster.log_mut("t", 0).truncate(2);
    assert_eq!(cluster.log("t", 0).end_offset(), 2);
    assert_eq!(send(&mut cluster, 0, 3, &["x"]).0, OUT_OF_ORDER_SEQUENCE_NUMBER);
    assert_eq!(send(&mut cluster, 0, 1, &["x"]), (0, 1));
    assert_eq!(send(&mut cluster, 0, 2, &["x"]), (0, 2));
}

#[test]
fn deleting_records_keeps_producer_state() {
    let mut cluster = cluster();
    send(&mut cluster, 0, 0, &["a"]);
    send(&mut cluster, 0, 1, &["b"]);
    cluster.log_mut("t", 0).delete_before(2);
    assert!(cluster.records("t", 0).is_empty());
    assert_eq!(send(&mut cluster, 0, 1, &["b"]), (0, 1));
    assert_eq!(send(&mut cluster, 0, 2, &["c"]), (0, 2));
}

#[test]
fn a_producer_id_needs_a_sequence() {
    assert_eq!(send(&mut cluster(), 0, -1, &["a"]).0, INVALID_RECORD);
}
