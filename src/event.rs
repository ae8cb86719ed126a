//! Events: what happens to the producer as a whole.

use std::ffi::{CString, c_char, c_void};
use std::mem::MaybeUninit;
use std::sync::Arc;

use super::config::ottla_config;
use super::error::{ottla_code, ottla_error};
use super::handle::ottla_producer;
use super::poll::{ottla_ready_fn, when_ready};
use super::userdata::{ottla_free_fn, take_over};
use super::{boundary, guarded, required, wait};
use ottla_engine::{Event, EventKind};
use ottla_host::arguments::invalid;
use ottla_host::descriptor::Ready;
use ottla_host::queue::Queue;
use ottla_host::text::{c_message, c_string};
use ottla_host::userdata::Userdata;

/// The kind of an event. New releases may add kinds: ignore those that you do not know.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum ottla_event_kind {
    /// A connection to a broker can be used: the first one, or the first since the broker was down. A connection that
    /// was closed because it was idle comes back without an event.
    OTTLA_EVENT_BROKER_UP = 1,
    /// A broker cannot be used: its connection was lost, or could not be made; `error` says why. Reported once, until
    /// the broker is up again. Its records wait, or are sent to another broker once that leads their partition. An idle
    /// connection that is closed (by the broker, a load balancer or this library) is no such event, unless the next
    /// attempt to connect fails.
    OTTLA_EVENT_BROKER_DOWN = 2,
    /// None of the known brokers can be reached. Reported once, until one is up again.
    OTTLA_EVENT_ALL_BROKERS_DOWN = 3,
    /// A broker asked to hold requests back for `throttle_ms` milliseconds (a quota).
    OTTLA_EVENT_THROTTLED = 4,
    /// Nothing can be sent; `error` says why. After OTTLA_ERR_INTERNAL create another producer. After a refusal by the
    /// broker (CLUSTER_AUTHORIZATION_FAILED) the next record tries again.
    OTTLA_EVENT_FATAL = 5,
    /// A send with OTTLA_SEND_NO_WAIT was refused with OTTLA_ERR_BUFFER_FULL, and now there is room for it and for an
    /// eighth of buffer.memory. Reported once for all refusals so far. An event loop can stop sending at the refusal
    /// and go on at this event.
    OTTLA_EVENT_BUFFER_ROOM = 6,
    /// The producer starts from bootstrap.servers again because no other broker can be reached
    /// (metadata.recovery.strategy; KIP-899). Reported once, until a broker of the cluster is up again.
    OTTLA_EVENT_REBOOTSTRAP = 7,
    /// A topic has been missing for half a second: brokers answer UNKNOWN_TOPIC_OR_PARTITION or another temporary error
    /// for it, or leave it out of their responses; `error` says which. Reported once, until a broker describes the
    /// topic. The topic's records wait, at most max.block.ms or delivery.timeout.ms.
    OTTLA_EVENT_TOPIC_MISSING = 8,
}

/// Something that happened to the producer as a whole. Grows at its end only: check `struct_size` before you read a
/// member that a later release added.
///
/// Life: in an ottla_event_fn it and what it points to are valid until the function returns. From
/// ottla_producer_poll_event() it is valid until ottla_event_free(). It does not change: any thread, any number at
/// once.
#[repr(C)]
pub struct ottla_event {
    /// The size of this structure in the library that filled it.
    pub struct_size: usize,
    /// One of ottla_event_kind.
    pub kind: i32,
    /// The error's code; OTTLA_ERR_OK if there is no error.
    pub code: ottla_code,
    /// The id of the broker; -1 if the event is not about a broker, or about an address of bootstrap.servers.
    pub broker_id: i32,
    /// The broker's port; 0 if there is no broker.
    pub port: i32,
    /// The broker's host; NULL if there is no broker.
    pub host: *const c_char,
    /// Milliseconds for OTTLA_EVENT_THROTTLED, otherwise 0.
    pub throttle_ms: i64,
    /// NULL if there is none. It must not be freed.
    pub error: *const ottla_error,
    /// What happened, in one sentence.
    pub message: *const c_char,
    /// The number of events that were lost just before this one because the queue was full. 0 in a callback.
    pub dropped: u64,
    /// The topic's name; NULL if the event is not about a topic.
    pub topic: *const c_char,
}

/// Receives one event. `event` and what it points to are valid until the function returns. Runs on the sender thread
/// without a lock. It may send; with a full buffer sends return OTTLA_ERR_BUFFER_FULL here instead of waiting. Flush,
/// close, free and calls that wait return OTTLA_ERR_IN_CALLBACK. It must not throw, longjmp or block.
pub type ottla_event_fn = Option<unsafe extern "C" fn(event: *const ottla_event, userdata: *mut c_void)>;

/// Sends events to a function. It replaces an earlier call of this or of ottla_config_set_event_poll(). Without either,
/// events are only in the log.
///
/// @param on_event       NULL: events are only in the log
/// @param userdata       passed to each call
/// @param free_userdata  optional; see ottla_free_fn. On failure it is not called
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub extern "C" fn ottla_config_set_events(
    config: Option<&mut ottla_config>,
    on_event: ottla_event_fn,
    userdata: *mut c_void,
    free_userdata: ottla_free_fn,
) -> ottla_code {
    boundary(None, || {
        let config = required(config, "config")?;
        let userdata = take_over(userdata, free_userdata);
        config.listener = if on_event.is_some() { Listener::Function(on_event, userdata) } else { Listener::Nobody };
        Ok(())
    })
}

/// Queues events for ottla_producer_poll_event() instead of calling a function.
///
/// @param max_events     the size of the queue, at least 1. When it is full the oldest event is dropped, and the next
///                       event that is taken says how many were dropped
/// @param on_ready       optional; see ottla_ready_fn
/// @param userdata       passed to each call of on_ready
/// @param free_userdata  optional; see ottla_free_fn. On failure it is not called
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub extern "C" fn ottla_config_set_event_poll(
    config: Option<&mut ottla_config>,
    max_events: usize,
    on_ready: ottla_ready_fn,
    userdata: *mut c_void,
    free_userdata: ottla_free_fn,
) -> ottla_code {
    boundary(None, || {
        let config = required(config, "config")?;
        if max_events == 0 {
            return Err(invalid("max_events is 0: at least one event has to be kept to be polled"));
        }
        config.listener = Listener::Poll(max_events, on_ready, take_over(userdata, free_userdata));
        Ok(())
    })
}

/// Takes the next event; only with ottla_config_set_event_poll().
///
/// @param timeout_ms  longest wait in milliseconds; -1: no limit, 0: does not wait
/// @param event_out   receives the event, or NULL if there was none in time; release with ottla_event_free()
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return as ottla_producer_poll(); OTTLA_ERR_INVALID_STATE if events are not polled
///
/// Any thread, any number at once.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_poll_event(
    producer: Option<&ottla_producer>,
    timeout_ms: i64,
    event_out: Option<&mut MaybeUninit<*mut ottla_event>>,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let wait = wait(timeout_ms)?;
        let producer = required(producer, "producer")?;
        let event_out = required(event_out, "event_out")?;
        let entered = producer.enter()?;
        let taken = entered.poll(entered.polled.events.as_ref(), "ottla_config_set_event_poll()", wait, 1)?;
        let event = taken.items.first().map(|event| EventBox::new(event, taken.dropped));
        event_out.write(event.map_or(std::ptr::null_mut(), EventBox::into_raw));
        Ok(())
    })
}

/// Releases an event that was polled. NULL is ignored. Any thread, also after ottla_producer_free().
///
/// # Safety
/// `event` is NULL or came from ottla_producer_poll_event(), and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_event_free(event: *mut ottla_event) {
    if !event.is_null() {
        // SAFETY: it came from `EventBox::into_raw` by this function's contract, and `event` is the first member of that.
        guarded((), || drop(unsafe { Box::from_raw(event.cast::<EventBox>()) }));
    }
}

/// Where events go, by the configuration.
#[derive(Clone)]
pub(super) enum Listener {
    Nobody,
    Function(ottla_event_fn, Userdata),
    /// At most so many are kept.
    Poll(usize, ottla_ready_fn, Userdata),
}

/// Where the events of one producer go.
pub(super) enum Events {
    Nobody,
    Function(ottla_event_fn, Userdata),
    Poll(Arc<Queue<Event>>),
}

impl Events {
    /// Its queue, if it is polled, is shared with the producer's handle; `ready` with the queue of reports.
    pub(super) fn new(listener: &Listener, ready: &Arc<Ready>) -> Self {
        match listener.clone() {
            Listener::Nobody => Events::Nobody,
            Listener::Function(function, userdata) => Events::Function(function, userdata),
            Listener::Poll(limit, function, userdata) => {
                Events::Poll(Arc::new(Queue::new("event", limit, ready.clone(), when_ready(function, userdata))))
            }
        }
    }

    pub(super) fn queue(&self) -> Option<Arc<Queue<Event>>> {
        if let Events::Poll(queue) = self { Some(queue.clone()) } else { None }
    }

    /// Thread: sender.
    pub(super) fn report(&self, event: Event) {
        match self {
            Events::Nobody | Events::Function(None, _) => {}
            Events::Function(Some(function), userdata) => {
                let reported = EventBox::new(&event, 0);
                // SAFETY: the function and its userdata were given together; the event outlives the call.
                unsafe { function(&raw const reported.event, userdata.pointer()) };
            }
            Events::Poll(queue) => queue.push(event),
        }
    }
}

/// An event and what it points to.
#[repr(C)]
pub(super) struct EventBox {
    /// First, so that a pointer to it is one to the whole.
    event: ottla_event,
    host: Option<CString>,
    topic: Option<CString>,
    message: CString,
    error: Option<Box<ottla_error>>,
}

impl EventBox {
    pub(super) fn new(event: &Event, dropped: u64) -> Box<EventBox> {
        let host = event.broker.as_ref().map(|broker| c_string(&broker.host));
        let topic = event.topic.as_ref().map(|topic| c_string(topic));
        let message = c_message(&event.message);
        let error = event.error.clone().map(|error| Box::new(ottla_error::new(error)));
        let event = ottla_event {
            struct_size: size_of::<ottla_event>(),
            kind: kind_number(event.kind),
            code: event.error.as_ref().map_or(0, |error| error.kind().code()),
            broker_id: event.broker.as_ref().map_or(-1, |broker| broker.id.max(-1)),
            port: event.broker.as_ref().map_or(0, |broker| i32::from(broker.port)),
            // What these point to stays where it is when the whole moves.
            host: host.as_ref().map_or(std::ptr::null(), |host| host.as_ptr()),
            throttle_ms: i64::try_from(event.throttle.as_millis()).unwrap_or(i64::MAX),
            error: error.as_deref().map_or(std::ptr::null(), std::ptr::from_ref),
            message: message.as_ptr(),
            dropped,
            topic: topic.as_ref().map_or(std::ptr::null(), |topic| topic.as_ptr()),
        };
        Box::new(EventBox { event, host, topic, message, error })
    }

    pub(super) fn into_raw(self: Box<Self>) -> *mut ottla_event {
        Box::into_raw(self).cast()
    }
}

fn kind_number(kind: EventKind) -> i32 {
    let kind = match kind {
        EventKind::BrokerUp => ottla_event_kind::OTTLA_EVENT_BROKER_UP,
        EventKind::BrokerDown => ottla_event_kind::OTTLA_EVENT_BROKER_DOWN,
        EventKind::AllBrokersDown => ottla_event_kind::OTTLA_EVENT_ALL_BROKERS_DOWN,
        EventKind::Throttled => ottla_event_kind::OTTLA_EVENT_THROTTLED,
        EventKind::Fatal => ottla_event_kind::OTTLA_EVENT_FATAL,
        EventKind::BufferRoom => ottla_event_kind::OTTLA_EVENT_BUFFER_ROOM,
        EventKind::Rebootstrap => ottla_event_kind::OTTLA_EVENT_REBOOTSTRAP,
        EventKind::TopicMissing => ottla_event_kind::OTTLA_EVENT_TOPIC_MISSING,
    };
    kind as i32
}
