//! Events: what the application is told that concerns no single record.

use std::ffi::{CString, c_char, c_void};

use super::error::{ottla_code, ottla_error};
use super::guarded;
use super::log::{c_message, c_string};
use super::poll::{Queue, Ready, ottla_ready_fn};
use super::userdata::Userdata;
use crate::core::{News, NewsKind};
use crate::sync::Arc;

/// What an event is about. New kinds may come with any release: pass over those that you do not know.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum ottla_event_kind {
    /// A connection to a broker can be used: the first, or the first since the broker was down. Connections that were
    /// closed because nothing was sent for long come back without an event.
    OTTLA_EVENT_BROKER_UP = 1,
    /// A broker cannot be used: its connection was lost, or there was none to be had; `error` says why. Told once, until
    /// it is up again. Records wait, or go elsewhere once another broker leads their partition. An idle connection that is
    /// closed (by the broker, a load balancer or this library) is no such event, unless the next attempt to connect fails.
    OTTLA_EVENT_BROKER_DOWN = 2,
    /// None of the brokers that are known can be reached. Told once, until one is up again.
    OTTLA_EVENT_ALL_BROKERS_DOWN = 3,
    /// A broker asks to hold requests back, for `throttle_ms` (a quota).
    OTTLA_EVENT_THROTTLED = 4,
    /// Nothing can be sent: `error` says why. After OTTLA_ERR_INTERNAL make another producer; after a refusal of the
    /// broker's (CLUSTER_AUTHORIZATION_FAILED) the next record tries again.
    OTTLA_EVENT_FATAL = 5,
    /// A send that would not wait was refused with OTTLA_ERR_BUFFER_FULL, and now there is room for it, and for at least
    /// an eighth of buffer.memory. Told once for all refusals so far: an event loop can stop sending at the first, and go
    /// on here.
    OTTLA_EVENT_BUFFER_ROOM = 6,
    /// The producer begins from bootstrap.servers again, because nothing else can be reached (metadata.recovery.strategy).
    /// Told once, until a broker of the cluster is up again.
    OTTLA_EVENT_REBOOTSTRAP = 7,
    /// A topic has been missing for half a second or longer: brokers answer UNKNOWN_TOPIC_OR_PARTITION for it, or another
    /// error that may pass, or leave it out of their answers; `error` says which. Told once, until a broker describes the
    /// topic. Its records wait, for max.block.ms or delivery.timeout.ms at most.
    OTTLA_EVENT_TOPIC_MISSING = 8,
}

/// Something that happened to the producer as a whole. Grows at its end only: look at `struct_size` before a member that
/// came later.
///
/// Life: given to an ottla_event_fn, it and what it points to are valid until that returns; taken by
/// ottla_producer_poll_event(), until ottla_event_free(). It does not change: any thread, any number at once.
#[repr(C)]
pub struct ottla_event {
    /// The size of this structure in the library that filled it.
    pub struct_size: usize,
    /// One of ottla_event_kind.
    pub kind: i32,
    /// The error's code; OTTLA_ERR_OK if there is no error.
    pub code: ottla_code,
    /// The broker that it is about, by its id in the cluster; -1 if there is none, or if it is an address of
    /// bootstrap.servers.
    pub broker_id: i32,
    /// The broker's port; 0 if there is no broker.
    pub port: i32,
    /// The broker's host, ended by a NUL; NULL if there is no broker.
    pub host: *const c_char,
    /// Milliseconds; 0 but for OTTLA_EVENT_THROTTLED.
    pub throttle_ms: i64,
    /// NULL if there is none. Not to be freed.
    pub error: *const ottla_error,
    /// What happened, in one sentence of UTF-8, ended by a NUL.
    pub message: *const c_char,
    /// How many events were lost just before this one, since more came than were polled. 0 in a callback.
    pub dropped: u64,
    /// The topic that it is about, ended by a NUL; NULL if there is none.
    pub topic: *const c_char,
}

/// Told one event. Runs on the sender thread, between its steps, with no lock held; may send (without waiting: a full
/// buffer is an error here); flush, close, free and calls that wait answer OTTLA_ERR_IN_CALLBACK. Must not throw, longjmp
/// or block. `event` and what it points to are valid until it returns.
pub type ottla_event_fn = Option<unsafe extern "C" fn(event: *const ottla_event, userdata: *mut c_void)>;

/// Releases an event that was polled. NULL is ignored. Any thread, also after ottla_producer_free().
///
/// # Safety
/// `event` is NULL or came from ottla_producer_poll_event(), and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_event_free(event: *mut ottla_event) {
    if !event.is_null() {
        // SAFETY: it came from `Told::into_raw` by this function's contract, and `event` is the first member of that.
        guarded((), || drop(unsafe { Box::from_raw(event.cast::<Told>()) }));
    }
}

/// Who wants events.
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
    Poll(Arc<Queue<News>>),
}

impl Events {
    /// Its queue, if it is polled, is shared with the producer's handle; `ready` with the queue of reports.
    pub(super) fn new(listener: &Listener, ready: &Arc<Ready>) -> Self {
        match listener.clone() {
            Listener::Nobody => Events::Nobody,
            Listener::Function(function, userdata) => Events::Function(function, userdata),
            Listener::Poll(limit, on_ready, userdata) => {
                Events::Poll(Arc::new(Queue::new("event", limit, ready.clone(), on_ready, userdata)))
            }
        }
    }

    pub(super) fn queue(&self) -> Option<Arc<Queue<News>>> {
        if let Events::Poll(queue) = self { Some(queue.clone()) } else { None }
    }

    /// Thread: sender.
    pub(super) fn tell(&self, news: News) {
        match self {
            Events::Nobody | Events::Function(None, _) => {}
            Events::Function(Some(function), userdata) => {
                let told = Told::new(&news, 0);
                // SAFETY: the function and its userdata were given together; the event outlives the call.
                unsafe { function(&raw const told.event, userdata.pointer()) };
            }
            Events::Poll(queue) => queue.push(news),
        }
    }
}

/// An event and what it points to.
#[repr(C)]
pub(super) struct Told {
    /// First, so that a pointer to it is one to the whole.
    event: ottla_event,
    host: Option<CString>,
    topic: Option<CString>,
    message: CString,
    error: Option<Box<ottla_error>>,
}

impl Told {
    pub(super) fn new(news: &News, dropped: u64) -> Box<Told> {
        let host = news.broker.as_ref().map(|broker| c_string(&broker.host));
        let topic = news.topic.as_ref().map(|topic| c_string(topic));
        let message = c_message(&news.message);
        let error = news.error.clone().map(|error| Box::new(ottla_error::new(error)));
        let event = ottla_event {
            struct_size: size_of::<ottla_event>(),
            kind: kind_number(news.kind),
            code: news.error.as_ref().map_or(0, |error| error.kind().code()),
            broker_id: news.broker.as_ref().map_or(-1, |broker| broker.id.max(-1)),
            port: news.broker.as_ref().map_or(0, |broker| i32::from(broker.port)),
            // What these point to stays where it is when the whole moves.
            host: host.as_ref().map_or(std::ptr::null(), |host| host.as_ptr()),
            throttle_ms: i64::try_from(news.throttle.as_millis()).unwrap_or(i64::MAX),
            error: error.as_deref().map_or(std::ptr::null(), std::ptr::from_ref),
            message: message.as_ptr(),
            dropped,
            topic: topic.as_ref().map_or(std::ptr::null(), |topic| topic.as_ptr()),
        };
        Box::new(Told { event, host, topic, message, error })
    }

    pub(super) fn into_raw(self: Box<Self>) -> *mut ottla_event {
        Box::into_raw(self).cast()
    }
}

fn kind_number(kind: NewsKind) -> i32 {
    let kind = match kind {
        NewsKind::BrokerUp => ottla_event_kind::OTTLA_EVENT_BROKER_UP,
        NewsKind::BrokerDown => ottla_event_kind::OTTLA_EVENT_BROKER_DOWN,
        NewsKind::AllBrokersDown => ottla_event_kind::OTTLA_EVENT_ALL_BROKERS_DOWN,
        NewsKind::Throttled => ottla_event_kind::OTTLA_EVENT_THROTTLED,
        NewsKind::Fatal => ottla_event_kind::OTTLA_EVENT_FATAL,
        NewsKind::BufferRoom => ottla_event_kind::OTTLA_EVENT_BUFFER_ROOM,
        NewsKind::Rebootstrap => ottla_event_kind::OTTLA_EVENT_REBOOTSTRAP,
        NewsKind::TopicMissing => ottla_event_kind::OTTLA_EVENT_TOPIC_MISSING,
    };
    kind as i32
}
