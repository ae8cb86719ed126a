//! The network between an engine and its brokers: links, bytes on their way, and losses.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ottla_core::sender::{ConnectionId, Frame, HostName};
use ottla_core::sync::Time;
use ottla_core::{Error, ErrorKind};
use ottla_mock::{Cluster, Connection, Reaction};

use super::ms;

/// A connection, or an attempt at one.
#[derive(Default)]
pub struct Link {
    pub broker: Option<Connection>,
    pub outgoing: Option<Frame>,
    /// A part of the frame was written.
    pub begun: bool,
    /// Requests that were written but not handled by the broker yet.
    on_way: VecDeque<(Time, Vec<u8>)>,
    arrivals: VecDeque<(Time, Arrival)>,
    received: Vec<u8>,
    stalled: bool,
}

/// Something that reaches the engine.
pub enum Arrival {
    Resolved(Vec<SocketAddr>),
    CanonicalNames(Result<Vec<Arc<str>>, Error>),
    ResolveFailed,
    Securing,
    Connected(i32),
    Refused,
    Bytes(Vec<u8>),
    Closed,
}

/// A request that a broker will handle although its connection is closed.
pub type Stray = (Time, Connection, Vec<u8>);

pub struct Network {
    /// The addresses of names. Numeric addresses resolve to themselves.
    pub names: BTreeMap<String, Vec<SocketAddr>>,
    /// The canonical names of addresses.
    pub canonical: BTreeMap<SocketAddr, String>,
    /// The names whose canonical names were requested.
    pub asked_canonical: Vec<String>,
    /// The broker that listens at each address.
    pub listeners: BTreeMap<SocketAddr, i32>,
    /// Attempts to connect to these addresses get no answer.
    pub silent: BTreeSet<SocketAddr>,
    /// Connections to these addresses are accepted, and their TLS handshake never ends.
    pub unsecured: BTreeSet<SocketAddr>,
    /// Name resolution never ends.
    pub no_resolver: bool,
    /// The time from the last byte of a request to the first byte of its response.
    pub latency: Duration,
    /// The time from the last byte of a request until the broker handles it, even if the connection was lost meanwhile.
    pub transit: Duration,
    /// Sockets accept every write at once.
    pub eager: bool,
    links: BTreeMap<ConnectionId, Link>,
    /// Requests that outlived their connections.
    strays: Vec<Stray>,
}

impl Network {
    pub fn new(brokers: i32) -> Network {
        let address = |broker: i32| SocketAddr::from(([127, 0, 0, 1], 9092 + broker as u16));
        Network {
            names: BTreeMap::from([("first".into(), vec![address(1)]), ("second".into(), vec![address(2)])]),
            canonical: BTreeMap::new(),
            asked_canonical: Vec::new(),
            listeners: (1..=brokers).map(|broker| (address(broker), broker)).collect(),
            silent: BTreeSet::new(),
            unsecured: BTreeSet::new(),
            no_resolver: false,
            latency: Duration::from_micros(100),
            transit: Duration::ZERO,
            eager: true,
            links: BTreeMap::new(),
            strays: Vec::new(),
        }
    }

    // What the engine asks for

    pub fn resolve(&mut self, id: ConnectionId, name: &HostName, now: Time) {
        let arrival = self.addresses_of(name).map_or(Arrival::ResolveFailed, Arrival::Resolved);
        self.look_up(id, arrival, now);
    }

    pub fn find_canonical_names(&mut self, id: ConnectionId, name: &HostName, now: Time) {
        self.asked_canonical.push(name.host.to_string());
        let name_of = |address: &SocketAddr| match self.canonical.get(address) {
            Some(name) => name.as_str().into(),
            None => address.ip().to_string().into(),
        };
        let names = self.addresses_of(name).map(|addresses| addresses.iter().map(name_of).collect());
        let names = names.ok_or_else(|| Error::new(ErrorKind::Resolve, "no such name"));
        self.look_up(id, Arrival::CanonicalNames(names), now);
    }

    fn addresses_of(&self, name: &HostName) -> Option<Vec<SocketAddr>> {
        let numeric = name.host.parse().ok().map(|ip| vec![SocketAddr::new(ip, name.port)]);
        numeric.or_else(|| self.names.get(&*name.host).cloned())
    }

    fn look_up(&mut self, id: ConnectionId, arrival: Arrival, now: Time) {
        let arrivals = if self.no_resolver { VecDeque::new() } else { VecDeque::from([(now, arrival)]) };
        self.links.insert(id, Link { arrivals, ..Link::default() });
    }

    pub fn connect(&mut self, id: ConnectionId, name: &Arc<str>, address: SocketAddr, now: Time, cluster: &Cluster) {
        let server = HostName { host: name.clone(), port: address.port() };
        let addresses = self.addresses_of(&server).unwrap_or_default();
        assert!(addresses.contains(&address), "{address} is no address of {name}");
        let others: Vec<ConnectionId> = self.links.keys().copied().filter(|other| other.broker == id.broker).collect();
        others.into_iter().for_each(|other| drop(self.end(other)));
        let mut link = Link::default();
        if !self.silent.contains(&address) {
            let listening = self.listeners.get(&address).copied().filter(|&broker| cluster.is_up(broker));
            let arrival = match listening {
                None => Arrival::Refused,
                Some(_) if self.unsecured.contains(&address) => Arrival::Securing,
                Some(broker) => Arrival::Connected(broker),
            };
            link.arrivals.push_back((now.after(self.latency), arrival));
        }
        self.links.insert(id, link);
    }

    /// Gives a socket a frame to write. Returns false if the connection is closed.
    pub fn write(&mut self, id: ConnectionId, frame: Frame) -> bool {
        let Some(link) = self.links.get_mut(&id) else { return false };
        assert!(link.outgoing.is_none(), "one frame at a time");
        assert!(link.broker.is_some(), "written before it was connected");
        link.outgoing = Some(frame);
        link.begun = false;
        true
    }

    /// Takes back a frame of which no byte was written.
    pub fn recall(&mut self, id: ConnectionId) {
        let link = self.links.get_mut(&id).expect("a frame is taken back while its connection is open");
        assert!(link.outgoing.take().is_some() && !link.begun, "nothing that could be taken back");
    }

    /// Ends a link. What was written to it still reaches its broker.
    pub fn end(&mut self, id: ConnectionId) -> Option<Link> {
        let mut link = self.links.remove(&id)?;
        if let Some(connection) = link.broker.as_ref().filter(|_| !link.stalled) {
            let on_way = std::mem::take(&mut link.on_way).into_iter();
            self.strays.extend(on_way.map(|(at, bytes)| (at, connection.clone(), bytes)));
        }
        Some(link)
    }

    /// Ends all links. Returns requests that were written but not handled.
    pub fn end_all(mut self) -> Vec<Stray> {
        self.links().into_iter().for_each(|id| drop(self.end(id)));
        self.strays
    }

    // What sockets do

    /// Writes the first bytes of a frame. Returns the frame's bytes, unless they were written before.
    pub fn begin_write(&mut self, id: ConnectionId) -> Option<Vec<u8>> {
        let link = self.links.get_mut(&id)?;
        let frame = link.outgoing.as_ref().filter(|_| !link.begun)?;
        let bytes = frame.slices().collect::<Vec<_>>().concat();
        link.begun = true;
        Some(bytes)
    }

    /// Writes the rest of a frame. Returns the frame and its broker.
    pub fn finish_write(&mut self, id: ConnectionId, now: Time) -> Option<(Frame, i32)> {
        let link = self.links.get_mut(&id)?;
        let frame = link.outgoing.take()?;
        let bytes = frame.slices().collect::<Vec<_>>().concat();
        let at = now.after(self.transit);
        let at = link.on_way.back().map_or(at, |(before, _)| at.max(*before));
        link.on_way.push_back((at, bytes));
        Some((frame, link.broker.as_ref().expect("connected").broker()))
    }

    /// Lets brokers handle what has reached them by now.
    pub fn land(&mut self, now: Time, cluster: &mut Cluster) {
        self.links().into_iter().for_each(|id| self.land_on(id, now, cluster));
        for (_, mut connection, bytes) in self.strays.extract_if(.., |(at, ..)| *at <= now) {
            connection.receive(cluster, &bytes);
        }
    }

    /// The same, for one link.
    pub fn land_on(&mut self, id: ConnectionId, now: Time, cluster: &mut Cluster) {
        let Some(link) = self.links.get_mut(&id) else { return };
        while let Some((_, bytes)) = link.on_way.pop_front_if(|(at, _)| *at <= now) {
            let connection = link.broker.as_mut().expect("connected");
            let reactions = if link.stalled { Vec::new() } else { connection.receive(cluster, &bytes) };
            for Reaction { delay_ms, bytes, close, stall } in reactions {
                let ready = now.after(self.latency).after(ms(delay_ms));
                let at = link.arrivals.back().map_or(ready, |(before, _)| ready.max(*before));
                if !bytes.is_empty() {
                    link.arrivals.push_back((at, Arrival::Bytes(bytes)));
                }
                if close {
                    link.arrivals.push_back((at, Arrival::Closed));
                }
                link.stalled |= stall;
            }
        }
    }

    /// Takes what arrived first on a link.
    pub fn take_arrival(&mut self, id: ConnectionId) -> Option<Arrival> {
        Some(self.links.get_mut(&id)?.arrivals.pop_front()?.1)
    }

    pub fn connected(&mut self, id: ConnectionId, broker: i32) {
        self.links.get_mut(&id).expect("it just connected").broker = Some(Connection::new(broker));
    }

    /// Takes all bytes received so far on a link, including `bytes`.
    pub fn take_received(&mut self, id: ConnectionId, bytes: &[u8]) -> Vec<u8> {
        let mut received = self.links.get_mut(&id).map_or_else(Vec::new, |link| std::mem::take(&mut link.received));
        received.extend_from_slice(bytes);
        received
    }

    /// Puts the beginning of a response back.
    pub fn put_back(&mut self, id: ConnectionId, received: Vec<u8>) {
        if let Some(link) = self.links.get_mut(&id) {
            link.received = received;
        }
    }

    /// Drops requests on their way to a broker that went down.
    pub fn lose_strays(&mut self, broker: i32) {
        self.strays.retain(|(_, connection, _)| connection.broker() != broker);
    }

    // Looking

    pub fn links(&self) -> Vec<ConnectionId> {
        self.links.keys().copied().collect()
    }

    pub fn links_to(&self, broker: i32) -> Vec<ConnectionId> {
        self.those(|link| link.broker.as_ref().is_some_and(|connection| connection.broker() == broker))
    }

    /// Links on which something has arrived by now.
    pub fn arrivals(&self, now: Time) -> Vec<ConnectionId> {
        self.those(|link| link.arrivals.front().is_some_and(|(at, _)| *at <= now))
    }

    /// Links with something to write.
    pub fn writable(&self) -> Vec<ConnectionId> {
        self.those(|link| link.outgoing.is_some())
    }

    fn those(&self, wanted: impl Fn(&Link) -> bool) -> Vec<ConnectionId> {
        self.links.iter().filter(|(_, link)| wanted(link)).map(|(id, _)| *id).collect()
    }

    /// The latest time up to which everything that arrived was delivered.
    pub fn drained(&self, now: Time) -> Time {
        self.next_arrival().map_or(now, |at| Time(at.0 - 1)).min(now)
    }

    fn next_arrival(&self) -> Option<Time> {
        self.links.values().filter_map(|link| link.arrivals.front().map(|(at, _)| *at)).min()
    }

    /// The time of the next arrival at either end.
    pub fn next_event(&self) -> Time {
        let landings = self.links.values().filter_map(|link| link.on_way.front().map(|(at, _)| *at)).min();
        let strays = self.strays.iter().map(|(at, ..)| *at).min();
        [self.next_arrival(), landings, strays].into_iter().flatten().min().unwrap_or(Time::NEVER)
    }
}
