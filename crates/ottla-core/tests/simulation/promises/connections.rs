//! After the close no connection is open, and the sender has nothing left to do.

use super::Promise;
use crate::world::World;

pub struct Connections;

impl Promise for Connections {
    fn closed(&mut self, world: &mut World) {
        assert!(world.sender.poll_output().is_none(), "an action after the close");
        assert_eq!(world.network.links(), [], "connections are still open");
    }
}
