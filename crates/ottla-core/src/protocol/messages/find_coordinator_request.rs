// Written by scripts/messages/generate.py from Kafka's message schemas; edit that instead.

use crate::protocol::api::VersionRange;
use crate::protocol::wire::{Form, Writer};

const VERSIONS: VersionRange = VersionRange::new(0, 6);
const FLEXIBLE_SINCE: i16 = 3;

/// FindCoordinatorRequest, versions 0 to 6, flexible from 3.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindCoordinatorRequest<'a> {
    pub key: &'a str,
    pub key_type: i8,
    pub coordinator_keys: Vec<&'a str>,
}

impl FindCoordinatorRequest<'_> {
    pub const VERSIONS: VersionRange = VERSIONS;
    pub const FLEXIBLE_SINCE: i16 = FLEXIBLE_SINCE;

    /// Appends the request's body. What the version does not have is left out.
    pub fn encode(&self, version: i16, out: &mut Vec<u8>) {
        debug_assert!(VERSIONS.contains(version));
        self.encode_into(version, &mut Writer::new(out));
    }

    fn encode_into(&self, version: i16, writer: &mut Writer<'_>) {
        let form = Form::of(version, FLEXIBLE_SINCE);
        if version <= 3 {
            writer.string(form, self.key);
        }
        if version >= 1 {
            writer.i8(self.key_type);
        }
        if version >= 4 {
            writer.array_len(form, self.coordinator_keys.len());
            for element in &self.coordinator_keys {
                writer.string(form, element);
            }
        }
        writer.no_tagged_fields(form);
    }
}
