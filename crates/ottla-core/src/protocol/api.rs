//! The requests that this release can make, and the versions that it has in common with a broker.

use super::messages::{ApiVersionsResponse, FinalizedFeatureKey};
use super::wire::{Form, Reader};
use crate::error::{Error, ErrorCode, ErrorKind, Result};

/// The number of a request type in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i16)]
pub enum ApiKey {
    Produce = 0,
    Metadata = 3,
    FindCoordinator = 10,
    SaslHandshake = 17,
    ApiVersions = 18,
    InitProducerId = 22,
    AddPartitionsToTxn = 24,
    AddOffsetsToTxn = 25,
    EndTxn = 26,
    TxnOffsetCommit = 28,
    SaslAuthenticate = 36,
    GetTelemetrySubscriptions = 71,
    PushTelemetry = 72,
}

/// The versions from `min` to `max`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionRange {
    pub min: i16,
    pub max: i16,
}

impl VersionRange {
    pub const fn new(min: i16, max: i16) -> Self {
        VersionRange { min, max }
    }

    pub fn contains(self, version: i16) -> bool {
        (self.min..=self.max).contains(&version)
    }
}

impl std::fmt::Display for VersionRange {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} to {}", self.min, self.max)
    }
}

impl ApiKey {
    pub const ALL: [ApiKey; 13] = [
        ApiKey::Produce,
        ApiKey::Metadata,
        ApiKey::FindCoordinator,
        ApiKey::SaslHandshake,
        ApiKey::ApiVersions,
        ApiKey::InitProducerId,
        ApiKey::AddPartitionsToTxn,
        ApiKey::AddOffsetsToTxn,
        ApiKey::EndTxn,
        ApiKey::TxnOffsetCommit,
        ApiKey::SaslAuthenticate,
        ApiKey::GetTelemetrySubscriptions,
        ApiKey::PushTelemetry,
    ];

    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|&api| api as i16 == code)
    }

    /// The versions that this release supports. AddPartitionsToTxn ends at 3: later ones are for requests between
    /// brokers.
    pub fn versions(self) -> VersionRange {
        match self {
            ApiKey::Produce => VersionRange::new(3, 13),
            ApiKey::Metadata => VersionRange::new(4, 13),
            ApiKey::FindCoordinator => VersionRange::new(0, 6),
            ApiKey::SaslHandshake => VersionRange::new(0, 1),
            ApiKey::ApiVersions => VersionRange::new(0, 4),
            ApiKey::InitProducerId => VersionRange::new(0, 5),
            ApiKey::AddPartitionsToTxn => VersionRange::new(0, 3),
            ApiKey::AddOffsetsToTxn => VersionRange::new(0, 4),
            ApiKey::EndTxn => VersionRange::new(0, 5),
            ApiKey::TxnOffsetCommit => VersionRange::new(0, 5),
            ApiKey::SaslAuthenticate => VersionRange::new(0, 2),
            ApiKey::GetTelemetrySubscriptions | ApiKey::PushTelemetry => VersionRange::new(0, 0),
        }
    }

    /// The first flexible version (KIP-482).
    pub fn flexible_since(self) -> i16 {
        match self {
            ApiKey::Produce | ApiKey::Metadata => 9,
            ApiKey::SaslHandshake => i16::MAX,
            ApiKey::InitProducerId | ApiKey::SaslAuthenticate => 2,
            ApiKey::GetTelemetrySubscriptions | ApiKey::PushTelemetry => 0,
            ApiKey::FindCoordinator
            | ApiKey::ApiVersions
            | ApiKey::AddPartitionsToTxn
            | ApiKey::AddOffsetsToTxn
            | ApiKey::EndTxn
            | ApiKey::TxnOffsetCommit => 3,
        }
    }

    pub fn form(self, version: i16) -> Form {
        Form::of(version, self.flexible_since())
    }

    fn index(self) -> usize {
        Self::ALL.into_iter().position(|api| api == self).expect("ALL has every key")
    }
}

/// What a broker reported in its ApiVersions response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiVersions {
    offered: [Option<VersionRange>; ApiKey::ALL.len()],
    /// The epoch of the finalized features; -1 if the broker did not report it. Of two brokers, the one with the higher
    /// epoch has the newer features.
    pub finalized_features_epoch: i64,
    /// The finalized level of `transaction.version`; 0 if the broker did not report it.
    pub transaction_version: i16,
}

impl ApiVersions {
    pub fn from_response(response: &ApiVersionsResponse<'_>) -> Self {
        let mut offered = [None; ApiKey::ALL.len()];
        for range in &response.api_keys {
            if let Some(api) = ApiKey::from_code(range.api_key) {
                offered[api.index()] = Some(VersionRange::new(range.min_version, range.max_version));
            }
        }
        let known = response.finalized_features_epoch >= 0;
        let level = |feature: &FinalizedFeatureKey<'_>| {
            (feature.name == "transaction.version").then_some(feature.max_version_level)
        };
        ApiVersions {
            offered,
            finalized_features_epoch: response.finalized_features_epoch,
            transaction_version: response.finalized_features.iter().filter(|_| known).find_map(level).unwrap_or(0),
        }
    }

    /// The versions that the broker offers, including those that this release does not support.
    pub fn offered(&self, api: ApiKey) -> Option<VersionRange> {
        self.offered[api.index()]
    }

    /// The highest common version.
    pub fn pick_version(&self, api: ApiKey) -> Result<i16> {
        self.pick_up_to(api, i16::MAX)
    }

    /// The highest common version up to `limit`. (A producer in a transaction of the first protocol generation must not
    /// use Produce above 11, whatever the broker offers.)
    pub fn pick_up_to(&self, api: ApiKey, limit: i16) -> Result<i16> {
        let mut ours = api.versions();
        ours.max = ours.max.min(limit);
        let Some(theirs) = self.offered(api) else {
            return Err(unsupported(format!("the broker does not offer {api:?}; needed is a version from {ours}")));
        };
        let version = ours.max.min(theirs.max);
        if !ours.contains(version) || !theirs.contains(version) {
            return Err(unsupported(format!(
                "no common version of {api:?}: needed is one from {ours}, the broker offers {theirs}"
            )));
        }
        Ok(version)
    }
}

fn unsupported(message: String) -> Error {
    Error::new(ErrorKind::UnsupportedBroker, message)
}

/// Reads the response to an ApiVersions request of `version`. A broker that does not know the version answers
/// UNSUPPORTED_VERSION in the format of version 0, with the versions that it knows.
pub fn read_api_versions<'a>(reader: &mut Reader<'a>, version: i16) -> Result<ApiVersionsResponse<'a>> {
    let error_code = reader.clone().i16("ApiVersionsResponse.error_code")?;
    let version = if error_code == ErrorCode::UNSUPPORTED_VERSION { 0 } else { version };
    ApiVersionsResponse::decode(reader, version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::messages::*;

    fn broker(ranges: &[(i16, i16, i16)]) -> ApiVersions {
        let api_keys = ranges
            .iter()
            .map(|&(api_key, min_version, max_version)| ApiVersion { api_key, min_version, max_version })
            .collect();
        ApiVersions::from_response(&ApiVersionsResponse { api_keys, ..Default::default() })
    }

    #[test]
    fn the_table_agrees_with_the_generated_messages() {
        for (api, versions, flexible_since) in [
            (ApiKey::ApiVersions, ApiVersionsRequest::VERSIONS, ApiVersionsRequest::FLEXIBLE_SINCE),
            (ApiKey::ApiVersions, ApiVersionsResponse::VERSIONS, ApiVersionsResponse::FLEXIBLE_SINCE),
            (ApiKey::Metadata, MetadataRequest::VERSIONS, MetadataRequest::FLEXIBLE_SINCE),
            (ApiKey::Metadata, MetadataResponse::VERSIONS, MetadataResponse::FLEXIBLE_SINCE),
            (ApiKey::InitProducerId, InitProducerIdRequest::VERSIONS, InitProducerIdRequest::FLEXIBLE_SINCE),
            (ApiKey::InitProducerId, InitProducerIdResponse::VERSIONS, InitProducerIdResponse::FLEXIBLE_SINCE),
        ] {
            assert_eq!((api.versions(), api.flexible_since()), (versions, flexible_since), "{api:?}");
        }
    }

    #[test]
    fn the_highest_common_version_is_picked() {
        let broker = broker(&[(0, 0, 99), (3, 0, 5), (22, 5, 9), (4711, 0, 1)]);
        assert_eq!(broker.pick_version(ApiKey::Produce).unwrap(), 13);
        assert_eq!(broker.pick_up_to(ApiKey::Produce, 11).unwrap(), 11);
        assert_eq!(broker.pick_version(ApiKey::Metadata).unwrap(), 5);
        assert_eq!(broker.pick_version(ApiKey::InitProducerId).unwrap(), 5);
    }

    #[test]
    fn without_a_common_version_the_error_tells_both_ranges() {
        let broker = broker(&[(0, 0, 2), (22, 6, 9), (3, 7, 4)]);
        let error = broker.pick_version(ApiKey::Produce).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsupportedBroker);
        assert_eq!(
            error.message(),
            "no common version of Produce: needed is one from 3 to 13, the broker offers 0 to 2"
        );
        for api in [ApiKey::InitProducerId, ApiKey::Metadata, ApiKey::EndTxn] {
            assert_eq!(broker.pick_version(api).unwrap_err().kind(), ErrorKind::UnsupportedBroker, "{api:?}");
        }
        assert!(broker.pick_version(ApiKey::EndTxn).unwrap_err().message().contains("does not offer EndTxn"));
        assert!(broker.pick_up_to(ApiKey::Produce, 2).is_err());
    }

    #[test]
    fn features_count_only_with_an_epoch() {
        let feature = |name, max_version_level| FinalizedFeatureKey { name, max_version_level, min_version_level: 0 };
        let mut response = ApiVersionsResponse {
            finalized_features: vec![feature("metadata.version", 9), feature("transaction.version", 2)],
            finalized_features_epoch: 77,
            ..Default::default()
        };
        let versions = ApiVersions::from_response(&response);
        assert_eq!((versions.transaction_version, versions.finalized_features_epoch), (2, 77));
        response.finalized_features_epoch = -1;
        assert_eq!(ApiVersions::from_response(&response).transaction_version, 0);
    }

    #[test]
    fn a_broker_that_does_not_know_the_version_is_understood() {
        let body = [0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 3];
        for version in 0..=4 {
            let mut reader = Reader::new(&body);
            let response = read_api_versions(&mut reader, version).unwrap();
            reader.finish("body").unwrap();
            assert_eq!(ApiVersions::from_response(&response).pick_version(ApiKey::ApiVersions).unwrap(), 3);
        }
    }
}
