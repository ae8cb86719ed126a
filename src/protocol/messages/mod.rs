//! The control-plane messages, one file each: requests are encoded, responses decoded, in every version of
//! `ApiKey::versions`. Fields that nothing reads are skipped, not kept.

pub mod api_versions;
pub mod init_producer_id;
pub mod metadata;
