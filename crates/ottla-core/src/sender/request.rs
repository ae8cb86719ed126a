//! Requests: the purpose of each kind, what it carries, and which are in flight.

use super::index::PartitionIndex;
use crate::batch::Batch;
use crate::protocol::{ApiKey, TopicId};
use crate::sync::Time;

/// A request that was handed to a connection.
pub struct InFlight {
    pub correlation: i32,
    pub version: i16,
    pub sent: Time,
    pub deadline: Time,
    pub bytes: usize,
    /// It carries suspects. It was sent with nothing else in flight, and no other Produce request is sent before its
    /// end.
    pub suspects: bool,
    pub kind: RequestKind,
}

/// The purpose of a request.
pub enum RequestKind {
    ApiVersions,
    Metadata,
    InitProducerId,
    Transaction(Asked),
    Produce(Produced),
    /// acks=0: done when it is written, because it has no response.
    ProduceUnanswered(Produced),
}

impl RequestKind {
    pub fn api(&self) -> ApiKey {
        match self {
            RequestKind::ApiVersions => ApiKey::ApiVersions,
            RequestKind::Metadata => ApiKey::Metadata,
            RequestKind::InitProducerId => ApiKey::InitProducerId,
            RequestKind::Transaction(asked) => asked.api(),
            RequestKind::Produce(_) | RequestKind::ProduceUnanswered(_) => ApiKey::Produce,
        }
    }

    /// The batches that the request carries.
    pub fn carried(&self) -> &[Carried] {
        match self {
            RequestKind::Produce(produced) | RequestKind::ProduceUnanswered(produced) => produced,
            RequestKind::ApiVersions
            | RequestKind::Metadata
            | RequestKind::InitProducerId
            | RequestKind::Transaction(_) => &[],
        }
    }
}

/// The contents of a Produce request, in its order. A batch that expired in flight has left its place empty.
pub type Produced = Vec<Carried>;

pub struct Carried {
    pub partition: PartitionIndex,
    /// The topic's id in this request. The topic may have another one when the response comes.
    pub topic_id: Option<TopicId>,
    pub batch: Option<Box<Batch>>,
    /// The response for this partition was read.
    pub answered: bool,
}

/// A request of a transaction to a coordinator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    Coordinator(Role),
    Init,
    AddPartitions(Vec<PartitionIndex>),
    AddOffsets,
    CommitOffsets,
    End { commit: bool },
}

impl Asked {
    pub fn api(&self) -> ApiKey {
        match self {
            Asked::Coordinator(_) => ApiKey::FindCoordinator,
            Asked::Init => ApiKey::InitProducerId,
            Asked::AddPartitions(_) => ApiKey::AddPartitionsToTxn,
            Asked::AddOffsets => ApiKey::AddOffsetsToTxn,
            Asked::CommitOffsets => ApiKey::TxnOffsetCommit,
            Asked::End { .. } => ApiKey::EndTxn,
        }
    }

    pub fn role(&self) -> Role {
        match self {
            Asked::CommitOffsets => Role::Group,
            Asked::Coordinator(role) => *role,
            _ => Role::Transaction,
        }
    }
}

/// The role of a coordinator. The number is FindCoordinator's key type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Group = 0,
    Transaction = 1,
}
