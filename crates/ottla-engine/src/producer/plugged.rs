//! The path of a record through a producer with plug-ins.

use std::time::Duration;

use super::interceptor::{Interceptor, intercept};
use super::plugins::Configured;
use super::{Producer, Wait};
use crate::event_loop::{Shared, Sink};
use ottla_core::accumulator::{Submission, Topic};
use ottla_core::batch::{Completion, Delivery, Report};
use ottla_core::error::{Error, Result};
use ottla_core::loan::Lent;
use ottla_core::record::{Fate, Record};
use ottla_core::sender::{Event, Level};
use ottla_core::serialize::Objects;
use ottla_core::statistics::Snapshot;
use ottla_core::sync::{Arc, Clock, Time};

impl Producer {
    /// `accept` with plug-ins, or with a race detector.
    #[cold]
    pub(super) fn accept_plugged(
        &self,
        submission: &Submission<'_, impl Clock>,
        objects: Objects,
        wait: Wait,
    ) -> Result<()> {
        let Submission { topic, record, completion, .. } = *submission;
        let _call = self.plugins.enter().ok_or_else(|| self.closed())?;
        let failed = |number, why: &str| failed_on_send(&self.shared, number, &topic.name, why);
        let offered = record.lent;
        intercept(&self.interceptors, 1, &topic.name, record, objects, &failed, &mut |record| {
            let mut record = *record;
            let sent = self.choose_for_objects(topic, &record, objects).and_then(|partition| {
                record.partition = partition;
                self.shared.accumulator.memory.accepted().leave();
                self.accept_outlined(&Submission { record: &record, ..*submission }, wait)
            });
            sent.inspect_err(|error| self.report_refused(topic, &record, completion, error))?;
            if let (Some(Lent::Offered(offer)), Some(Lent::Ended(_))) = (offered, record.lent) {
                // An interceptor replaced the value. The sender gives it back, and may have handled this record
                // already, so it is woken.
                self.shared.accumulator.memory.loans().add_copied(offer);
                self.shared.accumulator.inbox.wake_if_asleep_beyond(Time::ZERO);
            }
            Ok(())
        })
    }

    /// The partition that the record names, or that the application's partitioner chooses now because it needs the
    /// objects.
    fn choose_for_objects(&self, topic: &Topic, record: &Record<'_>, objects: Objects) -> Result<Option<i32>> {
        if record.partition.is_some() || objects.is_none() {
            return Ok(record.partition);
        }
        let chosen = self.shared.accumulator.choose_for_objects(topic, record, objects);
        chosen.map_err(|refused| self.refusal(topic, record, refused))
    }

    /// Calls the interceptors for a record that was refused.
    pub(super) fn report_refused(&self, topic: &Topic, record: &Record<'_>, to: &Completion, error: &Error) {
        if self.interceptors.is_empty() {
            return;
        }
        let delivery = Delivery {
            call: 0,
            tag: match to {
                Completion::Tag(tag) | Completion::Call { tag, .. } => *tag,
                Completion::Waiter(_) => 0,
            },
            topic: &topic.name,
            partition: self.shared.accumulator.foreseen_partition(topic, record).unwrap_or(-1),
            offset: -1,
            timestamp: record.timestamp.unwrap_or(-1),
            fate: Fate::NotWritten,
            error: Some(error),
            attempts: 0,
            latency: Duration::ZERO,
            lent: None,
        };
        acknowledge(&self.shared, &self.interceptors, &delivery);
    }
}

/// Calls each interceptor for a record that was decided or refused.
fn acknowledge(shared: &Shared, interceptors: &[Arc<dyn Interceptor>], delivery: &Delivery<'_>) {
    for (interceptor, number) in interceptors.iter().zip(1..) {
        if let Err(why) = interceptor.on_acknowledgement(delivery) {
            let topic = delivery.topic;
            let message =
                format!("interceptor {number} failed in on_acknowledgement for a record of topic {topic}: {why}");
            shared.log(Level::Warning, &message);
        }
    }
}

fn failed_on_send(shared: &Shared, number: usize, topic: &str, why: &str) {
    let message =
        format!("interceptor {number} failed on a record for topic {topic}, which goes on as it was before: {why}");
    shared.log(Level::Warning, &message);
}

/// The application's sink, with the interceptors in front of it. It keeps the plug-ins alive, because the sender's
/// thread may call them.
pub(super) struct PluggedSink {
    pub sink: Box<dyn Sink>,
    pub interceptors: Vec<Arc<dyn Interceptor>>,
    pub shared: Arc<Shared>,
    pub _plugins: Arc<Configured>,
}

impl Sink for PluggedSink {
    fn observe(&mut self, report: &Report) {
        if !self.interceptors.is_empty() {
            report.deliveries().for_each(|delivery| acknowledge(&self.shared, &self.interceptors, &delivery));
        }
    }

    fn report(&mut self, report: Report) {
        self.sink.report(report);
    }

    fn is_polled(&self) -> bool {
        self.sink.is_polled()
    }

    fn event(&mut self, event: Event) {
        self.sink.event(event);
    }

    fn statistics_interval(&self) -> Option<Duration> {
        self.sink.statistics_interval()
    }

    fn statistics(&mut self, snapshot: Snapshot) {
        self.sink.statistics(snapshot);
    }
}
