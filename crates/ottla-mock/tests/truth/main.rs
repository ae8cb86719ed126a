//! The model against real brokers. A scenario is a short conversation with a cluster in raw requests, whose responses
//! are recorded. `answers.txt` holds the responses of real brokers. Both the model and the brokers must give the same.
//!
//! `OTTLA_BLESS=1` records the file again from the brokers.

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

/// The versions that a client uses with a cluster.
struct Pairing {
    name: &'static str,
    kafka: &'static str,
    /// The finalized level of transaction.version.
    level: i16,
    /// The generation of transactions: with 1 the client adds partitions (KIP-98), with 2 brokers do (KIP-890).
    generation: i16,
    /// Whether to run the slow scenarios, too. They do not depend on the client and the level.
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

/// Runs all scenarios of a pairing against one cluster.
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
fn the_model_responds_as_brokers_do() {
    let answers = Answers::read();
    let runs: Vec<Run> = PAIRINGS.iter().map(model).collect();
    answers.compare("the model", &runs);
}

#[test]
fn the_brokers_respond_as_recorded() {
    let runs: Vec<Run> = thread::scope(|scope| {
        let threads = PAIRINGS.each_ref().map(|pairing| scope.spawn(|| real(pairing)));
        threads.into_iter().map(|thread| thread.join().expect("the scenarios are played")).collect()
    });
    if std::env::var_os("OTTLA_BLESS").is_some() {
        Answers::write(&runs);
    }
    Answers::read().compare("the brokers", &runs);
}
