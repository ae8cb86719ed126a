//! Serializers: turn the application's objects into the bytes of a record.

mod builtin;
mod object;
mod output;

pub use builtin::{BuiltIn, Bytes};
pub use object::{Object, Objects};
pub use output::Serialized;

use crate::config::Plugin;

/// Serializes keys or values. Called without a lock, concurrently, on threads that send.
#[expect(unsafe_code, reason = "a serializer reads a type that the compiler does not know")]
pub trait Serializer: Plugin {
    /// Writes the bytes of `object` to `out`, or returns why that is impossible.
    ///
    /// # Safety
    /// `object` is not none. It points to what this serializer reads, and that does not change until the call returns.
    unsafe fn serialize(&self, topic: &str, object: Object, out: &mut Serialized) -> Result<(), String>;
}
