//! The plug-ins of a producer, from `configure` to `close`.

use std::cell::Cell;
use std::time::Duration;

use super::Interceptor;
use ottla_core::config::{Plugin, PluginSettings};
use ottla_core::error::{Error, ErrorKind, Result};
use ottla_core::partition::custom::CustomPartitioner;
use ottla_core::serialize::Serializer;
use ottla_core::sync::{Arc, AtomicBool, AtomicUsize, Ordering};

/// The plug-ins with which a producer is created.
#[derive(Clone, Default)]
pub struct Plugins {
    /// Replaces the partitioner that the configuration names.
    pub partitioner: Option<Arc<dyn CustomPartitioner>>,
    /// The serializers replace those that the configuration names.
    pub key_serializer: Option<Arc<dyn Serializer>>,
    pub value_serializer: Option<Arc<dyn Serializer>>,
    /// In the order in which they see a record.
    pub interceptors: Vec<Arc<dyn Interceptor>>,
}

/// Plug-ins that were configured. They are closed once: by `close`, or with the last reference.
#[derive(Default)]
pub(super) struct Configured {
    /// In the order in which they were configured.
    plugins: Vec<Arc<dyn Plugin>>,
    /// Calls of the application in which plug-ins may be running.
    calls: AtomicUsize,
    closed: AtomicBool,
}

thread_local! {
    /// The producer whose plug-ins may be running on this thread, by the address of its `Configured`.
    static INSIDE: Cell<usize> = const { Cell::new(0) };
}

impl Plugins {
    /// Each plug-in with its role, for messages, in the order in which they are configured.
    fn each(&self) -> impl Iterator<Item = (&'static str, Arc<dyn Plugin>)> {
        let partitioner = self.partitioner.iter().map(|own| ("partitioner", own.clone() as Arc<dyn Plugin>));
        let key = self.key_serializer.iter().map(|key| ("key serializer", key.clone() as Arc<dyn Plugin>));
        let value = self.value_serializer.iter().map(|value| ("value serializer", value.clone() as Arc<dyn Plugin>));
        let interceptors = self.interceptors.iter().map(|one| ("interceptor", one.clone() as Arc<dyn Plugin>));
        partitioner.chain(key).chain(value).chain(interceptors)
    }

    /// Configures each plug-in. If one fails, those before it are closed.
    pub(super) fn configure(&self, settings: &PluginSettings) -> Result<Arc<Configured>> {
        let mut configured = Configured::default();
        for (what, plugin) in self.each() {
            plugin.configure(settings).map_err(|why| {
                let message = format!("the application's {what} could not be configured: {why}");
                Error::new(ErrorKind::InvalidConfig, message)
            })?;
            configured.plugins.push(plugin);
        }
        Ok(Arc::new(configured))
    }
}

impl Configured {
    pub fn is_empty(&self) -> bool {
        self.plugins.is_empty()
    }

    /// Begins a call in which plug-ins may be called. `None` once they are closed.
    pub fn enter(&self) -> Option<Call<'_>> {
        // Counted before `closed` is read: either `close` sees this call, or this sees the close.
        self.calls.fetch_add(1, Ordering::SeqCst);
        let call = Call { plugins: self, outer: INSIDE.replace(self.address()) };
        (!self.closed.load(Ordering::SeqCst)).then_some(call)
    }

    /// Whether a plug-in may be running on this thread.
    pub fn is_inside(&self) -> bool {
        INSIDE.get() == self.address()
    }

    /// Waits for the calls that have entered, then closes each plug-in, in reverse order.
    pub fn close(&self) {
        if self.closed.swap(true, Ordering::SeqCst) {
            return;
        }
        while self.calls.load(Ordering::SeqCst) > 0 {
            std::thread::sleep(Duration::from_micros(100));
        }
        self.plugins.iter().rev().for_each(|plugin| plugin.close());
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl Drop for Configured {
    fn drop(&mut self) {
        self.close();
    }
}

/// A call of the application that may call plug-ins.
pub(super) struct Call<'c> {
    plugins: &'c Configured,
    outer: usize,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        INSIDE.set(self.outer);
        self.plugins.calls.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(all(test, not(ottla_loom)))]
mod tests {
    use super::*;
    use ottla_core::partition::custom::Choice;
    use ottla_core::sync::Mutex;

    /// Records its calls.
    struct Noting {
        name: &'static str,
        fails: bool,
        reported: Arc<Mutex<Vec<String>>>,
    }

    impl Plugin for Noting {
        fn configure(&self, settings: &PluginSettings) -> Result<(), String> {
            self.reported.lock().push(format!("{} {settings:?}", self.name));
            if self.fails { Err("no such region".to_owned()) } else { Ok(()) }
        }

        fn close(&self) {
            self.reported.lock().push(format!("{} closed", self.name));
        }
    }

    impl CustomPartitioner for Noting {
        fn choose(&self, _: &Choice<'_>) -> Result<u32, String> {
            Ok(0)
        }

        fn needs_objects(&self) -> bool {
            false
        }
    }

    fn partitioner(fails: bool) -> (Plugins, Arc<Mutex<Vec<String>>>) {
        let reported: Arc<Mutex<Vec<String>>> = Arc::default();
        let noting = Noting { name: "partitioner", fails, reported: reported.clone() };
        (Plugins { partitioner: Some(Arc::new(noting)), ..Plugins::default() }, reported)
    }

    fn settings() -> PluginSettings {
        PluginSettings::from([("ottla.plugin.a".to_owned(), "1".to_owned())])
    }

    #[test]
    fn a_plug_in_is_configured_once_and_closed_once() {
        let (plugins, reported) = partitioner(false);
        let configured = plugins.configure(&settings()).expect("configured");
        configured.close();
        configured.close();
        drop(configured);
        assert_eq!(*reported.lock(), [r#"partitioner {"ottla.plugin.a": "1"}"#, "partitioner closed"]);
    }

    #[test]
    fn what_cannot_be_configured_is_an_error_with_its_reason() {
        let (plugins, reported) = partitioner(true);
        let error = plugins.configure(&settings()).err().expect("it fails");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert_eq!(error.message(), "the application's partitioner could not be configured: no such region");
        assert_eq!(reported.lock().len(), 1, "what was not configured is not closed");
    }

    #[test]
    fn closing_waits_for_calls_that_are_inside() {
        let (plugins, reported) = partitioner(false);
        let configured = plugins.configure(&settings()).expect("configured");
        let call = configured.enter().expect("open");
        assert!(configured.is_inside());
        let closing = {
            let configured = configured.clone();
            std::thread::spawn(move || configured.close())
        };
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(reported.lock().len(), 1);
        drop(call);
        closing.join().expect("closed");
        assert_eq!(reported.lock().len(), 2);
        assert!(configured.enter().is_none() && !configured.is_inside());
    }
}
