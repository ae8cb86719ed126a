//! Coordinators: the broker for a transactional id, and the broker for a group's offsets.

use super::super::index::BrokerIndex;
use super::super::request::{Asked, RequestKind, Role};
use super::super::{Level, Sender};
use crate::error::{Error, ErrorKind, Result};
use crate::planted::{Fault, planted};
use crate::protocol::messages::{FindCoordinatorRequest, FindCoordinatorResponse};
use crate::protocol::{ApiKey, Reader};

/// The known coordinators.
#[derive(Default)]
pub struct Coordinators {
    transaction: Option<Found>,
    group: Option<Found>,
}

#[derive(Clone, Copy)]
pub struct Found {
    broker: BrokerIndex,
    /// Failed attempts in a row to connect to it, when it was named.
    failures: u32,
}

impl Found {
    pub fn broker(self) -> BrokerIndex {
        self.broker
    }
}

/// After this many further failures, the coordinator may have moved.
const MOST_FAILURES: u32 = 3;

/// From this version on, FindCoordinator has a list of keys (KIP-699).
const KEYS_SINCE: i16 = 4;

impl Coordinators {
    pub fn of(&self, role: Role) -> Option<Found> {
        match role {
            Role::Group => self.group,
            Role::Transaction => self.transaction,
        }
    }

    pub fn set(&mut self, role: Role, found: Option<Found>) {
        match role {
            Role::Group => self.group = found,
            Role::Transaction => self.transaction = found,
        }
    }
}

impl Sender {
    /// The coordinator and the version for a request to it, if it can be sent now. Otherwise starts what is missing.
    pub(super) fn coordinator_for(&mut self, role: Role, api: ApiKey) -> Option<(BrokerIndex, i16)> {
        let known = self.transaction.as_ref()?.coordinators.of(role);
        let Some(Found { broker: index, failures }) = known else {
            self.find_coordinator(role);
            return None;
        };
        let broker = &self.brokers[index];
        if !broker.is_up() {
            if broker.failures >= failures + MOST_FAILURES {
                self.forget_coordinator(role);
                self.find_coordinator(role);
                return None;
            }
            // The end of the attempt leads back here.
            let at = broker.retry_at;
            self.ensure_connected(index);
            if at > self.now {
                self.wait_for_transaction(at);
            }
            return None;
        }
        if broker.throttled_until > self.now {
            let at = broker.throttled_until;
            self.wait_for_transaction(at);
            return None;
        }
        if broker.writing {
            // The end of the write leads back here.
            return None;
        }
        match broker.pick_version(api) {
            Ok(version) => Some((index, version)),
            Err(error) => {
                self.transaction_fatal(&error);
                None
            }
        }
    }

    pub(super) fn forget_coordinator(&mut self, role: Role) {
        if let Some(transaction) = &mut self.transaction
            && !planted(Fault::CoordinatorNotForgotten)
        {
            transaction.coordinators.set(role, None);
        }
    }

    fn find_coordinator(&mut self, role: Role) {
        let Some((broker, version)) = self.brokers.least_loaded(ApiKey::FindCoordinator, self.now) else {
            let up = self.brokers.iter().filter(|broker| broker.is_up());
            let offers = up.map(|broker| broker.pick_version(ApiKey::FindCoordinator));
            if let Some(Err(error)) = offers.min_by_key(Result::is_err) {
                return self.transaction_fatal(&error);
            }
            // A new connection leads back here.
            return self.request_metadata();
        };
        let Some(transaction) = &mut self.transaction else { return };
        if role == Role::Group && transaction.offsets.is_none() {
            return;
        }
        let key = transaction.asked_about(role).to_owned();
        transaction.asked = true;
        let request = FindCoordinatorRequest {
            key: if version < KEYS_SINCE { &key } else { "" },
            key_type: role as i8,
            coordinator_keys: if version < KEYS_SINCE { Vec::new() } else { vec![&key] },
        };
        let kind = RequestKind::Transaction(Asked::Coordinator(role));
        self.send(broker, version, kind, |out| request.encode(version, out));
    }

    pub(super) fn coordinator_found(
        &mut self,
        broker: BrokerIndex,
        role: Role,
        reader: &mut Reader<'_>,
        version: i16,
    ) -> Result<()> {
        let response = FindCoordinatorResponse::decode(reader, version)?;
        let (code, message, node, host, port) = match response.coordinators.first() {
            Some(found) if version >= KEYS_SINCE => {
                (found.error_code, found.error_message, found.node_id, found.host, found.port)
            }
            None if version >= KEYS_SINCE => {
                let message = "the answer to FindCoordinator names none";
                return Err(Error::new(ErrorKind::BadResponse, message));
            }
            _ => (response.error_code, response.error_message, response.node_id, response.host, response.port),
        };
        let asked = Asked::Coordinator(role);
        let verdict = asked.verdict(code);
        let Some(error) = self.transaction_error(broker, asked, code) else {
            self.learn_broker(node, host, port);
            let Some(index) = self.brokers.by_id(node) else {
                let message = format!("the answer to FindCoordinator names broker {node}, and no error");
                return Err(Error::new(ErrorKind::BadResponse, message));
            };
            let found = Found { broker: index, failures: self.brokers[index].failures };
            if let Some(transaction) = &mut self.transaction {
                transaction.coordinators.set(role, Some(found));
                transaction.failures = 0;
            }
            self.log(Level::Debug, || format!("{role:?} coordinator: broker {node} at {host}:{port}"));
            return Ok(());
        };
        let error = match message.filter(|said| !said.is_empty()) {
            Some(said) => error.with_message(format!("{}: {said}", error.message())),
            None => error,
        };
        self.take_verdict(&error, verdict);
        Ok(())
    }

    /// KIP-890: whether brokers report transaction.version 2. Of two brokers, the one with the higher epoch of features
    /// is newer.
    pub(super) fn cluster_adds_partitions(&self) -> bool {
        let reported = self.brokers.iter().filter(|broker| broker.listed).filter_map(|broker| broker.versions.as_ref());
        reported
            .max_by_key(|versions| versions.finalized_features_epoch)
            .is_some_and(|versions| versions.transaction_version >= 2)
    }
}
