//! Metadata.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::cluster::{Address, View};
use super::{Cluster, Context, Outcome, RequestInfo};

pub(super) fn describe(_: &Cluster, request: &MetadataRequest, info: &mut RequestInfo) {
    let asked = request.topics.iter().flatten();
    info.topics = asked.filter_map(|topic| topic.name.as_ref().map(|name| name.to_string())).collect();
}

pub(super) fn handle(cluster: &mut Cluster, context: &Context, request: MetadataRequest) -> Outcome<MetadataResponse> {
    let version = context.version;
    let planned = context.plan.for_all().map(|error| error.code);
    if let Some(code) = planned.filter(|_| version >= 13) {
        // From version 13 on, the response has a field for an error of the whole request (REBOOTSTRAP_REQUIRED).
        let response = MetadataResponse::default().with_throttle_time_ms(context.plan.throttle_ms);
        return Outcome::Answer(response.with_error_code(code));
    }
    let view = cluster.held_view.clone().unwrap_or_else(|| cluster.view());
    let all = version == 0 && request.topics.as_ref().is_some_and(Vec::is_empty);
    let topics: Vec<_> = match request.topics.filter(|_| !all) {
        None => view.iter().map(|(name, (id, places))| known(name, *id, places, version)).collect(),
        Some(asked) => {
            let create = version < 4 || request.allow_auto_topic_creation;
            asked.into_iter().map(|topic| one(cluster, &view, topic, version, create)).collect()
        }
    };
    let topics = topics.into_iter().map(|topic| with_planned_error(context, topic));
    let topics = topics.filter_map(|topic| without_what_is_left_out(context, topic)).collect();
    let brokers = if context.plan.leaves_out_all() { Vec::new() } else { brokers(cluster) };
    let mut response = MetadataResponse::default().with_brokers(brokers).with_topics(topics);
    if version >= 1 {
        response.controller_id = BrokerId(cluster.controller);
    }
    if version >= 2 {
        response.cluster_id = Some(StrBytes::from_string(cluster.cluster_id.clone()));
    }
    if version >= 3 {
        response.throttle_time_ms = context.plan.throttle_ms;
    }
    Outcome::Answer(response)
}

fn brokers(cluster: &Cluster) -> Vec<MetadataResponseBroker> {
    cluster
        .up_brokers()
        .map(|(id, broker)| {
            MetadataResponseBroker::default()
                .with_node_id(BrokerId(id))
                .with_host(StrBytes::from_string(broker.host.clone()))
                .with_port(i32::from(broker.port))
        })
        .collect()
}

fn one(
    cluster: &mut Cluster,
    view: &View,
    asked: MetadataRequestTopic,
    version: i16,
    create: bool,
) -> MetadataResponseTopic {
    let Some(name) = asked.name else { return by_id(view, asked.topic_id, version) };
    match view.get(name.as_str()) {
        Some((id, places)) => known(&name, *id, places, version),
        None if !is_legal(&name) => unknown(&name, ResponseError::InvalidTopicException),
        None => {
            // The response that creates a topic does not have its leaders yet.
            if let Some(options) =
                cluster.auto_create.clone().filter(|_| create && !cluster.topics.contains_key(&**name))
            {
                cluster.create_topic_with(&name, options);
            }
            unknown(&name, ResponseError::UnknownTopicOrPartition)
        }
    }
}

fn by_id(view: &View, id: Uuid, version: i16) -> MetadataResponseTopic {
    let topic = MetadataResponseTopic::default().with_topic_id(id);
    if version < 12 {
        return topic.with_name(Some(TopicName::default())).with_error_code(ResponseError::InvalidRequest.code());
    }
    match view.iter().find(|(_, topic)| topic.0 == id) {
        Some((name, (id, places))) => known(name, *id, places, version),
        None => topic.with_name(None).with_error_code(ResponseError::UnknownTopicId.code()),
    }
}

fn unknown(name: &str, error: ResponseError) -> MetadataResponseTopic {
    let name = TopicName(StrBytes::from_string(name.to_owned()));
    MetadataResponseTopic::default().with_name(Some(name)).with_error_code(error.code())
}

fn known(name: &str, id: Uuid, places: &[Address], version: i16) -> MetadataResponseTopic {
    let name = TopicName(StrBytes::from_string(name.to_owned()));
    let partitions = places.iter().enumerate().map(|(index, place)| partition(index, place, version)).collect();
    let topic = MetadataResponseTopic::default().with_name(Some(name)).with_partitions(partitions);
    if version >= 10 { topic.with_topic_id(id) } else { topic }
}

fn partition(index: usize, place: &Address, version: i16) -> MetadataResponsePartition {
    let ids = |list: &[i32]| list.iter().copied().map(BrokerId).collect();
    let error = if place.leader.is_none() { ResponseError::LeaderNotAvailable.code() } else { 0 };
    let partition = MetadataResponsePartition::default()
        .with_error_code(error)
        .with_partition_index(index as i32)
        .with_leader_id(BrokerId(place.leader.unwrap_or(-1)))
        .with_replica_nodes(ids(&place.replicas))
        .with_isr_nodes(ids(&place.isr));
    if version >= 7 { partition.with_leader_epoch(place.leader_epoch) } else { partition }
}

fn with_planned_error(context: &Context, topic: MetadataResponseTopic) -> MetadataResponseTopic {
    let name = topic.name.as_ref().map_or("", |name| name.as_str());
    match context.plan.for_topic(name) {
        Some(error) => topic.with_error_code(error.code).with_partitions(Vec::new()),
        None => topic,
    }
}

fn without_what_is_left_out(context: &Context, mut topic: MetadataResponseTopic) -> Option<MetadataResponseTopic> {
    let name = topic.name.clone().unwrap_or_default();
    let plan = &context.plan;
    topic.partitions.retain(|partition| !plan.leaves_out(&name, Some(partition.partition_index)));
    (!plan.leaves_out(&name, None)).then_some(topic)
}

/// Kafka's rule for topic names.
fn is_legal(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 249
        && name != "."
        && name != ".."
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}
