//! Wake coalescing: when the sender looks for full batches by itself. If batches fill every few microseconds, waking
//! the sender for each is too dear. A wake costs the thread that filled the batch more than all its records (13
//! microseconds on a virtual machine), and requests become small. Where timers count milliseconds, the sender is always
//! woken.

use std::time::Duration;

use crate::sync::Time;

/// How long the sender rests before it looks again. Batches filled more slowly than one in two rests wake it.
const REST: Duration = Duration::from_micros(50);

/// Remembers how fast batches are filled. Thread: sender.
#[derive(Default)]
pub struct WakeCoalescing {
    /// Since the sender slept, the inbox told of full batches.
    full: bool,
    /// When it fell asleep after it had been told of some, last.
    last_full: Time,
}

impl WakeCoalescing {
    /// The inbox was emptied, and did or did not tell of full batches.
    pub fn saw(&mut self, full: bool) {
        self.full |= full;
    }

    /// The sender would sleep until `deadline`. Answers until when it should, and whether it rests: if it does, full
    /// batches need not wake it.
    pub fn fall_asleep(&mut self, deadline: Time, now: Time) -> (Time, bool) {
        if !std::mem::take(&mut self.full) {
            return (deadline, false);
        }
        let before = std::mem::replace(&mut self.last_full, now);
        if now.since(before) < 2 * REST { (deadline.min(now.after(REST)), true) } else { (deadline, false) }
    }
}

#[cfg(all(test, not(ottla_loom)))]
mod tests {
    use super::*;

    const FAR: Time = Time(1_000_000_000_000);

    /// Falls asleep at `micros`.
    fn at(rest: &mut WakeCoalescing, micros: u64, full: bool) -> (Time, bool) {
        rest.saw(full);
        rest.fall_asleep(FAR, Time(1_000_000 + micros * 1_000))
    }

    #[test]
    fn the_sender_rests_while_batches_are_filled_fast() {
        let mut rest = WakeCoalescing::default();
        assert_eq!(at(&mut rest, 0, true), (FAR, false), "one is no flood");
        assert_eq!(at(&mut rest, 99, true), (Time(1_149_000), true));
        assert_eq!(at(&mut rest, 149, true), (Time(1_199_000), true));
        assert_eq!(at(&mut rest, 199, false), (FAR, false), "nothing came while it rested");
        assert_eq!(at(&mut rest, 300, true), (FAR, false), "too slow");
    }

    #[test]
    fn it_rests_no_longer_than_to_its_deadline() {
        let mut rest = WakeCoalescing::default();
        at(&mut rest, 0, true);
        rest.saw(true);
        assert_eq!(rest.fall_asleep(Time(1_020_000), Time(1_010_000)), (Time(1_020_000), true));
    }

    #[test]
    fn what_was_seen_in_an_earlier_pass_counts() {
        let mut rest = WakeCoalescing::default();
        at(&mut rest, 0, true);
        rest.saw(true);
        assert!(at(&mut rest, 20, false).1);
    }
}
