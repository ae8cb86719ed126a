//! What an engine promises. Each promise has a checker. Random runs call the checkers after every step, when a producer
//! has closed, and at the end, when only the records and the logs are left.

mod blame;
mod closing;
mod completions;
mod connections;
mod flushes;
mod memory;
mod not_written;
mod once;
mod order;
mod pace;
mod place;
mod purges;
mod records;
mod requests;
mod state_edges;
mod statistics;
mod tests;
mod timestamps;
mod transactions;
mod unknown;
mod written;

use crate::world::World;

pub use records::{PartitionLog, Records};
pub use state_edges::{EDGES, StateEdges};
pub use transactions::{End, Transaction, Transactions};

pub trait Promise {
    /// Called after each step of a producer.
    fn step(&mut self, _world: &World) {}

    /// Called after a producer has closed.
    fn closed(&mut self, _world: &mut World) {}
}

/// The promises about one producer.
pub fn of_a_producer() -> Vec<Box<dyn Promise>> {
    vec![
        Box::new(closing::Closing::default()),
        Box::new(completions::Completions),
        Box::new(connections::Connections),
        Box::new(flushes::Flushes::default()),
        Box::new(memory::Memory),
        Box::new(pace::Pace::default()),
        Box::new(purges::Purges::default()),
        Box::new(statistics::Statistics),
    ]
}

/// The promises about everything that the cluster sees.
pub fn of_a_cluster() -> Vec<Box<dyn Promise>> {
    vec![Box::new(requests::Requests::default())]
}

/// The promises about records and logs, at the end of a run.
pub fn check_records(records: &Records) {
    let promises: [fn(&Records); 8] = [
        place::check,
        once::check,
        order::check,
        timestamps::check,
        written::check,
        not_written::check,
        unknown::check,
        blame::check,
    ];
    promises.iter().for_each(|check| check(records));
}
