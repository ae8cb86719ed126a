//! Transactional ids and their transactions.

use kafka_protocol::messages::{FindCoordinatorRequest, InitProducerIdRequest, TransactionalId};

use crate::talk::{LONGEST_TIMEOUT_MS, Scenario, Talk, shown};
use ottla_testkit::client::text;

/// This scenario requests thirty thousand epochs.
pub const SLOW: &str = "the last epoch";

pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "FindCoordinator", play: find_coordinator },
    Scenario { name: "InitProducerId twice", play: init_twice },
    Scenario { name: "InitProducerId with the present epoch", play: init_expected },
    Scenario { name: "InitProducerId with a wrong epoch", play: init_wrong },
    Scenario { name: "InitProducerId with an epoch, of an unknown id", play: init_unknown },
    Scenario { name: "InitProducerId while a transaction is open", play: init_while_open },
    Scenario {
        name: "InitProducerId with the present epoch while a transaction is open",
        play: init_expected_while_open,
    },
    Scenario { name: "InitProducerId with the epoch before the last EndTxn", play: init_after_end },
    Scenario { name: "InitProducerId with the longest timeout, and longer", play: timeouts },
    Scenario { name: "InitProducerId with an empty transactional id", play: empty_id },
    Scenario { name: "AddPartitionsToTxn with an unknown and a known topic", play: add_unknown },
    Scenario { name: "AddPartitionsToTxn with an old epoch", play: add_old_epoch },
    Scenario { name: "AddPartitionsToTxn with another producer id, or epoch to come", play: add_other },
    Scenario { name: "AddPartitionsToTxn twice, and of nothing", play: add_twice },
    Scenario { name: "records of a transaction whose partition was not added, up to Produce v11", play: not_added_11 },
    Scenario { name: "records of a partition that was not added, and of one that was", play: other_partition },
    Scenario { name: "records without a transaction while one is open", play: plain_while_open },
    Scenario { name: "records of a transaction begin later", play: begins_later },
    Scenario { name: "records with an old epoch", play: produce_old_epoch },
    Scenario { name: "records with an epoch to come", play: produce_early_epoch },
    Scenario { name: "records after the end, not added again", play: produce_after_end },
    Scenario { name: "a duplicate within a transaction", play: duplicate_in_transaction },
    Scenario { name: "a duplicate of the transaction before", play: duplicate_of_before },
    Scenario { name: "records overtake those that were refused", play: overtaking },
    Scenario { name: "records overtake those that were refused, behind a marker", play: overtaking_marker },
    Scenario { name: "EndTxn of nothing", play: end_nothing },
    Scenario { name: "EndTxn of an unknown id, and of another producer", play: end_unknown },
    Scenario { name: "EndTxn again", play: end_again },
    Scenario { name: "EndTxn the other way", play: end_other_way },
    Scenario { name: "EndTxn again when the next is open", play: end_again_later },
    Scenario { name: "EndTxn with an old epoch", play: end_old_epoch },
    Scenario { name: "EndTxn after a newer producer", play: end_fenced },
    Scenario { name: "EndTxn after the EndTxn 4 of a newer producer", play: end_taken_for_the_newer },
    Scenario { name: SLOW, play: last_epoch },
    Scenario { name: "markers and the last stable offset", play: markers },
    Scenario { name: "a marker where no records were", play: marker_without_records },
    Scenario { name: "two transactions after one another", play: one_after_another },
    Scenario { name: "a transaction outlasts its timeout", play: outlasted },
    Scenario { name: "a transaction outlasts its timeout, its producer is asked for anew", play: outlasted_init },
];

fn find_coordinator(talk: &mut Talk) {
    talk.start(); // so the coordinator exists
    for version in [3, 4] {
        for (kind, key) in [(1, talk.id.clone()), (2, "x".into())] {
            let request = match version {
                3 => FindCoordinatorRequest::default().with_key(text(&key)),
                _ => FindCoordinatorRequest::default().with_coordinator_keys(vec![text(&key), text("y")]),
            };
            let answer = talk.client.call(version, &request.with_key_type(kind));
            let mut answers = vec![(answer.error_code, answer.node_id.0, answer.port)];
            if version == 4 {
                answers = answer.coordinators.iter().map(|c| (c.error_code, c.node_id.0, c.port)).collect();
            }
            let port = i32::from(talk.peer.addr().port());
            let place = |(code, node, at): (i16, i32, i32)| format!("{} node {node} here {}", shown(code), at == port);
            let answers: Vec<String> = answers.into_iter().map(place).collect();
            talk.note(format_args!("FindCoordinator v{version} of kind {kind}"), answers.join(", "));
        }
    }
}

fn init_twice(talk: &mut Talk) {
    talk.start();
    for version in [0, 3, 4, 5] {
        talk.init(version, None).ok();
    }
}

fn init_expected(talk: &mut Talk) {
    let producer = talk.start();
    for version in [3, 4, 5] {
        talk.init(version, Some(producer)).ok();
    }
    talk.init(5, Some(producer.at(1))).ok();
    talk.init(5, Some(producer)).ok();
    talk.init(5, Some(producer.at(1))).ok();
    talk.init(5, None).ok();
    talk.init(5, Some(producer.at(2))).ok();
}

fn init_wrong(talk: &mut Talk) {
    let producer = talk.start();
    talk.init(4, None).ok();
    talk.init(4, None).ok();
    for (version, epoch) in [(3, 0), (4, 0), (5, 1), (3, 9), (4, 9)] {
        talk.init(version, Some(producer.at(epoch))).ok();
    }
    let other = talk.idempotent();
    for version in [3, 4, 5] {
        talk.init(version, Some(other)).ok();
    }
}

fn init_unknown(talk: &mut Talk) {
    let other = talk.idempotent();
    talk.init(4, Some(other)).ok();
    talk.init(4, Some(other)).ok();
}

fn init_while_open(talk: &mut Talk) {
    let producer = talk.start();
    talk.open(producer, 0, 2);
    talk.init(4, None).ok();
    talk.peer.settle(&talk.id);
    talk.look(0);
    let next = talk.init(4, None).expect("the markers are written");
    talk.transact(0, producer, 2, 1);
    talk.open(next, 0, 1);
}

fn init_expected_while_open(talk: &mut Talk) {
    let producer = talk.start();
    talk.open(producer, 0, 2);
    talk.init(4, Some(producer)).ok();
    talk.peer.settle(&talk.id);
    talk.look(0);
    talk.init(4, Some(producer)).ok();
    talk.init(4, Some(producer.at(1))).ok();
}

fn init_after_end(talk: &mut Talk) {
    let producer = talk.start();
    talk.open(producer, 0, 2);
    let next = talk.end(producer, true).expect("committed");
    talk.init(4, Some(producer)).ok();
    talk.init(4, Some(next)).ok();
    talk.init(4, Some(next)).ok();
}

fn timeouts(talk: &mut Talk) {
    for timeout_ms in [LONGEST_TIMEOUT_MS, LONGEST_TIMEOUT_MS + 1, 0, -1] {
        talk.init_for(4, None, timeout_ms).ok();
    }
}

fn empty_id(talk: &mut Talk) {
    let request = InitProducerIdRequest::default().with_transactional_id(Some(TransactionalId(text(""))));
    let answer = talk.ask_init(4, &request.with_transaction_timeout_ms(1000));
    talk.note("InitProducerId v4 of \"\"", answer.map_or_else(shown, |_| "ok".into()));
}

fn add_unknown(talk: &mut Talk) {
    let producer = talk.start();
    let topic = talk.topic.clone();
    for version in [1, 3] {
        talk.add_of(version, producer, &[(&topic, &[0, 1]), ("nowhere", &[0])]);
        talk.add_of(version, producer, &[(&topic, &[0, 2])]);
    }
    // The end shows that nothing was added.
    talk.end_as(4, producer, true).ok();
}

fn add_old_epoch(talk: &mut Talk) {
    let producer = talk.start();
    talk.init(4, None).ok();
    for version in [0, 1, 2, 3] {
        talk.add(version, producer, &[0]);
    }
}

fn add_other(talk: &mut Talk) {
    let producer = talk.start();
    let other = talk.idempotent();
    for version in [1, 3] {
        talk.add(version, producer.at(1), &[0]);
        talk.add(version, other, &[0]);
    }
    talk.id.push_str("-unknown");
    talk.add(3, producer, &[0]);
}

fn add_twice(talk: &mut Talk) {
    let producer = talk.start();
    talk.add(3, producer, &[]);
    talk.add(3, producer, &[0]);
    talk.add(3, producer, &[0]);
    talk.add(3, producer, &[0, 1]);
    talk.end(producer, false).ok();
    talk.look(0);
    talk.look(1);
}

fn not_added_11(talk: &mut Talk) {
    let producer = talk.start();
    let id = talk.id.clone();
    for version in [3, 9, 10, 11] {
        talk.send_to(0, version, producer, 0, 1, Some(&id));
    }
    talk.look(0);
    talk.end_as(4, producer, true).ok();
}

fn other_partition(talk: &mut Talk) {
    let producer = talk.start();
    talk.open(producer, 0, 1);
    talk.transact(1, producer, 0, 1);
    talk.end(producer, true).ok();
    talk.look(0);
    talk.look(1);
}

fn plain_while_open(talk: &mut Talk) {
    let producer = talk.start();
    talk.open(producer, 0, 1);
    talk.send(producer, 1, 1);
    let next = talk.end(producer, true).expect("committed");
    talk.send(next, 1, 1);
    talk.look(0);
}

fn begins_later(talk: &mut Talk) {
    let producer = talk.start();
    talk.open(producer, 5, 1);
    talk.transact(0, producer, 0, 1);
    talk.transact(0, producer, 1, 1);
    talk.end(producer, true).ok();
    talk.look(0);
}

fn produce_old_epoch(talk: &mut Talk) {
    let producer = talk.start();
    talk.open(producer, 0, 1);
    talk.init(4, None).ok();
    talk.peer.settle(&talk.id);
    talk.transact(0, producer, 1, 1);
    talk.transact(1, producer, 0, 1);
    let next = talk.init(4, None).expect("initialized");
    talk.transact(0, producer, 1, 1);
    talk.transact(1, producer, 0, 1);
    talk.open(next, 0, 1);
    talk.transact(0, producer, 1, 1);
    talk.look(0);
}

fn produce_early_epoch(talk: &mut Talk) {
    let producer = talk.start();
    talk.transact(0, producer.at(1), 0, 1);
    talk.open(producer, 0, 1);
    // A 3.9 broker would accept it in partition 0, because it verifies only the first batch of a transaction.
    talk.transact(1, producer.at(1), 0, 1);
    talk.transact(0, producer, 1, 1);
    talk.end(producer, true).ok();
    talk.look(0);
}

fn produce_after_end(talk: &mut Talk) {
    let producer = talk.start();
    talk.open(producer, 0, 1);
    let next = talk.end(producer, true).expect("committed");
    talk.transact(0, producer, 1, 1);
    talk.transact(0, next, 0, 1);
    talk.transact(0, next, 1, 1);
    talk.look(0);
}

fn duplicate_in_transaction(talk: &mut Talk) {
    let producer = talk.start();
    talk.open(producer, 0, 2);
    talk.transact(0, producer, 0, 2);
    talk.transact(0, producer, 2, 1);
    talk.transact(0, producer, 0, 2);
    talk.end(producer, true).ok();
    talk.look(0);
}

fn duplicate_of_before(talk: &mut Talk) {
    let producer = talk.start();
    talk.open(producer, 0, 2);
    let next = talk.end(producer, true).expect("committed");
    talk.transact(0, producer, 0, 2);
    let sequence = if talk.generation == 2 { 0 } else { 2 };
    talk.open(next, sequence, 1);
    talk.transact(0, producer, 0, 2);
    talk.transact(0, next, sequence, 1);
    talk.end(next, true).ok();
    talk.look(0);
}

/// Batches behind one that the coordinator did not admit yet must not be appended before it.
fn overtaking(talk: &mut Talk) {
    let producer = talk.start();
    let id = talk.id.clone();
    talk.send_to(0, 11, producer, 0, 2, Some(&id));
    talk.add(3, producer, &[0]);
    talk.send_to(0, 11, producer, 2, 1, Some(&id));
    talk.send_to(0, 11, producer, 0, 2, Some(&id));
    talk.send_to(0, 11, producer, 2, 1, Some(&id));
    talk.end_as(4, producer, true).ok();
    talk.peer.settle(&talk.id);
    talk.look(0);
}

fn overtaking_marker(talk: &mut Talk) {
    let producer = talk.start();
    let id = talk.id.clone();
    talk.send_to(0, 11, producer, 0, 2, Some(&id));
    talk.add(3, producer, &[0]);
    talk.end_as(4, producer, true).ok();
    talk.peer.settle(&talk.id);
    talk.add(3, producer, &[0]);
    talk.send_to(0, 11, producer, 2, 1, Some(&id));
    talk.look(0);
}

fn end_nothing(talk: &mut Talk) {
    let producer = talk.start();
    for (version, commit) in [(3, true), (3, false), (4, true), (4, false)] {
        talk.end_as(version, producer, commit).ok();
    }
    if talk.generation == 2 {
        talk.end(producer, true).ok();
        let next = talk.end(producer, false).unwrap_or(producer);
        talk.end(producer, false).ok();
        let next = talk.end(next, false).unwrap_or(next);
        talk.end(next, true).ok();
    }
}

fn end_unknown(talk: &mut Talk) {
    let producer = talk.start();
    let other = talk.idempotent();
    talk.end(other, true).ok();
    talk.end(other, false).ok();
    talk.id.push_str("-unknown");
    let version = if talk.generation == 2 { 5 } else { 4 };
    talk.end_as(version, producer, true).ok();
    talk.end_as(version, producer, false).ok();
}

fn end_again(talk: &mut Talk) {
    let mut producer = talk.start();
    for commit in [true, false] {
        talk.open(producer, 0, 1);
        let next = talk.end(producer, commit).expect("ended");
        talk.end(producer, commit).ok();
        talk.end(next, commit).ok();
        producer = talk.init(4, None).expect("initialized");
    }
    talk.look(0);
}

fn end_other_way(talk: &mut Talk) {
    let mut producer = talk.start();
    for commit in [true, false] {
        talk.open(producer, 0, 1);
        talk.end(producer, commit).expect("ended");
        talk.end(producer, !commit).ok();
        producer = talk.init(4, None).expect("initialized");
    }
    talk.look(0);
}

fn end_again_later(talk: &mut Talk) {
    let producer = talk.start();
    talk.open(producer, 0, 1);
    let next = talk.end(producer, true).expect("committed");
    talk.open(next, if talk.generation == 2 { 0 } else { 1 }, 1);
    if talk.generation == 2 {
        talk.end_as(5, producer, true).ok();
        talk.end_as(5, producer, false).ok();
    }
    talk.end(next, false).ok();
    talk.look(0);
}

fn end_old_epoch(talk: &mut Talk) {
    let producer = talk.start();
    talk.init(4, None).ok();
    let next = talk.init(4, None).expect("initialized");
    talk.open(next, 0, 1);
    for version in if talk.generation == 2 { 1..=5 } else { 1..=4 } {
        talk.end_as(version, producer, true).ok();
        talk.end_as(version, producer.at(1), false).ok();
        talk.end_as(version, producer.at(3), true).ok();
    }
    talk.end(next, true).ok();
    talk.look(0);
}

fn end_fenced(talk: &mut Talk) {
    let producer = talk.start();
    talk.open(producer, 0, 1);
    talk.init(4, None).ok();
    talk.peer.settle(&talk.id);
    talk.end(producer, true).ok();
    talk.init(4, None).ok();
    talk.end(producer, true).ok();
    talk.end(producer, false).ok();
    talk.look(0);
}

/// A hole of KIP-890: EndTxn 4 leaves the epoch as it is. A fenced producer, whose epoch is the previous one, is taken
/// for one that repeats an EndTxn that raised the epoch, and gets the newer producer's epoch.
fn end_taken_for_the_newer(talk: &mut Talk) {
    let older = talk.start();
    let newer = talk.init(4, None).expect("initialized");
    talk.open(newer, 0, 1);
    talk.end_as(4, newer, false).ok();
    talk.peer.settle(&talk.id);
    talk.end(older, true).ok();
    talk.end(older, false).ok();
    talk.look(0);
}

/// After epoch 32766, another producer id is given out.
fn last_epoch(talk: &mut Talk) {
    let mut producer = talk.start();
    let quiet = talk.lines.len();
    while producer.epoch < i16::MAX - 1 {
        producer = talk.init(4, None).expect("initialized");
        talk.lines.truncate(quiet);
    }
    talk.open(producer, 0, 1);
    let next = talk.end(producer, true).expect("committed");
    talk.end(producer, true).ok();
    talk.init(4, None).ok();
    talk.transact(0, producer, 1, 1);
    talk.open(next, 0, 1);
    talk.look(0);
}

fn markers(talk: &mut Talk) {
    let mut producer = talk.start();
    let plain = talk.idempotent();
    talk.send(plain, 0, 1);
    for (number, commit) in (0..).zip([true, false, true]) {
        talk.open(producer, if talk.generation == 2 { 0 } else { 2 * number }, 2);
        talk.send(plain, 1 + number, 1);
        talk.look(0);
        producer = talk.end(producer, commit).expect("ended");
        talk.look(0);
    }
}

fn marker_without_records(talk: &mut Talk) {
    let producer = talk.start();
    talk.add(3, producer, &[1]);
    talk.look(1);
    talk.end_as(4, producer, true).ok();
    talk.peer.settle(&talk.id);
    talk.look(0);
    talk.look(1);
    talk.add(3, producer, &[1]);
    talk.send_to(1, 11, producer, 0, 1, Some(&talk.id.clone()));
    talk.look(1);
}

fn one_after_another(talk: &mut Talk) {
    let mut producer = talk.start();
    for number in 0..3 {
        let (fresh, on) = (0, number * 2);
        let (right, wrong) = if talk.generation == 2 { (fresh, on) } else { (on, fresh) };
        if number > 0 {
            talk.open(producer, wrong, 1);
        }
        talk.open(producer, right, 2);
        producer = talk.end(producer, number != 1).expect("ended");
    }
    talk.look(0);
}

fn outlasted(talk: &mut Talk) {
    let producer = talk.init_for(5, None, 1_000).expect("initialized");
    talk.open(producer, 0, 1);
    talk.peer.outlast(&talk.id);
    talk.look(0);
    talk.transact(0, producer, 1, 1);
    talk.transact(1, producer, 0, 1);
    talk.add(1, producer, &[0]);
    talk.add(3, producer, &[0]);
    talk.end(producer, true).ok();
    talk.end(producer, false).ok();
}

fn outlasted_init(talk: &mut Talk) {
    let producer = talk.init_for(5, None, 1_000).expect("initialized");
    talk.open(producer, 0, 1);
    talk.peer.outlast(&talk.id);
    talk.init_for(5, Some(producer), 1_000).ok();
    talk.init_for(5, Some(producer), 1_000).ok();
    talk.init_for(5, Some(producer.at(1)), 1_000).ok();
    talk.init_for(5, None, 1_000).ok();
    talk.look(0);
}
