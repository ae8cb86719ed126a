//! The API versions that a broker offers, which let it act as an older release.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use kafka_protocol::messages::ApiKey;

/// A broker's table of versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    table: BTreeMap<i16, (i16, i16)>,
    /// Whether the response to an unsupported version of ApiVersions lists the supported range (KIP-511, from 2.4 on).
    pub tells_range: bool,
}

impl Versions {
    /// Kafka 2.1. The table says that Produce begins at 0, but the model reads only 3 and above, like later brokers.
    pub fn kafka_2_1() -> Versions {
        Versions {
            tells_range: false,
            ..Versions::up_to(7, 7, 2, 1).offering(0..=10, 0..=2).with_transactions(1, 1, 1, 2)
        }
    }

    pub fn kafka_2_8() -> Versions {
        Versions::up_to(9, 11, 3, 4).offering(0..=12, 0..=3).with_transactions(3, 3, 3, 3)
    }

    pub fn kafka_3_9() -> Versions {
        Versions::up_to(11, 12, 4, 5).offering(0..=17, 0..=6).with_transactions(5, 4, 4, 4)
    }

    /// Kafka 4.3. The table says that Produce begins at 0, as 4.x does for librdkafka's sake (KAFKA-18659).
    pub fn kafka_4_3() -> Versions {
        Versions::up_to(13, 13, 4, 5).offering(4..=18, 0..=6).with_transactions(5, 4, 5, 5)
    }

    /// The transactional requests that clients send.
    fn with_transactions(self, add_partitions: i16, add_offsets: i16, end: i16, offset_commit: i16) -> Versions {
        self.with(ApiKey::AddPartitionsToTxn, 0..=add_partitions)
            .with(ApiKey::AddOffsetsToTxn, 0..=add_offsets)
            .with(ApiKey::EndTxn, 0..=end)
            .with(ApiKey::TxnOffsetCommit, 0..=offset_commit)
    }

    fn up_to(produce: i16, metadata: i16, api_versions: i16, init_producer_id: i16) -> Versions {
        Versions { table: BTreeMap::new(), tells_range: true }
            .with(ApiKey::Produce, 0..=produce)
            .with(ApiKey::Metadata, 0..=metadata)
            .with(ApiKey::ApiVersions, 0..=api_versions)
            .with(ApiKey::InitProducerId, 0..=init_producer_id)
    }

    /// Fetch is offered but not served: librdkafka assumes that a broker without Fetch 4 does not know record batches.
    fn offering(self, fetch: RangeInclusive<i16>, find_coordinator: RangeInclusive<i16>) -> Versions {
        self.with(ApiKey::Fetch, fetch).with(ApiKey::FindCoordinator, find_coordinator)
    }

    /// The same table with other versions of one API.
    pub fn with(mut self, api: ApiKey, versions: RangeInclusive<i16>) -> Versions {
        self.table.insert(api as i16, (*versions.start(), *versions.end()));
        self
    }

    /// The same table without one API.
    pub fn without(mut self, api: ApiKey) -> Versions {
        self.table.remove(&(api as i16));
        self
    }

    /// The versions of an API, or `None` if it is not offered.
    pub fn range(&self, api: ApiKey) -> Option<RangeInclusive<i16>> {
        self.table.get(&(api as i16)).map(|&(min, max)| min..=max)
    }

    /// The whole table, by API key.
    pub fn iter(&self) -> impl Iterator<Item = (i16, i16, i16)> + '_ {
        self.table.iter().map(|(&key, &(min, max))| (key, min, max))
    }
}
