//! The peer of a conversation: the model or a real broker. What needs requests that the model does not have (creating
//! topics, reading, committed offsets) goes through this trait.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread::sleep;
use std::time::{Duration, Instant};

use bytes::Buf;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::{
    BrokerId, CreateTopicsRequest, DescribeTransactionsRequest, FetchRequest, FindCoordinatorRequest, GroupId,
    JoinGroupRequest, OffsetFetchRequest, SyncGroupRequest,
};
use ottla_mock::server::ModelServer;
use ottla_mock::{Cluster as ModelCluster, Phase, TopicOptions, Versions};
use ottla_testkit::kafka::Cluster as RealCluster;

use ottla_testkit::client::{Client, name, text};

/// What consumers see of a partition.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    pub end: i64,
    /// The last stable offset, where read-committed consumers stop.
    pub stable: i64,
    /// The offsets of the records that they get.
    pub committed: Vec<i64>,
}

pub trait Peer: Sync {
    fn addr(&self) -> SocketAddr;

    /// Topics of two partitions.
    fn create_topics(&self, count: usize) -> Vec<String>;

    fn seen(&self, topic: &str, partition: i32) -> Seen;

    /// The offset that a group committed for partition 0 of a topic.
    fn group_offset(&self, group: &str, topic: &str) -> Option<i64>;

    /// Lets a consumer join a group. Returns its member id and generation.
    fn join(&self, group: &str) -> (String, i32);

    /// Waits until no transaction of this id is open or ending.
    fn settle(&self, transactional_id: &str);

    /// Lets time pass until a transaction with a timeout of one second has been given up.
    fn outlast(&self, transactional_id: &str);
}

/// A prefix that no other run has used.
fn prefix() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("truth-{}-{}", std::process::id(), NEXT.fetch_add(1, Relaxed))
}

pub struct Model(ModelServer);

impl Model {
    pub fn start(versions: Versions, transaction_version: i16) -> Model {
        let mut cluster = ModelCluster::new(1);
        cluster.set_versions(versions);
        cluster.set_transaction_version(transaction_version);
        cluster.transactions.max_timeout_ms = 900_000;
        Model(ModelServer::start(cluster, 1))
    }
}

impl Peer for Model {
    fn addr(&self) -> SocketAddr {
        self.0.addr(1)
    }

    fn create_topics(&self, count: usize) -> Vec<String> {
        let prefix = prefix();
        let names: Vec<String> = (0..count).map(|number| format!("{prefix}-{number}")).collect();
        for name in &names {
            let options = TopicOptions { partitions: 2, ..TopicOptions::default() };
            self.0.with(|cluster| cluster.create_topic_with(name, options));
        }
        names
    }

    fn seen(&self, topic: &str, partition: i32) -> Seen {
        self.0.with(|cluster| {
            let log = cluster.log(topic, partition);
            let open = log.batches().iter().find(|batch| batch.is_open());
            Seen {
                end: log.end_offset(),
                stable: open.map_or(log.end_offset(), |batch| batch.base_offset),
                committed: log.committed().map(|record| record.offset).collect(),
            }
        })
    }

    fn group_offset(&self, group: &str, topic: &str) -> Option<i64> {
        let place = (topic.to_owned(), 0);
        self.0.with(|cluster| cluster.group(group).and_then(|group| group.offsets.get(&place)).map(|kept| kept.0))
    }

    fn join(&self, group: &str) -> (String, i32) {
        let member = format!("{group}-a-member-that-joined");
        self.0.with(|cluster| cluster.group_mut(group).members.insert(member.clone(), 1));
        (member, 1)
    }

    fn settle(&self, transactional_id: &str) {
        let phase = self.0.with(|cluster| cluster.transaction(transactional_id).map(|known| known.phase));
        assert!(!matches!(phase, Some(Phase::Ongoing | Phase::Prepared { .. })), "{phase:?}");
    }

    fn outlast(&self, transactional_id: &str) {
        self.0.with(|cluster| {
            cluster.now_ms += 1_001;
            cluster.expire_transactions();
        });
        self.settle(transactional_id);
    }
}

pub struct Real(SocketAddr);

impl Real {
    pub fn reach(cluster: &RealCluster) -> Real {
        let real = Real(cluster.address(1).parse().expect("an address"));
        // The coordinators' internal topics are created when the first client asks.
        for kind in [0, 1] {
            let request = FindCoordinatorRequest::default().with_key(text("first")).with_key_type(kind);
            until("there are coordinators", || real.call(3, &request).error_code == 0);
        }
        real
    }

    fn call<R: kafka_protocol::protocol::Request>(&self, version: i16, request: &R) -> R::Response {
        Client::connect(self.0).call(version, request)
    }

    fn fetch(&self, topic: &str, partition: i32, offset: i64) -> PartitionData {
        let wanted = FetchPartition::default().with_partition(partition).with_fetch_offset(offset);
        let wanted = wanted.with_partition_max_bytes(1 << 20);
        let wanted = FetchTopic::default().with_topic(name(topic)).with_partitions(vec![wanted]);
        let request = FetchRequest::default().with_replica_id(BrokerId(-1)).with_max_bytes(1 << 20);
        let request = request.with_isolation_level(1).with_session_epoch(-1).with_topics(vec![wanted]);
        self.call(11, &request).responses.remove(0).partitions.remove(0)
    }
}

impl Peer for Real {
    fn addr(&self) -> SocketAddr {
        self.0
    }

    fn create_topics(&self, count: usize) -> Vec<String> {
        let prefix = prefix();
        let names: Vec<String> = (0..count).map(|number| format!("{prefix}-{number}")).collect();
        let topic = |topic: &String| {
            CreatableTopic::default().with_name(name(topic)).with_num_partitions(2).with_replication_factor(1)
        };
        let request = CreateTopicsRequest::default().with_topics(names.iter().map(topic).collect());
        for topic in self.call(5, &request.with_timeout_ms(30_000)).topics {
            assert_eq!(topic.error_code, 0, "{:?}", topic.error_message);
        }
        // A broker reports that it leads a partition a moment before it does.
        for (topic, partition) in names.iter().flat_map(|topic| [(topic, 0), (topic, 1)]) {
            until("it is led", || self.fetch(topic, partition, 0).error_code == 0);
        }
        names
    }

    fn seen(&self, topic: &str, partition: i32) -> Seen {
        let mut committed = Vec::new();
        let mut next = 0;
        loop {
            let data = self.fetch(topic, partition, next);
            assert_eq!(data.error_code, 0);
            let (end, stable) = (data.high_watermark, data.last_stable_offset);
            if next >= stable {
                return Seen { end, stable, committed };
            }
            // One log segment at a time.
            next = add_committed(data, &mut committed);
        }
    }

    fn group_offset(&self, group: &str, topic: &str) -> Option<i64> {
        let topic = OffsetFetchRequestTopic::default().with_name(name(topic)).with_partition_indexes(vec![0]);
        let request = OffsetFetchRequest::default().with_group_id(GroupId(text(group))).with_topics(Some(vec![topic]));
        let answer = self.call(7, &request.with_require_stable(true));
        let partition = &answer.topics[0].partitions[0];
        assert_eq!((answer.error_code, partition.error_code), (0, 0));
        Some(partition.committed_offset).filter(|offset| *offset >= 0)
    }

    fn join(&self, group: &str) -> (String, i32) {
        let mut client = Client::connect(self.0);
        let protocol = JoinGroupRequestProtocol::default().with_name(text("any"));
        let request = JoinGroupRequest::default()
            .with_group_id(GroupId(text(group)))
            .with_session_timeout_ms(30_000)
            .with_rebalance_timeout_ms(30_000)
            .with_group_instance_id(None)
            .with_protocol_type(text("consumer"))
            .with_protocols(vec![protocol]);
        // The first response gives the member its id.
        let named = client.call(5, &request);
        let joined = client.call(5, &request.with_member_id(named.member_id));
        assert_eq!(joined.error_code, 0);
        let request = SyncGroupRequest::default()
            .with_group_id(GroupId(text(group)))
            .with_generation_id(joined.generation_id)
            .with_group_instance_id(None)
            .with_member_id(joined.member_id.clone());
        assert_eq!(client.call(3, &request).error_code, 0);
        (joined.member_id.to_string(), joined.generation_id)
    }

    fn settle(&self, transactional_id: &str) {
        let ids = vec![kafka_protocol::messages::TransactionalId(text(transactional_id))];
        let request = DescribeTransactionsRequest::default().with_transactional_ids(ids);
        until("its transaction has ended", || {
            let state = self.call(0, &request).transaction_states.remove(0);
            state.error_code == 0 && matches!(&*state.transaction_state, "Empty" | "CompleteCommit" | "CompleteAbort")
        });
    }

    fn outlast(&self, transactional_id: &str) {
        self.settle(transactional_id);
    }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        sleep(Duration::from_millis(5));
    }
}

/// Adds the offsets of committed records in the fetched data, and returns the next offset. Records of a producer do not
/// count between the first offset of its aborted transaction and the marker.
fn add_committed(data: PartitionData, offsets: &mut Vec<i64>) -> i64 {
    let aborted = data.aborted_transactions.unwrap_or_default();
    let mut aborted: Vec<(i64, i64)> = aborted.iter().map(|a| (a.producer_id.0, a.first_offset)).collect();
    let mut records = data.records.expect("there are more");
    let mut next = 0;
    while !records.is_empty() {
        let mut head = records.clone();
        let (base, length) = (head.get_i64(), head.get_i32());
        head.advance(4 + 1 + 4); // leader epoch, format, checksum
        let (attributes, last_delta) = (head.get_i16(), head.get_i32());
        head.advance(8 + 8); // timestamps
        let producer_id = head.get_i64();
        let is_marker = attributes & 0x20 != 0;
        match aborted.iter().position(|&(id, first)| id == producer_id && first <= base) {
            Some(index) if is_marker => drop(aborted.remove(index)),
            None if !is_marker => offsets.extend(base..=base + i64::from(last_delta)),
            _ => {}
        }
        next = base + i64::from(last_delta) + 1;
        records.advance(12 + length as usize);
    }
    next
}
