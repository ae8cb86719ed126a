//! Records that reports show again, whatever becomes of their batches. (The application compares them with what it sent.)

use ottla_core::Fate;
use ottla_core::compress::Codec;
use ottla_mock::{Api, Fault, On, codes};

use crate::delivery::warm;
use crate::world::{Setup, World, ms};

fn retaining(codec: Codec) -> World {
    let mut setup = Setup::with(|sender| {
        sender.linger = ms(5);
        (sender.codec, sender.compression_level) = (codec, if codec == Codec::Lz4 { 9 } else { 1 });
    });
    setup.accumulator.retain = true;
    let mut world = warm(setup, "t", 1);
    world.application.keep_reports = true;
    world
}

/// Records of which some are lent.
fn send(world: &mut World, count: usize) -> Vec<u64> {
    (0..count).map(|index| world.send_lent("t", Some(0), index * 100).expect("accepted")).collect()
}

#[test]
fn records_are_shown_after_retries_splits_and_failures() {
    let cases = [
        (Vec::new(), Fate::Written),
        (vec![Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All)], Fate::Written),
        (vec![Fault::Error(codes::MESSAGE_TOO_LARGE, On::All)], Fate::Written),
        (vec![Fault::Error(codes::TOPIC_AUTHORIZATION_FAILED, On::All)], Fate::NotWritten),
    ];
    for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        for (faults, fate) in &cases {
            let mut world = retaining(codec);
            world.cluster.script(Api::Produce, faults.clone());
            let ids = send(&mut world, 30);
            world.run(ms(10_000));
            ids.iter().for_each(|id| assert_eq!(world.outcome(*id).fate, *fate, "{codec:?} {faults:?}"));
            assert!(!world.application.lender.is_back(*ids.last().expect("some")));
            // A report holds what it shows.
            let plain: usize = (0..10).map(|index| index * 100).sum();
            assert!(world.memory_used() > plain, "{codec:?}");
            world.application.reports.clear();
            world.carry_out();
            assert_eq!(world.application.lender.missing(), [0; 0]);
            assert_eq!(world.memory_used(), 0, "{codec:?} {faults:?}");
        }
    }
}

#[test]
fn records_of_a_topic_that_stays_unknown_are_shown() {
    let mut world = retaining(Codec::None);
    let ids: Vec<u64> = (0..5).map(|index| world.send_lent("missing", None, index * 1000).expect("accepted")).collect();
    world.run(ms(200_000));
    ids.iter().for_each(|id| assert_eq!(world.outcome(*id).fate, Fate::NotWritten));
    world.application.reports.clear();
    world.carry_out();
    assert_eq!((world.application.lender.missing(), world.memory_used()), (vec![], 0));
}
