//! Inquiries: questions of the application about the cluster or a topic. Metadata that is requested for the inquiry
//! answers it. At its deadline it fails with the reason.

use super::index::BrokerIndex;
use super::{Answer, Sender, Timer};
use crate::accumulator::About;
use crate::error::{Error, ErrorCode, ErrorKind, Result};
use crate::protocol::LeaderEpoch;
use crate::protocol::leader::leader_of_field;
use crate::protocol::messages::{MetadataResponse, MetadataResponsePartition, MetadataResponseTopic};
use crate::sync::{Arc, Time};
use crate::text::partition_name;

/// An inquiry without an answer yet.
pub struct Inquiry {
    ticket: u64,
    about: About,
    asked_at: Time,
    deadline: Time,
    /// The number of the first metadata request that can answer it.
    since: u64,
    /// The last answer of a broker that was not sufficient.
    heard: Option<Error>,
    /// The answer, except that a connection to a leader is missing.
    found: Option<Arc<[PartitionInfo]>>,
}

impl Inquiry {
    pub fn is_asked_for(&self, ticket: u64) -> bool {
        self.ticket == ticket
    }
}

/// A partition, as a broker described it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionInfo {
    pub partition: i32,
    /// The leader's id; `None` without a leader.
    pub leader: Option<i32>,
    /// `None` if the broker does not report it (before Kafka 2.1).
    pub leader_epoch: Option<i32>,
    /// The leader's address; `None` if there is no leader, or it is not among the cluster's brokers.
    pub leader_address: Option<(Arc<str>, u16)>,
    /// Ids of brokers, as in the next two.
    pub replicas: Vec<i32>,
    pub in_sync: Vec<i32>,
    pub offline: Vec<i32>,
}

impl Sender {
    pub(super) fn inquire(&mut self, ticket: u64, about: About, asked_at: Time, deadline: Time) {
        if let About::Topic { name, .. } = &about {
            let index = self.track_topic(name);
            self.ask_for_topic(index);
        }
        let since = self.metadata.asked + 1;
        self.inquiries.push(Inquiry { ticket, about, asked_at, deadline, since, heard: None, found: None });
        self.timers.arm(Timer::Inquiries, deadline);
        self.metadata_due();
    }

    /// Whether an inquiry needs metadata that was not requested yet.
    pub(super) fn is_inquired(&self) -> bool {
        self.inquiries.iter().any(|inquiry| inquiry.since > self.metadata.asked)
    }

    /// Whether an inquiry is about this topic.
    pub(super) fn is_inquired_about(&self, topic: &str) -> bool {
        self.inquiries.iter().any(|inquiry| matches!(&inquiry.about, About::Topic { name, .. } if **name == *topic))
    }

    /// Answers inquiries from a response that was applied. False if a further request is needed.
    pub(super) fn answer_inquiries(&mut self, response: &MetadataResponse<'_>) -> bool {
        for mut inquiry in std::mem::take(&mut self.inquiries) {
            match self.find_answer(&mut inquiry, response) {
                Some(outcome) => self.answer(inquiry.ticket, outcome),
                None => self.inquiries.push(inquiry),
            }
        }
        self.connect_to_checked();
        self.inquiries.iter().all(|inquiry| inquiry.since > self.metadata.asked)
    }

    /// Answers inquiries that waited only for a connection that is up now.
    pub(super) fn answer_reached(&mut self) {
        for inquiry in std::mem::take(&mut self.inquiries) {
            match &inquiry.found {
                Some(found) if self.unreached(found).is_none() => {
                    self.answer(inquiry.ticket, Ok(Answer::Partitions(found.clone())));
                }
                _ => self.inquiries.push(inquiry),
            }
        }
    }

    /// The first partition without a connection to its leader, and that leader.
    fn unreached(&self, partitions: &[PartitionInfo]) -> Option<(i32, BrokerIndex)> {
        partitions.iter().find_map(|partition| {
            let leader = self.brokers.by_id(partition.leader?)?;
            (!self.brokers[leader].is_up()).then_some((partition.partition, leader))
        })
    }

    /// Whether an inquiry waits for a connection to this broker.
    pub(super) fn is_checked(&self, broker: BrokerIndex) -> bool {
        let id = self.brokers[broker].id;
        let found = self.inquiries.iter().filter_map(|inquiry| inquiry.found.as_ref());
        found.flat_map(|found| found.iter()).any(|partition| partition.leader == Some(id))
    }

    fn connect_to_checked(&mut self) {
        for broker in self.brokers.indices() {
            if self.is_checked(broker) {
                self.ensure_connected(broker);
            }
        }
    }

    fn find_answer(&self, inquiry: &mut Inquiry, response: &MetadataResponse<'_>) -> Option<Result<Answer>> {
        if inquiry.since > self.metadata.asked {
            return None;
        }
        let About::Topic { name, led } = &inquiry.about else { return Some(Ok(Answer::Done)) };
        let topic = response.topics.iter().find(|topic| topic.name == Some(name));
        if topic.is_some() && self.is_doubted(name) {
            let message = "brokers differ about which partitions it has: one that is behind will catch up";
            (inquiry.heard, inquiry.found) = (Some(Error::new(ErrorKind::TimedOut, message)), None);
            return None;
        }
        match self.partitions_of(name, topic, *led)? {
            Err(error) if error.is_retriable() => {
                (inquiry.heard, inquiry.found) = (Some(error), None);
                None
            }
            Ok(partitions) if *led && self.unreached(&partitions).is_some() => {
                (inquiry.heard, inquiry.found) = (None, Some(partitions));
                None
            }
            outcome => Some(outcome.map(Answer::Partitions)),
        }
    }

    /// `None` if this response is only about other topics.
    fn partitions_of(
        &self,
        name: &str,
        topic: Option<&MetadataResponseTopic<'_>>,
        led: bool,
    ) -> Option<Result<Arc<[PartitionInfo]>>> {
        let index = self.topic_by_name.get(name).copied();
        // The topic was left out of the response, or refused.
        if let Some(error) = index.and_then(|index| self.topics[index].error()) {
            return Some(Err(error.clone()));
        }
        let topic = topic?;
        let mut partitions: Vec<_> = topic.partitions.iter().map(|partition| self.describe(partition)).collect();
        partitions.sort_by_key(|partition| partition.partition);
        Some(match partitions.iter().find(|partition| partition.leader_address.is_none()) {
            Some(partition) if led => {
                let replicas = &partition.replicas;
                let partition = partition_name(name, partition.partition);
                let message = format!("{partition} has no leader that can be reached; its replicas are {replicas:?}");
                Err(Error::new(ErrorKind::Broker(ErrorCode::LEADER_NOT_AVAILABLE), message))
            }
            _ => Ok(partitions.into()),
        })
    }

    fn describe(&self, partition: &MetadataResponsePartition) -> PartitionInfo {
        let leader = self.brokers.by_id(partition.leader_id).map(|index| &self.brokers[index]);
        PartitionInfo {
            partition: partition.partition_index,
            leader: leader_of_field(partition.leader_id),
            leader_epoch: LeaderEpoch::of_field(partition.leader_epoch).map(LeaderEpoch::get),
            leader_address: leader.filter(|broker| broker.listed).map(|broker| (broker.host.clone(), broker.port)),
            replicas: partition.replica_nodes.clone(),
            in_sync: partition.isr_nodes.clone(),
            offline: partition.offline_replicas.clone(),
        }
    }

    pub(super) fn inquiries_due(&mut self) {
        let drained = self.drained;
        for inquiry in std::mem::take(&mut self.inquiries) {
            if inquiry.deadline > drained {
                self.timers.arm(Timer::Inquiries, inquiry.deadline);
                self.inquiries.push(inquiry);
                continue;
            }
            let error = self.why_unanswered(&inquiry);
            self.answer(inquiry.ticket, Err(error));
        }
    }

    fn why_unanswered(&self, inquiry: &Inquiry) -> Error {
        let ms = inquiry.deadline.since(inquiry.asked_at).as_millis();
        if let (About::Topic { name, .. }, Some(heard)) = (&inquiry.about, &inquiry.heard) {
            return heard.context(format_args!("topic {name} was not as asked for within {ms} ms"));
        }
        let unreached = inquiry.found.as_ref().and_then(|found| self.unreached(found));
        if let (About::Topic { name, .. }, Some((partition, leader))) = (&inquiry.about, unreached) {
            let partition = partition_name(name, partition);
            let cause = self.broker_waits_for(leader).unwrap_or_else(|| "no attempt to connect has ended yet".into());
            let message = format!("the leader of {partition} could not be reached within {ms} ms: {cause}");
            return Error::new(kind_of(self.brokers[leader].last_error.as_ref()), message);
        }
        let kind = kind_of(self.metadata.last_error.as_ref());
        let cause = self.metadata_waits_for().unwrap_or_else(|| "none that can be asked is known".into());
        Error::new(kind, format!("no broker of the cluster answered within {ms} ms: {cause}"))
    }

    /// What an inquiry waits for.
    pub(super) fn inquiry_waits_for(&self, inquiry: &Inquiry) -> Option<String> {
        let heard = inquiry.heard.as_ref().map(|error| error.message().to_owned());
        let unreached = inquiry.found.as_ref().and_then(|found| self.unreached(found));
        let leader = unreached.and_then(|(_, leader)| self.broker_waits_for(leader));
        heard.or(leader).or_else(|| self.metadata_waits_for())
    }

    /// Fails all inquiries, because no more metadata will come.
    pub(super) fn end_inquiries(&mut self) {
        for inquiry in std::mem::take(&mut self.inquiries) {
            let why = self.inquiry_waits_for(&inquiry).map_or_else(String::new, |why| format!("; {why}"));
            let message = format!("the producer was closed before the question was answered{why}");
            self.answer(inquiry.ticket, Err(Error::new(ErrorKind::Closed, message)));
        }
    }
}

/// The kind of an error that says why a broker did not respond.
fn kind_of(last: Option<&Error>) -> ErrorKind {
    match last.map(Error::kind) {
        Some(kind @ (ErrorKind::Resolve | ErrorKind::Io | ErrorKind::BadResponse | ErrorKind::UnsupportedBroker)) => {
            kind
        }
        Some(ErrorKind::Broker(ErrorCode::NETWORK_EXCEPTION)) => ErrorKind::Io,
        _ => ErrorKind::TimedOut,
    }
}
