//! Transactions.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use super::boundary::{invalid, null};
use super::error::{ottla_code, ottla_error};
use super::handle::ottla_producer;
use super::{boundary, guarded, required, text, wait};
use crate::error::Result;
use crate::front::{GroupMetadata, Offset, OffsetCommit, TransactionState};

/// How a producer with a transactional.id stands. The numbers do not change.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum ottla_transaction_state {
    /// The producer has no transactional.id.
    OTTLA_TRANSACTION_NONE = 0,
    /// ottla_producer_init_transactions() was not called, or did not succeed yet.
    OTTLA_TRANSACTION_UNINITIALIZED = 1,
    /// The coordinator is asked for the producer's id and epoch; what an earlier instance left open is aborted.
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
    /// The producer cannot go on, for example because a newer one with its transactional.id was started: free it.
    OTTLA_TRANSACTION_FATAL = 8,
}

/// Up to where one partition was consumed. Its size never changes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_offset {
    pub topic: *const c_char,
    pub partition: i32,
    /// The leader epoch of the last record consumed; -1: unknown.
    pub leader_epoch: i32,
    /// The offset of the next record to consume, one above that of the last one consumed.
    pub offset: i64,
    /// Any text, kept with the offset; NULL: none.
    pub metadata: *const c_char,
    /// NULL.
    pub reserved: *mut std::ffi::c_void,
}

/// What the consumer whose offsets are sent is in its group, as the consumer tells it. Set struct_size to
/// sizeof(ottla_group_metadata); generation_id -1 and member_id NULL for a consumer that is not a member.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_group_metadata {
    /// sizeof(ottla_group_metadata).
    pub struct_size: usize,
    pub group_id: *const c_char,
    /// NULL: not a member.
    pub member_id: *const c_char,
    /// group.instance.id of a static member; NULL: none.
    pub group_instance_id: *const c_char,
    /// -1: not a member.
    pub generation_id: i32,
    /// 0.
    pub reserved: i32,
}

/// Gets the producer's id and epoch from the coordinator of its transactional.id. A transaction that an earlier producer
/// of this transactional.id left open is aborted, and that producer, if it still runs, is fenced. Once for each producer,
/// before the first transaction.
///
/// @param timeout_ms  longest wait; -1 waits without limit
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK; OTTLA_ERR_TIMED_OUT: it goes on, call again to wait for it; OTTLA_ERR_INVALID_STATE if there is
///         no transactional.id or this was done before; 31 and 53 (the rights to it are missing) and 50
///         (transaction.timeout.ms is above the broker's limit) can be called again; else the producer cannot go on
///         (ottla_error_is_fatal())
///
/// Any thread, but one call of transactions at a time. Not from a callback.
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

/// Opens a transaction: from now on records can be sent. No broker is asked.
///
/// @return OTTLA_ERR_OK; OTTLA_ERR_INVALID_STATE if no transaction can be opened now, the message says what to do;
///         OTTLA_ERR_CLOSED; OTTLA_ERR_IN_CALLBACK; or why the producer cannot go on
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_begin_transaction(
    producer: Option<&ottla_producer>,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || required(producer, "producer")?.enter()?.producer.begin_transaction())
}

/// Commits a consumer group's offsets with the open transaction: they take effect if, and when, it is committed. The
/// consumer must not commit them itself (enable.auto.commit=false).
///
/// @param offsets     count offsets, borrowed for the call; NULL is allowed if count is 0
/// @param group       borrowed for the call
/// @param timeout_ms  longest wait; -1 waits without limit
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK; OTTLA_ERR_TIMED_OUT: it goes on, call again, with the same offsets, to wait for it;
///         OTTLA_ERR_INVALID_STATE; a broker's code after which the transaction must be aborted
///         (ottla_error_requires_abort()), for example 22 or 25 when the consumer is not in the group any more; or one
///         after which the producer cannot go on (ottla_error_is_fatal())
///
/// Any thread, but one call of transactions at a time. Not from a callback.
///
/// # Safety
/// `offsets` leads to `count` offsets; texts are NULL or strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_send_offsets_to_transaction(
    producer: Option<&ottla_producer>,
    offsets: *const ottla_offset,
    count: usize,
    group: Option<&ottla_group_metadata>,
    timeout_ms: i64,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let wait = wait(timeout_ms)?;
        let producer = required(producer, "producer")?;
        // SAFETY: by this function's contract.
        let commit = unsafe { commit_of(offsets, count, required(group, "group")?)? };
        producer.enter()?.producer.send_offsets_to_transaction(commit, wait)
    })
}

/// Ends the open transaction so that its records and offsets take effect, all of them. Waits for every record sent in it;
/// those that linger are sent at once. When this returns their completions have been told or queued.
///
/// @param timeout_ms  longest wait; -1 waits without limit
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK: committed; OTTLA_ERR_TIMED_OUT: it goes on, call again to wait for it (not abort);
///         OTTLA_ERR_INVALID_STATE; an error that requires an abort (ottla_error_requires_abort()): nothing of the
///         transaction will be seen; or one after which the producer cannot go on (ottla_error_is_fatal())
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

/// Ends the open transaction so that nothing of it takes effect. Records that were not sent yet are completed with
/// OTTLA_ERR_TRANSACTION_ABORTED; those on their way are waited for.
///
/// @param timeout_ms  longest wait; -1 waits without limit
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK: another transaction can begin; OTTLA_ERR_TIMED_OUT: it goes on, call again to wait for it;
///         OTTLA_ERR_INVALID_STATE; or why the producer cannot go on (ottla_error_is_fatal())
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

/// One of ottla_transaction_state. OTTLA_TRANSACTION_NONE for NULL and for a producer that was freed. Any thread,
/// callbacks too.
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
unsafe fn commit_of(offsets: *const ottla_offset, count: usize, group: &ottla_group_metadata) -> Result<OffsetCommit> {
    let right = size_of::<ottla_group_metadata>();
    if group.struct_size != right {
        let message = format!(
            "group.struct_size is {}, and it has to be sizeof(ottla_group_metadata), {right}",
            group.struct_size
        );
        return Err(invalid(message));
    }
    // SAFETY: by this function's contract.
    let given = unsafe { super::send::array(offsets, count, "offsets")? };
    let mut converted = Vec::with_capacity(given.len());
    for (index, offset) in given.iter().enumerate() {
        let name = |member: &str| format!("offsets[{index}].{member}");
        if offset.partition < 0 || offset.offset < 0 {
            return Err(invalid(format!("offsets[{index}]: partition and offset are at least 0")));
        }
        converted.push(Offset {
            // SAFETY: by this function's contract.
            topic: unsafe { text(offset.topic, &name("topic"))? }.to_owned(),
            partition: offset.partition,
            offset: offset.offset,
            leader_epoch: offset.leader_epoch,
            // SAFETY: as above.
            metadata: unsafe { optional(offset.metadata, &name("metadata"))? },
        });
    }
    // SAFETY: by this function's contract.
    let group = unsafe {
        GroupMetadata {
            group_id: text(group.group_id, "group.group_id")?.to_owned(),
            generation_id: group.generation_id,
            member_id: optional(group.member_id, "group.member_id")?.unwrap_or_default(),
            group_instance_id: optional(group.group_instance_id, "group.group_instance_id")?,
        }
    };
    if group.generation_id > 0 && group.member_id.is_empty() {
        return Err(null("group.member_id, with a generation"));
    }
    Ok(OffsetCommit { group, offsets: converted })
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
