//! Random streams, and the steps that every random run consists of.

use std::time::Duration;

use ottla_core::partition::rng::SplitMix64;
use ottla_core::sender::ConnectionId;
use ottla_core::sync::Time;

use crate::coverage::Shared;
use crate::world::{Ending, World, ms};

pub struct Dice(SplitMix64);

/// The random stream of one knob. Separate streams keep the draws of the other knobs, and with them old seeds, when a
/// knob is added.
pub fn stream(seed: u64, knob: &str) -> Dice {
    let salt =
        knob.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    Dice(SplitMix64::new(seed ^ salt))
}

impl Dice {
    pub fn draw(&mut self) -> u64 {
        self.0.draw()
    }

    pub fn below(&mut self, bound: u32) -> u32 {
        self.0.below(bound)
    }

    /// True with a probability of one in `times`.
    pub fn once_in(&mut self, times: u32) -> bool {
        self.below(times) == 0
    }

    pub fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u32) as usize].clone()
    }

    pub fn up_to(&mut self, limit: Duration) -> Duration {
        Duration::from_micros(u64::from(self.below(limit.as_micros().min(u128::from(u32::MAX)) as u32 + 1)))
    }

    fn link(&mut self, links: &[ConnectionId]) -> Option<ConnectionId> {
        (!links.is_empty()).then(|| self.one_of(links))
    }

    /// Reads something that arrived on a connection.
    pub fn deliver(&mut self, world: &mut World) {
        if let Some(link) = self.link(&world.arrivals()) {
            world.deliver(link);
        }
    }

    /// A socket takes a frame, or a part of one. With `late`, it reaches the broker up to that much later.
    pub fn write(&mut self, world: &mut World, late: Option<Duration>) {
        world.network.transit = match late {
            Some(late) if self.once_in(6) => self.up_to(late),
            _ => Duration::ZERO,
        };
        if let Some(link) = self.link(&world.network.writable()) {
            if self.once_in(8) { world.begin_write(link) } else { world.finish_write(link) }
        }
    }

    /// Ends a connection. Returns false if there is none.
    pub fn cut(&mut self, world: &mut World) -> bool {
        let Some(link) = self.link(&world.network.links()) else { return false };
        if self.once_in(2) {
            world.cut(link)
        } else {
            world.cut_midway(link)
        }
        true
    }

    /// Perhaps a helper gets done with a batch, or fails.
    pub fn end_preparation(&mut self, world: &mut World, coverage: &Shared) {
        let under_way = world.helpers.under_way() as u32;
        if under_way == 0 || !self.once_in(3) {
            return;
        }
        let at = self.below(under_way) as usize;
        let (ending, what) = match self.below(40) {
            0 => (Ending::Panic, "panic"),
            1 | 2 => (Ending::NoMemory, "no memory"),
            _ if at > 0 => (Ending::Done, "done before an earlier one"),
            _ => (Ending::Done, "done"),
        };
        coverage.note(format!("preparation: {what}"));
        world.end_preparation(at, ending);
    }

    /// Time passes until something happens, or longer.
    pub fn pass_time(&mut self, world: &mut World) {
        let by = match self.below(20) {
            0..12 => self.up_to(ms(2)),
            12..18 => {
                let next = world.next_event();
                if next == Time::NEVER { ms(1) } else { next.since(world.now).min(ms(20_000)) }
            }
            18 => self.up_to(ms(1_000)),
            _ => self.up_to(ms(10_000)),
        };
        world.now = world.now.after(by);
    }
}

#[test]
fn knobs_of_one_seed_have_independent_streams() {
    let draws = |seed, knob| {
        let mut dice = stream(seed, knob);
        [(); 4].map(|()| dice.draw())
    };
    assert_eq!(draws(1, "a knob"), draws(1, "a knob"));
    assert_ne!(draws(1, "a knob"), draws(1, "another"));
    assert_ne!(draws(1, "a knob"), draws(2, "a knob"));
}
