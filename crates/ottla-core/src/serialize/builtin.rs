//! Kafka's serializers. They produce the same bytes as its Java classes.
#![expect(unsafe_code, reason = "each kind reads the C type that was promised for it, in one place")]

use std::ffi::{CStr, c_char, c_void};

use super::{Object, Serialized, Serializer};
use crate::config::{self, Plugin, PluginSettings};

/// The serializer of one kind of object.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn(pub config::Serializer);

/// Bytes in memory: `ottla_bytes` in C.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    pub data: *const c_void,
    pub len: usize,
}

impl Plugin for BuiltIn {
    fn configure(&self, _: &PluginSettings) -> Result<(), String> {
        Ok(())
    }

    fn close(&self) {}
}

impl Serializer for BuiltIn {
    unsafe fn serialize(&self, _: &str, object: Object, out: &mut Serialized) -> Result<(), String> {
        use config::Serializer::*;
        // SAFETY: by this function's contract, the object points to the C type of its kind, and each of these reads
        // that type.
        unsafe {
            match self.0 {
                Bytes => bytes(object, out)?,
                String => out.append(text(&object)?.as_bytes()),
                Short => out.append(&read::<i16>(object).to_be_bytes()),
                Integer => out.append(&read::<i32>(object).to_be_bytes()),
                Long => out.append(&read::<i64>(object).to_be_bytes()),
                // Read as integers of the same bits, so that the payload of a NaN is kept.
                Float => out.append(&read::<u32>(object).to_be_bytes()),
                Double => out.append(&read::<u64>(object).to_be_bytes()),
                Uuid => out.append(&uuid_text(read(object))),
                Boolean => out.append(&[u8::from(read::<u8>(object) != 0)]),
                Void => return Err("the void serializer takes nothing but null".to_owned()),
            }
        }
        Ok(())
    }
}

/// Reads a value of a type without invalid bit patterns.
///
/// # Safety
/// The object points to a T, at any alignment.
unsafe fn read<T: Plain>(object: Object) -> T {
    // SAFETY: by this function's contract.
    unsafe { object.pointer().cast::<T>().read_unaligned() }
}

/// Types for which every bit pattern is a value.
trait Plain: Copy {}

impl Plain for u8 {}
impl Plain for i16 {}
impl Plain for i32 {}
impl Plain for i64 {}
impl Plain for u32 {}
impl Plain for u64 {}
impl Plain for [u8; 16] {}
impl Plain for Bytes {}

/// # Safety
/// The object points to [`Bytes`], and these to `len` readable bytes or to NULL.
unsafe fn bytes(object: Object, out: &mut Serialized) -> Result<(), String> {
    // SAFETY: by this function's contract.
    let Bytes { data, len } = unsafe { read(object) };
    if data.is_null() {
        if len > 0 {
            return Err(format!("data is NULL, but len is {len}: null is NULL with length 0"));
        }
        out.set_null();
        return Ok(());
    }
    if len > isize::MAX as usize {
        return Err(format!("len is {len}: nothing in memory is as long as that"));
    }
    // SAFETY: not NULL, not longer than any object, and readable by this function's contract.
    out.append(unsafe { std::slice::from_raw_parts(data.cast::<u8>(), len) });
    Ok(())
}

/// # Safety
/// The object points to a NUL-terminated string, which does not change while the result is used.
unsafe fn text(object: &Object) -> Result<&str, String> {
    // SAFETY: by this function's contract.
    let text = unsafe { CStr::from_ptr(object.pointer().cast::<c_char>()) };
    text.to_str().map_err(|error| format!("the string is not UTF-8: {error}"))
}

/// The 36 characters that Java writes, like 123e4567-e89b-12d3-a456-426614174000.
fn uuid_text(uuid: [u8; 16]) -> [u8; 36] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'-'; 36];
    let mut at = 0;
    for (index, byte) in uuid.into_iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            at += 1;
        }
        text[at] = DIGITS[usize::from(byte >> 4)];
        text[at + 1] = DIGITS[usize::from(byte & 15)];
        at += 2;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::Serializer as Kind;

    fn made<T>(kind: Kind, from: &T) -> Result<Option<Vec<u8>>, String> {
        let mut out = Serialized::default();
        let object = Object::new(std::ptr::from_ref(from).cast());
        // SAFETY: each test passes what the kind reads.
        unsafe { BuiltIn(kind).serialize("t", object, &mut out)? };
        Ok(out.bytes().map(<[u8]>::to_vec))
    }

    fn bytes_of<T>(kind: Kind, from: &T) -> Vec<u8> {
        made(kind, from).expect("serialized").expect("not null")
    }

    /// The serialized bytes of a value in the notation of the vectors.
    fn of_text(serializer: &str, text: &str) -> Vec<u8> {
        let bits = || u64::from_str_radix(text, 16).expect("bits in hex");
        let whole = || text.parse::<i64>().expect("a number");
        match serializer {
            "short" => bytes_of(Kind::Short, &(whole() as i16)),
            "integer" => bytes_of(Kind::Integer, &(whole() as i32)),
            "long" => bytes_of(Kind::Long, &whole()),
            "float" => bytes_of(Kind::Float, &f32::from_bits(bits() as u32)),
            "double" => bytes_of(Kind::Double, &f64::from_bits(bits())),
            "boolean" => bytes_of(Kind::Boolean, &u8::from(text == "true")),
            "uuid" => {
                let digits = text.replace('-', "");
                bytes_of(Kind::Uuid, &u128::from_str_radix(&digits, 16).expect("hex").to_be_bytes())
            }
            "string" => {
                let text = std::ffi::CString::new(text).expect("no NUL inside");
                let mut out = Serialized::default();
                let object = Object::new(text.as_ptr().cast());
                // SAFETY: a NUL-terminated string that outlives the call.
                unsafe { BuiltIn(Kind::String).serialize("t", object, &mut out) }.expect("serialized");
                out.bytes().expect("not null").to_vec()
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn values_have_the_bytes_that_java_gives_them() {
        let vectors = include_str!("../../tests/vectors/serializers.txt");
        let lines: Vec<&str> = vectors.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines.len(), 42);
        for line in lines {
            let [serializer, text, expected] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let hex: String = of_text(serializer, text).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, expected, "{serializer} {text}");
        }
        assert_eq!(bytes_of(Kind::Boolean, &200u8), [1], "anything that C takes for true");
    }

    #[test]
    fn a_string_is_utf8_without_its_nul() {
        assert_eq!(bytes_of(Kind::String, b"gr\xc3\xbcn\0"), "grün".as_bytes());
        assert_eq!(bytes_of(Kind::String, b"\0"), b"");
        assert!(made(Kind::String, b"\xff\0").is_err_and(|why| why.starts_with("the string is not UTF-8")));
    }

    #[test]
    fn bytes_are_copied_and_may_be_null() {
        let of = |data: &[u8]| Bytes { data: data.as_ptr().cast(), len: data.len() };
        assert_eq!(bytes_of(Kind::Bytes, &of(b"a\0b")), b"a\0b");
        assert_eq!(bytes_of(Kind::Bytes, &of(b"")), b"");
        let null = Bytes { data: std::ptr::null(), len: 0 };
        assert_eq!(made(Kind::Bytes, &null), Ok(None));
        assert!(made(Kind::Bytes, &Bytes { len: 3, ..null }).is_err());
        assert!(made(Kind::Bytes, &Bytes { len: usize::MAX, ..of(b"x") }).is_err());
    }

    #[test]
    fn void_takes_nothing() {
        assert!(made(Kind::Void, &1u8).is_err());
    }
}
