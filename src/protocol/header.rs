//! What frames have in common: their length, correlation id and client id.

use super::{ApiKey, Reader, Writer};
use crate::error::Result;

/// Begins a request: room for its length, then its header.
pub fn begin_request(out: &mut Vec<u8>, api: ApiKey, version: i16, correlation_id: i32, client_id: &str) {
    let mut writer = Writer(out);
    writer.i32(0);
    writer.i16(api.code());
    writer.i16(version);
    writer.i32(correlation_id);
    // Not compact in any version: a broker must be able to read the header of a version it does not know.
    writer.nullable_string(false, Some(client_id));
    if api.is_flexible(version) {
        writer.no_tagged_fields();
    }
}

/// Ends a request that is followed, somewhere inside, by `elsewhere` bytes which are not in `out`.
pub fn end_request(out: &mut [u8], elsewhere: usize) {
    let len = (out.len() - 4 + elsewhere) as i32;
    out[..4].copy_from_slice(&len.to_be_bytes());
}

/// Reads a response's header, leaving the reader at its body.
pub fn read_response(frame: &[u8], api: ApiKey, version: i16, correlation_id: i32) -> Result<Reader<'_>> {
    let mut reader = Reader::new(frame);
    let theirs = reader.i32("correlation_id")?;
    if theirs != correlation_id {
        let what = format!("{theirs}, but the oldest request without an answer has {correlation_id}");
        return Err(reader.error("correlation_id", &what));
    }
    // The answer to ApiVersions has the old header, so that any client can read it.
    if api.is_flexible(version) && api != ApiKey::ApiVersions {
        reader.skip_tagged_fields()?;
    }
    Ok(reader)
}

/// The id after `id`. Those that Kafka reserves for SASL (2147483640 and above) are left out.
pub fn next_correlation_id(id: i32) -> i32 {
    if id >= 2_147_483_639 { 0 } else { id + 1 }
}
