//! Everything is counted once, and gauges return to zero.

use super::Promise;
use crate::world::World;

pub struct Statistics;

impl Promise for Statistics {
    fn closed(&mut self, world: &mut World) {
        let read = world.statistics.read(world.now, 0);
        let producer = &read.producer;
        assert_eq!((producer.requests_in_flight, producer.connections_open), (0, 0));
        assert_eq!(producer.connections_opened, producer.connections_closed);
        for broker in read.brokers.iter().map(|broker| &broker.figures) {
            assert_eq!((broker.requests_in_flight, broker.state, broker.connected_us), (0, 0, -1));
        }
        let mut completed = 0;
        for topic in read.topics.iter().map(|topic| &topic.figures) {
            assert_eq!(topic.records_taken, 0);
            assert_eq!(topic.delivery_time_us.count, topic.records_delivered + topic.records_failed);
            completed += topic.delivery_time_us.count;
        }
        assert_eq!(completed, producer.records_delivered + producer.records_failed);
        assert!(producer.records_sent >= producer.records_delivered, "{}", producer.records_sent);
        let figures = world.statistics.producer.read(world.now);
        assert_eq!((figures.requests_in_flight, world.statistics.records_taken()), (0, 0), "counted for ever");
    }
}
