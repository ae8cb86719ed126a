//! Members that need a flag to be set, so that a structure of zeros asks for nothing.

use ottla_engine::{Error, Result};
use ottla_host::arguments::invalid;

/// A member for which 0 is a meaningful value, so that a flag says whether it is set.
pub(super) struct Flagged {
    pub(super) flag: u32,
    /// The flag's name in the header.
    pub(super) name: &'static str,
    /// What happens without the flag.
    pub(super) otherwise: &'static str,
}

impl Flagged {
    /// The value if it is set. `member` is its name, for messages.
    #[inline(always)]
    pub(super) fn read<T: Copy + Into<i64>>(&self, flags: u32, value: T, member: &str) -> Result<Option<T>> {
        match (flags & self.flag != 0, value.into()) {
            (true, _) => Ok(Some(value)),
            (false, 0) => Ok(None),
            (false, number) => Err(self.missing(member, number)),
        }
    }

    #[cold]
    fn missing(&self, member: &str, number: i64) -> Error {
        let Flagged { name, otherwise, .. } = self;
        invalid(format!("{member} is {number}, but {name} is not among the flags: add it, or leave 0: {otherwise}"))
    }
}

/// Refuses flags that are not among `known`.
#[inline(always)]
pub(super) fn check_flags(flags: u32, known: &[&Flagged], member: &str) -> Result<()> {
    if flags & !known.iter().fold(0, |all, each| all | each.flag) == 0 {
        Ok(())
    } else {
        Err(unknown(flags, known, member))
    }
}

#[cold]
fn unknown(flags: u32, known: &[&Flagged], member: &str) -> Error {
    let names: Vec<_> = known.iter().map(|each| format!("{} ({})", each.name, each.flag)).collect();
    invalid(format!("{member} is {flags:#x}: this release knows {}", names.join(", ")))
}
