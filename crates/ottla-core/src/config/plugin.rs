//! What custom partitioners, serializers and interceptors have in common.

use std::collections::BTreeMap;

/// Settings of plug-ins by their whole names, which begin with [`super::PLUGIN_PREFIX`].
pub type PluginSettings = BTreeMap<String, String>;

/// Something of the application's own that a producer calls. A function that fails gives a sentence that says why.
pub trait Plugin: Send + Sync {
    /// Told the settings, once for each producer that is made with it, before anything else is asked of it.
    fn configure(&self, settings: &PluginSettings) -> Result<(), String>;

    /// A producer for which `configure` succeeded asks nothing more of it. Called once for each such producer.
    fn close(&self);
}
