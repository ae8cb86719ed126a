//! Who is asked for a record's partition, and what becomes of the answer.

use super::*;

pub(super) fn stage(partitioner: Partitioner) -> Stage {
    Stage::new(|settings| settings.partitioner = partitioner)
}

pub(super) fn hashed(hash: Hash, keyless: Keyless) -> Partitioner {
    Partitioner::Hashed { hash, keyless, adaptive: true }
}

/// Where records with these keys go: their partition, or `None` if it is the sticky one.
fn places(stage: &Stage, topic: &Topic, keys: &[Option<&[u8]>]) -> Vec<Option<usize>> {
    let place = |key: &Option<&[u8]>| {
        let record = Record { key: *key, ..Record::default() };
        topic.sticky.store(super::super::topics::UNDECIDED, Ordering::Relaxed);
        stage.send(topic, &record, Manner::Usual).expect("accepted");
        let partition = held(topic).iter().position(|&count| count == 1).expect("one has it");
        let sticky = topic.sticky.load(Ordering::Relaxed);
        if sticky as usize == partition { None } else { Some(partition) }
    };
    keys.iter().map(place).collect()
}

#[test]
fn null_and_empty_keys_go_where_librdkafka_says() {
    let keys: [Option<&[u8]>; 3] = [None, Some(b""), Some(b"key")];
    // Of 97 partitions: CRC-32 gives an empty key 0, murmur2 and FNV-1a what the vectors say of larger numbers.
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
        stage.send(&topic, &record, Manner::Usual).expect("accepted");
    }
    let counts = held(&topic);
    assert_eq!((counts[3], counts.iter().sum::<usize>()), (0, 4000));
    assert!([0, 1, 2, 4].iter().all(|&partition| (850..1150).contains(&counts[partition])), "{counts:?}");
}
