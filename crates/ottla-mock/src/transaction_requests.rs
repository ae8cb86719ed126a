//! The requests of transactions: FindCoordinator, AddPartitionsToTxn, AddOffsetsToTxn, TxnOffsetCommit and EndTxn.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, BrokerId,
    EndTxnRequest, EndTxnResponse, FindCoordinatorRequest, FindCoordinatorResponse, TxnOffsetCommitRequest,
    TxnOffsetCommitResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::transaction::not_verified;
use super::{Cluster, Context, Outcome, RequestInfo};

/// For requests of older versions, PRODUCER_FENCED is sent as INVALID_PRODUCER_EPOCH.
fn code(error: ResponseError, fenced_known: bool) -> i16 {
    match error {
        ResponseError::ProducerFenced if !fenced_known => ResponseError::InvalidProducerEpoch.code(),
        other => other.code(),
    }
}

pub(super) fn find_coordinator(
    cluster: &mut Cluster,
    context: &Context,
    request: FindCoordinatorRequest,
) -> Outcome<FindCoordinatorResponse> {
    let planned = context.plan.for_all().map(|error| error.code);
    let find = |key: &str| match planned {
        Some(code) => Err(code),
        // Key types are groups and transactions. Brokers without share groups know no others.
        None if !(0..=1).contains(&request.key_type) => Err(ResponseError::InvalidRequest.code()),
        None => cluster.coordinator(key).ok_or(ResponseError::CoordinatorNotAvailable.code()),
    };
    let place = |id: i32| {
        let broker = &cluster.brokers[&id];
        (StrBytes::from_string(broker.host.clone()), i32::from(broker.port))
    };
    let mut response = FindCoordinatorResponse::default();
    if context.version >= 1 {
        response.throttle_time_ms = context.plan.throttle_ms;
    }
    if context.version >= 4 {
        response.coordinators = request
            .coordinator_keys
            .iter()
            .map(|key| match find(key) {
                Ok(id) => {
                    let (host, port) = place(id);
                    let found = Coordinator::default().with_key(key.clone()).with_node_id(BrokerId(id));
                    found.with_host(host).with_port(port)
                }
                Err(code) => {
                    Coordinator::default().with_key(key.clone()).with_error_code(code).with_node_id(BrokerId(-1))
                }
            })
            .collect();
        return Outcome::Answer(response);
    }
    Outcome::Answer(match find(&request.key) {
        Ok(id) => {
            let (host, port) = place(id);
            response.with_node_id(BrokerId(id)).with_host(host).with_port(port)
        }
        Err(code) => response.with_error_code(code).with_node_id(BrokerId(-1)),
    })
}

pub(super) fn add_partitions(
    cluster: &mut Cluster,
    context: &Context,
    request: AddPartitionsToTxnRequest,
) -> Outcome<AddPartitionsToTxnResponse> {
    let id = request.v3_and_below_transactional_id.to_string();
    let (producer_id, epoch) = (request.v3_and_below_producer_id.0, request.v3_and_below_producer_epoch);
    let fenced_known = context.version >= 2;
    let planned = context.plan.for_all().map(|error| (error.code, error.handled));
    let unknown = request.v3_and_below_topics.iter().any(|topic| {
        let count = cluster.topics.get(topic.name.as_str()).map_or(0, |topic| topic.partitions.len());
        topic.partitions.iter().any(|&partition| usize::try_from(partition).is_ok_and(|p| p >= count))
    });
    let mut add = |topic: &str, partition: i32| -> i16 {
        if let Some((code, false)) = planned {
            return code;
        }
        let exists = cluster.topics.get(topic).is_some_and(|known| (partition as usize) < known.partitions.len());
        if unknown {
            let error =
                if exists { ResponseError::OperationNotAttempted } else { ResponseError::UnknownTopicOrPartition };
            return error.code();
        }
        let added = cluster
            .is_coordinator(context.broker, &id)
            .and_then(|()| cluster.add_partition_to(&id, producer_id, epoch, (topic.to_owned(), partition)));
        match (added, planned) {
            (Err(error), _) => code(error, fenced_known),
            (Ok(()), Some((code, _))) => code,
            (Ok(()), None) => 0,
        }
    };
    let results = request.v3_and_below_topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|&partition| {
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(partition)
                .with_partition_error_code(add(topic.name.as_str(), partition))
        });
        AddPartitionsToTxnTopicResult::default()
            .with_name(topic.name.clone())
            .with_results_by_partition(partitions.collect())
    });
    let results = results.collect();
    let response = AddPartitionsToTxnResponse::default().with_throttle_time_ms(context.plan.throttle_ms);
    Outcome::Answer(response.with_results_by_topic_v3_and_below(results))
}

pub(super) fn add_offsets(
    cluster: &mut Cluster,
    context: &Context,
    request: AddOffsetsToTxnRequest,
) -> Outcome<AddOffsetsToTxnResponse> {
    let id = request.transactional_id.to_string();
    let done = match context.plan.for_all() {
        Some(error) if !error.handled => error.code,
        planned => {
            let added = cluster.is_coordinator(context.broker, &id).and_then(|()| {
                cluster.add_group_to(&id, request.producer_id.0, request.producer_epoch, request.group_id.as_str())
            });
            added.map_or_else(|error| code(error, context.version >= 2), |()| planned.map_or(0, |error| error.code))
        }
    };
    let response = AddOffsetsToTxnResponse::default().with_throttle_time_ms(context.plan.throttle_ms);
    Outcome::Answer(response.with_error_code(done))
}

pub(super) fn offset_commit(
    cluster: &mut Cluster,
    context: &Context,
    request: TxnOffsetCommitRequest,
) -> Outcome<TxnOffsetCommitResponse> {
    let done = match context.plan.for_all() {
        Some(error) if !error.handled => error.code,
        planned => take_offsets(cluster, context, &request)
            .map_or_else(|error| error.code(), |()| planned.map_or(0, |error| error.code)),
    };
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            TxnOffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(done)
        });
        TxnOffsetCommitResponseTopic::default().with_name(topic.name.clone()).with_partitions(partitions.collect())
    });
    let topics = topics.collect();
    let response = TxnOffsetCommitResponse::default().with_throttle_time_ms(context.plan.throttle_ms);
    Outcome::Answer(response.with_topics(topics))
}

fn take_offsets(
    cluster: &mut Cluster,
    context: &Context,
    request: &TxnOffsetCommitRequest,
) -> Result<(), ResponseError> {
    let (id, group) = (request.transactional_id.to_string(), request.group_id.to_string());
    cluster.is_coordinator(context.broker, &group)?;
    let kafka_4 = cluster.is_kafka_4();
    cluster.group_mut(&group).admits(&request.member_id, request.generation_id, kafka_4)?;
    if context.version >= 5 {
        cluster.add_group_to(&id, request.producer_id.0, request.producer_epoch, &group).map_err(
            |error| match error {
                ResponseError::ProducerFenced => ResponseError::InvalidProducerEpoch,
                other => other,
            },
        )?;
    } else if cluster.transaction(&id).is_none_or(|t| t.producer_id != request.producer_id.0) {
        return Err(ResponseError::InvalidProducerIdMapping);
    } else if cluster.transaction(&id).is_some_and(|t| t.epoch != request.producer_epoch) {
        return Err(ResponseError::InvalidProducerEpoch);
    } else if cluster.transaction(&id).is_some_and(|t| !t.groups.contains(&group)) {
        return Err(not_verified(context.version >= 4));
    }
    let held = cluster.group_mut(&group);
    for topic in &request.topics {
        for partition in &topic.partitions {
            let metadata = partition.committed_metadata.as_ref().map(ToString::to_string);
            let place = (topic.name.to_string(), partition.partition_index);
            held.hold(request.producer_id.0, place, (partition.committed_offset, metadata));
        }
    }
    Ok(())
}

pub(super) fn describe_end(_: &Cluster, request: &EndTxnRequest, info: &mut RequestInfo) {
    info.end = Some((request.producer_id.0, request.producer_epoch, request.committed));
}

pub(super) fn end(cluster: &mut Cluster, context: &Context, request: EndTxnRequest) -> Outcome<EndTxnResponse> {
    let id = request.transactional_id.to_string();
    let response = EndTxnResponse::default().with_throttle_time_ms(context.plan.throttle_ms);
    let planned = context.plan.for_all();
    if let Some(error) = planned.filter(|error| !error.handled) {
        return Outcome::Answer(response.with_error_code(error.code));
    }
    let own_epoch = context.version >= 5;
    let ended = cluster
        .is_coordinator(context.broker, &id)
        .and_then(|()| cluster.end(&id, request.producer_id.0, request.producer_epoch, request.committed, own_epoch));
    Outcome::Answer(match (ended, planned) {
        (Err(error), _) => response.with_error_code(code(error, context.version >= 2)),
        (Ok(_), Some(error)) => response.with_error_code(error.code),
        (Ok((id, epoch)), None) if own_epoch => response.with_producer_id(id.into()).with_producer_epoch(epoch),
        (Ok(_), None) => response,
    })
}
