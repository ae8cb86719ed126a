//! ApiVersions, versions 0 to 4.

use crate::error::Result;
use crate::protocol::{ApiKey, Reader, Writer};

#[derive(Clone, Debug, Default)]
pub struct ApiVersionsRequest {
    pub client_software_name: String,
    pub client_software_version: String,
}

impl ApiVersionsRequest {
    pub fn encode(&self, version: i16, out: &mut Vec<u8>) {
        let mut writer = Writer(out);
        if version >= 3 {
            writer.string(true, &self.client_software_name);
            writer.string(true, &self.client_software_version);
            writer.no_tagged_fields();
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiVersionsResponse {
    pub error_code: i16,
    pub api_keys: Vec<ApiVersion>,
    pub throttle_time_ms: i32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApiVersion {
    pub api_key: i16,
    pub min_version: i16,
    pub max_version: i16,
}

impl ApiVersionsResponse {
    pub fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self> {
        let compact = ApiKey::ApiVersions.is_flexible(version);
        let mut response = ApiVersionsResponse { error_code: reader.i16("error_code")?, ..Default::default() };
        for _ in 0..reader.array_len(compact, "api_keys")?.unwrap_or(0) {
            response.api_keys.push(ApiVersion {
                api_key: reader.i16("api_key")?,
                min_version: reader.i16("min_version")?,
                max_version: reader.i16("max_version")?,
            });
            if compact {
                reader.skip_tagged_fields()?;
            }
        }
        if version >= 1 {
            response.throttle_time_ms = reader.i32("throttle_time_ms")?;
        }
        if compact {
            reader.skip_tagged_fields()?;
        }
        Ok(response)
    }
}
