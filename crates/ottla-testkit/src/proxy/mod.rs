//! Proxies between a producer and the brokers of a cluster that was started with `Options::proxied`: their connections can be
//! cut and delayed while the brokers go on.
//!
//! [`Links`] are threads of this process; [`Toxiproxy`] is the program of that name, which `scripts/toxiproxy` builds with Go.
//! The long runs use the program, which knows nothing of what it is used for; `make test` does without Go.

mod links;
mod toxiproxy;

use std::time::Duration;

pub use links::Links;
pub use toxiproxy::Toxiproxy;

/// One proxy for each broker; brokers' ids are 1, 2, 3.
pub trait Proxies: Send + Sync {
    /// Closes the broker's connections, with what is on its way, and lets none come about until [`Proxies::restore`].
    fn cut(&self, broker: u32);

    /// Everything on the way to the broker and back arrives this much later. What a closed connection left on its way still
    /// arrives at the broker.
    fn delay(&self, broker: u32, by: Duration);

    /// Ends whatever was done to any broker's connections.
    fn restore(&self);
}
