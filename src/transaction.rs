//! Transactions.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;

use super::error::{ottla_code, ottla_error};
use super::flagged::{Flagged, check_flags};
use super::handle::ottla_producer;
use super::sized::sized_in;
use super::{boundary, required, text, wait};
use ottla_engine::{GroupMetadata, Offset, OffsetCommit, Producer, Result, TransactionState};
use ottla_host::arguments::{array, invalid, optional_text};

/// The state of a producer with `transactional.id` (KIP-98). The numbers do not change. The calls of its life:
///
///     ottla_producer_init_transactions()           once, before all others
///     ottla_producer_begin_transaction()           then for each transaction:
///       ottla_producer_send() and other sends      any number, any thread, any topic
///       ottla_producer_send_offsets_to_transaction()   if the records were made from consumed records
///     ottla_producer_commit_transaction()          or ottla_producer_abort_transaction()
///     ottla_producer_close()                       aborts a transaction that is still open
///
/// A record that is sent while no transaction is open is refused with OTTLA_ERR_INVALID_STATE. Deliveries come as
/// always. A delivered record is in the log, but consumers with isolation.level=read_committed see it only after its
/// transaction was committed, and never if it was aborted.
///
/// What to do after a transaction call or a send:
///
///     OTTLA_ERR_OK                     go on
///     OTTLA_ERR_TIMED_OUT              of a transaction call: the operation continues; call again to wait for it
///     ottla_error_is_fatal()           the producer cannot be used any more: close it and create another
///     ottla_error_requires_abort()     call ottla_producer_abort_transaction(), then repeat the whole transaction
///     any other code                   nothing has changed; the message says what to do instead
///
/// The coordinator aborts a transaction that does not end within transaction.timeout.ms.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum ottla_transaction_state {
    /// The producer has no transactional.id.
    OTTLA_TRANSACTION_NONE = 0,
    /// ottla_producer_init_transactions() was not called, or has not succeeded yet.
    OTTLA_TRANSACTION_UNINITIALIZED = 1,
    /// The producer asks its coordinator for id and epoch; a transaction that an earlier producer left open is aborted.
    OTTLA_TRANSACTION_INITIALIZING = 2,
    /// No transaction is open: call ottla_producer_begin_transaction().
    OTTLA_TRANSACTION_READY = 3,
    /// Records and offsets can be sent.
    OTTLA_TRANSACTION_OPEN = 4,
    /// A commit is in progress.
    OTTLA_TRANSACTION_COMMITTING = 5,
    /// An abort is in progress.
    OTTLA_TRANSACTION_ABORTING = 6,
    /// The transaction failed: call ottla_producer_abort_transaction(), then begin again.
    OTTLA_TRANSACTION_ABORT_REQUIRED = 7,
    /// The producer cannot go on, for example because a newer one with its transactional.id was started: close it.
    OTTLA_TRANSACTION_FATAL = 8,
}

/// The member leader_epoch is set. A flag of ottla_offset.
pub const OTTLA_OFFSET_LEADER_EPOCH: u32 = 1;

/// The position of a consumer in one partition. Its size never changes. Begin with
///
///     ottla_offset offset = {.topic = "in", .partition = 3, .offset = 42};
///
/// so that all other members are zero.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_offset {
    /// The topic that was consumed; UTF-8, not NULL.
    pub topic: *const c_char,
    pub partition: i32,
    /// OTTLA_OFFSET_LEADER_EPOCH or 0.
    pub flags: u32,
    /// The offset of the next record to consume: one more than that of the last record consumed.
    pub offset: i64,
    /// With OTTLA_OFFSET_LEADER_EPOCH the leader epoch of the last record consumed, from the consumer. Otherwise 0,
    /// which means unknown. If the consumer reports -1, it is unknown.
    pub leader_epoch: i32,
    /// 0.
    pub reserved: u32,
    /// Any text, stored with the offset; NULL: none.
    pub metadata: *const c_char,
    /// NULL.
    pub reserved_pointer: *mut c_void,
}

/// The member generation_id is set: the consumer is a member of its group. A flag of ottla_group_metadata.
pub const OTTLA_GROUP_GENERATION: u32 = 1;

/// The consumer whose offsets are sent, as a member of its group; get the values from the consumer for each call.
/// (Java: ConsumerGroupMetadata, KIP-447.) With them the brokers refuse offsets of a consumer whose partitions were
/// given to another one meanwhile. A consumer that chose its partitions itself is not a member and has only a group_id.
/// Begin with
///
///     ottla_group_metadata group = {.struct_size = sizeof(ottla_group_metadata), .group_id = "group"};
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_group_metadata {
    /// sizeof(ottla_group_metadata).
    pub struct_size: usize,
    /// OTTLA_GROUP_GENERATION or 0.
    pub flags: u32,
    /// With OTTLA_GROUP_GENERATION the generation, at least 0, in which member_id is a member. Otherwise 0: not a
    /// member. If the consumer reports -1, it is not a member.
    pub generation_id: i32,
    /// The property group.id; UTF-8, not NULL.
    pub group_id: *const c_char,
    /// NULL: not a member.
    pub member_id: *const c_char,
    /// The property group.instance.id of a static member; NULL: none.
    pub group_instance_id: *const c_char,
}

const LEADER_EPOCH: Flagged =
    Flagged { flag: OTTLA_OFFSET_LEADER_EPOCH, name: "OTTLA_OFFSET_LEADER_EPOCH", otherwise: "it is not known" };
const GENERATION: Flagged = Flagged {
    flag: OTTLA_GROUP_GENERATION,
    name: "OTTLA_GROUP_GENERATION",
    otherwise: "the consumer is not a member of the group",
};

/// Gets the producer's id and epoch from the coordinator of its transactional.id. Call it once, before the first
/// transaction. When it returns OTTLA_ERR_OK, what an earlier producer with this transactional.id committed is visible,
/// what it left open is aborted, and if it still runs it is fenced and fails.
///
/// @param timeout_ms  longest wait in milliseconds; -1: no limit, even if no broker ever answers (the log says at level
///                    warning what the call waits for); 0: starts the operation and returns OTTLA_ERR_TIMED_OUT
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK: a transaction can begin;
///         OTTLA_ERR_TIMED_OUT: the operation continues, call again to wait for it; the message says what it waits for
///         and what the broker answered last;
///         OTTLA_ERR_INVALID_STATE: there is no transactional.id, this was done before, or another transaction call is
///         running;
///         OTTLA_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, OTTLA_ERR_CLUSTER_AUTHORIZATION_FAILED,
///         OTTLA_ERR_INVALID_TRANSACTION_TIMEOUT (transaction.timeout.ms is more than the broker's
///         transaction.max.timeout.ms): call again when the brokers are configured accordingly;
///         OTTLA_ERR_TRANSACTION_ABORTABLE: call again;
///         another code of Kafka: the producer cannot go on (ottla_error_is_fatal()), close it;
///         OTTLA_ERR_IN_CALLBACK; OTTLA_ERR_CLOSED; OTTLA_ERR_FORKED; OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, but only one transaction call at a time: a second one is refused. Not from a callback.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_init_transactions(
    producer: Option<&ottla_producer>,
    timeout_ms: i64,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    ottla_producer::call(producer, timeout_ms, error_out, Producer::init_transactions)
}

/// Begins a transaction: from now on any thread can send records. The call asks no broker. It waits for the sender
/// thread, so until a callback that is running returns.
///
/// @param error_out  optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK;
///         OTTLA_ERR_INVALID_STATE: no transaction can begin now, and the message says what to do first;
///         a code of Kafka with ottla_error_is_fatal(): the producer cannot go on, close it;
///         OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_CLOSED, OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, but only one transaction call at a time. Not from a callback.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_begin_transaction(
    producer: Option<&ottla_producer>,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || required(producer, "producer")?.enter()?.producer.begin_transaction())
}

/// Sends the offsets of a consumer group with the open transaction: they are committed with the transaction. So the
/// records that an application makes from consumed records and the consumer's positions take effect together. The
/// consumer must not commit offsets itself (enable.auto.commit=false) and should read with
/// isolation.level=read_committed. After an abort it goes back to the offsets that its group has. The call can be
/// repeated in a transaction; the last offset of a partition counts. (Java:
/// KafkaProducer.sendOffsetsToTransaction.)
///
/// @param offsets     count offsets, borrowed for the call; NULL is allowed if count is 0, and then nothing is sent
/// @param group       borrowed for the call
/// @param timeout_ms  longest wait in milliseconds; -1: no limit; 0: starts the operation and returns
///                    OTTLA_ERR_TIMED_OUT
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK: the group's coordinator has the offsets;
///         OTTLA_ERR_TIMED_OUT: the operation continues: call again to wait for it (the offsets of the first call
///         count), or abort;
///         OTTLA_ERR_INVALID_STATE: no transaction is open, or another transaction call is running;
///         a code of Kafka with ottla_error_requires_abort(): abort the transaction. With OTTLA_ERR_ILLEGAL_GENERATION,
///         OTTLA_ERR_UNKNOWN_MEMBER_ID or OTTLA_ERR_FENCED_INSTANCE_ID the consumer is no longer in its group, and
///         another one gets its partitions;
///         a code of Kafka with ottla_error_is_fatal(): the producer cannot go on, close it;
///         OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_CLOSED, OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, but only one transaction call at a time. Not from a callback.
///
/// # Safety
/// `offsets` leads to `count` offsets, `group` to its structure; texts are NULL or strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_send_offsets_to_transaction(
    producer: Option<&ottla_producer>,
    offsets: *const ottla_offset,
    count: usize,
    group: *const ottla_group_metadata,
    timeout_ms: i64,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let wait = wait(timeout_ms)?;
        let producer = required(producer, "producer")?;
        // SAFETY: by this function's contract.
        let commit = unsafe { OffsetCommit { group: group_of(group)?, offsets: offsets_of(offsets, count)? } };
        producer.enter()?.producer.send_offsets_to_transaction(commit, wait)
    })
}

/// Commits the open transaction: its records and offsets take effect together. A record that is sent while this begins
/// is in the transaction or refused; later ones are refused. Records that linger are sent at once, and the call waits
/// for all records. When it returns OTTLA_ERR_OK, the callback of each record has returned, or its report is queued.
///
/// @param timeout_ms  longest wait in milliseconds; -1: no limit; 0: starts the operation and returns
///                    OTTLA_ERR_TIMED_OUT. The limit of the records remains delivery.timeout.ms
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK: committed;
///         OTTLA_ERR_TIMED_OUT: the operation continues and may still commit: call again to wait for it. It cannot be
///         aborted now;
///         OTTLA_ERR_INVALID_STATE: no transaction is open, or another transaction call is running;
///         a code with ottla_error_requires_abort(), for example that of the first record that failed: consumers with
///         isolation.level=read_committed see nothing of the transaction; abort it and repeat it;
///         a code of Kafka with ottla_error_is_fatal(): the producer cannot go on, close it. If this happened while the
///         call waited, the transaction may have been committed or not;
///         OTTLA_ERR_CLOSED: the producer was closed meanwhile; the transaction may have been committed or not;
///         OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, but only one transaction call at a time. Not from a callback.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_commit_transaction(
    producer: Option<&ottla_producer>,
    timeout_ms: i64,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    ottla_producer::call(producer, timeout_ms, error_out, Producer::commit_transaction)
}

/// Aborts the open transaction, or one that failed: nothing of it takes effect. Records that were not sent yet complete
/// with OTTLA_ERR_TRANSACTION_ABORTED; the call waits for those in flight, at most their delivery.timeout.ms. When it
/// returns OTTLA_ERR_OK, the callback of each record has returned, or its report is queued.
///
/// @param timeout_ms  longest wait in milliseconds; -1: no limit; 0: starts the operation and returns
///                    OTTLA_ERR_TIMED_OUT
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK: another transaction can begin;
///         OTTLA_ERR_TIMED_OUT: the operation continues, call again to wait for it;
///         OTTLA_ERR_INVALID_STATE: no transaction is open, a commit timed out and continues, or another transaction
///         call is running;
///         a code of Kafka with ottla_error_is_fatal(): the producer cannot go on, close it. The transaction is not
///         committed: its coordinator aborts it after transaction.timeout.ms at the latest;
///         OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_CLOSED, OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, but only one transaction call at a time. Not from a callback.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_abort_transaction(
    producer: Option<&ottla_producer>,
    timeout_ms: i64,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    ottla_producer::call(producer, timeout_ms, error_out, Producer::abort_transaction)
}

/// Returns one of ottla_transaction_state: the state that the sender thread knew last. It never waits.
/// OTTLA_TRANSACTION_NONE for NULL and for a producer that was freed. Any thread, callbacks too.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_transaction_state(producer: Option<&ottla_producer>) -> i32 {
    let none = ottla_transaction_state::OTTLA_TRANSACTION_NONE as i32;
    ottla_producer::read(producer, none, |engine| number(engine.producer.transaction_state()))
}

fn number(state: TransactionState) -> i32 {
    use ottla_transaction_state::*;
    let state = match state {
        TransactionState::None => OTTLA_TRANSACTION_NONE,
        TransactionState::Uninitialized => OTTLA_TRANSACTION_UNINITIALIZED,
        TransactionState::Initializing => OTTLA_TRANSACTION_INITIALIZING,
        TransactionState::Ready => OTTLA_TRANSACTION_READY,
        TransactionState::InTransaction => OTTLA_TRANSACTION_OPEN,
        TransactionState::Committing => OTTLA_TRANSACTION_COMMITTING,
        TransactionState::Aborting => OTTLA_TRANSACTION_ABORTING,
        TransactionState::AbortRequired => OTTLA_TRANSACTION_ABORT_REQUIRED,
        TransactionState::Fatal => OTTLA_TRANSACTION_FATAL,
    };
    state as i32
}

/// # Safety
/// As for `ottla_producer_send_offsets_to_transaction`.
unsafe fn offsets_of(offsets: *const ottla_offset, count: usize) -> Result<Vec<Offset>> {
    // SAFETY: by this function's contract.
    let given = unsafe { array(offsets, count, "offsets")? };
    let mut converted = Vec::with_capacity(given.len());
    for (index, offset) in given.iter().enumerate() {
        let name = |member: &str| format!("offsets[{index}].{member}");
        if offset.partition < 0 || offset.offset < 0 {
            return Err(invalid(format!("offsets[{index}]: partition and offset are at least 0")));
        }
        check_flags(offset.flags, &[&LEADER_EPOCH], &name("flags"))?;
        converted.push(Offset {
            // SAFETY: by this function's contract.
            topic: unsafe { text(offset.topic, &name("topic"))? }.to_owned(),
            partition: offset.partition,
            offset: offset.offset,
            leader_epoch: number_of(&LEADER_EPOCH, offset.flags, offset.leader_epoch, &name("leader_epoch"))?,
            // SAFETY: as above.
            metadata: unsafe { optional_text(offset.metadata, &name("metadata"))? }.map(str::to_owned),
        });
    }
    Ok(converted)
}

/// # Safety
/// As for `ottla_producer_send_offsets_to_transaction`.
unsafe fn group_of(group: *const ottla_group_metadata) -> Result<GroupMetadata> {
    // SAFETY: by this function's contract.
    let converted = unsafe {
        let group = sized_in(group, "group")?;
        check_flags(group.flags, &[&GENERATION], "group->flags")?;
        GroupMetadata {
            group_id: text(group.group_id, "group->group_id")?.to_owned(),
            generation_id: number_of(&GENERATION, group.flags, group.generation_id, "group->generation_id")?,
            member_id: optional_text(group.member_id, "group->member_id")?.unwrap_or_default().to_owned(),
            group_instance_id: optional_text(group.group_instance_id, "group->group_instance_id")?.map(str::to_owned),
        }
    };
    if let Some(generation_id) = converted.generation_id
        && converted.member_id.is_empty()
    {
        return Err(invalid(format!("group->member_id is missing, and generation_id is {generation_id}")));
    }
    Ok(converted)
}

/// The value of a member; `None` without its flag.
fn number_of(member: &Flagged, flags: u32, value: i32, name: &str) -> Result<Option<i32>> {
    match member.read(flags, value, name)? {
        Some(..0) => Err(invalid(format!("{name} is {value}: with {} it is 0 or more", member.name))),
        number => Ok(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset() -> ottla_offset {
        // SAFETY: NULL and 0 are valid for each member.
        let zeros: ottla_offset = unsafe { std::mem::zeroed() };
        ottla_offset { topic: c"in".as_ptr(), ..zeros }
    }

    fn group() -> ottla_group_metadata {
        // SAFETY: as above.
        let zeros: ottla_group_metadata = unsafe { std::mem::zeroed() };
        ottla_group_metadata { struct_size: size_of::<ottla_group_metadata>(), group_id: c"g".as_ptr(), ..zeros }
    }

    fn leader_epoch(flags: u32) -> Option<i32> {
        let offset = ottla_offset { flags, ..offset() };
        // SAFETY: one offset, whose topic is a string.
        unsafe { offsets_of(&raw const offset, 1) }.expect("nothing is wrong with it")[0].leader_epoch
    }

    fn generation_id(flags: u32) -> Option<i32> {
        let group = ottla_group_metadata { flags, member_id: c"m".as_ptr(), ..group() };
        // SAFETY: its texts are strings.
        unsafe { group_of(&raw const group) }.expect("nothing is wrong with it").generation_id
    }

    #[test]
    fn zero_is_a_leader_epoch_or_a_generation_with_its_flag_alone() {
        assert_eq!([leader_epoch(0), leader_epoch(OTTLA_OFFSET_LEADER_EPOCH)], [None, Some(0)]);
        assert_eq!([generation_id(0), generation_id(OTTLA_GROUP_GENERATION)], [None, Some(0)]);
    }
}
