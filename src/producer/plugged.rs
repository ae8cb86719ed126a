//! The way of a record through a producer that has plug-ins.

use super::plugins::Configured;
use super::{Producer, TopicHandle, Wait};
use crate::batch::{Completion, Report};
use crate::core::News;
use crate::driver::Sink;
use crate::error::Result;
use crate::front::Manner;
use crate::record::Record;
use crate::serialize::Objects;
use crate::sync::{Arc, Clock};

impl Producer {
    /// `accept` with plug-ins.
    #[cold]
    #[expect(clippy::too_many_arguments, reason = "the arguments of accept, and what the record was made of")]
    pub(super) fn accept_plugged(
        &self,
        topic: &TopicHandle,
        record: &Record<'_>,
        objects: Objects,
        completion: &Completion,
        manner: Manner,
        wait: Wait,
        clock: &impl Clock,
    ) -> Result<()> {
        let _call = self.plugins.enter().ok_or_else(|| self.closed())?;
        let partition = match record.partition {
            None if !objects.is_none() => self.choose_for_objects(topic, record, objects)?,
            named => named,
        };
        let record = &Record { partition, ..*record };
        self.accept_plain(topic, record, completion, manner, wait, clock)
    }

    /// The partition that the application's partitioner chooses for objects, if it is to be asked here and now.
    fn choose_for_objects(&self, topic: &TopicHandle, record: &Record<'_>, objects: Objects) -> Result<Option<i32>> {
        let chosen = self.shared.front.choose_for_objects(&topic.0, record, objects);
        chosen.map_err(|refused| self.refusal(topic, record, refused))
    }
}

/// The application's sink, and a share in the plug-ins that the sender thread may call.
pub(super) struct PluggedSink {
    sink: Box<dyn Sink>,
    _plugins: Arc<Configured>,
}

impl PluggedSink {
    pub fn new(sink: Box<dyn Sink>, plugins: Arc<Configured>) -> Self {
        PluggedSink { sink, _plugins: plugins }
    }
}

impl Sink for PluggedSink {
    fn report(&mut self, report: Report) {
        self.sink.report(report);
    }

    fn news(&mut self, news: News) {
        self.sink.news(news);
    }
}
