//! The partitions of a topic.

use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;
use std::sync::Arc;

use super::error::{ottla_code, ottla_error};
use super::sized::SizedOut;
use super::topic::ottla_topic;
use super::{boundary, guarded, required, wait};
use ottla_engine::PartitionInfo;
use ottla_engine::support::text::counted;
use ottla_host::arguments::invalid;
use ottla_host::text::c_string;

/// The partitions of a topic, as a broker described them.
///
/// Life: ottla_topic_partitions(); ottla_partitions_count() and ottla_partitions_at(); ottla_partitions_free(), before
/// or after the topic and the producer are freed. It does not change: any thread, any number at once.
pub struct ottla_partitions {
    partitions: Arc<[PartitionInfo]>,
    /// The leaders' hosts, by partition.
    hosts: Vec<Option<CString>>,
}

/// A partition. Grows at its end only: check `struct_size` before you read a member that a later release added.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_partition {
    /// Set it to sizeof(ottla_partition) before the call. Afterwards: how much was filled.
    pub struct_size: usize,
    pub partition: i32,
    /// The id of the broker that leads it; -1 if there is no leader.
    pub leader_id: i32,
    /// The leader epoch; -1 if the broker does not report it.
    pub leader_epoch: i32,
    /// The leader's port; -1 if there is no leader, or if it is not among the known brokers.
    pub leader_port: i32,
    /// The leader's host; NULL if leader_port is -1. Valid as long as the ottla_partitions, like the arrays.
    pub leader_host: *const c_char,
    /// The ids of the replica_count brokers that have the partition.
    pub replicas: *const i32,
    pub replica_count: usize,
    /// The ids of the in_sync_count replicas that are in sync.
    pub in_sync: *const i32,
    pub in_sync_count: usize,
    /// The ids of the offline_count replicas that are offline.
    pub offline: *const i32,
    pub offline_count: usize,
}

/// Asks a broker for the topic's partitions. (Java: KafkaProducer.partitionsFor.) It can also be used to wait until the
/// topic is known before the first record is sent. Each call sends a request; sending records does not need this call.
///
/// @param timeout_ms      longest wait in milliseconds; -1: no limit
/// @param partitions_out  receives the partitions; release with ottla_partitions_free()
/// @param error_out       optional; set only on failure, release with ottla_error_free()
/// @return as ottla_topic_check(), except that a leader that is missing or cannot be reached is no error
///
/// Any thread, concurrently with any other call. Not from a callback.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_topic_partitions(
    topic: Option<&ottla_topic>,
    timeout_ms: i64,
    partitions_out: Option<&mut MaybeUninit<*mut ottla_partitions>>,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let wait = wait(timeout_ms)?;
        let topic = required(topic, "topic")?;
        let partitions_out = required(partitions_out, "partitions_out")?;
        let partitions = topic.engine.producer.partitions(&topic.topic, wait)?;
        let host = |partition: &PartitionInfo| partition.leader_address.as_ref().map(|(host, _)| c_string(host));
        let hosts = partitions.iter().map(host).collect();
        partitions_out.write(Box::into_raw(Box::new(ottla_partitions { partitions, hosts })));
        Ok(())
    })
}

/// Returns the number of partitions; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_partitions_count(partitions: Option<&ottla_partitions>) -> usize {
    partitions.map_or(0, |partitions| partitions.partitions.len())
}

/// Reads one of the partitions, in the order of their numbers.
///
/// @param index          below ottla_partitions_count()
/// @param partition_out  set its struct_size to sizeof(ottla_partition) before; filled, and valid as long as the
///                       ottla_partitions
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
///
/// # Safety
/// `partition_out` is NULL or has as many writable bytes as its struct_size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_partitions_at(
    partitions: Option<&ottla_partitions>,
    index: usize,
    partition_out: *mut ottla_partition,
) -> ottla_code {
    boundary(None, || {
        let partitions = required(partitions, "partitions")?;
        // SAFETY: by this function's contract.
        let out = unsafe { SizedOut::new(partition_out, "partition_out")? };
        let count = partitions.partitions.len();
        let info = partitions.partitions.get(index);
        let info = info.ok_or_else(|| invalid(format!("index is {index}, out of {}", counted(count, "partition"))))?;
        out.write(ottla_partition {
            struct_size: size_of::<ottla_partition>(),
            partition: info.partition,
            leader_id: info.leader.unwrap_or(-1),
            leader_epoch: info.leader_epoch.unwrap_or(-1),
            leader_port: info.leader_address.as_ref().map_or(-1, |(_, port)| i32::from(*port)),
            leader_host: partitions.hosts[index].as_ref().map_or(std::ptr::null(), |host| host.as_ptr()),
            replicas: info.replicas.as_ptr(),
            replica_count: info.replicas.len(),
            in_sync: info.in_sync.as_ptr(),
            in_sync_count: info.in_sync.len(),
            offline: info.offline.as_ptr(),
            offline_count: info.offline.len(),
        });
        Ok(())
    })
}

/// Releases the partitions. NULL is ignored. Any thread, callbacks too.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_partitions_free(partitions: Option<Box<ottla_partitions>>) {
    guarded((), || drop(partitions));
}
