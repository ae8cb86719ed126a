//! Pauses and intervals of any length, 0 included, and how often an engine may ask for something all the same.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use ottla::core::Backoff;
use ottla::partition::rng::SplitMix64;
use ottla::sync::Time;
use ottla_test_support::model::Api;

use crate::dice;
use crate::world::ms;
use crate::world::observer::Traffic;
use crate::world::setup::Properties;

/// In one run of three intervals are any, from 0 upwards, and now and then no broker is up: what is drawn for that.
pub fn any_intervals(seed: u64) -> Option<SplitMix64> {
    let mut dice = dice::stream(seed, "intervals");
    (dice.below(3) == 0).then_some(dice)
}

/// Draws the intervals of a producer.
pub fn draw_intervals(dice: &mut SplitMix64, core: &mut Properties) {
    let mut pick = |usual: Duration| [ms(0), ms(0), ms(1), ms(30), usual, usual][dice.below(6) as usize];
    for backoff in [&mut core.core.retry_backoff, &mut core.core.reconnect_backoff] {
        let (initial, max) = (pick(backoff.initial), pick(backoff.max));
        *backoff = Backoff { initial: initial.min(max), max };
    }
    core.setup_backoff.initial = pick(core.setup_backoff.initial).max(ms(1));
    core.metadata_max_age = pick(core.metadata_max_age);
    // Not below what the configuration allows.
    core.metadata_max_idle = pick(core.metadata_max_idle).max(ms(5_000));
    core.rebootstrap_trigger = pick(core.rebootstrap_trigger);
    core.connections_max_idle = core.connections_max_idle.map(&mut pick);
    core.availability_timeout = core.availability_timeout.map(&mut pick);
    core.linger = pick(core.linger);
}

/// In a second an engine repeats nothing more often than its shortest pause allows: 10 ms, less a jitter of 20 %.
const REPEATED: usize = 125;
/// What it asks for without a pause: new topics, what calls ask for, connections that were idle.
const ASKED_ONCE: usize = 50;

/// What an engine asked of the network within the last second.
#[derive(Default)]
pub struct Pace {
    recent: BTreeMap<Traffic, VecDeque<Time>>,
}

impl Pace {
    /// Takes in what was asked since the last time. `partitions` may each have been sent to, and `records` at all.
    pub fn check(&mut self, traffic: &mut Vec<(Time, Traffic)>, partitions: usize, records: usize) {
        for (at, what) in traffic.drain(..) {
            let recent = self.recent.entry(what).or_default();
            recent.push_back(at);
            while recent.front().is_some_and(|first| at.since(*first) >= ms(1_000)) {
                recent.pop_front();
            }
            let most = match what {
                Traffic::Request(api) if api == Api::Produce as i16 => REPEATED * partitions + records,
                // One for each connection, and another version if the first is refused.
                Traffic::Request(api) if api == Api::ApiVersions as i16 => 10 * (REPEATED + ASKED_ONCE),
                _ => REPEATED + ASKED_ONCE,
            };
            assert!(recent.len() <= most, "{what:?}: {} within a second, {most} at most", recent.len());
        }
    }
}

#[test]
fn what_is_asked_too_often_within_a_second_is_noticed() {
    let asked = |every: Duration| {
        let traffic = |n: u32| (Time(1).after(every * n), Traffic::Request(Api::Metadata as i16));
        std::panic::catch_unwind(|| Pace::default().check(&mut (0..1_000).map(traffic).collect(), 1, 1)).is_err()
    };
    assert!(asked(ms(5)) && !asked(ms(8)));
}
