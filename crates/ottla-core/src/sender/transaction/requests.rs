//! The requests of a transaction, and the meaning of the error codes in their responses.

use std::time::Duration;

use super::super::index::{BrokerIndex, PartitionIndex};
use super::super::request::{Asked, RequestKind, Role};
use super::super::{Level, Sender};
use super::{End, Phase, State, Step, Transaction, no_transaction};
use crate::batch::ProducerEpoch;
use crate::error::{Class, Error, ErrorCode, ErrorKind, Result};
use crate::error::{TransactionRequest, TransactionVerdict as Verdict};
use crate::planted::{Fault, planted};
use crate::protocol::messages::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, AddPartitionsToTxnTopic, EndTxnRequest, EndTxnResponse,
    InitProducerIdRequest, InitProducerIdResponse,
};
use crate::protocol::{ApiKey, Reader};
use crate::text::partition_name;

/// The last version of EndTxn without KIP-890.
const LAST_EXPLICIT_END: i16 = 4;
/// From this version on, InitProducerId takes the present id and epoch, and raises the epoch (KIP-360).
const RAISES_EPOCH_SINCE: i16 = 3;
/// The pause while the broker writes the markers of the previous transaction, at the broker's own pace.
const SOON: Duration = Duration::from_millis(20);

impl Asked {
    fn request(&self) -> TransactionRequest {
        match self {
            Asked::Coordinator(Role::Transaction) => TransactionRequest::FindCoordinator,
            Asked::Coordinator(Role::Group) => TransactionRequest::FindGroupCoordinator,
            Asked::Init => TransactionRequest::Init,
            Asked::AddPartitions(_) => TransactionRequest::AddPartitions,
            Asked::AddOffsets => TransactionRequest::AddOffsets,
            Asked::CommitOffsets => TransactionRequest::CommitOffsets,
            Asked::End { commit: true } => TransactionRequest::Commit,
            Asked::End { commit: false } => TransactionRequest::Abort,
        }
    }

    /// What an error code in the response means for the transaction.
    pub fn verdict(&self, code: i16) -> Verdict {
        if let Some(verdict) = ErrorCode::transaction_verdict(code, self.request()) {
            return verdict;
        }
        match self {
            _ if ErrorCode::class(code) == Class::Retriable => Verdict::Retry,
            // After any other error it is unknown whether a commit took effect.
            Asked::Init | Asked::Coordinator(Role::Transaction) | Asked::End { .. } => Verdict::Fatal,
            _ => Verdict::Abort,
        }
    }
}

impl Sender {
    /// Sends the next request, unless one is in flight.
    pub(in super::super) fn drive_transaction(&mut self) {
        let Some(transaction) = &self.transaction else { return };
        if transaction.asked || self.closed {
            return;
        }
        let Some(step) = transaction.step() else { return };
        if transaction.not_before > self.now {
            let at = transaction.not_before;
            return self.wait_for_transaction(at);
        }
        match step {
            Step::Init => self.init_transaction(),
            Step::AddPartitions => self.add_partitions(),
            Step::AddOffsets => self.add_offsets(),
            Step::CommitOffsets => self.commit_offsets(),
            Step::End(end) => self.report_end(end),
        }
    }

    fn init_transaction(&mut self) {
        let Some((broker, version)) = self.coordinator_for(Role::Transaction, ApiKey::InitProducerId) else { return };
        let Some(transaction) = &mut self.transaction else { return };
        if let (State::Doubted(error), ..RAISES_EPOCH_SINCE) = (&transaction.state, version) {
            // A coordinator that cannot compare epochs would treat this as a newer producer, and fence the one that may
            // exist.
            let error = error.clone();
            return self.transaction_fatal(&error);
        }
        transaction.asked = true;
        let present = transaction.producer.filter(|_| version >= RAISES_EPOCH_SINCE);
        let (id, transaction_timeout_ms) = (transaction.id.clone(), transaction.timeout_ms);
        let mut request =
            InitProducerIdRequest { transactional_id: Some(&id), transaction_timeout_ms, ..Default::default() };
        if let Some(producer) = present {
            request.producer_id = producer.id;
            request.producer_epoch = producer.epoch;
        }
        self.send(broker, version, RequestKind::Transaction(Asked::Init), |out| request.encode(version, out));
    }

    fn transaction_initialized(&mut self, broker: BrokerIndex, reader: &mut Reader<'_>, version: i16) -> Result<()> {
        let response = InitProducerIdResponse::decode(reader, version)?;
        self.throttle(broker, response.throttle_time_ms);
        if let Some(error) = self.transaction_error(broker, Asked::Init, response.error_code) {
            self.take_verdict(&error, Asked::Init.verdict(response.error_code));
            return Ok(());
        }
        let (id, epoch) = (response.producer_id, response.producer_epoch);
        if id < 0 || epoch < 0 {
            return Err(Error::new(ErrorKind::BadResponse, format!("producer id {id}, epoch {epoch}: not one")));
        }
        self.log(Level::Debug, || format!("transactions: producer id {id}, epoch {epoch}"));
        let implicit = self.cluster_adds_partitions();
        let Some(transaction) = &mut self.transaction else { return Ok(()) };
        transaction.producer = Some(ProducerEpoch { id, epoch });
        transaction.implicit = implicit;
        transaction.renew = false;
        match transaction.state.clone() {
            State::Initializing => {
                self.enter(State::Ready);
                self.accumulator.gate.shut(no_transaction());
                self.answer_call(Ok(()));
            }
            State::Doubted(error) => {
                // The coordinator had given up on the transaction, so nothing of it is left to abort there.
                transaction.reported = false;
                self.enter(State::Failed(error.clone()));
                self.answer_call(Err(error));
            }
            // The same, after the application has called for the abort.
            State::Ending(_, Phase::Draining) => transaction.reported = false,
            State::Ending(..) => self.transaction_reported(),
            _ => {}
        }
        Ok(())
    }

    fn add_partitions(&mut self) {
        let Some((broker, version)) = self.coordinator_for(Role::Transaction, ApiKey::AddPartitionsToTxn) else {
            return;
        };
        let Some(transaction) = &mut self.transaction else { return };
        let Some(ProducerEpoch { id: producer_id, epoch: producer_epoch }) = transaction.producer else { return };
        let mut indices: Vec<PartitionIndex> = transaction.joining.iter().copied().collect();
        transaction.reported = true;
        transaction.asked = true;
        let id = transaction.id.clone();
        indices.sort_by_key(|&index| self.partition(index).topic);
        let slots: Vec<_> = indices.iter().map(|&index| self.partition(index).slot.clone()).collect();
        let topics = slots.chunk_by(|a, b| a.topic == b.topic).map(|slots| AddPartitionsToTxnTopic {
            name: &slots[0].topic,
            partitions: slots.iter().map(|slot| slot.partition).collect(),
        });
        let request = AddPartitionsToTxnRequest {
            v3_and_below_transactional_id: &id,
            v3_and_below_producer_id: producer_id,
            v3_and_below_producer_epoch: producer_epoch,
            v3_and_below_topics: topics.collect(),
        };
        let kind = RequestKind::Transaction(Asked::AddPartitions(indices));
        self.send(broker, version, kind, |out| request.encode(version, out));
    }

    /// Partitions that were added may send. The most severe error decides for the others.
    fn partitions_added(
        &mut self,
        broker: BrokerIndex,
        indices: Vec<PartitionIndex>,
        reader: &mut Reader<'_>,
        version: i16,
    ) -> Result<()> {
        let response = AddPartitionsToTxnResponse::decode(reader, version)?;
        self.throttle(broker, response.throttle_time_ms);
        let asked = Asked::AddPartitions(Vec::new());
        let mut worst: Option<(Verdict, Error)> = None;
        for index in indices {
            let slot = self.partition(index).slot.clone();
            let topics = &response.results_by_topic_v3_and_below;
            let results =
                topics.iter().filter(|topic| *topic.name == *slot.topic).flat_map(|t| &t.results_by_partition);
            let code =
                results.into_iter().find(|r| r.partition_index == slot.partition).map(|r| r.partition_error_code);
            match code {
                Some(ErrorCode::NONE) => {
                    if let Some(transaction) = &mut self.transaction {
                        transaction.joining.retain(|&joining| joining != index);
                        transaction.failures = 0;
                        transaction.last_error = None;
                    }
                    self.joined(index);
                }
                Some(code) => {
                    let verdict = asked.verdict(code);
                    let error = self.transaction_error(broker, asked.clone(), code).expect("the code is not 0");
                    let text = format!("{} for {}", error.message(), partition_name(&slot.topic, slot.partition));
                    if worst.as_ref().is_none_or(|(so_far, _)| *so_far < verdict) {
                        worst = Some((verdict, error.with_message(text)));
                    }
                }
                None => {
                    let left_out = partition_name(&slot.topic, slot.partition);
                    let message = format!("the answer to AddPartitionsToTxn leaves out {left_out}");
                    return Err(Error::new(ErrorKind::BadResponse, message));
                }
            }
        }
        if let Some((verdict, error)) = worst {
            self.take_verdict(&error, verdict);
        }
        Ok(())
    }

    fn report_end(&mut self, end: End) {
        let Some((broker, version)) = self.coordinator_for(Role::Transaction, ApiKey::EndTxn) else { return };
        let Some(transaction) = &mut self.transaction else { return };
        let Some(ProducerEpoch { id: producer_id, epoch: producer_epoch }) = transaction.producer else { return };
        let version = if transaction.implicit { version } else { version.min(LAST_EXPLICIT_END) };
        // If the request is repeated in the other generation, the coordinator would not recognise it as the same end.
        transaction.implicit &= version > LAST_EXPLICIT_END;
        transaction.asked = true;
        let id = transaction.id.clone();
        let committed = end == End::Commit;
        let request = EndTxnRequest { transactional_id: &id, producer_id, producer_epoch, committed };
        let kind = RequestKind::Transaction(Asked::End { commit: committed });
        self.send(broker, version, kind, |out| request.encode(version, out));
    }

    fn end_confirmed(
        &mut self,
        broker: BrokerIndex,
        commit: bool,
        reader: &mut Reader<'_>,
        version: i16,
    ) -> Result<()> {
        let response = EndTxnResponse::decode(reader, version)?;
        self.throttle(broker, response.throttle_time_ms);
        let begun = self.transaction.as_ref().is_some_and(|transaction| transaction.begun);
        if response.error_code == ErrorCode::INVALID_TXN_STATE && version <= LAST_EXPLICIT_END && !commit && !begun {
            // The request that would have begun it was refused or lost, so there is nothing to abort. Later versions
            // respond with success instead of this error.
            self.transaction_reported();
            return Ok(());
        }
        let asked = Asked::End { commit };
        let verdict = asked.verdict(response.error_code);
        let repeated = self.transaction.as_ref().is_some_and(|transaction| transaction.failures > 0);
        let refused = self.transaction_error(broker, asked, response.error_code);
        if let Some(error) = refused.filter(|_| !(repeated && planted(Fault::EndRefusedTakenForDone))) {
            self.take_verdict(&error, verdict);
            return Ok(());
        }
        if version > LAST_EXPLICIT_END
            && response.producer_id >= 0
            && !planted(Fault::EpochOfEndIgnored)
            && let Some(transaction) = &mut self.transaction
        {
            let (id, epoch) = (response.producer_id, response.producer_epoch);
            transaction.producer = Some(ProducerEpoch { id, epoch });
            transaction.renew = false;
        }
        self.transaction_reported();
        Ok(())
    }

    /// Handles the response to a request of the transaction.
    pub(in super::super) fn transaction_received(
        &mut self,
        broker: BrokerIndex,
        asked: Asked,
        reader: &mut Reader<'_>,
        version: i16,
    ) -> Result<()> {
        if let Some(transaction) = &mut self.transaction {
            transaction.asked = false;
        }
        let taken = match asked {
            Asked::Coordinator(role) => self.coordinator_found(broker, role, reader, version),
            Asked::Init => self.transaction_initialized(broker, reader, version),
            Asked::AddPartitions(indices) => self.partitions_added(broker, indices, reader, version),
            Asked::AddOffsets => self.offsets_added(broker, reader, version),
            Asked::CommitOffsets => self.offsets_committed(broker, reader, version),
            Asked::End { commit } => self.end_confirmed(broker, commit, reader, version),
        };
        if let Err(error) = &taken {
            self.note_transaction_error(&self.of_broker(broker, error));
            self.back_off_transaction(None);
        }
        self.drive_transaction();
        taken
    }

    /// Handles a request of the transaction without a response. Each can be repeated.
    pub(in super::super) fn transaction_unanswered(&mut self, asked: &Asked, error: &Error) {
        if let Some(transaction) = &mut self.transaction {
            transaction.asked = false;
            // A broker may execute it late. It would count for the next transaction if that had the same epoch.
            transaction.renew |= !matches!(asked, Asked::Init | Asked::Coordinator(_));
        }
        if !matches!(asked, Asked::Coordinator(_)) {
            self.forget_coordinator(asked.role());
        }
        self.note_transaction_error(error);
        self.log(Level::Info, || format!("{:?} is asked again: {error}", asked.api()));
        self.back_off_transaction(None);
    }

    pub(super) fn take_verdict(&mut self, error: &Error, verdict: Verdict) {
        self.log(if verdict == Verdict::Retry { Level::Debug } else { Level::Info }, || error.to_string());
        self.note_transaction_error(error);
        match verdict {
            Verdict::Retry => self.back_off_transaction(None),
            Verdict::RetrySoon => self.back_off_transaction(Some(SOON)),
            Verdict::Rediscover => {
                self.forget_coordinator(Role::Transaction);
                self.forget_coordinator(Role::Group);
                self.back_off_transaction(None);
            }
            Verdict::Refuse if self.is_initializing() => {
                self.answer_call(Err(error.passing()));
                self.enter(State::Uninitialized);
            }
            Verdict::Abort => self.transaction_failed(error),
            Verdict::Doubt => self.transaction_doubted(error),
            Verdict::Refuse | Verdict::Fatal => self.transaction_fatal(error),
        }
    }

    pub(super) fn note_transaction_error(&mut self, error: &Error) {
        if let Some(transaction) = &mut self.transaction {
            transaction.last_error = Some(error.clone());
        }
    }

    /// Whether this is the first initialization, which a refusal leaves undone but not half done.
    fn is_initializing(&self) -> bool {
        matches!(self.transaction, Some(Transaction { state: State::Initializing, .. }))
    }

    fn back_off_transaction(&mut self, wait: Option<Duration>) {
        let Some(transaction) = &mut self.transaction else { return };
        transaction.failures += 1;
        let wait = wait.unwrap_or_else(|| self.settings.retry_backoff.after(transaction.failures, &mut self.random));
        transaction.not_before = self.now.after(wait);
        let at = transaction.not_before;
        self.wait_for_transaction(at);
    }

    pub(super) fn transaction_error(&self, broker: BrokerIndex, asked: Asked, code: i16) -> Option<Error> {
        let kind = ErrorKind::from_broker(code)?;
        let name = self.brokers[broker].name();
        let asked_about = self.transaction.as_ref().map_or("", |transaction| transaction.asked_about(asked.role()));
        let advice = match code {
            ErrorCode::COORDINATOR_NOT_AVAILABLE if asked == Asked::Coordinator(Role::Transaction) => {
                "; are there fewer brokers than transaction.state.log.replication.factor? Then the cluster cannot create \
                 its log of transactions"
            }
            ErrorCode::COORDINATOR_NOT_AVAILABLE if asked == Asked::Coordinator(Role::Group) => {
                "; are there fewer brokers than offsets.topic.replication.factor? Then the cluster cannot create its log \
                 of offsets"
            }
            ErrorCode::INVALID_TXN_STATE if asked == (Asked::End { commit: true }) => {
                "; it was aborted: it timed out, or a newer producer started"
            }
            ErrorCode::INVALID_PRODUCER_EPOCH | ErrorCode::PRODUCER_FENCED => {
                "; a newer producer with this transactional.id was started, or the transaction timed out"
            }
            ErrorCode::INVALID_TRANSACTION_TIMEOUT => {
                "; transaction.timeout.ms is above the broker's transaction.max.timeout.ms"
            }
            ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED => "; the principal needs WRITE on the transactional id",
            _ => "",
        };
        let message = format!("{name} answered {:?} of {asked_about} with {kind}{advice}", asked.api());
        Some(Error::new(kind, message))
    }
}
