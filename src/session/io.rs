//! What crosses the session's wall: inputs from the world, effects upon it.

use crate::Millis;

use super::QuotaAlert;

/// Names one request for as long as the session knows of it.
pub type RequestId = u32;

/// A reply whose body is larger is not read to its end: it is reported as [`Input::TooLarge`].
pub const MAX_REPLY_BYTES: usize = 8 * 1024 * 1024;

/// Where randomness comes from: the platform's generator in a browser, a seeded one in tests.
pub trait Random {
    /// Fills `bytes` with random ones.
    fn fill(&mut self, bytes: &mut [u8]);

    /// A random number.
    fn number(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

/// The present instant and the source of randomness: the two things the session does not have of its own.
pub struct Moment<'a> {
    /// Milliseconds since the Unix epoch, by this machine's clock.
    pub now: Millis,
    /// The source of randomness.
    pub random: &'a mut dyn Random,
}

/// Something that happened outside.
#[derive(Debug)]
pub enum Input {
    /// The app's answer to the [`Effect::AskToken`] of this number: `None` means nobody is signed in.
    Token(u32, Option<String>),
    /// The app's `accessToken` threw or rejected: the number of the ask, and the reason in the app's words.
    TokenFailed(u32, String),
    /// A whole reply.
    Reply(Reply),
    /// The head of a reply that streams: its events follow as [`Input::Chunk`].
    StreamOpened(RequestId),
    /// Bytes of a stream.
    Chunk(RequestId, Vec<u8>),
    /// A stream ended, well or torn.
    StreamEnded(RequestId),
    /// No reply came: the network failed.
    Lost(RequestId),
    /// The reply is larger than [`MAX_REPLY_BYTES`].
    TooLarge(RequestId),
    /// The platform says whether there is a network.
    Online(bool),
    /// The page became visible.
    Visible,
    /// The instant named by `next_timeout` has come.
    Timeout,
    /// What storage held, as asked by [`Effect::LoadOutbox`]: keys and texts.
    Stored(Vec<(String, String)>),
    /// Storage refused a write, or there is none.
    StorageFailed,
    /// Another tab of this origin said something.
    Tab(String),
    /// The tab of this name is gone, as awaited by [`Effect::AwaitEnd`].
    TabEnded(String),
}

/// A whole reply.
#[derive(Debug)]
pub struct Reply {
    /// Which request it answers.
    pub id: RequestId,
    /// HTTP status.
    pub status: u16,
    /// The `Content-Type` header, empty when absent.
    pub content_type: String,
    /// The `Retry-After` header.
    pub retry_after: Option<String>,
    /// The body.
    pub body: String,
}

/// Something to be done outside, in the order given.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send a request.
    Fetch(Request),
    /// Give a request up: nothing of it is wanted any more.
    Abort(RequestId),
    /// Ask the app for an access token. `refresh`: the last one was refused, a newer one is wanted.
    AskToken {
        /// The number of the ask. An answer to an earlier one comes too late.
        ask: u32,
        /// The last token was refused.
        refresh: bool,
    },
    /// Read this user's stored texts: the keys that are [`crate::outbox::is_key`] and theirs.
    LoadOutbox {
        /// The user.
        user_id: String,
    },
    /// Remove everything stored that [`crate::outbox::belongs_to`] this user.
    Forget {
        /// The user.
        user_id: String,
    },
    /// Store `text` under `key`.
    Store {
        /// The key.
        key: String,
        /// The text.
        text: String,
    },
    /// Remove `key` from storage.
    Unstore {
        /// The key.
        key: String,
    },
    /// Store `text` under `to`, and only then remove it from `from`.
    SetAside {
        /// Where it is.
        from: String,
        /// Where it is to be.
        to: String,
        /// What cannot be read.
        text: String,
    },
    /// Keep the lock of this tab's name for as long as the page lives.
    Live {
        /// This tab's name.
        tab: String,
    },
    /// Tell with [`Input::TabEnded`] when nobody keeps the lock of this name any more.
    AwaitEnd {
        /// The other tab's name.
        tab: String,
    },
    /// Say `text` to the other tabs of this origin.
    Tell {
        /// The message.
        text: String,
    },
    /// Tell the app that a limit of the day comes near.
    Alert(QuotaAlert),
    /// What somebody sees may have changed.
    Changed {
        /// The account did.
        account: bool,
        /// These conversations did.
        conversations: Vec<String>,
    },
}

/// Which server a path belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// PostgREST and its kin, under the project's address.
    Project,
    /// The edge functions.
    Functions,
}

/// A request to be sent. Every one of them may be repeated: reads change nothing, the others carry ids.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Its name.
    pub id: RequestId,
    /// Which server.
    pub base: Base,
    /// `POST` or `GET`.
    pub method: &'static str,
    /// Path and query, after the server's address.
    pub path: String,
    /// JSON.
    pub body: Option<String>,
    /// A successful reply is a stream of events.
    pub stream: bool,
    /// The access token.
    pub token: String,
}
