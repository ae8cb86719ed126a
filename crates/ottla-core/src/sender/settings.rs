//! The settings of the sender.

use std::time::Duration;

use super::{Backoff, DebugSwitch, Level};
use crate::sync::Arc;

/// The properties that the sender reads, in its units. Names as in CONFIGURATION.md. Properties that may differ between
/// topics come with the topics.
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
    /// For all requests except Produce.
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
    /// How many helper threads prepare batches; 0: all is done at once.
    pub helpers: usize,
    /// From how many bytes on a batch goes to a helper. `None`: where that pays with its codec. Tests need it for less.
    pub smallest_for_helpers: Option<usize>,
    /// What a partition's sequence begins with when a broker knows nothing of it: 0, but for tests of its wrap.
    pub first_sequence: i32,
}

impl Settings {
    /// Batches may always be this large, however small the brokers' limit seems.
    pub fn smallest_batch_limit(&self) -> usize {
        1024.min(self.max_request_size)
    }
}
