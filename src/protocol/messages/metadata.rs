//! Metadata, versions 4 to 13.

use crate::error::Result;
use crate::protocol::{ApiKey, Reader, Writer};

#[derive(Clone, Debug, Default)]
pub struct MetadataRequest {
    pub topics: Vec<String>,
    pub allow_auto_topic_creation: bool,
}

impl MetadataRequest {
    /// An empty list asks for the brokers alone (null would ask for every topic).
    pub fn encode(&self, version: i16, out: &mut Vec<u8>) {
        let compact = ApiKey::Metadata.is_flexible(version);
        let mut writer = Writer(out);
        writer.array_len(compact, Some(self.topics.len()));
        for topic in &self.topics {
            if version >= 10 {
                writer.uuid(&[0; 16]);
            }
            writer.string(compact, topic);
            if compact {
                writer.no_tagged_fields();
            }
        }
        writer.bool(self.allow_auto_topic_creation);
        if (8..=10).contains(&version) {
            writer.bool(false); // include_cluster_authorized_operations
        }
        if version >= 8 {
            writer.bool(false); // include_topic_authorized_operations
        }
        if compact {
            writer.no_tagged_fields();
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetadataResponse {
    pub throttle_time_ms: i32,
    pub brokers: Vec<MetadataBroker>,
    pub topics: Vec<MetadataTopic>,
    /// Of the whole answer, from version 13 on.
    pub error_code: i16,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetadataBroker {
    pub node_id: i32,
    pub host: String,
    pub port: i32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetadataTopic {
    pub error_code: i16,
    pub name: Option<String>,
    /// All zero before version 10.
    pub topic_id: [u8; 16],
    pub partitions: Vec<MetadataPartition>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetadataPartition {
    pub error_code: i16,
    pub partition_index: i32,
    /// -1 if there is none.
    pub leader_id: i32,
    /// -1 before version 7.
    pub leader_epoch: i32,
}

impl MetadataResponse {
    pub fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self> {
        let compact = ApiKey::Metadata.is_flexible(version);
        let mut response = MetadataResponse { throttle_time_ms: reader.i32("throttle_time_ms")?, ..Default::default() };
        for _ in 0..reader.array_len(compact, "brokers")?.unwrap_or(0) {
            response.brokers.push(read_broker(reader, compact)?);
        }
        reader.nullable_string(compact, "cluster_id")?;
        reader.i32("controller_id")?;
        for _ in 0..reader.array_len(compact, "topics")?.unwrap_or(0) {
            response.topics.push(read_topic(reader, version, compact)?);
        }
        if (8..=10).contains(&version) {
            reader.i32("cluster_authorized_operations")?;
        }
        if version >= 13 {
            response.error_code = reader.i16("error_code")?;
        }
        if compact {
            reader.skip_tagged_fields()?;
        }
        Ok(response)
    }
}

fn read_broker(reader: &mut Reader<'_>, compact: bool) -> Result<MetadataBroker> {
    let broker = MetadataBroker {
        node_id: reader.i32("node_id")?,
        host: reader.string(compact, "host")?.to_string(),
        port: reader.i32("port")?,
    };
    reader.nullable_string(compact, "rack")?;
    if compact {
        reader.skip_tagged_fields()?;
    }
    Ok(broker)
}

fn read_topic(reader: &mut Reader<'_>, version: i16, compact: bool) -> Result<MetadataTopic> {
    let mut topic = MetadataTopic { error_code: reader.i16("error_code")?, ..Default::default() };
    topic.name = reader.nullable_string(compact, "name")?.map(str::to_string);
    if version >= 10 {
        topic.topic_id = reader.uuid("topic_id")?;
    }
    reader.bool("is_internal")?;
    for _ in 0..reader.array_len(compact, "partitions")?.unwrap_or(0) {
        topic.partitions.push(read_partition(reader, version, compact)?);
    }
    if version >= 8 {
        reader.i32("topic_authorized_operations")?;
    }
    if compact {
        reader.skip_tagged_fields()?;
    }
    Ok(topic)
}

fn read_partition(reader: &mut Reader<'_>, version: i16, compact: bool) -> Result<MetadataPartition> {
    let partition = MetadataPartition {
        error_code: reader.i16("error_code")?,
        partition_index: reader.i32("partition_index")?,
        leader_id: reader.i32("leader_id")?,
        leader_epoch: if version >= 7 { reader.i32("leader_epoch")? } else { -1 },
    };
    let nodes = if version >= 5 { 3 } else { 2 };
    for field in ["replica_nodes", "isr_nodes", "offline_replicas"].into_iter().take(nodes) {
        for _ in 0..reader.array_len(compact, field)?.unwrap_or(0) {
            reader.i32(field)?;
        }
    }
    if compact {
        reader.skip_tagged_fields()?;
    }
    Ok(partition)
}
