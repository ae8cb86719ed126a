//! The offsets of a consumer group in transactions.

use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{AddOffsetsToTxnRequest, GroupId, ProducerId, TransactionalId, TxnOffsetCommitRequest};

use crate::talk::{Identity, Scenario, Talk, shown};
use ottla_testkit::client::{name, text};

pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "offsets are committed with their transaction", play: committed },
    Scenario { name: "offsets are dropped with their transaction", play: aborted },
    Scenario { name: "TxnOffsetCommit without AddOffsetsToTxn", play: not_added },
    Scenario { name: "TxnOffsetCommit v5 adds the group", play: added_by_the_broker },
    Scenario { name: "TxnOffsetCommit of an unknown member", play: unknown_member },
    Scenario { name: "TxnOffsetCommit of a group with members", play: members },
    Scenario { name: "TxnOffsetCommit with an old epoch", play: old_epoch },
    Scenario { name: "AddOffsetsToTxn with an old epoch, or of another producer", play: add_offsets_old },
];

/// The member and generation of a commit without a group membership.
const NO_MEMBER: (&str, i32) = ("", -1);

fn add_offsets(talk: &mut Talk, version: i16, producer: Identity) -> i16 {
    let request = AddOffsetsToTxnRequest::default()
        .with_transactional_id(TransactionalId(text(&talk.id)))
        .with_producer_id(ProducerId(producer.id))
        .with_producer_epoch(producer.epoch)
        .with_group_id(GroupId(text(&talk.id)));
    let code = talk.client.call(version, &request).error_code;
    let letter = talk.letter(producer);
    talk.note(format_args!("AddOffsetsToTxn v{version} as {letter}"), shown(code));
    code
}

fn commit(talk: &mut Talk, version: i16, producer: Identity, (member, generation): (&str, i32), offset: i64) {
    let partition = TxnOffsetCommitRequestPartition::default().with_committed_offset(offset);
    let topic = TxnOffsetCommitRequestTopic::default().with_name(name(&talk.topic));
    let request = TxnOffsetCommitRequest::default()
        .with_transactional_id(TransactionalId(text(&talk.id)))
        .with_group_id(GroupId(text(&talk.id)))
        .with_producer_id(ProducerId(producer.id))
        .with_producer_epoch(producer.epoch)
        .with_generation_id(generation)
        .with_member_id(text(member))
        .with_topics(vec![topic.with_partitions(vec![partition])]);
    let answer =
        talk.patiently(|client| client.call(version, &request), |answer| answer.topics[0].partitions[0].error_code);
    let letter = talk.letter(producer);
    // A real member id is long, and differs from run to run.
    let member = if member.len() > 20 { "M" } else { member };
    let asked = format!("TxnOffsetCommit v{version} as {letter}, member {member:?} of {generation}");
    talk.note(asked, shown(answer.topics[0].partitions[0].error_code));
}

fn look(talk: &mut Talk) {
    let kept = talk.peer.group_offset(&talk.id, &talk.topic);
    talk.note("the group's offset", format_args!("{kept:?}"));
}

/// Adds the group, unless brokers do that.
fn commit_of(talk: &mut Talk, producer: Identity, offset: i64) {
    if talk.generation == 1 {
        add_offsets(talk, 3, producer);
    }
    commit(talk, if talk.generation == 2 { 5 } else { 4 }, producer, NO_MEMBER, offset);
}

fn committed(talk: &mut Talk) {
    let producer = talk.start();
    commit_of(talk, producer, 7);
    let next = talk.end(producer, true).expect("committed");
    look(talk);
    talk.open(next, 0, 1);
    commit_of(talk, next, 9);
    commit_of(talk, next, 8);
    talk.end(next, true).ok();
    look(talk);
    talk.look(0);
}

fn aborted(talk: &mut Talk) {
    let producer = talk.start();
    commit_of(talk, producer, 7);
    let next = talk.end(producer, false).expect("aborted");
    look(talk);
    commit_of(talk, next, 8);
    let next = talk.end(next, true).expect("committed");
    look(talk);
    commit_of(talk, next, 9);
    talk.init(4, None).ok();
    talk.peer.settle(&talk.id);
    look(talk);
}

fn not_added(talk: &mut Talk) {
    let producer = talk.start();
    commit(talk, 3, producer, NO_MEMBER, 7);
    commit(talk, 4, producer, NO_MEMBER, 7);
    talk.end_as(4, producer, true).ok();
    look(talk);
}

fn added_by_the_broker(talk: &mut Talk) {
    let producer = talk.start();
    if talk.generation == 2 {
        commit(talk, 5, producer, NO_MEMBER, 7);
        commit(talk, 5, producer.at(3), NO_MEMBER, 8);
        talk.end(producer, true).ok();
        look(talk);
    }
}

fn unknown_member(talk: &mut Talk) {
    let producer = talk.start();
    let version = if talk.generation == 2 { 5 } else { 4 };
    add_offsets(talk, 3, producer);
    commit(talk, version, producer, ("somebody", 1), 7);
    commit(talk, version, producer, ("", 1), 7);
    commit(talk, version, producer, ("somebody", -1), 7);
    talk.end(producer, true).ok();
    look(talk);
}

fn members(talk: &mut Talk) {
    let (member, generation) = talk.peer.join(&talk.id);
    let producer = talk.start();
    let version = if talk.generation == 2 { 5 } else { 4 };
    add_offsets(talk, 3, producer);
    for (offset, (member, generation)) in (1..).zip([
        (&*member, generation),
        (&*member, generation + 1),
        (&*member, generation - 1),
        (&*member, -1),
        ("somebody", generation),
        ("", generation),
        ("", -1),
    ]) {
        commit(talk, version, producer, (member, generation), offset);
    }
    talk.end(producer, true).ok();
    look(talk);
}

fn old_epoch(talk: &mut Talk) {
    let producer = talk.start();
    commit_of(talk, producer, 7);
    talk.init(4, None).ok();
    talk.peer.settle(&talk.id);
    for version in if talk.generation == 2 { 3..=5 } else { 2..=4 } {
        commit(talk, version, producer, NO_MEMBER, 8);
    }
    let next = talk.init(4, None).expect("initialized");
    for version in if talk.generation == 2 { 3..=5 } else { 2..=4 } {
        commit(talk, version, producer, NO_MEMBER, 8);
    }
    commit_of(talk, next, 9);
    talk.end(next, true).ok();
    look(talk);
}

fn add_offsets_old(talk: &mut Talk) {
    let producer = talk.start();
    talk.init(4, None).ok();
    for version in 0..=3 {
        add_offsets(talk, version, producer);
        add_offsets(talk, version, producer.at(5));
    }
    let other = talk.idempotent();
    add_offsets(talk, 3, other);
    talk.id.push_str("-unknown");
    add_offsets(talk, 3, producer);
}
