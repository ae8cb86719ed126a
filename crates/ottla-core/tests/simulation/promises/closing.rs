//! A close ends in its time.

use super::Promise;
use crate::world::World;

/// How many steps were taken since the close should have ended.
#[derive(Default)]
pub struct Closing(u32);

impl Promise for Closing {
    fn step(&mut self, world: &World) {
        let Some(closing) = world.application.closing.filter(|_| !world.application.closed) else { return };
        let deadline = closing.deadline;
        if world.now > deadline && world.drained() > deadline {
            // Steps are random: some must pass after the deadline until mail and ticks came about.
            self.0 += 1;
            assert!(self.0 < 2_000, "the close does not end; log: {:#?}", world.log_tail());
        }
    }
}
