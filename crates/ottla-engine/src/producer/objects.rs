//! Records that are sent as objects. They are serialized first, then sent like any other.
#![expect(unsafe_code, reason = "the application promises that each serializer is given the type that it reads")]

use std::cell::Cell;

use super::{Plugins, Producer, TopicHandle, Wait};
use ottla_core::accumulator::Submission;
use ottla_core::batch::Completion;
use ottla_core::config;
use ottla_core::error::{Error, ErrorKind, Result};
use ottla_core::record::{Header, Record};
use ottla_core::serialize::{BuiltIn, Object, Objects, Serialized, Serializer};
use ottla_core::sync::{Arc, SystemClock};

/// The serializers of one producer.
pub(super) struct Serializers {
    key: Option<Arc<dyn Serializer>>,
    value: Option<Arc<dyn Serializer>>,
}

/// Where serializers write. Each thread keeps one, so that in the long run nothing is allocated.
#[derive(Default)]
struct Scratch {
    key: Serialized,
    value: Serialized,
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

impl Serializers {
    /// The application's serializers, or those that the configuration names.
    pub fn new(config: &config::Settings, plugins: &Plugins) -> Self {
        let choose = |custom: &Option<Arc<dyn Serializer>>, named: Option<config::Serializer>| {
            custom.clone().or_else(|| named.map(|kind| Arc::new(BuiltIn(kind)) as Arc<dyn Serializer>))
        };
        Serializers {
            key: choose(&plugins.key_serializer, config.key_serializer),
            value: choose(&plugins.value_serializer, config.value_serializer),
        }
    }
}

impl Producer {
    /// Like `send`, for a record whose key or value or both are serialized from objects. Where there is no object, the
    /// record's own bytes are sent.
    ///
    /// # Safety
    /// Each object is none, or points to what the producer's serializer for it reads. That does not change until this
    /// returns.
    pub unsafe fn send_objects(
        &self,
        topic: &TopicHandle,
        record: &Record<'_>,
        objects: Objects,
        completion: &Completion,
        wait: Wait,
    ) -> Result<()> {
        self.check_process()?;
        if record.partition.is_none() && !objects.is_none() && self.shared.accumulator.needs_partitions(&topic.0) {
            self.wait_for_partitions(topic, wait)?;
        }
        let _call = self.plugins.enter().ok_or_else(|| self.closed())?;
        // Taken, not borrowed, because a serializer may send a record itself. A thread that is ending uses a new one.
        let mut scratch = SCRATCH.try_with(Cell::take).ok().flatten().unwrap_or_default();
        // SAFETY: by this function's contract.
        let made = unsafe { self.serialize(topic, record, objects, &mut scratch) };
        let made = made.inspect_err(|error| self.report_refused(&topic.0, record, completion, error));
        let sent = made.and_then(|()| {
            let key = if objects.key.is_none() { record.key } else { scratch.key.bytes() };
            let value = if objects.value.is_none() { record.value } else { scratch.value.bytes() };
            with_headers(record.headers, &scratch, |headers| {
                let record = Record { key, value, headers, ..*record };
                self.accept(&Submission::new(&topic.0, &record, completion, &SystemClock), objects, wait)
            })
        });
        scratch.key.clear();
        scratch.value.clear();
        let _ = SCRATCH.try_with(|kept| kept.set(Some(scratch)));
        sent
    }

    /// Waits until the topic's partitions are known. The application's partitioner needs the objects, which are valid
    /// only during this call.
    #[cold]
    fn wait_for_partitions(&self, topic: &TopicHandle, wait: Wait) -> Result<()> {
        if wait != Wait::Never && !self.in_callback() {
            return self.partitions(topic, wait).map(drop);
        }
        self.ask_for_partitions(topic);
        let message = format!(
            "the partitions of topic {} are not known yet, and the application's partitioner needs them to see objects: \
             try again, or use a call that waits",
            topic.name()
        );
        Err(Error::new(ErrorKind::MetadataTimedOut, message))
    }

    /// # Safety
    /// As for [`Producer::send_objects`].
    unsafe fn serialize(
        &self,
        topic: &TopicHandle,
        record: &Record<'_>,
        objects: Objects,
        out: &mut Scratch,
    ) -> Result<()> {
        if record.lent.is_some() && !objects.value.is_none() {
            let message = "the record's value cannot be lent: a serializer makes it from an object";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let Serializers { key, value } = &self.serializers;
        // SAFETY: by this function's contract.
        unsafe {
            make(topic, "key", record.key, objects.key, key.as_deref(), &mut out.key)?;
            make(topic, "value", record.value, objects.value, value.as_deref(), &mut out.value)
        }
    }
}

/// Serializes the key or the value (`what`) from its object, if there is one.
///
/// # Safety
/// The object is none, or points to what the serializer reads.
unsafe fn make(
    topic: &TopicHandle,
    what: &str,
    bytes: Option<&[u8]>,
    object: Object,
    serializer: Option<&dyn Serializer>,
    out: &mut Serialized,
) -> Result<()> {
    if object.is_none() {
        return Ok(());
    }
    if bytes.is_some() {
        let message = format!("the record's {what} is given twice, as bytes and as an object");
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    let Some(serializer) = serializer else {
        let message =
            format!("the record's {what} is an object, and the producer has no serializer: set {what}.serializer");
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    };
    // SAFETY: it is not none, and by this function's contract it points to what the serializer reads.
    let serialized = unsafe { serializer.serialize(topic.name(), object, out) }.map_err(|why| {
        let message = format!("the {what} of a record for topic {} could not be serialized: {why}", topic.name());
        Error::new(ErrorKind::Serialization, message)
    });
    // A lack of memory is the reason that counts, whatever the serializer returned.
    out.check().and(serialized)
}

/// Headers of one record that need no allocation.
const FEW: usize = 16;

/// Calls `body` with the record's own headers and those that serializers added: the key's before the value's.
fn with_headers<T>(own: &[Header<'_>], added: &Scratch, body: impl FnOnce(&[Header<'_>]) -> T) -> T {
    let count = added.key.headers().len() + added.value.headers().len();
    if count == 0 {
        return body(own);
    }
    let all = own.iter().copied().chain(added.key.headers()).chain(added.value.headers());
    if own.len() + count > FEW {
        return body(&all.collect::<Vec<_>>());
    }
    let mut few = [Header { name: b"", value: None }; FEW];
    few.iter_mut().zip(all).for_each(|(place, header)| *place = header);
    body(&few[..own.len() + count])
}
