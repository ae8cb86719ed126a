//! A request names no partition twice.

use super::Promise;
use crate::world::World;

/// The number of requests checked.
#[derive(Default)]
pub struct Requests(usize);

impl Promise for Requests {
    fn step(&mut self, world: &World) {
        for request in &world.cluster.requests()[self.0..] {
            let mut partitions: Vec<_> = request.partitions.iter().map(|p| (&p.topic, p.partition)).collect();
            partitions.sort_unstable();
            assert!(partitions.is_sorted_by(|a, b| a < b), "a partition twice in a request: {request:?}");
        }
        self.0 = world.cluster.requests().len();
    }
}
