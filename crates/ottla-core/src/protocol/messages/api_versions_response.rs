// Written by scripts/messages/generate.py from Kafka's message schemas; edit that instead.

use crate::Result;
use crate::protocol::api::VersionRange;
use crate::protocol::wire::{Form, Reader};

const VERSIONS: VersionRange = VersionRange::new(0, 4);
const FLEXIBLE_SINCE: i16 = 3;

/// ApiVersionsResponse, versions 0 to 4, flexible from 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiVersionsResponse<'a> {
    pub error_code: i16,
    pub api_keys: Vec<ApiVersion>,
    pub throttle_time_ms: i32,
    pub supported_features: Vec<SupportedFeatureKey<'a>>,
    pub finalized_features_epoch: i64,
    pub finalized_features: Vec<FinalizedFeatureKey<'a>>,
    pub zk_migration_ready: bool,
}

impl Default for ApiVersionsResponse<'_> {
    fn default() -> Self {
        ApiVersionsResponse {
            error_code: 0,
            api_keys: Vec::new(),
            throttle_time_ms: 0,
            supported_features: Vec::new(),
            finalized_features_epoch: -1,
            finalized_features: Vec::new(),
            zk_migration_ready: false,
        }
    }
}

impl<'a> ApiVersionsResponse<'a> {
    pub const VERSIONS: VersionRange = VERSIONS;
    pub const FLEXIBLE_SINCE: i16 = FLEXIBLE_SINCE;

    pub fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self> {
        debug_assert!(VERSIONS.contains(version));
        let form = Form::of(version, FLEXIBLE_SINCE);
        let mut message = ApiVersionsResponse {
            error_code: reader.i16("ApiVersionsResponse.error_code")?,
            api_keys: reader
                .array(form, 6, "ApiVersionsResponse.api_keys", |reader| ApiVersion::decode(reader, version))?,
            throttle_time_ms: if version >= 1 { reader.i32("ApiVersionsResponse.throttle_time_ms")? } else { 0 },
            supported_features: Vec::new(),
            finalized_features_epoch: -1,
            finalized_features: Vec::new(),
            zk_migration_ready: false,
        };
        if form.is_flexible() {
            reader.tagged_fields("ApiVersionsResponse.tagged_fields", |tag, reader| {
                match tag {
                    0 => {
                        message.supported_features =
                            reader.array(form, 6, "ApiVersionsResponse.supported_features", |reader| {
                                SupportedFeatureKey::decode(reader, version)
                            })?
                    }
                    1 => {
                        message.finalized_features_epoch = reader.i64("ApiVersionsResponse.finalized_features_epoch")?
                    }
                    2 => {
                        message.finalized_features =
                            reader.array(form, 6, "ApiVersionsResponse.finalized_features", |reader| {
                                FinalizedFeatureKey::decode(reader, version)
                            })?
                    }
                    3 => message.zk_migration_ready = reader.bool("ApiVersionsResponse.zk_migration_ready")?,
                    _ => {}
                }
                Ok(())
            })?;
        }
        Ok(message)
    }
}

/// Part of [`ApiVersionsResponse`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiVersion {
    pub api_key: i16,
    pub min_version: i16,
    pub max_version: i16,
}

impl ApiVersion {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self> {
        let form = Form::of(version, FLEXIBLE_SINCE);
        let message = ApiVersion {
            api_key: reader.i16("ApiVersion.api_key")?,
            min_version: reader.i16("ApiVersion.min_version")?,
            max_version: reader.i16("ApiVersion.max_version")?,
        };
        reader.skip_tagged_fields(form, "ApiVersion.tagged_fields")?;
        Ok(message)
    }
}

/// Part of [`ApiVersionsResponse`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SupportedFeatureKey<'a> {
    pub name: &'a str,
    pub min_version: i16,
    pub max_version: i16,
}

impl<'a> SupportedFeatureKey<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self> {
        let form = Form::of(version, FLEXIBLE_SINCE);
        let message = SupportedFeatureKey {
            name: reader.string(form, "SupportedFeatureKey.name")?,
            min_version: reader.i16("SupportedFeatureKey.min_version")?,
            max_version: reader.i16("SupportedFeatureKey.max_version")?,
        };
        reader.skip_tagged_fields(form, "SupportedFeatureKey.tagged_fields")?;
        Ok(message)
    }
}

/// Part of [`ApiVersionsResponse`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FinalizedFeatureKey<'a> {
    pub name: &'a str,
    pub max_version_level: i16,
    pub min_version_level: i16,
}

impl<'a> FinalizedFeatureKey<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self> {
        let form = Form::of(version, FLEXIBLE_SINCE);
        let message = FinalizedFeatureKey {
            name: reader.string(form, "FinalizedFeatureKey.name")?,
            max_version_level: reader.i16("FinalizedFeatureKey.max_version_level")?,
            min_version_level: reader.i16("FinalizedFeatureKey.min_version_level")?,
        };
        reader.skip_tagged_fields(form, "FinalizedFeatureKey.tagged_fields")?;
        Ok(message)
    }
}
