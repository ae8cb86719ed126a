//! A batch: the encoded records of one partition, the entries for their completions, and the memory to which both are
//! charged.
//!
//! A batch has one owner at a time: its slot until the sender takes it, the sender until it is decided, and the sink
//! (as a [`Report`]) until it is dropped.

mod budget;
mod chunk;
mod entries;
mod fast_path;
mod memory;
mod open;
mod payload;
mod report;
mod retained;
mod shape;
mod splice;
mod split;
#[cfg(all(test, not(ottla_loom)))]
mod tests;

pub use budget::{NoRoom, WaitEnded};
pub use chunk::Chunk;
pub use entries::{Completion, DeliveryResult, Waiter};
pub use fast_path::PlainRecord;
pub use memory::{Charge, Memory, Room};
pub use open::{BaseSequence, Batch, ProducerEpoch, Sealed, Suspicion};
pub use payload::Payload;
pub use report::{Delivery, Outcome, Report};
pub use retained::SentRecord;
pub use split::PickedOut;
