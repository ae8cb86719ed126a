//! A cluster with faults that come and go.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use ottla_testkit::kafka::{Cluster, Options};
use ottla_testkit::proxy::{Links, Proxies, Toxiproxy};

use crate::harness::soak;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// SIGKILL, and a restart.
    Killed,
    /// SIGSTOP for longer than the request timeout. Its sockets stay open, and when it continues it still believes that
    /// it leads.
    Stopped,
    /// One broker after another is shut down and restarted.
    Rolled,
    /// Other brokers are elected as leaders.
    Elected,
    /// Connections are closed, and none can be opened for a while.
    Cut,
    /// Responses come too late, and requests that the producer gave up still reach the broker.
    Delayed,
}

impl Fault {
    pub const ALL: [Fault; 6] =
        [Fault::Killed, Fault::Stopped, Fault::Rolled, Fault::Elected, Fault::Cut, Fault::Delayed];
}

/// The producers' `request.timeout.ms`.
pub const REQUEST_TIMEOUT: &str = "3000";
/// The producers' `delivery.timeout.ms`: longer than any outage, even on a busy machine.
pub const DELIVERY_TIMEOUT: &str = "240000";
/// Longer than the request timeout.
const OUTAGE: Duration = Duration::from_secs(8);

/// Three brokers, a separate controller, and a proxy in front of each broker.
pub struct Troubled {
    pub cluster: Cluster,
    proxies: Box<dyn Proxies>,
    /// Declared last, so that the next test begins after this one's brokers are gone.
    _turn: MutexGuard<'static, ()>,
}

impl Troubled {
    /// Starts a cluster. Only one exists at a time: each has four Java processes, and faults are a matter of seconds.
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

    /// The addresses of the proxies.
    pub fn bootstrap(&self) -> &str {
        self.cluster.setting("BOOTSTRAP_PROXIED").expect("it was started with proxies")
    }

    pub fn create_topic(&self, name: &str, partitions: u32) {
        self.cluster.create_topic(name, partitions, 3, &[]);
    }

    /// Strikes one broker or all, and returns when everything is in sync and each broker leads its share of the topics.
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

    /// The broker is stopped a moment before the kill, like a dying machine, so that requests are on their way.
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

    /// Connections are slow for a moment before the cut, so that requests are on their way.
    fn cut(&self, victim: u32) {
        self.proxies.delay(victim, Duration::from_millis(100));
        sleep(Duration::from_millis(400));
        self.proxies.cut(victim);
        sleep(Duration::from_secs(2));
        self.proxies.restore();
    }
}
