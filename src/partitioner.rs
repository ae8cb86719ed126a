//! Partitioners of the application.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::sync::Arc;

use super::config::ottla_config;
use super::error::{ottla_code, ottla_error};
use super::plugin::{Failure, Hooks, ottla_close_fn, ottla_configure_fn};
use super::sized::sized_in;
use super::userdata::{ottla_free_fn, take_over};
use super::{boundary, guarded, required};
use ottla_engine::plugin::{Choice, CustomPartitioner, Partitions, Plugin, PluginSettings};
use ottla_host::text::{bytes_out, with_c_name};

/// A record that needs a partition, and the present partitions of its topic.
///
/// Life: an ottla_partition_fn gets it; it and what it points to are valid until that function returns. Grows at its
/// end only.
#[repr(C)]
pub struct ottla_choice {
    /// The size of this structure in the library that filled it.
    pub struct_size: usize,
    /// The topic's name.
    pub topic: *const c_char,
    /// The key, serialized; NULL if it is null.
    pub key: *const c_void,
    pub key_len: usize,
    /// The value, serialized; NULL if it is null.
    pub value: *const c_void,
    pub value_len: usize,
    /// The key object of ottla_producer_send_objects(). NULL for a null key, for a record that was sent as bytes, and
    /// for one that waited for its topic's partitions; see needs_objects in ottla_partitioner.
    pub key_object: *const c_void,
    /// The value object, likewise.
    pub value_object: *const c_void,
    /// The number of partitions of the topic; at least 1.
    pub partition_count: i32,
    /// 0.
    pub reserved: i32,
    /// Belongs to the library.
    pub internal: *const c_void,
}

/// Chooses the partition of a record that does not name one. (Java: Partitioner.partition.)
///
/// @param choice    borrowed for the call
/// @param userdata  of the ottla_partitioner
/// @return 0 to choice->partition_count - 1. A negative number fails the record with OTTLA_ERR_PARTITIONER_FAILED and
///         the message of ottla_choice_fail(); a number that is too large fails it with OTTLA_ERR_UNKNOWN_PARTITION.
///         The call that sends the record returns this error if the topic's partitions are known already; otherwise the
///         delivery has it
///
/// Runs on the thread that sends the record; for a record that waited for its topic's partitions on the sender thread;
/// also on several threads at once. It is called again for a record that had to wait for room in the buffer. No lock is
/// held. It may send other records. Flush, close, free and calls that wait return OTTLA_ERR_IN_CALLBACK. It must not
/// throw, longjmp or block.
pub type ottla_partition_fn = Option<unsafe extern "C" fn(choice: *const ottla_choice, userdata: *mut c_void) -> i32>;

/// A partitioner of the application. Begin with
///
///     ottla_partitioner partitioner = {.struct_size = sizeof(ottla_partitioner)};
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_partitioner {
    /// sizeof(ottla_partitioner).
    pub struct_size: usize,
    /// Optional.
    pub configure: ottla_configure_fn,
    /// Not NULL.
    pub partition: ottla_partition_fn,
    /// Optional.
    pub close: ottla_close_fn,
    /// Passed to each function.
    pub userdata: *mut c_void,
    /// Optional; see ottla_free_fn.
    pub free_userdata: ottla_free_fn,
    /// 1: a call that sends objects waits for the topic's partitions, at most max.block.ms, so that the function always
    /// gets the objects. 0: it does not wait, and the objects can be NULL.
    pub needs_objects: i32,
    /// 0.
    pub reserved: i32,
}

/// Sets a partitioner of the application, which replaces partitioner.class. It is not called for records that name
/// their partition.
///
/// @param partitioner  copied
/// @param error_out    optional; set only on failure, release with ottla_error_free(). On failure free_userdata is not
///                     called
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
///
/// # Safety
/// `partitioner` is NULL or has as many readable bytes as its struct_size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_config_set_partitioner(
    config: Option<&mut ottla_config>,
    partitioner: *const ottla_partitioner,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let config = required(config, "config")?;
        // SAFETY: by this function's contract; NULL functions and pointers and any numbers are valid.
        let given = unsafe { sized_in(partitioner, "partitioner")? };
        let partition = required(given.partition, "partitioner->partition")?;
        let userdata = take_over(given.userdata, given.free_userdata);
        let hooks = Hooks::new(given.configure, given.close, userdata);
        config.plugins.partitioner =
            Some(Arc::new(Partitioner { hooks, partition, needs_objects: given.needs_objects != 0 }));
        Ok(())
    })
}

/// Returns the id of the broker that leads a partition; -1 if there is no leader or no such partition, and for NULL.
///
/// # Safety
/// `choice` is NULL or what an `ottla_partition_fn` was given, and that has not returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_choice_leader(choice: *const ottla_choice, partition: i32) -> i32 {
    // SAFETY: by this function's contract.
    unsafe { look(choice, partition, -1, |partitions, partition| partitions.leader(partition).unwrap_or(-1)) }
}

/// Returns 1 if a partition has a leader that takes records, else 0; 0 if there is no such partition, and for NULL. A
/// leader that has taken none for partitioner.availability.timeout.ms does not count (KIP-794).
///
/// # Safety
/// As for `ottla_choice_leader`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_choice_is_available(choice: *const ottla_choice, partition: i32) -> i32 {
    // SAFETY: by this function's contract.
    unsafe { look(choice, partition, 0, |partitions, partition| partitions.is_available(partition).into()) }
}

/// Returns the encoded bytes of the records that wait to be sent to a partition; 0 if there is no such partition, and
/// for NULL.
///
/// # Safety
/// As for `ottla_choice_leader`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_choice_queued_bytes(choice: *const ottla_choice, partition: i32) -> u64 {
    // SAFETY: by this function's contract.
    unsafe { look(choice, partition, 0, |partitions, partition| partitions.queued_bytes(partition) as u64) }
}

/// Sets the reason why no partition can be chosen.
///
/// @param message  UTF-8, one line; copied
/// @return -1, so that `return ottla_choice_fail(choice, "...")` ends the function that was called
///
/// # Safety
/// As for `ottla_choice_leader`; `message` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_choice_fail(choice: *const ottla_choice, message: *const c_char) -> i32 {
    guarded((), || {
        // SAFETY: by this function's contract.
        if let Some(view) = unsafe { View::of(choice) } {
            // SAFETY: by this function's contract.
            unsafe { view.failure.note(message) };
        }
    });
    -1
}

/// # Safety
/// As for `ottla_choice_leader`.
unsafe fn look<T: Copy>(
    choice: *const ottla_choice,
    partition: i32,
    otherwise: T,
    look: impl FnOnce(&dyn Partitions, u32) -> T,
) -> T {
    guarded(otherwise, || {
        // SAFETY: by this function's contract.
        let (Some(view), Ok(partition)) = (unsafe { View::of(choice) }, u32::try_from(partition)) else {
            return otherwise;
        };
        look(view.partitions, partition)
    })
}

/// What is behind an `ottla_choice`.
struct View<'a> {
    partitions: &'a dyn Partitions,
    failure: Failure,
}

impl View<'_> {
    /// # Safety
    /// As for `ottla_choice_leader`. The result is not to be used after the function that was given `choice` returned.
    unsafe fn of<'a>(choice: *const ottla_choice) -> Option<&'a View<'a>> {
        // SAFETY: NULL, or a structure that lives until that function returns; `internal` is set in `Partitioner::choose`
        // alone, to a View that lives as long.
        unsafe { choice.as_ref()?.internal.cast::<View<'_>>().as_ref() }
    }
}

/// An `ottla_partitioner` as the engine knows it.
struct Partitioner {
    hooks: Hooks,
    partition: unsafe extern "C" fn(choice: *const ottla_choice, userdata: *mut c_void) -> i32,
    needs_objects: bool,
}

impl Plugin for Partitioner {
    fn configure(&self, settings: &PluginSettings) -> Result<(), String> {
        self.hooks.configure(settings)
    }

    fn close(&self) {
        self.hooks.close();
    }
}

impl CustomPartitioner for Partitioner {
    fn choose(&self, choice: &Choice<'_>) -> Result<u32, String> {
        let view = View { partitions: choice.partitions, failure: Failure::default() };
        let (key, key_len) = bytes_out(choice.key);
        let (value, value_len) = bytes_out(choice.value);
        with_c_name(choice.topic, |topic| {
            let choice = ottla_choice {
                struct_size: size_of::<ottla_choice>(),
                topic,
                key,
                key_len,
                value,
                value_len,
                key_object: choice.objects.key.pointer(),
                value_object: choice.objects.value.pointer(),
                partition_count: i32::try_from(choice.partitions.count()).unwrap_or(i32::MAX),
                reserved: 0,
                internal: std::ptr::from_ref(&view).cast(),
            };
            // SAFETY: the function and its userdata were given together; the choice and what it points to outlive the
            // call.
            let answer = unsafe { (self.partition)(&choice, self.hooks.userdata()) };
            let partition = view.failure.judge(answer, |answer| answer >= 0)?;
            Ok(partition.cast_unsigned())
        })
    }

    fn needs_objects(&self) -> bool {
        self.needs_objects
    }
}
