//! From what the application has to the bytes of a record.

mod builtin;
mod object;
mod output;

pub use builtin::{BuiltIn, Bytes};
pub use object::{Object, Objects};
pub use output::Serialized;

use crate::config::Plugin;

/// Makes keys or values. Called with no lock held, concurrently, on the threads that send.
pub trait Serializer: Plugin {
    /// Writes the bytes of `object`, which is not none, to `out`; or says why that cannot be done.
    fn serialize(&self, topic: &str, object: Object, out: &mut Serialized) -> Result<(), String>;
}
