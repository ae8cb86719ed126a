//! The model against the truth: each scenario is a short talk with a cluster in raw requests, and what was answered is
//! written down. `answers.txt` holds what real brokers answered; the model has to answer the same, and the brokers too.
//!
//! `OTTLA_BLESS=1` writes the file anew from the brokers' answers.

mod answers;
#[path = "../common/mod.rs"]
mod common;
mod offsets;
mod peer;
mod sequences;
mod talk;
mod transactions;

use std::thread;

use ottla_test_support::kafka::{self, Cluster, Options};
use ottla_test_support::model::Versions;

use answers::{Answers, Run};
use peer::{Model, Peer, Real};
use talk::{Scenario, Talk};

/// The protocol that a client speaks with a cluster. The generation is that of transactions: with 1 clients add
/// partitions (KIP-98), with 2 brokers do (KIP-890).
struct Pairing {
    name: &'static str,
    kafka: &'static str,
    generation: i16,
}

const PAIRINGS: [Pairing; 3] = [
    Pairing { name: "4.3", kafka: "4.3.1", generation: 2 },
    Pairing { name: "4.3, older client", kafka: "4.3.1", generation: 1 },
    Pairing { name: "3.9", kafka: "3.9.1", generation: 1 },
];

fn scenarios() -> Vec<Scenario> {
    [sequences::SCENARIOS, transactions::SCENARIOS, offsets::SCENARIOS].concat()
}

/// All scenarios of a pairing with one cluster.
fn run(pairing: &Pairing, peer: &dyn Peer) -> Run {
    let scenarios = scenarios();
    let topics = peer.create_topics(scenarios.len());
    let lines = scenarios.iter().zip(topics).map(|(scenario, topic)| {
        let mut talk = Talk::new(peer, pairing.generation, topic);
        (scenario.play)(&mut talk);
        (scenario.name, std::mem::take(&mut talk.lines))
    });
    Run { pairing: pairing.name, lines: lines.collect() }
}

fn model(pairing: &Pairing) -> Run {
    let (versions, level) = match pairing.kafka {
        "3.9.1" => (Versions::kafka_3_9(), 1),
        _ => (Versions::kafka_4_3(), 2),
    };
    run(pairing, &Model::start(versions, level))
}

fn real(pairing: &Pairing) -> Run {
    if pairing.kafka == kafka::DEFAULT_VERSION {
        return run(pairing, &Real::reach(kafka::shared()));
    }
    let cluster = Cluster::start(Options { version: pairing.kafka.into(), ..Options::default() });
    run(pairing, &Real::reach(&cluster))
}

#[test]
fn the_model_answers_as_brokers_do() {
    let answers = Answers::read();
    let runs: Vec<Run> = PAIRINGS.iter().map(model).collect();
    answers.compare("the model", &runs);
}

#[test]
fn the_brokers_answer_as_they_did() {
    let runs: Vec<Run> = thread::scope(|scope| {
        let threads = PAIRINGS.each_ref().map(|pairing| scope.spawn(|| real(pairing)));
        threads.into_iter().map(|thread| thread.join().expect("the scenarios are played")).collect()
    });
    if std::env::var_os("OTTLA_BLESS").is_some() {
        Answers::write(&runs);
    }
    Answers::read().compare("the brokers", &runs);
}
