//! A connection that is stepped: bytes in, cut anywhere, reactions out.

use super::{Cluster, Reaction};

/// One client's connection to one broker.
#[derive(Clone, Debug)]
pub struct Connection {
    broker: i32,
    pending: Vec<u8>,
    over: bool,
}

impl Connection {
    pub fn new(broker: i32) -> Connection {
        Connection { broker, pending: Vec::new(), over: false }
    }

    pub fn broker(&self) -> i32 {
        self.broker
    }

    /// Takes bytes from the client, and handles each request that they complete, in order. After a reaction that closes
    /// or stalls, nothing more is handled.
    pub fn receive(&mut self, cluster: &mut Cluster, bytes: &[u8]) -> Vec<Reaction> {
        let mut reactions = Vec::new();
        self.pending.extend_from_slice(bytes);
        while let Some(reaction) = self.step(cluster) {
            reactions.push(reaction);
        }
        reactions
    }

    /// Adds bytes from the client. [`Connection::step`] handles them.
    pub fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// Handles the next request, if one is complete.
    pub fn step(&mut self, cluster: &mut Cluster) -> Option<Reaction> {
        if self.over {
            return None;
        }
        let length = i32::from_be_bytes(*self.pending.first_chunk::<4>()?);
        let reaction = match usize::try_from(length) {
            Err(_) => Reaction::closing(),
            Ok(length) if length > cluster.max_request_bytes => {
                cluster.oversized_requests.push(length);
                Reaction::closing()
            }
            Ok(length) => {
                let reaction = cluster.react(self.broker, self.pending.get(4..4 + length)?);
                self.pending.drain(..4 + length);
                reaction
            }
        };
        self.over = reaction.close || reaction.stall;
        Some(reaction)
    }
}
