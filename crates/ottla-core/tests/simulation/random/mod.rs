//! Random runs of producers without transactions. A seed decides what happens when, and what goes wrong.
//!
//! `cargo test -p ottla-core --test simulation random` runs 300 seeds. `OTTLA_SEEDS=from..to` chooses others.

mod calm;
mod plan;
mod run;

use ottla_mock::Api;

use crate::faults;
use crate::seeds::{self, Simulation};
use crate::world::ms;
use plan::{Ending, Plan};
use run::Run;

pub const SIMULATION: Simulation = Simulation {
    test: "random_worlds_keep_their_promises",
    plan: |seed| format!("{:?}", Plan::draw(seed)),
    run: |seed| Run::new(Plan::draw(seed)).all(),
    expected,
};

/// What a thousand seeds must encounter.
fn expected() -> Vec<(String, u64)> {
    let apis = [Api::Produce, Api::InitProducerId, Api::Metadata, Api::ApiVersions];
    let rows = [
        ("record: written", 10_000),
        ("record: not written", 10_000),
        ("record: unknown", 1_000),
        ("batch: sent again", 1_000),
        ("batch: expired", 1_000),
        ("batch: split", 100),
        ("epoch: raised", 100),
        ("sequence: wrapped", 100),
        ("producer id: another", 20),
        ("fault: cut", 500),
        ("fault: leader moved", 500),
        ("fault: broker stopped", 100),
        ("fault: stale metadata", 100),
        ("fault: partitions added", 20),
        ("fault: topic made anew", 10),
        ("fault: topic made anew with fewer partitions", 100),
        ("fault: topic made anew with more partitions", 100),
        ("fault: clock jump", 100),
        ("fault: outage", 200),
        ("intervals: any", 250),
        ("preparation: done", 500),
        ("preparation: done before an earlier one", 1_000),
        ("preparation: no memory", 50),
        ("preparation: panic", 30),
        ("fault: metadata left out a topic", 60),
        ("fault: metadata left out everything", 30),
        ("fault: new topic left out", 100),
        ("fault: request too large", 100),
        ("record: named as what ends its connections", 20),
    ];
    faults::expected(&apis, 1).into_iter().chain(rows.map(|(row, times)| (row.to_owned(), times))).collect()
}

#[test]
fn random_worlds_keep_their_promises() {
    seeds::run(&SIMULATION, 0..300);
}

#[test]
fn a_random_run_follows_a_plan_written_by_hand() {
    let met = |plan: Plan| {
        let coverage = Run::new(plan).all();
        ["fault: new topic left out", "fault: request too large"].map(|what| coverage.of(what).min(1))
    };
    assert_eq!(met(Plan::default()), [0, 0]);
    assert_eq!(met(Plan { new_topic_left_out: true, ..Plan::default() }), [1, 0]);
    assert_eq!(met(Plan { max_request_bytes: Some(4_000), ..Plan::default() }), [0, 1]);
    let amid_trouble = Ending::AmidTrouble(ms(500));
    assert_eq!(met(Plan { new_topic_left_out: true, ending: amid_trouble, ..Plan::default() }), [0, 0]);
}
