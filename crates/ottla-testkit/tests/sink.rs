//! The sink broker, tested with requests that kafka-protocol encodes.

use ottla_mock::codes;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::produce_request::TopicProduceData;
use kafka_protocol::messages::{ApiVersionsRequest, InitProducerIdRequest, MetadataRequest, ProduceRequest};
use kafka_protocol::records::Compression;
use ottla_testkit::client::{Client, NOBODY, batch, data, decode, frame, name, produce, text, with_length};
use ottla_testkit::sink::{Sink, SinkOptions};

fn metadata_of(topics: &[&str]) -> MetadataRequest {
    let topics = topics.iter().map(|topic| MetadataRequestTopic::default().with_name(Some(name(topic)))).collect();
    MetadataRequest::default().with_topics(Some(topics))
}

#[test]
fn every_version_of_every_api_is_answered_to_the_last_byte() {
    let sink = Sink::start(SinkOptions { topics: vec![("orders".into(), 12)], brokers: 3, ..SinkOptions::default() });
    let mut client = Client::connect(sink.addr());
    for version in 0..=4 {
        let request = ApiVersionsRequest::default();
        let request = if version < 3 {
            request
        } else {
            request.with_client_software_name(text("x")).with_client_software_version(text("1"))
        };
        let answer = client.call(version, &request);
        let produce = answer.api_keys.iter().find(|api| api.api_key == 0).expect("Produce is offered");
        assert_eq!((answer.error_code, produce.min_version, produce.max_version), (0, 0, 13));
    }
    for version in 4..=13 {
        let answer = client.call(version, &metadata_of(&["orders", "other"]));
        assert_eq!(answer.brokers.len(), 3);
        assert_eq!(answer.brokers[0].port, i32::from(sink.addr().port()));
        let counts: Vec<usize> = answer.topics.iter().map(|topic| topic.partitions.len()).collect();
        assert_eq!(counts, [12, 6]);
        assert!(answer.topics[0].partitions.iter().all(|p| p.error_code == 0 && (1..=3).contains(&p.leader_id.0)));
        assert_eq!(answer.topics[0].topic_id.is_nil(), version < 10);
        assert_eq!(client.call(version, &MetadataRequest::default().with_topics(None)).topics.len(), 2);
    }
    let mut ids = Vec::new();
    for version in 0..=5 {
        let answer = client.call(version, &InitProducerIdRequest::default());
        assert_eq!((answer.error_code, answer.producer_epoch), (0, 0));
        ids.push(answer.producer_id.0);
    }
    ids.dedup();
    assert_eq!(ids.len(), 6, "a new producer id each time");
    for version in 3..=12 {
        let request = produce(-1, &[("orders", &[(11, batch(NOBODY, &["a", "b", "c"]))])]);
        let answer = client.call(version, &request);
        let partition = &answer.responses[0].partition_responses[0];
        assert_eq!(answer.responses[0].name, name("orders"));
        assert_eq!((partition.index, partition.error_code), (11, 0));
        assert_eq!(partition.base_offset, i64::from(version - 3) * 3);
    }
    assert_eq!(sink.counters().records, 30);
}

#[test]
fn produce_by_topic_id_finds_the_topic_and_refuses_others() {
    let sink = Sink::start(SinkOptions::default());
    let mut client = Client::connect(sink.addr());
    let id = client.call(13, &metadata_of(&["orders"])).topics[0].topic_id;
    let with_id = |id| {
        let topic =
            TopicProduceData::default().with_topic_id(id).with_partition_data(data(&[(2, batch(NOBODY, &["a"]))]));
        ProduceRequest::default().with_acks(1).with_topic_data(vec![topic])
    };
    for offset in 0..2 {
        let answer = client.call(13, &with_id(id));
        assert_eq!(answer.responses[0].topic_id, id);
        let partition = &answer.responses[0].partition_responses[0];
        assert_eq!((partition.index, partition.error_code, partition.base_offset), (2, 0, offset));
    }
    let stranger = client.call(13, &with_id(uuid_of(7)));
    assert_eq!(stranger.responses[0].partition_responses[0].error_code, codes::UNKNOWN_TOPIC_ID);
    let by_id = MetadataRequestTopic::default().with_topic_id(uuid_of(7)).with_name(None);
    let answer = client.call(12, &MetadataRequest::default().with_topics(Some(vec![by_id])));
    assert_eq!(answer.topics[0].error_code, codes::UNKNOWN_TOPIC_ID);
}

fn uuid_of(byte: u8) -> uuid::Uuid {
    uuid::Uuid::from_bytes([byte; 16])
}

#[test]
fn split_frames_and_joined_frames_get_the_same_responses() {
    let sink = Sink::start(SinkOptions::default());
    let big = "x".repeat(300_000); // more than the sink's first buffer holds
    let mut stream = Vec::new();
    let requests = 40;
    for correlation in 0..requests {
        let value = if correlation % 10 == 9 { big.as_str() } else { "small" };
        let request = produce(1, &[("t", &[(0, batch(NOBODY, &[value, "two"])), (1, batch(NOBODY, &["one"]))])]);
        stream.extend(with_length(&frame(correlation, if correlation % 2 == 0 { 7 } else { 9 }, &request)));
    }
    for piece in [1, 3, 4, 5, 61, 1000, 65_537, usize::MAX] {
        let sink = if piece == 1 { &Sink::start(SinkOptions::default()) } else { &sink };
        let mut client = Client::connect(sink.addr());
        let mut writer = client.stream.try_clone().expect("a second handle");
        let before = sink.counters();
        std::thread::scope(|scope| {
            let stream = &stream;
            scope.spawn(move || {
                // One byte at a time takes too long for a megabyte, so small pieces are used for the first two
                // kilobytes only.
                let (head, tail) = stream.split_at(if piece < 5 { 2_000 } else { stream.len() });
                for piece in head.chunks(piece).chain(tail.chunks(100_000)) {
                    writer.write_all(piece).expect("the sink reads");
                }
            });
            let mut next = None;
            for correlation in 0..requests {
                let version = if correlation % 2 == 0 { 7 } else { 9 };
                let answer = client.receive().expect("an answer");
                let (answered, answer) = decode::<ProduceRequest>(version, &answer);
                assert_eq!(answered, correlation);
                let partitions = &answer.responses[0].partition_responses;
                assert!(partitions.iter().all(|partition| partition.error_code == 0));
                let offset = partitions[0].base_offset;
                assert!(next.is_none_or(|next| next == offset), "offsets grow by what was sent");
                next = Some(offset + 2);
            }
        });
        let after = sink.counters();
        assert_eq!(after.produce_requests - before.produce_requests, requests as u64);
        assert_eq!(after.records - before.records, 3 * requests as u64);
        assert_eq!(after.batches - before.batches, 2 * requests as u64);
        assert_eq!(after.bytes - before.bytes, stream.len() as u64);
    }
}

#[test]
fn acks_0_is_counted_and_gets_no_response() {
    let sink = Sink::start(SinkOptions::default());
    let mut client = Client::connect(sink.addr());
    client.send(9, &produce(0, &[("t", &[(0, batch(NOBODY, &["a"]))])]));
    let answer = client.call(9, &produce(1, &[("t", &[(0, batch(NOBODY, &["b"]))])]));
    assert_eq!(answer.responses[0].partition_responses[0].base_offset, 1);
}

#[test]
fn an_error_of_one_partition_concerns_no_other() {
    let sink = Sink::start(SinkOptions { verify: true, ..SinkOptions::default() });
    let mut client = Client::connect(sink.addr());
    let good = batch(NOBODY, &["a"]);
    let mut flipped = good.to_vec();
    *flipped.last_mut().expect("not empty") ^= 1;
    let mut old = good.to_vec();
    old[16] = 1;
    let cut = good.slice(..good.len() - 1);
    let partitions = [(0, good.clone()), (1, flipped.into()), (2, old.into()), (3, cut), (99, good.clone()), (5, good)];
    let answer = client.call(9, &produce(-1, &[("t", &partitions)]));
    let errors: Vec<i16> = answer.responses[0].partition_responses.iter().map(|p| p.error_code).collect();
    assert_eq!(errors, [0, 2, 43, 2, 3, 0]);
    assert_eq!((sink.counters().records, sink.counters().errors), (2, 4));
}

#[test]
fn several_batches_and_compressed_ones_are_counted_by_their_headers() {
    let sink = Sink::start(SinkOptions { verify: true, ..SinkOptions::default() });
    let mut client = Client::connect(sink.addr());
    let mut records = batch(NOBODY, &["a", "b"]).to_vec();
    records.extend_from_slice(&ottla_testkit::client::batch_with(NOBODY, &["c", "d", "e"], Compression::Zstd));
    let request = produce(-1, &[("t", &[(0, records.into())])]);
    assert_eq!(client.call(9, &request).responses[0].partition_responses[0].base_offset, 0);
    assert_eq!(client.call(9, &request).responses[0].partition_responses[0].base_offset, 5);
    assert_eq!((sink.counters().batches, sink.counters().records), (4, 10));
}

#[test]
fn a_malformed_request_ends_its_connection_and_nothing_else() {
    let sink = Sink::start(SinkOptions::default());
    for nonsense in [vec![0xff; 64], with_length(&[0, 0, 0, 9, 0]), with_length(&frame(1, 99, &Odd))] {
        let mut client = Client::connect(sink.addr());
        client.stream.write_all(&nonsense).expect("the sink reads");
        assert!(client.receive().is_err());
    }
    assert_eq!(Client::connect(sink.addr()).call(0, &ApiVersionsRequest::default()).error_code, 0);
    // A response to an unknown version of ApiVersions lists the supported ones, in the form that every client reads.
    let mut client = Client::connect(sink.addr());
    let mut future = frame(1, 4, &ApiVersionsRequest::default());
    future[3] = 9;
    client.stream.write_all(&with_length(&future)).expect("the sink reads");
    let (_, answer) = decode::<ApiVersionsRequest>(0, &client.receive().expect("an answer"));
    assert_eq!((answer.error_code, answer.api_keys.len()), (codes::UNSUPPORTED_VERSION, 1));
}

/// A Produce request without a body, used to send an unsupported version.
#[derive(Clone, Debug, Default, PartialEq)]
struct Odd;

impl kafka_protocol::protocol::Message for Odd {
    const VERSIONS: kafka_protocol::protocol::VersionRange = kafka_protocol::protocol::VersionRange { min: 0, max: 99 };
    const DEPRECATED_VERSIONS: Option<kafka_protocol::protocol::VersionRange> = None;
}
impl kafka_protocol::protocol::HeaderVersion for Odd {
    fn header_version(_: i16) -> i16 {
        2
    }
}
impl kafka_protocol::protocol::Encodable for Odd {
    fn encode<B: kafka_protocol::protocol::buf::ByteBufMut>(&self, _: &mut B, _: i16) -> Result<(), anyhow::Error> {
        Ok(())
    }
    fn compute_size(&self, _: i16) -> Result<usize, anyhow::Error> {
        Ok(0)
    }
}
impl kafka_protocol::protocol::Decodable for Odd {
    fn decode<B: kafka_protocol::protocol::buf::ByteBuf>(_: &mut B, _: i16) -> Result<Self, anyhow::Error> {
        Ok(Odd)
    }
}
impl kafka_protocol::protocol::Request for Odd {
    const KEY: i16 = 0;
    type Response = kafka_protocol::messages::ProduceResponse;
}

#[test]
fn pipelined_requests_are_delayed_together_and_the_throttle_time_is_reported() {
    let delay = Duration::from_millis(100);
    let sink = Sink::start(SinkOptions { delay, throttle_ms: 7, ..SinkOptions::default() });
    let mut client = Client::connect(sink.addr());
    let begin = Instant::now();
    for _ in 0..5 {
        client.send(9, &produce(1, &[("t", &[(0, batch(NOBODY, &["a"]))])]));
        std::thread::sleep(Duration::from_millis(1));
    }
    for offset in 0..5 {
        let (_, answer) = decode::<ProduceRequest>(9, &client.receive().expect("an answer"));
        assert_eq!((answer.throttle_time_ms, answer.responses[0].partition_responses[0].base_offset), (7, offset));
    }
    assert!(begin.elapsed() >= delay && begin.elapsed() < delay * 4, "{:?}", begin.elapsed());
}

#[test]
fn the_sink_pauses_once_with_the_first_record_past_the_count() {
    let length = Duration::from_millis(300);
    let sink = Sink::start(SinkOptions { pause: Some((2, length)), ..SinkOptions::default() });
    let mut client = Client::connect(sink.addr());
    let times: Vec<Duration> = ["ab", "c", "d"]
        .iter()
        .map(|values| {
            let values: Vec<&str> = values.split("").filter(|value| !value.is_empty()).collect();
            let begin = Instant::now();
            client.call(9, &produce(1, &[("t", &[(0, batch(NOBODY, &values))])]));
            begin.elapsed()
        })
        .collect();
    assert!(times[0] < length && times[1] >= length && times[2] < length, "{times:?}");
}

#[test]
fn dropping_a_sink_closes_its_connections() {
    let sink = Sink::start(SinkOptions { brokers: 2, ..SinkOptions::default() });
    let mut client = Client::connect(sink.addrs()[1]);
    client.call(0, &ApiVersionsRequest::default());
    drop(sink);
    assert!(client.receive().is_err());
}

#[test]
fn the_program_serves_and_ends_with_a_count() {
    for by_signal in [false, true] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sink-broker"))
            .args(["--topics", "orders:3", "--verify"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut out = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        std::io::BufRead::read_line(&mut out, &mut line).expect("a line");
        let addr = line.trim().strip_prefix("LISTENING ").expect("the address").parse().expect("an address");
        let mut client = Client::connect(addr);
        assert_eq!(client.call(9, &metadata_of(&["orders"])).topics[0].partitions.len(), 3);
        client.call(9, &produce(1, &[("orders", &[(2, batch(NOBODY, &["a", "b"]))])]));
        if by_signal {
            Command::new("kill").arg(child.id().to_string()).status().expect("kill runs");
        } else {
            drop(child.stdin.take());
        }
        let mut rest = String::new();
        out.read_to_string(&mut rest).expect("the count");
        assert!(child.wait().expect("it ends").success());
        assert!(
            rest.starts_with("{\"connections\":1,\"requests\":2,\"produce_requests\":1,\"batches\":1,\"records\":2,"),
            "{rest}"
        );
    }
}
