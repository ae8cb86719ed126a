//! Hashes of keys: Kafka's, and two more of librdkafka's.

use super::murmur2;

/// How a key becomes a partition. The results may never change, so that all records of a key stay together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// Kafka's, which is librdkafka's `murmur2`.
    Murmur2,
    /// librdkafka's `consistent`.
    Crc32,
    /// librdkafka's `fnv1a`, which follows Sarama's.
    Fnv1a,
}

impl Hash {
    /// The partition of a key among all `count` partitions of its topic, available or not. `count` is not 0.
    #[inline]
    pub fn partition(self, key: &[u8], count: u32) -> u32 {
        match self {
            Hash::Murmur2 => murmur2::partition_for_key(key, count),
            Hash::Crc32 => crc32(key) % count,
            Hash::Fnv1a => fnv1a(key) % count,
        }
    }
}

/// The CRC-32 of zip and Ethernet.
fn crc32(key: &[u8]) -> u32 {
    // The crate returns checksums of up to 64 bits.
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, key) as u32
}

/// 32-bit FNV-1a, taken as a signed number and made positive. Sarama does so, and this keeps its placement.
fn fnv1a(key: &[u8]) -> u32 {
    let hash = key.iter().fold(0x811c_9dc5, |hash: u32, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash.cast_signed().unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: [u32; 3] = [6, 100, i32::MAX as u32];

    /// The keys of the vectors, as explained at the head of crates/ottla-core/tests/vectors/rdkafka-partitioners.txt.
    fn key(kind: &str, length: usize, number: u64) -> Vec<u8> {
        let mut state = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let step = || {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 56) as u8
        };
        match kind {
            "n" => Vec::new(),
            "t" => format!("key-{number}").into_bytes(),
            _ => std::iter::repeat_with(step).take(length).collect(),
        }
    }

    #[test]
    fn a_thousand_keys_have_the_partitions_that_librdkafka_gives_them() {
        let vectors = include_str!("../../tests/vectors/rdkafka-partitioners.txt");
        let lines: Vec<&str> = vectors.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines.len(), 1001);
        for (line, at) in lines.into_iter().zip(0u64..) {
            let (kind, rest) = line.split_once(' ').expect("a kind");
            let numbers: Vec<u32> = rest.split(' ').map(|word| word.parse().expect("a number")).collect();
            let key = key(kind, numbers[0] as usize, at.saturating_sub(1));
            let hashes = [Hash::Crc32, Hash::Murmur2, Hash::Fnv1a];
            let ours: Vec<u32> =
                hashes.iter().flat_map(|hash| COUNTS.map(|count| hash.partition(&key, count))).collect();
            assert_eq!(ours, numbers[1..], "{key:?}");
        }
    }

    #[test]
    fn hashes_are_the_published_ones() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(fnv1a(b"foobar"), 0xbf9c_f968_u32.cast_signed().unsigned_abs());
    }
}
