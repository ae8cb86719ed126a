//! The C ABI. Each exported function converts its arguments, makes one call of the engine, and converts back. Its doc
//! comment becomes `include/ottla.h`, so it is written for users of C. Each noun has a file; `tests/header.rs` puts the
//! files in the order of the header's sections.
#![expect(non_camel_case_types, reason = "the names are C's, and are written the same everywhere")]
#![expect(unsafe_code, reason = "pointers from C become references, slices and strings here, and nowhere else")]

mod boundary;
mod check;
mod config;
mod counters;
mod delivery;
mod error;
mod event;
mod flagged;
mod flat;
mod flush;
mod handle;
mod interceptor;
mod loan;
mod log;
mod objects;
mod partitioner;
mod partitions;
mod plugin;
mod poll;
mod producer;
mod property;
mod purge;
mod record;
mod report;
mod retained;
mod send;
mod send_handle;
mod send_options;
mod serializer;
mod sink;
mod sized;
mod statistics;
mod topic;
mod transaction;
mod userdata;
mod version;

use boundary::boundary;
use ottla_host::arguments::{required, text, wait};
use ottla_host::boundary::guarded;
