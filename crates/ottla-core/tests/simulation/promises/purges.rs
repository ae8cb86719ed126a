//! A purge of everything ends only after all earlier records have completions. Every purge ends if it came before the
//! close.

use std::collections::BTreeSet;

use super::Promise;
use crate::world::World;

/// The purges checked.
#[derive(Default)]
pub struct Purges(BTreeSet<u64>);

impl Promise for Purges {
    fn step(&mut self, world: &World) {
        let application = &world.application;
        for (ticket, (purge, next_id)) in &application.purges {
            let Some(answer) = application.answers.get(ticket).filter(|_| self.0.insert(*ticket)) else { continue };
            assert!(answer.is_ok(), "a purge failed: {answer:?}");
            if !(purge.queued && purge.in_flight) {
                continue;
            }
            let before = application.accepted.range(..next_id);
            let purged = before.filter(|(_, record)| purge.topic.as_deref().is_none_or(|topic| topic == record.topic));
            let missing: Vec<_> =
                purged.map(|(id, _)| id).filter(|id| !application.outcomes.contains_key(id)).collect();
            assert!(missing.is_empty(), "purge {ticket} ended before records {missing:?}");
        }
    }

    fn closed(&mut self, world: &mut World) {
        let application = &world.application;
        let mut due = application.purges.keys().filter(|ticket| application.is_before_close(**ticket));
        assert!(due.all(|ticket| application.answers.contains_key(ticket)), "a purge does not end");
    }
}
