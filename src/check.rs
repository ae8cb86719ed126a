//! Checks of the cluster and of a topic.

use std::mem::MaybeUninit;

use super::error::{ottla_code, ottla_error};
use super::handle::ottla_producer;
use super::topic::ottla_topic;
use super::{boundary, required, wait};
use ottla_engine::Producer;

/// Checks the connection to the cluster, for example at start-up: it sends a request and waits until a broker has
/// answered it. Records can be sent before it, without it, and after it failed; the producer keeps trying to connect in
/// any case.
///
/// @param timeout_ms  longest wait in milliseconds; -1: no limit
/// @param error_out   optional; set only on failure, release with ottla_error_free(). The message names the host and
///                    port, and the problem: the name is not resolved, the connection is refused or not answered, or it
///                    is no listener of a Kafka broker for this security.protocol (but another program, or a listener
///                    for TLS, or one that requires SASL), or its certificate is refused
/// @return OTTLA_ERR_OK;
///         after timeout_ms the code of the last problem: OTTLA_ERR_RESOLVE, OTTLA_ERR_IO, OTTLA_ERR_BAD_RESPONSE or
///         OTTLA_ERR_UNSUPPORTED_BROKER; OTTLA_ERR_TIMED_OUT if there was none;
///         OTTLA_ERR_IN_CALLBACK; OTTLA_ERR_CLOSED; OTTLA_ERR_FORKED; OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, concurrently with any other call. Not from a callback.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_check(
    producer: Option<&ottla_producer>,
    timeout_ms: i64,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    ottla_producer::call(producer, timeout_ms, error_out, Producer::check)
}

/// Checks a topic: it asks a broker, and waits until the topic exists, each of its partitions has a leader, and there
/// is a connection to each of these leaders. It makes the connections that are missing. A permanent problem (no
/// permission for the topic, an invalid name) ends the wait at once. A missing topic may still be created and a leader
/// may still come up, so the call waits for them. The request can create the topic (see allow.auto.create.topics).
///
/// @param timeout_ms  longest wait in milliseconds; -1: no limit
/// @param error_out   optional; set only on failure, release with ottla_error_free(). If a leader cannot be reached,
///                    the message names the partition, the leader's address and the result of the last attempt
/// @return OTTLA_ERR_OK; the broker's code, for example OTTLA_ERR_UNKNOWN_TOPIC_OR_PARTITION or
///         OTTLA_ERR_LEADER_NOT_AVAILABLE; or as ottla_producer_check(), also for a leader that cannot be reached
///
/// Any thread, concurrently with any other call. Not from a callback.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_topic_check(
    topic: Option<&ottla_topic>,
    timeout_ms: i64,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let wait = wait(timeout_ms)?;
        let topic = required(topic, "topic")?;
        topic.engine.producer.check_topic(&topic.topic, wait)
    })
}
