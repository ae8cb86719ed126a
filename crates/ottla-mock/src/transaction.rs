//! The state of the transaction coordinator: who has a transactional id, what its transaction contains, and how that
//! ends. It follows the rules of KIP-98, KIP-360 and KIP-890 as `TransactionCoordinator` implements them.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::ResponseError;
use kafka_protocol::messages::ApiKey;

use super::Cluster;

/// How far a transaction has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Empty,
    Ongoing,
    /// The markers are not written yet.
    Prepared {
        commit: bool,
    },
    Complete {
        commit: bool,
    },
}

/// What the coordinator knows about a transactional id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    pub producer_id: i64,
    pub epoch: i16,
    /// Id and epoch before the last bump that a client requested. A producer that has these may repeat the request.
    pub last: Option<(i64, i16)>,
    pub phase: Phase,
    pub partitions: BTreeSet<(String, i32)>,
    pub groups: BTreeSet<String>,
    pub timeout_ms: i32,
    pub since_ms: i64,
    /// The epoch in the markers.
    marker_epoch: i16,
    /// The last EndTxn raised the epoch (KIP-890).
    raised: bool,
}

/// Offsets with their metadata, by topic and partition.
pub type Offsets = BTreeMap<(String, i32), (i64, Option<String>)>;

/// The offsets of a group: committed ones, and those of transactions that have not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    pub offsets: Offsets,
    /// By producer id.
    pending: BTreeMap<i64, Offsets>,
    /// Members by id, with their generation. A group that has members refuses all others.
    pub members: BTreeMap<String, i32>,
}

/// The coordinators of one cluster.
#[derive(Clone, Debug, Default)]
pub struct Transactions {
    pub(super) known: BTreeMap<String, Transaction>,
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) adopted: bool,
    /// The coordinator of each key. All others have the first broker that is up.
    pub(super) coordinators: BTreeMap<String, i32>,
    /// Markers are written only when [`Cluster::write_markers`] is called.
    pub slow_markers: bool,
    pub max_timeout_ms: i32,
}

const LAST_EPOCH: i16 = i16::MAX - 1;

impl Cluster {
    /// The broker that coordinates a transactional id or a group.
    pub fn coordinator(&self, key: &str) -> Option<i32> {
        let chosen = self.transactions.coordinators.get(key).copied();
        chosen.filter(|id| self.is_up(*id)).or_else(|| self.up_brokers().map(|(id, _)| id).next())
    }

    pub fn move_coordinator(&mut self, key: &str, to: i32) {
        self.transactions.coordinators.insert(key.to_owned(), to);
    }

    pub fn transaction(&self, id: &str) -> Option<&Transaction> {
        self.transactions.known.get(id)
    }

    pub fn transaction_mut(&mut self, id: &str) -> Option<&mut Transaction> {
        self.transactions.known.get_mut(id)
    }

    /// As expiry (`transactional.id.expiration.ms`) does.
    pub fn forget_transactional_id(&mut self, id: &str) {
        self.transactions.known.remove(id);
    }

    pub fn group(&self, id: &str) -> Option<&Group> {
        self.transactions.groups.get(id)
    }

    pub fn group_mut(&mut self, id: &str) -> &mut Group {
        self.transactions.groups.entry(id.to_owned()).or_default()
    }

    /// The finalized level of transaction.version; 2 is KIP-890.
    pub fn set_transaction_version(&mut self, level: i16) {
        self.features.insert("transaction.version".into(), level);
        self.features_epoch += 1;
    }

    fn has_transaction_version_2(&self) -> bool {
        self.features.get("transaction.version").is_some_and(|level| *level >= 2)
    }

    /// Whether the brokers' release knows transaction.version 2, finalized or not.
    pub(super) fn is_kafka_4(&self) -> bool {
        let newest = self.up_brokers().filter_map(|(id, _)| self.versions_of(id).range(ApiKey::EndTxn));
        newest.map(|range| *range.end()).max() >= Some(5)
    }

    pub(super) fn is_coordinator(&self, broker: i32, key: &str) -> Result<(), ResponseError> {
        if self.coordinator(key) == Some(broker) { Ok(()) } else { Err(ResponseError::NotCoordinator) }
    }

    /// InitProducerId with a transactional id.
    pub(super) fn init_transaction(
        &mut self,
        id: &str,
        timeout_ms: i32,
        expected: Option<(i64, i16)>,
    ) -> Result<(i64, i16), ResponseError> {
        let max = self.transactions.max_timeout_ms;
        if timeout_ms <= 0 || (max > 0 && timeout_ms > max) {
            return Err(ResponseError::InvalidTransactionTimeout);
        }
        let (now, remembers) = (self.now_ms, self.has_transaction_version_2());
        let Some(known) = self.transactions.known.get_mut(id) else {
            // For an id that is not known, the client's expected id and epoch do not matter.
            let producer_id = self.next_producer_id;
            self.next_producer_id += 1;
            let fresh = Transaction {
                producer_id,
                epoch: self.first_epoch,
                last: None,
                phase: Phase::Empty,
                partitions: BTreeSet::new(),
                groups: BTreeSet::new(),
                timeout_ms,
                since_ms: now,
                marker_epoch: 0,
                raised: false,
            };
            self.transactions.known.insert(id.to_owned(), fresh);
            return Ok((producer_id, self.first_epoch));
        };
        let current = (known.producer_id, known.epoch);
        if expected.is_some_and(|expected| expected != current && known.last != Some(expected)) {
            return Err(ResponseError::ProducerFenced);
        }
        match known.phase {
            Phase::Prepared { .. } => Err(ResponseError::ConcurrentTransactions),
            Phase::Ongoing => {
                // Producers with the old epoch are fenced. The client repeats its request once the markers are written.
                known.fence(remembers);
                self.maybe_write_markers();
                Err(ResponseError::ConcurrentTransactions)
            }
            Phase::Empty | Phase::Complete { .. } => {
                known.timeout_ms = timeout_ms;
                known.phase = Phase::Empty;
                if expected.is_some() && known.last == expected && known.epoch < i16::MAX {
                    // A repetition of the last request. The very last epoch is for fencing and never given out.
                    return Ok(current);
                }
                self.raise_epoch(id, expected.is_some())
            }
        }
    }

    fn raise_epoch(&mut self, id: &str, repeatable: bool) -> Result<(i64, i16), ResponseError> {
        let next_id = self.next_producer_id;
        let known = self.transactions.known.get_mut(id).expect("looked up before");
        let before = (known.producer_id, known.epoch);
        if known.epoch >= LAST_EPOCH {
            known.producer_id = next_id;
            known.epoch = 0;
            self.next_producer_id += 1;
        } else {
            known.epoch += 1;
        }
        known.last = repeatable.then_some(before);
        Ok((known.producer_id, known.epoch))
    }

    fn check(&mut self, id: &str, producer_id: i64, epoch: i16) -> Result<&mut Transaction, ResponseError> {
        let known = self.transactions.known.get_mut(id).ok_or(ResponseError::InvalidProducerIdMapping)?;
        if known.producer_id != producer_id {
            return Err(ResponseError::InvalidProducerIdMapping);
        }
        if known.epoch != epoch {
            return Err(ResponseError::ProducerFenced);
        }
        Ok(known)
    }

    fn open(&mut self, id: &str, producer_id: i64, epoch: i16) -> Result<&mut Transaction, ResponseError> {
        let now = self.now_ms;
        let known = self.check(id, producer_id, epoch)?;
        if let Phase::Prepared { .. } = known.phase {
            return Err(ResponseError::ConcurrentTransactions);
        }
        if known.phase != Phase::Ongoing {
            known.since_ms = now;
            known.phase = Phase::Ongoing;
        }
        Ok(known)
    }

    pub(super) fn add_partition_to(
        &mut self,
        id: &str,
        producer_id: i64,
        epoch: i16,
        partition: (String, i32),
    ) -> Result<(), ResponseError> {
        self.open(id, producer_id, epoch)?.partitions.insert(partition);
        Ok(())
    }

    pub(super) fn add_group_to(
        &mut self,
        id: &str,
        producer_id: i64,
        epoch: i16,
        group: &str,
    ) -> Result<(), ResponseError> {
        self.open(id, producer_id, epoch)?.groups.insert(group.to_owned());
        Ok(())
    }

    /// Whether a transactional batch may be appended (KIP-890): its partition is in the transaction, or joins it now.
    pub(super) fn verify(
        &mut self,
        id: &str,
        producer_id: i64,
        epoch: i16,
        partition: (String, i32),
        produce_version: i16,
    ) -> Result<(), ResponseError> {
        let joins = produce_version >= 12;
        let fenced_is_old = |error| match error {
            ResponseError::ProducerFenced => ResponseError::InvalidProducerEpoch,
            // Older clients do not know these codes in this response.
            ResponseError::ConcurrentTransactions | ResponseError::NotCoordinator if !joins => {
                ResponseError::NotEnoughReplicas
            }
            other => other,
        };
        if joins {
            return self.add_partition_to(id, producer_id, epoch, partition).map_err(fenced_is_old);
        }
        let known = self.check(id, producer_id, epoch).map_err(fenced_is_old)?;
        if known.phase == Phase::Ongoing && known.partitions.contains(&partition) {
            Ok(())
        } else {
            Err(not_verified(produce_version >= 11))
        }
    }

    /// Whether a fenced producer was given the newer producer's epoch. Real brokers do that if the newer one's last
    /// transaction was ended by EndTxn 4 and the fenced one ends its own by EndTxn 5: they take that for a repetition.
    pub fn has_adopted_a_fenced_producer(&self) -> bool {
        self.transactions.adopted
    }

    /// EndTxn. `own_epoch`: in this version of the protocol each transaction has an epoch of its own.
    pub(super) fn end(
        &mut self,
        id: &str,
        producer_id: i64,
        epoch: i16,
        commit: bool,
        own_epoch: bool,
    ) -> Result<(i64, i16), ResponseError> {
        let known = self.transactions.known.get_mut(id).ok_or(ResponseError::InvalidProducerIdMapping)?;
        let current = (known.producer_id, known.epoch);
        let again = own_epoch && known.is_before(producer_id, epoch);
        match known.phase {
            Phase::Prepared { .. } | Phase::Complete { .. } if again => {}
            _ => drop(self.check(id, producer_id, epoch)?),
        }
        let known = self.transactions.known.get_mut(id).expect("checked above");
        match known.phase {
            Phase::Ongoing => {}
            // The very last epoch is for fencing, and never given out.
            Phase::Complete { commit: was } if was == commit && again && current.1 == i16::MAX => {
                return self.raise_epoch(id, false);
            }
            Phase::Complete { commit: was } if was == commit && (again || !own_epoch) => {
                self.transactions.adopted |= again && !known.raised;
                return Ok(current);
            }
            Phase::Prepared { .. } if own_epoch && !again => return Err(ResponseError::ProducerFenced),
            Phase::Prepared { commit: was } if was == commit => return Err(ResponseError::ConcurrentTransactions),
            Phase::Empty | Phase::Complete { .. } if own_epoch && !again && !commit => {}
            _ => return Err(ResponseError::InvalidTxnState),
        }
        known.phase = Phase::Prepared { commit };
        known.raised = own_epoch;
        known.marker_epoch = known.epoch;
        let mut answer = current;
        if own_epoch {
            answer = self.raise_epoch(id, true)?;
            let known = self.transactions.known.get_mut(id).expect("checked above");
            known.marker_epoch = if known.producer_id == producer_id { known.epoch } else { i16::MAX };
        }
        self.maybe_write_markers();
        Ok(answer)
    }

    /// Aborts transactions that have been open beyond their timeout, and fences their producers.
    pub fn expire_transactions(&mut self) {
        let (now, remembers) = (self.now_ms, self.has_transaction_version_2());
        for known in self.transactions.known.values_mut() {
            if known.phase == Phase::Ongoing && now - known.since_ms > i64::from(known.timeout_ms) {
                known.fence(remembers);
            }
        }
        self.maybe_write_markers();
    }

    fn maybe_write_markers(&mut self) {
        if !self.transactions.slow_markers {
            self.write_markers();
        }
    }

    /// Ends the prepared transactions: writes markers to their partitions and offsets to their groups.
    pub fn write_markers(&mut self) {
        let ids: Vec<String> = self.transactions.known.keys().cloned().collect();
        for id in ids {
            let known = self.transactions.known.get_mut(&id).expect("listed above");
            let Phase::Prepared { commit } = known.phase else { continue };
            let (partitions, groups) = (std::mem::take(&mut known.partitions), std::mem::take(&mut known.groups));
            let producer_id = known.last.filter(|_| known.marker_epoch == i16::MAX).map_or(known.producer_id, |l| l.0);
            let epoch = known.marker_epoch;
            known.phase = Phase::Complete { commit };
            for (topic, partition) in partitions {
                let log = self.topics.get_mut(&topic).and_then(|t| t.partitions.get_mut(partition as usize));
                if let Some(partition) = log {
                    partition.log.mark(producer_id, epoch, commit);
                }
            }
            for group in groups {
                let group = self.transactions.groups.entry(group).or_default();
                let pending = group.pending.remove(&producer_id).unwrap_or_default();
                if commit {
                    group.offsets.extend(pending);
                }
            }
        }
    }
}

/// The error for a transaction to which a partition or group was not added.
pub(super) fn not_verified(abortable_known: bool) -> ResponseError {
    if abortable_known { ResponseError::TransactionAbortable } else { ResponseError::InvalidTxnState }
}

impl Transaction {
    /// Takes the transaction from its producer, to abort it. With transaction.version 2 the old epoch is remembered, so
    /// that its producer may ask for a new one.
    fn fence(&mut self, remembers: bool) {
        self.last = remembers.then_some((self.producer_id, self.epoch));
        self.epoch += 1;
        self.marker_epoch = self.epoch;
        self.phase = Phase::Prepared { commit: false };
    }

    /// Whether this is the epoch before the present one. An EndTxn with it may be a repetition.
    fn is_before(&self, producer_id: i64, epoch: i16) -> bool {
        let wrapped = self.epoch == 0 && self.last == Some((producer_id, epoch));
        self.producer_id == producer_id && i32::from(epoch) == i32::from(self.epoch) - 1 || wrapped
    }
}

impl Group {
    /// Whether a member of this generation may commit (KIP-447).
    pub(super) fn admits(&self, member: &str, generation: i32, kafka_4: bool) -> Result<(), ResponseError> {
        match self.members.get(member) {
            None if generation < 0 && (member.is_empty() || self.members.is_empty()) => Ok(()),
            // The group coordinator of 4.0 treats a group without members as one that does not exist.
            None if self.members.is_empty() && kafka_4 => Err(ResponseError::IllegalGeneration),
            None => Err(ResponseError::UnknownMemberId),
            Some(present) if *present != generation => Err(ResponseError::IllegalGeneration),
            Some(_) => Ok(()),
        }
    }

    pub(super) fn hold(&mut self, producer_id: i64, partition: (String, i32), offset: (i64, Option<String>)) {
        self.pending.entry(producer_id).or_default().insert(partition, offset);
    }
}
