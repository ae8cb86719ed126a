// Written by scripts/messages/generate.py from Kafka's message schemas; edit that instead.

use crate::protocol::api::VersionRange;
use crate::protocol::wire::{Form, Writer};

const VERSIONS: VersionRange = VersionRange::new(0, 3);
const FLEXIBLE_SINCE: i16 = 3;

/// AddPartitionsToTxnRequest, versions 0 to 3, flexible from 3.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddPartitionsToTxnRequest<'a> {
    pub v3_and_below_transactional_id: &'a str,
    pub v3_and_below_producer_id: i64,
    pub v3_and_below_producer_epoch: i16,
    pub v3_and_below_topics: Vec<AddPartitionsToTxnTopic<'a>>,
}

impl AddPartitionsToTxnRequest<'_> {
    pub const VERSIONS: VersionRange = VERSIONS;
    pub const FLEXIBLE_SINCE: i16 = FLEXIBLE_SINCE;

    /// Appends the request's body. What the version does not have is left out.
    pub fn encode(&self, version: i16, out: &mut Vec<u8>) {
        debug_assert!(VERSIONS.contains(version));
        self.encode_into(version, &mut Writer::new(out));
    }

    fn encode_into(&self, version: i16, writer: &mut Writer<'_>) {
        let form = Form::of(version, FLEXIBLE_SINCE);
        writer.string(form, self.v3_and_below_transactional_id);
        writer.i64(self.v3_and_below_producer_id);
        writer.i16(self.v3_and_below_producer_epoch);
        writer.array_len(form, self.v3_and_below_topics.len());
        for element in &self.v3_and_below_topics {
            element.encode_into(version, writer);
        }
        writer.no_tagged_fields(form);
    }
}

/// Part of [`AddPartitionsToTxnRequest`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddPartitionsToTxnTopic<'a> {
    pub name: &'a str,
    pub partitions: Vec<i32>,
}

impl AddPartitionsToTxnTopic<'_> {
    fn encode_into(&self, version: i16, writer: &mut Writer<'_>) {
        let form = Form::of(version, FLEXIBLE_SINCE);
        writer.string(form, self.name);
        writer.array_len(form, self.partitions.len());
        for element in &self.partitions {
            writer.i32(*element);
        }
        writer.no_tagged_fields(form);
    }
}
