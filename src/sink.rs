//! Where the reports of a producer go: to a function for each record or batch, to the queue that is polled, or
//! (failures only) to the log. Events go through here too. Thread: sender.

use std::ffi::c_char;
use std::sync::Arc;
use std::time::Duration;

use super::delivery::{
    call, deliveries_to_report, ottla_batch, ottla_batch_fn, ottla_delivery, ottla_delivery_entry, ottla_delivery_fn,
};
use super::error::ottla_error;
use super::event::{Events, Listener};
use super::poll::{ottla_ready_fn, when_ready};
use super::retained::{RetainedRecords, retained};
use super::statistics::Reader;
use ottla_engine::support::text::{counted, partition_name};
use ottla_engine::{ErrorKind, Event, Level, Report, SentRecord, Sink, Snapshot};
use ottla_host::descriptor::Ready;
use ottla_host::log::Logger;
use ottla_host::pending::{Pending, PendingReports};
use ottla_host::queue::Queue;
use ottla_host::userdata::Userdata;

/// Where the deliveries of records without a function of their own go, by the configuration.
#[derive(Clone)]
pub(super) enum Route {
    /// Failures are logged.
    Log,
    Delivery(ottla_delivery_fn, Userdata),
    Batch(ottla_batch_fn, Userdata),
    Poll(ottla_ready_fn, Userdata),
}

/// The default route of one producer.
enum Default {
    Log,
    Delivery(ottla_delivery_fn, Userdata),
    Batch(ottla_batch_fn, Userdata),
    Poll(Arc<Queue<QueuedReport>>, Arc<PendingReports>),
}

/// A report that waits to be polled. `report` is dropped before `pending`, so that its memory is released when a wait
/// for it ends.
pub(super) struct QueuedReport {
    pub(super) report: Report,
    pub(super) pending: Pending,
}

pub(super) struct CSink {
    default: Default,
    events: Events,
    reader: Option<Reader>,
    logger: Logger,
    /// Reused for each report: the topic's name with a NUL, and the entries for the default with their records.
    topic: Vec<u8>,
    entries: Vec<ottla_delivery_entry>,
    records: RetainedRecords,
}

// SAFETY: the raw pointers among `entries` are the application's userdata, which are only passed on; those among `records`
// are only read in the call that set them.
unsafe impl Send for CSink {}

impl CSink {
    /// What of it is polled is shared with the producer's handle.
    pub(super) fn new(route: &Route, listener: &Listener, reader: Option<Reader>, logger: Logger) -> (Self, Polled) {
        let polled = matches!(route, Route::Poll(..)) || matches!(listener, Listener::Poll(..));
        let ready = Arc::new(if polled { Ready::new() } else { Ready::without_descriptor() });
        let pending = Arc::new(PendingReports::default());
        let (default, reports) = match route.clone() {
            Route::Log => (Default::Log, None),
            Route::Delivery(function, userdata) => (Default::Delivery(function, userdata), None),
            Route::Batch(function, userdata) => (Default::Batch(function, userdata), None),
            Route::Poll(function, userdata) => {
                let on_ready = when_ready(function, userdata);
                let queue = Arc::new(Queue::new("report", usize::MAX, ready.clone(), on_ready));
                (Default::Poll(queue.clone(), pending.clone()), Some(queue))
            }
        };
        let events = Events::new(listener, &ready);
        let polled = Polled { reports, pending, events: events.queue(), ready };
        let (entries, records) = (Vec::with_capacity(FEWEST), RetainedRecords::default());
        (CSink { default, events, reader, logger, topic: Vec::new(), entries, records }, polled)
    }

    fn log_failure(&self, report: &Report, records: usize) {
        if let Some(error) = report.outcome().error.as_ref() {
            let partition = partition_name(report.topic(), report.partition());
            let records = counted(records, "record");
            self.logger.log(level_of(error.kind()), &format!("{records} for {partition} failed: {error}"));
        }
    }
}

/// Records that the application gave up by a purge or an abort are no error. Those that a close gave up are: it was
/// given too little time, and nobody else learns of the loss.
fn level_of(failure: ErrorKind) -> Level {
    match failure {
        ErrorKind::Purged | ErrorKind::TransactionAborted => Level::Info,
        _ => Level::Error,
    }
}

impl CSink {
    /// Calls the function for each record, or collects the entries of a batch. `None`, and nothing has happened, if
    /// some records are not usual or are shown, or if there is no memory for the entries.
    fn report_plain(&mut self, report: &Report, delivery: &mut ottla_delivery) -> Option<()> {
        let runs = report.plain_runs()?;
        match &self.default {
            Default::Delivery(None, _) | Default::Poll(..) | Default::Log => {}
            _ if report.retains_records() => return None,
            Default::Delivery(Some(function), userdata) => {
                let (function, pointer) = (*function, userdata.pointer());
                runs.for_each(|run| {
                    run.for_each(|(tag, offset, timestamp)| {
                        delivery.set(tag, offset, timestamp);
                        // SAFETY: the function and its userdata were given together; what the delivery points to
                        // outlives the call.
                        unsafe { function(delivery, pointer) };
                    });
                });
            }
            Default::Batch(..) => {
                self.entries.try_reserve(report.count() as usize).ok()?;
                for run in runs {
                    self.entries
                        .extend(run.map(|(tag, offset, timestamp)| ottla_delivery_entry::of(tag, offset, timestamp)));
                }
            }
        }
        Some(())
    }

    /// The same for any records, with those that are `retained`. Returns how many are left for a queue or the log.
    fn report_each<'r>(
        &mut self,
        report: &'r Report,
        retained: impl Iterator<Item = Option<SentRecord<'r>>>,
        delivery: &mut ottla_delivery,
        batch: &ottla_batch,
    ) -> usize {
        let mut to_default = 0;
        let mut shown = RetainedRecords::default();
        for (number, entry, record) in deliveries_to_report(report, retained) {
            match (number, &self.default) {
                (0, Default::Delivery(Some(function), userdata)) => {
                    delivery.record = record.map_or(std::ptr::null(), |record| shown.only(&record));
                    // SAFETY: as above.
                    unsafe { function(delivery.with(&entry), userdata.pointer()) };
                }
                (0, Default::Batch(function, userdata)) => {
                    if self.entries.len() == self.entries.capacity() && self.entries.try_reserve(1).is_err() {
                        // Those that were collected make room.
                        report_batch(*function, userdata, batch, &self.entries, &mut self.records);
                        self.entries.clear();
                        self.records.clear();
                    }
                    self.entries.push(entry);
                    record.iter().for_each(|record| self.records.push(record));
                }
                (0, _) => to_default += 1,
                (number, _) => {
                    delivery.record = record.map_or(std::ptr::null(), |record| shown.only(&record));
                    // SAFETY: as above; this function was given to the call that sent the record.
                    unsafe { call::function_of(number)(delivery.with(&entry), entry.userdata) };
                }
            }
        }
        to_default
    }
}

/// The records of a batch are reported together, or in pieces while there is no memory for all.
const FEWEST: usize = 16;

fn report_batch(
    function: ottla_batch_fn,
    userdata: &Userdata,
    batch: &ottla_batch,
    entries: &[ottla_delivery_entry],
    records: &mut RetainedRecords,
) {
    let Some(function) = function.filter(|_| !entries.is_empty()) else { return };
    let count = entries.len();
    let batch = ottla_batch { entries: entries.as_ptr(), count, records: records.array(count), ..*batch };
    // SAFETY: the function and its userdata were given together; what the batch points to outlives the call.
    unsafe { function(&batch, userdata.pointer()) };
}

impl Sink for CSink {
    fn observe(&mut self, _report: &Report) {}

    fn report(&mut self, report: Report) {
        self.topic.clear();
        self.topic.extend_from_slice(report.topic().as_bytes());
        self.topic.push(0);
        let topic = self.topic.as_ptr().cast::<c_char>();
        let error = report.outcome().error.clone().map(ottla_error::new);
        let error = error.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        let mut delivery = ottla_delivery::of_report(&report, topic, error);
        let batch = ottla_batch::of_report(&report, topic, error);

        self.entries.clear();
        self.records.clear();
        let to_default = match self.report_plain(&report, &mut delivery) {
            Some(()) => report.count() as usize,
            None if report.retains_records() => self.report_each(&report, retained(&report), &mut delivery, &batch),
            None => self.report_each(&report, std::iter::repeat(None), &mut delivery, &batch),
        };

        match &self.default {
            Default::Batch(function, userdata) => {
                report_batch(*function, userdata, &batch, &self.entries, &mut self.records);
            }
            Default::Poll(queue, pending) if to_default > 0 => {
                queue.push(QueuedReport { report, pending: pending.add() });
            }
            Default::Log if to_default > 0 => self.log_failure(&report, to_default),
            _ => {}
        }
    }

    fn is_polled(&self) -> bool {
        matches!(self.default, Default::Poll(..))
    }

    fn event(&mut self, event: Event) {
        self.events.report(event);
    }

    fn statistics_interval(&self) -> Option<Duration> {
        self.reader.as_ref().map(|reader| reader.interval)
    }

    fn statistics(&mut self, snapshot: Snapshot) {
        if let Some(reader) = &self.reader {
            reader.report(snapshot);
        }
    }
}

impl Drop for CSink {
    /// The sender has ended: nothing will follow.
    fn drop(&mut self) {
        if let Default::Poll(queue, _) = &self.default {
            queue.end();
        }
        if let Events::Poll(queue) = &self.events {
            queue.end();
        }
    }
}

/// What the application takes from a producer by polling, and the descriptor for all of it.
pub(super) struct Polled {
    pub(super) reports: Option<Arc<Queue<QueuedReport>>>,
    pub(super) pending: Arc<PendingReports>,
    pub(super) events: Option<Arc<Queue<Event>>>,
    pub(super) ready: Arc<Ready>,
}

impl Polled {
    /// Nothing will follow, and nobody may wait.
    pub(super) fn end(&self) {
        self.pending.end();
        if let Some(queue) = &self.reports {
            queue.end();
        }
        if let Some(queue) = &self.events {
            queue.end();
        }
    }
}
