//! Wake coalescing: the sender looks for full batches by itself while they fill fast. If a batch fills every few
//! microseconds, a wake for each is too expensive. It costs the thread that filled the batch more than all its records
//! (13 microseconds on a virtual machine), and requests become small. Where timers have a resolution of milliseconds,
//! the sender is always woken.

use std::time::Duration;

use crate::sync::Time;

/// How long the sender rests before it looks again. Batches that fill more slowly than one in two rests wake it.
const REST: Duration = Duration::from_micros(50);

/// Tracks how fast batches fill. Thread: sender.
#[derive(Default)]
pub struct WakeCoalescing {
    /// The inbox had full batches since the sender last slept.
    full: bool,
    /// When the sender last fell asleep after it had found full batches.
    last_full: Time,
}

impl WakeCoalescing {
    /// Notes that the inbox was emptied, and whether it had full batches.
    pub fn saw(&mut self, full: bool) {
        self.full |= full;
    }

    /// Called when the sender would sleep until `deadline`. Returns until when it should sleep, and whether it rests.
    /// Full batches need not wake a sender that rests.
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

    /// Falls asleep at the time `micros`.
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
