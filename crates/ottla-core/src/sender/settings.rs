//! The settings of the sender.

use std::time::Duration;

use super::{Backoff, DebugSwitch, Level};
use crate::sync::Arc;

/// The properties of the producer that the sender reads, in the units it uses. Named as in CONFIGURATION.md. Those that
/// may differ from topic to topic come with the topics.
#[derive(Clone, Debug)]
pub struct Settings {
    pub bootstrap_servers: Vec<(std::sync::Arc<str>, u16)>,
    pub canonical_bootstrap: bool,
    pub client_id: String,
    pub idempotence: bool,
    /// `transactional.id` and `transaction.timeout.ms`.
    pub transaction: Option<(String, i32)>,
    pub retries: u32,
    pub max_in_flight: usize,
    pub max_request_size: usize,
    /// For all requests but Produce.
    pub request_timeout: Duration,
    pub retry_backoff: Backoff,
    pub reconnect_backoff: Backoff,
    pub setup_backoff: Backoff,
    pub connections_max_idle: Option<Duration>,
    pub metadata_max_age: Duration,
    pub metadata_max_idle: Duration,
    pub rebootstrap: bool,
    pub rebootstrap_trigger: Duration,
    pub allow_auto_create_topics: bool,
    pub availability_timeout: Option<Duration>,
    pub log_level: Level,
    pub debug: Arc<DebugSwitch>,
    pub seed: u64,
    /// What a partition's sequence begins with when a broker knows nothing of it: 0, but for tests of its wrap.
    pub first_sequence: i32,
}

impl Settings {
    /// However small the brokers' limit seems, batches are allowed this much.
    pub fn smallest_batch_limit(&self) -> usize {
        1024.min(self.max_request_size)
    }
}
