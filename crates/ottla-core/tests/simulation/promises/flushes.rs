//! A flush ends only after all earlier records have completions. It does end if it came before the close.

use super::Promise;
use crate::world::World;

/// The number of flushes checked.
#[derive(Default)]
pub struct Flushes(usize);

impl Promise for Flushes {
    fn step(&mut self, world: &World) {
        let application = &world.application;
        for ticket in &application.flushed[self.0..] {
            let before = application.accepted.range(..application.flushes[ticket]);
            let missing: Vec<_> =
                before.map(|(id, _)| id).filter(|id| !application.outcomes.contains_key(id)).collect();
            assert!(missing.is_empty(), "flush {ticket} ended before records {missing:?}");
        }
        self.0 = application.flushed.len();
    }

    fn closed(&mut self, world: &mut World) {
        let application = &world.application;
        let missing: Vec<_> =
            application.flushes.keys().filter(|ticket| application.is_before_close(**ticket)).collect();
        assert!(missing.iter().all(|ticket| application.flushed.contains(ticket)), "a flush does not end: {missing:?}");
    }
}
