//! What administrators and accidents do to producers and their cluster.

use ottla_mock::{Cluster, Versions};

use super::application::Call;
use super::run::{GROUP, ID, Instance, PARTITIONS, Run, TOPICS};
use crate::world::ms;

impl Run {
    pub fn meddle(&mut self) {
        if self.plan.outages && self.dice.outages.once_in(10) {
            return self.black_out();
        }
        let dice = &mut self.dice.accidents;
        let broker = 1 + dice.below(3) as i32;
        let topic = dice.one_of(&TOPICS);
        let partition = dice.below(PARTITIONS as u32) as i32;
        let what = dice.below(16);
        let newest = self.world().cluster.versions_of(1) == &Versions::kafka_4_3();
        let is_up = self.world().cluster.is_up(broker);
        match what {
            0 | 1 if is_up => {
                self.world().cluster.move_leader(topic, partition, broker);
                self.fault("leader moved");
            }
            2 | 3 => {
                self.world().cluster.move_coordinator(ID, broker);
                self.fault("coordinator moved");
            }
            4 => {
                self.world().cluster.move_coordinator(GROUP, broker);
                self.fault("group coordinator moved");
            }
            5 | 6 => self.slow_down_or_speed_up_markers(),
            7 if newest => {
                let level = self.dice.accidents.one_of(&[1, 2]);
                self.world().cluster.set_transaction_version(level);
                self.fault(if level == 2 { "upgrade" } else { "downgrade" });
            }
            8 if is_up => {
                self.stop_broker(broker);
                if self.dice.accidents.once_in(2) {
                    self.world().cluster.start_broker(broker);
                }
                self.fault("broker stopped");
            }
            9..12 => self.start_brokers(),
            12 => {
                self.world().cluster.hold_metadata();
                self.fault("stale metadata");
            }
            13 => self.world().cluster.release_metadata(),
            14 => {
                let time = self.dice.accidents.up_to(ms(20_000));
                self.world().now = self.now.after(time);
                self.fault("clock jump");
            }
            15 if !newest => {
                // All brokers get another release.
                let versions: [fn() -> Versions; 2] = [Versions::kafka_3_9, Versions::kafka_4_3];
                let versions = self.dice.accidents.one_of(&versions);
                self.world().cluster.set_versions(versions());
                self.fault("new brokers");
            }
            _ => {}
        }
    }

    fn slow_down_or_speed_up_markers(&mut self) {
        let slow = &mut self.world().cluster.transactions.slow_markers;
        *slow = !*slow;
        if *slow {
            self.fault("slow markers");
        }
    }

    /// All brokers are down for two seconds, and the active producer does whatever it wants meanwhile.
    fn black_out(&mut self) {
        for broker in self.world().cluster.broker_ids() {
            if self.world().cluster.is_up(broker) {
                self.stop_broker(broker);
            }
        }
        self.world().run(ms(2_000));
        self.start_brokers();
        self.fault("outage");
    }

    pub fn start_brokers(&mut self) {
        for broker in self.world().cluster.broker_ids() {
            if !self.world().cluster.is_up(broker) {
                self.world().cluster.start_broker(broker);
            }
        }
    }

    fn stop_broker(&mut self, broker: i32) {
        self.world().stop_broker(broker);
        self.strays.retain(|(_, connection, _)| connection.broker() != broker);
        let active = self.active;
        for at in (0..self.instances.len()).filter(|at| *at != active) {
            self.instances[at].world.now = self.now;
            self.instances[at].world.lose_broker(broker);
        }
    }

    /// A process dies, is closed in the middle of its work, or gets a rival.
    pub fn replace(&mut self, at: usize) {
        match self.dice.replacements.below(6) {
            0 | 1 => {
                self.fault("crash");
                self.crash(at);
            }
            2 if self.instances[at].world.application.closing.is_none() => {
                self.fault("close amid it");
                let timeout = self.dice.replacements.one_of(&[ms(0), ms(100), ms(5_000)]);
                self.instances[at].world.close(timeout);
            }
            3 if self.instances.len() < 3 => {
                self.fault("rival");
                let cluster = std::mem::replace(&mut self.world().cluster, Cluster::new(0));
                self.start(cluster);
            }
            _ => {}
        }
    }

    fn crash(&mut self, at: usize) {
        let Instance { world, number, call, open, .. } = self.instances.remove(at);
        self.print(|| format!("instance {number} dies"));
        if let Some(open) = open {
            let committing = call.is_some_and(|(_, call)| call == Call::Commit) && !open.failed;
            self.abandon(open, committing);
        }
        self.bury(world);
    }
}
