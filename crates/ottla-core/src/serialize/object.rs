//! Objects: what the application passes instead of bytes.

use std::ffi::c_void;

/// A key or a value before serialization. It is only a pointer: the caller of the serializer guarantees what it points
/// to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object(*const c_void);

/// The key and the value of a record before serialization.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Objects {
    pub key: Object,
    pub value: Object,
}

impl Object {
    /// No object: the key or value is null, or was given as bytes.
    pub const NONE: Object = Object(std::ptr::null());

    /// NULL means no object.
    pub fn new(pointer: *const c_void) -> Self {
        Object(pointer)
    }

    pub fn pointer(self) -> *const c_void {
        self.0
    }

    pub fn is_none(self) -> bool {
        self.0.is_null()
    }
}

impl Objects {
    pub fn is_none(self) -> bool {
        self.key.is_none() && self.value.is_none()
    }
}

impl Default for Object {
    fn default() -> Self {
        Object::NONE
    }
}
