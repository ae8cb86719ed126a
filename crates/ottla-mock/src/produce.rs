//! Produce.

use std::collections::BTreeSet;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_request::PartitionProduceData;
use kafka_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::{BrokerId, ProduceRequest, ProduceResponse};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::cluster::Address;
use super::log::{Append, Appended, Refusal};
use super::{Batch, Cluster, Context, Outcome, PartitionInfo, RequestInfo};

pub(super) fn describe(cluster: &Cluster, request: &ProduceRequest, info: &mut RequestInfo) {
    info.acks = Some(request.acks);
    info.timeout_ms = Some(request.timeout_ms);
    for topic in &request.topic_data {
        let name = match info.version {
            13.. => cluster.name_of(topic.topic_id).map_or_else(|| topic.topic_id.to_string(), str::to_owned),
            _ => topic.name.to_string(),
        };
        for data in &topic.partition_data {
            let batch = data.records.as_ref().and_then(|records| Batch::only_one(records).ok());
            info.partitions.push(PartitionInfo {
                topic: name.clone(),
                partition: data.index,
                producer_id: batch.as_ref().map_or(-1, |batch| batch.producer_id),
                producer_epoch: batch.as_ref().map_or(-1, |batch| batch.producer_epoch),
                base_sequence: batch.as_ref().map_or(-1, |batch| batch.base_sequence),
                codec: batch.as_ref().map_or(0, Batch::codec),
                records: batch.as_ref().map_or(-1, |batch| batch.count),
                bytes: data.records.as_ref().map_or(0, |records| records.len()),
            });
        }
    }
}

pub(super) fn handle(cluster: &mut Cluster, context: &Context, request: ProduceRequest) -> Outcome<ProduceResponse> {
    let version = context.version;
    let mut response = ProduceResponse::default().with_throttle_time_ms(context.plan.throttle_ms);
    let mut leaders = BTreeSet::new();
    let mut failed = false;
    for topic in request.topic_data {
        let name = match version {
            13.. => cluster.name_of(topic.topic_id).map(str::to_owned),
            _ => Some(topic.name.to_string()),
        };
        let mut answer = TopicProduceResponse::default();
        if version >= 13 {
            answer.topic_id = topic.topic_id;
        } else {
            answer.name = topic.name.clone();
        }
        for data in topic.partition_data {
            let transaction = request.transactional_id.as_ref().map(|id| id.0.to_string());
            let target = Target {
                cluster,
                context,
                acks: request.acks,
                transaction,
                topic: name.as_deref(),
                id: topic.topic_id,
            };
            let partition = target.produce(data, &mut leaders);
            failed |= partition.error_code != 0;
            answer.partition_responses.push(partition);
        }
        response.responses.push(answer);
    }
    if version >= 10 {
        response.node_endpoints = leaders.into_iter().filter_map(|id| endpoint(cluster, id)).collect();
    }
    match request.acks {
        0 if failed => Outcome::Close,
        0 => Outcome::Silent,
        _ => Outcome::Answer(response),
    }
}

fn endpoint(cluster: &Cluster, id: i32) -> Option<NodeEndpoint> {
    let broker = cluster.brokers.get(&id)?;
    let endpoint = NodeEndpoint::default().with_node_id(BrokerId(id)).with_port(i32::from(broker.port));
    Some(endpoint.with_host(StrBytes::from_string(broker.host.clone())))
}

/// One partition's data on its way to the log.
struct Target<'a> {
    cluster: &'a mut Cluster,
    context: &'a Context,
    acks: i16,
    transaction: Option<String>,
    /// `None` if the id is unknown.
    topic: Option<&'a str>,
    id: Uuid,
}

impl Target<'_> {
    fn produce(mut self, data: PartitionProduceData, leaders: &mut BTreeSet<i32>) -> PartitionProduceResponse {
        let index = data.index;
        let name = self.topic.map_or_else(|| self.id.to_string(), str::to_owned);
        let planned = self.context.plan.for_partition(&name, index).cloned();
        let hint = planned.as_ref().is_none_or(|error| error.hint);
        let outcome = match planned {
            Some(error) if error.handled => self.append(data).and(Err(refusal(error.code))),
            Some(error) => Err(refusal(error.code)),
            None => self.append(data),
        };
        let mut response = self.response(index, outcome);
        if hint && response.error_code == ResponseError::NotLeaderOrFollower.code() {
            self.add_suggestion(&mut response, leaders);
        }
        response
    }

    fn append(&mut self, data: PartitionProduceData) -> Result<Appended, Failure> {
        let name = self.topic.ok_or(ResponseError::UnknownTopicId)?;
        if !(-1..=1).contains(&self.acks) {
            return Err(ResponseError::InvalidRequiredAcks.into());
        }
        let (now_ms, unknown_producer) = (self.cluster.now_ms, self.cluster.unknown_producer);
        let topic = self.cluster.topics.get_mut(name).ok_or(ResponseError::UnknownTopicOrPartition)?;
        let partition = usize::try_from(data.index).ok().and_then(|index| topic.partitions.get_mut(index));
        let partition = partition.ok_or(ResponseError::UnknownTopicOrPartition)?;
        let batch = Batch::only_one(&data.records.unwrap_or_default())?;
        if batch.codec() == 4 && self.context.version < 7 {
            return Err(ResponseError::UnsupportedCompressionType.into());
        }
        if partition.place.leader != Some(self.context.broker) {
            return Err(ResponseError::NotLeaderOrFollower.into());
        }
        if self.acks == -1 && partition.place.isr.len() < topic.options.min_insync_replicas {
            return Err(ResponseError::NotEnoughReplicas.into());
        }
        if batch.is_transactional() {
            let id = self.transaction.clone().ok_or(ResponseError::InvalidRequest)?;
            let place = (name.to_owned(), data.index);
            let version = self.context.version;
            partition.log.verifying(&batch, version >= 12)?;
            self.cluster.verify(&id, batch.producer_id, batch.producer_epoch, place, version)?;
        }
        let topic = self.cluster.topics.get_mut(name).ok_or(ResponseError::UnknownTopicOrPartition)?;
        let partition = &mut topic.partitions[data.index as usize];
        let leader_epoch = partition.place.leader_epoch;
        let append = Append { options: &topic.options, unknown_producer, leader_epoch, now_ms };
        Ok(partition.log.append(batch, &append)?)
    }

    fn response(&self, index: i32, outcome: Result<Appended, Failure>) -> PartitionProduceResponse {
        let version = self.context.version;
        let mut response = PartitionProduceResponse::default().with_index(index);
        let log_start_offset = match outcome {
            Ok(appended) => {
                response.base_offset = appended.base_offset;
                response.log_append_time_ms = appended.append_time;
                appended.log_start_offset
            }
            Err(failure) => {
                response.error_code = failure.code;
                response.base_offset = -1;
                response.log_append_time_ms = -1;
                if version >= 8 {
                    response.error_message = Some(StrBytes::from_string(format!("the model says {}", failure.code)));
                    response.record_errors = failure.records.into_iter().map(record_error).collect();
                }
                failure.log_start_offset
            }
        };
        if version >= 5 { response.with_log_start_offset(log_start_offset) } else { response }
    }

    fn add_suggestion(&self, response: &mut PartitionProduceResponse, leaders: &mut BTreeSet<i32>) {
        let place = self.topic.and_then(|name| self.cluster.topics.get(name)).and_then(|topic| {
            let index = usize::try_from(response.index).ok()?;
            topic.partitions.get(index).map(|partition| &partition.place)
        });
        if let Some(Address { leader: Some(leader), leader_epoch, .. }) = place
            && self.context.version >= 10
        {
            response.current_leader =
                LeaderIdAndEpoch::default().with_leader_id(BrokerId(*leader)).with_leader_epoch(*leader_epoch);
            leaders.insert(*leader);
        }
    }
}

/// The error of a partition, as it is sent.
struct Failure {
    code: i16,
    records: Vec<i32>,
    log_start_offset: i64,
}

impl From<ResponseError> for Failure {
    fn from(error: ResponseError) -> Failure {
        refusal(error.code())
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        let Refusal { error, records, log_start_offset } = refusal;
        Failure { code: error.code(), records, log_start_offset }
    }
}

fn refusal(code: i16) -> Failure {
    Failure { code, records: Vec::new(), log_start_offset: -1 }
}

fn record_error(index: i32) -> BatchIndexAndErrorMessage {
    let message = StrBytes::from_string(format!("record {index} is to blame"));
    BatchIndexAndErrorMessage::default().with_batch_index(index).with_batch_index_error_message(Some(message))
}
