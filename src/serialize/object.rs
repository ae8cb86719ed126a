//! What the application hands over instead of bytes.

use std::ffi::c_void;

/// A key or a value before serialization: a pointer behind which only the application's own functions, and the
/// serializer that its type was promised to, look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object(*const c_void);

/// A record's key and value before serialization.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Objects {
    pub key: Object,
    pub value: Object,
}

impl Object {
    /// There is none: a null key or value, or one that was given as bytes.
    pub const NONE: Object = Object(std::ptr::null());

    pub fn pointer(self) -> *const c_void {
        self.0
    }

    pub fn is_none(self) -> bool {
        self.0.is_null()
    }
}

impl Default for Object {
    fn default() -> Self {
        Object::NONE
    }
}
