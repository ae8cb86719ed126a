//! Peers whose responses are not Kafka's: garbage, false lengths, truncated frames.

use ottla_engine::{ErrorKind, Fate};
use ottla_mock::{Api, Fault, RequestInfo};

use crate::flow::{Flow, break_with, mend, model};

/// A kind of response, and what the error says about it.
struct Answer {
    name: &'static str,
    fault: fn(&RequestInfo) -> Fault,
    says: &'static str,
}

const OF_KAFKA: &str = "is this a listener of a Kafka broker, for this security.protocol?";

const ANSWERS: [Answer; 13] = [
    Answer { name: "bytes of no meaning", fault: |_| raw(&[0xa5; 300]), says: OF_KAFKA },
    Answer { name: "a web server's", fault: |_| raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"), says: "a web server" },
    Answer { name: "a TLS alert", fault: |_| raw(&[0x15, 3, 3, 0, 2, 2, 70]), says: "TLS: does the listener of" },
    Answer { name: "a length below 0", fault: |_| raw(&[0xff; 4]), says: "receive.message.max.bytes" },
    Answer { name: "a length of 2 GiB", fault: |_| raw(&[0x7f, 0xff, 0xff, 0xff, 0, 0]), says: "2147483647 bytes" },
    Answer {
        name: "no header",
        fault: |_| raw(&[0, 0, 0, 0]),
        says: "correlation_id at byte 0: 4 bytes wanted, 0 left",
    },
    Answer {
        name: "another request's",
        fault: |request| framed(request.correlation + 7, &[0; 60]),
        says: "it answered",
    },
    Answer { name: "no body", fault: |request| framed(request.correlation, &[]), says: "at byte 4" },
    Answer { name: "counts of 2^64", fault: |request| framed(request.correlation, &[0xff; 64]), says: "varint" },
    Answer { name: "counts of 2^31", fault: |request| framed(request.correlation, &HUGE.repeat(16)), says: " left" },
    Answer { name: "half a length, then the end", fault: |_| Fault::Truncate(2), says: "the broker closed it" },
    Answer { name: "half a frame, then the end", fault: |_| Fault::Truncate(9), says: "the broker closed it" },
    Answer { name: "half a frame, then nothing", fault: |_| raw(&[0, 0, 0x10, 0, 0, 0]), says: "timeout.ms" },
];

const HUGE: [u8; 4] = [0x7f, 0xff, 0xff, 0xff];

fn raw(bytes: &[u8]) -> Fault {
    Fault::Garbage(bytes.to_vec())
}

/// A frame with the expected header and this body.
fn framed(correlation: i32, body: &[u8]) -> Fault {
    let length = 4 + body.len() as i32;
    Fault::Garbage([&length.to_be_bytes(), &correlation.to_be_bytes(), body].concat())
}

fn suffer(api: Api, answer: &Answer) {
    let server = model();
    let at = server.bootstrap();
    let fault = answer.fault;
    break_with(&server, move |request| if request.api == api { fault(request) } else { Fault::None });
    let (kind, fate) = match api {
        Api::Produce => (ErrorKind::DeliveryTimedOut, Fate::Unknown),
        Api::InitProducerId => (ErrorKind::DeliveryTimedOut, Fate::NotWritten),
        _ => (ErrorKind::MetadataTimedOut, Fate::NotWritten),
    };
    let mut flow = Flow::new(&at, "orders", &[]);
    let reported = flow.fails(kind, fate, &[&at, "orders", "delivery.timeout.ms", answer.says]);
    println!("{api:?}, {}: {:?}", answer.name, reported[0].error);
    mend(&server);
    server.cut_connections(1);
    flow.works();
    flow.end();
}

fn suffer_all(api: Api) {
    std::thread::scope(|scope| {
        for answer in &ANSWERS {
            scope.spawn(move || suffer(api, answer));
        }
    });
}

#[test]
fn responses_to_api_versions_requests() {
    suffer_all(Api::ApiVersions);
}

#[test]
fn responses_to_metadata_requests() {
    suffer_all(Api::Metadata);
}

#[test]
fn responses_to_init_producer_id_requests() {
    suffer_all(Api::InitProducerId);
}

#[test]
fn responses_to_produce_requests() {
    suffer_all(Api::Produce);
}
