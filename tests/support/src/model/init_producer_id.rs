//! InitProducerId, for idempotent producers. Producers with a transactional id are told NOT_COORDINATOR: there is no
//! transaction coordinator in this model yet.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};

use super::{Cluster, Context, Outcome};

pub(super) fn handle(
    cluster: &mut Cluster,
    context: &Context,
    request: InitProducerIdRequest,
) -> Outcome<InitProducerIdResponse> {
    let response = InitProducerIdResponse::default().with_throttle_time_ms(context.plan.throttle_ms);
    let refuse = |code| response.clone().with_error_code(code).with_producer_id((-1).into()).with_producer_epoch(-1);
    let planned = context.plan.for_all();
    if let Some(error) = planned.filter(|error| !error.handled) {
        return Outcome::Answer(refuse(error.code));
    }
    if let Some(id) = &request.transactional_id {
        let error = if id.is_empty() { ResponseError::InvalidRequest } else { ResponseError::NotCoordinator };
        return Outcome::Answer(refuse(error.code()));
    }
    // Without a transactional id the request's own id and epoch mean nothing to a broker.
    let id = cluster.next_producer_id;
    cluster.next_producer_id += 1;
    Outcome::Answer(match planned {
        Some(error) => refuse(error.code),
        None => response.with_producer_id(id.into()).with_producer_epoch(0),
    })
}
