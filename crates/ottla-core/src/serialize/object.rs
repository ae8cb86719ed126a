//! What the application passes instead of bytes.

use std::ffi::c_void;

/// A key or a value before serialization. It is no more than a pointer: whoever has it serialized promises what lies there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object(*const c_void);

/// A record's key and value before serialization.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Objects {
    pub key: Object,
    pub value: Object,
}

impl Object {
    /// There is none: the key or value is null, or was given as bytes.
    pub const NONE: Object = Object(std::ptr::null());

    /// NULL is none.
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
