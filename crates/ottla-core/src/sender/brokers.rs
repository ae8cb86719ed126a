//! The table of brokers.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use super::broker::Broker;
use super::index::{BrokerIndex, Table};
use crate::protocol::ApiKey;
use crate::sync::Time;

/// The brokers and bootstrap addresses that were ever in use. None is removed: one that left the cluster is not listed.
pub struct Brokers {
    rows: Table<BrokerIndex, Broker>,
    by_id: BTreeMap<i32, BrokerIndex>,
}

impl Brokers {
    pub fn new() -> Self {
        Brokers { rows: Table::new(), by_id: BTreeMap::new() }
    }

    /// Adds a broker of the cluster. Bootstrap addresses are only pushed, because they are never looked up by id.
    pub fn add(&mut self, broker: Broker) {
        let id = broker.id;
        let index = self.rows.push(broker);
        self.by_id.insert(id, index);
    }

    pub fn by_id(&self, id: i32) -> Option<BrokerIndex> {
        self.by_id.get(&id).copied()
    }

    /// A broker for a request that any broker can handle: one that is up, with the fewest requests in flight. Also
    /// returns the version of the request. `None` without such a broker, or without a common version.
    pub fn least_loaded(&self, api: ApiKey, now: Time) -> Option<(BrokerIndex, i16)> {
        let usable =
            |broker: &Broker| broker.listed && broker.is_up() && !broker.writing && broker.throttled_until <= now;
        let candidates = self.with_indices().filter(|(_, broker)| usable(broker));
        let (index, broker) = candidates.min_by_key(|(_, broker)| broker.in_flight.len())?;
        broker.pick_version(api).ok().map(|version| (index, version))
    }
}

impl Deref for Brokers {
    type Target = Table<BrokerIndex, Broker>;

    fn deref(&self) -> &Self::Target {
        &self.rows
    }
}

impl DerefMut for Brokers {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.rows
    }
}
