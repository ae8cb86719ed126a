//! Kafka's hash of keys: MurmurHash2 with Kafka's seed. All clients that place keyed records as Kafka does compute the
//! same numbers, so nothing here may ever change.

const SEED: u32 = 0x9747_b28c;
const M: u32 = 0x5bd1_e995;
const R: u32 = 24;

/// The partition of a keyed record among all `count` partitions of its topic, available or not.
pub fn partition_for_key(key: &[u8], count: u32) -> u32 {
    // Java's `toPositive` drops the sign bit; it does not negate.
    (murmur2(key) & 0x7fff_ffff) % count
}

/// `org.apache.kafka.common.utils.Utils.murmur2`, as an unsigned number.
pub fn murmur2(data: &[u8]) -> u32 {
    let (words, tail) = data.as_chunks::<4>();
    // Java's arrays have at most 2^31 - 1 bytes. For a longer key, any hash will do.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Results of Kafka's Java client 4.3.1: length, first byte, step from byte to byte, hash.
    const VECTORS: &[(usize, u8, u8, i32)] = &[
        (0, 97, 1, 275646681),
        (1, 97, 1, -1563381124),
        (2, 97, 1, 316155434),
        (3, 97, 1, 479470107),
        (4, 97, 1, -1323649548),
        (5, 97, 1, 461995741),
        (6, 97, 1, 1870650108),
        (7, 97, 1, -346467175),
        (8, 97, 1, -955427363),
        (9, 97, 1, -619679810),
        (10, 97, 1, 8205847),
        (11, 97, 1, -232389549),
        (12, 97, 1, -535286937),
        (13, 97, 1, 387415655),
        (14, 97, 1, 1842055212),
        (15, 97, 1, 1680674526),
        (16, 97, 1, -253887988),
        (17, 97, 1, 1490128915),
        (1, 128, 37, 857690492),
        (1, 255, 0, -311467685),
        (2, 128, 37, -410042274),
        (2, 255, 0, -1642832928),
        (3, 128, 37, -238679352),
        (3, 255, 0, 1548199422),
        (4, 128, 37, -252022039),
        (4, 255, 0, 644171429),
        (5, 128, 37, 456176468),
        (5, 255, 0, -363838622),
        (7, 128, 37, -1439857115),
        (7, 255, 0, -71293549),
        (8, 128, 37, -1121051700),
        (8, 255, 0, 185950397),
        (16, 128, 37, -2066421649),
        (16, 255, 0, 1431967450),
        (31, 128, 37, 716324693),
        (31, 255, 0, 169704741),
        (32, 128, 37, -1262065402),
        (32, 255, 0, -5819201),
        (33, 128, 37, 1192090059),
        (33, 255, 0, -972547407),
        (63, 128, 37, 1851166448),
        (63, 255, 0, -192391475),
        (100, 128, 37, 415402205),
        (100, 255, 0, 1367845956),
        (255, 128, 37, -836215592),
        (255, 255, 0, -1987369369),
        (256, 128, 37, 442582132),
        (256, 255, 0, 1214980833),
        (1000, 128, 37, 2077770796),
        (1000, 255, 0, -1328964264),
        (1023, 128, 37, 1714248560),
        (1023, 255, 0, 1482895728),
        (1024, 128, 37, -1880273765),
        (1024, 255, 0, -1011646459),
        (4096, 128, 37, 1700509344),
        (4096, 255, 0, 1020305552),
        (65537, 128, 37, 1806569930),
        (65537, 255, 0, -2044400223),
    ];

    /// Results of Kafka's Java client 4.3.1: key in UTF-8, hash, partition of 12.
    const KEYS: &[(&str, i32, u32)] = &[
        ("21", -973932308, 0),
        ("foobar", -790332482, 6),
        ("a-little-bit-long-string", -985981536, 8),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971, 5),
        ("abc", 479470107, 3),
        ("key", -1079937367, 1),
        ("user-1234567890", -1330799885, 3),
        ("käse", -1070276755, 1),
        ("日本語", 1431860170, 10),
    ];

    #[test]
    fn hashes_are_those_of_kafka() {
        for &(length, first, step, hash) in VECTORS {
            let bytes = std::iter::successors(Some(first), |byte| Some(byte.wrapping_add(step)));
            let key: Vec<u8> = bytes.take(length).collect();
            assert_eq!(murmur2(&key) as i32, hash, "{length} bytes from {first} by {step}");
        }
    }

    #[test]
    fn partitions_are_those_of_kafka() {
        for &(key, hash, partition) in KEYS {
            assert_eq!(murmur2(key.as_bytes()) as i32, hash, "{key}");
            assert_eq!(partition_for_key(key.as_bytes(), 12), partition, "{key}");
        }
    }
}
