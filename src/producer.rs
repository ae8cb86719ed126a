//! A producer: new, free and what it holds.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use super::config::ottla_config;
use super::error::{ottla_code, ottla_error};
use super::handle::{Engine, ottla_producer};
use super::sink::CSink;
use super::{boundary, required, text};
use ottla_engine::Producer;

/// Starts a producer and its sender thread, which begins to connect at once. The call does not wait for a broker.
///
/// @param config        borrowed for the call and copied
/// @param producer_out  receives the producer; release with ottla_producer_free()
/// @param error_out     optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK;
///         OTTLA_ERR_INVALID_CONFIG: properties contradict each other, bootstrap.servers is not set, or the configure
///         function of a plug-in failed;
///         OTTLA_ERR_IO: the system refused a thread, an event loop, or the handler that notices fork();
///         OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_new(
    config: Option<&ottla_config>,
    producer_out: Option<&mut MaybeUninit<*mut ottla_producer>>,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let config = required(config, "config")?;
        let producer_out = required(producer_out, "producer_out")?;
        let (sink, polled) = CSink::new(&config.route, &config.listener, config.reader.clone(), config.logger.clone());
        let logger = config.logger.clone();
        let log = Box::new(move |level, message: &str| logger.log(level, message));
        let level = config.logger.level();
        let producer = Producer::with_plugins(&config.config, &config.plugins, Box::new(sink), log, level)?;
        producer_out.write(ottla_producer::new(Engine { producer, polled, reports_held: Default::default() }));
        Ok(())
    })
}

/// Ends and releases a producer. Records that are not decided complete with OTTLA_ERR_CLOSED: callbacks run, but
/// reports that were not polled are lost. To end in order, call ottla_producer_flush() or ottla_producer_close() first.
/// Calls that wait on other threads return OTTLA_ERR_CLOSED. When this returns, the sender thread has ended and no
/// callback runs any more.
///
/// @return OTTLA_ERR_OK;
///         OTTLA_ERR_IN_CALLBACK: it was called in a callback of the producer, and nothing happened;
///         OTTLA_ERR_CLOSED: the producer was freed before, as far as the library can notice;
///         OTTLA_ERR_INVALID_ARGUMENT for NULL
///
/// Waits for a callback that is running. Once this was called, no other call with the producer may begin.
///
/// # Safety
/// `producer` is NULL or came from ottla_producer_new().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_free(producer: *mut ottla_producer) -> ottla_code {
    boundary(None, || {
        // SAFETY: NULL or a control block, which stays valid for the life of the process.
        let producer = required(unsafe { producer.as_ref() }, "producer")?;
        producer.free()
    })
}

/// Chooses the facilities whose debug lines are logged from now on, like the property "debug" at the start.
///
/// @param facilities  UTF-8, words separated by commas, for example "metadata,request"; "" for none, "all" for all
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK; OTTLA_ERR_INVALID_ARGUMENT, also for an unknown word, and then nothing is changed;
///         OTTLA_ERR_CLOSED (freed); OTTLA_ERR_FORKED
///
/// Any thread, callbacks too.
///
/// # Safety
/// `facilities` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_set_debug(
    producer: Option<&ottla_producer>,
    facilities: *const c_char,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let producer = required(producer, "producer")?;
        // SAFETY: a string by this function's contract, which outlives the call.
        let facilities = unsafe { text(facilities, "facilities")? };
        producer.enter()?.producer.set_debug(facilities)
    })
}

/// Adds addresses of brokers to those of bootstrap.servers, which ottla_producer_new() needs all the same. The call does
/// not wait, and does not say whether a broker is there. (librdkafka: rd_kafka_brokers_add.)
///
/// Until a broker has described the cluster, the producer tries the added addresses in turn with the others; an attempt
/// to connect that has begun is not cut short. From then on it uses the brokers that the cluster names. If none of these
/// can be reached, it begins from all addresses again, unless metadata.recovery.strategy is "none". A producer that is
/// connected is not disturbed.
///
/// @param servers    UTF-8, in the form of bootstrap.servers: "host:port,host:port"; an address that is known counts once
/// @param error_out  optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK, also after ottla_producer_close(), when nothing happens;
///         OTTLA_ERR_INVALID_ARGUMENT, also if there is no address, or an entry is not one: the message names the entry,
///         and none is added;
///         OTTLA_ERR_CLOSED (freed); OTTLA_ERR_FORKED
///
/// Any thread, concurrently with any other call, callbacks too.
///
/// # Safety
/// `servers` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_add_brokers(
    producer: Option<&ottla_producer>,
    servers: *const c_char,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let producer = required(producer, "producer")?;
        // SAFETY: a string by this function's contract, which outlives the call.
        let servers = unsafe { text(servers, "servers")? };
        producer.enter()?.producer.add_brokers(servers)
    })
}

/// Returns the bytes of buffer.memory that are in use: by records that are not decided, by deliveries until their
/// report is freed or their callback has returned, and by lent values until they are returned. 0 for NULL and for a
/// producer that was freed. Any thread, callbacks too.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_buffered_bytes(producer: Option<&ottla_producer>) -> u64 {
    ottla_producer::read(producer, 0, |engine| engine.producer.buffered_bytes() as u64)
}

/// Returns the number of accepted records whose fate is not decided. While records flow the number is not exact: a
/// record that moves from one stage to the next can be missed or counted twice. (ottla_producer_flush() waits for all
/// records exactly.) The call looks at each partition that records were sent to. 0 for NULL, for a producer that was
/// freed, and in a child after fork(). Any thread, callbacks too.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_buffered_records(producer: Option<&ottla_producer>) -> u64 {
    ottla_producer::read(producer, 0, |engine| engine.producer.buffered_records() as u64)
}
