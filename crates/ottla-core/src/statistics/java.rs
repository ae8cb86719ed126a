//! The Java producer's metrics, and the figure that replaces each. A Java producer gave the list in
//! crates/ottla-core/tests/vectors/java-metrics.txt.

use super::cell::Kind;
use super::table::{Figures, Row};

/// Groups and names, in Java's order.
#[rustfmt::skip]
pub(super) const METRICS: &[(&str, &[&str])] = &[
    ("app-info", &[
        "commit-id", "start-time-ms", "version",
    ]),
    ("kafka-metrics-count", &[
        "count",
    ]),
    ("producer-metrics", &[
        "batch-size-avg", "batch-size-max", "batch-split-rate", "batch-split-total", "buffer-available-bytes",
        "buffer-exhausted-rate", "buffer-exhausted-total", "buffer-total-bytes", "bufferpool-wait-ratio",
        "bufferpool-wait-time-ns-total", "compression-rate-avg", "connection-close-rate", "connection-close-total",
        "connection-count", "connection-creation-rate", "connection-creation-total", "failed-authentication-rate",
        "failed-authentication-total", "failed-reauthentication-rate", "failed-reauthentication-total",
        "flush-time-ns-total", "incoming-byte-rate", "incoming-byte-total", "io-ratio", "io-time-ns-avg",
        "io-time-ns-total", "io-wait-ratio", "io-wait-time-ns-avg", "io-wait-time-ns-total", "metadata-age",
        "metadata-wait-time-ns-total", "network-io-rate", "network-io-total", "outgoing-byte-rate",
        "outgoing-byte-total", "produce-throttle-time-avg", "produce-throttle-time-max",
        "reauthentication-latency-avg", "reauthentication-latency-max", "record-error-rate", "record-error-total",
        "record-queue-time-avg", "record-queue-time-max", "record-retry-rate", "record-retry-total",
        "record-send-rate", "record-send-total", "record-size-avg", "record-size-max", "records-per-request-avg",
        "request-latency-avg", "request-latency-max", "request-rate", "request-size-avg", "request-size-max",
        "request-total", "requests-in-flight", "response-rate", "response-total", "select-rate", "select-total",
        "successful-authentication-no-reauth-total", "successful-authentication-rate",
        "successful-authentication-total", "successful-reauthentication-rate", "successful-reauthentication-total",
        "txn-abort-time-ns-total", "txn-begin-time-ns-total", "txn-commit-time-ns-total", "txn-init-time-ns-total",
        "txn-prepare-time-ns-total", "txn-send-offsets-time-ns-total", "waiting-threads",
    ]),
    ("producer-node-metrics", &[
        "incoming-byte-rate", "incoming-byte-total", "outgoing-byte-rate", "outgoing-byte-total",
        "request-latency-avg", "request-latency-max", "request-rate", "request-size-avg", "request-size-max",
        "request-total", "response-rate", "response-total",
    ]),
    ("producer-topic-metrics", &[
        "byte-rate", "byte-total", "compression-rate", "record-error-rate", "record-error-total", "record-retry-rate",
        "record-retry-total", "record-send-rate", "record-send-total",
    ]),
];

const SECURITY: &str = "not kept: there is no authentication in this release";
const TRANSACTIONS: &str = "not kept: the call returns when it is done, so the application can time it";
const LOOP: &str = "not kept: the operating system has the CPU time of the thread `ottla-sender`";

/// Metrics that no single row of the table replaces.
#[rustfmt::skip]
const OTHERWISE: &[(&str, &str)] = &[
    ("buffer-available-bytes", "`buffer_total_bytes` minus `buffer_used_bytes`"),
    ("bufferpool-wait-ratio", "growth of `buffer_wait_us`, divided by the time between two snapshots"),
    ("commit-id", "not kept: `ottla_version` names the release"),
    ("count", "not kept: the number of figures is fixed"),
    ("failed-authentication-rate", SECURITY),
    ("failed-authentication-total", SECURITY),
    ("failed-reauthentication-rate", SECURITY),
    ("failed-reauthentication-total", SECURITY),
    ("io-ratio", LOOP),
    ("io-time-ns-avg", LOOP),
    ("io-time-ns-total", LOOP),
    ("io-wait-ratio", LOOP),
    ("io-wait-time-ns-avg", LOOP),
    ("io-wait-time-ns-total", LOOP),
    ("metadata-wait-time-ns-total",
        "0: a send does not wait for metadata; `queue_time_us` includes the time that records wait for it"),
    ("network-io-rate", "growth of `requests` plus `responses`, divided by the time between two snapshots"),
    ("network-io-total", "`requests` plus `responses`"),
    ("reauthentication-latency-avg", SECURITY),
    ("reauthentication-latency-max", SECURITY),
    ("record-size-avg", "`record_bytes` divided by the number of records (`records_sent`, when nothing waits)"),
    ("record-size-max", "not kept: it would cost something per record; `batch_bytes` has a maximum"),
    ("start-time-ms", "`taken_ms` of a snapshot minus its `span_us`"),
    ("successful-authentication-no-reauth-total", SECURITY),
    ("successful-authentication-rate", SECURITY),
    ("successful-authentication-total", SECURITY),
    ("successful-reauthentication-rate", SECURITY),
    ("successful-reauthentication-total", SECURITY),
    ("txn-abort-time-ns-total", TRANSACTIONS),
    ("txn-begin-time-ns-total", TRANSACTIONS),
    ("txn-commit-time-ns-total", TRANSACTIONS),
    ("txn-init-time-ns-total", TRANSACTIONS),
    ("txn-prepare-time-ns-total", TRANSACTIONS),
    ("txn-send-offsets-time-ns-total", TRANSACTIONS),
    ("version", "`ottla_version`"),
];

/// Where a Java metric is found, for a group whose figures are `F`.
pub(super) fn answer<F: Figures>(name: &str) -> Option<String> {
    if let Some((_, words)) = OTHERWISE.iter().find(|(known, _)| *known == name) {
        return Some((*words).to_owned());
    }
    let total = name.strip_suffix("-rate").map(|plain| format!("{plain}-total"));
    if let Some(row) = total.and_then(|total| row_of::<F>(&total)) {
        return Some(format!("growth of `{}`, divided by the time between two snapshots", row.name));
    }
    let row = row_of::<F>(name)?;
    let how = match name {
        _ if row.kind == Kind::Histogram && name.ends_with("-avg") => ": sum divided by count",
        _ if row.kind == Kind::Histogram && name.ends_with("-max") => ": max",
        _ if name.contains("-ns-") => ", in microseconds",
        "metadata-age" => ", in microseconds",
        _ => "",
    };
    Some(format!("`{}`{how}", row.name))
}

fn row_of<F: Figures>(java: &str) -> Option<&'static Row<F>> {
    F::ROWS.iter().find(|row| row.java.contains(&java))
}
