//! Transactions as applications see them: calls and states.

/// A transactional call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionCall {
    Init,
    Begin,
    SendOffsets(Box<OffsetCommit>),
    Commit,
    Abort,
}

/// A consumer's identity in its group. With it, a consumer that lost its partitions is fenced (KIP-447).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupMetadata {
    pub group_id: String,
    /// `None`: not a member.
    pub generation_id: Option<i32>,
    pub member_id: String,
    pub group_instance_id: Option<String>,
}

/// How far a partition was consumed: the offset of the next record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offset {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    /// `None`: unknown.
    pub leader_epoch: Option<i32>,
    pub metadata: Option<String>,
}

/// The offsets that one call commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetCommit {
    pub group: GroupMetadata,
    pub offsets: Vec<Offset>,
}

/// The state of a transactional producer, as the application sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransactionState {
    /// The producer is not transactional.
    #[default]
    None,
    Uninitialized,
    Initializing,
    Ready,
    InTransaction,
    Committing,
    Aborting,
    AbortRequired,
    Fatal,
}

impl TransactionState {
    pub(super) const ALL: [TransactionState; 9] = [
        TransactionState::None,
        TransactionState::Uninitialized,
        TransactionState::Initializing,
        TransactionState::Ready,
        TransactionState::InTransaction,
        TransactionState::Committing,
        TransactionState::Aborting,
        TransactionState::AbortRequired,
        TransactionState::Fatal,
    ];
}
