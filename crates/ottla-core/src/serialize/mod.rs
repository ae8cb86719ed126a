//! Serializers: from the application's objects to the bytes of a record.

mod builtin;
mod object;
mod output;

pub use builtin::{BuiltIn, Bytes};
pub use object::{Object, Objects};
pub use output::Serialized;

use crate::config::Plugin;

/// Makes keys or values. Called with no lock held, concurrently, on the threads that send.
#[expect(unsafe_code, reason = "a serializer reads a type that the compiler does not know")]
pub trait Serializer: Plugin {
    /// Writes the bytes of `object` to `out`, or says why that cannot be done.
    ///
    /// # Safety
    /// `object` is not none, and leads to what this serializer reads; that does not change until this returns.
    unsafe fn serialize(&self, topic: &str, object: Object, out: &mut Serialized) -> Result<(), String>;
}
