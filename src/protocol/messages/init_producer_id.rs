//! InitProducerId, versions 0 to 5.

use crate::error::Result;
use crate::protocol::{ApiKey, Reader, Writer};

#[derive(Clone, Debug, Default)]
pub struct InitProducerIdRequest {
    pub transactional_id: Option<String>,
    pub transaction_timeout_ms: i32,
    pub producer_id: i64,
    pub producer_epoch: i16,
}

impl InitProducerIdRequest {
    pub fn encode(&self, version: i16, out: &mut Vec<u8>) {
        let compact = ApiKey::InitProducerId.is_flexible(version);
        let mut writer = Writer(out);
        writer.nullable_string(compact, self.transactional_id.as_deref());
        writer.i32(self.transaction_timeout_ms);
        if version >= 3 {
            writer.i64(self.producer_id);
            writer.i16(self.producer_epoch);
        }
        if compact {
            writer.no_tagged_fields();
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InitProducerIdResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub producer_id: i64,
    pub producer_epoch: i16,
}

impl InitProducerIdResponse {
    pub fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self> {
        let response = InitProducerIdResponse {
            throttle_time_ms: reader.i32("throttle_time_ms")?,
            error_code: reader.i16("error_code")?,
            producer_id: reader.i64("producer_id")?,
            producer_epoch: reader.i16("producer_epoch")?,
        };
        if ApiKey::InitProducerId.is_flexible(version) {
            reader.skip_tagged_fields()?;
        }
        Ok(response)
    }
}
