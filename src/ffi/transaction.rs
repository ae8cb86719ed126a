//! Transactions.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;

use super::boundary::{invalid, sized_in};
use super::error::{ottla_code, ottla_error};
use super::flagged::{Flagged, check_flags};
use super::handle::ottla_producer;
use super::{boundary, guarded, required, text, wait};
use crate::error::Result;
use crate::front::{GroupMetadata, Offset, OffsetCommit, TransactionState};

/// How a producer stands with its transactions; the numbers do not change. Its life, with `transactional.id` set:
///
///     ottla_producer_init_transactions()           once, before all else
///     ottla_producer_begin_transaction()           then, for each transaction:
///       ottla_producer_send(), and its like        any number, any thread, any topic
///       ottla_producer_send_offsets_to_transaction()   if what is sent was made of what was consumed
///     ottla_producer_commit_transaction()          or ottla_producer_abort_transaction()
///     ottla_producer_close()                       aborts a transaction that is still open
///
/// A record that is sent while no transaction is open is refused with OTTLA_ERR_INVALID_STATE, before anything of it is
/// kept. Completions are told as always; of a record that was delivered they say that it is in the log, but consumers with
/// isolation.level=read_committed see it only once its transaction is committed, and never if it is aborted.
///
/// After a call of transactions, and after a send:
///
///     OTTLA_ERR_OK                     go on
///     OTTLA_ERR_TIMED_OUT              it goes on: make the same call again, which waits for it (calls, not sends)
///     ottla_error_is_fatal()           nothing can be done with this producer any more: close it, make another
///     ottla_error_requires_abort()     ottla_producer_abort_transaction(), then do the whole transaction again
///     anything else                    nothing has changed; the message says what to do instead
///
/// A transaction that is not ended in transaction.timeout.ms is aborted by its coordinator.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum ottla_transaction_state {
    /// The producer has no transactional.id.
    OTTLA_TRANSACTION_NONE = 0,
    /// ottla_producer_init_transactions() was not called, or did not succeed yet.
    OTTLA_TRANSACTION_UNINITIALIZED = 1,
    /// The coordinator is asked for the producer's id and epoch; what an earlier producer left open is aborted.
    OTTLA_TRANSACTION_INITIALIZING = 2,
    /// No transaction is open: ottla_producer_begin_transaction().
    OTTLA_TRANSACTION_READY = 3,
    /// Records and offsets can be sent.
    OTTLA_TRANSACTION_OPEN = 4,
    /// A commit is under way.
    OTTLA_TRANSACTION_COMMITTING = 5,
    /// An abort is under way.
    OTTLA_TRANSACTION_ABORTING = 6,
    /// Something of the transaction failed: ottla_producer_abort_transaction(), then begin again.
    OTTLA_TRANSACTION_ABORT_REQUIRED = 7,
    /// The producer cannot go on, for example because a newer one with its transactional.id was started: close it.
    OTTLA_TRANSACTION_FATAL = 8,
}

/// The consumer told the leader epoch. A flag of ottla_offset.
pub const OTTLA_OFFSET_LEADER_EPOCH: u32 = 1;

/// Up to where one partition was consumed. Its size never changes. Begin with
///
///     ottla_offset offset = {.topic = "in", .partition = 3, .offset = 42};
///
/// and so with zeros in all else.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_offset {
    /// UTF-8, not NULL: the topic that was consumed.
    pub topic: *const c_char,
    pub partition: i32,
    /// OTTLA_OFFSET_LEADER_EPOCH or 0.
    pub flags: u32,
    /// The offset of the next record to consume: one above that of the last one consumed.
    pub offset: i64,
    /// With OTTLA_OFFSET_LEADER_EPOCH the leader epoch of the last record consumed, as the consumer tells it; else 0, and
    /// it is not known. A consumer that tells -1 does not know it.
    pub leader_epoch: i32,
    /// 0.
    pub reserved: u32,
    /// Any text, kept with the offset; NULL: none.
    pub metadata: *const c_char,
    /// NULL.
    pub reserved_pointer: *mut c_void,
}

/// The consumer is a member of its group. A flag of ottla_group_metadata.
pub const OTTLA_GROUP_GENERATION: u32 = 1;

/// What the consumer whose offsets are sent is in its group, as the consumer tells it at the time. With it the brokers
/// refuse the offsets of a consumer whose partitions were given to another meanwhile. A consumer that is not a member (it
/// chose its partitions itself) has a group_id alone. Begin with
///
///     ottla_group_metadata group = {.struct_size = sizeof(ottla_group_metadata), .group_id = "group"};
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_group_metadata {
    /// sizeof(ottla_group_metadata).
    pub struct_size: usize,
    /// OTTLA_GROUP_GENERATION or 0.
    pub flags: u32,
    /// With OTTLA_GROUP_GENERATION the generation, from 0, of which member_id is a member; else 0: not a member. A
    /// consumer that tells -1 is not a member.
    pub generation_id: i32,
    /// UTF-8, not NULL: group.id.
    pub group_id: *const c_char,
    /// NULL: not a member.
    pub member_id: *const c_char,
    /// group.instance.id of a static member; NULL: none.
    pub group_instance_id: *const c_char,
}

const LEADER_EPOCH: Flagged =
    Flagged { flag: OTTLA_OFFSET_LEADER_EPOCH, name: "OTTLA_OFFSET_LEADER_EPOCH", otherwise: "it is not known" };
const GENERATION: Flagged = Flagged {
    flag: OTTLA_GROUP_GENERATION,
    name: "OTTLA_GROUP_GENERATION",
    otherwise: "the consumer is not a member of the group",
};

/// Gets the producer's id and epoch from the coordinator of its transactional.id: once for each producer, before its first
/// transaction. What an earlier producer of this transactional.id committed is seen by consumers when this returns; what
/// it left open is aborted; and if it still runs it is fenced, and fails.
///
/// @param timeout_ms  longest wait; -1 waits without limit (also for brokers that never come: OTTLA_LOG_WARNING says what
///                    it waits for), 0 does not wait: it begins and the answer is OTTLA_ERR_TIMED_OUT
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK: begin a transaction;
///         OTTLA_ERR_TIMED_OUT: it goes on, call again to wait for it; the message says what it waits for, and what the
///         broker answered last;
///         OTTLA_ERR_INVALID_STATE: there is no transactional.id, this was done before, or another call of transactions
///         is under way;
///         OTTLA_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, OTTLA_ERR_CLUSTER_AUTHORIZATION_FAILED,
///         OTTLA_ERR_INVALID_TRANSACTION_TIMEOUT (transaction.timeout.ms is above the broker's
///         transaction.max.timeout.ms): call again when the broker was told otherwise;
///         OTTLA_ERR_TRANSACTION_ABORTABLE: call again;
///         another code of Kafka's: the producer cannot go on (ottla_error_is_fatal()), close it;
///         OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_CLOSED, OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, but one call of transactions at a time: a second one is refused. Not from a callback.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_init_transactions(
    producer: Option<&ottla_producer>,
    timeout_ms: i64,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let wait = wait(timeout_ms)?;
        required(producer, "producer")?.enter()?.producer.init_transactions(wait)
    })
}

/// Opens a transaction: from now on records can be sent, on any thread. No broker is asked.
///
/// @param error_out  optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK;
///         OTTLA_ERR_INVALID_STATE: none can be opened now, and the message says what to do first;
///         a code of Kafka's with ottla_error_is_fatal(): the producer cannot go on, close it;
///         OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_CLOSED, OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, but one call of transactions at a time. Not from a callback. Waits for the sender thread to see it: until a
/// callback that is running returns.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_begin_transaction(
    producer: Option<&ottla_producer>,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || required(producer, "producer")?.enter()?.producer.begin_transaction())
}

/// Sends a consumer group's offsets with the open transaction: they are committed if, and when, it is. Records made of
/// what was consumed, and the mark that it was consumed, thus take effect together. The consumer must not commit offsets
/// itself (enable.auto.commit=false) and should read with isolation.level=read_committed; after an abort it goes back to
/// the offsets that its group has. May be called several times in a transaction; later offsets of a partition count.
///
/// @param offsets     count offsets, borrowed for the call; NULL is allowed if count is 0, and nothing is sent then
/// @param group       borrowed for the call
/// @param timeout_ms  longest wait; -1 waits without limit, 0 does not wait: it begins, and OTTLA_ERR_TIMED_OUT
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK: the group's coordinator holds them;
///         OTTLA_ERR_TIMED_OUT: it goes on, call again to wait for it (the offsets of the first call count), or abort;
///         OTTLA_ERR_INVALID_STATE: no transaction is open, or another call of transactions is under way;
///         a code of Kafka's with ottla_error_requires_abort(): abort the transaction. With OTTLA_ERR_ILLEGAL_GENERATION,
///         OTTLA_ERR_UNKNOWN_MEMBER_ID or OTTLA_ERR_FENCED_INSTANCE_ID the consumer is not in its group any more, and
///         another one has, or will have, what it consumed;
///         a code of Kafka's with ottla_error_is_fatal(): the producer cannot go on, close it;
///         OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_CLOSED, OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, but one call of transactions at a time. Not from a callback.
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

/// Ends the open transaction so that all of it takes effect, its records and its offsets. A record that is sent while this
/// begins is in the transaction or refused; later ones are refused. Records that linger are sent at once, and all are waited
/// for. When this returns OTTLA_ERR_OK, each record's completion was told to its callback, or queued to be polled.
///
/// @param timeout_ms  longest wait; -1 waits without limit, 0 does not wait: it begins, and OTTLA_ERR_TIMED_OUT. Records
///                    have delivery.timeout.ms all the same
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK: committed;
///         OTTLA_ERR_TIMED_OUT: it goes on and may yet be committed: call again to wait for it. It cannot be aborted now;
///         OTTLA_ERR_INVALID_STATE: no transaction is open, or another call of transactions is under way;
///         any code with ottla_error_requires_abort(), that of the first record that failed for example: nothing of the
///         transaction is seen by consumers that read committed records: abort it, and do it again;
///         a code of Kafka's with ottla_error_is_fatal(): the producer cannot go on, close it. If it was told of while
///         this call waited, the transaction may have been committed or not;
///         OTTLA_ERR_CLOSED: the producer was closed meanwhile: committed or not, as above;
///         OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, but one call of transactions at a time. Not from a callback.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_commit_transaction(
    producer: Option<&ottla_producer>,
    timeout_ms: i64,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let wait = wait(timeout_ms)?;
        required(producer, "producer")?.enter()?.producer.commit_transaction(wait)
    })
}

/// Ends the open transaction, or one that failed, so that nothing of it takes effect. Records that were not sent yet are
/// completed with OTTLA_ERR_TRANSACTION_ABORTED; those on their way are waited for, at most their delivery.timeout.ms. When
/// this returns OTTLA_ERR_OK, each record's completion was told to its callback, or queued to be polled.
///
/// @param timeout_ms  longest wait; -1 waits without limit, 0 does not wait: it begins, and OTTLA_ERR_TIMED_OUT
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK: another transaction can begin;
///         OTTLA_ERR_TIMED_OUT: it goes on, call again to wait for it;
///         OTTLA_ERR_INVALID_STATE: no transaction is open, a commit timed out and goes on, or another call of
///         transactions is under way;
///         a code of Kafka's with ottla_error_is_fatal(): the producer cannot go on, close it; the transaction is not
///         committed, its coordinator aborts it after transaction.timeout.ms at the latest;
///         OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_CLOSED, OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, but one call of transactions at a time. Not from a callback.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_abort_transaction(
    producer: Option<&ottla_producer>,
    timeout_ms: i64,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let wait = wait(timeout_ms)?;
        required(producer, "producer")?.enter()?.producer.abort_transaction(wait)
    })
}

/// One of ottla_transaction_state, as the sender thread last knew it. OTTLA_TRANSACTION_NONE for NULL and for a producer
/// that was freed. Any thread, callbacks too; it never waits.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_transaction_state(producer: Option<&ottla_producer>) -> i32 {
    guarded(0, || match producer.map(ottla_producer::enter) {
        Some(Ok(entered)) => number(entered.producer.transaction_state()),
        _ => ottla_transaction_state::OTTLA_TRANSACTION_NONE as i32,
    })
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
    let given = unsafe { super::send::array(offsets, count, "offsets")? };
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
            metadata: unsafe { optional(offset.metadata, &name("metadata"))? },
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
            member_id: optional(group.member_id, "group->member_id")?.unwrap_or_default(),
            group_instance_id: optional(group.group_instance_id, "group->group_instance_id")?,
        }
    };
    if converted.generation_id >= 0 && converted.member_id.is_empty() {
        let message = format!("group->member_id is missing, and generation_id is {}", converted.generation_id);
        return Err(invalid(message));
    }
    Ok(converted)
}

/// What the protocol has for a member: -1 without its flag.
fn number_of(member: &Flagged, flags: u32, value: i32, name: &str) -> Result<i32> {
    match member.read(flags, value, name)? {
        None => Ok(-1),
        Some(0..) => Ok(value),
        Some(_) => Err(invalid(format!("{name} is {value}: with {} it is 0 or more", member.name))),
    }
}

/// # Safety
/// `pointer` is NULL or a string.
unsafe fn optional(pointer: *const c_char, name: &str) -> Result<Option<String>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: a string, by this function's contract.
    Ok(Some(unsafe { text(pointer, name)? }.to_owned()))
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

    fn leader_epoch(flags: u32) -> i32 {
        let offset = ottla_offset { flags, ..offset() };
        // SAFETY: one offset, whose topic is a string.
        unsafe { offsets_of(&raw const offset, 1) }.expect("nothing is wrong with it")[0].leader_epoch
    }

    fn generation_id(flags: u32) -> i32 {
        let group = ottla_group_metadata { flags, member_id: c"m".as_ptr(), ..group() };
        // SAFETY: its texts are strings.
        unsafe { group_of(&raw const group) }.expect("nothing is wrong with it").generation_id
    }

    #[test]
    fn zero_is_a_leader_epoch_or_a_generation_with_its_flag_alone() {
        assert_eq!([leader_epoch(0), leader_epoch(OTTLA_OFFSET_LEADER_EPOCH)], [-1, 0]);
        assert_eq!([generation_id(0), generation_id(OTTLA_GROUP_GENERATION)], [-1, 0]);
    }
}
