//! Record values, which identify the records in requests and logs.

/// The byte that makes a record poisoned.
pub const POISON: u8 = b'!';

/// The value of record `id`, followed by `padding` bytes.
pub fn value_of(id: u64, padding: usize, fill: u8) -> Vec<u8> {
    let mut value = format!("<{id:08}>").into_bytes();
    value.resize(value.len() + padding, fill);
    value
}

pub fn id_of(value: Option<&[u8]>) -> u64 {
    let value = value.expect("every record has a value");
    std::str::from_utf8(&value[1..9]).expect("a marker").parse().expect("a number")
}

/// The records whose values appear in the bytes of a request (uncompressed ones only).
pub fn ids_in(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes
        .windows(10)
        .filter(|w| w[0] == b'<' && w[9] == b'>')
        .filter_map(|w| std::str::from_utf8(&w[1..9]).ok()?.parse().ok())
}
