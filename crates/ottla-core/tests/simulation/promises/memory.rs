//! Memory is released, and lent values are given back.

use super::Promise;
use crate::world::World;

pub struct Memory;

impl Promise for Memory {
    fn step(&mut self, world: &World) {
        assert!(world.memory_used() < 1 << 40, "memory went below zero");
    }

    fn closed(&mut self, world: &mut World) {
        assert_eq!(world.memory_used(), 0, "memory is not accounted to zero");
        assert_eq!(world.application.lender.missing(), [0; 0], "values were not given back");
    }
}
