//! Configuration: one table of properties. Validation, reflection and CONFIGURATION.md are made from it.
//!
//! A [`Config`] is filled by name, in text, like Java's and librdkafka's. [`Config::resolve`] turns it into
//! [`Settings`], the typed form that the engine works with. Depends on `error` and std alone.
#![forbid(unsafe_code)]

mod builder;
mod document;
mod environment;
mod facility;
mod foreign;
mod plugin;
mod properties_file;
mod property;
mod servers;
mod settings;
mod suggestion;
mod table;
mod tls;
mod topics;

pub use builder::{Config, PLUGIN_PREFIX};
pub use document::markdown;
pub use facility::{Facilities, Facility};
pub use foreign::{Convert, Foreign, Meaning, foreign_names};
pub use plugin::{Plugin, PluginSettings};
pub use property::{Choice, Dialect, Group, Importance, Kind, Property, Range, Scope, State};
pub use servers::HostPort;
pub use settings::{Acks, DnsLookup, Levels, Partitioner, Recovery, Serializer, Settings};
pub use table::{find, properties};
pub use tls::{CipherSuite, Identity, Material, Password, Place, StoreType, Tls, TlsVersions, Verification};
pub use topics::TOPIC_PREFIX;

pub use properties_file::fuzz_properties;

/// An error of kind `InvalidConfig`.
fn invalid(message: impl Into<String>) -> crate::Error {
    crate::Error::new(crate::ErrorKind::InvalidConfig, message)
}

/// Cuts what Java's `String.trim` cuts: everything up to the space, at both ends.
fn trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}
