//! Kafka's error codes by their names in the protocol.

use kafka_protocol::ResponseError;

/// No error.
pub const NONE: i16 = 0;

macro_rules! codes {
    ($($name:ident = $error:ident;)*) => {
        $(pub const $name: i16 = ResponseError::$error.code();)*

        /// The name of a code, or its number if it has no name here.
        pub fn name(code: i16) -> String {
            match code {
                $($name => stringify!($name).to_owned(),)*
                _ => code.to_string(),
            }
        }
    };
}

codes! {
    UNKNOWN_SERVER_ERROR = UnknownServerError;
    CORRUPT_MESSAGE = CorruptMessage;
    UNKNOWN_TOPIC_OR_PARTITION = UnknownTopicOrPartition;
    LEADER_NOT_AVAILABLE = LeaderNotAvailable;
    NOT_LEADER_OR_FOLLOWER = NotLeaderOrFollower;
    REQUEST_TIMED_OUT = RequestTimedOut;
    REPLICA_NOT_AVAILABLE = ReplicaNotAvailable;
    MESSAGE_TOO_LARGE = MessageTooLarge;
    NETWORK_EXCEPTION = NetworkException;
    COORDINATOR_LOAD_IN_PROGRESS = CoordinatorLoadInProgress;
    COORDINATOR_NOT_AVAILABLE = CoordinatorNotAvailable;
    NOT_COORDINATOR = NotCoordinator;
    INVALID_TOPIC_EXCEPTION = InvalidTopicException;
    RECORD_LIST_TOO_LARGE = RecordListTooLarge;
    NOT_ENOUGH_REPLICAS = NotEnoughReplicas;
    NOT_ENOUGH_REPLICAS_AFTER_APPEND = NotEnoughReplicasAfterAppend;
    INVALID_REQUIRED_ACKS = InvalidRequiredAcks;
    ILLEGAL_GENERATION = IllegalGeneration;
    UNKNOWN_MEMBER_ID = UnknownMemberId;
    TOPIC_AUTHORIZATION_FAILED = TopicAuthorizationFailed;
    GROUP_AUTHORIZATION_FAILED = GroupAuthorizationFailed;
    CLUSTER_AUTHORIZATION_FAILED = ClusterAuthorizationFailed;
    INVALID_TIMESTAMP = InvalidTimestamp;
    UNSUPPORTED_VERSION = UnsupportedVersion;
    INVALID_REQUEST = InvalidRequest;
    UNSUPPORTED_FOR_MESSAGE_FORMAT = UnsupportedForMessageFormat;
    POLICY_VIOLATION = PolicyViolation;
    OUT_OF_ORDER_SEQUENCE_NUMBER = OutOfOrderSequenceNumber;
    DUPLICATE_SEQUENCE_NUMBER = DuplicateSequenceNumber;
    INVALID_PRODUCER_EPOCH = InvalidProducerEpoch;
    INVALID_TXN_STATE = InvalidTxnState;
    INVALID_PRODUCER_ID_MAPPING = InvalidProducerIdMapping;
    INVALID_TRANSACTION_TIMEOUT = InvalidTransactionTimeout;
    CONCURRENT_TRANSACTIONS = ConcurrentTransactions;
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED = TransactionalIdAuthorizationFailed;
    OPERATION_NOT_ATTEMPTED = OperationNotAttempted;
    KAFKA_STORAGE_ERROR = KafkaStorageError;
    UNKNOWN_PRODUCER_ID = UnknownProducerId;
    LISTENER_NOT_FOUND = ListenerNotFound;
    FENCED_LEADER_EPOCH = FencedLeaderEpoch;
    UNKNOWN_LEADER_EPOCH = UnknownLeaderEpoch;
    UNSUPPORTED_COMPRESSION_TYPE = UnsupportedCompressionType;
    PREFERRED_LEADER_NOT_AVAILABLE = PreferredLeaderNotAvailable;
    FENCED_INSTANCE_ID = FencedInstanceId;
    ELIGIBLE_LEADERS_NOT_AVAILABLE = EligibleLeadersNotAvailable;
    ELECTION_NOT_NEEDED = ElectionNotNeeded;
    INVALID_RECORD = InvalidRecord;
    THROTTLING_QUOTA_EXCEEDED = ThrottlingQuotaExceeded;
    PRODUCER_FENCED = ProducerFenced;
    UNKNOWN_TOPIC_ID = UnknownTopicId;
    INCONSISTENT_TOPIC_ID = InconsistentTopicId;
    TRANSACTION_ABORTABLE = TransactionAbortable;
    REBOOTSTRAP_REQUIRED = RebootstrapRequired;
}

#[test]
fn codes_have_the_numbers_and_names_of_the_protocol() {
    assert_eq!((NOT_ENOUGH_REPLICAS, name(19)), (19, "NOT_ENOUGH_REPLICAS".to_owned()));
    assert_eq!(name(999), "999");
}
