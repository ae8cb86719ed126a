//! The floor: what no producer can do without. For each record a lock, its encoding, the checksum, a vectored write and
//! a callback. There are no responses, no retries and no metadata. It takes the options of `perf`.
//!
//! Only the last request asks for a response, which shows that the broker has read everything.
//!
//! With `--one-by-one` as the last word it plays ping-pong instead: a request with one record, the response, the next
//! one.
#![expect(unsafe_code, reason = "getrusage")]

use std::collections::VecDeque;
use std::hint::black_box;
use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::time::Instant;
use std::{env, mem, process, thread};

use crc_fast::{CrcAlgorithm, checksum};
use parking_lot::{Condvar, Mutex};

const PARTITIONS: i32 = 6;
const BATCH_BYTES: usize = 16 * 1024;
/// The most batches in one write: those of a request of 1 MB.
const BATCHES_A_WRITE: usize = 60;
/// The number of batches: 32 MB.
const BATCHES: usize = 2048;
const HEADER: usize = 61;

/// The arguments of a callback: the caller's tag, and the place of the record.
struct Completion {
    tag: u64,
    offset_delta: u32,
}

struct Batch {
    partition: i32,
    data: Vec<u8>,
    completions: Vec<Completion>,
}

impl Batch {
    fn new() -> Batch {
        let mut batch = Batch { partition: 0, data: Vec::new(), completions: Vec::new() };
        batch.data.reserve_exact(BATCH_BYTES + 1024);
        batch.clear();
        batch
    }

    fn clear(&mut self) {
        self.data.clear();
        self.data.resize(HEADER, 0);
        self.completions.clear();
    }

    fn append(&mut self, tag: u64, value: &[u8]) {
        let offset_delta = self.completions.len() as u32;
        let mut head = [0; 16]; // attributes and timestamp are 0
        let mut at = 2;
        at += put_varint(&mut head[at..], i64::from(offset_delta));
        at += put_varint(&mut head[at..], -1); // no key
        at += put_varint(&mut head[at..], value.len() as i64);
        let mut length = [0; 5];
        let length_len = put_varint(&mut length, (at + value.len() + 1) as i64);
        self.data.extend_from_slice(&length[..length_len]);
        self.data.extend_from_slice(&head[..at]);
        self.data.extend_from_slice(value);
        self.data.push(0); // no headers
        self.completions.push(Completion { tag, offset_delta });
    }

    fn seal(&mut self) {
        let count = self.completions.len() as i32;
        let length = (self.data.len() - 12) as i32;
        let header = &mut self.data[..HEADER];
        header[8..12].copy_from_slice(&length.to_be_bytes());
        header[12..16].copy_from_slice(&(-1i32).to_be_bytes());
        header[16] = 2;
        header[23..27].copy_from_slice(&(count - 1).to_be_bytes());
        header[43..57].fill(0xff); // no producer id, epoch, sequence
        header[57..61].copy_from_slice(&count.to_be_bytes());
        let crc = checksum(CrcAlgorithm::Crc32Iscsi, &self.data[21..]) as u32;
        self.data[17..21].copy_from_slice(&crc.to_be_bytes());
    }
}

fn put_varint(out: &mut [u8], value: i64) -> usize {
    let mut left = ((value << 1) ^ (value >> 63)) as u64;
    let mut at = 0;
    while left >= 0x80 {
        out[at] = left as u8 | 0x80;
        left >>= 7;
        at += 1;
    }
    out[at] = left as u8;
    at + 1
}

struct Queues {
    full: VecDeque<Batch>,
    free: Vec<Batch>,
    ended: bool,
}

struct Shared {
    open: Mutex<Batch>,
    queues: Mutex<Queues>,
    changed: Condvar,
}

impl Shared {
    fn send(&self, tag: u64, value: &[u8]) {
        let mut open = self.open.lock();
        open.append(tag, value);
        if open.data.len() + value.len() + 16 > BATCH_BYTES {
            self.take(&mut open);
        }
    }

    /// Queues the open batch and replaces it by a free one for the next partition.
    fn take(&self, open: &mut Batch) {
        let mut queues = self.queues.lock();
        while queues.free.is_empty() {
            self.changed.wait(&mut queues);
        }
        let mut next = queues.free.pop().expect("it was waited for");
        next.partition = (open.partition + 1) % PARTITIONS;
        queues.full.push_back(mem::replace(open, next));
        if queues.full.len() == 1 {
            self.changed.notify_all();
        }
    }

    /// Batches to write at once. Empty when everything is written.
    fn full_batches(&self) -> Vec<Batch> {
        let mut queues = self.queues.lock();
        while queues.full.is_empty() && !queues.ended {
            self.changed.wait(&mut queues);
        }
        let count = queues.full.len().min(BATCHES_A_WRITE);
        queues.full.drain(..count).collect()
    }

    fn release(&self, batches: Vec<Batch>) {
        let mut queues = self.queues.lock();
        queues.free.extend(batches);
        if queues.free.len() <= BATCHES_A_WRITE {
            self.changed.notify_all();
        }
    }
}

type Callback = extern "C" fn(tag: u64, partition: i32, offset_delta: u32, delivered: &mut u64);

extern "C" fn on_delivery(tag: u64, partition: i32, offset_delta: u32, delivered: &mut u64) {
    black_box((tag, partition, offset_delta));
    *delivered += 1;
}

fn send_batches(shared: &Shared, stream: &mut TcpStream, topic: &str) -> io::Result<u64> {
    let callback: Callback = black_box(on_delivery);
    let mut delivered = 0;
    loop {
        let mut batches = shared.full_batches();
        if batches.is_empty() {
            break;
        }
        batches.iter_mut().for_each(Batch::seal);
        write_request(stream, topic, 0, &batches)?;
        for batch in &mut batches {
            for completion in &batch.completions {
                callback(completion.tag, batch.partition, completion.offset_delta, &mut delivered);
            }
            batch.clear();
        }
        shared.release(batches);
    }
    write_request(stream, topic, 1, &[])?;
    read_answer(stream)?;
    Ok(delivered)
}

fn read_answer(stream: &mut TcpStream) -> io::Result<()> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    stream.read_exact(&mut vec![0; u32::from_be_bytes(length) as usize])
}

/// Makes `count` round trips. Returns their durations in nanoseconds, the shortest first.
fn ping_pong(brokers: &str, topic: &str, count: u64, value: &[u8]) -> io::Result<Vec<u64>> {
    let mut stream = TcpStream::connect(brokers)?;
    stream.set_nodelay(true)?;
    let mut batch = [Batch::new()];
    let mut times = Vec::with_capacity(count as usize);
    for tag in 0..count {
        let begin = Instant::now();
        batch[0].clear();
        batch[0].append(tag, value);
        batch[0].seal();
        write_request(&mut stream, topic, -1, &batch)?;
        read_answer(&mut stream)?;
        times.push(begin.elapsed().as_nanos() as u64);
    }
    times.sort_unstable();
    Ok(times)
}

/// Writes a Produce request of version 8, with its batches from where they are.
fn write_request(stream: &mut TcpStream, topic: &str, acks: i16, batches: &[Batch]) -> io::Result<()> {
    let mut head = vec![0; 4]; // the length, known at the end
    head.extend([0, 0, 0, 8]); // Produce 8
    head.extend([0, 0, 0, 1]); // correlation
    head.extend([0xff, 0xff]); // no client id
    head.extend([0xff, 0xff]); // no transactional id
    head.extend(acks.to_be_bytes());
    head.extend(30_000i32.to_be_bytes());
    head.extend(1i32.to_be_bytes());
    head.extend((topic.len() as i16).to_be_bytes());
    head.extend(topic.as_bytes());
    head.extend((batches.len() as i32).to_be_bytes());
    let data: usize = batches.iter().map(|batch| 8 + batch.data.len()).sum();
    let length = (head.len() - 4 + data) as u32;
    head[..4].copy_from_slice(&length.to_be_bytes());
    let parts: Vec<[u8; 8]> = batches
        .iter()
        .map(|batch| {
            let mut part = [0; 8];
            part[..4].copy_from_slice(&batch.partition.to_be_bytes());
            part[4..].copy_from_slice(&(batch.data.len() as i32).to_be_bytes());
            part
        })
        .collect();
    let mut slices = vec![IoSlice::new(&head)];
    for (part, batch) in parts.iter().zip(batches) {
        slices.extend([IoSlice::new(part), IoSlice::new(&batch.data)]);
    }
    let mut left = &mut slices[..];
    while !left.is_empty() {
        let written = stream.write_vectored(left)?;
        IoSlice::advance_slices(&mut left, written);
    }
    Ok(())
}

fn cpu_seconds() -> f64 {
    // SAFETY: rusage is plain data, which may be zero, and getrusage fills it in.
    let usage = unsafe {
        let mut usage: libc::rusage = mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// Sends `count` records. Returns how many were delivered.
fn run(shared: &Shared, brokers: &str, topic: &str, count: u64, value: &[u8]) -> io::Result<u64> {
    let mut stream = TcpStream::connect(brokers)?;
    stream.set_nodelay(true)?;
    shared.queues.lock().ended = false;
    thread::scope(|scope| {
        let sender = scope.spawn(|| send_batches(shared, &mut stream, topic));
        for tag in 0..count {
            shared.send(tag, value);
        }
        let mut open = shared.open.lock();
        if !open.completions.is_empty() {
            shared.take(&mut open);
        }
        drop(open);
        shared.queues.lock().ended = true;
        shared.changed.notify_all();
        sender.join().expect("the sender doesn't panic")
    })
}

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let value_of = |name: &str| words.chunks(2).find(|pair| pair[0] == name).map(|pair| pair[1].as_str());
    let number = |name: &str| value_of(name).map_or(0, |text| text.parse().unwrap_or_else(|_| panic!("{name} {text}")));
    let (Some(brokers), Some(topic)) = (value_of("-b"), value_of("-t")) else {
        eprintln!("usage: floor -b BROKER -t TOPIC -s SIZE -c COUNT [--warm-up COUNT] [-X ANYTHING]...");
        process::exit(2);
    };
    let value = vec![b'v'; number("-s") as usize];
    if words.last().is_some_and(|word| word == "--one-by-one") {
        ping_pong(brokers, topic, number("--warm-up"), &value)?;
        let (begin, cpu) = (Instant::now(), cpu_seconds());
        let times = ping_pong(brokers, topic, number("-c"), &value)?;
        let [p50, p99] = [50, 99].map(|percent| times[(times.len() - 1) * percent / 100] as f64 / 1e6);
        let mean = times.iter().sum::<u64>() as f64 / times.len() as f64 / 1e6;
        let latency = format!("{{\"mean\":{mean:.4},\"p50\":{p50:.4},\"p99\":{p99:.4}}}");
        tell(times.len() as u64, begin.elapsed().as_secs_f64(), cpu_seconds() - cpu, &latency);
        return Ok(());
    }
    let queues = Queues { full: VecDeque::new(), free: (1..BATCHES).map(|_| Batch::new()).collect(), ended: false };
    let shared = Shared { open: Mutex::new(Batch::new()), queues: Mutex::new(queues), changed: Condvar::new() };
    run(&shared, brokers, topic, number("--warm-up"), &value)?;
    let (begin, cpu) = (Instant::now(), cpu_seconds());
    let delivered = run(&shared, brokers, topic, number("-c"), &value)?;
    tell(delivered, begin.elapsed().as_secs_f64(), cpu_seconds() - cpu, "{}");
    Ok(())
}

fn tell(delivered: u64, seconds: f64, cpu: f64, latency: &str) {
    println!(
        "{{\"version\":\"-\",\"delivered\":{delivered},\"failed\":0,\"seconds\":{seconds:.6},\"cpu_seconds\":{cpu:.6},\
         \"latency_ms\":{latency}}}"
    );
}
