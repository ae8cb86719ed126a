//! One model of a Kafka cluster: bytes of a request in, bytes of its response out.
//!
//! The model is pure: it has no clock, threads or sockets, and nothing depends on hash order. Tests step it through
//! [`Cluster::react`] or a [`Connection`]. Those that need sockets put a [`server::ModelServer`] in front of it. Its
//! codec is the crate kafka-protocol, deliberately not the engine's.
//!
//! To add an API, add a file with a `handle` function and a line in `dispatch`.

mod api_versions;
mod batch;
mod cluster;
pub mod codes;
mod connection;
mod fault;
mod init_producer_id;
mod log;
mod metadata;
mod produce;
mod producer_state;
pub mod server;
mod transaction;
mod transaction_requests;
mod versions;

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, ApiKey, ApiVersionsRequest, FindCoordinatorRequest,
    InitProducerIdRequest, RequestHeader, ResponseHeader, TxnOffsetCommitRequest,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request};

pub use batch::Batch;
pub use cluster::{Cluster, TopicOptions};
pub use connection::Connection;
pub use fault::{Fault, On};
pub use kafka_protocol::ResponseError;
pub use kafka_protocol::messages::ApiKey as Api;
pub use log::{Log, StoredBatch, StoredRecord};
pub use producer_state::{CachedBatch, Producers, UnknownProducer, Verdict};
pub use transaction::{Group, Phase, Transaction, Transactions};
pub use versions::Versions;

use fault::Plan;

/// What faults and assertions see of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestInfo {
    pub broker: i32,
    pub api: ApiKey,
    pub version: i16,
    pub correlation: i32,
    pub client_id: Option<String>,
    /// The contents of a Produce request, in order.
    pub partitions: Vec<PartitionInfo>,
    /// The acks of a Produce request.
    pub acks: Option<i16>,
    /// The timeout of a Produce request.
    pub timeout_ms: Option<i32>,
    /// The topic names in a Metadata request. Empty if it requests all topics, or topics by id.
    pub topics: Vec<String>,
    /// EndTxn: the producer's id and epoch, and whether it commits.
    pub end: Option<(i64, i16, bool)>,
}

/// One partition of a Produce request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionInfo {
    /// The topic's name, or the id as text if the cluster does not know the id of the request.
    pub topic: String,
    pub partition: i32,
    /// From the first batch's header; -1 if there is none.
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    /// The codec as in a batch's attributes: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
    pub codec: i16,
    pub records: i32,
    pub bytes: usize,
}

/// A broker's reaction to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reaction {
    /// Wait this long before the rest.
    pub delay_ms: u64,
    /// Write these bytes, which include their length. Empty: write nothing.
    pub bytes: Vec<u8>,
    /// Then close the connection.
    pub close: bool,
    /// Then neither read nor write on this connection again, but keep it open.
    pub stall: bool,
}

impl Reaction {
    fn closing() -> Reaction {
        Reaction { close: true, ..Reaction::default() }
    }
}

/// Where a request is handled, and what should go wrong with it.
struct Context {
    broker: i32,
    version: i16,
    plan: Plan,
}

impl Cluster {
    /// Handles one request as this broker. Neither `frame` nor the response includes the length. Returns `None` without
    /// a response: acks 0, a request that ends the connection, or a fault. Faults of time and transport need
    /// [`Cluster::react`].
    pub fn handle(&mut self, broker: i32, frame: &[u8]) -> Option<Vec<u8>> {
        let bytes = self.react(broker, frame).bytes;
        (bytes.len() >= 4).then(|| bytes[4..].to_vec())
    }

    /// Handles one request as this broker. `frame` does not include the length.
    pub fn react(&mut self, broker: i32, frame: &[u8]) -> Reaction {
        if !self.is_up(broker) {
            return Reaction::closing();
        }
        let mut bytes = Bytes::copy_from_slice(frame);
        let Some((api, version)) = peek(frame) else { return Reaction::closing() };
        let Some(supported) = self.versions_of(broker).range(api) else { return Reaction::closing() };
        if api == ApiKey::ApiVersions && !supported.contains(&version) {
            return api_versions::from_the_future(self, broker, frame);
        }
        if !supported.contains(&version) {
            return Reaction::closing();
        }
        let Ok(header) = RequestHeader::decode(&mut bytes, api.request_header_version(version)) else {
            return Reaction::closing();
        };
        dispatch(self, broker, api, header, bytes).unwrap_or_else(Reaction::closing)
    }
}

fn peek(frame: &[u8]) -> Option<(ApiKey, i16)> {
    let mut head = frame.get(..8)?;
    let key = head.get_i16();
    Some((ApiKey::try_from(key).ok()?, head.get_i16()))
}

fn dispatch(cluster: &mut Cluster, broker: i32, api: ApiKey, header: RequestHeader, body: Bytes) -> Option<Reaction> {
    let call = Call { cluster, broker, api, header, body };
    match api {
        ApiKey::Produce => call.run(produce::describe, produce::handle),
        ApiKey::Metadata => call.run(metadata::describe, metadata::handle),
        ApiKey::ApiVersions => call.run(nothing::<ApiVersionsRequest>, api_versions::handle),
        ApiKey::InitProducerId => call.run(nothing::<InitProducerIdRequest>, init_producer_id::handle),
        ApiKey::FindCoordinator => call.run(nothing::<FindCoordinatorRequest>, transaction_requests::find_coordinator),
        ApiKey::AddPartitionsToTxn => {
            call.run(nothing::<AddPartitionsToTxnRequest>, transaction_requests::add_partitions)
        }
        ApiKey::AddOffsetsToTxn => call.run(nothing::<AddOffsetsToTxnRequest>, transaction_requests::add_offsets),
        ApiKey::TxnOffsetCommit => call.run(nothing::<TxnOffsetCommitRequest>, transaction_requests::offset_commit),
        ApiKey::EndTxn => call.run(transaction_requests::describe_end, transaction_requests::end),
        _ => None,
    }
}

/// For requests about which [`RequestInfo`] has no further fields.
fn nothing<R>(_: &Cluster, _: &R, _: &mut RequestInfo) {}

struct Call<'a> {
    cluster: &'a mut Cluster,
    broker: i32,
    api: ApiKey,
    header: RequestHeader,
    body: Bytes,
}

/// The outcome of a request of one API.
enum Outcome<T> {
    Answer(T),
    /// There is no response (acks 0).
    Silent,
    /// The broker closes the connection (acks 0 that failed).
    Close,
}

impl Call<'_> {
    /// Returns `None` if the request is malformed.
    fn run<R: Request>(
        mut self,
        describe: fn(&Cluster, &R, &mut RequestInfo),
        handle: fn(&mut Cluster, &Context, R) -> Outcome<R::Response>,
    ) -> Option<Reaction> {
        let version = self.header.request_api_version;
        let request = R::decode(&mut self.body, version).ok().filter(|_| self.body.is_empty())?;
        let mut info = RequestInfo {
            broker: self.broker,
            api: self.api,
            version,
            correlation: self.header.correlation_id,
            client_id: self.header.client_id.as_ref().map(ToString::to_string),
            partitions: Vec::new(),
            acks: None,
            timeout_ms: None,
            topics: Vec::new(),
            end: None,
        };
        describe(self.cluster, &request, &mut info);
        let plan = self.cluster.faults.plan(&info);
        self.cluster.requests.push(info);
        if plan.cut_before {
            return Some(Reaction { delay_ms: plan.delay_ms, ..Reaction::closing() });
        }
        if plan.ignore {
            return Some(Reaction { stall: true, ..Reaction::default() });
        }
        let context = Context { broker: self.broker, version, plan };
        let outcome = handle(self.cluster, &context, request);
        let correlation = self.header.correlation_id;
        Some(match outcome {
            Outcome::Answer(response) => context.plan.deliver(encode::<R>(correlation, version, &response)),
            Outcome::Silent => context.plan.deliver(Vec::new()),
            Outcome::Close => Reaction { delay_ms: context.plan.delay_ms, ..Reaction::closing() },
        })
    }
}

/// A response, including its length.
fn encode<R: Request>(correlation: i32, version: i16, response: &R::Response) -> Vec<u8> {
    let mut out = BytesMut::from(&[0; 4][..]);
    ResponseHeader::default()
        .with_correlation_id(correlation)
        .encode(&mut out, R::Response::header_version(version))
        .expect("a response header has no field that a version lacks");
    response.encode(&mut out, version).expect("handlers set no field that the version lacks");
    let length = (out.len() - 4) as u32;
    out[..4].copy_from_slice(&length.to_be_bytes());
    out.to_vec()
}
