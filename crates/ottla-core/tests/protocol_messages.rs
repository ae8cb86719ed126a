//! Every version of the control plane's messages, checked against an independent implementation of the protocol (the
//! oracle).

use bytes::Bytes;
use kafka_protocol::messages as oracle;
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use ottla_core::protocol::api::{ApiKey, read_api_versions};
use ottla_core::protocol::header;
use ottla_core::protocol::messages::*;
use ottla_core::protocol::wire::Reader;
use uuid::Uuid;

fn text(string: &'static str) -> StrBytes {
    StrBytes::from_static_str(string)
}

fn topic_name(string: &'static str) -> Option<oracle::TopicName> {
    Some(oracle::TopicName(text(string)))
}

/// Decodes with the oracle, which must consume all bytes.
fn oracle_reads<T: Decodable>(bytes: &[u8], version: i16) -> T {
    let mut bytes = Bytes::copy_from_slice(bytes);
    let message = T::decode(&mut bytes, version).expect("the oracle understands the request");
    assert!(bytes.is_empty(), "version {version}: {} bytes follow", bytes.len());
    message
}

fn oracle_writes(message: &impl Encodable, version: i16) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes, version).expect("the oracle can write the response");
    bytes
}

/// Reads a whole response. Every shorter prefix of it must be an error.
fn read_whole<'a, T: std::fmt::Debug>(bytes: &'a [u8], read: impl Fn(&mut Reader<'a>) -> ottla_core::Result<T>) -> T {
    for cut in 0..bytes.len() {
        let error = read(&mut Reader::new(&bytes[..cut])).expect_err("cut short");
        assert_eq!(error.kind(), ottla_core::ErrorKind::BadResponse, "cut at {cut}");
    }
    let mut reader = Reader::new(bytes);
    let message = read(&mut reader).expect("the response is well formed");
    reader.finish("response").unwrap();
    message
}

#[test]
fn request_headers_are_understood_in_every_version() {
    for api in [ApiKey::Produce, ApiKey::Metadata, ApiKey::ApiVersions, ApiKey::InitProducerId] {
        let oracle_key = oracle::ApiKey::try_from(api as i16).unwrap();
        for version in api.versions().min..=api.versions().max {
            for client_id in [None, Some(""), Some("a client")] {
                let mut frame = Vec::new();
                let start = header::begin_frame(&mut frame, api, version, 1234, client_id);
                header::end_frame(&mut frame, start, 0).unwrap();
                assert_eq!(header::frame_len(&frame, 1000).unwrap(), Some(frame.len() - 4));
                let header: oracle::RequestHeader =
                    oracle_reads(&frame[4..], oracle_key.request_header_version(version));
                assert_eq!((header.request_api_key, header.request_api_version), (api as i16, version));
                assert_eq!(header.correlation_id, 1234);
                assert_eq!(header.client_id.as_deref(), client_id);
            }
            let bytes = oracle_writes(
                &oracle::ResponseHeader::default().with_correlation_id(77),
                oracle_key.response_header_version(version),
            );
            let mut reader = Reader::new(&bytes);
            assert_eq!(header::read_correlation_id(&mut reader).unwrap(), 77);
            header::finish_response_header(&mut reader, api, version).unwrap();
            reader.finish("response header").unwrap();
        }
    }
}

#[test]
fn api_versions_requests_are_understood() {
    let request = ApiVersionsRequest { client_software_name: "ottla", client_software_version: "0.1.0" };
    for version in 0..=4 {
        let mut out = Vec::new();
        request.encode(version, &mut out);
        let read: oracle::ApiVersionsRequest = oracle_reads(&out, version);
        let (name, software_version) = if version >= 3 { ("ottla", "0.1.0") } else { ("", "") };
        assert_eq!((&*read.client_software_name, &*read.client_software_version), (name, software_version));
    }
}

#[test]
fn api_versions_responses_are_read() {
    use oracle::api_versions_response as parts;
    for version in 0..=4 {
        let range =
            |key, min, max| parts::ApiVersion::default().with_api_key(key).with_min_version(min).with_max_version(max);
        let mut response = oracle::ApiVersionsResponse::default().with_error_code(5).with_api_keys(vec![
            range(0, 3, 13),
            range(18, 0, 4),
            range(999, 1, 2),
        ]);
        if version >= 1 {
            response.throttle_time_ms = 17;
        }
        if version >= 3 {
            response.supported_features = vec![
                parts::SupportedFeatureKey::default().with_name(text("f")).with_min_version(1).with_max_version(3),
            ];
            response.finalized_features_epoch = 1 << 40;
            response.finalized_features = vec![
                parts::FinalizedFeatureKey::default()
                    .with_name(text("transaction.version"))
                    .with_max_version_level(2)
                    .with_min_version_level(1),
            ];
            response.zk_migration_ready = true;
            response.unknown_tagged_fields.insert(9, Bytes::from_static(b"later"));
        }
        let bytes = oracle_writes(&response, version);
        let read = read_whole(&bytes, |reader| read_api_versions(reader, version));
        let flexible = version >= 3;
        let expected = ApiVersionsResponse {
            error_code: 5,
            api_keys: vec![
                ApiVersion { api_key: 0, min_version: 3, max_version: 13 },
                ApiVersion { api_key: 18, min_version: 0, max_version: 4 },
                ApiVersion { api_key: 999, min_version: 1, max_version: 2 },
            ],
            throttle_time_ms: if version >= 1 { 17 } else { 0 },
            supported_features: Vec::from_iter(flexible.then_some(SupportedFeatureKey {
                name: "f",
                min_version: 1,
                max_version: 3,
            })),
            finalized_features_epoch: if flexible { 1 << 40 } else { -1 },
            finalized_features: Vec::from_iter(flexible.then_some(FinalizedFeatureKey {
                name: "transaction.version",
                max_version_level: 2,
                min_version_level: 1,
            })),
            zk_migration_ready: flexible,
        };
        assert_eq!(read, expected, "version {version}");
    }
}

#[test]
fn metadata_requests_are_understood() {
    for version in 4..=13 {
        let topic = |id, name| MetadataRequestTopic { topic_id: [id; 16], name: Some(name) };
        let by_id = MetadataRequestTopic { topic_id: [9; 16], name: None };
        let mut topics = vec![topic(1, "one"), topic(2, "")];
        topics.extend((version >= 12).then_some(by_id));
        for topics in [None, Some(vec![]), Some(topics)] {
            for (auto_create, with_operations) in [(true, false), (false, true)] {
                let request = MetadataRequest {
                    topics: topics.clone(),
                    allow_auto_topic_creation: auto_create,
                    include_cluster_authorized_operations: with_operations,
                    include_topic_authorized_operations: with_operations,
                };
                let mut out = Vec::new();
                request.encode(version, &mut out);
                let read: oracle::MetadataRequest = oracle_reads(&out, version);
                assert_eq!(read.allow_auto_topic_creation, auto_create);
                let (cluster, topic) =
                    (with_operations && (8..=10).contains(&version), with_operations && version >= 8);
                assert_eq!(read.include_cluster_authorized_operations, cluster);
                assert_eq!(read.include_topic_authorized_operations, topic);
                let reported = topics.as_ref().map(|topics| {
                    let id = |topic: &MetadataRequestTopic<'_>| if version >= 10 { topic.topic_id } else { [0; 16] };
                    Vec::from_iter(topics.iter().map(|topic| (id(topic), topic.name)))
                });
                let understood = read.topics.as_ref().map(|topics| {
                    Vec::from_iter(topics.iter().map(|t| (*t.topic_id.as_bytes(), t.name.as_ref().map(|n| &***n))))
                });
                assert_eq!(understood, reported, "version {version}");
            }
        }
    }
}

#[test]
fn metadata_responses_are_read() {
    use oracle::BrokerId;
    use oracle::metadata_response as parts;
    for version in 4..=13 {
        let since = |first, value: i32, otherwise| if version >= first { value } else { otherwise };
        let mut partition = parts::MetadataResponsePartition::default()
            .with_error_code(9)
            .with_partition_index(3)
            .with_leader_id(BrokerId(2))
            .with_replica_nodes(vec![BrokerId(1), BrokerId(2)])
            .with_isr_nodes(vec![BrokerId(2)]);
        partition.leader_epoch = since(7, 41, -1);
        partition.offline_replicas = if version >= 5 { vec![BrokerId(1)] } else { vec![] };
        let mut topic = parts::MetadataResponseTopic::default()
            .with_error_code(3)
            .with_name(topic_name("topic"))
            .with_is_internal(true)
            .with_partitions(vec![partition, Default::default()]);
        topic.topic_id = if version >= 10 { Uuid::from_bytes([7; 16]) } else { Uuid::nil() };
        topic.topic_authorized_operations = since(8, 5, i32::MIN);
        let nameless =
            parts::MetadataResponseTopic::default().with_name(if version >= 12 { None } else { topic_name("") });
        let broker = |id, host, rack| {
            parts::MetadataResponseBroker::default()
                .with_node_id(BrokerId(id))
                .with_host(text(host))
                .with_port(9092)
                .with_rack(rack)
        };
        let mut response = oracle::MetadataResponse::default()
            .with_throttle_time_ms(6)
            .with_brokers(vec![broker(1, "a.example", None), broker(2, "::1", Some(text("rack")))])
            .with_cluster_id(Some(text("cluster")))
            .with_controller_id(BrokerId(2))
            .with_topics(vec![topic, nameless]);
        response.cluster_authorized_operations = if (8..=10).contains(&version) { 4 } else { i32::MIN };
        response.error_code = if version >= 13 { 129 } else { 0 };
        if version >= 9 {
            response.unknown_tagged_fields.insert(0, Bytes::from_static(b"later"));
            response.topics[0].unknown_tagged_fields.insert(3, Bytes::new());
        }
        let bytes = oracle_writes(&response, version);
        let read = read_whole(&bytes, |reader| MetadataResponse::decode(reader, version));
        let expected = MetadataResponse {
            throttle_time_ms: 6,
            brokers: vec![
                MetadataResponseBroker { node_id: 1, host: "a.example", port: 9092, rack: None },
                MetadataResponseBroker { node_id: 2, host: "::1", port: 9092, rack: Some("rack") },
            ],
            cluster_id: Some("cluster"),
            controller_id: 2,
            topics: vec![
                MetadataResponseTopic {
                    error_code: 3,
                    name: Some("topic"),
                    topic_id: if version >= 10 { [7; 16] } else { [0; 16] },
                    is_internal: true,
                    partitions: vec![
                        MetadataResponsePartition {
                            error_code: 9,
                            partition_index: 3,
                            leader_id: 2,
                            leader_epoch: since(7, 41, -1),
                            replica_nodes: vec![1, 2],
                            isr_nodes: vec![2],
                            offline_replicas: if version >= 5 { vec![1] } else { vec![] },
                        },
                        MetadataResponsePartition::default(),
                    ],
                    topic_authorized_operations: since(8, 5, i32::MIN),
                },
                MetadataResponseTopic {
                    name: if version >= 12 { None } else { Some("") },
                    ..MetadataResponseTopic::default()
                },
            ],
            cluster_authorized_operations: if (8..=10).contains(&version) { 4 } else { i32::MIN },
            error_code: if version >= 13 { 129 } else { 0 },
        };
        assert_eq!(read, expected, "version {version}");
    }
}

#[test]
fn init_producer_id_requests_are_understood() {
    for version in 0..=5 {
        for transactional_id in [None, Some("orders-1")] {
            let request = InitProducerIdRequest {
                transactional_id,
                transaction_timeout_ms: 60_000,
                producer_id: 1 << 33,
                producer_epoch: 4,
            };
            let mut out = Vec::new();
            request.encode(version, &mut out);
            let read: oracle::InitProducerIdRequest = oracle_reads(&out, version);
            assert_eq!(read.transactional_id.as_ref().map(|id| &***id), transactional_id);
            assert_eq!(read.transaction_timeout_ms, 60_000);
            let resumed = if version >= 3 { (1 << 33, 4) } else { (-1, -1) };
            assert_eq!((read.producer_id.0, read.producer_epoch), resumed, "version {version}");
        }
    }
}

#[test]
fn init_producer_id_responses_are_read() {
    for version in 0..=5 {
        let response = oracle::InitProducerIdResponse::default()
            .with_throttle_time_ms(3)
            .with_error_code(47)
            .with_producer_id(oracle::ProducerId(1 << 50))
            .with_producer_epoch(12);
        let bytes = oracle_writes(&response, version);
        let read = read_whole(&bytes, |reader| InitProducerIdResponse::decode(reader, version));
        let expected =
            InitProducerIdResponse { throttle_time_ms: 3, error_code: 47, producer_id: 1 << 50, producer_epoch: 12 };
        assert_eq!(read, expected, "version {version}");
    }
}
