//! The model against the truth: each scenario is a short talk with a cluster in raw requests, and what was answered is
//! written down. `answers.txt` holds what real brokers answered; the model has to answer the same, and the brokers too.
//!
//! `OTTLA_BLESS=1` writes the file anew from the brokers' answers.

mod answers;
mod offsets;
mod peer;
mod sequences;
mod talk;
mod transactions;

use std::thread;

use ottla_mock::Versions;
use ottla_testkit::kafka::{self, Cluster, Options};

use answers::{Answers, Run};
use peer::{Model, Peer, Real};
use talk::{Scenario, Talk};

/// The protocol that a client speaks with a cluster.
struct Pairing {
    name: &'static str,
    kafka: &'static str,
    /// The level of transaction.version that is finalized.
    level: i16,
    /// That of transactions: with 1 the client adds partitions (KIP-98), with 2 brokers do (KIP-890).
    generation: i16,
    /// Whether the slow scenarios are played, too: they do not depend on the client and the level.
    slow: bool,
}

const PAIRINGS: [Pairing; 4] = [
    Pairing { name: "4.3", kafka: "4.3.1", level: 2, generation: 2, slow: true },
    Pairing { name: "4.3, older client", kafka: "4.3.1", level: 2, generation: 1, slow: false },
    Pairing { name: "4.3, level 1", kafka: "4.3.1", level: 1, generation: 1, slow: false },
    Pairing { name: "3.9", kafka: "3.9.1", level: 1, generation: 1, slow: true },
];

fn scenarios() -> impl Iterator<Item = &'static Scenario> {
    [sequences::SCENARIOS, transactions::SCENARIOS, offsets::SCENARIOS].into_iter().flatten()
}

/// All scenarios of a pairing with one cluster.
fn run(pairing: &Pairing, peer: &dyn Peer) -> Run {
    let scenarios: Vec<_> =
        scenarios().filter(|scenario| pairing.slow || scenario.name != transactions::SLOW).collect();
    let topics = peer.create_topics(scenarios.len());
    let lines = scenarios.iter().zip(topics).map(|(scenario, topic)| {
        let mut talk = Talk::new(peer, pairing.generation, topic);
        (scenario.play)(&mut talk);
        (scenario.name, std::mem::take(&mut talk.lines))
    });
    Run { pairing: pairing.name, lines: lines.collect() }
}

fn model(pairing: &Pairing) -> Run {
    let versions = if pairing.kafka == "3.9.1" { Versions::kafka_3_9() } else { Versions::kafka_4_3() };
    run(pairing, &Model::start(versions, pairing.level))
}

fn real(pairing: &Pairing) -> Run {
    let newest = pairing.kafka == kafka::DEFAULT_VERSION;
    if newest && pairing.level == 2 {
        return run(pairing, &Real::reach(kafka::shared()));
    }
    let cluster = Cluster::start(Options { version: pairing.kafka.into(), ..Options::default() });
    if newest {
        cluster.finalize("transaction.version", pairing.level);
    }
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
