//! InitProducerId, for idempotent and for transactional producers.

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
        let id = id.to_string();
        let expected = (request.producer_id.0 >= 0).then_some((request.producer_id.0, request.producer_epoch));
        let done = if id.is_empty() {
            Err(ResponseError::InvalidRequest)
        } else {
            let here = cluster.is_coordinator(context.broker, &id);
            here.and_then(|()| cluster.init_transaction(&id, request.transaction_timeout_ms, expected))
        };
        return Outcome::Answer(match (done, planned) {
            (Err(ResponseError::ProducerFenced), _) if context.version < 4 => {
                refuse(ResponseError::InvalidProducerEpoch.code())
            }
            (Err(error), _) => refuse(error.code()),
            (Ok(_), Some(error)) => refuse(error.code),
            (Ok((id, epoch)), None) => response.with_producer_id(id.into()).with_producer_epoch(epoch),
        });
    }
    // Without a transactional id, brokers ignore the id and epoch in the request.
    let id = cluster.next_producer_id;
    cluster.next_producer_id += 1;
    Outcome::Answer(match planned {
        Some(error) => refuse(error.code),
        None => response.with_producer_id(id.into()).with_producer_epoch(cluster.first_epoch),
    })
}
