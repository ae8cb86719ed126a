// Written by scripts/messages/generate.py from Kafka's message schemas; edit that instead.

use crate::protocol::api::VersionRange;
use crate::protocol::wire::{Form, Writer};

const VERSIONS: VersionRange = VersionRange::new(0, 4);
const FLEXIBLE_SINCE: i16 = 3;

/// ApiVersionsRequest, versions 0 to 4, flexible from 3.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiVersionsRequest<'a> {
    pub client_software_name: &'a str,
    pub client_software_version: &'a str,
}

impl ApiVersionsRequest<'_> {
    pub const VERSIONS: VersionRange = VERSIONS;
    pub const FLEXIBLE_SINCE: i16 = FLEXIBLE_SINCE;

    /// Appends the request's body. What the version does not have is left out.
    pub fn encode(&self, version: i16, out: &mut Vec<u8>) {
        debug_assert!(VERSIONS.contains(version));
        self.encode_into(version, &mut Writer::new(out));
    }

    fn encode_into(&self, version: i16, writer: &mut Writer<'_>) {
        let form = Form::of(version, FLEXIBLE_SINCE);
        if version >= 3 {
            writer.string(form, self.client_software_name);
        }
        if version >= 3 {
            writer.string(form, self.client_software_version);
        }
        writer.no_tagged_fields(form);
    }
}
