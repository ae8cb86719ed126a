// Written by scripts/messages/generate.py from Kafka's message schemas; edit that instead.

use crate::protocol::api::VersionRange;
use crate::protocol::wire::{Form, Writer};

const VERSIONS: VersionRange = VersionRange::new(0, 5);
const FLEXIBLE_SINCE: i16 = 3;

/// EndTxnRequest, versions 0 to 5, flexible from 3.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndTxnRequest<'a> {
    pub transactional_id: &'a str,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub committed: bool,
}

impl EndTxnRequest<'_> {
    pub const VERSIONS: VersionRange = VERSIONS;
    pub const FLEXIBLE_SINCE: i16 = FLEXIBLE_SINCE;

    /// Appends the request's body. What the version does not have is left out.
    pub fn encode(&self, version: i16, out: &mut Vec<u8>) {
        debug_assert!(VERSIONS.contains(version));
        self.encode_into(version, &mut Writer::new(out));
    }

    fn encode_into(&self, version: i16, writer: &mut Writer<'_>) {
        let form = Form::of(version, FLEXIBLE_SINCE);
        writer.string(form, self.transactional_id);
        writer.i64(self.producer_id);
        writer.i16(self.producer_epoch);
        writer.bool(self.committed);
        writer.no_tagged_fields(form);
    }
}
