//! Every version of Produce, checked against an independent implementation of the protocol (the oracle).

use bytes::Bytes;
use kafka_protocol::messages as oracle;
use kafka_protocol::messages::produce_response as parts;
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use kafka_protocol::records::RecordBatchDecoder;
use ottla_core::protocol::api::ApiKey;
use ottla_core::protocol::produce::{self, CurrentLeader, NodeEndpoint, PartitionResponse, RecordError, TopicRef};
use ottla_core::protocol::record_batch::{self, BatchHeader, HEADER_LEN, attributes};
use ottla_core::protocol::wire::Reader;
use ottla_core::protocol::{LeaderEpoch, TopicId};
use ottla_core::record::Header;
use uuid::Uuid;

/// Timestamp delta, key, value and headers.
type Fields<'a> = (i64, Option<&'a [u8]>, Option<&'a [u8]>, &'a [Header<'a>]);

/// A batch of three records, as one piece.
fn batch() -> Vec<u8> {
    let headers = [Header { name: b"name", value: Some(b"x") }, Header { name: b"none", value: None }];
    let records: [Fields<'_>; 3] = [
        (0, Some(b"key"), Some(b"value"), &headers),
        (-5, None, Some(&[1; 300]), &[]),
        (70, Some(b""), None, &headers[..1]),
    ];
    let mut bytes = vec![0; HEADER_LEN];
    for (index, &(delta, key, value, headers)) in records.iter().enumerate() {
        let index = index as i32;
        let len = record_batch::record_len(delta, index, key.map(<[u8]>::len), value.map(<[u8]>::len), headers);
        let at = bytes.len();
        bytes.resize(at + record_batch::record_len_with_prefix(len), 0);
        record_batch::write_record(&mut bytes[at..], len, delta, index, key, value, headers);
    }
    let (header, records) = bytes.split_first_chunk_mut::<HEADER_LEN>().unwrap();
    BatchHeader {
        length: (record_batch::HEADER_LEN_AFTER_LENGTH + records.len()) as i32,
        attributes: attributes::TRANSACTIONAL,
        last_offset_delta: 2,
        base_timestamp: 1_700_000_000_000,
        max_timestamp: 1_700_000_000_070,
        producer_id: 9,
        producer_epoch: 2,
        base_sequence: 100,
        record_count: 3,
        ..BatchHeader::default()
    }
    .write(header);
    let crc = record_batch::crc32c(header, [&records[..10], &records[10..]]);
    record_batch::set_crc(header, crc);
    bytes
}

#[test]
fn a_batch_is_read_by_the_oracle() {
    let set = RecordBatchDecoder::decode(&mut Bytes::from(batch())).expect("its checksum and records are right");
    let seen: Vec<_> = set
        .records
        .iter()
        .map(|record| (record.timestamp - 1_700_000_000_000, record.offset, record.sequence, record.headers.len()))
        .collect();
    assert_eq!(seen, [(0, 0, 100, 2), (-5, 1, 101, 0), (70, 2, 102, 1)]);
    let payloads: Vec<_> = set.records.iter().map(|record| (record.key.as_deref(), record.value.as_deref())).collect();
    assert_eq!(payloads, [(Some(&b"key"[..]), Some(&b"value"[..])), (None, Some(&[1; 300][..])), (Some(b""), None)]);
    assert!(set.records.iter().all(|record| record.transactional && record.producer_id == 9));
    assert_eq!(set.records[0].headers[&b"none"[..]], None);
    assert_eq!(set.records[0].headers[&b"name"[..]].as_deref(), Some(&b"x"[..]));
}

/// A request with two topics and three partitions. The batches are inside the frame, or separate (`separate`).
fn request(version: i16, transactional_id: Option<&str>, batch: &[u8], separate: bool) -> (Vec<u8>, Vec<usize>) {
    let mut out = vec![0xab];
    let mut cuts = Vec::new();
    let start = produce::begin_request(&mut out, version, 42, Some("me"), transactional_id, -1, 30_000, 2);
    for (name, id, partitions) in [("one", [1; 16], &[0, 5][..]), ("two", [2; 16], &[7][..])] {
        produce::begin_topic(&mut out, version, name, TopicId::of_field(id), partitions.len());
        for &index in partitions {
            produce::begin_partition(&mut out, version, index, batch.len());
            cuts.push(out.len());
            if !separate {
                out.extend_from_slice(batch);
            }
            produce::end_partition(&mut out, version);
        }
        produce::end_topic(&mut out, version);
    }
    let extra_bytes = if separate { 3 * batch.len() } else { 0 };
    produce::end_request(&mut out, version, start, extra_bytes).unwrap();
    (out, cuts)
}

#[test]
fn requests_are_understood_in_every_version() {
    let batch = batch();
    for version in 3..=13 {
        for transactional_id in [None, Some("tx")] {
            let (out, _) = request(version, transactional_id, &batch, false);
            assert_eq!(out[0], 0xab);
            let mut frame = Bytes::copy_from_slice(&out[5..]);
            assert_eq!(out[1..5], (frame.len() as i32).to_be_bytes());
            let header_version = oracle::ApiKey::Produce.request_header_version(version);
            let header = oracle::RequestHeader::decode(&mut frame, header_version).unwrap();
            assert_eq!((header.request_api_key, header.request_api_version), (0, version));
            assert_eq!((header.correlation_id, header.client_id.as_deref()), (42, Some("me")));
            let read = oracle::ProduceRequest::decode(&mut frame, version).unwrap();
            assert!(frame.is_empty(), "version {version}");
            assert_eq!(read.transactional_id.as_ref().map(|id| &***id), transactional_id);
            assert_eq!((read.acks, read.timeout_ms), (-1, 30_000));
            let by_id = version >= 13;
            let topics: Vec<_> =
                read.topic_data.iter().map(|topic| (&**topic.name, *topic.topic_id.as_bytes())).collect();
            let expected = if by_id { [("", [1; 16]), ("", [2; 16])] } else { [("one", [0; 16]), ("two", [0; 16])] };
            assert_eq!(topics, expected);
            let partitions: Vec<_> = read.topic_data.iter().flat_map(|topic| &topic.partition_data).collect();
            assert_eq!(partitions.iter().map(|partition| partition.index).collect::<Vec<_>>(), [0, 5, 7]);
            assert!(partitions.iter().all(|partition| partition.records.as_deref() == Some(&batch)));
        }
    }
}

#[test]
fn batches_outside_the_frame_are_counted_in_its_length() {
    let batch = batch();
    for version in 3..=13 {
        let (whole, _) = request(version, None, &batch, false);
        let (framing, cuts) = request(version, None, &batch, true);
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.extend_from_slice(&framing[from..cut]);
            pieces.extend_from_slice(&batch);
            from = cut;
        }
        pieces.extend_from_slice(&framing[from..]);
        assert_eq!(pieces, whole, "version {version}");
    }
}

#[test]
fn the_framing_has_kafkas_bytes() {
    let request = |version, id: &str| {
        let mut out = Vec::new();
        let start = produce::begin_request(&mut out, version, 1, Some("c"), None, 1, 256, 1);
        produce::begin_topic(&mut out, version, id, TopicId::of_field([0xcc; 16]), 1);
        produce::begin_partition(&mut out, version, 2, 200);
        produce::end_partition(&mut out, version);
        produce::end_topic(&mut out, version);
        produce::end_request(&mut out, version, start, 200).unwrap();
        out
    };
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let v7 = "000000ee 0000 0007 00000001 000163 ffff 0001 00000100 00000001 000174 00000001 00000002 000000c8";
    assert_eq!(hex(request(7, "t")), v7.replace(' ', ""));
    let v12 = "000000e8 0000 000c 00000001 000163 00 00 0001 00000100 02 0274 02 00000002 c901 00 00 00";
    assert_eq!(hex(request(12, "t")), v12.replace(' ', ""));
    let v13 = format!(
        "000000f6 0000 000d 00000001 000163 00 00 0001 00000100 02 {} 02 00000002 c901 00 00 00",
        "cc".repeat(16)
    );
    assert_eq!(hex(request(13, "t")), v13.replace(' ', ""));
}

/// The fields of a partition that can be compared.
type Seen = (TopicRef<'static>, i32, i16, [i64; 3], Vec<(i32, Option<String>)>, Option<String>, Option<CurrentLeader>);

fn seen(partition: PartitionResponse<'_>) -> Seen {
    let topic = match partition.topic {
        TopicRef::Name(name) => TopicRef::Name(name.to_owned().leak()),
        TopicRef::Id(id) => TopicRef::Id(id),
    };
    let owned = |RecordError { batch_index, message }: RecordError<'_>| (batch_index, message.map(str::to_owned));
    (
        topic,
        partition.index,
        partition.error_code,
        [partition.base_offset, partition.log_append_time_ms, partition.log_start_offset],
        partition.record_errors.map(owned).collect(),
        partition.error_message.map(str::to_owned),
        partition.current_leader,
    )
}

fn response(version: i16) -> oracle::ProduceResponse {
    let text = StrBytes::from_static_str;
    let mut refused = parts::PartitionProduceResponse::default()
        .with_index(4)
        .with_error_code(6)
        .with_base_offset(-1)
        .with_log_append_time_ms(-1);
    let mut written =
        parts::PartitionProduceResponse::default().with_index(0).with_base_offset(1 << 40).with_log_append_time_ms(99);
    if version >= 5 {
        written.log_start_offset = 12;
    }
    if version >= 8 {
        let error = |index| parts::BatchIndexAndErrorMessage::default().with_batch_index(index);
        refused.record_errors = vec![error(3).with_batch_index_error_message(Some(text("bad"))), error(1)];
        refused.error_message = Some(text("all of it"));
    }
    let mut tail = oracle::ProduceResponse::default().with_throttle_time_ms(250);
    if version >= 10 {
        let leader = parts::LeaderIdAndEpoch::default().with_leader_id(oracle::BrokerId(5)).with_leader_epoch(8);
        refused.current_leader = leader;
        let endpoint = parts::NodeEndpoint::default()
            .with_node_id(oracle::BrokerId(5))
            .with_host(text("new.example"))
            .with_port(9093);
        tail.node_endpoints = vec![endpoint.clone(), endpoint.with_rack(Some(text("r")))];
    }
    if version >= 9 {
        refused.unknown_tagged_fields.insert(7, Bytes::from_static(b"later"));
        tail.unknown_tagged_fields.insert(3, Bytes::from_static(b"later"));
    }
    let topic = |name, id, partitions| {
        let topic = parts::TopicProduceResponse::default().with_partition_responses(partitions);
        if version >= 13 {
            topic.with_topic_id(Uuid::from_bytes([id; 16]))
        } else {
            topic.with_name(oracle::TopicName(text(name)))
        }
    };
    tail.with_responses(vec![topic("one", 1, vec![written.clone(), refused]), topic("two", 2, vec![written])])
}

#[test]
fn responses_are_read_in_every_version() {
    for version in 3..=13 {
        let mut bytes = Vec::new();
        response(version).encode(&mut bytes, version).unwrap();
        let mut reader = Reader::new(&bytes);
        let mut partitions = Vec::new();
        let tail = produce::read_response(&mut reader, version, &mut |partition| partitions.push(seen(partition)));
        let tail = tail.unwrap();
        reader.finish("ProduceResponse").unwrap();

        let by_id = version >= 13;
        let [one, two] = match by_id {
            true => [[1; 16], [2; 16]].map(|id| TopicRef::Id(TopicId::of_field(id))),
            false => [TopicRef::Name("one"), TopicRef::Name("two")],
        };
        let start = if version >= 5 { 12 } else { -1 };
        let written = |topic| (topic, 0, 0, [1 << 40, 99, start], vec![], None, None);
        let mut refused = (one, 4, 6, [-1, -1, -1], vec![], None, None);
        if version >= 8 {
            refused.4 = vec![(3, Some("bad".to_owned())), (1, None)];
            refused.5 = Some("all of it".to_owned());
        }
        if version >= 10 {
            refused.6 = Some(CurrentLeader { leader_id: 5, leader_epoch: LeaderEpoch::of_field(8) });
        }
        assert_eq!(partitions, [written(one), refused, written(two)], "version {version}");
        assert_eq!(tail.throttle_time_ms, 250);
        let endpoint = |rack| NodeEndpoint { node_id: 5, host: "new.example", port: 9093, rack };
        let endpoints = if version >= 10 { vec![endpoint(None), endpoint(Some("r"))] } else { vec![] };
        assert_eq!(tail.node_endpoints, endpoints);
    }
}

#[test]
fn responses_cut_short_are_errors() {
    for version in ApiKey::Produce.versions().min..=ApiKey::Produce.versions().max {
        let mut bytes = Vec::new();
        response(version).encode(&mut bytes, version).unwrap();
        for cut in 0..bytes.len() {
            let error = produce::read_response(&mut Reader::new(&bytes[..cut]), version, &mut |_| {}).unwrap_err();
            assert_eq!(error.kind(), ottla_core::ErrorKind::BadResponse, "version {version} cut at {cut}");
        }
    }
}
