//! Events: what an application may want to know beyond single records, such as brokers going up and down.

use std::time::Duration;

use super::index::BrokerIndex;
use super::{Output, Sender};
use crate::error::Error;
use crate::sync::Arc;

/// Something that happened to the producer as a whole. It is also logged.
#[derive(Clone, Debug)]
pub struct Event {
    pub kind: EventKind,
    /// The broker that the event is about.
    pub broker: Option<EventBroker>,
    /// The topic that the event is about.
    pub topic: Option<Arc<str>>,
    /// How long the broker asked the producer to hold back requests.
    pub throttle: Duration,
    pub error: Option<Error>,
    /// One sentence.
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A connection can be used: the first to this broker, or the first since it was down.
    BrokerUp,
    /// The connection was lost, or could not be established. Reported once, until the broker is up again.
    BrokerDown,
    /// No known broker could be reached. Reported once, until one is up again.
    AllBrokersDown,
    /// A broker asked the producer to hold back requests (KIP-219).
    Throttled,
    /// The producer cannot go on.
    Fatal,
    /// A send was refused because `buffer.memory` had no room, and now there is room.
    BufferRoom,
    /// The producer starts from `bootstrap.servers` again.
    Rebootstrap,
    /// Brokers do not describe a topic that was requested. Reported once, until one does.
    TopicMissing,
}

/// A broker's id and address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventBroker {
    /// Negative for a bootstrap address.
    pub id: i32,
    pub host: Arc<str>,
    pub port: u16,
}

impl Event {
    pub fn new(kind: EventKind, message: impl Into<String>) -> Self {
        Event { kind, broker: None, topic: None, throttle: Duration::ZERO, error: None, message: message.into() }
    }

    pub fn of_error(kind: EventKind, error: Error) -> Self {
        Event { error: Some(error.clone()), ..Event::new(kind, error.message()) }
    }
}

impl Sender {
    pub(super) fn report_event(&mut self, event: Event) {
        self.output(Output::Event(Box::new(event)));
    }

    fn report_broker_event(&mut self, index: BrokerIndex, event: Event) {
        let broker = &self.brokers[index];
        let broker = Some(EventBroker { id: broker.id, host: broker.host.clone(), port: broker.port });
        self.report_event(Event { broker, ..event });
    }

    /// Reports that a broker can be used. No event for an idle connection that was closed and came back.
    pub(super) fn report_up(&mut self, index: BrokerIndex) {
        self.all_down = false;
        let broker = self.broker(index);
        if broker.reported_up.replace(true) != Some(true) {
            let message = format!("connected to {}", broker.name());
            self.report_broker_event(index, Event::new(EventKind::BrokerUp, message));
        }
    }

    /// Reports that a broker cannot be used. No event for a bootstrap address that metadata has replaced.
    pub(super) fn report_down(&mut self, index: BrokerIndex, error: &Error) {
        let broker = self.broker(index);
        let first = broker.reported_up.replace(false) != Some(false);
        if first && broker.listed {
            self.report_broker_event(index, Event::of_error(EventKind::BrokerDown, error.clone()));
        }
        let down = self.brokers.iter().filter(|broker| broker.listed).all(|broker| broker.reported_up == Some(false));
        if down && !std::mem::replace(&mut self.all_down, true) {
            let error = error.context("no broker can be reached; the last attempt");
            self.report_event(Event::of_error(EventKind::AllBrokersDown, error));
        }
    }

    pub(super) fn report_throttled(&mut self, index: BrokerIndex, throttle: Duration) {
        let name = self.brokers[index].name();
        let message = format!("{name} asks to hold requests back for {} ms", throttle.as_millis());
        self.report_broker_event(index, Event { throttle, ..Event::new(EventKind::Throttled, message) });
    }
}
