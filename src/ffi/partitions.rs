//! The partitions of a topic.

use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;

use super::boundary::{SizedOut, invalid};
use super::error::{ottla_code, ottla_error};
use super::log::c_string;
use super::topic::ottla_topic;
use super::{boundary, guarded, required, wait};
use crate::core::PartitionInfo;
use crate::sync::Arc;
use crate::text::counted;

/// What a broker said of a topic's partitions.
///
/// Life: ottla_topic_partitions(); ottla_partitions_count() and ottla_partitions_at(); ottla_partitions_free(), before or
/// after the topic and the producer are freed. It does not change: any thread, any number at once.
pub struct ottla_partitions {
    partitions: Arc<[PartitionInfo]>,
    /// The leaders' hosts, by partition.
    hosts: Vec<Option<CString>>,
}

/// A partition. Grows at its end only: look at `struct_size` before a member that came later.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_partition {
    /// Set it to sizeof(ottla_partition) before the call. Afterwards: how much was filled.
    pub struct_size: usize,
    pub partition: i32,
    /// The id of the broker that leads it; -1 while there is none.
    pub leader_id: i32,
    /// Counts the partition's leaders; -1 if the broker does not say.
    pub leader_epoch: i32,
    /// The leader's port; -1 if there is no leader, or it is not among the brokers that are known.
    pub leader_port: i32,
    /// The leader's host, ended by a NUL; NULL where leader_port is -1. Valid as long as the ottla_partitions, as are
    /// the arrays.
    pub leader_host: *const c_char,
    /// The ids of the brokers that have the partition; replica_count of them.
    pub replicas: *const i32,
    pub replica_count: usize,
    /// Those that are in sync; in_sync_count of them.
    pub in_sync: *const i32,
    pub in_sync_count: usize,
    /// Those that are offline; offline_count of them.
    pub offline: *const i32,
    pub offline_count: usize,
}

/// Asks a broker for the topic's partitions. Useful also to wait until the topic is known before the first record is
/// sent. Each call asks anew: what producing needs to know it finds out by itself.
///
/// @param timeout_ms      longest wait; -1 waits without limit
/// @param partitions_out  receives the answer; release with ottla_partitions_free()
/// @param error_out       optional; set only on failure, release with ottla_error_free()
/// @return as ottla_topic_check(), but it is no error if a leader is missing or cannot be reached
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

/// How many partitions. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_partitions_count(partitions: Option<&ottla_partitions>) -> usize {
    partitions.map_or(0, |partitions| partitions.partitions.len())
}

/// One of the partitions; they are in the order of their numbers.
///
/// @param index          below ottla_partitions_count()
/// @param partition_out  its struct_size has to be set to sizeof(ottla_partition); filled, and valid as long as the
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
            leader_id: info.leader,
            leader_epoch: info.leader_epoch,
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

/// Releases what ottla_topic_partitions() gave. NULL is ignored. Any thread, callbacks too.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_partitions_free(partitions: Option<Box<ottla_partitions>>) {
    guarded((), || drop(partitions));
}
