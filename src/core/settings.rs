//! What the core is configured with.

use std::time::Duration;

use super::{Backoff, Level};
use crate::compress::Codec;

/// When a broker answers a Produce request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// Never: a record is done when it was handed to the socket.
    None,
    /// When its leader has it.
    Leader,
    /// When all in-sync replicas have it.
    All,
}

impl Acks {
    pub fn wire(self) -> i16 {
        match self {
            Acks::None => 0,
            Acks::Leader => 1,
            Acks::All => -1,
        }
    }
}

/// The properties that the core reads, in the units it uses. Named as in CONFIGURATION.md.
#[derive(Clone, Debug)]
pub struct Settings {
    pub bootstrap_servers: Vec<(std::sync::Arc<str>, u16)>,
    pub canonical_bootstrap: bool,
    pub client_id: String,
    pub acks: Acks,
    pub idempotence: bool,
    pub retries: u32,
    pub max_in_flight: usize,
    pub linger: Duration,
    pub max_request_size: usize,
    pub delivery_timeout: Duration,
    pub request_timeout: Duration,
    /// How long records wait for a topic's metadata: `delivery.timeout.ms`, or `max.block.ms` if shorter and not 0.
    pub topic_timeout: Duration,
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
    pub codec: Codec,
    pub compression_level: i32,
    pub log_level: Level,
    pub seed: u64,
}

impl Settings {
    /// However small the brokers' limit seems, batches are allowed this much.
    pub fn smallest_batch_limit(&self) -> usize {
        1024.min(self.max_request_size)
    }
}
