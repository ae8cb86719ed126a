//! Proxies between a producer and the brokers of a cluster that was started with `Options::proxied`. They cut and delay
//! connections while the brokers go on.
//!
//! [`Links`] are threads of this process. [`Toxiproxy`] is the program of that name, which `scripts/toxiproxy` builds
//! with Go. The long runs use the program, which is independent of our code. `make test` needs no Go.

mod links;
mod toxiproxy;

use std::time::Duration;

pub use links::Links;
pub use toxiproxy::Toxiproxy;

/// One proxy per broker. Broker ids are 1, 2, 3.
pub trait Proxies: Send + Sync {
    /// Closes the broker's connections, with everything on its way, and accepts none until [`Proxies::restore`].
    fn cut(&self, broker: u32);

    /// Delays everything on the way to the broker and back by this much. What a closed connection left on its way still
    /// reaches the broker.
    fn delay(&self, broker: u32, by: Duration);

    /// Undoes whatever was done to the connections of all brokers.
    fn restore(&self);
}
