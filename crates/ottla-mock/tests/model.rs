//! The modelled cluster without sockets: bytes in, bytes out.

use bytes::Bytes;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::produce_request::TopicProduceData;
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{
    ApiVersionsRequest, InitProducerIdRequest, MetadataRequest, MetadataResponse, ProduceRequest, ProduceResponse,
};
use kafka_protocol::protocol::Request;
use kafka_protocol::records::Compression;
use ottla_mock::codes::*;
use ottla_mock::{Api, Cluster, Connection, Fault, On, Reaction, TopicOptions, Versions};
use ottla_testkit::client::{From, NOBODY, batch, batch_with, data, decode, frame, name, produce, text, with_length};

fn call<R: Request>(cluster: &mut Cluster, broker: i32, version: i16, request: &R) -> Option<R::Response> {
    cluster.handle(broker, &frame(5, version, request)).map(|answer| decode::<R>(version, &answer).1)
}

fn metadata(cluster: &mut Cluster, version: i16, topics: &[&str]) -> MetadataResponse {
    let topics = topics.iter().map(|topic| MetadataRequestTopic::default().with_name(Some(name(topic)))).collect();
    call(cluster, 1, version, &MetadataRequest::default().with_topics(Some(topics))).expect("an answer")
}

fn topic(cluster: &mut Cluster, version: i16, name: &str) -> MetadataResponseTopic {
    metadata(cluster, version, &[name]).topics.remove(0)
}

/// Produces to partition 0 of topic t on broker 1.
fn one(cluster: &mut Cluster, acks: i16, records: Bytes) -> PartitionProduceResponse {
    let answer: ProduceResponse = call(cluster, 1, 9, &produce(acks, &[("t", &[(0, records)])])).expect("an answer");
    answer.responses[0].partition_responses[0].clone()
}

fn with_topic(options: TopicOptions) -> Cluster {
    let mut cluster = Cluster::new(3);
    cluster.create_topic_with("t", options);
    cluster
}

/// A batch with some bytes changed and its CRC corrected.
fn altered(batch: &Bytes, at: usize, bytes: &[u8]) -> Bytes {
    let mut altered = batch.to_vec();
    altered[at..at + bytes.len()].copy_from_slice(bytes);
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &altered[21..]) as u32;
    altered[17..21].copy_from_slice(&crc.to_be_bytes());
    altered.into()
}

#[test]
fn every_version_of_every_api_is_answered_to_the_last_byte() {
    let mut cluster = Cluster::new(3);
    let id = cluster.create_topic("t", 2);
    cluster.features.insert("transaction.version".into(), 2);
    for version in 0..=4 {
        let mut request = ApiVersionsRequest::default();
        if version >= 3 {
            request = request.with_client_software_name(text("x")).with_client_software_version(text("1"));
        }
        let answer = call(&mut cluster, 1, version, &request).expect("an answer");
        assert_eq!((answer.error_code, answer.api_keys.len()), (0, 10));
        assert_eq!(answer.finalized_features.len(), usize::from(version >= 3));
    }
    for version in 0..=13 {
        let answer = topic(&mut cluster, version, "t");
        assert_eq!((answer.error_code, answer.partitions.len()), (0, 2));
        assert_eq!(answer.topic_id == id, version >= 10);
        assert_eq!(answer.partitions[1].leader_id.0, 2);
        assert_eq!(answer.partitions[1].leader_epoch, if version >= 7 { 0 } else { -1 });
    }
    for version in 0..=5 {
        let answer = call(&mut cluster, 1, version, &InitProducerIdRequest::default().with_transactional_id(None))
            .expect("an answer");
        assert_eq!((answer.error_code, answer.producer_id.0, answer.producer_epoch), (0, 1000 + i64::from(version), 0));
    }
    for version in 3..=12 {
        let request = produce(-1, &[("t", &[(0, batch(NOBODY, &["a", "b"]))])]);
        let answer = call(&mut cluster, 1, version, &request).expect("an answer");
        let partition = &answer.responses[0].partition_responses[0];
        assert_eq!((partition.error_code, partition.base_offset), (0, i64::from(version - 3) * 2));
        // Error responses have more fields, which not every version of the protocol has.
        let answer = call(&mut cluster, 3, version, &request).expect("an answer");
        assert_eq!(answer.responses[0].partition_responses[0].error_code, NOT_LEADER_OR_FOLLOWER);
        assert_eq!(answer.node_endpoints.len(), usize::from(version >= 10));
    }
}

#[test]
fn records_come_out_as_they_went_in_with_every_codec() {
    let mut cluster = with_topic(TopicOptions::default());
    let codecs = [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];
    for codec in codecs {
        assert_eq!(one(&mut cluster, -1, batch_with(NOBODY, &["a", "b"], codec)).error_code, 0);
    }
    let records = cluster.records("t", 0);
    assert_eq!(records.len(), 10);
    for (offset, record) in records.iter().enumerate() {
        assert_eq!(record.offset, offset as i64);
        assert_eq!(record.timestamp, 1_700_000_000_000 + offset as i64 % 2);
        assert_eq!(record.key, Some(Bytes::from(format!("key-{}", offset % 2))));
        assert_eq!(record.value, Some(Bytes::from(["a", "b"][offset % 2])));
        assert_eq!(record.headers, [("h".to_owned(), None)]);
        assert_eq!((record.producer_id, record.epoch, record.sequence), (-1, -1, -1));
    }
}

#[test]
fn repeated_headers_null_and_empty_and_negative_deltas_are_distinguished() {
    // Encoded by hand: null key, empty value, headers a=1, a=null; then an empty key, null value, one millisecond
    // earlier.
    let records: [&[u8]; 2] = [&[0, 0, 0, 1, 0, 4, 2, b'a', 2, b'1', 2, b'a', 1], &[0, 1, 2, 0, 1, 0]];
    let mut bytes = batch(NOBODY, &["", ""])[..61].to_vec();
    for record in records {
        bytes.push(record.len() as u8 * 2);
        bytes.extend_from_slice(record);
    }
    let length = (bytes.len() - 12) as u32;
    let bytes = altered(&bytes.into(), 8, &length.to_be_bytes());
    let mut cluster = with_topic(TopicOptions::default());
    assert_eq!(one(&mut cluster, 1, bytes).error_code, 0);
    let records = cluster.records("t", 0);
    assert_eq!((records[0].key.clone(), records[0].value.clone()), (None, Some(Bytes::new())));
    assert_eq!(records[0].headers, [("a".to_owned(), Some(Bytes::from("1"))), ("a".to_owned(), None)]);
    assert_eq!((records[1].key.clone(), records[1].value.clone()), (Some(Bytes::new()), None));
    assert_eq!(records[1].timestamp, records[0].timestamp - 1);
}

#[test]
fn damaged_and_dishonest_batches_are_refused() {
    let good = batch(NOBODY, &["a", "b"]);
    let mut flipped = good.to_vec();
    *flipped.last_mut().expect("not empty") ^= 1;
    let two = Bytes::from([&good[..], &good[..]].concat());
    for (what, records, code) in [
        ("a flipped bit", flipped.into(), CORRUPT_MESSAGE),
        ("a length below the header's", altered(&good, 8, &[0, 0, 0, 1]), CORRUPT_MESSAGE),
        ("no batch", Bytes::new(), INVALID_RECORD),
        ("two batches", two, INVALID_RECORD),
        ("a cut batch", good.slice(..good.len() - 1), INVALID_RECORD),
        ("a length below this format's header's", altered(&good, 8, &[0, 0, 0, 20]), CORRUPT_MESSAGE),
        ("a format from the future", altered(&good, 16, &[3]), CORRUPT_MESSAGE),
        ("an old format", altered(&good, 16, &[1]), INVALID_RECORD),
        ("a base offset", altered(&good, 7, &[1]), INVALID_RECORD),
        ("a count that the offsets don't bear out", altered(&good, 60, &[1]), INVALID_RECORD),
        ("a last offset that the count doesn't bear out", altered(&good, 26, &[7]), INVALID_RECORD),
        ("fewer records than told", altered(&altered(&good, 60, &[3]), 26, &[2]), INVALID_RECORD),
        ("more records than told", altered(&altered(&good, 60, &[1]), 26, &[0]), INVALID_RECORD),
        ("no record", altered(&altered(&good, 57, &[0, 0, 0, 0]), 23, &[255, 255, 255, 255]), INVALID_RECORD),
        ("a control batch", altered(&good, 22, &[0x20]), INVALID_RECORD),
        ("an unknown codec", altered(&good, 22, &[5]), UNSUPPORTED_COMPRESSION_TYPE),
    ] {
        let mut cluster = with_topic(TopicOptions::default());
        let answer = one(&mut cluster, -1, records);
        assert_eq!((answer.error_code, answer.base_offset), (code, -1), "{what}");
        assert!(cluster.records("t", 0).is_empty(), "{what}");
    }
}

#[test]
fn zstd_needs_version_7() {
    let mut cluster = with_topic(TopicOptions::default());
    let request = produce(1, &[("t", &[(0, batch_with(NOBODY, &["a"], Compression::Zstd))])]);
    for (version, code) in [(6, UNSUPPORTED_COMPRESSION_TYPE), (7, NONE)] {
        let answer = call(&mut cluster, 1, version, &request).expect("an answer");
        assert_eq!(answer.responses[0].partition_responses[0].error_code, code);
    }
}

#[test]
fn batches_over_the_topics_limit_are_too_large() {
    let records = batch(NOBODY, &["0123456789"]);
    let mut cluster = with_topic(TopicOptions { max_message_bytes: records.len(), ..TopicOptions::default() });
    assert_eq!(one(&mut cluster, 1, records).error_code, 0);
    assert_eq!(one(&mut cluster, 1, batch(NOBODY, &["0123456789a"])).error_code, MESSAGE_TOO_LARGE);
}

#[test]
fn timestamps_out_of_bounds_blame_their_records() {
    let mut cluster = with_topic(TopicOptions {
        timestamp_before_max_ms: Some(10),
        timestamp_after_max_ms: Some(10),
        ..TopicOptions::default()
    });
    // The records' times are T and T+1.
    for (now, blamed) in [(10, vec![]), (11, vec![0]), (12, vec![0, 1]), (-9, vec![]), (-10, vec![1])] {
        cluster.now_ms = 1_700_000_000_000 + now;
        let answer = one(&mut cluster, 1, batch(NOBODY, &["a", "b"]));
        let errors: Vec<i32> = answer.record_errors.iter().map(|error| error.batch_index).collect();
        assert_eq!((answer.error_code == INVALID_TIMESTAMP, errors), (!blamed.is_empty(), blamed), "now {now}");
    }
}

#[test]
fn compacted_topics_need_keys() {
    let mut cluster = with_topic(TopicOptions { compacted: true, ..TopicOptions::default() });
    assert_eq!(one(&mut cluster, 1, batch(NOBODY, &["a"])).error_code, 0);
    let mut keyless = batch(NOBODY, &[""])[..61].to_vec();
    keyless.extend_from_slice(&[12, 0, 0, 0, 1, 0, 0]);
    let length = (keyless.len() - 12) as u32;
    let answer = one(&mut cluster, 1, altered(&keyless.into(), 8, &length.to_be_bytes()));
    assert_eq!((answer.error_code, answer.record_errors[0].batch_index), (INVALID_RECORD, 0));
}

#[test]
fn append_time_is_the_brokers_also_for_a_duplicate() {
    let mut cluster = with_topic(TopicOptions { log_append_time: true, ..TopicOptions::default() });
    cluster.now_ms = 99;
    let records = batch(From { producer_id: 7, epoch: 0, sequence: 0 }, &["a"]);
    assert_eq!(one(&mut cluster, 1, records.clone()).log_append_time_ms, 99);
    cluster.now_ms = 100;
    assert_eq!(one(&mut cluster, 1, records).log_append_time_ms, 99);
    assert_eq!(cluster.records("t", 0)[0].timestamp, 99);
}

#[test]
fn acks_are_0_1_or_all_and_all_heeds_the_isr() {
    let mut cluster = with_topic(TopicOptions { min_insync_replicas: 2, ..TopicOptions::default() });
    cluster.set_isr("t", 0, &[1]);
    assert_eq!(one(&mut cluster, -1, batch(NOBODY, &["a"])).error_code, NOT_ENOUGH_REPLICAS);
    cluster.set_isr("t", 0, &[1, 2]);
    assert_eq!(one(&mut cluster, -1, batch(NOBODY, &["b"])).error_code, 0);
    cluster.set_isr("t", 0, &[1]);
    assert_eq!(one(&mut cluster, 1, batch(NOBODY, &["b"])).error_code, 0);
    assert_eq!(one(&mut cluster, 2, batch(NOBODY, &["c"])).error_code, INVALID_REQUIRED_ACKS);
    let silent = frame(1, 9, &produce(0, &[("t", &[(0, batch(NOBODY, &["d"]))])]));
    assert_eq!(cluster.react(1, &silent), Reaction::default());
    assert_eq!(cluster.log("t", 0).end_offset(), 3);
    // A failure with acks 0 can only be reported by closing the connection.
    let lost = frame(1, 9, &produce(0, &[("t", &[(9, batch(NOBODY, &["d"]))])]));
    assert!(cluster.react(1, &lost).close);
}

#[test]
fn unknown_partitions_and_other_leaders_are_reported() {
    let mut cluster = Cluster::new(3);
    cluster.create_topic("t", 3);
    let parts: Vec<(i32, Bytes)> = (0..4).map(|index| (index, batch(NOBODY, &["a"]))).collect();
    let answer = call(&mut cluster, 2, 10, &produce(1, &[("t", &parts), ("no", &parts[..1])])).expect("an answer");
    let errors: Vec<i16> = answer.responses.iter().flat_map(|t| &t.partition_responses).map(|p| p.error_code).collect();
    assert_eq!(
        errors,
        [NOT_LEADER_OR_FOLLOWER, NONE, NOT_LEADER_OR_FOLLOWER, UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_OR_PARTITION]
    );
    cluster.move_leader("t", 1, 3);
    let answer = call(&mut cluster, 2, 10, &produce(1, &[("t", &parts[1..2])])).expect("an answer");
    let leader = &answer.responses[0].partition_responses[0].current_leader;
    assert_eq!((leader.leader_id.0, leader.leader_epoch), (3, 1));
    assert_eq!((answer.node_endpoints[0].node_id.0, answer.node_endpoints[0].port), (3, 9095));
}

#[test]
fn topic_ids_follow_the_topic_not_its_name() {
    let mut cluster = Cluster::new(1);
    let old = cluster.create_topic("t", 1);
    let send = |cluster: &mut Cluster, id| {
        let topic =
            TopicProduceData::default().with_topic_id(id).with_partition_data(data(&[(0, batch(NOBODY, &["a"]))]));
        let request = ProduceRequest::default().with_acks(1).with_topic_data(vec![topic]);
        let answer = call(cluster, 1, 13, &request).expect("an answer");
        assert_eq!(answer.responses[0].topic_id, id);
        answer.responses[0].partition_responses[0].error_code
    };
    assert_eq!(send(&mut cluster, old), 0);
    let new = cluster.recreate_topic("t");
    assert_ne!(old, new);
    assert!(cluster.records("t", 0).is_empty());
    assert_eq!((send(&mut cluster, old), send(&mut cluster, new)), (100, 0));
    assert_eq!(cluster.requests().last().expect("a request").partitions[0].topic, "t");
    let by_id = |id| MetadataRequestTopic::default().with_topic_id(id).with_name(None);
    let request = MetadataRequest::default().with_topics(Some(vec![by_id(new), by_id(old)]));
    let answer = call(&mut cluster, 1, 12, &request).expect("an answer");
    assert_eq!((answer.topics[0].error_code, answer.topics[0].name.clone()), (0, Some(name("t"))));
    assert_eq!((answer.topics[1].error_code, answer.topics[1].name.clone()), (UNKNOWN_TOPIC_ID, None));
}

#[test]
fn metadata_reports_all_none_unknown_illegal_and_auto_created_topics() {
    let mut cluster = Cluster::new(1);
    cluster.create_topic("a", 1);
    cluster.create_topic("b", 1);
    let ask = |cluster: &mut Cluster, version, topics| {
        let request = MetadataRequest::default().with_topics(topics);
        call(cluster, 1, version, &request).expect("an answer").topics.len()
    };
    assert_eq!((ask(&mut cluster, 0, Some(vec![])), ask(&mut cluster, 1, Some(vec![]))), (2, 0));
    assert_eq!(ask(&mut cluster, 9, None), 2);
    assert_eq!(topic(&mut cluster, 9, "new").error_code, UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(topic(&mut cluster, 9, "not legal").error_code, INVALID_TOPIC_EXCEPTION);
    assert_eq!(topic(&mut cluster, 9, "new").error_code, UNKNOWN_TOPIC_OR_PARTITION);
    cluster.auto_create = Some(TopicOptions { partitions: 4, ..TopicOptions::default() });
    let quiet = MetadataRequestTopic::default().with_name(Some(name("quiet")));
    let quiet = MetadataRequest::default().with_topics(Some(vec![quiet])).with_allow_auto_topic_creation(false);
    for _ in 0..2 {
        assert_eq!(
            call(&mut cluster, 1, 9, &quiet).expect("an answer").topics[0].error_code,
            UNKNOWN_TOPIC_OR_PARTITION
        );
    }
    assert_eq!(topic(&mut cluster, 9, "new").error_code, UNKNOWN_TOPIC_OR_PARTITION, "the answer that makes it");
    assert_eq!(topic(&mut cluster, 9, "new").partitions.len(), 4);
}

#[test]
fn partitions_grow_leaders_go_and_held_metadata_is_stale() {
    let mut cluster = Cluster::new(2);
    cluster.create_topic("t", 1);
    cluster.hold_metadata();
    cluster.add_partitions("t", 3);
    cluster.remove_leader("t", 0);
    assert_eq!(topic(&mut cluster, 9, "t").partitions.len(), 1);
    assert_eq!(topic(&mut cluster, 9, "t").partitions[0].leader_id.0, 1);
    cluster.release_metadata();
    let answer = topic(&mut cluster, 9, "t");
    assert_eq!(answer.partitions.len(), 3);
    assert_eq!((answer.partitions[0].error_code, answer.partitions[0].leader_id.0), (LEADER_NOT_AVAILABLE, -1));
    assert_eq!(one(&mut cluster, 1, batch(NOBODY, &["a"])).error_code, NOT_LEADER_OR_FOLLOWER);
}

#[test]
fn a_stopped_broker_hands_over_and_comes_back_in_sync() {
    let mut cluster = Cluster::new(2);
    cluster.create_topic("t", 1);
    assert_eq!(one(&mut cluster, -1, batch(NOBODY, &["a"])).error_code, 0);
    cluster.stop_broker(1);
    assert!(cluster.react(1, &frame(1, 9, &produce(1, &[]))).close);
    assert_eq!((cluster.leader("t", 0), cluster.leader_epoch("t", 0)), (Some(2), 1));
    cluster.stop_broker(2);
    assert_eq!(cluster.leader("t", 0), None);
    cluster.start_broker(1);
    assert_eq!(cluster.leader("t", 0), None, "it is not in sync");
    cluster.start_broker(2);
    assert_eq!(cluster.leader("t", 0), Some(2));
    assert_eq!(topic(&mut cluster, 9, "t").partitions[0].isr_nodes.len(), 2, "broker 1 has caught up");
    cluster.restart_broker(2);
    assert_eq!((cluster.leader("t", 0), cluster.leader_epoch("t", 0)), (Some(1), 4));
    assert_eq!(topic(&mut cluster, 9, "t").partitions[0].isr_nodes.len(), 2);
    assert_eq!(cluster.records("t", 0).len(), 1);
}

#[test]
fn an_old_broker_rejects_newer_versions() {
    let mut cluster = Cluster::new(2);
    cluster.create_topic("t", 1);
    cluster.set_versions(Versions::kafka_2_1());
    let mut request = frame(1, 3, &ApiVersionsRequest::default());
    let reaction = cluster.react(1, &request);
    let (_, answer) = decode::<ApiVersionsRequest>(0, &reaction.bytes[4..]);
    assert_eq!((answer.error_code, answer.api_keys.len(), reaction.close), (UNSUPPORTED_VERSION, 0, false));
    let answer = call(&mut cluster, 1, 2, &ApiVersionsRequest::default()).expect("an answer");
    let ranges: Vec<_> = answer.api_keys.iter().map(|api| (api.api_key, api.max_version)).collect();
    let expected = [(0, 7), (1, 10), (3, 7), (10, 2), (18, 2), (22, 1), (24, 1), (25, 1), (26, 1), (28, 2)];
    assert_eq!(ranges, expected);
    assert!(cluster.react(1, &frame(1, 8, &produce(1, &[]))).close);
    cluster.set_broker_versions(1, Versions::kafka_4_3().without(Api::InitProducerId).with(Api::Produce, 0..=8));
    assert!(!cluster.react(1, &frame(1, 8, &produce(1, &[]))).close);
    assert!(cluster.react(1, &frame(1, 0, &InitProducerIdRequest::default())).close);
    assert!(!cluster.react(2, &frame(1, 0, &InitProducerIdRequest::default())).close);
    request[3] = 77; // a version of ApiVersions that does not exist yet
    let answer = decode::<ApiVersionsRequest>(0, &cluster.react(1, &request).bytes[4..]).1;
    assert_eq!((answer.api_keys[0].api_key, answer.api_keys[0].max_version), (18, 4));
}

#[test]
fn faults_come_from_scripts_first_then_from_the_hook() {
    let mut cluster = Cluster::new(1);
    cluster.create_topic("t", 2);
    cluster.script(Api::Produce, [Fault::None, Fault::Error(REQUEST_TIMED_OUT, On::All)]);
    cluster.on_request(|request| match request.api {
        Api::Produce => Fault::Error(request.partitions[0].records as i16, On::All),
        _ => Fault::None,
    });
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(one(&mut cluster, 1, batch(NOBODY, &["a", "b"])).error_code);
    }
    cluster.clear_faults();
    codes.push(one(&mut cluster, 1, batch(NOBODY, &["a", "b"])).error_code);
    assert_eq!(codes, [NONE, REQUEST_TIMED_OUT, CORRUPT_MESSAGE, NONE]);
    assert_eq!(cluster.records("t", 0).len(), 4);
}

#[test]
fn faults_reach_the_partition_they_name() {
    let mut cluster = Cluster::new(1);
    cluster.create_topic("t", 3);
    let parts: Vec<(i32, Bytes)> = (0..3).map(|index| (index, batch(NOBODY, &["a"]))).collect();
    cluster.script(
        Api::Produce,
        [Fault::Many(vec![
            Fault::Error(UNKNOWN_SERVER_ERROR, On::partition("t", 0)),
            Fault::ErrorAfter(NOT_ENOUGH_REPLICAS_AFTER_APPEND, On::partition("t", 1)),
            Fault::Throttle(9),
        ])],
    );
    let answer = call(&mut cluster, 1, 9, &produce(-1, &[("t", &parts)])).expect("an answer");
    let errors: Vec<i16> = answer.responses[0].partition_responses.iter().map(|p| p.error_code).collect();
    assert_eq!(
        (errors, answer.throttle_time_ms),
        (vec![UNKNOWN_SERVER_ERROR, NOT_ENOUGH_REPLICAS_AFTER_APPEND, NONE], 9)
    );
    let ends: Vec<i64> = (0..3).map(|index| cluster.log("t", index).end_offset()).collect();
    assert_eq!(ends, [0, 1, 1]);
}

#[test]
fn not_leader_comes_with_and_without_the_hint() {
    let mut cluster = with_topic(TopicOptions::default());
    for hint in [true, false] {
        cluster.script(Api::Produce, [Fault::NotLeader { hint, on: On::Topic("t".into()) }]);
        let answer =
            call(&mut cluster, 1, 12, &produce(1, &[("t", &[(0, batch(NOBODY, &["a"]))])])).expect("an answer");
        let partition = &answer.responses[0].partition_responses[0];
        assert_eq!(
            (partition.error_code, partition.current_leader.leader_id.0),
            (NOT_LEADER_OR_FOLLOWER, if hint { 1 } else { -1 })
        );
        assert_eq!(answer.node_endpoints.len(), usize::from(hint));
    }
    assert!(cluster.records("t", 0).is_empty());
}

#[test]
fn transport_faults_say_what_to_do_and_whether_it_was_appended() {
    let close = Reaction { close: true, ..Reaction::default() };
    let stall = Reaction { stall: true, ..Reaction::default() };
    for (fault, expected, appended) in [
        (Fault::DropBefore, close.clone(), false),
        (Fault::DropAfter, close.clone(), true),
        (Fault::NeverAnswer { handled: false }, stall.clone(), false),
        (Fault::NeverAnswer { handled: true }, stall, true),
        (Fault::Garbage(vec![1, 2]), Reaction { bytes: vec![1, 2], ..Reaction::default() }, true),
    ] {
        let mut cluster = with_topic(TopicOptions::default());
        cluster.script(Api::Produce, [fault.clone()]);
        let request = frame(1, 9, &produce(1, &[("t", &[(0, batch(NOBODY, &["a"]))])]));
        assert_eq!(cluster.react(1, &request), expected, "{fault:?}");
        assert_eq!(cluster.records("t", 0).len(), usize::from(appended), "{fault:?}");
    }
    let mut cluster = with_topic(TopicOptions::default());
    let request = frame(1, 9, &produce(1, &[("t", &[(0, batch(NOBODY, &["a"]))])]));
    let whole = cluster.react(1, &request).bytes;
    cluster.script(Api::Produce, [Fault::Many(vec![Fault::Truncate(9), Fault::Delay(30)])]);
    let cut = cluster.react(1, &request);
    assert_eq!((cut.bytes.len(), cut.close, cut.delay_ms), (9, true, 30));
    assert_eq!(cut.bytes, whole[..9]);
}

#[test]
fn metadata_and_producer_id_requests_can_fail_too() {
    let mut cluster = with_topic(TopicOptions::default());
    cluster.script(
        Api::Metadata,
        [
            Fault::Error(REBOOTSTRAP_REQUIRED, On::All),
            Fault::Error(TOPIC_AUTHORIZATION_FAILED, On::Topic("t".into())),
            Fault::Error(LEADER_NOT_AVAILABLE, On::All),
        ],
    );
    let rebootstrap = metadata(&mut cluster, 13, &["t"]);
    assert_eq!(
        (rebootstrap.error_code, rebootstrap.topics.len(), rebootstrap.brokers.len()),
        (REBOOTSTRAP_REQUIRED, 0, 0)
    );
    let refused = metadata(&mut cluster, 13, &["t"]);
    assert_eq!((refused.error_code, refused.topics[0].error_code), (0, TOPIC_AUTHORIZATION_FAILED));
    assert_eq!(metadata(&mut cluster, 9, &["t"]).topics[0].error_code, LEADER_NOT_AVAILABLE);
    assert_eq!(metadata(&mut cluster, 9, &["t"]).topics[0].error_code, 0);
    cluster.script(Api::InitProducerId, [Fault::Error(COORDINATOR_NOT_AVAILABLE, On::All)]);
    cluster.move_coordinator("x", 3);
    let mut codes = Vec::new();
    for transactional_id in [None, None, Some("x")] {
        let request =
            InitProducerIdRequest::default().with_transactional_id(transactional_id.map(|id| text(id).into()));
        let answer = call(&mut cluster, 1, 4, &request).expect("an answer");
        codes.push((answer.error_code, answer.producer_id.0));
    }
    assert_eq!(codes, [(COORDINATOR_NOT_AVAILABLE, -1), (NONE, 1000), (NOT_COORDINATOR, -1)]);
}

#[test]
fn the_request_log_has_every_request() {
    let mut cluster = with_topic(TopicOptions { partitions: 2, ..TopicOptions::default() });
    one(&mut cluster, -1, batch(From { producer_id: 7, epoch: 1, sequence: 0 }, &["a", "b"]));
    metadata(&mut cluster, 9, &["t"]);
    let produced = cluster.requests_of(Api::Produce);
    assert_eq!((cluster.requests().len(), produced.len()), (2, 1));
    assert_eq!((produced[0].version, produced[0].correlation, produced[0].acks), (9, 5, Some(-1)));
    let part = &produced[0].partitions[0];
    assert_eq!((part.topic.as_str(), part.partition, part.records), ("t", 0, 2));
    assert_eq!((part.producer_id, part.producer_epoch, part.base_sequence), (7, 1, 0));
    cluster.clear_requests();
    assert!(cluster.requests().is_empty());
}

#[test]
fn a_connection_takes_bytes_cut_anywhere_and_ends_at_a_closing_fault() {
    let stream: Vec<u8> =
        (0..4).flat_map(|n| with_length(&frame(n, 9, &produce(1, &[("t", &[(0, batch(NOBODY, &["a"]))])])))).collect();
    for piece in [1, 2, 5, 77, 1000] {
        let mut cluster = with_topic(TopicOptions::default());
        cluster.script(Api::Produce, [Fault::None, Fault::None, Fault::DropAfter]);
        let mut connection = Connection::new(1);
        let mut reactions = Vec::new();
        for bytes in stream.chunks(piece) {
            reactions.extend(connection.receive(&mut cluster, bytes));
        }
        let closes: Vec<bool> = reactions.iter().map(|reaction| reaction.close).collect();
        assert_eq!(closes, [false, false, true]);
        assert_eq!(cluster.records("t", 0).len(), 3);
    }
    let mut cluster = Cluster::new(1);
    assert!(Connection::new(1).receive(&mut cluster, &[0xff; 4])[0].close);
    assert!(Connection::new(1).receive(&mut cluster, &[0, 0, 0, 2, 0, 0])[0].close);
    let mut trailing = frame(1, 9, &produce(1, &[]));
    trailing.push(0);
    assert!(cluster.react(1, &trailing).close);
}
