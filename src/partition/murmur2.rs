//! Kafka's hash of keys: MurmurHash2 with a seed of its own. Every client that keeps Kafka's placement of keyed records
//! computes the same numbers, so nothing here may ever change.

const SEED: u32 = 0x9747_b28c;
const M: u32 = 0x5bd1_e995;
const R: u32 = 24;

/// The partition of a keyed record among all `count` partitions of its topic, available or not.
pub fn partition_for_key(key: &[u8], count: u32) -> u32 {
    // Java's `toPositive` drops the sign bit; it does not negate.
    (murmur2(key) & 0x7fff_ffff) % count
}

/// `org.apache.kafka.common.utils.Utils.murmur2`, as unsigned.
pub fn murmur2(data: &[u8]) -> u32 {
    let (words, tail) = data.as_chunks::<4>();
    // Java's arrays, and so its lengths, end at 2^31 - 1; a longer key only has to hash to something.
    let mut hash = SEED ^ data.len() as u32;
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> R;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !tail.is_empty() {
        let mut last = [0; 4];
        last[..tail.len()].copy_from_slice(tail);
        hash = (hash ^ u32::from_le_bytes(last)).wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ hash >> 15
}
