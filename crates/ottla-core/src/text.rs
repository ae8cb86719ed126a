//! How messages write counts, partitions, and text from elsewhere.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::fmt;

/// A number and its noun: `1 record`, `2 records`, `0 batches`.
pub fn counted(number: impl TryInto<u64>, noun: &'static str) -> Counted {
    Counted { number: number.try_into().unwrap_or(u64::MAX), noun }
}

pub struct Counted {
    number: u64,
    noun: &'static str,
}

impl fmt::Display for Counted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ending = match self.number {
            1 => "",
            _ if self.noun.ends_with("ch") => "es",
            _ => "s",
        };
        write!(out, "{} {}{ending}", self.number, self.noun)
    }
}

/// The number of partitions, and their range: `1 partition (0)`, `3 partitions (0 to 2)`.
pub fn partitions(count: usize) -> String {
    let range = match count {
        0 => String::new(),
        1 => " (0)".into(),
        _ => format!(" (0 to {})", count - 1),
    };
    format!("{}{range}", counted(count, "partition"))
}

/// A partition of a topic: `orders-3`. A negative partition was not chosen yet: `topic orders`.
pub fn partition_name(topic: &str, partition: i32) -> PartitionName<'_> {
    PartitionName { topic, partition }
}

pub struct PartitionName<'a> {
    topic: &'a str,
    partition: i32,
}

impl fmt::Display for PartitionName<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.partition {
            0.. => write!(out, "{}-{}", self.topic, self.partition),
            _ => write!(out, "topic {}", self.topic),
        }
    }
}

/// The text on one line that is safe to print. Control characters, which may come from a broker or a configuration, are
/// escaped as in C and Rust.
pub fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character.is_control() {
            true => line.extend(character.escape_default()),
            false => line.push(character),
        }
    }
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_something_has_no_plural() {
        assert_eq!(counted(0usize, "record").to_string(), "0 records");
        assert_eq!(counted(1u32, "record").to_string(), "1 record");
        assert_eq!(counted(2i32, "batch").to_string(), "2 batches");
        assert_eq!(counted(1u64, "batch").to_string(), "1 batch");
        assert_eq!([0, 1, 3].map(partitions), ["0 partitions", "1 partition (0)", "3 partitions (0 to 2)"]);
    }

    #[test]
    fn a_partition_that_was_not_chosen_has_no_number() {
        assert_eq!(partition_name("orders", 3).to_string(), "orders-3");
        assert_eq!(partition_name("orders", 0).to_string(), "orders-0");
        assert_eq!(partition_name("orders", -1).to_string(), "topic orders");
    }

    #[test]
    fn control_characters_cannot_break_a_line() {
        assert_eq!(one_line("caf\u{e9} \\n"), "caf\u{e9} \\n");
        assert_eq!(one_line("two\nlines\r\t\0\u{1b}[31m\u{85}"), "two\\nlines\\r\\t\\u{0}\\u{1b}[31m\\u{85}");
    }
}
