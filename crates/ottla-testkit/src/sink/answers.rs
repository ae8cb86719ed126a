//! Turns one request into one response.

use std::sync::atomic::Ordering::Relaxed;

use super::wire::{Malformed, Reader, Result, Writer};
use super::{Shared, SinkCounters, produce};
use ottla_mock::codes::{UNKNOWN_TOPIC_ID, UNSUPPORTED_VERSION};

const PRODUCE: i16 = 0;
const METADATA: i16 = 3;
const API_VERSIONS: i16 = 18;
const INIT_PRODUCER_ID: i16 = 22;

/// For each API: key, lowest version, highest version, first flexible version.
const APIS: [(i16, i16, i16, i16); 4] =
    [(PRODUCE, 3, 13, 9), (METADATA, 4, 13, 9), (API_VERSIONS, 0, 4, 3), (INIT_PRODUCER_ID, 0, 5, 2)];

/// Listed but not served: librdkafka assumes that a broker without Fetch 4 does not know record batches, and that one
/// without FindCoordinator cannot read lz4.
const LISTED: [(i16, i16, i16, i16); 2] = [(1, 4, 18, 12), (10, 0, 6, 3)];

/// Appends the response to `frame` (a request without its length) to `out`, preceded by its length. For acks 0, appends
/// nothing.
pub(super) fn answer(frame: &[u8], shared: &Shared, seen: &mut SinkCounters, out: &mut Vec<u8>) -> Result<()> {
    seen.requests += 1;
    let mut request = Reader(frame);
    let (key, version, correlation) = (request.i16()?, request.i16()?, request.i32()?);
    let &(_, min, max, first_flexible) = APIS.iter().find(|api| api.0 == key).ok_or(Malformed)?;

    let start = out.len();
    out.i32(0); // length, filled in at the end
    out.i32(correlation);
    if !(min..=max).contains(&version) {
        if key != API_VERSIONS {
            return Err(Malformed);
        }
        api_versions(UNSUPPORTED_VERSION, 0, shared, out);
        close_frame(start, out);
        return Ok(());
    }
    let flexible = version >= first_flexible;
    request.string(false)?; // client id, never compact
    request.skip_tags(flexible)?;
    if key != API_VERSIONS {
        out.no_tags(flexible); // responses to ApiVersions keep the oldest header
    }
    let wanted = match key {
        PRODUCE => produce::answer(request, version, shared, seen, out)?,
        METADATA => metadata(request, version, shared, out).map(|()| true)?,
        API_VERSIONS => {
            api_versions(0, version, shared, out);
            true
        }
        _ => {
            init_producer_id(version, shared, out);
            true
        }
    };
    if wanted {
        close_frame(start, out);
    } else {
        out.truncate(start);
    }
    Ok(())
}

fn close_frame(start: usize, out: &mut [u8]) {
    let length = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

fn api_versions(error: i16, version: i16, shared: &Shared, out: &mut Vec<u8>) {
    let flexible = version >= 3;
    out.i16(error);
    let listed = APIS.iter().chain(&LISTED).filter(|api| error == 0 || api.0 == API_VERSIONS);
    out.length(listed.clone().count(), flexible);
    for &(key, min, max, _) in listed {
        out.i16(key);
        // librdkafka compresses only if Produce begins at 0, so Kafka lists that too (KAFKA-18659).
        out.i16(if key == PRODUCE { 0 } else { min });
        out.i16(max);
        out.no_tags(flexible);
    }
    if version >= 1 {
        out.i32(shared.options.throttle_ms);
    }
    out.no_tags(flexible);
}

fn init_producer_id(version: i16, shared: &Shared, out: &mut Vec<u8>) {
    out.i32(shared.options.throttle_ms);
    out.i16(0);
    out.i64(shared.next_producer_id.fetch_add(1, Relaxed));
    out.i16(0);
    out.no_tags(version >= 2);
}

fn metadata(mut request: Reader<'_>, version: i16, shared: &Shared, out: &mut Vec<u8>) -> Result<()> {
    let flexible = version >= 9;
    out.i32(shared.options.throttle_ms);
    out.length(shared.addrs.len(), flexible);
    for (index, addr) in shared.addrs.iter().enumerate() {
        out.i32(index as i32 + 1);
        out.string(addr.ip().to_string().as_bytes(), flexible);
        out.i32(i32::from(addr.port()));
        out.null_string(flexible); // rack
        out.no_tags(flexible);
    }
    out.string(b"sink", flexible);
    out.i32(1); // controller
    let mut topics = shared.topics();
    let Some(count) = request.length(flexible)? else {
        out.length(topics.len(), flexible);
        for index in 0..topics.len() {
            out.put(topics.metadata(index, version));
        }
        end_metadata(version, out);
        return Ok(());
    };
    out.length(count, flexible);
    for _ in 0..count {
        let id = if version >= 10 { request.array::<16>()? } else { [0; 16] };
        let name = request.string(flexible)?;
        request.skip_tags(flexible)?;
        let topic = match name {
            Some(name) => Some(topics.named(name)),
            None => topics.with_id(&id),
        };
        match topic {
            Some(index) => out.put(topics.metadata(index, version)),
            None => unknown_id(&id, version, out),
        }
    }
    end_metadata(version, out);
    Ok(())
}

fn unknown_id(id: &[u8; 16], version: i16, out: &mut Vec<u8>) {
    out.i16(UNKNOWN_TOPIC_ID);
    if version >= 12 {
        out.null_string(true);
    } else {
        out.string(b"", true);
    }
    out.put(id);
    out.i8(0);
    out.length(0, true);
    out.i32(i32::MIN);
    out.no_tags(true);
}

fn end_metadata(version: i16, out: &mut Vec<u8>) {
    if (8..=10).contains(&version) {
        out.i32(i32::MIN); // the cluster's authorized operations: not requested
    }
    if version >= 13 {
        out.i16(0);
    }
    out.no_tags(version >= 9);
}
