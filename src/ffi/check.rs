//! Does a broker answer, and is a topic as it should be?

use std::mem::MaybeUninit;

use super::error::{ottla_code, ottla_error};
use super::handle::ottla_producer;
use super::topic::ottla_topic;
use super::{boundary, required, wait};

/// Waits until a broker of the cluster has answered a question that this call asked: a check at start-up. Records can be
/// sent without it, before it and after it failed; the producer goes on trying in any case.
///
/// @param timeout_ms  longest wait; -1 waits without limit
/// @param error_out   optional; set only on failure, release with ottla_error_free(). The message says of which host and
///                    port what is known: the name is not resolved, the connection is refused or not answered, or what
///                    answers is not a plaintext listener of a Kafka broker (another program, or a listener that
///                    requires TLS or SASL)
/// @return OTTLA_ERR_OK. When the time is over: OTTLA_ERR_RESOLVE, OTTLA_ERR_IO, OTTLA_ERR_BAD_RESPONSE or
///         OTTLA_ERR_UNSUPPORTED_BROKER for what went wrong last, else OTTLA_ERR_TIMED_OUT. OTTLA_ERR_IN_CALLBACK,
///         OTTLA_ERR_CLOSED, OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, concurrently with any other call. Not from a callback.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_check(
    producer: Option<&ottla_producer>,
    timeout_ms: i64,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let wait = wait(timeout_ms)?;
        required(producer, "producer")?.enter()?.producer.check(wait)
    })
}

/// Waits until a broker has said, asked by this call, that the topic exists and that each of its partitions has a leader,
/// and until there is a connection to each of these leaders; the call makes those that are missing. What is wrong for good
/// (no right to the topic, a name that cannot be) ends the wait at once. A topic that is missing may still be created, and
/// a leader that refuses connections may still come up: they are waited for. Brokers that create topics when asked for
/// them may create it by this (see allow.auto.create.topics).
///
/// @param timeout_ms  longest wait; -1 waits without limit
/// @param error_out   optional; set only on failure, release with ottla_error_free(). If a leader cannot be reached, the
///                    message names the partition, the leader's address and what came of the last attempt
/// @return OTTLA_ERR_OK; what a broker answered, for example OTTLA_ERR_UNKNOWN_TOPIC_OR_PARTITION or
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
