//! A conversation: the requests of a scenario, with a line for each response. Numbers that depend on the cluster's past
//! are replaced: the first producer id of a conversation is A, the second B.

use std::fmt::Display;
use std::thread::sleep;
use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::{
    AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest, ProducerId, TransactionalId,
};
use kafka_protocol::records::Compression;

use crate::peer::Peer;
use ottla_testkit::client;
use ottla_testkit::client::{Client, From, name, text};

pub struct Scenario {
    pub name: &'static str,
    pub play: fn(&mut Talk),
}

/// A producer id and epoch that a coordinator gave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    pub id: i64,
    pub epoch: i16,
}

impl Identity {
    pub fn at(self, epoch: i16) -> Identity {
        Identity { epoch, ..self }
    }
}

/// The longest transaction timeout that brokers allow by default.
pub const LONGEST_TIMEOUT_MS: i32 = 900_000;

pub struct Talk<'a> {
    pub peer: &'a dyn Peer,
    pub client: Client,
    pub generation: i16,
    pub topic: String,
    /// The transactional id, which is the group's id as well.
    pub id: String,
    pub lines: Vec<String>,
    ids: Vec<i64>,
}

impl<'a> Talk<'a> {
    pub fn new(peer: &'a dyn Peer, generation: i16, topic: String) -> Talk<'a> {
        let client = Client::connect(peer.addr());
        let id = format!("{topic}-id");
        Talk { peer, client, generation, topic, id, lines: Vec::new(), ids: Vec::new() }
    }

    pub fn note(&mut self, asked: impl Display, answered: impl Display) {
        self.lines.push(format!("{asked}: {answered}"));
    }

    /// A producer as letter and epoch.
    pub fn letter(&mut self, producer: Identity) -> String {
        let index = self.ids.iter().position(|id| *id == producer.id).unwrap_or_else(|| {
            self.ids.push(producer.id);
            self.ids.len() - 1
        });
        format!("{}/{}", char::from(b'A' + index as u8), producer.epoch)
    }

    /// Repeats a request while the coordinator is still loading.
    pub fn patiently<T>(&mut self, mut ask: impl FnMut(&mut Client) -> T, code: impl Fn(&T) -> i16) -> T {
        for _ in 0..200 {
            let answer = ask(&mut self.client);
            let coordinator_codes = [
                ResponseError::CoordinatorLoadInProgress,
                ResponseError::CoordinatorNotAvailable,
                ResponseError::NotCoordinator,
            ];
            if !coordinator_codes.iter().any(|error| error.code() == code(&answer)) {
                return answer;
            }
            sleep(Duration::from_millis(50));
        }
        panic!("the coordinator is not ready")
    }

    // Producer ids

    /// Requests a producer id without a transactional id.
    pub fn idempotent(&mut self) -> Identity {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(None)
            .with_transaction_timeout_ms(i32::MAX)
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1);
        let producer = self.ask_init(4, &request).expect("a producer id");
        self.letter(producer);
        producer
    }

    /// The first InitProducerId of a transactional id.
    pub fn start(&mut self) -> Identity {
        self.init(5, None).expect("a producer id")
    }

    pub fn init(&mut self, version: i16, expected: Option<Identity>) -> Result<Identity, i16> {
        self.init_for(version, expected, 60_000)
    }

    pub fn init_for(&mut self, version: i16, expected: Option<Identity>, timeout_ms: i32) -> Result<Identity, i16> {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(Some(TransactionalId(text(&self.id))))
            .with_transaction_timeout_ms(timeout_ms);
        let request = match expected {
            Some(producer) => request.with_producer_id(ProducerId(producer.id)).with_producer_epoch(producer.epoch),
            None => request.with_producer_id(ProducerId(-1)).with_producer_epoch(-1),
        };
        let answer = self.ask_init(version, &request);
        let expecting = expected.map_or(String::new(), |producer| format!(" expecting {}", self.letter(producer)));
        let shown = match answer {
            Ok(producer) => self.letter(producer),
            Err(code) => shown(code),
        };
        self.note(format_args!("InitProducerId v{version}{expecting}"), shown);
        answer
    }

    pub fn ask_init(&mut self, version: i16, request: &InitProducerIdRequest) -> Result<Identity, i16> {
        let answer = self.patiently(|client| client.call(version, request), |answer| answer.error_code);
        let producer = Identity { id: answer.producer_id.0, epoch: answer.producer_epoch };
        if answer.error_code == 0 { Ok(producer) } else { Err(answer.error_code) }
    }

    // Records

    /// The Produce version of the generation.
    fn produce_version(&self) -> i16 {
        if self.generation == 2 { 12 } else { 11 }
    }

    /// Sends a batch of `count` records to partition 0.
    pub fn send(&mut self, producer: Identity, sequence: i32, count: i32) -> i16 {
        self.send_to(0, self.produce_version(), producer, sequence, count, None)
    }

    /// Sends a transactional batch of `count` records.
    pub fn transact(&mut self, partition: i32, producer: Identity, sequence: i32, count: i32) -> i16 {
        let id = self.id.clone();
        self.send_to(partition, self.produce_version(), producer, sequence, count, Some(&id))
    }

    pub fn send_to(
        &mut self,
        partition: i32,
        version: i16,
        producer: Identity,
        sequence: i32,
        count: i32,
        transactional_id: Option<&str>,
    ) -> i16 {
        let values = vec!["value"; count as usize];
        let from = From { producer_id: producer.id, epoch: producer.epoch, sequence };
        let batch = client::batch_of(from, &values, Compression::None, transactional_id.is_some());
        let mut request = client::produce(-1, &[(&self.topic, &[(partition, batch)])]);
        request.transactional_id = transactional_id.map(|id| TransactionalId(text(id)));
        let mut answer = self.client.call(version, &request);
        let answer = answer.responses.remove(0).partition_responses.remove(0);
        let letter = self.letter(producer);
        let asked = format!("Produce v{version} to {partition} as {letter}, {count} from sequence {sequence}");
        let answered = match answer.error_code {
            0 => format!("at offset {}", answer.base_offset),
            code => shown(code),
        };
        self.note(asked, answered);
        answer.error_code
    }

    pub fn look(&mut self, partition: i32) {
        let seen = self.peer.seen(&self.topic, partition);
        let asked = format!("partition {partition} ends at {}, is stable to {}", seen.end, seen.stable);
        self.note(asked, format_args!("committed {:?}", seen.committed));
    }

    // Transactions

    pub fn add(&mut self, version: i16, producer: Identity, partitions: &[i32]) {
        let topic = self.topic.clone();
        self.add_of(version, producer, &[(&topic, partitions)]);
    }

    pub fn add_of(&mut self, version: i16, producer: Identity, topics: &[(&str, &[i32])]) {
        let topic = |(topic, partitions): &(&str, &[i32])| {
            AddPartitionsToTxnTopic::default().with_name(name(topic)).with_partitions(partitions.to_vec())
        };
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(TransactionalId(text(&self.id)))
            .with_v3_and_below_producer_id(ProducerId(producer.id))
            .with_v3_and_below_producer_epoch(producer.epoch)
            .with_v3_and_below_topics(topics.iter().map(topic).collect());
        let answer = self.client.call(version, &request);
        let mut codes: Vec<(String, i32, String)> = Vec::new();
        for topic in answer.results_by_topic_v3_and_below {
            let known = if *topic.name == *self.topic { "known" } else { "unknown" };
            let results = topic.results_by_partition.into_iter();
            let result = results.map(|p| (known.to_owned(), p.partition_index, shown(p.partition_error_code)));
            codes.extend(result);
        }
        codes.sort();
        let codes: Vec<String> = codes.iter().map(|(topic, index, code)| format!("{topic}-{index} {code}")).collect();
        let letter = self.letter(producer);
        self.note(format_args!("AddPartitionsToTxn v{version} as {letter}"), codes.join(", "));
    }

    /// Opens a transaction with a batch of `count` records in partition 0.
    pub fn open(&mut self, producer: Identity, sequence: i32, count: i32) {
        if self.generation == 1 {
            self.add(3, producer, &[0]);
        }
        self.transact(0, producer, sequence, count);
    }

    /// Ends a transaction with the generation's version of EndTxn, and waits until it has ended.
    pub fn end(&mut self, producer: Identity, commit: bool) -> Result<Identity, i16> {
        let version = if self.generation == 2 { 5 } else { 4 };
        let answer = self.end_as(version, producer, commit);
        self.peer.settle(&self.id);
        answer
    }

    /// Returns the producer id and epoch for the next transaction, if the response has them; otherwise the present
    /// ones.
    pub fn end_as(&mut self, version: i16, producer: Identity, commit: bool) -> Result<Identity, i16> {
        let request = EndTxnRequest::default()
            .with_transactional_id(TransactionalId(text(&self.id)))
            .with_producer_id(ProducerId(producer.id))
            .with_producer_epoch(producer.epoch)
            .with_committed(commit);
        let answer = self.client.call(version, &request);
        let letter = self.letter(producer);
        let next = match version {
            5.. => Identity { id: answer.producer_id.0, epoch: answer.producer_epoch },
            _ => producer,
        };
        let shown = match answer.error_code {
            0 => self.letter(next),
            code => shown(code),
        };
        let verb = if commit { "commit" } else { "abort" };
        self.note(format_args!("EndTxn v{version} as {letter}, {verb}"), shown);
        if answer.error_code == 0 { Ok(next) } else { Err(answer.error_code) }
    }
}

impl Drop for Talk<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}\n    and then it failed", self.lines.join("\n"));
        }
    }
}

/// The name of a code.
pub fn shown(code: i16) -> String {
    match ResponseError::try_from_code(code) {
        Some(error) => format!("{error:?}"),
        None if code == 0 => "ok".into(),
        None => format!("code {code}"),
    }
}
