//! The messages of the control plane.

// Written by scripts/messages/generate.py from Kafka's message schemas; edit that instead.

#![allow(dead_code, unused_imports, reason = "messages are whole, whatever of them is used")]

mod add_offsets_to_txn_request;
mod add_offsets_to_txn_response;
mod add_partitions_to_txn_request;
mod add_partitions_to_txn_response;
mod api_versions_request;
mod api_versions_response;
mod end_txn_request;
mod end_txn_response;
mod find_coordinator_request;
mod find_coordinator_response;
mod init_producer_id_request;
mod init_producer_id_response;
mod metadata_request;
mod metadata_response;
mod txn_offset_commit_request;
mod txn_offset_commit_response;

pub use add_offsets_to_txn_request::AddOffsetsToTxnRequest;
pub use add_offsets_to_txn_response::AddOffsetsToTxnResponse;
pub use add_partitions_to_txn_request::{AddPartitionsToTxnRequest, AddPartitionsToTxnTopic};
pub use add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResponse, AddPartitionsToTxnTopicResult,
};
pub use api_versions_request::ApiVersionsRequest;
pub use api_versions_response::{ApiVersion, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey};
pub use end_txn_request::EndTxnRequest;
pub use end_txn_response::EndTxnResponse;
pub use find_coordinator_request::FindCoordinatorRequest;
pub use find_coordinator_response::{Coordinator, FindCoordinatorResponse};
pub use init_producer_id_request::InitProducerIdRequest;
pub use init_producer_id_response::InitProducerIdResponse;
pub use metadata_request::{MetadataRequest, MetadataRequestTopic};
pub use metadata_response::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
pub use txn_offset_commit_request::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
pub use txn_offset_commit_response::{
    TxnOffsetCommitResponse, TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
