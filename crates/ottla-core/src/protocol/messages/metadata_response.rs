// Written by scripts/messages/generate.py from Kafka's message schemas; edit that instead.

use crate::Result;
use crate::protocol::api::VersionRange;
use crate::protocol::wire::{Form, Reader};

const VERSIONS: VersionRange = VersionRange::new(4, 13);
const FLEXIBLE_SINCE: i16 = 9;

/// MetadataResponse, versions 4 to 13, flexible from 9.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataResponse<'a> {
    pub throttle_time_ms: i32,
    pub brokers: Vec<MetadataResponseBroker<'a>>,
    pub cluster_id: Option<&'a str>,
    pub controller_id: i32,
    pub topics: Vec<MetadataResponseTopic<'a>>,
    pub cluster_authorized_operations: i32,
    pub error_code: i16,
}

impl Default for MetadataResponse<'_> {
    fn default() -> Self {
        MetadataResponse {
            throttle_time_ms: 0,
            brokers: Vec::new(),
            cluster_id: None,
            controller_id: -1,
            topics: Vec::new(),
            cluster_authorized_operations: i32::MIN,
            error_code: 0,
        }
    }
}

impl<'a> MetadataResponse<'a> {
    pub const VERSIONS: VersionRange = VERSIONS;
    pub const FLEXIBLE_SINCE: i16 = FLEXIBLE_SINCE;

    pub fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self> {
        debug_assert!(VERSIONS.contains(version));
        let form = Form::of(version, FLEXIBLE_SINCE);
        let message = MetadataResponse {
            throttle_time_ms: reader.i32("MetadataResponse.throttle_time_ms")?,
            brokers: reader.array(form, 11, "MetadataResponse.brokers", |reader| {
                MetadataResponseBroker::decode(reader, version)
            })?,
            cluster_id: reader.nullable_string(form, "MetadataResponse.cluster_id")?,
            controller_id: reader.i32("MetadataResponse.controller_id")?,
            topics: reader
                .array(form, 9, "MetadataResponse.topics", |reader| MetadataResponseTopic::decode(reader, version))?,
            cluster_authorized_operations: if (8..=10).contains(&version) {
                reader.i32("MetadataResponse.cluster_authorized_operations")?
            } else {
                i32::MIN
            },
            error_code: if version >= 13 { reader.i16("MetadataResponse.error_code")? } else { 0 },
        };
        reader.skip_tagged_fields(form, "MetadataResponse.tagged_fields")?;
        Ok(message)
    }
}

/// Part of [`MetadataResponse`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetadataResponseBroker<'a> {
    pub node_id: i32,
    pub host: &'a str,
    pub port: i32,
    pub rack: Option<&'a str>,
}

impl<'a> MetadataResponseBroker<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self> {
        let form = Form::of(version, FLEXIBLE_SINCE);
        let message = MetadataResponseBroker {
            node_id: reader.i32("MetadataResponseBroker.node_id")?,
            host: reader.string(form, "MetadataResponseBroker.host")?,
            port: reader.i32("MetadataResponseBroker.port")?,
            rack: reader.nullable_string(form, "MetadataResponseBroker.rack")?,
        };
        reader.skip_tagged_fields(form, "MetadataResponseBroker.tagged_fields")?;
        Ok(message)
    }
}

/// Part of [`MetadataResponse`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataResponseTopic<'a> {
    pub error_code: i16,
    pub name: Option<&'a str>,
    pub topic_id: [u8; 16],
    pub is_internal: bool,
    pub partitions: Vec<MetadataResponsePartition>,
    pub topic_authorized_operations: i32,
}

impl Default for MetadataResponseTopic<'_> {
    fn default() -> Self {
        MetadataResponseTopic {
            error_code: 0,
            name: None,
            topic_id: [0; 16],
            is_internal: false,
            partitions: Vec::new(),
            topic_authorized_operations: i32::MIN,
        }
    }
}

impl<'a> MetadataResponseTopic<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self> {
        let form = Form::of(version, FLEXIBLE_SINCE);
        let message = MetadataResponseTopic {
            error_code: reader.i16("MetadataResponseTopic.error_code")?,
            name: reader.nullable_string(form, "MetadataResponseTopic.name")?,
            topic_id: if version >= 10 { reader.uuid("MetadataResponseTopic.topic_id")? } else { [0; 16] },
            is_internal: reader.bool("MetadataResponseTopic.is_internal")?,
            partitions: reader.array(form, 18, "MetadataResponseTopic.partitions", |reader| {
                MetadataResponsePartition::decode(reader, version)
            })?,
            topic_authorized_operations: if version >= 8 {
                reader.i32("MetadataResponseTopic.topic_authorized_operations")?
            } else {
                i32::MIN
            },
        };
        reader.skip_tagged_fields(form, "MetadataResponseTopic.tagged_fields")?;
        Ok(message)
    }
}

/// Part of [`MetadataResponse`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataResponsePartition {
    pub error_code: i16,
    pub partition_index: i32,
    pub leader_id: i32,
    pub leader_epoch: i32,
    pub replica_nodes: Vec<i32>,
    pub isr_nodes: Vec<i32>,
    pub offline_replicas: Vec<i32>,
}

impl Default for MetadataResponsePartition {
    fn default() -> Self {
        MetadataResponsePartition {
            error_code: 0,
            partition_index: 0,
            leader_id: 0,
            leader_epoch: -1,
            replica_nodes: Vec::new(),
            isr_nodes: Vec::new(),
            offline_replicas: Vec::new(),
        }
    }
}

impl MetadataResponsePartition {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self> {
        let form = Form::of(version, FLEXIBLE_SINCE);
        let message = MetadataResponsePartition {
            error_code: reader.i16("MetadataResponsePartition.error_code")?,
            partition_index: reader.i32("MetadataResponsePartition.partition_index")?,
            leader_id: reader.i32("MetadataResponsePartition.leader_id")?,
            leader_epoch: if version >= 7 { reader.i32("MetadataResponsePartition.leader_epoch")? } else { -1 },
            replica_nodes: reader.array(form, 4, "MetadataResponsePartition.replica_nodes", |reader| {
                reader.i32("MetadataResponsePartition.replica_nodes")
            })?,
            isr_nodes: reader.array(form, 4, "MetadataResponsePartition.isr_nodes", |reader| {
                reader.i32("MetadataResponsePartition.isr_nodes")
            })?,
            offline_replicas: if version >= 5 {
                reader.array(form, 4, "MetadataResponsePartition.offline_replicas", |reader| {
                    reader.i32("MetadataResponsePartition.offline_replicas")
                })?
            } else {
                Vec::new()
            },
        };
        reader.skip_tagged_fields(form, "MetadataResponsePartition.tagged_fields")?;
        Ok(message)
    }
}
