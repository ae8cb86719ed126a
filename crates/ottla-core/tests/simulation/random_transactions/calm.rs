//! What must hold once the trouble is over.

use std::sync::atomic::Ordering;
use std::time::Duration;

use ottla_core::accumulator::TransactionState as State;
use ottla_mock::Phase;

use super::application::Call;
use super::run::{ID, Instance, PARTITIONS, Run, TOPICS};
use crate::promises::End;
use crate::world::ms;

impl Run {
    pub fn end_trouble(&mut self) {
        self.print(|| "calm".into());
        self.calm = true;
        self.fault_rate.store(0, Ordering::Relaxed);
        self.start_brokers();
        let cluster = &mut self.world().cluster;
        cluster.release_metadata();
        cluster.max_request_bytes = usize::MAX;
        cluster.transactions.slow_markers = false;
        cluster.write_markers();
    }

    /// Every instance ends its transaction if it can, and is closed.
    pub fn end_all(&mut self) {
        for at in 0..self.instances.len() {
            if self.instances[at].world.application.closing.is_some() {
                continue;
            }
            self.await_answer(at);
            if matches!(self.state(at), State::InTransaction) && self.dice.endings.once_in(2) {
                self.call(at, Call::Commit);
                self.await_answer(at);
            }
            let may_abort = matches!(self.state(at), State::InTransaction | State::AbortRequired);
            if may_abort && self.dice.endings.once_in(2) {
                self.call(at, Call::Abort);
                self.await_answer(at);
            }
        }
        // Closing removes an instance. When the last one is removed, another starts.
        for _ in 0..self.instances.len() {
            self.close_first();
        }
    }

    /// Without trouble every transaction is committed, whatever happened before.
    pub fn go_on(&mut self) {
        assert_eq!(self.instances.len(), 1);
        self.turn_to(0);
        self.call(0, Call::Init);
        self.await_answer(0);
        for _ in 0..3 {
            self.call(0, Call::Begin);
            self.await_answer(0);
            for topic in TOPICS {
                (0..PARTITIONS).for_each(|partition| self.send_one(0, topic, partition, 0));
            }
            self.send_offsets(0);
            self.await_answer(0);
            self.call(0, Call::Commit);
            self.await_answer(0);
            assert!(self.instances[0].open.is_none(), "nothing is in the way of this commit");
        }
        assert_eq!(self.transactions.last(), Some(End::Committed));
        let phase = self.world().cluster.transaction(ID).map(|transaction| transaction.phase);
        assert_eq!(phase, Some(Phase::Complete { commit: true }));
        self.close_first();
    }

    fn state(&self, at: usize) -> State {
        self.instances[at].world.accumulator.gate.transaction_state()
    }

    fn await_answer(&mut self, at: usize) {
        let answered = self.run_until(at, |instance| instance.call.is_none());
        assert!(answered, "instance {} is not answered: {:?}", self.instances[at].number, self.instances[at].call);
    }

    /// Closes the first instance and waits until it is removed.
    fn close_first(&mut self) {
        let number = self.instances[0].number;
        let world = &mut self.turn_to(0).world;
        if world.application.closing.is_none() {
            world.close(ms(30_000));
        }
        self.run_until(0, |instance| instance.number != number);
        assert!(self.instances[0].number != number, "the close does not end");
    }

    /// Runs an instance until a condition holds, for some minutes at most. Returns whether it came to hold.
    fn run_until(&mut self, at: usize, done: impl Fn(&Instance) -> bool) -> bool {
        let end = self.now.after(ms(400_000));
        loop {
            let world = &mut self.turn_to(at).world;
            (world.network.eager, world.network.transit) = (true, Duration::ZERO);
            world.network.writable().into_iter().for_each(|link| world.finish_write(link));
            world.turn();
            self.after_step();
            if self.instances.get(at).is_none_or(&done) {
                return true;
            }
            let next = self.instances[at].world.next_event();
            if next > end {
                return false;
            }
            self.now = self.now.max(next);
        }
    }
}
