//! The quota-aware chat client, as a pure core: state in, effects out.
//!
//! Nothing outside `web/` names the browser. The clock and randomness are arguments, so the whole client runs
//! natively in tests. The wire contract is `docs/protocol.md`; the types here carry its names.
//!
//! | module | its one job |
//! | --- | --- |
//! | [`license`] | what a plan allows |
//! | [`usage`] | what is spent, as the server last said, plus what is in flight here |
//! | [`quota`] | may this draft be sent, and if not, when and under which plan |
//! | [`cost`] | money as integers: prices, estimates, alert levels |
//! | [`message`] | messages, conversations and their pages |
//! | [`problem`] | what went wrong, in words a person understands |
//! | [`cache`] | conversations in bounded memory, fresh for five minutes |
//! | [`pages`] | one conversation's loaded pages, without gaps or duplicates |
//! | [`outbox`] | turns that are not acknowledged yet, oldest first |
//! | [`retry`] | what may be retried, and when |
//! | [`session`] | the whole client of a tab: inputs in, effects out |
//! | [`sse`] | a push parser for event streams |
//! | [`uuid`] | ids that sort by the time they were made |

pub mod cache;
pub mod cost;
mod date;
mod json;
pub mod license;
pub mod message;
pub mod outbox;
pub mod pages;
pub mod problem;
pub mod quota;
pub mod retry;
pub mod session;
pub mod sse;
mod table;
pub mod usage;
pub mod uuid;
#[cfg(target_arch = "wasm32")]
pub mod web;

/// An instant in milliseconds since the Unix epoch, or a span in milliseconds.
#[cfg_attr(target_arch = "wasm32", tsify::declare)]
pub type Millis = u64;
