//! The sender thread, but for its sockets: it takes the front's mail to the core, and sleeps as the driver does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ottla_core::accumulator::Rest;
use ottla_core::accumulator::{Command, Front, Mail};
use ottla_core::sender::Core;
use ottla_core::sync::Time;

pub struct Driver {
    mail: Mail<Command>,
    woken: Arc<AtomicBool>,
    rest: Rest,
    asleep: bool,
    asleep_until: Time,
}

impl Driver {
    pub fn new(front: &Front, now: Time) -> Driver {
        let woken = Arc::new(AtomicBool::new(false));
        let wake = woken.clone();
        front.inbox.on_wake(Box::new(move || wake.store(true, Ordering::SeqCst)));
        Driver { mail: Mail::default(), woken, rest: Rest::default(), asleep: false, asleep_until: now }
    }

    /// Takes the mail out of the inbox. Returns whether the memory was short.
    pub fn take_mail(&mut self, front: &Front) -> bool {
        front.inbox.wake_up();
        self.woken.store(false, Ordering::SeqCst);
        let pressed = front.inbox.take_pressed();
        front.inbox.take(&mut self.mail);
        self.rest.saw(self.mail.full);
        pressed
    }

    pub fn hand_over_mail(&mut self, core: &mut Core, pressed: bool) {
        core.mail(&mut self.mail, pressed);
    }

    /// The next time at which the core acts by itself.
    pub fn next_tick(&self, core: &Core) -> Time {
        core.next_deadline().min(self.asleep_until)
    }

    /// Whether it is awake, or has a reason to be.
    pub fn is_awake(&mut self) -> bool {
        !self.asleep || self.woken.swap(false, Ordering::SeqCst)
    }

    pub fn wake_up(&mut self) {
        self.asleep = false;
    }

    /// As the driver does it: sleep is announced, and taken back if something arrived meanwhile.
    pub fn fall_asleep(&mut self, core: &Core, front: &Front, now: Time) {
        let deadline = core.next_deadline();
        let (until, resting) = self.rest.fall_asleep(deadline, now);
        self.asleep = deadline > now && front.inbox.fall_asleep(until, resting);
        self.asleep_until = until;
    }
}
