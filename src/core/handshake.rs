//! ApiVersions: which versions of each request a broker speaks (KIP-35, KIP-511).

use super::broker::Kind;
use super::{Core, Level};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use crate::protocol::{ApiKey, ApiVersions, Reader};

/// What a broker answers to a version of ApiVersions that it does not know, in the form of version 0.
const UNSUPPORTED_VERSION: i16 = 35;

impl Core {
    /// Asks for the versions, in the newest form that we know.
    pub(super) fn greet(&mut self, broker: u32) {
        self.ask_versions(broker, ApiKey::ApiVersions.max_version());
    }

    fn ask_versions(&mut self, broker: u32, version: i16) {
        let request = ApiVersionsRequest {
            client_software_name: "ottla".into(),
            client_software_version: env!("CARGO_PKG_VERSION").into(),
        };
        self.send(broker, version, Kind::ApiVersions, |out| request.encode(version, out));
    }

    pub(super) fn greeted(&mut self, broker: u32, reader: &mut Reader<'_>, version: i16) -> Result<()> {
        let rewound = *reader;
        let code = reader.i16("error_code")?;
        *reader = rewound;
        if code == UNSUPPORTED_VERSION && version > 0 {
            let response = ApiVersionsResponse::decode(reader, 0)?;
            let theirs = response.api_keys.iter().find(|api| api.api_key == ApiKey::ApiVersions.code());
            let next = theirs.map_or(0, |api| api.max_version.min(version - 1).max(0));
            self.ask_versions(broker, next);
            return Ok(());
        }
        let response = ApiVersionsResponse::decode(reader, version)?;
        if let Some(kind) = ErrorKind::from_broker(response.error_code) {
            return Err(Error::new(kind, format!("it answered ApiVersions with {}", kind.name())));
        }
        self.throttle(broker, response.throttle_time_ms);
        let versions = ApiVersions::from_response(&response);
        let idempotent = self.settings.idempotence.then_some(ApiKey::InitProducerId);
        for api in [ApiKey::Produce, ApiKey::Metadata].into_iter().chain(idempotent) {
            versions.pick(api)?;
        }
        self.broker(broker).versions = versions;
        self.up(broker);
        let name = self.brokers[broker as usize].name();
        let produce = self.brokers[broker as usize].versions.pick(ApiKey::Produce).unwrap_or(-1);
        self.log(Level::Debug, || format!("{name}: Produce version {produce}"));
        Ok(())
    }
}
