//! A close ends in time.

use super::Promise;
use crate::world::World;

/// The number of steps since the deadline of the close.
#[derive(Default)]
pub struct Closing(u32);

impl Promise for Closing {
    fn step(&mut self, world: &World) {
        let Some(closing) = world.application.closing.filter(|_| !world.application.closed) else { return };
        let deadline = closing.deadline;
        if world.now > deadline && world.drained() > deadline {
            // Steps are chosen at random, so mail and timers may be handled only some steps after the deadline.
            self.0 += 1;
            assert!(self.0 < 2_000, "the close does not end; log: {:#?}", world.log_tail());
        }
    }
}
