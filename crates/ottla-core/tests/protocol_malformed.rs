//! Input from a hostile or broken broker: parsing must not panic, and no length in the input may decide the size of an
//! allocation.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use kafka_protocol::messages as oracle;
use kafka_protocol::protocol::Encodable;
use ottla_core::protocol::api::ApiKey;
use ottla_core::protocol::fuzzing;
use ottla_core::protocol::messages::MetadataResponse;
use ottla_core::protocol::wire::Reader;

thread_local! {
    /// The largest single allocation of this thread since it was last set to 0.
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

struct Watched;

#[global_allocator]
static ALLOCATOR: Watched = Watched;

#[expect(unsafe_code, reason = "an allocator that tells how much was asked of it")]
// SAFETY: everything is the system allocator's; noting a size neither allocates nor unwinds.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.set(LARGEST.get().max(layout.size()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// The largest allocation during `run`.
fn largest_allocation(run: impl FnOnce()) -> usize {
    LARGEST.set(0);
    run();
    LARGEST.get()
}

fn metadata(topics: usize, version: i16) -> Vec<u8> {
    let partition = oracle::metadata_response::MetadataResponsePartition::default()
        .with_replica_nodes(vec![oracle::BrokerId(1); 3])
        .with_isr_nodes(vec![oracle::BrokerId(1); 3]);
    let topic = oracle::metadata_response::MetadataResponseTopic::default()
        .with_name(Some(Default::default()))
        .with_partitions(vec![partition; 4]);
    let mut bytes = Vec::new();
    oracle::MetadataResponse::default().with_topics(vec![topic; topics]).encode(&mut bytes, version).unwrap();
    bytes
}

/// The message of an error takes a few dozen bytes. Every other allocation must be backed by input.
const MESSAGE: usize = 512;

#[test]
fn a_count_reserves_no_more_memory_than_its_input_backs() {
    for version in ApiKey::Metadata.versions().min..=ApiKey::Metadata.versions().max {
        let valid = metadata(2, version);
        for at in 0..valid.len() {
            let mut hostile = valid.clone();
            for bytes in [&[0x7f, 0xff, 0xff, 0xff][..], &[0xff, 0xff, 0xff, 0x7f], &[0, 0, 8, 0], &[0xff, 0x0f]] {
                let end = hostile.len().min(at + bytes.len());
                hostile[at..end].copy_from_slice(&bytes[..end - at]);
                let largest =
                    largest_allocation(|| drop(MetadataResponse::decode(&mut Reader::new(&hostile), version)));
                // Parsed values may be larger in memory than on the wire, but only by a constant factor.
                assert!(largest <= 4 * hostile.len() + MESSAGE, "version {version}, byte {at}: {largest} bytes");
            }
        }
    }
    // The count fits (each topic takes at least 9 bytes), but then the first topic has no partitions.
    let hostile = [&[0; 4][..], &[0; 4], &[0xff, 0xff], &[0; 4], &[0, 0, 100, 0], &[0xff; 9 * 25_600]].concat();
    let largest = largest_allocation(|| {
        let error = MetadataResponse::decode(&mut Reader::new(&hostile), 4).unwrap_err();
        assert!(error.message().contains("MetadataResponseTopic.partitions"), "{error}");
    });
    assert!(largest <= hostile.len(), "{largest} bytes for {}", hostile.len());
}

/// Pseudorandom bytes, the same in each run (xorshift).
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // Half of the bytes are small, like most counts and lengths.
        if state & 1 == 0 { (state >> 8) as u8 & 3 } else { (state >> 16) as u8 }
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn noise_never_panics() {
    let families = [
        fuzzing::fuzz_produce_response,
        fuzzing::fuzz_metadata_response,
        fuzzing::fuzz_api_versions_response,
        fuzzing::fuzz_init_producer_id_response,
        fuzzing::fuzz_record_iter,
    ];
    for seed in 0..4000 {
        let data = noise(seed, (seed % 300) as usize);
        for fuzz in families {
            let largest = largest_allocation(|| fuzz(&data));
            assert!(largest <= 8 * data.len() + MESSAGE, "seed {seed}: {largest} bytes");
        }
    }
}
