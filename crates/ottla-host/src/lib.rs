//! What every C library around Ottla's engine needs, whatever its header looks like.
//!
//! A C library has exported functions, structures and error codes of its own. Below them it uses these parts:
//!
//! - [`boundary`]: an exported function runs its body here. No panic leaves it, and errno is unchanged.
//! - [`arguments`]: NULL, lengths, strings and timeouts of the caller become values or errors that name the argument.
//! - [`handle`]: pointers that C code holds to producers. A call with a freed one returns an error.
//! - [`userdata`]: a pointer of the application's, released once.
//! - [`queue`], [`descriptor`]: poll mode, with a file descriptor for event loops. [`pending`]: a flush that waits for it.
//! - [`log`], [`text`]: log lines and strings that C code receives.

pub mod arguments;
pub mod boundary;
pub mod descriptor;
pub mod handle;
pub mod log;
pub mod pending;
pub mod queue;
pub mod text;
pub mod userdata;
