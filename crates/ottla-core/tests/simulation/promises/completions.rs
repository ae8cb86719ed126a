//! Each accepted record gets exactly one completion. `Application::report` fails at a second one.

use super::Promise;
use crate::world::World;

pub struct Completions;

impl Promise for Completions {
    fn closed(&mut self, world: &mut World) {
        let incomplete = world.application.incomplete();
        assert!(incomplete.is_empty(), "records {incomplete:?} were not completed; log: {:#?}", world.log_tail());
    }
}
