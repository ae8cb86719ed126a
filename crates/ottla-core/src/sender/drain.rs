//! From ready partitions to a Produce request. A request carries a batch of every partition of a lane that is ready, and
//! of those that linger.

use super::index::{BrokerIndex, PartitionIndex};
use super::lanes::Terms;
use super::request::{Carried, Produced, RequestKind};
use super::transaction::Transaction;
use super::{Acks, Frame, Place, Sender, Timer};
use crate::batch::{BaseSequence, Batch};
use crate::error::Result;
use crate::planted::{Fault, planted};
use crate::protocol::record_batch::{self, BatchHeader};
use crate::protocol::{ApiKey, produce};

/// The most that a partition adds to a request besides its batch's records.
const PARTITION_OVERHEAD: usize = record_batch::HEADER_LEN + 16;

/// The result of looking at a ready partition.
enum Pick {
    Batch(Box<Batch>),
    /// Waits for a response, or to be added to the transaction.
    Gated,
    /// Waits for a new producer id.
    NoProducerId,
    Nothing,
}

impl Sender {
    /// Sends what this step made ready, and ends what waited for this step.
    pub(super) fn settle(&mut self) {
        while let Some(broker) = self.dirty.pop() {
            self.drain(broker);
        }
        self.settle_joining();
        self.settle_flushes();
        self.settle_close();
    }

    /// Sends what is ready for a broker, if its connection can take it.
    pub(super) fn drain(&mut self, index: BrokerIndex) {
        while let Some(lane) = self.next_lane(index) {
            let produced = self.collect(index, lane);
            if produced.is_empty() {
                self.spare_lists.push(produced);
                continue;
            }
            self.note_unblocked(index);
            self.send_produce(index, lane, produced);
        }
    }

    /// The lane of the broker that is served next, if one can be.
    fn next_lane(&mut self, index: BrokerIndex) -> Option<usize> {
        if let Some(refused) = self.producer_id.refused.clone() {
            self.fail_ready(index, &refused);
        }
        let broker = &self.brokers[index];
        let any_in_flight = !broker.in_flight.is_empty();
        let suspects = broker.in_flight.front().is_some_and(|request| request.suspects);
        let free = !broker.writing && !suspects && broker.in_flight.len() < self.settings.max_in_flight;
        if !broker.lanes.any_ready() {
            if broker.is_up() && free {
                self.note_unblocked(index);
            }
            return None;
        }
        if !broker.is_up() {
            self.note_blocked(index);
            self.ensure_connected(index);
            return None;
        }
        self.request_producer_id();
        let now = self.now;
        let broker = &self.brokers[index];
        if broker.throttled_until > now {
            let until = broker.throttled_until;
            self.timers.arm(Timer::Throttle(index), until);
            return None;
        }
        // The request for a producer id may occupy the connection.
        if broker.writing || suspects || broker.in_flight.len() >= self.settings.max_in_flight {
            self.note_blocked(index);
            return None;
        }
        let waits = !self.producer_id.is_settled();
        self.broker(index).lanes.next(any_in_flight, |terms| !(waits && terms.acks == Acks::All))
    }

    /// Without a producer id, records that need sequence numbers cannot be sent. They fail with the reason.
    fn fail_ready(&mut self, index: BrokerIndex, error: &crate::Error) {
        for lane in 0..self.brokers[index].lanes.len() {
            let state = self.broker(index).lanes.lane(lane);
            if state.terms.acks != Acks::All || state.ready.is_empty() {
                continue;
            }
            // The next record causes another request, because rights may be granted meanwhile.
            self.producer_id.refused = None;
            while let Some(partition) = self.broker(index).lanes.lane(lane).ready.pop_front() {
                if self.partition(partition).place == Place::Ready {
                    self.partition(partition).place = Place::Idle;
                    self.fail_queued(partition, error);
                    self.partitions.deactivate_if_idle(partition);
                }
            }
        }
    }

    /// Takes a batch of each ready partition of the lane, then of each lingering one, until the request is full.
    fn collect(&mut self, index: BrokerIndex, lane: usize) -> Produced {
        let mut produced = self.spare_lists.pop().unwrap_or_default();
        let terms = self.broker(index).lanes.lane(lane).terms;
        let mut room = self.settings.max_request_size;
        if terms.suspect {
            room = room.min(self.broker(index).suspect_room);
            self.sort_suspects(index, lane);
        } else {
            self.ride_along(index, lane);
        }
        let mut taken_from = std::mem::take(&mut self.taken_from);
        while let Some(partition) = self.broker(index).lanes.lane(lane).ready.pop_front() {
            let state = self.partition(partition);
            if state.place != Place::Ready || state.leader != Some(index) {
                continue;
            }
            // From here on a second, stale entry is skipped, so that a request carries one batch per partition.
            state.place = Place::Idle;
            if state.terms() != terms {
                self.make_ready(partition);
                continue;
            }
            match self.pick_batch(partition, index) {
                Pick::Gated => self.partition(partition).place = Place::Gated,
                Pick::Nothing => self.partitions.deactivate_if_idle(partition),
                Pick::NoProducerId => {
                    self.put_back(index, lane, partition);
                    break;
                }
                Pick::Batch(batch) => {
                    let size = batch.payload().len() + PARTITION_OVERHEAD;
                    let needs_own_request = self.needs_own_request(&batch);
                    if (size > room || needs_own_request) && !produced.is_empty() {
                        self.partition(partition).queue.push_front(batch);
                        self.put_back(index, lane, partition);
                        break;
                    }
                    room = if needs_own_request { 0 } else { room.saturating_sub(size) };
                    self.carry(partition, index, batch, &mut produced);
                    taken_from.push(partition);
                }
            }
        }
        for partition in taken_from.drain(..) {
            self.look_for_more(partition);
        }
        self.taken_from = taken_from;
        produced
    }

    /// Makes a partition that does not fit into this request the first of the next one.
    fn put_back(&mut self, index: BrokerIndex, lane: usize, partition: PartitionIndex) {
        self.partition(partition).place = Place::Ready;
        self.broker(index).lanes.lane(lane).ready.push_front(partition);
    }

    /// Lingering partitions of the lane join a request that is made anyway.
    fn ride_along(&mut self, index: BrokerIndex, lane: usize) {
        self.end_lingering_in(index, lane);
        // That marked the broker again, which is being served right now.
        self.dirty.retain(|&dirty| dirty != index);
    }

    /// After a batch was taken, readies the partition again if it has another batch that need not linger.
    fn look_for_more(&mut self, index: PartitionIndex) {
        let partition = self.partition(index);
        let status = partition.slot.status();
        if !partition.queue.is_empty() || (status.oldest.is_some() && status.ready) {
            self.make_ready(index);
        } else if let Some(oldest) = status.oldest {
            self.linger(index, oldest);
        }
    }

    /// The batch that a partition sends next, if it may send now.
    fn pick_batch(&mut self, index: PartitionIndex, broker: BrokerIndex) -> Pick {
        if self.partition(index).sequence.is_broken() && self.partition(index).in_flight == 0 {
            self.renumber_queue(index);
            if !self.producer_id.is_settled() {
                return Pick::NoProducerId;
            }
        }
        let partition = self.partition(index);
        let in_flight = partition.in_flight;
        // What is in flight to another broker needs its response first, or it could be overtaken.
        let moved = in_flight > 0 && partition.in_flight_broker != Some(broker);
        let is_retry = partition.queue.front().is_some_and(|batch| batch.sealed.attempts > 0);
        let retry_waits = is_retry && !planted(Fault::RetryNotAlone);
        let sequence = &partition.sequence;
        let waits_for_answer = in_flight > 0 && (retry_waits || sequence.must_be_answered_first());
        if moved || sequence.is_broken() || waits_for_answer || !self.may_join(index) {
            return Pick::Gated;
        }
        let partition = self.partition(index);
        if partition.queue.is_empty() {
            let Some(batch) = partition.slot.take().0 else { return Pick::Nothing };
            let batch = self.stage(index, batch);
            if !batch.sealed.preparing {
                return Pick::Batch(batch);
            }
            self.partition(index).queue.push_back(batch);
        }
        self.prepare_more(index);
        self.take_queued(index).map_or(Pick::Gated, Pick::Batch)
    }

    /// Takes a batch over from its slot: seals and compresses it. It follows everything in the partition's queue.
    pub(super) fn stage(&mut self, index: PartitionIndex, mut batch: Box<Batch>) -> Box<Batch> {
        batch.seal();
        batch.sealed.serial = self.outstanding.begin();
        batch.sealed.incarnation = self.partition(index).incarnation;
        self.prepare(index, &mut batch);
        self.count_taken(index, &batch);
        self.partitions.activate(index);
        if batch.custom_timeout.is_some() {
            self.partition(index).custom_deadlines = true;
            self.timers.arm(Timer::Expiry(index), batch.deadline);
        }
        batch
    }

    /// Puts a batch into the request that is being built.
    fn carry(&mut self, index: PartitionIndex, broker: BrokerIndex, mut batch: Box<Batch>, produced: &mut Produced) {
        self.count_carried(self.partitions[index].topic, broker, &batch);
        batch.sealed.counted = true;
        batch.sealed.attempts += 1;
        if planted(Fault::RetryNumberedAnew) {
            batch.sealed.base_sequence = None;
        }
        if batch.sealed.base_sequence.is_none() {
            self.number(index, &mut batch);
        }
        self.debug_batch(broker, &batch);
        let transactional = self.transaction.is_some();
        let partition = self.partition(index);
        let is_retry = batch.sealed.attempts > 1;
        partition.sequence.carried(is_retry, transactional);
        partition.in_flight += 1;
        partition.pause.sent();
        partition.in_flight_broker = Some(broker);
        let topic = partition.topic;
        let topic_id = self.topics[topic].id;
        produced.push(Carried { partition: index, topic_id, batch: Some(batch), answered: false });
    }

    /// Gives a batch its numbers.
    ///
    /// In a transaction every partition has the transaction's epoch, so the sequence follows that each time. Otherwise a
    /// partition follows the producer id once and then raises its epoch by itself (`renumber_queue`). It follows another
    /// producer id only when the epochs of its own are used up.
    fn number(&mut self, index: PartitionIndex, batch: &mut Batch) {
        let transactional = self.transaction.is_some();
        let producer = self.transaction.as_ref().map_or(self.producer_id.current(), Transaction::producer);
        let first = self.settings.first_sequence;
        let partition = self.partition(index);
        if !partition.slot.settings.idempotence {
            return;
        }
        if let Some(producer) = producer.filter(|_| transactional || partition.sequence.producer().is_none()) {
            partition.sequence.follow(producer, first);
        }
        batch.sealed.base_sequence = partition.sequence.number(batch.count());
    }

    fn send_produce(&mut self, index: BrokerIndex, lane: usize, mut produced: Produced) {
        let terms = self.broker(index).lanes.lane(lane).terms;
        let version = match self.brokers[index].pick_version(ApiKey::Produce) {
            Ok(version) => self.produce_version(version, &produced),
            Err(error) => return self.produce_lost(produced, &error, false),
        };
        produced.sort_by_key(|carried| self.partitions[carried.partition].topic);
        let mut frame = self.spare_frames.pop().unwrap_or_default();
        frame.correlation = self.broker(index).correlation_ids.take();
        if let Err(error) = self.encode_produce(&mut frame, version, terms, &produced) {
            return self.produce_lost(produced, &error, false);
        }
        self.count_produce_request(&produced);
        let kind = match terms.acks {
            Acks::None => RequestKind::ProduceUnanswered(produced),
            _ => RequestKind::Produce(produced),
        };
        self.write(index, frame, version, kind, terms.request_timeout);
    }

    /// Version 13 identifies topics only by id, so a topic without an id needs an older version.
    fn produce_version(&self, version: i16, produced: &Produced) -> i16 {
        let has_id = |carried: &Carried| {
            let topic = self.partitions[carried.partition].topic;
            self.topics[topic].id.is_some()
        };
        if self.transaction.as_ref().is_some_and(|transaction| !transaction.is_implicit()) {
            return version.min(produce::IMPLICIT_ADD_SINCE - 1);
        }
        if version >= produce::TOPIC_IDS_SINCE && !produced.iter().all(has_id) {
            produce::TOPIC_IDS_SINCE - 1
        } else {
            version
        }
    }

    fn encode_produce(&self, frame: &mut Frame, version: i16, terms: Terms, produced: &Produced) -> Result<()> {
        let topic_of = |carried: &Carried| self.partitions[carried.partition].topic;
        let by_topic = || produced.chunk_by(|a, b| topic_of(a) == topic_of(b));
        let timeout_ms = i32::try_from(terms.request_timeout.as_millis()).unwrap_or(i32::MAX);
        let batches = produced.iter().filter_map(|carried| carried.batch.as_ref());
        frame.reserve(batches.map(|batch| batch.payload()))?;
        let start = produce::begin_request(
            &mut frame.bytes,
            version,
            frame.correlation,
            Some(&self.settings.client_id),
            self.transaction.as_ref().map(Transaction::id),
            terms.acks.wire(),
            timeout_ms,
            by_topic().count(),
        );
        for group in by_topic() {
            let topic = &self.topics[topic_of(&group[0])];
            produce::begin_topic(&mut frame.bytes, version, &topic.topic.name, topic.id, group.len());
            for Carried { partition, batch, .. } in group {
                let Some(batch) = batch else { continue };
                let partition = &self.partitions[*partition];
                let header = batch_header(batch, self.transaction.is_some());
                let len = record_batch::HEADER_LEN + batch.payload().len();
                produce::begin_partition(&mut frame.bytes, version, partition.slot.partition, len);
                frame.bytes.extend_from_slice(&header);
                frame.insert(batch.payload());
                produce::end_partition(&mut frame.bytes, version);
            }
            produce::end_topic(&mut frame.bytes, version);
        }
        let inserted = frame.inserted_len();
        produce::end_request(&mut frame.bytes, version, start, inserted)
    }
}

/// The header of a batch for this attempt, with its checksum.
fn batch_header(batch: &Batch, transactional: bool) -> [u8; record_batch::HEADER_LEN] {
    let count = batch.count() as i32;
    let mut header = BatchHeader {
        length: (record_batch::HEADER_LEN_AFTER_LENGTH + batch.payload().len()) as i32,
        attributes: batch.sealed.attributes | if transactional { record_batch::TRANSACTIONAL } else { 0 },
        last_offset_delta: count - 1,
        base_timestamp: batch.base_timestamp,
        max_timestamp: batch.max_timestamp,
        record_count: count,
        ..BatchHeader::default()
    };
    if let Some(BaseSequence { producer, number }) = batch.sealed.base_sequence {
        header.producer_id = producer.id;
        header.producer_epoch = producer.epoch;
        header.base_sequence = number;
    }
    let mut bytes = [0; record_batch::HEADER_LEN];
    header.write(&mut bytes);
    let crc = record_batch::crc32c(&bytes, batch.payload().slices());
    record_batch::set_crc(&mut bytes, crc);
    bytes
}
