//! Which record each transaction copies. Shared by the program that copies and the test that checks it.

pub const PARTITIONS: usize = 12;

/// How many records of each partition were copied.
pub type Positions = [u64; PARTITIONS];

/// The value of a record in the source topic.
pub fn value(partition: usize, position: u64) -> Vec<u8> {
    format!("record {position} of partition {partition}, {:.>60}", "").into_bytes()
}

/// Transactions have 1 to 500 records, by a hash of their number.
pub fn size(transaction: u64) -> u64 {
    (transaction + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) % 500 + 1
}

/// Every tenth transaction is aborted.
pub fn is_aborted(transaction: u64) -> bool {
    transaction % 10 == 9
}

/// The records that a transaction copies, in order. Partitions take turns. Advances the positions.
pub fn copied(transaction: u64, positions: &mut Positions) -> Vec<(usize, u64)> {
    let next = |turn: u64| {
        let partition = ((transaction + turn) % PARTITIONS as u64) as usize;
        positions[partition] += 1;
        (partition, positions[partition] - 1)
    };
    (0..size(transaction)).map(next).collect()
}
