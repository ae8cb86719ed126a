//! From what the application has to the bytes of a record.

mod object;

pub use object::{Object, Objects};
