//! The state of a producer's transactions changes only along the edges of this table.

use crate::coverage::Shared;
use crate::promises::Promise;
use crate::world::World;

/// From one state to another, as the engine logs it, and how often a thousand seeds must take the edge.
pub const EDGES: &[(&str, u64)] = &[
    ("abort: draining -> abort: renewing", 151),
    ("abort: draining -> abort: telling", 266),
    ("abort: draining -> fatal", 0),
    ("abort: draining -> ready", 100),
    ("abort: renewing -> fatal", 17),
    ("abort: renewing -> ready", 191),
    ("abort: telling -> abort: renewing", 81),
    ("abort: telling -> fatal", 44),
    ("abort: telling -> ready", 97),
    ("commit: draining -> commit: renewing", 0),
    ("commit: draining -> commit: telling", 527),
    ("commit: draining -> doubted", 27),
    ("commit: draining -> failed", 109),
    ("commit: draining -> fatal", 13),
    ("commit: draining -> ready", 106),
    ("commit: renewing -> fatal", 0),
    ("commit: renewing -> ready", 14),
    ("commit: telling -> commit: renewing", 17),
    ("commit: telling -> doubted", 11),
    ("commit: telling -> failed", 0),
    ("commit: telling -> fatal", 12),
    ("commit: telling -> ready", 481),
    ("doubted -> abort: draining", 8),
    ("doubted -> failed", 42),
    ("doubted -> fatal", 23),
    ("failed -> abort: draining", 268),
    ("failed -> fatal", 3),
    ("initializing -> fatal", 15),
    ("initializing -> ready", 622),
    ("initializing -> uninitialized", 87),
    ("open -> abort: draining", 259),
    ("open -> commit: draining", 822),
    ("open -> doubted", 43),
    ("open -> failed", 136),
    ("open -> fatal", 37),
    ("ready -> fatal", 0),
    ("ready -> open", 1381),
    ("uninitialized -> initializing", 876),
    ("uninitialized -> uninitialized", 898),
];

pub struct StateEdges {
    coverage: Shared,
    /// The number of log lines checked.
    checked: usize,
}

impl StateEdges {
    pub fn new(coverage: Shared) -> StateEdges {
        StateEdges { coverage, checked: 0 }
    }
}

impl Promise for StateEdges {
    fn step(&mut self, world: &World) {
        for (_, line) in &world.observer.log[self.checked..] {
            if let Some((_, edge)) = line.split_once("transaction: ").filter(|(_, edge)| edge.contains(" -> ")) {
                assert!(EDGES.iter().any(|(known, _)| *known == edge), "not an edge of the table: {edge}");
                self.coverage.note(format!("edge: {edge}"));
            }
        }
        self.checked = world.observer.log.len();
    }
}
