//! What the tests of Ottla share.
