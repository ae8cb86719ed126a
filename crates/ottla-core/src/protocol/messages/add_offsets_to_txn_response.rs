// Written by scripts/messages/generate.py from Kafka's message schemas; edit that instead.

use crate::Result;
use crate::protocol::api::VersionRange;
use crate::protocol::wire::{Form, Reader};

const VERSIONS: VersionRange = VersionRange::new(0, 4);
const FLEXIBLE_SINCE: i16 = 3;

/// AddOffsetsToTxnResponse, versions 0 to 4, flexible from 3.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddOffsetsToTxnResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
}

impl AddOffsetsToTxnResponse {
    pub const VERSIONS: VersionRange = VERSIONS;
    pub const FLEXIBLE_SINCE: i16 = FLEXIBLE_SINCE;

    pub fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self> {
        debug_assert!(VERSIONS.contains(version));
        let form = Form::of(version, FLEXIBLE_SINCE);
        let message = AddOffsetsToTxnResponse {
            throttle_time_ms: reader.i32("AddOffsetsToTxnResponse.throttle_time_ms")?,
            error_code: reader.i16("AddOffsetsToTxnResponse.error_code")?,
        };
        reader.skip_tagged_fields(form, "AddOffsetsToTxnResponse.tagged_fields")?;
        Ok(message)
    }
}
