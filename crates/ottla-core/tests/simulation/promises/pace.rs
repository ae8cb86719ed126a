//! Requests and connection attempts per second are bounded, whatever pauses are configured.

use std::collections::{BTreeMap, VecDeque};

use ottla_core::sync::Time;
use ottla_mock::Api;

use super::Promise;
use crate::world::observer::Traffic;
use crate::world::{World, ms};

/// The most repetitions in a second: one per shortest pause of 10 ms, less the jitter of 20 %.
const REPEATED: usize = 125;
/// Additional requests without a pause: new topics, inquiries, connections that were idle.
const ASKED_ONCE: usize = 50;

/// What an engine requested from the network within the last second.
#[derive(Default)]
pub struct Pace {
    /// How much traffic was checked.
    checked: usize,
    recent: BTreeMap<Traffic, VecDeque<Time>>,
}

impl Promise for Pace {
    fn step(&mut self, world: &World) {
        let traffic = &world.observer.traffic[self.checked..];
        if traffic.is_empty() {
            return;
        }
        let topics = world.cluster.topic_names();
        let partitions = topics.iter().map(|topic| world.cluster.partition_count(topic) as usize).sum();
        self.check(traffic, partitions, world.application.accepted.len());
        self.checked = world.observer.traffic.len();
    }
}

impl Pace {
    /// `partitions` is the number of partitions that records may have been sent to, `records` the number of records.
    fn check(&mut self, traffic: &[(Time, Traffic)], partitions: usize, records: usize) {
        for &(at, what) in traffic {
            let recent = self.recent.entry(what).or_default();
            recent.push_back(at);
            while recent.front().is_some_and(|first| at.since(*first) >= ms(1_000)) {
                recent.pop_front();
            }
            let most = match what {
                Traffic::Request(api) if api == Api::Produce as i16 => REPEATED * partitions + records,
                // One for each connection, and a second one if the first version is refused.
                Traffic::Request(api) if api == Api::ApiVersions as i16 => 10 * (REPEATED + ASKED_ONCE),
                _ => REPEATED + ASKED_ONCE,
            };
            assert!(recent.len() <= most, "{what:?}: {} within a second, {most} at most", recent.len());
        }
    }
}

#[test]
fn too_many_requests_within_a_second_are_noticed() {
    let asked = |every: std::time::Duration| {
        let traffic = |n: u32| (Time(1).after(every * n), Traffic::Request(Api::Metadata as i16));
        let traffic: Vec<_> = (0..1_000).map(traffic).collect();
        std::panic::catch_unwind(|| Pace::default().check(&traffic, 1, 1)).is_err()
    };
    assert!(asked(ms(5)) && !asked(ms(8)));
}
