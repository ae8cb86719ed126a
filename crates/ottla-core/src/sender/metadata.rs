//! Metadata: brokers, topics, and the leaders of partitions. Decides when to request it and from which broker, and
//! applies it.

use std::time::Duration;

use super::broker::{Broker, Link};
use super::index::{BrokerIndex, PartitionIndex, TableIndex, TopicIndex};
use super::request::RequestKind;
use super::{Acks, Backoff, Event, EventKind, Level, Place, Sender, Timer};
use crate::accumulator::Topic;
use crate::config::Facility;
use crate::error::{Error, ErrorCode, ErrorKind, Result};
use crate::planted::{Fault, planted};
use crate::protocol::messages::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponsePartition, MetadataResponseTopic,
};
use crate::protocol::{ApiKey, LeaderEpoch, Reader, TopicId};
use crate::statistics::TopicStatistics;
use crate::sync::{Arc, Time};
use crate::text::{counted, partition_name};

/// The state of metadata requests.
pub struct Metadata {
    /// All tracked topics must be requested.
    wanted: bool,
    in_flight: bool,
    /// The request in flight is only for new topics, and does not change when the others are requested.
    partial: bool,
    /// No request is sent before this time, because of a backoff.
    not_before: Time,
    /// When the metadata is too old.
    refresh_at: Time,
    failures: u32,
    /// When the attempts without a success began (KIP-1102).
    failing_since: Option<Time>,
    /// Rebootstraps since a broker of the cluster was last reached.
    rebootstraps: u32,
    /// No rebootstrap happens before this time.
    rebootstrap_not_before: Time,
    /// The number of requests sent.
    pub asked: u64,
    /// The last reason why a broker could not be reached.
    pub last_error: Option<Error>,
}

/// A topic that records were sent to.
pub struct TopicState {
    pub topic: Arc<Topic>,
    /// `None` until a broker reports it (Metadata from version 10).
    pub id: Option<TopicId>,
    /// The id that the topic had before this one.
    pub former_id: Option<TopicId>,
    /// Since when brokers describe the topic only in ways that may be outdated.
    pub doubted_since: Option<Time>,
    /// Its partitions, in order.
    pub partitions: Vec<PartitionIndex>,
    pub known: bool,
    /// Metadata requests include it. Ends when it was not used for long.
    tracked: bool,
    /// It was not requested yet.
    fresh: bool,
    /// When it was last requested.
    asked: Time,
    last_used: Time,
    pub statistics: Arc<TopicStatistics>,
    /// The request in flight includes it, and the response has not described it yet.
    unanswered: bool,
    /// The error with which brokers refuse to describe it.
    refusal: Option<Refusal>,
}

/// Brokers respond with an error for a topic, or leave it out of their responses.
struct Refusal {
    /// The last error.
    error: Error,
    since: Time,
    /// The application was notified.
    reported: bool,
}

/// The longest pause between two rebootstraps while the brokers that metadata names cannot be reached.
const REBOOTSTRAP_EVERY: Duration = Duration::from_secs(10);
/// A topic that brokers refuse to describe for this long is missing. They need less time to create one on request.
const MISSING_AFTER: Duration = Duration::from_millis(500);

impl TopicState {
    /// Includes the topic in the next request. An error from before it was last dropped no longer counts.
    fn track(&mut self) {
        if !self.tracked {
            self.refusal = None;
        }
        self.tracked = true;
        self.fresh = true;
    }

    /// Why the brokers do not describe it.
    pub fn error(&self) -> Option<&Error> {
        self.refusal.as_ref().map(|refusal| &refusal.error)
    }

    /// Whether brokers respond that the topic does not exist.
    pub fn is_missing(&self) -> bool {
        self.error().is_some_and(|error| error.kind() == ErrorKind::Broker(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION))
    }
}

impl Metadata {
    pub fn new(now: Time) -> Self {
        Metadata {
            wanted: false,
            in_flight: false,
            partial: false,
            not_before: now,
            refresh_at: Time::NEVER,
            failures: 0,
            failing_since: None,
            rebootstraps: 0,
            rebootstrap_not_before: now,
            asked: 0,
            last_error: None,
        }
    }

    pub fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// A broker of the metadata can be reached, so the next rebootstrap is an event again.
    pub fn outage_over(&mut self) {
        self.rebootstraps = 0;
        self.rebootstrap_not_before = Time::ZERO;
    }
}

impl Sender {
    /// Adds addresses to begin from. One that is known may be tried again.
    pub(super) fn add_bootstrap_brokers(&mut self, mut servers: Vec<(Arc<str>, u16)>) {
        // Any order would do. A random one spreads the clients.
        for last in (1..servers.len()).rev() {
            servers.swap(last, (self.random.draw() % (last as u64 + 1)) as usize);
        }
        for (host, port) in servers {
            match self.find_bootstrap_broker(&host, port) {
                Some(known) => self.broker(known).listed = true,
                None => {
                    let index = self.push_bootstrap_broker(host, port);
                    self.broker(index).wants_canonical_names = self.settings.canonical_bootstrap;
                }
            }
        }
    }

    pub(super) fn push_bootstrap_broker(&mut self, host: Arc<str>, port: u16) -> BrokerIndex {
        let id = -(self.brokers.iter().filter(|broker| broker.is_bootstrap()).count() as i32) - 1;
        self.brokers.push(Broker::new(id, host, port, &self.statistics))
    }

    pub(super) fn find_bootstrap_broker(&self, host: &str, port: u16) -> Option<BrokerIndex> {
        let is_meant = |broker: &Broker| broker.is_bootstrap() && *broker.host == *host && broker.port == port;
        self.brokers.with_indices().find(|(_, broker)| is_meant(broker)).map(|(index, _)| index)
    }

    /// The topic's index in the sender. Adds the topic if it is new.
    pub(super) fn track_topic(&mut self, name: &Arc<str>) -> TopicIndex {
        if let Some(&index) = self.topic_by_name.get(name) {
            return index;
        }
        let index = self.topics.push(TopicState {
            topic: self.accumulator.topics.get(name),
            id: None,
            former_id: None,
            doubted_since: None,
            partitions: Vec::new(),
            known: false,
            tracked: false,
            fresh: true,
            asked: Time::ZERO,
            last_used: self.now,
            statistics: self.statistics.add_topic(name),
            unanswered: false,
            refusal: None,
        });
        self.topic_by_name.insert(name.clone(), index);
        index
    }

    /// Marks a topic as used. A topic that is not tracked is requested again.
    pub(super) fn touch_topic(&mut self, partition: PartitionIndex) {
        let now = self.now;
        let index = self.partition(partition).topic;
        let topic = &mut self.topics[index];
        topic.last_used = now;
        if !topic.tracked {
            topic.track();
            // Records may keep coming for a topic that was refused.
            let asked = topic.asked;
            let at = self.ask_again_at(asked);
            if at > now { self.timers.arm(Timer::Metadata, at) } else { self.metadata_due() }
        }
    }

    /// Includes the topic in the next request, whatever is known about it.
    pub(super) fn ask_for_topic(&mut self, index: TopicIndex) {
        let topic = &mut self.topics[index];
        topic.last_used = self.now;
        topic.track();
    }

    /// Requests metadata now, or after the present backoff.
    pub(super) fn request_metadata(&mut self) {
        self.metadata.wanted = true;
        self.metadata_due();
    }

    /// Requests metadata, at most once per `retry.backoff.ms`.
    pub(super) fn request_metadata_soon(&mut self) {
        if !self.metadata.wanted {
            self.metadata.wanted = true;
            self.metadata.not_before =
                self.metadata.not_before.max(self.now.after(self.settings.retry_backoff.first()));
        }
        self.timers.arm(Timer::Metadata, self.metadata.not_before.max(self.now));
    }

    pub(super) fn metadata_due(&mut self) {
        if self.closed || self.metadata.in_flight {
            return;
        }
        let urgent = self.is_urgent();
        self.metadata.wanted |= self.now >= self.metadata.refresh_at;
        if !self.metadata.wanted && !urgent {
            return self.timers.arm(Timer::Metadata, self.metadata.refresh_at);
        }
        // New topics do not wait for the backoff of the others, provided that brokers respond at all.
        if self.metadata.not_before > self.now && !(urgent && self.metadata.failing_since.is_none()) {
            return self.timers.arm(Timer::Metadata, self.metadata.not_before);
        }
        match self.brokers.least_loaded(ApiKey::Metadata, self.now) {
            Some((broker, version)) => self.send_metadata_request(broker, version),
            None => self.connect_for_metadata(),
        }
    }

    /// Whether a new topic or an inquiry of the application waits for a request.
    fn is_urgent(&self) -> bool {
        let is_new = |topic: &TopicState| topic.fresh && topic.tracked && self.ask_again_at(topic.asked) <= self.now;
        self.topics.iter().any(is_new) || self.is_inquired()
    }

    /// When a topic that was last requested at `asked` may be requested separately: once per `retry.backoff.ms`.
    fn ask_again_at(&self, asked: Time) -> Time {
        asked.after(self.settings.retry_backoff.first())
    }

    fn send_metadata_request(&mut self, broker: BrokerIndex, version: i16) {
        self.drop_idle_topics();
        let fresh_only = self.is_urgent();
        self.metadata.asked += 1;
        self.metadata.in_flight = true;
        self.metadata.partial = fresh_only && self.topics.iter().any(|topic| topic.tracked && !topic.fresh);
        self.metadata.wanted &= self.metadata.partial;
        let mut names: Vec<Arc<str>> = Vec::new();
        for topic in self.topics.iter_mut() {
            topic.unanswered = topic.tracked && (topic.fresh || !fresh_only);
            if topic.unanswered {
                topic.fresh = false;
                topic.asked = self.now;
                names.push(topic.topic.name.clone());
            }
        }
        let asked = self.brokers[broker].name();
        self.debug(Facility::Metadata, || format!("{asked} is asked for topics {}", names.join(", ")));
        let topics = names.iter().map(|name| MetadataRequestTopic { name: Some(name), ..Default::default() }).collect();
        let request = MetadataRequest {
            topics: Some(topics),
            allow_auto_topic_creation: self.settings.allow_auto_create_topics,
            ..Default::default()
        };
        self.send(broker, version, RequestKind::Metadata, |out| request.encode(version, out));
    }

    /// Drops topics that were not used for `metadata.max.idle.ms` from requests.
    fn drop_idle_topics(&mut self) {
        for at in 0..self.partitions.active().len() {
            // Its records may be waiting for a leader.
            let topic = self.partition(self.partitions.active()[at]).topic;
            self.topics[topic].last_used = self.now;
        }
        for index in self.topics.indices() {
            let inquired = self.is_inquired_about(&self.topics[index].topic.name);
            let topic = &mut self.topics[index];
            let idle = self.now.since(topic.last_used) >= self.settings.metadata_max_idle;
            topic.tracked &= topic.fresh || !idle || inquired;
        }
    }

    /// No connection is up. Opens one to any broker that may be tried, or starts from `bootstrap.servers` again
    /// (KIP-899).
    fn connect_for_metadata(&mut self) {
        if self.brokers.len() == 0 {
            // Nothing can be tried before brokers are added, which leads back here.
            return;
        }
        let failing_since = *self.metadata.failing_since.get_or_insert(self.now);
        if self.settings.rebootstrap {
            self.timers.arm(Timer::Rebootstrap, self.rebootstrap_at(failing_since));
        }
        if self.brokers.iter().any(|broker| broker.is_up() && broker.listed) {
            // One is up but busy. The end of its write or of its throttle leads back here.
            return self.timers.arm(Timer::Metadata, self.now.after(self.settings.retry_backoff.first()));
        }
        if self.brokers.iter().any(|broker| broker.link != Link::Down && broker.link != Link::Up) {
            // The end of that attempt leads back here.
            return;
        }
        let now = self.now;
        let offset = self.random.draw() as usize;
        let count = self.brokers.len();
        let order = (0..count).map(|i| BrokerIndex::from_position((i.wrapping_add(offset)) % count));
        let candidate = order.clone().find(|&i| self.brokers[i].listed && self.look_at(&self.brokers[i]) <= now);
        if let Some(index) = candidate {
            return self.ensure_connected(index);
        }
        if self.settings.rebootstrap && self.list_bootstrap_brokers() {
            return self.metadata_due();
        }
        let listed = self.brokers.iter().filter(|broker| broker.listed);
        if let Some(next) = listed.map(|broker| self.look_at(broker)).min() {
            self.timers.arm(Timer::Metadata, next);
        }
    }

    /// When a broker may be tried for metadata: once per `retry.backoff.ms`, even if `reconnect.backoff.ms` is shorter.
    fn look_at(&self, broker: &Broker) -> Time {
        broker.retry_at.max(broker.attempted.after(self.settings.retry_backoff.first()))
    }

    /// Makes the bootstrap addresses candidates again. Returns whether one of them is new.
    fn list_bootstrap_brokers(&mut self) -> bool {
        let now = self.now;
        let offers = |broker: &Broker| {
            broker.is_bootstrap() && !broker.listed && (broker.is_up() || self.look_at(broker) <= now)
        };
        if !self.brokers.iter().any(offers) {
            return false;
        }
        // New topics and inquiries do not have to wait because addresses that the cluster advertises are wrong.
        let not_before = self.metadata.rebootstrap_not_before;
        if not_before > now && !self.is_urgent() {
            self.timers.arm(Timer::Metadata, not_before);
            return false;
        }
        for broker in self.brokers.iter_mut().filter(|broker| broker.is_bootstrap()) {
            broker.listed = true;
        }
        self.note_rebootstrap("no known broker can be reached: trying bootstrap.servers again".into());
        true
    }

    /// Logs a rebootstrap, and sets the pause before the next one. Only the first in an outage is an event.
    fn note_rebootstrap(&mut self, message: String) {
        self.metadata.rebootstraps += 1;
        let Backoff { initial, max } = self.settings.retry_backoff;
        let pauses = Backoff { initial, max: max.max(REBOOTSTRAP_EVERY) };
        let pause = pauses.after(self.metadata.rebootstraps, &mut self.random);
        self.metadata.rebootstrap_not_before = self.now.after(pause);
        if self.metadata.rebootstraps > 1 {
            return self.log(Level::Info, || message);
        }
        self.log(Level::Notice, || message.clone());
        self.report_event(Event::new(EventKind::Rebootstrap, message));
    }

    /// KIP-1102: no metadata arrived for `metadata.recovery.rebootstrap.trigger.ms`.
    pub(super) fn rebootstrap_due(&mut self) {
        let Some(since) = self.metadata.failing_since else { return };
        let due = self.rebootstrap_at(since);
        if due > self.now {
            return self.timers.arm(Timer::Rebootstrap, due);
        }
        self.metadata.failing_since = Some(self.now);
        self.rebootstrap("no metadata for metadata.recovery.rebootstrap.trigger.ms");
    }

    /// When the next rebootstrap is due, if there was no metadata since `failing`.
    fn rebootstrap_at(&self, failing: Time) -> Time {
        let trigger = self.settings.rebootstrap_trigger.max(self.settings.retry_backoff.first());
        failing.after(trigger).max(self.metadata.rebootstrap_not_before)
    }

    fn rebootstrap(&mut self, why: &str) {
        self.note_rebootstrap(format!("{why}: beginning from bootstrap.servers again"));
        for index in self.brokers.indices() {
            let broker = self.broker(index);
            broker.listed = broker.is_bootstrap();
            // An attempt to reach a bootstrap address goes on, because with a short trigger none would ever finish.
            let is_under_way = broker.is_bootstrap() && !broker.is_up();
            if broker.in_flight.is_empty() && !is_under_way {
                self.drop_connection(index);
            }
        }
        self.request_metadata();
    }

    pub(super) fn metadata_failed(&mut self, error: &Error) {
        self.metadata.in_flight = false;
        self.metadata.wanted = true;
        self.metadata.last_error = Some(error.clone());
        self.metadata.failing_since.get_or_insert(self.now);
        self.back_off_metadata();
    }

    fn back_off_metadata(&mut self) {
        self.metadata.failures += 1;
        let wait = self.settings.retry_backoff.after(self.metadata.failures, &mut self.random);
        self.metadata.not_before = self.now.after(wait);
        self.timers.arm(Timer::Metadata, self.metadata.not_before);
    }

    pub(super) fn metadata_received(
        &mut self,
        broker: BrokerIndex,
        reader: &mut Reader<'_>,
        version: i16,
    ) -> Result<()> {
        let response = MetadataResponse::decode(reader, version)?;
        self.metadata.in_flight = false;
        self.throttle(broker, response.throttle_time_ms);
        if response.error_code == ErrorCode::REBOOTSTRAP_REQUIRED {
            self.back_off_metadata();
            self.rebootstrap("the broker answered REBOOTSTRAP_REQUIRED");
            return Ok(());
        }
        if let Some(error) = self.refused_metadata(broker, &response) {
            self.debug(Facility::Metadata, || error.to_string());
            self.metadata_failed(&error);
            return Ok(());
        }
        self.statistics.producer.metadata_updates.add(1);
        self.statistics.producer.metadata_age_us.begin(self.now);
        self.metadata.failing_since = None;
        self.metadata.last_error = None;
        self.debug(Facility::Metadata, || {
            let (brokers, topics) = (response.brokers.len(), response.topics.len());
            format!("taken in: {}, {}", counted(brokers, "broker"), counted(topics, "topic"))
        });
        self.take_brokers(&response);
        let mut incomplete = false;
        for topic in &response.topics {
            incomplete |= !self.take_topic(broker, topic);
        }
        incomplete |= self.take_left_out(broker);
        incomplete |= !self.answer_inquiries(&response);
        self.plan_metadata(incomplete);
        if self.is_urgent() {
            self.metadata_due();
        }
        Ok(())
    }

    /// The error of a response that describes no cluster: an error code for the whole request, or no broker at all, as
    /// from a broker that is starting.
    fn refused_metadata(&self, broker: BrokerIndex, response: &MetadataResponse<'_>) -> Option<Error> {
        let name = self.brokers[broker].name();
        if let Some(kind) = ErrorKind::from_broker(response.error_code) {
            return Some(Error::new(kind, format!("{name} answered Metadata with {kind}")));
        }
        let message =
            || format!("{name} named no broker of the cluster when it was asked for metadata: is it starting?");
        response.brokers.is_empty().then(|| Error::new(ErrorKind::BadResponse, message()))
    }

    /// Plans the next request, after a response. A response about new topics only does not change the backoff of the
    /// others, which may still be missing.
    fn plan_metadata(&mut self, incomplete: bool) {
        if !self.metadata.partial {
            let age = self.settings.metadata_max_age.max(self.settings.retry_backoff.first());
            self.metadata.refresh_at = self.now.after(age);
        }
        self.metadata.wanted |= incomplete;
        if incomplete && (!self.metadata.partial || self.metadata.not_before <= self.now) {
            self.back_off_metadata();
        } else if !self.metadata.partial {
            self.metadata.failures = 0;
            self.metadata.not_before = self.now;
        }
        self.timers.arm(Timer::Metadata, self.metadata.refresh_at);
        if self.metadata.wanted {
            // Something is missing, or was requested while this request was in flight.
            self.timers.arm(Timer::Metadata, self.metadata.not_before);
        }
    }

    fn take_brokers(&mut self, response: &MetadataResponse<'_>) {
        for broker in self.brokers.iter_mut() {
            broker.listed = false;
        }
        for broker in &response.brokers {
            self.learn_broker(broker.node_id, broker.host, broker.port);
        }
    }

    /// Adds or updates a broker of the cluster. If it has moved, it gets a new connection.
    pub(super) fn learn_broker(&mut self, id: i32, host: &str, port: i32) {
        let port = u16::try_from(port).unwrap_or(0);
        if id < 0 {
            return;
        }
        let Some(index) = self.brokers.by_id(id) else {
            self.brokers.add(Broker::new(id, host.into(), port, &self.statistics));
            return;
        };
        let broker = self.broker(index);
        broker.listed = true;
        if broker.lanes.any_ready() {
            self.broker_has_work(index);
        }
        let broker = self.broker(index);
        if *broker.host != *host || broker.port != port {
            broker.move_to(host.into(), port);
            broker.retry_at = Time::ZERO;
            if broker.in_flight.is_empty() {
                self.drop_connection(index);
                self.broker_has_work(index);
            }
        }
    }

    /// Applies the description of a topic. False if the topic must be requested again.
    fn take_topic(&mut self, broker: BrokerIndex, answer: &MetadataResponseTopic<'_>) -> bool {
        let Some(name) = answer.name else { return true };
        let Some(&index) = self.topic_by_name.get(name) else { return true };
        self.topics[index].unanswered = false;
        let none = if answer.partitions.is_empty() { ErrorCode::LEADER_NOT_AVAILABLE } else { ErrorCode::NONE };
        let code = if answer.error_code == ErrorCode::NONE { none } else { answer.error_code };
        let broker = self.brokers[broker].name();
        if let Some(kind) = ErrorKind::from_broker(code) {
            return self.topic_refused(index, kind, &format!("{broker} answered {kind} for topic {name}"));
        }
        if !lists_all(&answer.partitions) {
            let said = format!("{broker} left partitions of topic {name} out of its answer to Metadata");
            return self.topic_refused(index, ErrorKind::MetadataTimedOut, &said);
        }
        if self.is_doubtful(index, answer) {
            return false;
        }
        let topic = &mut self.topics[index];
        topic.refusal = None;
        let id = TopicId::of_field(answer.topic_id);
        let same = id.is_some() && id == topic.id;
        self.take_topic_id(index, id);
        self.take_partition_count(index, answer.partitions.len(), same);
        let mut complete = true;
        for partition in &answer.partitions {
            complete &= self.take_partition(index, partition);
        }
        complete
    }

    /// Handles topics that the response left out. Returns whether there are any.
    fn take_left_out(&mut self, broker: BrokerIndex) -> bool {
        let left_out: Vec<TopicIndex> =
            self.topics.with_indices().filter(|(_, topic)| topic.unanswered).map(|(index, _)| index).collect();
        if planted(Fault::LeftOutForgotten) {
            return false;
        }
        for &index in &left_out {
            let (broker, topic) = (self.brokers[broker].name(), &self.topics[index].topic.name);
            let said = format!("{broker} left topic {topic} out of its answer to Metadata");
            self.topic_refused(index, ErrorKind::MetadataTimedOut, &said);
        }
        !left_out.is_empty()
    }

    /// Handles a topic that the broker does not describe. False if it must be requested again.
    fn topic_refused(&mut self, index: TopicIndex, kind: ErrorKind, said: &str) -> bool {
        let before = self.topics[index].refusal.take();
        let first = before.is_none();
        let since = before.as_ref().map_or(self.now, |before| before.since);
        let so_long = self.now.since(since);
        let lasting =
            if first { String::new() } else { format!("; no broker has described it for {}", seconds(so_long)) };
        let error = Error::new(kind, format!("{said}{lasting}{}", advice(kind)));
        let mut reported = before.is_some_and(|before| before.reported);
        if so_long >= MISSING_AFTER && kind.is_retriable() && !std::mem::replace(&mut reported, true) {
            self.topic_is_missing(index, &error);
        }
        let topic = &mut self.topics[index];
        topic.doubted_since = None;
        topic.refusal = Some(Refusal { error: error.clone(), since, reported });
        // Partitions that are known already need their leaders, whatever the error is.
        let known = topic.known;
        if kind.is_retriable() || (known && !first) {
            self.debug(Facility::Metadata, || error.to_string());
            self.forget_leaders_of_missing(index);
            return false;
        }
        if known {
            self.log(Level::Error, || error.to_string());
            return false;
        }
        let topic = &mut self.topics[index];
        // Tracked again when the next record comes.
        topic.tracked = false;
        let queue = PartitionIndex::of_slot(topic.topic.queue.index);
        self.log(Level::Error, || error.to_string());
        if self.partitions.get(queue).is_some() {
            self.fail_queued(queue, &error);
            self.queue_emptied(queue);
        }
        true
    }

    /// Reported once, until a broker describes the topic again.
    fn topic_is_missing(&mut self, index: TopicIndex, error: &Error) {
        self.log(Level::Warning, || error.to_string());
        let topic = Some(self.topics[index].topic.name.clone());
        self.report_event(Event { topic, ..Event::of_error(EventKind::TopicMissing, error.clone()) });
    }

    /// With acks=0 no broker refuses records for a topic that is gone, so they must not be sent. They wait, as for any
    /// partition without a leader. With other acks, the known leader decides.
    fn forget_leaders_of_missing(&mut self, index: TopicIndex) {
        let topic = &self.topics[index];
        if !topic.is_missing() || topic.topic.settings.acks != Acks::None {
            return;
        }
        for partition in topic.partitions.clone() {
            let epoch = self.partition(partition).leader_epoch;
            self.set_leader(partition, None, epoch);
        }
    }

    fn take_partition(&mut self, topic: TopicIndex, answer: &MetadataResponsePartition) -> bool {
        let number = usize::try_from(answer.partition_index).ok();
        let partitions = &self.topics[topic].partitions;
        let Some(&index) = number.and_then(|number| partitions.get(number)) else { return true };
        let epoch = LeaderEpoch::of_field(answer.leader_epoch);
        let partition = self.partition(index);
        let is_former = epoch.is_some() && epoch < partition.leader_epoch;
        if is_former && !partition.pause.disproves_leader_epoch() {
            // The broker is outdated. Or the known epoch is no longer valid: a leader would show that by failing, and
            // without a leader each such response counts as a failure.
            let led = partition.leader.is_some();
            if !led {
                partition.pause.failed_without_pause();
            }
            return led;
        }
        // A broker that is not listed is not tried.
        let leader = self.brokers.by_id(answer.leader_id);
        let leader = leader.filter(|&leader| self.brokers[leader].listed);
        self.set_leader(index, leader, epoch);
        leader.is_some()
    }

    pub(super) fn set_leader(
        &mut self,
        index: PartitionIndex,
        leader: Option<BrokerIndex>,
        epoch: Option<LeaderEpoch>,
    ) {
        let id = leader.map(|leader| self.brokers[leader].id);
        let partition = self.partition(index);
        partition.leader_epoch = epoch;
        if partition.leader == leader {
            return;
        }
        partition.leader = leader;
        let (topic, number) = (partition.slot.topic.clone(), partition.slot.partition);
        if self.tells(Facility::Metadata) {
            let name = leader.map_or_else(|| "no broker".into(), |leader| self.brokers[leader].name());
            self.debug(Facility::Metadata, || {
                let epoch = epoch.map_or_else(|| "unknown".into(), |epoch| epoch.to_string());
                format!("{} is led by {name}, leader epoch {epoch}", partition_name(&topic, number))
            });
        }
        let partition = self.partition(index);
        partition.slot.set_available(leader.is_some());
        partition.slot.set_leader(id);
        match partition.place {
            // Its entries at the former broker are stale now.
            Place::Ready | Place::Lingering | Place::Leaderless | Place::Gated => {
                partition.place = Place::Idle;
                self.reconsider(index);
            }
            Place::Idle | Place::BackingOff => {}
        }
    }

    /// The event loop has moved a topic's queue to its partitions.
    pub fn assigned(&mut self, topic: &Topic) {
        self.queue_emptied(PartitionIndex::of_slot(topic.queue.index));
    }

    /// Checks whether a topic's queue is empty now.
    pub(super) fn queue_emptied(&mut self, queue: PartitionIndex) {
        if self.partitions.get(queue).is_none() {
            return;
        }
        if self.partition(queue).slot.status().oldest.is_none() {
            self.partition(queue).place = Place::Idle;
            self.partitions.deactivate_if_idle(queue);
            self.queue_resolved(queue);
        }
    }

    /// Something came that all brokers' partitions waited for.
    pub(super) fn wake_all_brokers(&mut self) {
        for index in self.brokers.indices() {
            self.broker_has_work(index);
        }
    }
}

/// Whether a response names each partition up to the highest.
fn lists_all(partitions: &[MetadataResponsePartition]) -> bool {
    let mut numbers: Vec<i32> = partitions.iter().map(|partition| partition.partition_index).collect();
    numbers.sort_unstable();
    (0..).zip(numbers).all(|(number, found)| number == found)
}

/// What can be done about a topic for which brokers respond with an error.
fn advice(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Broker(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION) => {
            "; create it, or let the broker do so (auto.create.topics.enable there, allow.auto.create.topics here)"
        }
        ErrorKind::Broker(ErrorCode::TOPIC_AUTHORIZATION_FAILED) => "; the principal needs WRITE and DESCRIBE on it",
        ErrorKind::Broker(ErrorCode::INVALID_TOPIC_EXCEPTION) => {
            "; a name has 1 to 249 of the characters a-z A-Z 0-9 . _ -"
        }
        _ => "",
    }
}

/// A duration in a message.
fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
