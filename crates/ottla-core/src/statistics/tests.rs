//! The texts made from a snapshot, and METRICS.md.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::document::metrics_markdown;
use super::*;
use crate::error::{ErrorCode, ErrorKind};
use crate::sync::{Arc, Time};

const HOSTILE: &str = "a\"b\\c\nd\u{1}e\u{7f}\u{2028}é {}#,=";

/// Two brokers, two topics, and a figure of each kind.
fn sample() -> Snapshot {
    let statistics = Statistics::new(HOSTILE, Time(1_000_000));
    let name: Arc<str> = HOSTILE.into();
    let (near, far) = (statistics.add_broker(-1, "[::1]:9092".into()), statistics.add_broker(7, "far:9093".into()));
    let (one, other) = (statistics.add_topic(&name), statistics.add_topic(&"other".into()));
    statistics.producer.records_sent.add(12);
    statistics.producer.record_bytes.add(400);
    statistics.producer.payload_bytes.add(100);
    statistics.producer.throttle_ms.add(1500);
    statistics.producer.flush_us.add(250_000);
    [100, 200, 300_000].into_iter().for_each(|time| statistics.producer.request_latency_us.add(time, 1));
    statistics.producer.batch_records.add(1, 1);
    near.cells.state.set(4);
    near.cells.connected_us.begin(Time(1_000_000));
    far.cells.requests.add(3);
    one.cells.delivery_time_us.add_time(Duration::from_millis(5), 10);
    other.cells.records_failed.add(2);
    statistics.count_refused(ErrorKind::Broker(ErrorCode::NOT_LEADER_OR_FOLLOWER));
    statistics.count_failed(ErrorKind::DeliveryTimedOut, 2);
    statistics.read(Time(3_000_000_000), 1_700_000_000_123)
}

#[test]
fn json_is_what_a_parser_of_json_reads() {
    let json: serde_json::Value = serde_json::from_str(&sample().json()).expect("JSON");
    assert_eq!(json["client_id"], HOSTILE);
    assert_eq!((&json["taken_ms"], &json["span_us"]), (&1_700_000_000_123i64.into(), &2_999_000.into()));
    assert_eq!(json["producer"]["records_sent"], 12);
    assert_eq!(json["producer"]["compression_ratio"], 0.25);
    assert_eq!(json["producer"]["metadata_age_us"], -1);
    let latency = &json["producer"]["request_latency_us"];
    assert_eq!((&latency["count"], &latency["sum"], &latency["max"]), (&3.into(), &300_300.into(), &300_000.into()));
    assert!((199..=203).contains(&latency["p50"].as_u64().expect("a number")), "{latency}");
    assert_eq!((&json["brokers"][0]["id"], &json["brokers"][0]["connected_us"]), (&(-1).into(), &2_999_000.into()));
    assert_eq!((&json["brokers"][1]["address"], &json["brokers"][1]["requests"]), (&"far:9093".into(), &3.into()));
    assert_eq!(json["topics"][0]["name"], HOSTILE);
    assert_eq!(json["topics"][0]["delivery_time_us"]["count"], 10);
    let errors = json["errors"].as_array().expect("a list");
    assert_eq!((&errors[0]["name"], &errors[0]["records_failed"]), (&"DELIVERY_TIMED_OUT".into(), &2.into()));
    assert_eq!((&errors[1]["code"], &errors[1]["batches_refused"]), (&6.into(), &1.into()));
    let names: BTreeSet<&str> = ProducerFigures::ROWS.iter().map(|row| row.name).collect();
    let written: BTreeSet<&str> = json["producer"].as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(written, names);
}

/// A series of the Prometheus text: its name and its labels, in order.
type Series = (String, Vec<(String, String)>);

/// Reads the text by the rules of the format, version 0.0.4, and fails if it breaks them.
fn parse(text: &str) -> BTreeMap<Series, f64> {
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    assert!(text.ends_with('\n'));
    let mut families: BTreeMap<&str, &str> = BTreeMap::new();
    let mut family = ("", "");
    let mut reported = None;
    let mut series = BTreeMap::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            reported = help.split_once(' ').map(|(name, _)| name);
            continue;
        }
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            assert!(is_name(name) && ["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(reported, Some(name), "HELP comes first: {line}");
            assert_eq!(families.insert(name, kind), None, "a family is reported once: {line}");
            family = (name, kind);
            continue;
        }
        let (name, rest) = line.split_once('{').unwrap_or_else(|| panic!("labels: {line}"));
        let ending = name.strip_prefix(family.0).unwrap_or_else(|| panic!("{line} in family {}", family.0));
        let endings: &[&str] = if family.1 == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        assert!(endings.contains(&ending), "{line}");
        assert_eq!(family.1 == "counter", family.0.ends_with("_total"), "{line}");
        let (labels, value) = read_labels(rest);
        assert!(labels.iter().all(|(name, _)| is_name(name)), "{line}");
        let value = value.trim().parse().unwrap_or_else(|_| panic!("a number: {line}"));
        assert!(series.insert((name.to_owned(), labels), value).is_none(), "a series is reported once: {line}");
    }
    series
}

/// `name="value",...} rest`
fn read_labels(text: &str) -> (Vec<(String, String)>, &str) {
    let (mut labels, mut rest) = (Vec::new(), text);
    loop {
        let (name, after) = rest.split_once("=\"").expect("a label");
        let (mut value, mut escaped) = (String::new(), false);
        let end = after.char_indices().find(|&(_, c)| match (std::mem::take(&mut escaped), c) {
            (true, 'n') => (value.push('\n'), false).1,
            (true, c) => (value.push(c), assert!("\\\"".contains(c), "{text}"), false).2,
            (false, '\\') => (escaped = true, false).1,
            (false, '"') => true,
            (false, c) => (value.push(c), false).1,
        });
        labels.push((name.to_owned(), value));
        rest = &after[end.expect("a closing quote").0 + 1..];
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None => return (labels, rest.strip_prefix('}').expect("a closing brace")),
        }
    }
}

#[test]
fn the_prometheus_text_follows_its_rules() {
    let series = parse(&sample().prometheus());
    let value = |name: &str, more: &[(&str, &str)]| {
        let labels = [("client_id", HOSTILE)].iter().chain(more);
        let labels = labels.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        *series.get(&(name.to_owned(), labels)).unwrap_or_else(|| panic!("{name} {more:?}"))
    };
    assert_eq!(value("ottla_records_sent_total", &[]), 12.0);
    assert_eq!(value("ottla_throttle_seconds_total", &[]), 1.5);
    assert_eq!(value("ottla_flush_seconds_total", &[]), 0.25);
    assert!(value("ottla_metadata_age_seconds", &[]).is_nan());
    assert_eq!(value("ottla_broker_info", &[("broker", "7"), ("address", "far:9093")]), 1.0);
    assert_eq!(value("ottla_broker_state", &[("broker", "-1")]), 4.0);
    assert_eq!(value("ottla_topic_delivery_time_seconds_sum", &[("topic", HOSTILE)]), 0.05);
    assert_eq!(value("ottla_topic_records_failed_total", &[("topic", "other")]), 2.0);
    assert_eq!(value("ottla_error_batches_refused_total", &[("code", "6"), ("name", "NOT_LEADER_OR_FOLLOWER")]), 1.0);
    let below = |bound| value("ottla_request_latency_seconds_bucket", &[("le", bound)]);
    assert_eq!(
        ["0.000064", "0.000128", "0.000256", "0.262144", "0.524288", "+Inf"].map(below),
        [0.0, 1.0, 2.0, 2.0, 3.0, 3.0]
    );
    assert_eq!(value("ottla_request_latency_seconds_count", &[]), 3.0);
    assert_eq!(["0", "1", "3"].map(|bound| value("ottla_batch_records_bucket", &[("le", bound)])), [0.0, 1.0, 1.0]);
}

#[test]
fn buckets_grow_to_the_count() {
    let series = parse(&sample().prometheus());
    let mut buckets: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for ((name, labels), value) in &series {
        let Some((("le", bound), others)) = labels.split_last().map(|((name, le), rest)| ((name.as_str(), le), rest))
        else {
            continue;
        };
        let bound = bound.parse().expect("a number or +Inf");
        buckets.entry(format!("{name} {others:?}")).or_default().push((bound, *value));
    }
    for (name, mut counts) in buckets {
        counts.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(counts.len() > 20 && counts.is_sorted_by_key(|(_, count)| *count), "{name}: {counts:?}");
        assert_eq!(counts.last().map(|last| last.0), Some(f64::INFINITY), "{name}");
    }
}

#[test]
fn a_difference_is_over_what_came_between() {
    let statistics = Statistics::new("x", Time(0));
    let topic = statistics.add_topic(&"t".into());
    statistics.producer.record_bytes.add(100);
    statistics.producer.payload_bytes.add(100);
    statistics.producer.requests_in_flight.set(3);
    statistics.count_failed(ErrorKind::Closed, 1);
    let earlier = statistics.read(Time(1_000_000), 0);
    statistics.producer.record_bytes.add(100);
    statistics.producer.payload_bytes.add(50);
    statistics.count_failed(ErrorKind::Closed, 2);
    topic.cells.delivery_time_us.add(10, 1);
    statistics.add_topic(&"new".into()).cells.records_sent.add(5);
    let between = statistics.read(Time(5_000_000), 0).since(&earlier);
    assert_eq!(between.span, Duration::from_millis(4));
    assert_eq!((between.producer.record_bytes, between.producer.compression_ratio), (100, 0.5));
    assert_eq!(between.producer.requests_in_flight, 3);
    assert_eq!(between.errors[0].records_failed, 2);
    assert_eq!(between.topics[0].figures.delivery_time_us.count, 1);
    assert_eq!(between.topics[1].figures.records_sent, 5);
}

#[test]
fn the_committed_metrics_document_is_the_table_s() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../METRICS.md");
    if std::env::var_os("OTTLA_BLESS").is_some() {
        std::fs::write(path, metrics_markdown()).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == metrics_markdown(),
        "METRICS.md is not up to date: OTTLA_BLESS=1 cargo test -p ottla-core --lib document"
    );
}

#[test]
fn every_metric_of_java_has_an_answer() {
    let reported: BTreeSet<(&str, &str)> =
        java::METRICS.iter().flat_map(|(group, names)| names.iter().map(move |name| (*group, *name))).collect();
    let java: BTreeSet<(&str, &str)> = include_str!("../../tests/vectors/java-metrics.txt")
        .lines()
        .map(|line| line.split_once('\t').expect("a group and a name"))
        .collect();
    assert_eq!(reported, java);
    let text = metrics_markdown();
    for (group, name) in java {
        assert!(!text.contains(&format!("\n| `{name}` |  |")), "{group} {name} has no answer");
    }
}

#[test]
fn every_name_of_java_in_the_table_is_java_s() {
    fn check<F: Figures>(group: &str) {
        let known = java::METRICS.iter().find(|(name, _)| *name == group).expect("a group").1;
        for row in F::ROWS {
            row.java.iter().for_each(|name| assert!(known.contains(name), "{group} {name}"));
        }
    }
    check::<ProducerFigures>("producer-metrics");
    check::<BrokerFigures>("producer-node-metrics");
    check::<TopicFigures>("producer-topic-metrics");
}
