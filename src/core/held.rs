//! What the records that are not decided wait for. A flush or a close that ends before they are says it.

use std::collections::HashMap;

use super::{Acks, Answer, Core, Place};
use crate::error::{Error, ErrorKind};
use crate::sync::Arc;
use crate::text::counted;

/// So many reasons are told; the others are counted.
const REASONS: usize = 3;

impl Core {
    /// Tells what is held, of one topic or of all, and why.
    pub(super) fn explain(&mut self, ticket: u64, topic: Option<&Arc<str>>) {
        let held = self.held(topic);
        self.answer(ticket, Ok(Answer::Held(held)));
    }

    /// How many records of how many partitions wait for what; those that wait for the same are told together. `None` if
    /// there are none.
    fn held(&mut self, topic: Option<&Arc<str>>) -> Option<String> {
        let in_flight = self.records_in_flight();
        let mut reasons: HashMap<String, (usize, usize)> = HashMap::new();
        for index in self.active.clone() {
            if topic.is_some_and(|topic| *topic != self.partition(index).slot.topic) {
                continue;
            }
            let partition = self.partition(index);
            let queued: usize = partition.queue.iter().map(|batch| batch.count() as usize).sum();
            let records = queued + partition.slot.waiting().0 + in_flight.get(&index).copied().unwrap_or_default();
            if records > 0 {
                let (all, partitions) = reasons.entry(self.why_held(index)).or_default();
                *all += records;
                *partitions += 1;
            }
        }
        let mut reasons: Vec<(String, (usize, usize))> = reasons.into_iter().collect();
        reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let others = reasons.split_off(reasons.len().min(REASONS));
        let mut told: Vec<String> = reasons.iter().map(|(why, held)| format!("{}: {why}", amount(*held))).collect();
        if !others.is_empty() {
            let sum = others.iter().fold((0, 0), |sum, (_, held)| (sum.0 + held.0, sum.1 + held.1));
            told.push(format!("{} for other reasons", amount(sum)));
        }
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// How many records of each partition are on requests.
    fn records_in_flight(&self) -> HashMap<u32, usize> {
        let mut records: HashMap<u32, usize> = HashMap::new();
        for carried in
            self.brokers.iter().flat_map(|broker| &broker.in_flight).flat_map(|request| request.kind.carried())
        {
            *records.entry(carried.partition).or_default() +=
                carried.batch.as_ref().map_or(0, |batch| batch.count() as usize);
        }
        records
    }

    /// What the close completes a partition's records with.
    pub(super) fn closed_error(&mut self, index: u32) -> Error {
        let why = self.why_held(index);
        Error::new(ErrorKind::Closed, format!("the producer was closed before the record's fate was known: {why}"))
    }

    /// What a partition's records wait for.
    fn why_held(&mut self, index: u32) -> String {
        let partition = self.partition(index);
        if partition.is_topic_queue() {
            let topic = partition.topic as usize;
            return self.why_unknown(topic);
        }
        if partition.in_flight > 0 {
            return self.why_in_flight(index);
        }
        if partition.place == Place::Lingering {
            return "their linger.ms has not passed".into();
        }
        let cause = self.why_unsent(index).map(|cause| cause.to_string());
        cause.unwrap_or_else(|| self.why_not_its_turn(index))
    }

    /// A request that carries them is on its way.
    fn why_in_flight(&mut self, index: u32) -> String {
        let partition = self.partition(index);
        let last = partition.last_error.as_ref().map_or_else(String::new, |error| format!("; last error: {error}"));
        let not_yet = if partition.slot.settings.acks == Acks::None { "taken" } else { "answered" };
        let broker = partition.in_flight_broker;
        format!("{} has not {not_yet} a request with them{last}", self.brokers[broker as usize].name())
    }

    /// Nothing went wrong, and they are not sent.
    fn why_not_its_turn(&mut self, index: u32) -> String {
        let partition = self.partition(index);
        let gated = partition.place == Place::Gated;
        let Some(leader) = partition.leader else { return "no broker is known to lead their partition".into() };
        let broker = &self.brokers[leader as usize];
        let name = broker.name();
        match self.standing_of(leader) {
            _ if gated && self.transaction.is_some() => "their partition is not part of the transaction yet".into(),
            _ if broker.throttled_until > self.now => format!("{name} asked to hold requests back (a quota)"),
            _ if !self.producer_id.is_settled() => "no broker has given a producer id yet".into(),
            Some(standing) => standing,
            None => format!("their turn to be sent to {name} has not come"),
        }
    }

    /// Why the partitions of a topic are not known.
    pub(super) fn why_unknown(&self, topic: usize) -> String {
        if let Some(error) = self.topics[topic].error() {
            return error.message().to_string();
        }
        let last = self.metadata.last_error.iter().map(ToString::to_string);
        let causes: Vec<String> = last.chain(self.standing()).collect();
        if causes.is_empty() { "no broker was asked yet".into() } else { causes.join("; ") }
    }
}

/// "3 records of 1 partition".
fn amount((records, partitions): (usize, usize)) -> String {
    format!("{} of {}", counted(records, "record"), counted(partitions, "partition"))
}
