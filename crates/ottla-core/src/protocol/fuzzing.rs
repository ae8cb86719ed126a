//! The bodies of the fuzz targets. Each takes bytes as if a broker had sent them, and must return. The first byte
//! selects the version.

use super::api::{ApiKey, ApiVersions, read_api_versions};
use super::header;
use super::messages::{InitProducerIdResponse, MetadataResponse};
use super::produce;
use super::record_batch::RecordIter;
use super::wire::Reader;

/// A version that this release supports, and a reader of the bytes after the first.
fn split(api: ApiKey, data: &[u8]) -> Option<(i16, Reader<'_>)> {
    let (&first, rest) = data.split_first()?;
    let versions = api.versions();
    let version = versions.min + i16::from(first) % (versions.max - versions.min + 1);
    let mut reader = Reader::new(rest);
    header::read_correlation_id(&mut reader).ok()?;
    header::finish_response_header(&mut reader, api, version).ok()?;
    Some((version, reader))
}

pub fn fuzz_produce_response(data: &[u8]) {
    let Some((version, mut reader)) = split(ApiKey::Produce, data) else { return };
    let tail = produce::read_response(&mut reader, version, &mut |partition| {
        let announced = partition.record_errors.len();
        assert_eq!(partition.record_errors.count(), announced);
    });
    drop(tail);
}

pub fn fuzz_metadata_response(data: &[u8]) {
    let Some((version, mut reader)) = split(ApiKey::Metadata, data) else { return };
    drop(MetadataResponse::decode(&mut reader, version));
}

pub fn fuzz_api_versions_response(data: &[u8]) {
    let Some((version, mut reader)) = split(ApiKey::ApiVersions, data) else { return };
    let Ok(response) = read_api_versions(&mut reader, version) else { return };
    let versions = ApiVersions::from_response(&response);
    for api in ApiKey::ALL {
        if let Ok(picked) = versions.pick_version(api) {
            assert!(api.versions().contains(picked) && versions.offered(api).is_some_and(|o| o.contains(picked)));
        }
    }
}

pub fn fuzz_init_producer_id_response(data: &[u8]) {
    let Some((version, mut reader)) = split(ApiKey::InitProducerId, data) else { return };
    drop(InitProducerIdResponse::decode(&mut reader, version));
}

pub fn fuzz_record_iter(data: &[u8]) {
    for record in RecordIter::new(data) {
        let Ok(record) = record else { return };
        let announced = record.headers.len();
        assert_eq!(record.headers.count(), announced);
    }
}
