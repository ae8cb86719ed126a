//! Statistics: a snapshot, its structures and its texts. What each figure means comes from the table in
//! crates/ottla-core/src/statistics; a test compares the words.

use std::ffi::{CString, c_char, c_void};
use std::mem::MaybeUninit;
use std::sync::OnceLock;
use std::time::Duration;

use super::config::ottla_config;
use super::error::{ottla_code, ottla_error};
use super::handle::ottla_producer;
use super::sized::SizedOut;
use super::userdata::{ottla_free_fn, take_over};
use super::{boundary, guarded, required};
use ottla_engine::statistics::{BrokerFigures, Distribution, ErrorFigures, ProducerFigures, TopicFigures};
use ottla_engine::{Result, Snapshot};
use ottla_host::arguments::invalid;
use ottla_host::text::c_string;
use ottla_host::userdata::Userdata;

/// A snapshot of a producer's statistics, or the difference of two. METRICS.md describes each figure, with its names in
/// the Java producer and librdkafka.
///
/// Life: ottla_producer_statistics(), or ottla_statistics_since() of two; then read it as structures
/// (ottla_statistics_producer(), _broker(), _topic(), _error()), as JSON, or as text for Prometheus;
/// ottla_statistics_free(). It does not change and may outlive its producer. Strings and pointers from it are valid as
/// long as it is. Any thread, any number at once.
pub struct ottla_statistics {
    snapshot: Snapshot,
    addresses: Vec<CString>,
    topics: Vec<CString>,
    json: OnceLock<CString>,
    prometheus: OnceLock<CString>,
}

/// The distribution of values. Percentiles are within 2 % of the exact ones. All members are 0 if `count` is 0. In the
/// difference of two snapshots min and max are within 4 %. Its size never changes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_histogram {
    /// The number of values; sum / count is the average.
    pub count: u64,
    pub sum: u64,
    pub min: u64,
    pub max: u64,
    /// The median: half of the values are at most this.
    pub p50: u64,
    pub p75: u64,
    pub p90: u64,
    pub p95: u64,
    pub p99: u64,
    /// 999 of 1,000 values are at most this.
    pub p999: u64,
    /// 0.
    pub reserved: [u64; 2],
}

/// Figures of the producer as a whole. Members of type uint64_t count since the producer was created, or since the
/// earlier snapshot; members of type int64_t are present levels. Each is exact, but they are not of one instant. Grows
/// at its end only.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_producer_figures {
    /// Set it to sizeof(ottla_producer_figures) before the call. Afterwards it says how much was filled: less if the
    /// library is older. Members beyond that are left alone.
    pub struct_size: usize,
    /// Records that were handed to a connection; each is counted once.
    pub records_sent: u64,
    /// Records that were reported as written (acks=0: as handed to the socket).
    pub records_delivered: u64,
    /// Records that were reported with an error.
    pub records_failed: u64,
    /// Failed records whose fate is unknown.
    pub records_unknown: u64,
    /// Failed records that expired: by delivery.timeout.ms, or while they waited for their topic's metadata.
    pub records_expired: u64,
    /// Failed records that a purge removed.
    pub records_purged: u64,
    /// Records of batches that were sent again, counted each time.
    pub records_retried: u64,
    /// Accepted records without a result yet.
    pub records_held: i64,
    /// Encoded bytes of the records sent, before compression; each record is counted once.
    pub record_bytes: u64,
    /// Bytes of the same records after compression.
    pub payload_bytes: u64,
    /// payload_bytes divided by record_bytes; 1 while there are none.
    pub compression_ratio: f64,
    /// Batches that were sent at least once.
    pub batches_sent: u64,
    /// How often a batch was sent again.
    pub batches_retried: u64,
    /// Batches that were split after MESSAGE_TOO_LARGE.
    pub batches_split: u64,
    /// Batches that failed because delivery.timeout.ms passed.
    pub batches_expired: u64,
    /// Size of each batch that was sent, as on the wire, with its header.
    pub batch_bytes: ottla_histogram,
    /// Records in each batch that was sent.
    pub batch_records: ottla_histogram,
    /// Records in each Produce request.
    pub records_per_request: ottla_histogram,
    /// Size of each request.
    pub request_bytes: ottla_histogram,
    /// Time from the first append to a batch until it was handed to a connection, counted for each record.
    pub queue_time_us: ottla_histogram,
    /// Time from handing a request to its connection until its response was read; acks=0 has none.
    pub request_latency_us: ottla_histogram,
    /// Time from the first append to a batch until its result was known, counted for each record, also for failed ones.
    pub delivery_time_us: ottla_histogram,
    /// Length of each pause that a broker asked for (throttling).
    pub throttle_time_us: ottla_histogram,
    /// Milliseconds of pauses that brokers asked for (throttling).
    pub throttle_ms: u64,
    /// How often a partition's sequence began again with a higher epoch.
    pub epochs_bumped: u64,
    /// The idempotent producer's id; -1 while it has none.
    pub producer_id: i64,
    /// Produce requests handed to a connection.
    pub produce_requests: u64,
    /// All requests handed to a connection.
    pub requests: u64,
    /// Responses received.
    pub responses: u64,
    /// Requests without a response within request.timeout.ms.
    pub requests_timed_out: u64,
    /// Requests that wait for their response, or with acks=0 to be written.
    pub requests_in_flight: i64,
    /// Bytes handed to connections.
    pub bytes_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Connections that were established.
    pub connections_opened: u64,
    /// Connections that failed to be established.
    pub connections_failed: u64,
    /// Established connections that ended.
    pub connections_closed: u64,
    /// Connections that are open now.
    pub connections_open: i64,
    /// Metadata responses that were applied.
    pub metadata_updates: u64,
    /// Age of the metadata; -1 before the first response.
    pub metadata_age_us: i64,
    /// Topics that records were sent to.
    pub topics: i64,
    /// Known partitions of these topics.
    pub partitions: i64,
    /// The limit, buffer.memory.
    pub buffer_total_bytes: i64,
    /// Bytes of buffer.memory in use.
    pub buffer_used_bytes: i64,
    /// Calls that wait for room now.
    pub buffer_waiting: i64,
    /// How often a call waited for room.
    pub buffer_waits: u64,
    /// How long calls waited for room, in total.
    pub buffer_wait_us: u64,
    /// Sends that were refused for lack of room, at once or after waiting.
    pub buffer_exhausted: u64,
    /// Flushes that have ended.
    pub flushes: u64,
    /// How long flushes took, in total.
    pub flush_us: u64,
    /// How long the callbacks of a batch held the sender thread; queueing a report for polling counts too.
    pub callback_time_us: ottla_histogram,
    /// How long the callbacks of the present batch have been running; -1 if none run now.
    pub callback_running_us: i64,
    /// Turns of the sender's event loop.
    pub turns: u64,
    /// Bytes of buffer.memory held by reports that were not polled, not freed, or whose callbacks have not returned.
    pub buffer_report_bytes: i64,
}

/// Figures of one broker, or of one address of bootstrap.servers. Grows at its end only.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_broker_figures {
    /// Set it to sizeof(ottla_broker_figures) before the call; see ottla_producer_figures.
    pub struct_size: usize,
    /// Host and port; lives as long as the snapshot.
    pub address: *const c_char,
    /// The broker's id; negative for an address of bootstrap.servers.
    pub id: i64,
    /// 0 not connected, 1 its name is being resolved, 2 connecting, 3 asking for its versions, 4 up.
    pub state: i64,
    /// How long its connection has been up; -1 if it is down.
    pub connected_us: i64,
    /// Requests handed to its connection.
    pub requests: u64,
    /// Responses received.
    pub responses: u64,
    /// Requests without a response within request.timeout.ms.
    pub requests_timed_out: u64,
    /// Requests that wait for their response, or with acks=0 to be written.
    pub requests_in_flight: i64,
    /// Bytes handed to its connection.
    pub bytes_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Size of each request.
    pub request_bytes: ottla_histogram,
    /// Time from handing a request to its connection until its response was read; acks=0 has none.
    pub request_latency_us: ottla_histogram,
    /// Batches that were sent to it for the first time.
    pub batches_sent: u64,
    /// Batches that were sent to it again, or to it after another.
    pub batches_retried: u64,
    /// Batches that it answered with an error, also if they were sent again.
    pub batches_refused: u64,
    /// Connections that were established.
    pub connections_opened: u64,
    /// Connections that failed to be established.
    pub connections_failed: u64,
    /// Established connections that ended.
    pub connections_closed: u64,
    /// Milliseconds of pauses that it asked for (throttling).
    pub throttle_ms: u64,
    /// Partitions that it leads, of topics that records were sent to.
    pub partitions: i64,
    /// Records of these partitions that the sender has not taken from the accumulator.
    pub records_waiting: i64,
    /// Encoded bytes of records_waiting.
    pub bytes_waiting: i64,
}

/// Figures of one topic that records were sent to. Grows at its end only.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_topic_figures {
    /// Set it to sizeof(ottla_topic_figures) before the call; see ottla_producer_figures.
    pub struct_size: usize,
    /// Lives as long as the snapshot.
    pub name: *const c_char,
    /// Records that were handed to a connection; each is counted once.
    pub records_sent: u64,
    /// Records that were reported as written (acks=0: as handed to the socket).
    pub records_delivered: u64,
    /// Records that were reported with an error.
    pub records_failed: u64,
    /// Failed records whose fate is unknown.
    pub records_unknown: u64,
    /// Failed records that expired: by delivery.timeout.ms, or while they waited for their topic's metadata.
    pub records_expired: u64,
    /// Failed records that a purge removed.
    pub records_purged: u64,
    /// Records of batches that were sent again, counted each time.
    pub records_retried: u64,
    /// Encoded bytes of the records sent, before compression; each record is counted once.
    pub record_bytes: u64,
    /// Bytes of the same records after compression.
    pub payload_bytes: u64,
    /// payload_bytes divided by record_bytes; 1 while there are none.
    pub compression_ratio: f64,
    /// Batches that were sent at least once.
    pub batches_sent: u64,
    /// How often a batch was sent again.
    pub batches_retried: u64,
    /// Batches that were split after MESSAGE_TOO_LARGE.
    pub batches_split: u64,
    /// Size of each batch that was sent, as on the wire, with its header.
    pub batch_bytes: ottla_histogram,
    /// Time from the first append to a batch until its result was known, counted for each record, also for failed ones.
    pub delivery_time_us: ottla_histogram,
    /// How many partitions it has; 0 while that is not known.
    pub partitions: i64,
    /// Partitions without a leader now.
    pub partitions_without_leader: i64,
    /// Records that the sender has not taken from the accumulator.
    pub records_waiting: i64,
    /// Encoded bytes of records_waiting.
    pub bytes_waiting: i64,
    /// Records that the sender took and that have no result yet: queued, in flight, or to be sent again.
    pub records_taken: i64,
}

/// How often one error occurred. Grows at its end only.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_error_figures {
    /// Set it to sizeof(ottla_error_figures) before the call; see ottla_producer_figures.
    pub struct_size: usize,
    /// Its code; see ottla_code_name().
    pub code: ottla_code,
    /// 0.
    pub reserved: i32,
    /// Attempts to send a batch that ended so, whether or not it was tried again.
    pub batches_refused: u64,
    /// Records whose completion carried it.
    pub records_failed: u64,
}

/// Takes a snapshot. The call copies some numbers and looks at each partition of the topics in use. It waits for no
/// thread, so it also returns while a callback is blocked.
///
/// @param producer        borrowed for the call
/// @param statistics_out  receives the snapshot; release with ottla_statistics_free()
/// @param error_out       optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK, OTTLA_ERR_CLOSED (freed), OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, callbacks too, also after ottla_producer_close().
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_statistics(
    producer: Option<&ottla_producer>,
    statistics_out: Option<&mut MaybeUninit<*mut ottla_statistics>>,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let producer = required(producer, "producer")?;
        let statistics_out = required(statistics_out, "statistics_out")?;
        let snapshot = producer.enter()?.producer.statistics()?;
        statistics_out.write(Box::into_raw(Box::new(ottla_statistics::new(snapshot))));
        Ok(())
    })
}

/// Computes the difference of two snapshots of one producer: counts and histograms are differences, levels are the
/// later ones.
///
/// @param later           borrowed for the call
/// @param earlier         borrowed for the call; taken from the same producer before `later`. This is not checked: for
///                        other snapshots the figures have no meaning
/// @param difference_out  receives the difference; release with ottla_statistics_free()
/// @param error_out       optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub extern "C" fn ottla_statistics_since(
    later: Option<&ottla_statistics>,
    earlier: Option<&ottla_statistics>,
    difference_out: Option<&mut MaybeUninit<*mut ottla_statistics>>,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let later = required(later, "later")?;
        let earlier = required(earlier, "earlier")?;
        let difference_out = required(difference_out, "difference_out")?;
        let difference = later.snapshot.since(&earlier.snapshot);
        difference_out.write(Box::into_raw(Box::new(ottla_statistics::new(difference))));
        Ok(())
    })
}

/// Releases a snapshot, with all strings and pointers from it. NULL is ignored. Any thread, also after
/// ottla_producer_free().
#[unsafe(no_mangle)]
pub extern "C" fn ottla_statistics_free(statistics: Option<Box<ottla_statistics>>) {
    guarded((), || drop(statistics));
}

/// Returns when the snapshot was taken, in milliseconds since 1970-01-01 UTC; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_statistics_taken_ms(statistics: Option<&ottla_statistics>) -> i64 {
    statistics.map_or(0, |statistics| statistics.snapshot.taken_ms)
}

/// Returns the time that the counts cover, in microseconds: since the producer was created, or, for a difference, since
/// the earlier snapshot. A count divided by it is a rate. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_statistics_span_us(statistics: Option<&ottla_statistics>) -> u64 {
    statistics.map_or(0, |statistics| u64::try_from(statistics.snapshot.span.as_micros()).unwrap_or(u64::MAX))
}

/// Reads the figures of the producer.
///
/// @param figures_out  set its struct_size to sizeof(ottla_producer_figures) before
/// @param error_out    optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
///
/// # Safety
/// `figures_out` is NULL or has as many writable bytes as its struct_size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_statistics_producer(
    statistics: Option<&ottla_statistics>,
    figures_out: *mut ottla_producer_figures,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    // SAFETY: by this function's contract.
    unsafe {
        read(statistics, figures_out, error_out, |statistics| Ok(producer_figures(&statistics.snapshot.producer)))
    }
}

/// Returns the number of brokers with figures: all that the cluster ever named, and the addresses of bootstrap.servers.
/// A broker keeps its index in later snapshots. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_statistics_broker_count(statistics: Option<&ottla_statistics>) -> usize {
    statistics.map_or(0, |statistics| statistics.snapshot.brokers.len())
}

/// Reads the figures of a broker.
///
/// @param index        below ottla_statistics_broker_count()
/// @param figures_out  set its struct_size to sizeof(ottla_broker_figures) before
/// @param error_out    optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
///
/// # Safety
/// `figures_out` is NULL or has as many writable bytes as its struct_size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_statistics_broker(
    statistics: Option<&ottla_statistics>,
    index: usize,
    figures_out: *mut ottla_broker_figures,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    let figures = |statistics: &ottla_statistics| {
        let broker = at(&statistics.snapshot.brokers, index, "brokers")?;
        let address = statistics.addresses[index].as_ptr();
        Ok(broker_figures(&broker.figures, broker.what.id.into(), address))
    };
    // SAFETY: by this function's contract.
    unsafe { read(statistics, figures_out, error_out, figures) }
}

/// Returns the number of topics with figures: those that records were sent to. A topic keeps its index in later
/// snapshots. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_statistics_topic_count(statistics: Option<&ottla_statistics>) -> usize {
    statistics.map_or(0, |statistics| statistics.snapshot.topics.len())
}

/// Reads the figures of a topic.
///
/// @param index        below ottla_statistics_topic_count()
/// @param figures_out  set its struct_size to sizeof(ottla_topic_figures) before
/// @param error_out    optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
///
/// # Safety
/// `figures_out` is NULL or has as many writable bytes as its struct_size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_statistics_topic(
    statistics: Option<&ottla_statistics>,
    index: usize,
    figures_out: *mut ottla_topic_figures,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    let figures = |statistics: &ottla_statistics| {
        let topic = at(&statistics.snapshot.topics, index, "topics")?;
        Ok(topic_figures(&topic.figures, statistics.topics[index].as_ptr()))
    };
    // SAFETY: by this function's contract.
    unsafe { read(statistics, figures_out, error_out, figures) }
}

/// Returns the number of different errors that occurred; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_statistics_error_count(statistics: Option<&ottla_statistics>) -> usize {
    statistics.map_or(0, |statistics| statistics.snapshot.errors.len())
}

/// Reads how often an error occurred; the errors are in the order of their codes.
///
/// @param index        below ottla_statistics_error_count()
/// @param figures_out  set its struct_size to sizeof(ottla_error_figures) before
/// @param error_out    optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
///
/// # Safety
/// `figures_out` is NULL or has as many writable bytes as its struct_size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_statistics_error(
    statistics: Option<&ottla_statistics>,
    index: usize,
    figures_out: *mut ottla_error_figures,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    let figures = |statistics: &ottla_statistics| {
        let ErrorFigures { kind, batches_refused, records_failed } = *at(&statistics.snapshot.errors, index, "errors")?;
        let struct_size = size_of::<ottla_error_figures>();
        Ok(ottla_error_figures { struct_size, code: kind.code(), reserved: 0, batches_refused, records_failed })
    };
    // SAFETY: by this function's contract.
    unsafe { read(statistics, figures_out, error_out, figures) }
}

/// Returns all figures as one JSON object; its members have the names of the members of the structures. Valid as long
/// as the snapshot; "{}" for NULL. UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_statistics_json(statistics: Option<&ottla_statistics>) -> *const c_char {
    guarded(c"{}".as_ptr(), || match statistics {
        Some(statistics) => statistics.json.get_or_init(|| c_string(&statistics.snapshot.json())).as_ptr(),
        None => c"{}".as_ptr(),
    })
}

/// Returns all figures in the Prometheus text format, for the response to a scrape (text/plain; version=0.0.4). Use a
/// snapshot that is not a difference. Valid as long as the snapshot; "" for NULL. UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_statistics_prometheus(statistics: Option<&ottla_statistics>) -> *const c_char {
    guarded(c"".as_ptr(), || match statistics {
        Some(statistics) => statistics.prometheus.get_or_init(|| c_string(&statistics.snapshot.prometheus())).as_ptr(),
        None => c"".as_ptr(),
    })
}

/// Receives a snapshot that counts since the producer was created. `statistics` is valid until the function returns and
/// must not be freed. Runs on the sender thread without a lock. It may send; with a full buffer sends return
/// OTTLA_ERR_BUFFER_FULL here instead of waiting. Flush, close, free and calls that wait return OTTLA_ERR_IN_CALLBACK.
/// It must not throw, longjmp or block.
pub type ottla_statistics_fn = Option<unsafe extern "C" fn(statistics: *const ottla_statistics, userdata: *mut c_void)>;

/// Calls a function with a snapshot at intervals. Snapshots can also be taken at any time with
/// ottla_producer_statistics().
///
/// @param interval_ms    milliseconds between two calls, at least 1; a late call does not bring the next one forward
/// @param on_statistics  NULL: no function is called
/// @param userdata       passed to each call
/// @param free_userdata  optional; see ottla_free_fn. On failure it is not called
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub extern "C" fn ottla_config_set_statistics(
    config: Option<&mut ottla_config>,
    interval_ms: i64,
    on_statistics: ottla_statistics_fn,
    userdata: *mut c_void,
    free_userdata: ottla_free_fn,
) -> ottla_code {
    boundary(None, || {
        let config = required(config, "config")?;
        let interval = u64::try_from(interval_ms).ok().filter(|&ms| ms > 0);
        let interval = interval.ok_or_else(|| invalid(format!("interval_ms is {interval_ms}: it is at least 1")))?;
        let function = on_statistics;
        let userdata = take_over(userdata, free_userdata);
        config.reader = function.map(|_| Reader { interval: Duration::from_millis(interval), function, userdata });
        Ok(())
    })
}

/// The function that gets snapshots, and how often.
#[derive(Clone)]
pub(super) struct Reader {
    pub(super) interval: Duration,
    function: ottla_statistics_fn,
    userdata: Userdata,
}

impl Reader {
    /// Thread: sender.
    pub(super) fn report(&self, snapshot: Snapshot) {
        let Some(function) = self.function else { return };
        let statistics = ottla_statistics::new(snapshot);
        // SAFETY: the function and its userdata were given together; the snapshot outlives the call.
        unsafe { function(&raw const statistics, self.userdata.pointer()) };
    }
}

impl ottla_statistics {
    fn new(snapshot: Snapshot) -> Self {
        ottla_statistics {
            addresses: snapshot.brokers.iter().map(|broker| c_string(&broker.what.address)).collect(),
            topics: snapshot.topics.iter().map(|topic| c_string(&topic.what)).collect(),
            snapshot,
            json: OnceLock::new(),
            prometheus: OnceLock::new(),
        }
    }
}

/// Reads figures of a snapshot into a structure of the caller.
///
/// # Safety
/// `figures_out` is NULL or has as many writable bytes as its struct_size says.
unsafe fn read<T: Copy>(
    statistics: Option<&ottla_statistics>,
    figures_out: *mut T,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
    figures: impl FnOnce(&ottla_statistics) -> Result<T>,
) -> ottla_code {
    boundary(error_out, || {
        let statistics = required(statistics, "statistics")?;
        // SAFETY: by this function's contract.
        let out = unsafe { SizedOut::new(figures_out, "figures_out")? };
        out.write(figures(statistics)?);
        Ok(())
    })
}

fn at<'a, T>(list: &'a [T], index: usize, what: &str) -> Result<&'a T> {
    list.get(index).ok_or_else(|| invalid(format!("index is {index}: the snapshot has {} {what}", list.len())))
}

/// A figure in C's form.
trait InC {
    type C;
    fn in_c(&self) -> Self::C;
}

impl InC for u64 {
    type C = u64;
    fn in_c(&self) -> u64 {
        *self
    }
}

impl InC for i64 {
    type C = i64;
    fn in_c(&self) -> i64 {
        *self
    }
}

impl InC for f64 {
    type C = f64;
    fn in_c(&self) -> f64 {
        *self
    }
}

impl InC for Distribution {
    type C = ottla_histogram;
    fn in_c(&self) -> ottla_histogram {
        ottla_histogram {
            count: self.count,
            sum: self.sum,
            min: self.min,
            max: self.max,
            p50: self.percentile(0.5),
            p75: self.percentile(0.75),
            p90: self.percentile(0.9),
            p95: self.percentile(0.95),
            p99: self.percentile(0.99),
            p999: self.percentile(0.999),
            reserved: [0; 2],
        }
    }
}

/// A structure of C from the figures of the same names.
macro_rules! copied {
    ($from:ident => $to:ident [$($own:ident),*] $($name:ident),+ $(,)?) => {
        $to { struct_size: size_of::<$to>(), $($own,)* $($name: $from.$name.in_c(),)+ }
    };
}

fn producer_figures(figures: &ProducerFigures) -> ottla_producer_figures {
    copied! {
        figures => ottla_producer_figures []
            records_sent, records_delivered, records_failed, records_unknown, records_expired, records_purged,
            records_retried, records_held, record_bytes, payload_bytes, compression_ratio, batches_sent,
            batches_retried, batches_split, batches_expired, batch_bytes, batch_records, records_per_request,
            request_bytes, queue_time_us, request_latency_us, delivery_time_us, throttle_time_us, throttle_ms,
            epochs_bumped, producer_id, produce_requests, requests, responses, requests_timed_out, requests_in_flight,
            bytes_sent, bytes_received, connections_opened, connections_failed, connections_closed, connections_open,
            metadata_updates, metadata_age_us, topics, partitions, buffer_total_bytes, buffer_used_bytes,
            buffer_waiting, buffer_waits, buffer_wait_us, buffer_exhausted, flushes, flush_us, callback_time_us,
            callback_running_us, turns, buffer_report_bytes,
    }
}

fn broker_figures(figures: &BrokerFigures, id: i64, address: *const c_char) -> ottla_broker_figures {
    copied! {
        figures => ottla_broker_figures [address, id]
            state, connected_us, requests, responses, requests_timed_out, requests_in_flight, bytes_sent,
            bytes_received, request_bytes, request_latency_us, batches_sent, batches_retried, batches_refused,
            connections_opened, connections_failed, connections_closed, throttle_ms, partitions, records_waiting,
            bytes_waiting,
    }
}

fn topic_figures(figures: &TopicFigures, name: *const c_char) -> ottla_topic_figures {
    copied! {
        figures => ottla_topic_figures [name]
            records_sent, records_delivered, records_failed, records_unknown, records_expired, records_purged,
            records_retried, record_bytes, payload_bytes, compression_ratio, batches_sent, batches_retried,
            batches_split, batch_bytes, delivery_time_us, partitions, partitions_without_leader, records_waiting,
            bytes_waiting, records_taken,
    }
}
