//! The session against a scripted server in virtual time.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod alerts;
mod cost;
mod day;
mod hostile;
mod limits;
mod path;
mod queue;
mod server;
mod showing;
mod signing;
mod stopping;
mod storage;
mod tabs;
mod trouble;
mod world;
