//! Says in words what records and calls wait for: the state of a connection, a request without a response, the last
//! error. Every error of a time limit contains it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use super::broker::{Broker, Link};
use super::index::{BrokerIndex, PartitionIndex, TopicIndex};
use super::request::RequestKind;
use super::{Acks, HeldUp, Place, Sender};
use crate::accumulator::Waiting;
use crate::batch::Batch;
use crate::error::{Error, ErrorKind};
use crate::text::{counted, partition_name};

/// How many causes are named, those with the most records first. There may be thousands.
const CAUSES: usize = 3;

const BEING_PREPARED: &str = "waiting for a helper thread to compress a batch";

/// The records that wait for the same.
#[derive(Default)]
struct Held {
    records: usize,
    partitions: usize,
    /// The name of the first partition.
    first: String,
}

impl fmt::Display for Held {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records = counted(self.records, "record");
        match self.partitions {
            1 => write!(out, "{records} for {}", self.first),
            many => write!(out, "{records} of {}", counted(many, "partition")),
        }
    }
}

impl Sender {
    /// What a call or records wait for now.
    pub(super) fn explain(&self, waiting: &Waiting) -> Option<String> {
        match waiting {
            Waiting::Call(ticket) => self.call_waits_for(*ticket),
            Waiting::Records(topic) => self.records_wait_for(topic.as_deref()),
        }
    }

    fn call_waits_for(&self, ticket: u64) -> Option<String> {
        if self.transaction.as_ref().is_some_and(|transaction| transaction.is_asked_for(ticket)) {
            return self.transaction_waits_for();
        }
        if let Some(inquiry) = self.inquiries.iter().find(|inquiry| inquiry.is_asked_for(ticket)) {
            return self.inquiry_waits_for(inquiry);
        }
        if self.flushes.is_asked_for(ticket) {
            return self.records_wait_for(None);
        }
        None
    }

    /// What the records of a topic, or of all topics, wait for, with the numbers of records and partitions for each
    /// cause.
    pub(super) fn records_wait_for(&self, topic: Option<&str>) -> Option<String> {
        let mut held: BTreeMap<String, Held> = BTreeMap::new();
        for (index, records) in self.undelivered() {
            let partition = &self.partitions[index];
            let (of, number) = (&partition.slot.topic, partition.slot.partition);
            if records == 0 || topic.is_some_and(|topic| *topic != **of) {
                continue;
            }
            let cause = self.partition_waits_for(index).unwrap_or_else(|| "they are about to be sent".into());
            let Held { records: all, partitions, first } = held.entry(cause).or_default();
            (*all, *partitions) = (*all + records, *partitions + 1);
            if *partitions == 1 {
                *first = partition_name(of, number).to_string();
            }
        }
        let mut held: Vec<(String, Held)> = held.into_iter().collect();
        held.sort_by_key(|(_, held)| Reverse((held.records, held.partitions)));
        let others = held.split_off(held.len().min(CAUSES));
        let mut clauses: Vec<String> = held.iter().map(|(cause, held)| format!("{held}: {cause}")).collect();
        if !others.is_empty() {
            let records: usize = others.iter().map(|(_, held)| held.records).sum();
            clauses.push(format!("{} wait for something else", counted(records, "record")));
        }
        join(clauses)
    }

    /// How many records of each partition are not delivered: those in requests, queues and slots.
    fn undelivered(&self) -> BTreeMap<PartitionIndex, usize> {
        let requests = self.brokers.iter().flat_map(|broker| &broker.in_flight);
        let carried = requests.flat_map(|request| request.kind.carried());
        let in_flight =
            carried.filter_map(|carried| Some((carried.partition, carried.batch.as_ref()?.count() as usize)));
        let waiting = self.partitions.active().iter().map(|&index| {
            let partition = &self.partitions[index];
            let queued: usize = partition.queue.iter().map(|batch| batch.count() as usize).sum();
            (index, queued + partition.slot.waiting().0)
        });
        let mut undelivered = BTreeMap::new();
        for (index, records) in in_flight.chain(waiting) {
            *undelivered.entry(index).or_default() += records;
        }
        undelivered
    }

    /// The error with which the close fails a partition's records.
    pub(super) fn closed_error(&self, index: PartitionIndex) -> Error {
        let why = self.partition_waits_for(index).map_or_else(String::new, |why| format!(": {why}"));
        Error::new(ErrorKind::Closed, format!("the producer was closed before the record's fate was known{why}"))
    }

    /// Why a batch was not delivered in time. `waiting` is what its partition waits for.
    pub(super) fn why_late(&self, waiting: Option<String>, batch: &Batch) -> String {
        let held_up = self.held_up_during(batch);
        join([waiting, held_up].into_iter().flatten()).unwrap_or_else(|| "the sender came to it too late".into())
    }

    /// Mentions if the sender did not run for a good part of the batch's time.
    fn held_up_during(&self, batch: &Batch) -> Option<String> {
        let HeldUp { time, until } = self.held_up;
        let allowed = batch.deadline.since(batch.created);
        (until > batch.created && time >= allowed / 8).then(|| {
            let ms = time.as_millis();
            format!("the sender was held up for {ms} ms: by a callback, or the process was stopped")
        })
    }

    /// What a partition's records wait for, and the last error.
    pub(super) fn partition_waits_for(&self, index: PartitionIndex) -> Option<String> {
        let partition = &self.partitions[index];
        if partition.is_topic_queue() {
            return self.topic_waits_for(partition.topic);
        }
        let last = partition.pause.last_error().map(last_error);
        join([self.partition_obstacle(index), last].into_iter().flatten())
    }

    /// What a batch waits for that was in a partition's queue or slot.
    pub(super) fn unsent_waits_for(&self, index: PartitionIndex, batch: &Batch) -> Option<String> {
        match batch.sealed.preparing {
            true => Some(BEING_PREPARED.into()),
            false => self.partition_waits_for(index),
        }
    }

    fn partition_obstacle(&self, index: PartitionIndex) -> Option<String> {
        let partition = &self.partitions[index];
        if partition.in_flight > 0 {
            return self.unanswered_request(partition.in_flight_broker?);
        }
        if partition.queue.front().is_some_and(|batch| batch.sealed.preparing) {
            return Some(BEING_PREPARED.into());
        }
        match (partition.place, partition.leader) {
            (Place::BackingOff, _) => None,
            (Place::Lingering, _) => {
                Some(format!("waiting for linger.ms={} to pass", partition.slot.settings.linger.as_millis()))
            }
            (_, None) => Some(self.why_leaderless(partition.topic)),
            (Place::Gated, _) => self.transaction_request_waits_for(),
            (_, Some(leader)) => {
                let broker = &self.brokers[leader];
                let numbered = partition.slot.settings.acks == Acks::All;
                if broker.is_up() && numbered && !self.producer_id.is_settled() {
                    return self.producer_id_waits_for();
                }
                self.broker_waits_for(leader)
            }
        }
    }

    fn why_leaderless(&self, topic: TopicIndex) -> String {
        let unknown = self.topics[topic].error().map(last_error);
        unknown.or_else(|| self.metadata.last_error.as_ref().and_then(|_| self.metadata_waits_for())).unwrap_or_else(
            || "no broker leads the partition: those that hold it are down, or their disks failed".into(),
        )
    }

    /// Why the partitions of a topic are not known.
    pub(super) fn topic_waits_for(&self, topic: TopicIndex) -> Option<String> {
        let refused = self.topics[topic].error().map(|error| error.message().to_owned());
        refused.or_else(|| self.metadata_waits_for())
    }

    /// Why there is no metadata.
    pub(super) fn metadata_waits_for(&self) -> Option<String> {
        if self.brokers.len() == 0 {
            return Some("no broker is known: bootstrap.servers is not set, and no broker was added".into());
        }
        let last = self.metadata.last_error.iter().map(last_error);
        let asked = self.brokers.with_indices().filter(|(_, broker)| self.is_asked_for_metadata(broker));
        join(last.chain(asked.filter_map(|(index, _)| self.broker_waits_for(index))))
    }

    /// Whether metadata is requested here, or would be if the connection could be used.
    fn is_asked_for_metadata(&self, broker: &Broker) -> bool {
        match broker.link {
            Link::Down => false,
            Link::Resolving | Link::Connecting | Link::Securing | Link::Greeting => true,
            Link::Up => {
                let asked = broker.in_flight.iter().any(|request| matches!(request.kind, RequestKind::Metadata));
                asked || broker.listed && broker.throttled_until > self.now
            }
        }
    }

    fn producer_id_waits_for(&self) -> Option<String> {
        let last = self.producer_id.last_error.as_ref().map(last_error);
        let asked = self.asked_for(|kind| matches!(kind, RequestKind::InitProducerId));
        let waiting = join(asked.and_then(|broker| self.unanswered_request(broker)).into_iter().chain(last))?;
        Some(format!("waiting for a producer id: {waiting}"))
    }

    /// What the next request of a transaction waits for.
    pub(super) fn transaction_request_waits_for(&self) -> Option<String> {
        let transaction = self.transaction.as_ref()?;
        let last = transaction.last_error.as_ref().map(last_error);
        let asked = self.asked_for(|kind| matches!(kind, RequestKind::Transaction(_)));
        let waiting = match (asked, transaction.next_coordinator()) {
            (Some(broker), _) => self.unanswered_request(broker),
            (None, Some(coordinator)) => self.broker_waits_for(coordinator),
            (None, None) => self.metadata_waits_for(),
        };
        join([waiting, last].into_iter().flatten())
    }

    /// The broker to which a request of this kind was sent.
    fn asked_for(&self, is_meant: impl Fn(&RequestKind) -> bool) -> Option<BrokerIndex> {
        let asked = |broker: &Broker| broker.in_flight.iter().any(|request| is_meant(&request.kind));
        self.brokers.with_indices().find(|(_, broker)| asked(broker)).map(|(index, _)| index)
    }

    /// Why a request is not sent to a broker, or has no response.
    pub(super) fn broker_waits_for(&self, index: BrokerIndex) -> Option<String> {
        let broker = &self.brokers[index];
        let name = broker.name();
        let so_far = self.now.since(broker.link_since).as_millis();
        let waiting = match broker.link {
            Link::Down => None,
            Link::Resolving => Some(format!("{name}: its name is not resolved after {so_far} ms")),
            Link::Connecting => Some(format!("{name}: the connection is not established after {so_far} ms")),
            Link::Securing => Some(format!(
                "{name}: connected, but the TLS handshake has not ended after {so_far} ms: does security.protocol fit its \
                 listener?"
            )),
            Link::Greeting => Some(format!(
                "{name}: connected, but it has not answered ApiVersions after {so_far} ms: is it a Kafka broker, and does \
                 security.protocol fit its listener?"
            )),
            Link::Up if broker.throttled_until > self.now => {
                let (asked, left) = (broker.throttle, broker.throttled_until.since(self.now));
                let (asked, left) = (asked.as_millis(), left.as_millis());
                Some(format!(
                    "{name} asked to hold requests back for {asked} ms (a quota), of which {left} ms are left"
                ))
            }
            Link::Up => return self.unanswered_request(index),
        };
        let failed = broker.last_error.as_ref().map(|error| match broker.failures {
            0 | 1 => last_error(error),
            times => format!("{}; attempts in a row: {times}", last_error(error)),
        });
        join([waiting, failed].into_iter().flatten())
    }

    /// The oldest request of a connection. Those behind it get their responses later.
    fn unanswered_request(&self, index: BrokerIndex) -> Option<String> {
        let broker = self.brokers.get(index)?;
        let request = broker.in_flight.front()?;
        let (name, api) = (broker.name(), request.kind.api());
        let so_far = self.now.since(request.sent).as_millis();
        Some(if broker.writing && broker.in_flight.len() == 1 {
            format!("{name}: the connection has not taken all of a {api:?} request after {so_far} ms")
        } else {
            format!("{name} has not answered {api:?} after {so_far} ms")
        })
    }
}

pub(super) fn last_error(error: &Error) -> String {
    format!("last error: {error}")
}

/// Joins distinct clauses into one, if there are any.
pub(super) fn join(clauses: impl IntoIterator<Item = String>) -> Option<String> {
    let mut distinct: Vec<String> = Vec::new();
    for clause in clauses {
        if !distinct.contains(&clause) {
            distinct.push(clause);
        }
    }
    (!distinct.is_empty()).then(|| distinct.join("; "))
}
