//! A cluster that gets into trouble and out of it again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use ottla_testkit::kafka::{Cluster, Options};
use ottla_testkit::proxy::{Links, Proxies, Toxiproxy};

use crate::harness::soak;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// SIGKILL, and started again.
    Killed,
    /// SIGSTOP for longer than a request may last: its sockets stay open, and when it goes on it still thinks that it leads.
    Stopped,
    /// One broker after the other is shut down and started again.
    Rolled,
    /// Other brokers become leaders, by election.
    Elected,
    /// Connections are closed, and none comes about for a while.
    Cut,
    /// Answers come too late, and what the producer gave up on still reaches the broker.
    Delayed,
}

impl Fault {
    pub const ALL: [Fault; 6] =
        [Fault::Killed, Fault::Stopped, Fault::Rolled, Fault::Elected, Fault::Cut, Fault::Delayed];
}

/// What the producers have for `request.timeout.ms`.
pub const REQUEST_TIMEOUT: &str = "3000";
/// And for `delivery.timeout.ms`: more than any outage takes, on a machine that is busy otherwise too.
pub const DELIVERY_TIMEOUT: &str = "240000";
/// Longer than a request may last.
const OUTAGE: Duration = Duration::from_secs(8);

/// Three brokers and a controller beside them, with a proxy before each broker.
pub struct Troubled {
    pub cluster: Cluster,
    proxies: Box<dyn Proxies>,
    /// Last, so that the next one begins when the brokers of this one are gone.
    _turn: MutexGuard<'static, ()>,
}

impl Troubled {
    /// One at a time: each has four processes of Java, and trouble is a matter of seconds.
    pub fn start(version: &str) -> Troubled {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let options = Options { version: version.into(), brokers: 3, separate_controller: true, ..Options::default() };
        let cluster = Cluster::start(Options { proxied: true, ..options });
        let proxies: Box<dyn Proxies> = match soak() {
            true => Box::new(Toxiproxy::start(&cluster.proxied())),
            false => Box::new(Links::start(&cluster.proxied())),
        };
        Troubled { cluster, proxies, _turn: turn }
    }

    /// The proxies' addresses.
    pub fn bootstrap(&self) -> &str {
        self.cluster.setting("BOOTSTRAP_PROXIED").expect("it was started with proxies")
    }

    pub fn create_topic(&self, name: &str, partitions: u32) {
        self.cluster.create_topic(name, partitions, 3, &[]);
    }

    /// Strikes a broker, or all, and returns when everything is in sync and each broker leads its share of the topics.
    pub fn strike(&self, fault: Fault, victim: u32, topics: &[&str]) {
        match fault {
            Fault::Killed => self.kill(victim),
            Fault::Stopped => {
                self.cluster.pause(victim);
                sleep(OUTAGE);
                self.cluster.resume(victim);
            }
            Fault::Rolled => (1..=3).for_each(|broker| {
                self.cluster.restart(broker);
                self.cluster.wait_in_sync();
            }),
            Fault::Elected => self.move_leaders(topics),
            Fault::Cut => self.cut(victim),
            Fault::Delayed => {
                self.proxies.delay(victim, OUTAGE / 2);
                sleep(OUTAGE);
                self.proxies.restore();
            }
        }
        self.cluster.wait_in_sync();
        topics.iter().for_each(|topic| self.cluster.elect(topic));
    }

    /// Stopped a moment before, as a dying machine is, so that requests are on their way when it goes.
    fn kill(&self, victim: u32) {
        self.cluster.pause(victim);
        sleep(Duration::from_millis(100));
        self.cluster.kill(victim);
        sleep(Duration::from_secs(2));
        self.cluster.restart(victim);
    }

    fn move_leaders(&self, topics: &[&str]) {
        for topic in topics {
            self.cluster.rotate(topic);
            self.cluster.elect(topic);
        }
    }

    /// Slow for a moment before, so that requests are on their way when it is cut.
    fn cut(&self, victim: u32) {
        self.proxies.delay(victim, Duration::from_millis(100));
        sleep(Duration::from_millis(400));
        self.proxies.cut(victim);
        sleep(Duration::from_secs(2));
        self.proxies.restore();
    }
}
