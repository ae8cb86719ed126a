//! What a call that sends may ask for beyond the record.

use std::ffi::c_void;

use super::delivery::{call, ottla_delivery_fn};
use super::loan::ottla_release_fn;
use super::send_handle::ottla_send;
use super::sized::sized_in;
use ottla_engine::{Completion, Lent, Offer, Result, Wait};
use ottla_host::arguments::invalid;

/// Do not wait for room in buffer.memory: the call returns OTTLA_ERR_BUFFER_FULL at once. A flag of ottla_send_options.
pub const OTTLA_SEND_NO_WAIT: u32 = 1;

/// Options of the functions that send; NULL in place of it means the defaults. Begin with
///
///     ottla_send_options options = {.struct_size = sizeof(ottla_send_options)};
///
/// and set what you need; members can be combined unless their description says otherwise. The call does not keep the
/// structure: one can serve any number of calls on any number of threads (without handle_out). It grows at its end.
///
/// In a call that sends many records the options apply to each of them.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_send_options {
    /// sizeof(ottla_send_options).
    pub struct_size: usize,
    /// OTTLA_SEND_NO_WAIT or 0. With 0 the call waits for room, at most max.block.ms; in a callback it never waits.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
    /// Receives the delivery of the record instead of the function or queue that the configuration names. Its second
    /// argument is the userdata that the record was sent with. NULL: the configuration decides.
    pub on_delivery: ottla_delivery_fn,
    /// Lends the record's value to the library instead of having it copied; see ottla_release_fn. NULL: the value is
    /// copied. ottla_producer_send_objects() refuses it together with a value_object: a serializer makes that value.
    pub on_release: ottla_release_fn,
    /// The last argument of on_release. Without on_release: NULL.
    pub release_userdata: *mut c_void,
    /// Receives a handle to wait for the record's delivery with ottla_send_wait(), now or later; release it with
    /// ottla_send_free(). It is set only if the record was accepted. The delivery goes to the handle alone, so
    /// on_delivery must be NULL. NULL: no handle. Only for calls that send one record.
    pub handle_out: *mut *mut ottla_send,
}

impl ottla_send_options {
    pub(super) const NONE: Self = ottla_send_options {
        struct_size: size_of::<ottla_send_options>(),
        flags: 0,
        reserved: 0,
        on_delivery: None,
        on_release: None,
        release_userdata: std::ptr::null_mut(),
        handle_out: std::ptr::null_mut(),
    };

    /// The options that a call was given, checked.
    ///
    /// # Safety
    /// `given` is NULL, or begins with its size and has as many readable bytes.
    pub(super) unsafe fn read(given: *const Self) -> Result<Self> {
        if given.is_null() {
            return Ok(Self::NONE);
        }
        // SAFETY: by this function's contract; zeros are valid.
        let options = unsafe { sized_in(given, "options")? };
        if options.flags & !OTTLA_SEND_NO_WAIT != 0 {
            let flags = options.flags;
            return Err(invalid(format!("options->flags is {flags:#x}: it is 0 or OTTLA_SEND_NO_WAIT (1)")));
        }
        if options.reserved != 0 {
            return Err(invalid("options->reserved is not 0"));
        }
        if options.on_delivery.is_some() && !options.handle_out.is_null() {
            return Err(invalid(
                "options->on_delivery and options->handle_out are both set: a delivery goes to one place",
            ));
        }
        if options.on_release.is_none() && !options.release_userdata.is_null() {
            return Err(invalid("options->release_userdata is set, but options->on_release is NULL"));
        }
        Ok(options)
    }

    /// `read` for a call that sends many records.
    ///
    /// # Safety
    /// As for `read`.
    pub(super) unsafe fn read_for_many(given: *const Self) -> Result<Self> {
        // SAFETY: by this function's contract.
        let options = unsafe { Self::read(given)? };
        if !options.handle_out.is_null() {
            return Err(invalid("options->handle_out is set: only a call that sends one record has a handle"));
        }
        Ok(options)
    }

    /// Whether the options leave a record as it is on the fast path. That path never waits, so it does not matter
    /// whether it may.
    ///
    /// # Safety
    /// `given` is not NULL, begins with its size and has as many readable bytes.
    pub(super) unsafe fn are_plain(given: *const Self) -> bool {
        // SAFETY: by this function's contract.
        if unsafe { given.cast::<usize>().read() } != size_of::<Self>() {
            return false;
        }
        // SAFETY: as above; it is as large as a `Self`, and any that the caller can make is valid.
        unsafe { given.read() }.has_plain_members()
    }

    pub(super) fn has_plain_members(&self) -> bool {
        self.flags & !OTTLA_SEND_NO_WAIT == 0
            && self.reserved == 0
            && self.on_delivery.is_none()
            && self.on_release.is_none()
            && self.release_userdata.is_null()
            && self.handle_out.is_null()
    }

    pub(super) fn wait(&self) -> Wait {
        if self.flags & OTTLA_SEND_NO_WAIT == 0 { Wait::Configured } else { Wait::Never }
    }

    /// The completion of a record that no handle waits for.
    #[inline]
    pub(super) fn completion(&self, tag: u64) -> Completion {
        match self.on_delivery {
            Some(function) => Completion::Call { call: call::number_of(function), tag },
            None => Completion::Tag(tag),
        }
    }

    /// The offer to lend the value of a record.
    ///
    /// # Safety
    /// `value` is as `ottla_release_fn` says.
    #[inline]
    pub(super) unsafe fn offer(&self, value: Option<&[u8]>) -> Option<Lent<'static>> {
        // SAFETY: by this function's contract.
        self.on_release.map(|release| Lent::Offered(unsafe { Offer::new(value, release, self.release_userdata) }))
    }
}
