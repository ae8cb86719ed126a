// Written by scripts/messages/generate.py from Kafka's message schemas; edit that instead.

use crate::protocol::api::VersionRange;
use crate::protocol::wire::{Form, Writer};

const VERSIONS: VersionRange = VersionRange::new(4, 13);
const FLEXIBLE_SINCE: i16 = 9;

/// MetadataRequest, versions 4 to 13, flexible from 9.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataRequest<'a> {
    pub topics: Option<Vec<MetadataRequestTopic<'a>>>,
    pub allow_auto_topic_creation: bool,
    pub include_cluster_authorized_operations: bool,
    pub include_topic_authorized_operations: bool,
}

impl Default for MetadataRequest<'_> {
    fn default() -> Self {
        MetadataRequest {
            topics: Some(Vec::new()),
            allow_auto_topic_creation: true,
            include_cluster_authorized_operations: false,
            include_topic_authorized_operations: false,
        }
    }
}

impl MetadataRequest<'_> {
    pub const VERSIONS: VersionRange = VERSIONS;
    pub const FLEXIBLE_SINCE: i16 = FLEXIBLE_SINCE;

    /// Appends the request's body. What the version does not have is left out.
    pub fn encode(&self, version: i16, out: &mut Vec<u8>) {
        debug_assert!(VERSIONS.contains(version));
        self.encode_into(version, &mut Writer::new(out));
    }

    fn encode_into(&self, version: i16, writer: &mut Writer<'_>) {
        let form = Form::of(version, FLEXIBLE_SINCE);
        writer.nullable_array_len(form, self.topics.as_ref().map(Vec::len));
        for element in self.topics.iter().flatten() {
            element.encode_into(version, writer);
        }
        writer.bool(self.allow_auto_topic_creation);
        if (8..=10).contains(&version) {
            writer.bool(self.include_cluster_authorized_operations);
        }
        if version >= 8 {
            writer.bool(self.include_topic_authorized_operations);
        }
        writer.no_tagged_fields(form);
    }
}

/// Part of [`MetadataRequest`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetadataRequestTopic<'a> {
    pub topic_id: [u8; 16],
    pub name: Option<&'a str>,
}

impl MetadataRequestTopic<'_> {
    fn encode_into(&self, version: i16, writer: &mut Writer<'_>) {
        let form = Form::of(version, FLEXIBLE_SINCE);
        if version >= 10 {
            writer.uuid(&self.topic_id);
        }
        writer.nullable_string(form, self.name);
        writer.no_tagged_fields(form);
    }
}
