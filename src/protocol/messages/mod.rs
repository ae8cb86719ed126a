//! The messages of the control plane.

// Written by tools/messages/generate.py from Kafka's message schemas; edit that instead.

#![allow(dead_code, unused_imports, reason = "messages are whole, whatever of them is used")]

mod api_versions_request;
mod api_versions_response;
mod init_producer_id_request;
mod init_producer_id_response;
mod metadata_request;
mod metadata_response;

pub use api_versions_request::ApiVersionsRequest;
pub use api_versions_response::{ApiVersion, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey};
pub use init_producer_id_request::InitProducerIdRequest;
pub use init_producer_id_response::InitProducerIdResponse;
pub use metadata_request::{MetadataRequest, MetadataRequestTopic};
pub use metadata_response::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
