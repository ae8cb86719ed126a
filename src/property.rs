//! The table of properties in C's form.

use std::ffi::{CString, c_char};
use std::sync::OnceLock;

use super::guarded;
use ottla_engine::Config;
use ottla_engine::property::{Importance, Property, Scope, State};
use ottla_host::text::c_string;

/// How much a property matters to most users.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum ottla_importance {
    OTTLA_IMPORTANCE_HIGH = 1,
    OTTLA_IMPORTANCE_MEDIUM = 2,
    OTTLA_IMPORTANCE_LOW = 3,
}

/// Where a property can be set.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum ottla_scope {
    OTTLA_SCOPE_PRODUCER = 1,
    /// For the producer, and with another value for a topic.
    OTTLA_SCOPE_TOPIC = 2,
}

/// Whether this release uses a property.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum ottla_property_state {
    OTTLA_PROPERTY_IMPLEMENTED = 1,
    /// Not in this release: any value except the default is refused.
    OTTLA_PROPERTY_LATER = 2,
    /// It has no meaning outside a JVM: any value except the default is refused.
    OTTLA_PROPERTY_JVM_ONLY = 3,
}

/// The description of a property. Static: valid as long as the process, on any thread. Strings are UTF-8 and end with a
/// NUL. Grows at its end only: check `struct_size` before you read a member that a later release added.
#[repr(C)]
pub struct ottla_property {
    /// The size of this structure in the library that is running.
    pub struct_size: usize,
    /// For example "linger.ms".
    pub name: *const c_char,
    /// The type in Java's documentation: "boolean", "short", "int", "long", "double", "string", "list", "class" or
    /// "password".
    pub r#type: *const c_char,
    /// NULL: there is no default.
    pub default_value: *const c_char,
    /// The values that are allowed, in words.
    pub valid_values: *const c_char,
    /// What it does, in sentences, with units.
    pub documentation: *const c_char,
    /// Its origin: the KIP that defined it and the Kafka class that holds it.
    pub source: *const c_char,
    /// If it is not implemented: the reason, or what to use instead. Else NULL.
    pub remark: *const c_char,
    /// One of ottla_importance.
    pub importance: i32,
    /// One of ottla_scope.
    pub scope: i32,
    /// One of ottla_property_state.
    pub state: i32,
    /// 0.
    pub reserved: i32,
}

/// Returns the number of properties. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_property_count() -> usize {
    guarded(0, || Config::properties().len())
}

/// Returns a property, in the order of CONFIGURATION.md; NULL if `index` is not below ottla_property_count(). Static;
/// any thread.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_property_at(index: usize) -> *const ottla_property {
    guarded(std::ptr::null(), || table().0.get(index).map_or(std::ptr::null(), std::ptr::from_ref))
}

/// The rows, and the strings that they point to.
struct Table(Vec<ottla_property>, #[expect(dead_code, reason = "owns what the rows point to")] Vec<CString>);

// SAFETY: the pointers of the rows lead to strings that the table owns and nobody changes.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut strings = Vec::new();
        let rows = Config::properties().iter().map(|property| row(property, &mut strings)).collect();
        Table(rows, strings)
    })
}

fn row(property: &Property, strings: &mut Vec<CString>) -> ottla_property {
    // The characters of a CString stay where they are when it moves.
    let mut keep = |text: &str| {
        strings.push(c_string(text));
        strings.last().map_or(std::ptr::null(), |text| text.as_ptr())
    };
    let (state, remark) = match property.state {
        State::Implemented => (ottla_property_state::OTTLA_PROPERTY_IMPLEMENTED, None),
        State::Later(why) => (ottla_property_state::OTTLA_PROPERTY_LATER, Some(why)),
        State::JvmOnly(instead) => (ottla_property_state::OTTLA_PROPERTY_JVM_ONLY, Some(instead)),
    };
    let importance = match property.importance {
        Importance::High => ottla_importance::OTTLA_IMPORTANCE_HIGH,
        Importance::Medium => ottla_importance::OTTLA_IMPORTANCE_MEDIUM,
        Importance::Low => ottla_importance::OTTLA_IMPORTANCE_LOW,
    };
    let scope = match property.scope {
        Scope::Producer => ottla_scope::OTTLA_SCOPE_PRODUCER,
        Scope::Topic => ottla_scope::OTTLA_SCOPE_TOPIC,
    };
    ottla_property {
        struct_size: size_of::<ottla_property>(),
        name: keep(property.name),
        r#type: keep(property.type_name()),
        default_value: property.default.map_or(std::ptr::null(), &mut keep),
        valid_values: keep(&property.valid_values()),
        documentation: keep(property.doc),
        source: keep(property.source),
        remark: remark.map_or(std::ptr::null(), &mut keep),
        importance: importance as i32,
        scope: scope as i32,
        state: state as i32,
        reserved: 0,
    }
}
