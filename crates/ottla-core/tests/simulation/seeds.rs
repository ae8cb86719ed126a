//! Ranges of seeds. A seed is all that a random run depends on: the same one does the same again.
//!
//! `OTTLA_SEEDS=from..to` names the range, `OTTLA_TRACE=1` prints what happens.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::coverage::Coverage;

/// A kind of random run.
pub struct Simulation {
    /// The test that runs ranges of it.
    pub test: &'static str,
    /// What a seed's run depends on, as text.
    pub plan: fn(u64) -> String,
    /// Panics if a promise is broken.
    pub run: fn(u64) -> Coverage,
    /// What has to be met with, and how often in a thousand seeds.
    pub expected: fn() -> Vec<(String, u64)>,
}

/// A range of seeds is given up after so many failures.
const MOST_FAILURES: usize = 10;

/// Fewer seeds than these cannot meet with everything.
const ENOUGH_TO_MEET_ALL: u64 = 200;

/// Runs one seed; an error says which promise was broken.
pub fn attempt(simulation: &Simulation, seed: u64) -> Result<Coverage, String> {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(keep_panics);
    QUIET.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(|| (simulation.run)(seed)));
    QUIET.set(false);
    outcome.map_err(|_| SAID.take().unwrap_or_default())
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// What a seed's panic says is kept instead of printed.
fn keep_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(
        move |panic| {
            if QUIET.get() { SAID.set(Some(panic.to_string())) } else { usual(panic) }
        },
    ));
}

/// Runs `OTTLA_SEEDS`, or else these, on every core; fails if one fails, or if they met with too little.
pub fn run(simulation: &Simulation, usual: Range<u64>) {
    let seeds = std::env::var("OTTLA_SEEDS").ok().map_or(usual, |range| {
        let (from, to) = range.split_once("..").expect("OTTLA_SEEDS=from..to");
        from.parse().expect("a number")..to.parse().expect("a number")
    });
    let begin = Instant::now();
    let (total, failed) = run_range(simulation, seeds.clone());
    let count = seeds.end - seeds.start;
    println!("{}: {count} seeds in {:.1} s", simulation.test, begin.elapsed().as_secs_f64());
    println!("{total}");
    for (seed, message) in &failed {
        println!("seed {seed}: {message}");
        println!("  its plan: {}", (simulation.plan)(*seed));
        println!("  to see it again: {}", again(simulation, *seed));
    }
    assert!(failed.is_empty(), "{} of {count} seeds failed", failed.len());
    let lacking = total.lacking(&(simulation.expected)(), count);
    assert!(
        count < ENOUGH_TO_MEET_ALL || lacking.is_empty(),
        "not met with often enough in {count} seeds: {lacking:#?}"
    );
}

/// The command that runs one seed and prints what happens.
fn again(simulation: &Simulation, seed: u64) -> String {
    let next = seed + 1;
    format!(
        "OTTLA_TRACE=1 OTTLA_SEEDS={seed}..{next} cargo test -p ottla-core --test simulation {} -- --nocapture",
        simulation.test
    )
}

fn run_range(simulation: &Simulation, seeds: Range<u64>) -> (Coverage, Vec<(u64, String)>) {
    let next = AtomicU64::new(seeds.start);
    let total = Mutex::new((Coverage::default(), Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || total.lock().expect("no panic holds it").1.len() >= MOST_FAILURES {
                        return;
                    }
                    let outcome = attempt(simulation, seed);
                    let mut total = total.lock().expect("no panic holds it");
                    match outcome {
                        Ok(coverage) => total.0.add(&coverage),
                        Err(message) => total.1.push((seed, message)),
                    }
                }
            });
        }
    });
    total.into_inner().expect("no panic holds it")
}
