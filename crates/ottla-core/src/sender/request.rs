//! Requests: what each kind is for, what it carries, and which are in flight.

use super::index::PartitionIndex;
use crate::batch::Batch;
use crate::protocol::ApiKey;
use crate::sync::Time;

/// A request that was handed to a connection.
pub struct InFlight {
    pub correlation: i32,
    pub version: i16,
    pub sent: Time,
    pub deadline: Time,
    pub bytes: usize,
    /// It carries suspects: sent while nothing else was in flight, and no other Produce request is until its end.
    pub suspects: bool,
    pub kind: RequestKind,
}

/// What a request was for.
pub enum RequestKind {
    ApiVersions,
    Metadata,
    InitProducerId,
    Transaction(Asked),
    Produce(Produced),
    /// acks=0: done when it is written, there is no answer.
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

/// What a Produce request carries, in its order. A batch that expired on the way has left its place empty.
pub type Produced = Vec<Carried>;

pub struct Carried {
    pub partition: PartitionIndex,
    /// Its topic's id in this request; the topic may have another by the time of the answer.
    pub topic_id: [u8; 16],
    pub batch: Option<Box<Batch>>,
    /// The answer for this partition was read.
    pub answered: bool,
}

/// What a coordinator was asked for a transaction.
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

/// What a coordinator is for; the number is FindCoordinator's key type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Group = 0,
    Transaction = 1,
}
