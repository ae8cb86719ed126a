//! Ranges of seeds. A run depends on its seed alone, so the same seed repeats it.
//!
//! `OTTLA_SEEDS=from..to` chooses the range, `OTTLA_TRACE=1` prints what happens.

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
    /// The test that runs a range of seeds.
    pub test: &'static str,
    /// The plan of a seed, as text.
    pub plan: fn(u64) -> String,
    /// Panics if a promise is broken.
    pub run: fn(u64) -> Coverage,
    /// What must occur, and how often per thousand seeds.
    pub expected: fn() -> Vec<(String, u64)>,
}

/// After this many failures the rest of a range is skipped.
const MOST_FAILURES: usize = 10;

/// Fewer seeds are not enough to encounter everything.
const ENOUGH_TO_MEET_ALL: u64 = 200;

/// Runs one seed. An error says which promise was broken.
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

/// Captures panic messages instead of printing them.
fn keep_panics() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(
        move |panic| {
            if QUIET.get() { SAID.set(Some(panic.to_string())) } else { default(panic) }
        },
    ));
}

/// Runs the seeds of `OTTLA_SEEDS`, or else `default`, on every core. Fails if a run fails, or if the runs encountered
/// too little.
pub fn run(simulation: &Simulation, default: Range<u64>) {
    let seeds = std::env::var("OTTLA_SEEDS").ok().map_or(default, |range| {
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
        println!("  to see it again: {}", command_to_repeat(simulation, *seed));
    }
    assert!(failed.is_empty(), "{} of {count} seeds failed", failed.len());
    let lacking = total.lacking(&(simulation.expected)(), count);
    assert!(
        count < ENOUGH_TO_MEET_ALL || lacking.is_empty(),
        "not met with often enough in {count} seeds: {lacking:#?}"
    );
}

/// The command that repeats one seed with a trace.
fn command_to_repeat(simulation: &Simulation, seed: u64) -> String {
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
