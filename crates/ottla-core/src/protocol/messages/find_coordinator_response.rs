// Written by scripts/messages/generate.py from Kafka's message schemas; edit that instead.

use crate::Result;
use crate::protocol::api::VersionRange;
use crate::protocol::wire::{Form, Reader};

const VERSIONS: VersionRange = VersionRange::new(0, 6);
const FLEXIBLE_SINCE: i16 = 3;

/// FindCoordinatorResponse, versions 0 to 6, flexible from 3.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindCoordinatorResponse<'a> {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<&'a str>,
    pub node_id: i32,
    pub host: &'a str,
    pub port: i32,
    pub coordinators: Vec<Coordinator<'a>>,
}

impl<'a> FindCoordinatorResponse<'a> {
    pub const VERSIONS: VersionRange = VERSIONS;
    pub const FLEXIBLE_SINCE: i16 = FLEXIBLE_SINCE;

    pub fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self> {
        debug_assert!(VERSIONS.contains(version));
        let form = Form::of(version, FLEXIBLE_SINCE);
        let message = FindCoordinatorResponse {
            throttle_time_ms: if version >= 1 { reader.i32("FindCoordinatorResponse.throttle_time_ms")? } else { 0 },
            error_code: if version <= 3 { reader.i16("FindCoordinatorResponse.error_code")? } else { 0 },
            error_message: if (1..=3).contains(&version) {
                reader.nullable_string(form, "FindCoordinatorResponse.error_message")?
            } else {
                None
            },
            node_id: if version <= 3 { reader.i32("FindCoordinatorResponse.node_id")? } else { 0 },
            host: if version <= 3 { reader.string(form, "FindCoordinatorResponse.host")? } else { "" },
            port: if version <= 3 { reader.i32("FindCoordinatorResponse.port")? } else { 0 },
            coordinators: if version >= 4 {
                reader.array(form, 14, "FindCoordinatorResponse.coordinators", |reader| {
                    Coordinator::decode(reader, version)
                })?
            } else {
                Vec::new()
            },
        };
        reader.skip_tagged_fields(form, "FindCoordinatorResponse.tagged_fields")?;
        Ok(message)
    }
}

/// Part of [`FindCoordinatorResponse`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coordinator<'a> {
    pub key: &'a str,
    pub node_id: i32,
    pub host: &'a str,
    pub port: i32,
    pub error_code: i16,
    pub error_message: Option<&'a str>,
}

impl<'a> Coordinator<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self> {
        let form = Form::of(version, FLEXIBLE_SINCE);
        let message = Coordinator {
            key: reader.string(form, "Coordinator.key")?,
            node_id: reader.i32("Coordinator.node_id")?,
            host: reader.string(form, "Coordinator.host")?,
            port: reader.i32("Coordinator.port")?,
            error_code: reader.i16("Coordinator.error_code")?,
            error_message: reader.nullable_string(form, "Coordinator.error_message")?,
        };
        reader.skip_tagged_fields(form, "Coordinator.tagged_fields")?;
        Ok(message)
    }
}
