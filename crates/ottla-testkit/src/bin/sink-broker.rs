//! The sink broker as a program. See `sink-broker --help`.

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;
use std::{env, io, mem, ptr, thread};

use ottla_testkit::sink::{Sink, SinkOptions};

const HELP: &str = "\
sink-broker: a Kafka broker that answers and throws away; every topic exists

Usage: sink-broker [OPTIONS]

  --port PORT              port of the first broker, the others follow; 0 takes free ports (default 0)
  --topics NAME:N,...      topics with a partition count of their own
  --default-partitions N   partitions of every other topic (default 6)
  --brokers N              brokers, each with a listener; partitions are led in turn (default 1)
  --delay-us N             time between a request and its answer
  --pause RECORDS:MS       when so many records were answered, stop once, with the next, for so long
  --throttle-ms N          throttle time told in every answer
  --verify                 check the CRC of every batch
  --help                   this text

Prints `LISTENING host:port` (the bootstrap address) when it serves. Ends on SIGTERM, on SIGINT, or when standard
input (a pipe, socket or terminal; a file or /dev/null doesn't count) ends, and prints what it has seen as one line of
JSON: connections, requests, produce_requests, batches, records, record_bytes, bytes, errors.
";

fn main() -> ExitCode {
    let options = match parse(env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("sink-broker: {message}; see --help");
            return ExitCode::from(2);
        }
    };
    let signals = block_signals();
    let sink = match Sink::try_start(options) {
        Ok(sink) => sink,
        Err(error) => {
            eprintln!("sink-broker: can't listen: {error}");
            return ExitCode::FAILURE;
        }
    };
    say(&format!("LISTENING {}", sink.addr()));
    thread::spawn(end_with_stdin);
    wait(&signals);
    say(&sink.counters().to_json());
    ExitCode::SUCCESS
}

/// Ignores errors: standard output may be closed by the end, which is no reason to panic.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<SinkOptions>, String> {
    let mut options = SinkOptions::default();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--help" | "-h" => return Ok(None),
            "--port" => options.port = number(&arg, &value()?)?,
            "--topics" => options.topics = topics(&value()?)?,
            "--default-partitions" => options.default_partitions = number(&arg, &value()?)?,
            "--brokers" => options.brokers = number(&arg, &value()?)?,
            "--delay-us" => options.delay = Duration::from_micros(number(&arg, &value()?)?),
            "--pause" => options.pause = Some(pause(&value()?)?),
            "--throttle-ms" => options.throttle_ms = number(&arg, &value()?)?,
            "--verify" => options.verify = true,
            _ => return Err(format!("unknown option {arg}")),
        }
    }
    Ok(Some(options))
}

fn number<T: FromStr>(option: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{option}: {value:?} is not a number in its range"))
}

fn topics(list: &str) -> Result<Vec<(String, u32)>, String> {
    list.split(',')
        .map(|topic| {
            let (name, partitions) = topic.rsplit_once(':').ok_or(format!("{topic:?} is not name:partitions"))?;
            Ok((name.to_owned(), number("--topics", partitions)?))
        })
        .collect()
}

fn pause(text: &str) -> Result<(u64, Duration), String> {
    let (records, length) = text.split_once(':').ok_or(format!("{text:?} is not records:milliseconds"))?;
    Ok((number("--pause", records)?, Duration::from_millis(number("--pause", length)?)))
}

/// Blocks SIGTERM and SIGINT in this thread and those it starts. `wait` receives them.
fn block_signals() -> libc::sigset_t {
    // SAFETY: a sigset_t is plain data that sigemptyset initializes; the pointers are to this local.
    unsafe {
        let mut signals: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&mut signals);
        libc::sigaddset(&mut signals, libc::SIGTERM);
        libc::sigaddset(&mut signals, libc::SIGINT);
        libc::pthread_sigmask(libc::SIG_BLOCK, &signals, ptr::null_mut());
        signals
    }
}

fn wait(signals: &libc::sigset_t) {
    let mut signal = 0;
    // SAFETY: both pointers are to live values; `block_signals` initialized the set.
    unsafe { libc::sigwait(signals, &mut signal) };
}

/// A shell gives background processes /dev/null as standard input, which ends at once. So only pipes, sockets and
/// terminals count.
fn end_with_stdin() {
    let mut stdin = io::stdin();
    let Ok(owned) = stdin.as_fd().try_clone_to_owned() else { return };
    let Ok(kind) = File::from(owned).metadata().map(|metadata| metadata.file_type()) else { return };
    if !(stdin.is_terminal() || kind.is_fifo() || kind.is_socket()) {
        return;
    }
    let mut chunk = [0; 4096];
    while matches!(stdin.read(&mut chunk), Ok(length) if length > 0) {}
    // SAFETY: sends a signal to this process itself, where `wait` receives it.
    unsafe { libc::kill(libc::getpid(), libc::SIGTERM) };
}
