//! Producers with sequence numbers but without transactions.

use crate::talk::{Scenario, Talk};

pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "a batch is sent twice", play: twice },
    Scenario { name: "a batch overlaps another", play: overlap },
    Scenario { name: "a batch is missing", play: gap },
    Scenario { name: "the last five are known again, the sixth is not", play: sixth },
    Scenario { name: "each partition counts for itself", play: partitions },
    Scenario { name: "a higher epoch begins at 0", play: higher_epoch },
    Scenario { name: "a higher epoch does not begin at 0", play: higher_epoch_later },
    Scenario { name: "an old epoch", play: old_epoch },
    Scenario { name: "a duplicate of an epoch before", play: duplicate_of_before },
    Scenario { name: "an unknown producer begins later", play: unknown_producer },
    Scenario { name: "sequences wrap between batches", play: wrap_between },
    Scenario { name: "sequences wrap within a batch", play: wrap_within },
    Scenario { name: "a sequence below 0", play: negative },
];

fn twice(talk: &mut Talk) {
    let producer = talk.idempotent();
    talk.send(producer, 0, 3);
    talk.send(producer, 0, 3);
    talk.send(producer, 3, 2);
    talk.send(producer, 3, 2);
    talk.send(producer, 0, 3);
    talk.look(0);
}

fn overlap(talk: &mut Talk) {
    let producer = talk.idempotent();
    talk.send(producer, 0, 3);
    talk.send(producer, 0, 2);
    talk.send(producer, 1, 2);
    talk.send(producer, 2, 2);
    talk.send(producer, 0, 4);
    talk.look(0);
}

fn gap(talk: &mut Talk) {
    let producer = talk.idempotent();
    talk.send(producer, 0, 1);
    talk.send(producer, 2, 1);
    talk.send(producer, 1, 1);
    talk.send(producer, 2, 1);
    talk.look(0);
}

fn sixth(talk: &mut Talk) {
    let producer = talk.idempotent();
    for sequence in 0..6 {
        talk.send(producer, sequence, 1);
    }
    for sequence in [1, 5, 0] {
        talk.send(producer, sequence, 1);
    }
    talk.look(0);
}

fn partitions(talk: &mut Talk) {
    let producer = talk.idempotent();
    for (partition, sequence) in [(0, 0), (1, 0), (1, 1), (0, 2), (0, 1)] {
        talk.send_to(partition, 11, producer, sequence, 1, None);
    }
}

fn higher_epoch(talk: &mut Talk) {
    let producer = talk.idempotent();
    talk.send(producer, 0, 3);
    talk.send(producer.at(1), 0, 2);
    talk.send(producer.at(1), 2, 1);
    talk.send(producer.at(7), 0, 1);
    talk.look(0);
}

fn higher_epoch_later(talk: &mut Talk) {
    let producer = talk.idempotent();
    talk.send(producer, 0, 3);
    talk.send(producer.at(1), 3, 1);
    talk.send(producer, 3, 1);
    talk.look(0);
}

fn old_epoch(talk: &mut Talk) {
    let producer = talk.idempotent();
    talk.send(producer.at(1), 0, 1);
    talk.send(producer, 0, 1);
    talk.send(producer, 1, 1);
    talk.send(producer.at(1), 1, 1);
}

fn duplicate_of_before(talk: &mut Talk) {
    let producer = talk.idempotent();
    talk.send(producer, 0, 2);
    talk.send(producer.at(1), 0, 1);
    talk.send(producer, 0, 2);
    talk.send(producer.at(1), 0, 1);
    talk.send(producer.at(1), 0, 2);
    talk.look(0);
}

fn unknown_producer(talk: &mut Talk) {
    let producer = talk.idempotent();
    talk.send(producer, 5, 2);
    talk.send(producer, 7, 1);
    talk.send(producer, 0, 1);
    talk.look(0);
}

fn wrap_between(talk: &mut Talk) {
    let producer = talk.idempotent();
    talk.send(producer, i32::MAX - 1, 2);
    talk.send(producer, 1, 1);
    talk.send(producer, 0, 1);
    talk.send(producer, i32::MAX - 1, 2);
    talk.send(producer, 1, 1);
    talk.look(0);
}

fn wrap_within(talk: &mut Talk) {
    let producer = talk.idempotent();
    talk.send(producer, i32::MAX - 1, 4);
    talk.send(producer, 0, 1);
    talk.send(producer, i32::MAX - 1, 4);
    talk.send(producer, 2, 1);
    talk.look(0);
}

fn negative(talk: &mut Talk) {
    let producer = talk.idempotent();
    talk.send(producer, -1, 1);
    talk.look(0);
}
