//! Frames and the headers of requests and responses.

use super::api::ApiKey;
use super::wire::{Form, Reader, Writer};
use crate::text::counted;
use crate::{Error, ErrorKind, Result};

/// Where a frame begins in a buffer; see [`begin_frame`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a frame needs its length"]
pub struct FrameStart(usize);

/// Appends the room for a frame's length and the header of a request: v2 for flexible versions, v1 for others. The body
/// follows, then [`end_frame`].
pub fn begin_frame(
    out: &mut Vec<u8>,
    api: ApiKey,
    version: i16,
    correlation_id: i32,
    client_id: Option<&str>,
) -> FrameStart {
    let start = FrameStart(out.len());
    let mut writer = Writer::new(out);
    writer.i32(0);
    writer.i16(api as i16);
    writer.i16(version);
    writer.i32(correlation_id);
    // Classic even in v2, so that any broker can read the header of any ApiVersions request.
    writer.nullable_string(Form::Classic, client_id);
    writer.no_tagged_fields(api.form(version));
    start
}

/// Writes the frame's length: what was appended since [`begin_frame`], and `extra_bytes` that are sent in between but
/// are not in `out`.
///
/// Fails for frames beyond `i32::MAX` bytes; `max.request.size` keeps requests far below that.
pub fn end_frame(out: &mut [u8], start: FrameStart, extra_bytes: usize) -> Result<()> {
    let body = start.0 + 4;
    let len = (out.len() - body).saturating_add(extra_bytes);
    let Ok(len) = i32::try_from(len) else {
        return Err(Error::new(
            ErrorKind::Internal,
            format!("a request of {} does not fit into a frame", counted(len, "byte")),
        ));
    };
    out[start.0..body].copy_from_slice(&len.to_be_bytes());
    Ok(())
}

/// Reads a frame's length. `None` until its four bytes are there.
pub fn frame_len(bytes: &[u8], max: usize) -> Result<Option<usize>> {
    let Some(prefix) = bytes.first_chunk() else { return Ok(None) };
    let len = i32::from_be_bytes(*prefix);
    match usize::try_from(len) {
        Ok(len) if len <= max => Ok(Some(len)),
        _ => Err(Error::new(
            ErrorKind::BadResponse,
            format!("a frame of {}; from 0 to {max} are accepted", counted(len, "byte")),
        )),
    }
}

/// Reads the correlation id, with which every response header begins.
pub fn read_correlation_id(reader: &mut Reader<'_>) -> Result<i32> {
    reader.i32("ResponseHeader.correlation_id")
}

/// Reads the rest of a response header. The correlation id tells to which request it belongs.
pub fn finish_response_header(reader: &mut Reader<'_>, api: ApiKey, version: i16) -> Result<()> {
    // The header of ApiVersions responses is never flexible: a client that asked for a version unknown to the broker
    // must still find the body.
    let form = if api == ApiKey::ApiVersions { Form::Classic } else { api.form(version) };
    reader.skip_tagged_fields(form, "ResponseHeader.tagged_fields")
}

/// Numbers the requests of a connection. Skips the last eight positive numbers, which Kafka reserves for SASL.
#[derive(Clone, Debug, Default)]
pub struct CorrelationIds {
    next: i32,
}

impl CorrelationIds {
    const FIRST_RESERVED: i32 = i32::MAX - 7;

    pub fn take(&mut self) -> i32 {
        let id = self.next;
        self.next = if id + 1 == Self::FIRST_RESERVED { 0 } else { id + 1 };
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_frame_has_kafkas_bytes() {
        let mut out = vec![0xee];
        let start = begin_frame(&mut out, ApiKey::Metadata, 8, 7, Some("me"));
        out.push(0x55);
        end_frame(&mut out, start, 0).unwrap();
        assert_eq!(out, [0xee, 0, 0, 0, 13, 0, 3, 0, 8, 0, 0, 0, 7, 0, 2, b'm', b'e', 0x55]);

        let mut out = Vec::new();
        let start = begin_frame(&mut out, ApiKey::Metadata, 9, 7, None);
        end_frame(&mut out, start, 1000).unwrap();
        assert_eq!(out, [0, 0, 3, 243, 0, 3, 0, 9, 0, 0, 0, 7, 0xff, 0xff, 0]);
        assert_eq!(end_frame(&mut out, start, i32::MAX as usize).unwrap_err().kind(), ErrorKind::Internal);
    }

    #[test]
    fn frame_lengths_are_bounded() {
        assert_eq!(frame_len(&[0, 0, 1], 10).unwrap(), None);
        assert_eq!(frame_len(&[0, 0, 0, 10, 9], 10).unwrap(), Some(10));
        assert_eq!(frame_len(&[0, 0, 0, 11], 10).unwrap_err().kind(), ErrorKind::BadResponse);
        assert_eq!(frame_len(&[0xff, 0, 0, 11], 10).unwrap_err().kind(), ErrorKind::BadResponse);
    }

    #[test]
    fn response_headers_are_flexible_but_for_api_versions() {
        for (api, version, header) in [
            (ApiKey::Metadata, 8, &[0, 0, 0, 3][..]),
            (ApiKey::Metadata, 9, &[0, 0, 0, 3, 1, 0, 1, 0xff][..]),
            (ApiKey::ApiVersions, 4, &[0, 0, 0, 3][..]),
        ] {
            let mut reader = Reader::new(header);
            assert_eq!(read_correlation_id(&mut reader).unwrap(), 3);
            finish_response_header(&mut reader, api, version).unwrap();
            reader.finish("header").unwrap();
        }
    }

    #[test]
    fn correlation_ids_leave_out_what_sasl_uses() {
        let mut ids = CorrelationIds { next: 2147483638 };
        assert_eq!([ids.take(), ids.take(), ids.take(), ids.take()], [2147483638, 2147483639, 0, 1]);
    }
}
