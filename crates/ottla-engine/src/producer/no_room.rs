//! Explains why there is no room for a record, and how to get some.

use super::Producer;
use ottla_core::accumulator::Topic;
use ottla_core::error::{Error, ErrorKind};

/// Bytes of `buffer.memory`, by holder. They are read one after the other, not at the same instant.
struct Held {
    limit: usize,
    /// Held by records that are not decided, and by requests that are not done.
    records: usize,
    /// Held by completions that the application has not finished.
    reports: usize,
    /// Held by lent values that can be given back.
    loans: usize,
}

/// What the application can do to get room.
#[derive(Clone, Copy)]
struct Means {
    /// Reports wait until they are polled.
    polled: bool,
    /// The caller is a callback: nothing moves on until it returns.
    in_callback: bool,
}

impl Producer {
    /// The error for a record without room. Counts it.
    #[cold]
    pub(super) fn buffer_full(&self, topic: &Topic) -> Error {
        self.shared.statistics.producer.buffer_exhausted.add(1);
        let means = Means { polled: self.polled, in_callback: self.shared.is_sender() };
        let held = self.held();
        let message = format!(
            "no room for a record of topic {} in buffer.memory={}: {}",
            topic.name,
            held.limit,
            held.describe(means)
        );
        Error::new(ErrorKind::BufferFull, message)
    }

    fn held(&self) -> Held {
        let memory = &self.shared.accumulator.memory;
        let (reports, loans) = (memory.report_bytes(), memory.loans().charged());
        let records = memory.budget().used().saturating_sub(reports + loans);
        Held { limit: memory.budget().limit(), records, reports, loans }
    }
}

impl Held {
    fn describe(&self, means: Means) -> String {
        let reports = if means.polled {
            "reports that were not polled (ottla_producer_poll) or not freed (ottla_report_free)"
        } else {
            "completions whose callbacks have not returned"
        };
        let holders = [
            (self.records, "records on their way"),
            (self.reports, reports),
            (self.loans, "lent values that are about to be given back"),
        ];
        let holders: Vec<_> = holders
            .iter()
            .filter(|(bytes, _)| *bytes > 0)
            .map(|(bytes, holder)| format!("{bytes} by {holder}"))
            .collect();
        if holders.is_empty() {
            return "all of it was given back meanwhile; try again".into();
        }
        format!("bytes are held: {}; {}, or allow more", holders.join(", "), self.remedy(means))
    }

    fn remedy(&self, means: Means) -> &'static str {
        match (means.in_callback, means.polled && self.reports > 0, self.records > 0) {
            (true, _, _) => "return from the callback",
            (false, true, true) => "poll and free reports, wait for completions",
            (false, true, false) => "poll and free reports",
            (false, false, _) => "wait for completions",
        }
    }
}

#[cfg(all(test, not(ottla_loom)))]
mod tests {
    use super::*;

    fn described(held: [usize; 3], polled: bool, in_callback: bool) -> String {
        let [records, reports, loans] = held;
        Held { limit: 1000, records, reports, loans }.describe(Means { polled, in_callback })
    }

    #[test]
    fn the_remedy_depends_on_the_holders_of_the_buffer() {
        for (held, polled, in_callback, said) in [
            (
                [900, 0, 0],
                false,
                false,
                "bytes are held: 900 by records on their way; wait for completions, or allow more",
            ),
            (
                [900, 0, 0],
                true,
                false,
                "bytes are held: 900 by records on their way; wait for completions, or allow more",
            ),
            (
                [0, 900, 0],
                true,
                false,
                "bytes are held: 900 by reports that were not polled (ottla_producer_poll) or not freed \
                 (ottla_report_free); poll and free reports, or allow more",
            ),
            (
                [500, 400, 0],
                true,
                false,
                "bytes are held: 500 by records on their way, 400 by reports that were not polled (ottla_producer_poll) \
                 or not freed (ottla_report_free); poll and free reports, wait for completions, or allow more",
            ),
            (
                [500, 400, 0],
                false,
                false,
                "bytes are held: 500 by records on their way, 400 by completions whose callbacks have not returned; \
                 wait for completions, or allow more",
            ),
            (
                [0, 400, 500],
                false,
                true,
                "bytes are held: 400 by completions whose callbacks have not returned, 500 by lent values that are \
                 about to be given back; return from the callback, or allow more",
            ),
        ] {
            assert_eq!(described(held, polled, in_callback), said);
        }
        assert!(described([0; 3], false, false).ends_with("try again"));
    }
}
