//! The greeting, ApiVersions: which versions of each request a broker supports (KIP-35, KIP-511).

use super::Sender;
use super::index::BrokerIndex;
use super::request::RequestKind;
use crate::config::Facility;
use crate::error::{Error, ErrorCode, ErrorKind, Result};
use crate::protocol::api::read_api_versions;
use crate::protocol::messages::ApiVersionsRequest;
use crate::protocol::{ApiKey, ApiVersions, Reader};

impl Sender {
    /// Requests the versions, with the newest version of ApiVersions.
    pub(super) fn greet(&mut self, broker: BrokerIndex) {
        self.ask_versions(broker, ApiKey::ApiVersions.versions().max);
    }

    fn ask_versions(&mut self, broker: BrokerIndex, version: i16) {
        let request =
            ApiVersionsRequest { client_software_name: "ottla", client_software_version: env!("CARGO_PKG_VERSION") };
        self.send(broker, version, RequestKind::ApiVersions, |out| request.encode(version, out));
    }

    pub(super) fn greeted(&mut self, broker: BrokerIndex, reader: &mut Reader<'_>, version: i16) -> Result<()> {
        let response = read_api_versions(reader, version)?;
        // The broker does not know this version of ApiVersions, and responds in the format of version 0.
        if response.error_code == ErrorCode::UNSUPPORTED_VERSION && version > 0 {
            let theirs = response.api_keys.iter().find(|api| api.api_key == ApiKey::ApiVersions as i16);
            let next = theirs.map_or(0, |api| api.max_version.min(version - 1).max(0));
            self.ask_versions(broker, next);
            return Ok(());
        }
        if let Some(kind) = ErrorKind::from_broker(response.error_code) {
            return Err(Error::new(kind, format!("it answered ApiVersions with {kind}")));
        }
        self.throttle(broker, response.throttle_time_ms);
        let versions = ApiVersions::from_response(&response);
        let pick = |api| versions.pick_version(api).map_err(|error| error.note("Ottla needs Kafka 2.1 or later"));
        pick(ApiKey::Metadata)?;
        if self.settings.idempotence {
            pick(ApiKey::InitProducerId)?;
        }
        let produce = pick(ApiKey::Produce)?;
        self.broker(broker).versions = Some(versions);
        self.up(broker);
        let name = self.brokers[broker].name();
        self.debug(Facility::Connection, || format!("{name}: Produce version {produce}"));
        Ok(())
    }
}
