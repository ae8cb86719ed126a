//! Planted faults (`crates/ottla-core/src/planted.rs`): the random runs must find each of them.
//!
//! `cargo test -p ottla-core --features planted --test simulation planted` looks for a few. With `OTTLA_SOAK=1` it
//! looks for all, from several seeds on, and prints how many seeds that took: the table of README.md.
//! `OTTLA_FAULT=name` chooses one fault.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ottla_core::planted::{Fault, plant, times_met};

use crate::seeds::{self, Simulation};
use crate::{random, random_transactions};

/// A fault that needs more seeds counts as not found.
const MOST_SEEDS: u64 = 20_000;

/// The seeds at which searches begin.
const STARTS: [u64; 5] = [0, 1_000_000, 2_000_000, 3_000_000, 4_000_000];

/// Faults that a few seeds find. Every test run looks for these.
const QUICK: [Fault; 5] = [
    Fault::RetryNumberedAnew,
    Fault::EpochKept,
    Fault::FirstNotAlone,
    Fault::CommitBeforeDecided,
    Fault::CommitAfterFailure,
];

/// The kind of random run that must find the fault.
fn simulation(fault: Fault) -> &'static Simulation {
    let transactional = fault >= Fault::GateLeftOpen;
    if transactional { &random_transactions::SIMULATION } else { &random::SIMULATION }
}

#[test]
fn each_fault_is_found() {
    let chosen = std::env::var("OTTLA_FAULT").ok();
    let all = std::env::var_os("OTTLA_SOAK").is_some() || chosen.is_some();
    let (faults, starts) = if all { (Fault::ALL, &STARTS[..]) } else { (&QUICK[..], &STARTS[..1]) };
    let is_chosen = |fault: &&Fault| chosen.as_ref().is_none_or(|name| *name == format!("{fault:?}"));
    let faults: Vec<Fault> = faults.iter().filter(is_chosen).copied().collect();
    let searches: Vec<_> = faults.iter().flat_map(|&fault| starts.iter().map(move |&from| (fault, from))).collect();
    let results = on_every_core(&searches, |&(fault, from)| search(fault, from));
    println!("| fault | seeds, median | from the {} starts |\n|---|---|---|", starts.len());
    for (fault, seeds) in faults.iter().zip(results.chunks(starts.len())) {
        println!("{}", row(*fault, seeds));
    }
    let missed: Vec<_> = searches.iter().zip(&results).filter(|(_, seeds)| seeds.is_none()).collect();
    assert!(missed.is_empty(), "not found in {MOST_SEEDS} seeds: {missed:?}");
}

fn on_every_core<A: Sync, B: Send>(tasks: &[A], work: impl Fn(&A) -> B + Sync) -> Vec<B> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(task) = tasks.get(at) else { return };
                    let result = work(task);
                    done.lock().expect("no panic holds it").push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no panic holds it");
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// How many seeds, beginning with `from`, it takes until a run fails.
fn search(fault: Fault, from: u64) -> Option<u64> {
    let mut met = 0;
    for seed in from..from + MOST_SEEDS {
        plant(Some(fault));
        let outcome = seeds::attempt(simulation(fault), seed);
        met += times_met();
        plant(None);
        let Err(message) = outcome else { continue };
        match seeds::attempt(simulation(fault), seed) {
            Ok(_) => {
                println!("{fault:?}: seed {seed}: {message:.300}");
                return Some(seed - from + 1);
            }
            Err(message) => println!("seed {seed} fails without a planted fault: {message}"),
        }
    }
    println!("{fault:?} is not found from seed {from} on; the engine came by it {met} times");
    None
}

fn row(fault: Fault, seeds: &[Option<u64>]) -> String {
    let number = |seeds: Option<u64>| seeds.map_or("not found".into(), |seeds| seeds.to_string());
    let mut sorted = seeds.to_vec();
    sorted.sort_by_key(|seeds| seeds.unwrap_or(u64::MAX));
    let each: Vec<String> = seeds.iter().map(|seeds| number(*seeds)).collect();
    format!("| {fault:?} | {} | {} |", number(sorted[sorted.len() / 2]), each.join(", "))
}
