//! The cluster's state, and what an administrator or an accident does to it.

use std::collections::BTreeMap;

use kafka_protocol::messages::ApiKey;
use uuid::Uuid;

use super::fault::Faults;
use super::{Fault, Log, RequestInfo, StoredRecord, Transactions, UnknownProducer, Versions};

/// The options that a topic is created with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicOptions {
    pub partitions: i32,
    pub replication_factor: usize,
    pub min_insync_replicas: usize,
    /// The longest accepted batch, including its header.
    pub max_message_bytes: usize,
    /// Records get the broker's time (LogAppendTime).
    pub log_append_time: bool,
    /// How much earlier than the broker's clock a record's time may be.
    pub timestamp_before_max_ms: Option<i64>,
    /// How much later than the broker's clock a record's time may be.
    pub timestamp_after_max_ms: Option<i64>,
    /// Records need keys.
    pub compacted: bool,
    /// Records with this byte in their values are refused (INVALID_RECORD).
    pub poison: Option<u8>,
}

impl Default for TopicOptions {
    fn default() -> Self {
        TopicOptions {
            partitions: 1,
            replication_factor: 3,
            min_insync_replicas: 1,
            max_message_bytes: 1_048_588,
            log_append_time: false,
            timestamp_before_max_ms: None,
            timestamp_after_max_ms: None,
            compacted: false,
            poison: None,
        }
    }
}

pub(super) struct Broker {
    pub host: String,
    pub port: u16,
    up: bool,
    versions: Option<Versions>,
}

pub(super) struct Topic {
    pub id: Uuid,
    pub options: TopicOptions,
    pub partitions: Vec<Partition>,
}

pub(super) struct Partition {
    pub place: Address,
    pub log: Log,
}

/// Where a partition lives, as Metadata reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub leader: Option<i32>,
    pub leader_epoch: i32,
    pub replicas: Vec<i32>,
    pub isr: Vec<i32>,
}

/// What Metadata reports about all topics: id and addresses, by name.
pub type View = BTreeMap<String, (Uuid, Vec<Address>)>;

/// A modelled Kafka cluster. Broker ids are 1 to n.
pub struct Cluster {
    pub(super) brokers: BTreeMap<i32, Broker>,
    pub(super) topics: BTreeMap<String, Topic>,
    pub(super) faults: Faults,
    pub(super) requests: Vec<RequestInfo>,
    pub(super) held_view: Option<View>,
    pub(super) next_producer_id: i64,
    /// The first epoch of new producer ids. A high one is used up soon.
    pub first_epoch: i16,
    pub transactions: Transactions,
    versions: Versions,
    next_topic_id: u128,
    /// The brokers' clock. It changes only when a test sets it.
    pub now_ms: i64,
    pub cluster_id: String,
    pub controller: i32,
    pub unknown_producer: UnknownProducer,
    /// `socket.request.max.bytes`: a broker closes the connection when it reads a larger size.
    pub max_request_bytes: usize,
    /// The request sizes for which connections were closed.
    pub oversized_requests: Vec<usize>,
    /// The options of topics that Metadata creates on request. With `None` it creates none.
    pub auto_create: Option<TopicOptions>,
    /// Finalized features by name. Each is supported from level 0 to this one, and reported by ApiVersions from version
    /// 3 on.
    pub features: BTreeMap<String, i16>,
    pub features_epoch: i64,
}

impl Cluster {
    /// A cluster of that many brokers with the newest versions, on ports 9093 and up of the loopback address.
    pub fn new(brokers: i32) -> Cluster {
        let broker = |id: i32| Broker { host: "127.0.0.1".into(), port: 9092 + id as u16, up: true, versions: None };
        Cluster {
            brokers: (1..=brokers).map(|id| (id, broker(id))).collect(),
            topics: BTreeMap::new(),
            faults: Faults::default(),
            requests: Vec::new(),
            held_view: None,
            next_producer_id: 1000,
            first_epoch: 0,
            transactions: Transactions::default(),
            versions: Versions::kafka_4_3(),
            next_topic_id: 1,
            now_ms: 1_700_000_000_000,
            cluster_id: "model".into(),
            controller: 1,
            unknown_producer: UnknownProducer::default(),
            max_request_bytes: 100 << 20,
            oversized_requests: Vec::new(),
            auto_create: None,
            features: BTreeMap::new(),
            features_epoch: 1,
        }
    }

    // Topics

    /// Creates a topic on all brokers, with at most three replicas.
    pub fn create_topic(&mut self, name: &str, partitions: i32) -> Uuid {
        self.create_topic_with(name, TopicOptions { partitions, ..TopicOptions::default() })
    }

    pub fn create_topic_with(&mut self, name: &str, options: TopicOptions) -> Uuid {
        let id = Uuid::from_u128(0x4d6f_6465_6c00_4000_8000_0000_0000_0000 + self.next_topic_id);
        self.next_topic_id += 1;
        let count = options.partitions;
        self.topics.insert(name.to_owned(), Topic { id, options, partitions: Vec::new() });
        self.add_partitions(name, count);
        id
    }

    pub fn delete_topic(&mut self, name: &str) {
        self.topics.remove(name).expect("a topic that exists");
    }

    /// Deletes a topic and creates it again: empty, with a new id.
    pub fn recreate_topic(&mut self, name: &str) -> Uuid {
        let partitions = self.topic(name).options.partitions;
        self.recreate_topic_with(name, partitions)
    }

    /// Deletes a topic and creates it again with another number of partitions.
    pub fn recreate_topic_with(&mut self, name: &str, partitions: i32) -> Uuid {
        let options = TopicOptions { partitions, ..self.topic(name).options.clone() };
        self.delete_topic(name);
        self.create_topic_with(name, options)
    }

    /// Grows a topic to that many partitions.
    pub fn add_partitions(&mut self, name: &str, total: i32) {
        let ids: Vec<i32> = self.brokers.keys().copied().collect();
        let up: Vec<i32> = ids.iter().copied().filter(|id| self.brokers[id].up).collect();
        let topic = self.topic_mut(name);
        topic.options.partitions = total;
        for index in topic.partitions.len()..total as usize {
            let replicas: Vec<i32> =
                (0..topic.options.replication_factor.min(ids.len())).map(|n| ids[(index + n) % ids.len()]).collect();
            let isr: Vec<i32> = replicas.iter().copied().filter(|id| up.contains(id)).collect();
            let place = Address { leader: isr.first().copied(), leader_epoch: 0, replicas, isr };
            topic.partitions.push(Partition { place, log: Log::default() });
        }
    }

    pub fn topic_id(&self, name: &str) -> Option<Uuid> {
        self.topics.get(name).map(|topic| topic.id)
    }

    pub fn topic_names(&self) -> Vec<String> {
        self.topics.keys().cloned().collect()
    }

    pub fn partition_count(&self, name: &str) -> i32 {
        self.topic(name).partitions.len() as i32
    }

    pub fn set_topic_options(&mut self, name: &str, change: impl FnOnce(&mut TopicOptions)) {
        change(&mut self.topic_mut(name).options);
    }

    // Leaders and brokers

    pub fn leader(&self, topic: &str, partition: i32) -> Option<i32> {
        self.place(topic, partition).leader
    }

    pub fn leader_epoch(&self, topic: &str, partition: i32) -> i32 {
        self.place(topic, partition).leader_epoch
    }

    /// Makes another broker the leader, with a new leader epoch. It joins the replicas and the ISR if it was not in
    /// them.
    pub fn move_leader(&mut self, topic: &str, partition: i32, to: i32) {
        let place = self.place_mut(topic, partition);
        for list in [&mut place.replicas, &mut place.isr] {
            if !list.contains(&to) {
                list.push(to);
            }
        }
        place.leader = Some(to);
        place.leader_epoch += 1;
    }

    /// Leaves a partition without a leader.
    pub fn remove_leader(&mut self, topic: &str, partition: i32) {
        let place = self.place_mut(topic, partition);
        place.leader = None;
        place.leader_epoch += 1;
    }

    pub fn set_isr(&mut self, topic: &str, partition: i32, isr: &[i32]) {
        self.place_mut(topic, partition).isr = isr.to_vec();
    }

    pub fn is_up(&self, broker: i32) -> bool {
        self.brokers.get(&broker).is_some_and(|broker| broker.up)
    }

    /// Takes a broker down. It leaves every ISR except where it is the only member, and others of the ISR take over its
    /// partitions.
    pub fn stop_broker(&mut self, id: i32) {
        self.broker_mut(id).up = false;
        for place in self.places() {
            if place.isr.len() > 1 {
                place.isr.retain(|member| *member != id);
            }
            if place.leader == Some(id) {
                place.leader = place.isr.iter().copied().find(|member| *member != id);
                place.leader_epoch += 1;
            }
        }
    }

    /// Brings a broker up. It is in sync at once, and leads the partitions without a leader.
    pub fn start_broker(&mut self, id: i32) {
        self.broker_mut(id).up = true;
        let up: Vec<i32> = self.up_brokers().map(|(id, _)| id).collect();
        for place in self.places().filter(|place| place.replicas.contains(&id)) {
            if place.leader.is_none() && place.isr.contains(&id) {
                place.leader = Some(id);
                place.leader_epoch += 1;
            }
            if place.leader.is_some() {
                // All live replicas are in sync again, including those that waited for a leader.
                let late = place.replicas.iter().filter(|id| up.contains(id) && !place.isr.contains(id));
                place.isr.extend(late.copied().collect::<Vec<_>>());
            }
        }
    }

    /// Takes a broker down and up again. Its partitions have moved, its logs and producers are as before.
    pub fn restart_broker(&mut self, id: i32) {
        self.stop_broker(id);
        self.start_broker(id);
    }

    /// Sets the address that Metadata reports for a broker.
    pub fn set_address(&mut self, broker: i32, host: &str, port: u16) {
        let broker = self.broker_mut(broker);
        broker.host = host.to_owned();
        broker.port = port;
    }

    pub fn broker_ids(&self) -> Vec<i32> {
        self.brokers.keys().copied().collect()
    }

    /// Sets the versions of all brokers.
    pub fn set_versions(&mut self, versions: Versions) {
        self.versions = versions;
        for broker in self.brokers.values_mut() {
            broker.versions = None;
        }
    }

    /// Sets the versions of one broker, as in the middle of an upgrade.
    pub fn set_broker_versions(&mut self, broker: i32, versions: Versions) {
        self.broker_mut(broker).versions = Some(versions);
    }

    pub fn versions_of(&self, broker: i32) -> &Versions {
        self.brokers.get(&broker).and_then(|broker| broker.versions.as_ref()).unwrap_or(&self.versions)
    }

    /// From now on, Metadata reports topics and leaders as they are at this moment.
    pub fn hold_metadata(&mut self) {
        self.held_view = Some(self.view());
    }

    /// From now on, Metadata reports topics and leaders as they were when `view` was taken.
    pub fn hold_view(&mut self, view: View) {
        self.held_view = Some(view);
    }

    /// Metadata reports the present state again.
    pub fn release_metadata(&mut self) {
        self.held_view = None;
    }

    // Faults and the request log

    /// Each fault applies to one of the next requests of this API.
    pub fn script(&mut self, api: ApiKey, faults: impl IntoIterator<Item = Fault>) {
        self.faults.script(api, faults);
    }

    /// Calls `hook` for every request without a scripted fault.
    pub fn on_request(&mut self, hook: impl FnMut(&RequestInfo) -> Fault + Send + 'static) {
        self.faults.hook(Some(Box::new(hook)));
    }

    /// Removes all scripts and the hook.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// All requests that could be parsed, in order of arrival.
    pub fn requests(&self) -> &[RequestInfo] {
        &self.requests
    }

    pub fn requests_of(&self, api: ApiKey) -> Vec<&RequestInfo> {
        self.requests.iter().filter(|request| request.api == api).collect()
    }

    pub fn clear_requests(&mut self) {
        self.requests.clear();
    }

    // Logs

    pub fn log(&self, topic: &str, partition: i32) -> &Log {
        &self.topic(topic).partitions[partition as usize].log
    }

    /// For tests that forget producers, delete records or truncate.
    pub fn log_mut(&mut self, topic: &str, partition: i32) -> &mut Log {
        &mut self.topic_mut(topic).partitions[partition as usize].log
    }

    pub fn records(&self, topic: &str, partition: i32) -> Vec<StoredRecord> {
        self.log(topic, partition).records().cloned().collect()
    }

    /// What a read-committed consumer sees.
    pub fn committed(&self, topic: &str, partition: i32) -> Vec<StoredRecord> {
        self.log(topic, partition).committed().cloned().collect()
    }

    // For the model itself

    /// What Metadata reports about all topics now.
    pub fn view(&self) -> View {
        let places = |topic: &Topic| topic.partitions.iter().map(|partition| partition.place.clone()).collect();
        self.topics.iter().map(|(name, topic)| (name.clone(), (topic.id, places(topic)))).collect()
    }

    pub(super) fn name_of(&self, id: Uuid) -> Option<&str> {
        self.topics.iter().find(|(_, topic)| topic.id == id).map(|(name, _)| name.as_str())
    }

    pub(super) fn up_brokers(&self) -> impl Iterator<Item = (i32, &Broker)> {
        self.brokers.iter().filter(|(_, broker)| broker.up).map(|(id, broker)| (*id, broker))
    }

    fn topic(&self, name: &str) -> &Topic {
        self.topics.get(name).expect("a topic that exists")
    }

    fn topic_mut(&mut self, name: &str) -> &mut Topic {
        self.topics.get_mut(name).expect("a topic that exists")
    }

    fn broker_mut(&mut self, id: i32) -> &mut Broker {
        self.brokers.get_mut(&id).expect("a broker that exists")
    }

    fn place(&self, topic: &str, partition: i32) -> &Address {
        &self.topic(topic).partitions[partition as usize].place
    }

    fn place_mut(&mut self, topic: &str, partition: i32) -> &mut Address {
        &mut self.topic_mut(topic).partitions[partition as usize].place
    }

    fn places(&mut self) -> impl Iterator<Item = &mut Address> {
        self.topics.values_mut().flat_map(|topic| &mut topic.partitions).map(|partition| &mut partition.place)
    }
}
