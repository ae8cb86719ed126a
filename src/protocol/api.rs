//! The requests we speak, in which versions, and what a broker speaks.

use super::messages::api_versions::ApiVersionsResponse;
use crate::error::{Error, ErrorKind, Result};

/// A request type, by Kafka's number and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i16)]
pub enum ApiKey {
    Produce = 0,
    Metadata = 3,
    ApiVersions = 18,
    InitProducerId = 22,
}

/// Versions from `min` to `max`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionRange {
    pub min: i16,
    pub max: i16,
}

impl ApiKey {
    pub const ALL: [ApiKey; 4] = [ApiKey::Produce, ApiKey::Metadata, ApiKey::ApiVersions, ApiKey::InitProducerId];

    pub fn code(self) -> i16 {
        self as i16
    }

    pub fn name(self) -> &'static str {
        match self {
            ApiKey::Produce => "Produce",
            ApiKey::Metadata => "Metadata",
            ApiKey::ApiVersions => "ApiVersions",
            ApiKey::InitProducerId => "InitProducerId",
        }
    }

    /// What we speak. The lowest versions are those of Kafka 2.1 brokers and of what batches in format 2 need.
    pub fn versions(self) -> VersionRange {
        let (min, max) = match self {
            ApiKey::Produce => (3, 13),
            ApiKey::Metadata => (4, 13),
            ApiKey::ApiVersions => (0, 4),
            ApiKey::InitProducerId => (0, 5),
        };
        VersionRange { min, max }
    }

    pub fn max_version(self) -> i16 {
        self.versions().max
    }

    /// From this version on, lengths are compact and there are tagged fields (KIP-482).
    pub fn is_flexible(self, version: i16) -> bool {
        version
            >= match self {
                ApiKey::Produce | ApiKey::Metadata => 9,
                ApiKey::ApiVersions => 3,
                ApiKey::InitProducerId => 2,
            }
    }

    fn index(self) -> usize {
        match self {
            ApiKey::Produce => 0,
            ApiKey::Metadata => 1,
            ApiKey::ApiVersions => 2,
            ApiKey::InitProducerId => 3,
        }
    }
}

/// What one broker speaks, of what we need.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApiVersions {
    ranges: [Option<VersionRange>; ApiKey::ALL.len()],
}

impl Default for VersionRange {
    fn default() -> Self {
        VersionRange { min: 0, max: -1 }
    }
}

impl ApiVersions {
    pub fn from_response(response: &ApiVersionsResponse) -> Self {
        let mut versions = ApiVersions::default();
        for api in ApiKey::ALL {
            let theirs = response.api_keys.iter().find(|theirs| theirs.api_key == api.code());
            versions.ranges[api.index()] =
                theirs.map(|theirs| VersionRange { min: theirs.min_version, max: theirs.max_version });
        }
        versions
    }

    /// The newest version that both sides speak.
    pub fn pick(&self, api: ApiKey) -> Result<i16> {
        let ours = api.versions();
        let version = self.ranges[api.index()].map(|theirs| (theirs.min.max(ours.min), theirs.max.min(ours.max)));
        if let Some((min, max)) = version
            && min <= max
        {
            return Ok(max);
        }
        let theirs = self.ranges[api.index()]
            .map_or_else(|| "does not offer it".to_string(), |r| format!("speaks {} to {}", r.min, r.max));
        Err(Error::new(
            ErrorKind::UnsupportedBroker,
            format!(
                "no common version of {}: we speak {} to {}, the broker {theirs}; Ottla needs Kafka 2.1 or later",
                api.name(),
                ours.min,
                ours.max
            ),
        ))
    }
}
