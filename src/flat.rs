//! The flat form of many records: one buffer, no pointers inside.

use std::mem::MaybeUninit;
use std::time::Duration;

use super::error::{ottla_code, ottla_error};
use super::flagged::{Flagged, check_flags};
use super::handle::ottla_producer;
use super::record::{PARTITION, TIMESTAMP};
use super::send_options::ottla_send_options;
use super::topic::ottla_topic;
use super::{boundary, required};
use ottla_engine::producer::OneCall;
use ottla_engine::support::allocate;
use ottla_engine::support::text::{Counted, counted};
use ottla_engine::{Error, Header, Record, Result};
use ottla_host::arguments::{array, invalid, null};

/// The record has a key of key_len bytes, which may be 0. A flag of the flat form.
pub const OTTLA_FLAT_KEY: u32 = 4;

/// The record, or the header, has a value of value_len bytes, which may be 0. A flag of the flat form.
pub const OTTLA_FLAT_VALUE: u32 = 8;

/// Sends records in flat form, in turn, until one is refused: one buffer without pointers inside, for bindings that
/// would otherwise build an ottla_record for each record. The buffer holds `count` records without gaps. Numbers are in
/// the machine's byte order, and nothing is aligned:
///
///     offset  size
///          0     8  tag          unsigned   the delivery's tag (its userdata, as a number)
///          8     8  timestamp    signed     milliseconds since 1970-01-01 UTC, with OTTLA_RECORD_TIMESTAMP
///         16     4  partition    signed     with OTTLA_RECORD_PARTITION
///         20     4  flags        unsigned   the sum of these two, OTTLA_FLAT_KEY and OTTLA_FLAT_VALUE
///         24     4  key_len      signed     with OTTLA_FLAT_KEY; without it the key is null
///         28     4  value_len    signed     with OTTLA_FLAT_VALUE; without it the value is null
///         32     4  header_count unsigned
///         36     4  topic        unsigned   index in `topics`
///         40     4  timeout_ms   signed     as in ottla_record; 0: delivery.timeout.ms
///         44        the key's bytes, the value's bytes, then for each header:
///                0     4  name_len    signed
///                4     4  flags       unsigned   OTTLA_FLAT_VALUE or 0
///                8     4  value_len   signed     with OTTLA_FLAT_VALUE; without it the value is null
///               12        the name's bytes, the value's bytes
///
/// Members that need a flag are 0 without it. So 44 zeros are a record with a null key and a null value for topics[0].
///
/// The call reads the whole buffer before it sends anything: a buffer that does not hold exactly `count` records is
/// refused as a whole. If a later record is refused, for example since the buffer of the producer is full, send the
/// rest with `buffer + *consumed_out`, `buffer_len - *consumed_out` and `count - *accepted_out`.
///
/// @param topics        topic_count topics of this producer, which the records name by index; borrowed for the call
/// @param topic_count   at least 1
/// @param buffer        buffer_len bytes, borrowed for the call and not changed; NULL is allowed if buffer_len is 0.
///                      With on_release values are lent where they are in the buffer, so it must stay until all are
///                      returned
/// @param count         how many records the buffer holds
/// @param options       optional; without handle_out
/// @param accepted_out  receives how many records were accepted, also on failure: the first ones
/// @param consumed_out  optional; receives how many bytes of the buffer the accepted records take
/// @param error_out     optional; set only on failure, to the reason why the first record that is not accepted was
///                      refused;
///                      release with ottla_error_free()
/// @return OTTLA_ERR_OK if all were accepted, else as ottla_producer_send()
///
/// Any thread, concurrently with any other call, callbacks too.
///
/// # Safety
/// The pointers are NULL or have as many readable members as said above; `options` is as `ottla_send_options` says, and
/// values that are lent as `ottla_release_fn` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_send_flat(
    producer: Option<&ottla_producer>,
    topics: *const Option<&ottla_topic>,
    topic_count: usize,
    buffer: *const u8,
    buffer_len: usize,
    count: usize,
    options: *const ottla_send_options,
    accepted_out: Option<&mut MaybeUninit<usize>>,
    consumed_out: Option<&mut MaybeUninit<usize>>,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let accepted_out = required(accepted_out, "accepted_out")?.write(0);
        let mut unwanted = MaybeUninit::uninit();
        let consumed_out = consumed_out.unwrap_or(&mut unwanted).write(0);
        let producer = required(producer, "producer")?;
        // SAFETY: by this function's contract.
        let topics = checked_topics(producer, unsafe { array(topics, topic_count, "topics")? })?;
        // SAFETY: as above.
        let options = unsafe { ottla_send_options::read_for_many(options)? };
        // SAFETY: as above.
        let buffer = unsafe { array(buffer, buffer_len, "buffer")? };
        let flat = Flat { buffer, at: 0, topic_count };
        check(flat, count)?;
        // SAFETY: as above.
        unsafe { send(flat, count, &topics, &options, accepted_out, consumed_out) }
    })
}

/// The topics, if each belongs to the producer and there is one.
fn checked_topics<'a>(producer: &ottla_producer, topics: &[Option<&'a ottla_topic>]) -> Result<Vec<&'a ottla_topic>> {
    if topics.is_empty() {
        return Err(invalid("topic_count is 0: records go to a topic among topics"));
    }
    let check = |(index, topic): (usize, &Option<&'a ottla_topic>)| {
        let topic = topic.ok_or_else(|| null(&format!("topics[{index}]")))?;
        producer.check_owns(&topic.engine).map(|()| topic)
    };
    topics.iter().enumerate().map(check).collect()
}

/// The buffer has to hold `count` records and nothing else.
fn check(mut flat: Flat<'_>, count: usize) -> Result<()> {
    let mut headers = Vec::new();
    for _ in 0..count {
        headers.clear();
        flat.next(&mut headers)?;
    }
    flat.end()
}

/// Sends the records of a buffer that was checked. `topics` has at least one topic.
///
/// # Safety
/// Values that are lent are as `ottla_release_fn` says.
unsafe fn send(
    mut flat: Flat<'_>,
    count: usize,
    topics: &[&ottla_topic],
    options: &ottla_send_options,
    accepted_out: &mut usize,
    consumed_out: &mut usize,
) -> Result<()> {
    let clock = OneCall::begin();
    let mut headers = Vec::new();
    for accepted in 1..=count {
        headers.clear();
        let FlatRecord { tag, topic, record } = flat.next(&mut headers)?;
        // SAFETY: by this function's contract.
        let lent = unsafe { options.offer(record.value) };
        let record = Record { headers: &headers, lent: lent.as_ref(), ..record };
        let topic = topics[topic];
        topic.engine.producer.send_in(&clock, &topic.topic, &record, options.completion(tag), options.wait())?;
        *accepted_out = accepted;
        *consumed_out = flat.at;
    }
    Ok(())
}

const KEY: Flagged = Flagged { flag: OTTLA_FLAT_KEY, name: "OTTLA_FLAT_KEY", otherwise: "the key is null" };
const VALUE: Flagged = Flagged { flag: OTTLA_FLAT_VALUE, name: "OTTLA_FLAT_VALUE", otherwise: "the value is null" };

/// Records read from a buffer, in turn.
#[derive(Clone, Copy)]
struct Flat<'a> {
    buffer: &'a [u8],
    at: usize,
    topic_count: usize,
}

/// One of them; its headers are read apart.
struct FlatRecord<'a> {
    tag: u64,
    topic: usize,
    record: Record<'a>,
}

impl<'a> Flat<'a> {
    /// The next record. Its headers are appended to `headers`.
    fn next(&mut self, headers: &mut Vec<Header<'a>>) -> Result<FlatRecord<'a>> {
        let tag = self.number(u64::from_ne_bytes, "tag")?.value;
        let timestamp = self.number(i64::from_ne_bytes, "timestamp")?;
        let partition = self.number(i32::from_ne_bytes, "partition")?;
        let flags = self.flags(&[&PARTITION, &TIMESTAMP, &KEY, &VALUE])?;
        let timestamp = timestamp.flagged(&TIMESTAMP, flags)?;
        let partition = partition.flagged(&PARTITION, flags)?;
        let key_len = self.flagged_length(&KEY, flags, "key_len")?;
        let value_len = self.flagged_length(&VALUE, flags, "value_len")?;
        let header_count = self.number(u32::from_ne_bytes, "header_count")?.value;
        let topic = self.topic()?;
        let timeout = self.timeout()?;
        let record = Record {
            partition,
            timestamp,
            key: self.nullable(key_len)?,
            value: self.nullable(value_len)?,
            headers: &[],
            timeout,
            lent: None,
        };
        for _ in 0..header_count {
            allocate::reserve(headers, 1)?;
            headers.push(self.header()?);
        }
        Ok(FlatRecord { tag, topic, record })
    }

    fn topic(&mut self) -> Result<usize> {
        let Number { at, value, .. } = self.number(u32::from_ne_bytes, "topic")?;
        let index = usize::try_from(value).ok().filter(|&index| index < self.topic_count);
        index.ok_or_else(|| {
            wrong(at, &format!("topic is {value}, and there are {}", counted(self.topic_count, "topic")))
        })
    }

    fn timeout(&mut self) -> Result<Option<Duration>> {
        let Number { at, value, .. } = self.number(i32::from_ne_bytes, "timeout_ms")?;
        match u64::try_from(value) {
            Ok(0) => Ok(None),
            Ok(millis) => Ok(Some(Duration::from_millis(millis))),
            Err(_) => Err(wrong(at, &format!("timeout_ms is {value}: it is at least 0"))),
        }
    }

    fn header(&mut self) -> Result<Header<'a>> {
        let name_len = self.length("name_len")?;
        let flags = self.flags(&[&VALUE])?;
        let value_len = self.flagged_length(&VALUE, flags, "value_len")?;
        Ok(Header { name: self.bytes_of(&name_len)?, value: self.nullable(value_len)? })
    }

    /// The buffer has to end here.
    fn end(&self) -> Result<()> {
        let left = self.buffer.len() - self.at;
        match left {
            0 => Ok(()),
            _ => Err(wrong(self.at, &format!("the records end, and the buffer goes on for {}", counted(left, "byte")))),
        }
    }

    fn flags(&mut self, known: &[&Flagged]) -> Result<u32> {
        let flags = self.number(u32::from_ne_bytes, "flags")?;
        check_flags(flags.value, known, flags.name)
            .map_err(|error| error.with_message(not_flat(flags.at, error.message())))?;
        Ok(flags.value)
    }

    fn length(&mut self, name: &'static str) -> Result<Number<i32>> {
        self.number(i32::from_ne_bytes, name)
    }

    /// `None`: null.
    fn flagged_length(&mut self, member: &Flagged, flags: u32, name: &'static str) -> Result<Option<Number<i32>>> {
        let length = self.length(name)?;
        Ok(length.flagged(member, flags)?.map(|_| length))
    }

    fn nullable(&mut self, length: Option<Number<i32>>) -> Result<Option<&'a [u8]>> {
        length.map(|length| self.bytes_of(&length)).transpose()
    }

    fn bytes_of(&mut self, length: &Number<i32>) -> Result<&'a [u8]> {
        let bytes = usize::try_from(length.value).ok().and_then(|len| self.bytes(len));
        bytes.ok_or_else(|| self.wrong_length(length))
    }

    fn number<const N: usize, T>(&mut self, decode: fn([u8; N]) -> T, name: &'static str) -> Result<Number<T>> {
        let at = self.at;
        let bytes = self.bytes(N).ok_or_else(|| self.cut_short(N))?;
        Ok(Number { at, name, value: decode(bytes.try_into().expect("as long as it was asked to be")) })
    }

    /// The next `len` bytes; `None` if the buffer ends before.
    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let taken = self.buffer[self.at..].get(..len)?;
        self.at += len;
        Some(taken)
    }

    #[cold]
    fn wrong_length(&self, length: &Number<i32>) -> Error {
        let Number { at, name, value } = *length;
        match value {
            0.. => wrong(at, &format!("{name} is {value}, and the buffer ends after {}", self.left())),
            _ => wrong(at, &format!("{name} is {value}: it is at least 0")),
        }
    }

    #[cold]
    fn cut_short(&self, field: usize) -> Error {
        wrong(self.at, &format!("a field of {field} bytes begins, and the buffer ends after {}", self.left()))
    }

    fn left(&self) -> Counted {
        counted(self.buffer.len() - self.at, "byte")
    }
}

/// A number, at which byte it stands, and its name.
struct Number<T> {
    at: usize,
    name: &'static str,
    value: T,
}

impl<T: Copy + Into<i64>> Number<T> {
    fn flagged(&self, member: &Flagged, flags: u32) -> Result<Option<T>> {
        member
            .read(flags, self.value, self.name)
            .map_err(|error| error.with_message(not_flat(self.at, error.message())))
    }
}

#[cold]
fn wrong(at: usize, what: &str) -> Error {
    invalid(not_flat(at, what))
}

fn not_flat(at: usize, what: &str) -> String {
    format!("buffer is not in flat form: at byte {at}, {what}")
}

#[cfg(test)]
mod tests {
    use super::super::record::{OTTLA_RECORD_PARTITION, OTTLA_RECORD_TIMESTAMP};
    use super::*;

    fn head(flags: u32, key: i32, value: i32, headers: u32) -> Vec<u8> {
        let mut bytes = 7u64.to_ne_bytes().to_vec();
        bytes.extend([0; 12]);
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(key.to_ne_bytes());
        bytes.extend(value.to_ne_bytes());
        bytes.extend(headers.to_ne_bytes());
        bytes.extend([0; 8]);
        bytes
    }

    fn flat(bytes: &[u8]) -> Flat<'_> {
        Flat { buffer: bytes, at: 0, topic_count: 2 }
    }

    fn sample() -> Vec<u8> {
        let mut bytes = head(OTTLA_FLAT_VALUE, 0, 2, 2);
        bytes.extend(b"vv");
        for (name, flags, value) in [(1u32, 0, 0u32), (0, OTTLA_FLAT_VALUE, 3)] {
            for number in [name, flags, value] {
                bytes.extend(number.to_ne_bytes());
            }
            bytes.extend(&b"nnn"[..name as usize]);
            bytes.extend(&b"hhh"[..value as usize]);
        }
        bytes
    }

    fn refused(bytes: &[u8]) -> String {
        let refused = flat(bytes).next(&mut Vec::new()).err().expect("refused");
        refused.message().to_owned()
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let bytes = sample();
        let (mut records, mut headers) = (flat(&bytes), Vec::new());
        let one = records.next(&mut headers).unwrap();
        assert_eq!((one.tag, one.topic), (7, 0));
        assert_eq!((one.record.key, one.record.value), (None, Some(&b"vv"[..])));
        assert_eq!(headers, [Header { name: b"n", value: None }, Header { name: b"", value: Some(b"hhh") }]);
        records.end().unwrap();
    }

    #[test]
    fn a_head_of_zeros_asks_for_nothing() {
        let one = flat(&[0; 44]).next(&mut Vec::new()).unwrap();
        assert_eq!((one.tag, one.topic), (0, 0));
        let Record { partition, timestamp, key, value, timeout, .. } = one.record;
        assert_eq!((partition, timestamp, key, value, timeout), (None, None, None, None, None));
    }

    #[test]
    fn a_record_has_a_topic_and_a_timeout_of_its_own() {
        let mut bytes = head(0, 0, 0, 0);
        bytes[36..40].copy_from_slice(&1u32.to_ne_bytes());
        bytes[40..44].copy_from_slice(&250i32.to_ne_bytes());
        let one = flat(&bytes).next(&mut Vec::new()).unwrap();
        assert_eq!((one.topic, one.record.timeout), (1, Some(Duration::from_millis(250))));
        bytes[40..44].copy_from_slice(&(-1i32).to_ne_bytes());
        assert!(refused(&bytes).ends_with("at byte 40, timeout_ms is -1: it is at least 0"), "{}", refused(&bytes));
        bytes[36..40].copy_from_slice(&2u32.to_ne_bytes());
        assert!(refused(&bytes).ends_with("at byte 36, topic is 2, and there are 2 topics"), "{}", refused(&bytes));
    }

    #[test]
    fn a_flag_makes_zero_a_value() {
        let flags = OTTLA_RECORD_PARTITION | OTTLA_RECORD_TIMESTAMP | OTTLA_FLAT_KEY | OTTLA_FLAT_VALUE;
        let bytes = head(flags, 0, 0, 0);
        let Record { partition, timestamp, key, value, .. } = flat(&bytes).next(&mut Vec::new()).unwrap().record;
        assert_eq!((partition, timestamp), (Some(0), Some(0)));
        assert_eq!((key, value), (Some(&b""[..]), Some(&b""[..])));
    }

    #[test]
    fn a_value_without_its_flag_is_refused_at_its_byte_by_the_name_of_the_flag() {
        for (at, flag) in [(8, "RECORD_TIMESTAMP"), (16, "RECORD_PARTITION"), (24, "FLAT_KEY"), (28, "FLAT_VALUE")] {
            let mut bytes = head(0, 0, 0, 0);
            bytes[at..at + 4].fill(0xff);
            let message = refused(&bytes);
            assert!(message.contains(&format!("at byte {at}, ")) && message.contains(flag), "{message}");
        }
        let mut bytes = head(0, 0, 0, 1);
        [0i32, 0, -1].iter().for_each(|number| bytes.extend(number.to_ne_bytes()));
        let message = refused(&bytes);
        assert!(message.contains("at byte 52, value_len is -1") && message.contains("FLAT_VALUE"), "{message}");
        bytes[48] = 1;
        assert!(refused(&bytes).contains("at byte 48, flags is 0x1"), "{}", refused(&bytes));
        assert!(refused(&head(16, 0, 0, 0)).contains("at byte 20, flags is 0x10"));
    }

    #[test]
    fn every_cut_is_noticed() {
        let bytes = sample();
        for len in 0..bytes.len() {
            assert!(flat(&bytes[..len]).next(&mut Vec::new()).is_err(), "{len}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        let mut records = flat(&longer);
        records.next(&mut Vec::new()).unwrap();
        let error = records.end().expect_err("a byte is left");
        assert!(error.message().ends_with("at byte 74, the records end, and the buffer goes on for 1 byte"), "{error}");
    }

    #[test]
    fn a_length_that_cannot_be_is_reported_where_it_stands() {
        let with_header = |name: i32, flags: u32, value: i32| {
            let numbers = [name.to_ne_bytes(), flags.to_ne_bytes(), value.to_ne_bytes()].concat();
            [head(0, 0, 0, 1), numbers, b"n".to_vec()].concat()
        };
        let (key, value) = (OTTLA_FLAT_KEY, OTTLA_FLAT_VALUE);
        let cases = [
            (head(key, -5, 0, 0), "at byte 24, key_len is -5: it is at least 0"),
            (head(key, i32::MIN, 0, 0), "at byte 24, key_len is -2147483648: it is at least 0"),
            (head(key, i32::MAX, 0, 0), "at byte 24, key_len is 2147483647, and the buffer ends after 0 bytes"),
            (head(value, 0, -2, 0), "at byte 28, value_len is -2: it is at least 0"),
            (head(value, 0, 1, 0), "at byte 28, value_len is 1, and the buffer ends after 0 bytes"),
            (head(0, 0, 0, u32::MAX), "at byte 44, a field of 4 bytes begins, and the buffer ends after 0 bytes"),
            (with_header(-1, 0, 0), "at byte 44, name_len is -1: it is at least 0"),
            (with_header(2, 0, 0), "at byte 44, name_len is 2, and the buffer ends after 1 byte"),
            (with_header(1, value, -7), "at byte 52, value_len is -7: it is at least 0"),
        ];
        for (bytes, reason) in cases {
            assert_eq!(refused(&bytes), format!("buffer is not in flat form: {reason}"));
        }
    }
}
