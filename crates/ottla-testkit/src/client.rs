//! A minimal client, with kafka-protocol as its codec.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use indexmap::IndexMap;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{ProduceRequest, RequestHeader, ResponseHeader, TopicName};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};

pub fn name(name: &str) -> TopicName {
    TopicName(text(name))
}

pub fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// A request without its length.
pub fn frame<R: Request>(correlation: i32, version: i16, request: &R) -> Vec<u8> {
    let mut out = BytesMut::new();
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation)
        .with_client_id(Some(text("test")));
    header.encode(&mut out, R::header_version(version)).expect("a header encodes");
    request.encode(&mut out, version).expect("a request encodes");
    out.to_vec()
}

/// A frame preceded by its length, as sent over a socket.
pub fn with_length(frame: &[u8]) -> Vec<u8> {
    let mut out = (frame.len() as u32).to_be_bytes().to_vec();
    out.extend_from_slice(frame);
    out
}

/// Decodes a response (without its length), which must be consumed completely.
pub fn decode<R: Request>(version: i16, answer: &[u8]) -> (i32, R::Response) {
    let mut bytes = Bytes::copy_from_slice(answer);
    let header = ResponseHeader::decode(&mut bytes, R::Response::header_version(version)).expect("an answer's header");
    let response = R::Response::decode(&mut bytes, version).expect("an answer's body");
    assert_eq!(bytes.remaining(), 0, "an answer ends where its last field does");
    (header.correlation_id, response)
}

pub struct Client {
    pub stream: TcpStream,
    correlation: i32,
}

impl Client {
    pub fn connect(addr: SocketAddr) -> Client {
        let stream = TcpStream::connect(addr).expect("the broker listens");
        stream.set_nodelay(true).expect("a socket option");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket option");
        Client { stream, correlation: 0 }
    }

    pub fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        let correlation = self.send(version, request);
        let (answered, response) = decode::<R>(version, &self.receive().expect("an answer"));
        assert_eq!(answered, correlation);
        response
    }

    pub fn send<R: Request>(&mut self, version: i16, request: &R) -> i32 {
        self.correlation += 1;
        let frame = frame(self.correlation, version, request);
        self.stream.write_all(&with_length(&frame)).expect("the broker reads");
        self.correlation
    }

    /// The next response without its length. An error if the connection ended or nothing came in time.
    pub fn receive(&mut self) -> std::io::Result<Vec<u8>> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut answer)?;
        Ok(answer)
    }
}

/// The producer that a batch names.
#[derive(Clone, Copy)]
pub struct From {
    pub producer_id: i64,
    pub epoch: i16,
    pub sequence: i32,
}

pub const NOBODY: From = From { producer_id: -1, epoch: -1, sequence: -1 };

pub fn batch(from: From, values: &[&str]) -> Bytes {
    batch_with(from, values, Compression::None)
}

pub fn batch_with(from: From, values: &[&str], compression: Compression) -> Bytes {
    batch_of(from, values, compression, false)
}

pub fn batch_of(from: From, values: &[&str], compression: Compression, transactional: bool) -> Bytes {
    let records: Vec<Record> = values
        .iter()
        .enumerate()
        .map(|(index, value)| Record {
            transactional,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
            producer_id: from.producer_id,
            producer_epoch: from.epoch,
            timestamp_type: TimestampType::Creation,
            offset: index as i64,
            // The encoder starts a new batch where sequence and offset do not grow together.
            sequence: from.sequence.wrapping_add(index as i32),
            timestamp: 1_700_000_000_000 + index as i64,
            key: Some(Bytes::from(format!("key-{index}"))),
            value: Some(Bytes::copy_from_slice(value.as_bytes())),
            headers: IndexMap::from([(text("h"), None)]),
        })
        .collect();
    let mut out = BytesMut::new();
    RecordBatchEncoder::encode(&mut out, &records, &RecordEncodeOptions { version: 2, compression })
        .expect("a batch encodes");
    out.freeze()
}

pub fn produce(acks: i16, topics: &[(&str, &[(i32, Bytes)])]) -> ProduceRequest {
    let topics = topics
        .iter()
        .map(|(topic, partitions)| {
            TopicProduceData::default().with_name(name(topic)).with_partition_data(data(partitions))
        })
        .collect();
    ProduceRequest::default().with_acks(acks).with_timeout_ms(30_000).with_topic_data(topics)
}

pub fn data(partitions: &[(i32, Bytes)]) -> Vec<PartitionProduceData> {
    partitions
        .iter()
        .map(|(index, records)| PartitionProduceData::default().with_index(*index).with_records(Some(records.clone())))
        .collect()
}
