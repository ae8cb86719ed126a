//! The sender thread without its sockets: it hands the accumulator's mail to the sender, and sleeps as the event loop
//! does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ottla_core::accumulator::WakeCoalescing;
use ottla_core::accumulator::{Accumulator, Command, Mail};
use ottla_core::sender::Sender;
use ottla_core::sync::Time;

pub struct Driver {
    mail: Mail<Command>,
    woken: Arc<AtomicBool>,
    rest: WakeCoalescing,
    asleep: bool,
    asleep_until: Time,
}

impl Driver {
    pub fn new(accumulator: &Accumulator, now: Time) -> Driver {
        let woken = Arc::new(AtomicBool::new(false));
        let wake = woken.clone();
        accumulator.inbox.on_wake(Box::new(move || wake.store(true, Ordering::SeqCst)));
        Driver { mail: Mail::default(), woken, rest: WakeCoalescing::default(), asleep: false, asleep_until: now }
    }

    /// Takes the mail out of the inbox. Returns whether a call requested room.
    pub fn take_mail(&mut self, accumulator: &Accumulator) -> bool {
        accumulator.inbox.wake_up();
        self.woken.store(false, Ordering::SeqCst);
        let room_requested = accumulator.inbox.take_room_request();
        accumulator.inbox.take(&mut self.mail);
        self.rest.saw(self.mail.full);
        room_requested
    }

    pub fn hand_over_mail(&mut self, sender: &mut Sender, room_requested: bool) {
        sender.mail(&mut self.mail, room_requested);
    }

    /// The next time at which the sender acts by itself.
    pub fn next_tick(&self, sender: &Sender) -> Time {
        sender.next_deadline().min(self.asleep_until)
    }

    /// Whether the sender is awake or has a reason to be.
    pub fn is_awake(&mut self) -> bool {
        !self.asleep || self.woken.swap(false, Ordering::SeqCst)
    }

    pub fn wake_up(&mut self) {
        self.asleep = false;
    }

    /// Announces sleep as the event loop does, and takes that back if something arrived meanwhile.
    pub fn fall_asleep(&mut self, sender: &Sender, accumulator: &Accumulator, now: Time) {
        let deadline = sender.next_deadline();
        let (until, resting) = self.rest.fall_asleep(deadline, now);
        self.asleep = deadline > now && accumulator.inbox.fall_asleep(until, resting);
        self.asleep_until = until;
    }
}
