//! The browser's side: conversions only. It carries out effects and feeds back what comes of them.
//!
//! Everything hangs on one `Rc<RefCell<…>>`. The app's functions are called only when nothing is borrowed, so they may
//! call back at once; what is asynchronous holds a clone, so that disposing during a request is safe.

mod callback;
mod effects;
mod locks;
mod page;
mod snapshot;
mod storage;
mod tabs;
mod timers;
mod transport;

use std::cell::RefCell;
use std::rc::Rc;

use serde::de::DeserializeOwned;
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

use crate::problem::ChatErrorDetail;
use crate::quota::Verdict;
use crate::session::{AccountSnapshot, ClientOptions, ConversationSnapshot, Draft, Input, Random, Session};
use crate::table::Table;
use crate::{Millis, json};

use callback::on;
use effects::{App, Shared, act, feed, tell_app, with_app};
use locks::Locks;
use page::Page;
use snapshot::{Snapshots, set, to_js};
use tabs::Tabs;
use timers::{Frame, Timer};
use transport::Servers;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(bytes: &mut [u8]);

    /// `() => Promise<string | null> | string | null`
    #[wasm_bindgen(typescript_type = "(refresh: boolean) => Promise<string | null> | string | null")]
    pub type AccessToken;

    /// Told what has changed: whether the account did, the ids of the conversations that did, and what is to be told once.
    #[wasm_bindgen(typescript_type = "(account: boolean, conversations: string[], alerts: QuotaAlert[]) => void")]
    pub type OnChange;
}

// A page has to load it: a fifth of the standard library's, and for a client's few thousand pieces as good.
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

/// The platform's generator.
struct Platform;

impl Random for Platform {
    fn fill(&mut self, bytes: &mut [u8]) {
        get_random_values(bytes);
    }
}

const NOT_A_DRAFT: &str = "This is not a draft: it needs a conversationId and a text.";

#[inline(never)]
fn now() -> Millis {
    js_sys::Date::now() as Millis
}

/// The client of one tab, for JavaScript. Its methods return at once; `onChange` tells when to look again.
#[wasm_bindgen]
pub struct WasmClient {
    shared: Rc<RefCell<Shared>>,
}

#[wasm_bindgen]
impl WasmClient {
    /// Starts a client. It asks `accessToken` who is signed in, and reads the account and the conversation list.
    #[wasm_bindgen(constructor)]
    pub fn new(
        options: Ts<ClientOptions>,
        access_token: AccessToken,
        on_change: OnChange,
    ) -> Result<WasmClient, JsValue> {
        let options = read(
            &options,
            "The client's options are not what ClientOptions says: check names and types.",
        )?;
        let session = Session::new(&options, page::is_online()).map_err(|error| throw(&error))?;
        let project = options.supabase_url.trim_end_matches('/').to_owned();
        let functions = options
            .functions_url
            .unwrap_or_else(|| [project.as_str(), "/functions/v1"].concat());
        let servers = Servers {
            functions: functions.trim_end_matches('/').to_owned(),
            key: options.supabase_key,
            project: project.clone(),
        };
        let shared = Rc::new(RefCell::new(Shared {
            session,
            snapshots: Snapshots::default(),
            servers,
            app: None,
            aborts: Table::default(),
            account_changed: false,
            conversations_changed: Vec::new(),
            alerts: Vec::new(),
        }));
        let this = &Rc::downgrade(&shared);
        let app = App {
            access_token: access_token.unchecked_into(),
            on_change: on_change.unchecked_into(),
            timer: Timer::new(on(this, |this, _| {
                with_app(this, |app| app.timer.rang());
                feed(this, Input::Timeout);
            })),
            frame: Frame::new(
                on(this, |this, _| tell_app(this)),
                on(this, |this, _| {
                    with_app(this, |app| app.frame.is_late());
                    tell_app(this);
                }),
            ),
            tabs: Tabs::open(
                &project,
                on(this, |this, event| {
                    if let Some(text) = Tabs::said(event) {
                        feed(this, Input::Tab(text));
                    }
                }),
            ),
            locks: Locks::open(),
            _page: Page::watch(
                [
                    on(this, |this, _| feed(this, Input::Online(true))),
                    on(this, |this, _| feed(this, Input::Online(false))),
                ],
                on(this, |this, _| {
                    let is_visible = page::is_visible();
                    with_app(this, |app| app.frame.show(is_visible));
                    if is_visible {
                        feed(this, Input::Visible);
                    }
                }),
            ),
        };
        shared.borrow_mut().app = Some(app);
        if !storage::available() {
            feed(&shared, Input::StorageFailed);
        }
        act(&shared, |session, at| session.start(at));
        Ok(WasmClient { shared })
    }

    /// The account: the same object until something in it changes.
    pub fn account(&self) -> Ts<AccountSnapshot> {
        let shared = &mut *self.shared.borrow_mut();
        typed(shared.snapshots.account(&shared.session, now()))
    }

    /// A conversation: the same object until something in it changes; messages that did not change keep theirs.
    pub fn conversation(&self, id: &str) -> Ts<ConversationSnapshot> {
        let shared = &mut *self.shared.borrow_mut();
        typed(shared.snapshots.conversation(&shared.session, id, now()))
    }

    /// Somebody looks at a conversation: its first page is read when absent, and again when older than five minutes.
    pub fn open(&self, id: &str) {
        act(&self.shared, |session, at| session.open(id, at));
    }

    /// One who looked does no longer (balanced with `open`).
    pub fn close(&self, id: &str) {
        act(&self.shared, |session, _| session.close(id));
    }

    /// Makes up a conversation and returns its id. The server hears of it with its first message.
    #[wasm_bindgen(js_name = newConversation)]
    pub fn new_conversation(&self, agent: Option<String>) -> String {
        act(&self.shared, |session, at| session.new_conversation(agent, at))
    }

    /// May this draft be sent? From memory, in microseconds.
    pub fn check(&self, draft: Ts<Draft>) -> Result<Ts<Verdict>, JsValue> {
        let draft = read(&draft, NOT_A_DRAFT)?;
        Ok(typed(to_js(&self.shared.borrow().session.check(&draft, now()))))
    }

    /// Sends a message and returns its id. Throws a `ChatError` when it is invalid or denied: then nothing happened.
    pub fn send(&self, draft: Ts<Draft>) -> Result<String, JsValue> {
        let draft = read(&draft, NOT_A_DRAFT)?;
        act(&self.shared, |session, at| session.send(&draft, at)).map_err(|error| throw(&error))
    }

    /// Asks for another answer in place of the last one, and returns the turn's id. Throws as `send` does.
    pub fn regenerate(&self, conversation_id: &str) -> Result<String, JsValue> {
        act(&self.shared, |session, at| session.regenerate(conversation_id, at)).map_err(|error| throw(&error))
    }

    /// Stops the answer under way. What has arrived is kept.
    pub fn stop(&self, conversation_id: &str) {
        act(&self.shared, |session, at| session.stop(conversation_id, at));
    }

    /// Sends a failed message again, with the id it was born with. Throws as `send` does.
    pub fn retry(&self, message_id: &str) -> Result<(), JsValue> {
        act(&self.shared, |session, at| session.retry(message_id, at)).map_err(|error| throw(&error))
    }

    /// Gives a queued or failed message up and returns its text; `null` when it is under way, or may be: then it is stopped.
    #[wasm_bindgen(js_name = takeBack, unchecked_return_type = "string | null")]
    pub fn take_back(&self, message_id: &str) -> JsValue {
        act(&self.shared, |session, at| session.take_back(message_id, at)).map_or(JsValue::NULL, JsValue::from)
    }

    /// The conversation's error was seen.
    #[wasm_bindgen(js_name = clearError)]
    pub fn clear_error(&self, conversation_id: &str) {
        act(&self.shared, |session, _| session.clear_error(conversation_id));
    }

    /// Reads the next older page.
    #[wasm_bindgen(js_name = fetchNextPage)]
    pub fn fetch_next_page(&self, conversation_id: &str) {
        act(&self.shared, |session, at| session.fetch_next_page(conversation_id, at));
    }

    /// Reads the latest page anew.
    pub fn refetch(&self, conversation_id: &str) {
        act(&self.shared, |session, at| session.refetch(conversation_id, at));
    }

    /// Reads the account and the conversation list anew.
    #[wasm_bindgen(js_name = refetchAccount)]
    pub fn refetch_account(&self) {
        act(&self.shared, |session, at| session.refetch_account(at));
    }

    /// Reads the next page of the conversation list.
    #[wasm_bindgen(js_name = fetchNextConversations)]
    pub fn fetch_next_conversations(&self) {
        act(&self.shared, |session, at| session.fetch_next_conversations(at));
    }

    /// Renames a conversation: at once, taken back with an error in `account().error` when the server refuses.
    #[wasm_bindgen(js_name = renameConversation)]
    pub fn rename_conversation(&self, id: &str, title: &str) {
        act(&self.shared, |session, at| session.rename_conversation(id, title, at));
    }

    /// Deletes a conversation: at once, taken back with an error in `account().error` when the server refuses.
    #[wasm_bindgen(js_name = deleteConversation)]
    pub fn delete_conversation(&self, id: &str) {
        act(&self.shared, |session, at| session.delete_conversation(id, at));
    }

    /// The app signed in, out, or refreshed its token: `accessToken` is asked anew.
    #[wasm_bindgen(js_name = accessTokenChanged)]
    pub fn access_token_changed(&self) {
        act(&self.shared, |session, _| session.access_token_changed());
    }

    /// Clears everything of this user, here and in storage. Returns how many unsent messages were dropped.
    #[wasm_bindgen(js_name = signOut)]
    pub fn sign_out(&self) -> u32 {
        act(&self.shared, |session, _| session.sign_out())
    }

    /// Aborts requests, stops timers, forgets the app's functions. Safe at any moment; later calls do nothing.
    pub fn dispose(&self) {
        act(&self.shared, |session, _| session.dispose());
        // Dropped after the borrow: dropping ends timers, listeners and the channel.
        let app = self.shared.borrow_mut().app.take();
        drop(app);
    }
}

impl Drop for WasmClient {
    fn drop(&mut self) {
        self.dispose();
    }
}

/// What the app gave, as its type says it is. By way of JSON, for which the reading code is there anyway.
fn read<T: Tsify + DeserializeOwned>(value: &Ts<T>, otherwise: &str) -> Result<T, JsValue> {
    let text = js_sys::JSON::stringify(&value.js_value())
        .ok()
        .and_then(|text| text.as_string());
    text.and_then(|text| json::read(&text))
        .ok_or_else(|| throw(&ChatErrorDetail::invalid("", otherwise)))
}

/// A real `Error` named `ChatError`, with its `detail`.
fn throw(detail: &ChatErrorDetail) -> JsValue {
    let error = js_sys::Error::new(&detail.message);
    error.set_name("ChatError");
    set(&error, "detail", &to_js(detail));
    error.into()
}

/// What `to_js` made of a `T`, by its TypeScript name.
fn typed<T: Tsify>(value: JsValue) -> Ts<T> {
    Ts::new_unchecked(value)
}
