//! Random transactions. A seed decides what is sent, how each transaction ends, what goes wrong meanwhile, and when the
//! process dies or another takes over its transactional id while it lives. At the end, a read-committed consumer sees
//! all of every committed transaction, nothing of any aborted one, and all or nothing of each whose outcome is unknown.

mod accidents;
mod application;
mod calm;
mod plan;
mod run;

use ottla_mock::Api;

use crate::faults;
use crate::promises::EDGES;
use crate::seeds::{self, Simulation};
use plan::{Plan, Producer};
use run::Run;

pub const SIMULATION: Simulation = Simulation {
    test: "random_transactions_are_all_or_nothing",
    plan: |seed| format!("{:?}", Plan::draw(seed)),
    run: |seed| Run::new(Plan::draw(seed)).all(),
    expected,
};

#[test]
fn random_transactions_are_all_or_nothing() {
    seeds::run(&SIMULATION, 0..100);
}

#[test]
fn random_transactions_follow_a_plan_written_by_hand() {
    let met = |plan: Plan| {
        let coverage = Run::new(plan).all();
        (coverage.sum("transaction: "), coverage.sum("answer: ").min(1))
    };
    let (ended, refused) = met(Plan { transactions: 20, ..Plan::default() });
    assert!(ended >= 20 && refused == 0, "{ended} transactions");
    let producers = vec![Producer { max_in_flight: 1, single_records: true, ..Producer::default() }];
    let (_, refused) = met(Plan { producers, fault_rate: 150, ..Plan::default() });
    assert_eq!(refused, 1);
}

/// What a thousand seeds must encounter.
fn expected() -> Vec<(String, u64)> {
    let apis = [
        Api::Produce,
        Api::InitProducerId,
        Api::FindCoordinator,
        Api::AddPartitionsToTxn,
        Api::AddOffsetsToTxn,
        Api::TxnOffsetCommit,
        Api::EndTxn,
    ];
    let rows = [
        ("transaction: committed", 1000),
        ("transaction: aborted", 1000),
        ("transaction: in doubt", 100),
        ("reported: abort, of commit", 100),
        ("reported: abort, of offsets", 100),
        ("reported: fatal, of commit", 10),
        ("reported: fatal, of abort", 10),
        ("fault: broker stopped", 500),
        ("fault: clock jump", 500),
        ("fault: outage", 100),
        ("intervals: any", 250),
        ("fault: close amid it", 100),
        ("preparation: done", 300),
        ("preparation: panic", 10),
        ("fault: coordinator moved", 1000),
        ("fault: crash", 500),
        ("fault: cut", 1000),
        ("fault: downgrade", 200),
        ("fault: group coordinator moved", 500),
        ("fault: leader moved", 1000),
        ("fault: metadata left out a topic", 300),
        ("fault: metadata left out everything", 200),
        ("fault: new brokers", 100),
        ("fault: request too large", 100),
        ("fault: rival", 100),
        ("fault: slow markers", 500),
        ("fault: stale metadata", 500),
        ("fault: transaction expired", 100),
        ("fault: upgrade", 200),
        ("sequence: wrapped", 5),
        ("producer id: another", 50),
    ];
    let rows = rows.map(|(row, times)| (row.to_owned(), times));
    let edges = EDGES.iter().map(|(edge, times)| (format!("edge: {edge}"), *times));
    faults::expected(&apis, 1).into_iter().chain(rows).chain(edges).collect()
}
