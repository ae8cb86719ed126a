//! Transactions as applications see them: calls and states.

/// What an application asks of its producer's transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionCall {
    Init,
    Begin,
    SendOffsets(Box<OffsetCommit>),
    Commit,
    Abort,
}

/// What a consumer is in its group: with it, a consumer that lost its partitions is fenced (KIP-447).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupMetadata {
    pub group_id: String,
    /// -1: no member.
    pub generation_id: i32,
    pub member_id: String,
    pub group_instance_id: Option<String>,
}

/// Up to where a partition was consumed: the offset of the next record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offset {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    /// -1: unknown.
    pub leader_epoch: i32,
    pub metadata: Option<String>,
}

/// The offsets of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetCommit {
    pub group: GroupMetadata,
    pub offsets: Vec<Offset>,
}

/// How a producer with transactions stands, as the application sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransactionState {
    /// It has none.
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
