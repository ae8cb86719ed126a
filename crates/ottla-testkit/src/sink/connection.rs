//! One connection: reads what has arrived, responds to every complete request, writes once.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Instant;

use super::{Shared, SinkCounters, answers};

const FIRST_BUFFER: usize = 256 * 1024;

/// Kafka's `socket.request.max.bytes`. A longer request ends the connection.
const LONGEST_REQUEST: usize = 100 * 1024 * 1024;

/// Serves until the peer leaves, the sink stops or a request is malformed.
pub(super) fn serve(stream: TcpStream, shared: &Shared) {
    drop(stream.set_nodelay(true)); // only a matter of speed: failure is harmless
    if shared.options.delay.is_zero() {
        let mut writer = &stream;
        return read_requests(&stream, shared, |out| {
            let written = writer.write_all(out).is_ok();
            out.clear();
            written
        });
    }
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        let sender: Sender<(Instant, Vec<u8>)> = sender;
        scope.spawn(|| write_late(&stream, receiver));
        read_requests(&stream, shared, move |out| {
            sender.send((Instant::now() + shared.options.delay, std::mem::take(out))).is_ok()
        });
    });
}

fn write_late(mut stream: &TcpStream, answers: Receiver<(Instant, Vec<u8>)>) {
    for (due, answer) in answers {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if stream.write_all(&answer).is_err() {
            return;
        }
    }
}

fn read_requests(mut stream: &TcpStream, shared: &Shared, mut write: impl FnMut(&mut Vec<u8>) -> bool) {
    let mut input = Input { buffer: vec![0; FIRST_BUFFER], start: 0, end: 0 };
    let mut out = Vec::with_capacity(4096);
    loop {
        let length = match stream.read(input.room()) {
            Ok(0) => return,
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        input.end += length;
        let mut seen = SinkCounters { bytes: length as u64, ..SinkCounters::default() };
        let sane = answer_all(&mut input, shared, &mut seen, &mut out);
        seen.errors += u64::from(!sane);
        shared.tally.add(&seen);
        shared.pause();
        if !out.is_empty() && !write(&mut out) || !sane {
            return;
        }
    }
}

/// Responds to complete requests. Returns false if the connection has to end.
fn answer_all(input: &mut Input, shared: &Shared, seen: &mut SinkCounters, out: &mut Vec<u8>) -> bool {
    loop {
        let pending = &input.buffer[input.start..input.end];
        let Some(length) = pending.first_chunk::<4>() else {
            input.make_room(4);
            return true;
        };
        let length = u32::from_be_bytes(*length) as usize;
        if length > LONGEST_REQUEST {
            return false;
        }
        let Some(frame) = pending.get(4..4 + length) else {
            input.make_room(4 + length);
            return true;
        };
        let answered = out.len();
        if answers::answer(frame, shared, seen, out).is_err() {
            out.truncate(answered);
            return false;
        }
        input.start += 4 + length;
    }
}

/// Bytes that were read but not handled yet: `buffer[start..end]`.
struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    fn room(&mut self) -> &mut [u8] {
        &mut self.buffer[self.end..]
    }

    /// Makes room for the whole pending request. Its bytes move at most once, because afterwards it fits.
    fn make_room(&mut self, request: usize) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.start + request > self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if request > self.buffer.len() {
            self.buffer.resize(request.next_power_of_two(), 0);
        }
    }
}
