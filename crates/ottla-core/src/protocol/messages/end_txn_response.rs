// Written by scripts/messages/generate.py from Kafka's message schemas; edit that instead.

use crate::Result;
use crate::protocol::api::VersionRange;
use crate::protocol::wire::{Form, Reader};

const VERSIONS: VersionRange = VersionRange::new(0, 5);
const FLEXIBLE_SINCE: i16 = 3;

/// EndTxnResponse, versions 0 to 5, flexible from 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndTxnResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub producer_id: i64,
    pub producer_epoch: i16,
}

impl Default for EndTxnResponse {
    fn default() -> Self {
        EndTxnResponse { throttle_time_ms: 0, error_code: 0, producer_id: -1, producer_epoch: -1 }
    }
}

impl EndTxnResponse {
    pub const VERSIONS: VersionRange = VERSIONS;
    pub const FLEXIBLE_SINCE: i16 = FLEXIBLE_SINCE;

    pub fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self> {
        debug_assert!(VERSIONS.contains(version));
        let form = Form::of(version, FLEXIBLE_SINCE);
        let message = EndTxnResponse {
            throttle_time_ms: reader.i32("EndTxnResponse.throttle_time_ms")?,
            error_code: reader.i16("EndTxnResponse.error_code")?,
            producer_id: if version >= 5 { reader.i64("EndTxnResponse.producer_id")? } else { -1 },
            producer_epoch: if version >= 5 { reader.i16("EndTxnResponse.producer_epoch")? } else { -1 },
        };
        reader.skip_tagged_fields(form, "EndTxnResponse.tagged_fields")?;
        Ok(message)
    }
}
