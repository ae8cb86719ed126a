//! ApiVersions.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::api_versions_response::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey};
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, ApiVersionsResponse};
use kafka_protocol::protocol::StrBytes;

use super::{Cluster, Context, Outcome, Reaction, RequestInfo, encode};

pub(super) fn handle(
    cluster: &mut Cluster,
    context: &Context,
    request: ApiVersionsRequest,
) -> Outcome<ApiVersionsResponse> {
    if let Some(error) = context.plan.for_all() {
        return Outcome::Answer(ApiVersionsResponse::default().with_error_code(error.code));
    }
    let named = !request.client_software_name.is_empty() && !request.client_software_version.is_empty();
    if context.version >= 3 && !named {
        let code = ResponseError::InvalidRequest.code();
        return Outcome::Answer(ApiVersionsResponse::default().with_error_code(code));
    }
    let mut response = ApiVersionsResponse::default().with_api_keys(keys(cluster, context.broker));
    if context.version >= 1 {
        response.throttle_time_ms = context.plan.throttle_ms;
    }
    if context.version >= 3 && !cluster.features.is_empty() {
        response.finalized_features_epoch = cluster.features_epoch;
        for (name, level) in &cluster.features {
            let name = StrBytes::from_string(name.clone());
            let supported = SupportedFeatureKey::default().with_name(name.clone()).with_max_version(*level);
            response.supported_features.push(supported);
            let level = FinalizedFeatureKey::default().with_name(name).with_max_version_level(*level);
            response.finalized_features.push(level.with_min_version_level(0));
        }
    }
    Outcome::Answer(response)
}

/// A version above ours gets a response in the oldest form, with the supported range.
pub(super) fn from_the_future(cluster: &mut Cluster, broker: i32, frame: &[u8]) -> Reaction {
    let correlation = i32::from_be_bytes([frame[4], frame[5], frame[6], frame[7]]);
    cluster.requests.push(RequestInfo {
        broker,
        api: ApiKey::ApiVersions,
        version: i16::from_be_bytes([frame[2], frame[3]]),
        correlation,
        client_id: None,
        partitions: Vec::new(),
        acks: None,
        timeout_ms: None,
        topics: Vec::new(),
        end: None,
    });
    let mut response = ApiVersionsResponse::default().with_error_code(ResponseError::UnsupportedVersion.code());
    if cluster.versions_of(broker).tells_range {
        let own = |api: &ApiVersion| api.api_key == ApiKey::ApiVersions as i16;
        response.api_keys = keys(cluster, broker).into_iter().filter(own).collect();
    }
    Reaction { bytes: encode::<ApiVersionsRequest>(correlation, 0, &response), ..Reaction::default() }
}

fn keys(cluster: &Cluster, broker: i32) -> Vec<ApiVersion> {
    let entry = |(key, min, max)| ApiVersion::default().with_api_key(key).with_min_version(min).with_max_version(max);
    cluster.versions_of(broker).iter().map(entry).collect()
}
