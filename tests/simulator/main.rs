//! Whole sessions, thousands of them, in virtual time: two tabs, two hours, a server that keeps the law, and everything
//! that goes wrong on the way. Each is drawn from a seed and replays exactly.
//!
//! `cargo test --test simulator` runs some; `SESSIONS=10000` as many as it says; `SEED=n cargo test --test simulator --
//! replay --nocapture` one, and tells what happens in it.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod coverage;
mod dice;
mod journal;
mod law;
mod network;
mod oracle;
mod script;
mod service;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use coverage::Coverage;
use world::World;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One session, from its seed. Its failures, and what it covered.
fn session(seed: u64, trace: bool) -> (Vec<String>, Coverage) {
    let mut world = World::new(seed, trace);
    world.live();
    if world.failures.is_empty() {
        world.come_to_rest();
    }
    if world.failures.is_empty() {
        world.check_end();
    }
    if world.failures.is_empty() {
        world.hand_over();
        world.check_messages();
    }
    (world.failures, world.coverage)
}

fn guarded(seed: u64, trace: bool) -> (Vec<String>, Coverage) {
    catch_unwind(AssertUnwindSafe(|| session(seed, trace))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        (
            vec![format!("panic: {}", text.unwrap_or_default())],
            Coverage::default(),
        )
    })
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Each session is alone with its seed; the processors share the seeds.
#[test]
fn sessions_end_well() {
    let (from, count) = (number("FROM").unwrap_or(0), number("SESSIONS").unwrap_or(400));
    let next = AtomicU64::new(from);
    let failed: Mutex<Vec<(u64, String)>> = Mutex::new(Vec::new());
    let covered = Mutex::new(Coverage::default());
    let run = || {
        let mut mine = Coverage::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= from + count {
                break;
            }
            let (failures, coverage) = guarded(seed, false);
            mine.add(&coverage);
            if let Some(failure) = failures.into_iter().next() {
                failed.lock().unwrap().push((seed, failure));
            }
        }
        covered.lock().unwrap().add(&mine);
    };
    let processors = std::thread::available_parallelism().map_or(1, |it| it.get());
    std::thread::scope(|scope| {
        for _ in 0..processors {
            scope.spawn(run);
        }
    });
    let mut failed = failed.into_inner().unwrap();
    failed.sort();
    let covered = covered.into_inner().unwrap();
    println!("{}", covered.lines());
    let first: Vec<String> = failed
        .iter()
        .take(20)
        .map(|(seed, what)| {
            format!(
                "SEED={seed} cargo test --test simulator -- replay --nocapture\n    {}",
                what.chars().take(500).collect::<String>()
            )
        })
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {count} sessions failed:\n{}",
        failed.len(),
        first.join("\n")
    );
    assert_eq!(covered.unexpected(), [""; 0]);
    if count >= 1_000 {
        let acts = script::all_acts();
        let more = network::TROUBLES.iter().copied().chain(acts.iter().map(String::as_str));
        let missing = covered.missing(more);
        assert!(missing.is_empty(), "never seen in {count} sessions: {missing:?}");
    }
}

/// The session of `SEED`, told as it goes.
#[test]
fn replay() {
    let Some(seed) = number("SEED") else { return };
    let (failures, _) = guarded(seed, true);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_seed_replays_exactly() {
    let lived = |seed| {
        let mut world = World::new(seed, false);
        world.live();
        world.come_to_rest();
        let counts = world.coverage.lines();
        (
            world.now,
            world.failures,
            counts,
            world.storage.texts,
            world.journal.typed,
        )
    };
    for seed in 0..20 {
        assert_eq!(
            format!("{:?}", lived(seed)),
            format!("{:?}", lived(seed)),
            "SEED={seed}"
        );
    }
}
