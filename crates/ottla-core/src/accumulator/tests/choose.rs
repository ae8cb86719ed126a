//! Which partitioner chooses a record's partition, and what follows from its choice.

use super::*;
use crate::config::{Plugin, PluginSettings};
use crate::partition::custom::{Choice, CustomPartitioner};

pub(super) fn stage(partitioner: Partitioner) -> Stage {
    Stage::new(|settings| settings.topic.partitioner = partitioner)
}

pub(super) fn hashed(hash: Hash, keyless: Keyless) -> Partitioner {
    Partitioner::Hashed { hash, keyless, adaptive: true }
}

/// The partitions of records with these keys; `None` for the sticky partition.
fn places(stage: &Stage, topic: &Topic, keys: &[Option<&[u8]>]) -> Vec<Option<usize>> {
    let place = |key: &Option<&[u8]>| {
        let record = Record { key: *key, ..Record::default() };
        topic.stick_to(u32::MAX);
        stage.send(topic, &record, Lingering::Allowed).expect("accepted");
        let partition = held(topic).iter().position(|&count| count == 1).expect("one has it");
        if sticky(topic) as usize == partition { None } else { Some(partition) }
    };
    keys.iter().map(place).collect()
}

#[test]
fn null_and_empty_keys_go_where_librdkafka_says() {
    let keys: [Option<&[u8]>; 3] = [None, Some(b""), Some(b"key")];
    // Of 97 partitions, CRC-32 gives an empty key partition 0. murmur2 and FNV-1a follow from the test vectors.
    for (hash, empty) in [(Hash::Crc32, 0), (Hash::Murmur2, 275_646_681 % 97), (Hash::Fnv1a, 2_128_831_035 % 97)] {
        let key = Some(hash.partition(b"key", 97) as usize);
        for (keyless, expected) in [
            (Keyless::Never, [Some(empty), Some(empty), key]),
            (Keyless::Null, [None, Some(empty), key]),
            (Keyless::NullOrEmpty, [None, None, key]),
            (Keyless::Always, [None, None, None]),
        ] {
            let stage = stage(hashed(hash, keyless));
            let topic = stage.known(97);
            assert_eq!(places(&stage, &topic, &keys), expected, "{hash:?} {keyless:?}");
        }
    }
}

#[test]
fn random_spreads_records_over_the_available_partitions_keys_or_not() {
    let stage = stage(Partitioner::Random);
    let topic = stage.known(5);
    partitions(&topic)[3].set_available(false);
    for index in 0..4000u32 {
        let record = Record { key: (index % 2 == 0).then_some(b"same"), ..Record::default() };
        stage.send(&topic, &record, Lingering::Allowed).expect("accepted");
    }
    let counts = held(&topic);
    assert_eq!((counts[3], counts.iter().sum::<usize>()), (0, 4000));
    assert!([0, 1, 2, 4].iter().all(|&partition| (850..1150).contains(&counts[partition])), "{counts:?}");
}

/// A partitioner that calls a closure.
struct Asking<F>(F);

impl<F: Send + Sync> Plugin for Asking<F> {
    fn configure(&self, _: &PluginSettings) -> Result<(), String> {
        Ok(())
    }

    fn close(&self) {}
}

impl<F: Fn(&Choice<'_>) -> Result<u32, String> + Send + Sync> CustomPartitioner for Asking<F> {
    fn choose(&self, choice: &Choice<'_>) -> Result<u32, String> {
        self.0(choice)
    }

    fn needs_objects(&self) -> bool {
        false
    }
}

fn asking(answer: impl Fn(&Choice<'_>) -> Result<u32, String> + Send + Sync + 'static) -> Stage {
    stage(Partitioner::Custom(Arc::new(Asking(answer))))
}

fn error(kind: ErrorKind, message: &str) -> Error {
    Error::new(kind, message)
}

/// The value's first byte is the partition; 255 is a failure.
fn by_value(choice: &Choice<'_>) -> Result<u32, String> {
    assert_eq!((choice.topic, choice.key, choice.partitions.count()), ("t", Some(&b"k"[..]), 3));
    match choice.value {
        Some([255]) => Err("no such luck".to_owned()),
        Some([partition]) => Ok(u32::from(*partition)),
        other => panic!("{other:?}"),
    }
}

fn keyed(value: &[u8]) -> Record<'_> {
    Record { key: Some(b"k"), value: Some(value), ..Record::default() }
}

#[test]
fn the_applications_partitioner_is_asked_for_records_that_name_none() {
    let stage = asking(by_value);
    let topic = stage.known(3);
    for (value, partition) in [(2, None), (0, None), (255, Some(1)), (9, Some(2))] {
        stage.send(&topic, &Record { partition, ..keyed(&[value]) }, Lingering::Allowed).expect("accepted");
    }
    assert_eq!(held(&topic), [1, 1, 2]);
}

#[test]
fn what_the_applications_partitioner_cannot_choose_is_refused() {
    let stage = asking(by_value);
    let topic = stage.known(3);
    let failed = "the application's partitioner failed for a record of topic t: no such luck";
    assert_eq!(
        stage.send(&topic, &keyed(&[255]), Lingering::Allowed),
        Err(NotAccepted::NotChosen(error(ErrorKind::PartitionerFailed, failed)))
    );
    let too_large = "topic t has 3 partitions (0 to 2), and the application's partitioner chose partition 3";
    assert_eq!(
        stage.send(&topic, &keyed(&[3]), Lingering::Allowed),
        Err(NotAccepted::NotChosen(error(ErrorKind::UnknownPartition, too_large)))
    );
    assert_eq!((held(&topic), stage.accumulator.memory.budget().used()), (vec![0; 3], 0));
}

#[test]
fn records_that_waited_for_their_topic_are_chosen_for_then_and_fail_alone() {
    let stage = asking(by_value);
    let topic = stage.accumulator.topics.get("t");
    for value in [1u8, 255, 255, 7, 2, 255] {
        stage.send(&topic, &keyed(&[value]), Lingering::Allowed).expect("accepted, the partitions are not known");
    }
    let slots = stage.accumulator.partitions_for(&topic, 3);
    let rejected = stage.accumulator.assign(&topic, slots, &stage.clock);
    let reported: Vec<(ErrorKind, Vec<u64>)> = rejected
        .into_reports(Time(300))
        .map(|report| {
            let error = report.outcome().error.clone().expect("a failure");
            (error.kind(), report.deliveries().map(|delivery| delivery.tag).collect())
        })
        .collect();
    assert_eq!(
        reported,
        [
            (ErrorKind::PartitionerFailed, vec![2, 3]),
            (ErrorKind::UnknownPartition, vec![4]),
            (ErrorKind::PartitionerFailed, vec![6]),
        ]
    );
    assert_eq!((held(&topic), stage.accumulator.memory.budget().used()), (vec![0, 1, 1], 0));
}

#[test]
fn the_applications_partitioner_sees_leaders_availability_and_loads() {
    let stage = asking(|choice| {
        let partitions = choice.partitions;
        let seen: Vec<_> =
            (0..4).map(|p| (partitions.leader(p), partitions.is_available(p), partitions.queued_bytes(p))).collect();
        Err(format!("{seen:?}"))
    });
    let topic = stage.known(3);
    partitions(&topic)[0].set_leader(Some(7));
    partitions(&topic)[1].set_available(false);
    stage.to(&topic, 2, 100);
    let bytes = 109;
    let expected = format!(
        "the application's partitioner failed for a record of topic t: [(Some(7), true, 0), (None, false, 0), \
         (None, true, {bytes}), (None, false, 0)]"
    );
    assert_eq!(
        stage.send(&topic, &keyed(&[0]), Lingering::Allowed),
        Err(NotAccepted::NotChosen(error(ErrorKind::PartitionerFailed, &expected)))
    );
    held(&topic);
}

#[test]
fn each_topic_has_its_partitioner() {
    let stage = stage(hashed(Hash::Murmur2, Keyless::Null));
    let keyed = stage.known(3);
    let settings = TopicSettings { partitioner: Partitioner::RoundRobin, ..TopicSettings::default() };
    let in_turn = stage.accumulator.topics.get_with("in-turn", settings);
    stage.accumulator.assign(&in_turn, stage.accumulator.partitions_for(&in_turn, 3), &stage.clock);
    for topic in [&keyed, &in_turn] {
        for _ in 0..6 {
            let record = Record { key: Some(b"one"), ..Record::default() };
            stage.send(topic, &record, Lingering::Allowed).expect("accepted");
        }
    }
    let mut counts = held(&keyed);
    counts.sort_unstable();
    assert_eq!((counts, held(&in_turn)), (vec![0, 0, 6], vec![2, 2, 2]));
}

/// After a panic the event loop completes what is left. Each record must be completed once, wherever the panic
/// happened.
#[test]
fn a_panic_amid_the_move_leaves_each_record_in_one_place() {
    let stage = asking(|choice| match choice.value {
        Some([3]) => panic!("on purpose"),
        _ => Ok(0),
    });
    let topic = stage.accumulator.topics.get("t");
    for value in 0..6u8 {
        stage.send(&topic, &keyed(&[value]), Lingering::Allowed).expect("accepted");
    }
    let slots = stage.accumulator.partitions_for(&topic, 1);
    let moved = std::panic::AssertUnwindSafe(|| drop(stage.accumulator.assign(&topic, slots.clone(), &stage.clock)));
    std::panic::catch_unwind(moved).expect_err("it panics");
    let orphans = stage.accumulator.memory.take_orphans();
    let tags = |report: &Report| report.deliveries().map(|delivery| delivery.tag).collect::<Vec<_>>();
    assert_eq!(orphans.iter().map(tags).collect::<Vec<_>>(), [[4, 5, 6]]);
    let moved = decided(slots[0].take().0.expect("what was moved"));
    assert_eq!(tags(&moved), [1, 2, 3]);
    drop((orphans, moved));
    assert_eq!(stage.accumulator.memory.budget().used(), 0);
}
