//! What an engine shows to the outside, apart from reports to the application.

use std::collections::BTreeSet;

use ottla_core::Level;
use ottla_core::sender::{BrokerIndex, Event, Frame};
use ottla_core::sync::Time;
use ottla_mock::Api;

use super::values::ids_in;

/// Something that an engine requests from the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Traffic {
    /// A connection attempt to a broker, by its index in the sender.
    Attempt(BrokerIndex),
    /// A request, by its API's number.
    Request(i16),
}

#[derive(Default)]
pub struct Observer {
    pub log: Vec<(Level, String)>,
    pub events: Vec<Event>,
    /// Everything that the engine requested from the network, and when.
    pub traffic: Vec<(Time, Traffic)>,
    /// When requests were written completely, and to which broker.
    pub written: Vec<(Time, i32)>,
    /// Records of which at least one byte may have been written (uncompressed ones only).
    pub touched: BTreeSet<u64>,
}

impl Observer {
    pub fn see_attempt(&mut self, now: Time, broker: BrokerIndex) {
        self.traffic.push((now, Traffic::Attempt(broker)));
    }

    pub fn see_request(&mut self, now: Time, frame: &Frame) {
        let bytes: Vec<u8> = frame.slices().flatten().take(6).copied().collect();
        self.traffic.push((now, Traffic::Request(i16::from_be_bytes([bytes[4], bytes[5]]))));
    }

    /// Notes that the first bytes of this frame were written.
    pub fn see_begin(&mut self, frame: &[u8]) {
        self.touched.extend(ids_in(frame));
    }

    /// The number of connection attempts since the traffic was last cleared.
    pub fn attempts(&self) -> usize {
        self.traffic.iter().filter(|(_, traffic)| matches!(traffic, Traffic::Attempt(_))).count()
    }

    /// The number of requests of one API.
    pub fn requests(&self, api: Api) -> usize {
        self.traffic.iter().filter(|(_, traffic)| *traffic == Traffic::Request(api as i16)).count()
    }

    pub fn log_tail(&self) -> &[(Level, String)] {
        &self.log[self.log.len().saturating_sub(12)..]
    }
}
