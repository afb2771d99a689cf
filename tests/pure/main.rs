//! Native tests of the pure core: examples from the standards and the protocol, and properties against plain models.
#![cfg(not(target_arch = "wasm32"))]
// Helpers of tests may fail loudly; clippy.toml frees the test functions alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod boundaries;
mod cache;
mod cost;
mod fixtures;
mod outbox;
mod pages;
mod problem;
mod quota;
mod reference_data;
mod retry;
mod sse;
mod usage;
mod uuid;
