//! Calls to the sender other than send. Each puts a command into the inbox, and its answer waits under a ticket.

use std::time::{Duration, Instant};

use super::{Producer, TopicHandle, Wait};
use crate::event_loop::{BUSY, BUSY_AFTER, Waited};
use ottla_core::accumulator::{About, Command, Purge, Waiting};
use ottla_core::config::HostPort;
use ottla_core::error::{Error, ErrorKind, Result};
use ottla_core::sender::{Answer, PartitionInfo};
use ottla_core::sync::{Arc, Clock, SystemClock, Time};

/// The shortest interval of requests for partitions that no call waits for.
const ASK_AGAIN: Duration = Duration::from_millis(100);

impl Producer {
    /// Completes records with `Purged`: `queued` ones (including those that wait for a retry), those `in_flight`, or
    /// both; of one topic or of all. Waits until their reports were handed over. With `Wait::Never` it does not wait,
    /// and may be called in a callback.
    ///
    /// A record in flight may be written all the same, so its fate is unknown unless no byte of its request was
    /// written. Its memory is held until its request is done. Records that are accepted during the call may or may not
    /// be purged.
    pub fn purge(&self, queued: bool, in_flight: bool, topic: Option<&TopicHandle>, wait: Wait) -> Result<()> {
        self.check_process()?;
        if !queued && !in_flight {
            return Err(Error::new(ErrorKind::InvalidArgument, "purge: neither queued records nor those in flight"));
        }
        if wait != Wait::Never {
            self.refuse_in_callback("a purge that waits")?;
        }
        let what = Purge { queued, in_flight, topic: topic.map(|topic| topic.0.name.clone()) };
        match self.shared.ask("purge", |ticket| Command::Purge { ticket, what }, self.deadline(wait)) {
            Waited::Answered(answer) => answer.and(self.check_alive()),
            Waited::Ended => self.check_alive(),
            Waited::TimedOut if wait == Wait::Never => Ok(()),
            Waited::TimedOut => Err(busy("purge")),
        }
    }

    /// Adds addresses to begin from, in the form of `bootstrap.servers`; those that are known count once. A producer whose
    /// configuration has none waits for this. They are tried at once if no broker can be reached, and later together with
    /// `bootstrap.servers`. If an entry is no address, none is added.
    pub fn add_brokers(&self, list: &str) -> Result<()> {
        self.check_process()?;
        let servers = HostPort::parse_list(list).map_err(|error| error.with_kind(ErrorKind::InvalidArgument))?;
        let servers = servers.iter().map(|at| (at.host.as_str().into(), at.port)).collect();
        self.shared.accumulator.inbox.command(Command::AddBrokers { servers });
        Ok(())
    }

    /// Waits until a broker of the cluster has responded to a request of this call. If none has by the end of `wait`,
    /// the error names the reason.
    pub fn check(&self, wait: Wait) -> Result<()> {
        self.inquire("check", About::Cluster, wait).map(drop)
    }

    /// Waits until a broker has confirmed that the topic exists and that each partition has a leader, and until there
    /// is a connection to each leader. Creates the topic if brokers create topics on request.
    pub fn check_topic(&self, topic: &TopicHandle, wait: Wait) -> Result<()> {
        self.inquire("checking a topic", About::Topic { name: topic.0.name.clone(), led: true }, wait).map(drop)
    }

    /// The topic's partitions, in order, as a broker describes them to this call.
    pub fn partitions(&self, topic: &TopicHandle, wait: Wait) -> Result<Arc<[PartitionInfo]>> {
        match self.inquire("asking for partitions", About::Topic { name: topic.0.name.clone(), led: false }, wait)? {
            Answer::Partitions(partitions) => Ok(partitions),
            Answer::Done | Answer::Waits(_) => {
                Err(Error::new(ErrorKind::Internal, "a question about partitions was answered by none"))
            }
        }
    }

    /// Requests the topic's partitions for later calls. Does not wait for the answer. A loop of calls requests them
    /// only once per interval.
    pub(super) fn ask_for_partitions(&self, topic: &TopicHandle) {
        let now = Instant::now();
        let mut last = self.last_asked.lock();
        if last.is_some_and(|last| now.duration_since(last) < ASK_AGAIN) {
            return;
        }
        *last = Some(now);
        drop(last);
        let asked_at = SystemClock.monotonic();
        let about = About::Topic { name: topic.0.name.clone(), led: false };
        let command = |ticket| Command::Inquire { ticket, about, asked_at, deadline: asked_at };
        self.shared.ask("asking for partitions", command, Some(now));
    }

    fn inquire(&self, what: &str, about: About, wait: Wait) -> Result<Answer> {
        self.check_process()?;
        self.refuse_in_callback(what)?;
        let limit = self.deadline(wait);
        let asked_at = SystemClock.monotonic();
        let deadline = match wait {
            Wait::Never => asked_at,
            Wait::Configured => asked_at.after(self.max_block),
            Wait::AtMost(longest) => asked_at.after(longest),
            Wait::Forever => Time::NEVER,
        };
        // At the deadline the sender answers with the reason, which may take a moment.
        let patience = limit.and_then(|limit| limit.checked_add(BUSY_AFTER));
        match self.shared.ask(what, |ticket| Command::Inquire { ticket, about, asked_at, deadline }, patience) {
            Waited::Answered(answer) => answer,
            Waited::Ended => Err(self.closed()),
            Waited::TimedOut => Err(busy(what)),
        }
    }

    /// Records that were accepted and are not decided yet. They are counted where they are, so that sending does not
    /// pay for it. While records flow, those that are being moved may be missed or counted twice. 0 in a forked child,
    /// where the locks may be held for ever.
    pub fn buffered_records(&self) -> usize {
        if self.process.is_current() { self.shared.records_held() } else { 0 }
    }

    /// Explains what a call that took `wait` has waited for; `None` if it need not wait any more.
    pub(super) fn explain(&self, waiting: Waiting, wait: Wait) -> Option<String> {
        // A call that does not wait should not wait long for its explanation either.
        let patience = if wait == Wait::Never { BUSY_AFTER / 10 } else { BUSY_AFTER };
        self.shared.explain(waiting, patience)
    }

    /// The explanation as a clause of a message.
    pub(super) fn why_waiting(&self, waiting: Waiting, wait: Wait) -> String {
        self.explain(waiting, wait).map_or_else(String::new, |why| format!("; {why}"))
    }

    /// When a wait that begins now ends; `None` if it has no limit.
    pub fn deadline(&self, wait: Wait) -> Option<Instant> {
        match wait {
            Wait::Never => Some(Instant::now()),
            Wait::Configured => Instant::now().checked_add(self.max_block),
            Wait::AtMost(longest) => Instant::now().checked_add(longest),
            Wait::Forever => None,
        }
    }
}

fn busy(what: &str) -> Error {
    Error::new(ErrorKind::TimedOut, format!("{what}: {BUSY}"))
}
