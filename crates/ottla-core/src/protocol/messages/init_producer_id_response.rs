// Written by scripts/messages/generate.py from Kafka's message schemas; edit that instead.

use crate::Result;
use crate::protocol::api::VersionRange;
use crate::protocol::wire::{Form, Reader};

const VERSIONS: VersionRange = VersionRange::new(0, 5);
const FLEXIBLE_SINCE: i16 = 2;

/// InitProducerIdResponse, versions 0 to 5, flexible from 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitProducerIdResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub producer_id: i64,
    pub producer_epoch: i16,
}

impl Default for InitProducerIdResponse {
    fn default() -> Self {
        InitProducerIdResponse { throttle_time_ms: 0, error_code: 0, producer_id: -1, producer_epoch: 0 }
    }
}

impl InitProducerIdResponse {
    pub const VERSIONS: VersionRange = VERSIONS;
    pub const FLEXIBLE_SINCE: i16 = FLEXIBLE_SINCE;

    pub fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self> {
        debug_assert!(VERSIONS.contains(version));
        let form = Form::of(version, FLEXIBLE_SINCE);
        let message = InitProducerIdResponse {
            throttle_time_ms: reader.i32("InitProducerIdResponse.throttle_time_ms")?,
            error_code: reader.i16("InitProducerIdResponse.error_code")?,
            producer_id: reader.i64("InitProducerIdResponse.producer_id")?,
            producer_epoch: reader.i16("InitProducerIdResponse.producer_epoch")?,
        };
        reader.skip_tagged_fields(form, "InitProducerIdResponse.tagged_fields")?;
        Ok(message)
    }
}
