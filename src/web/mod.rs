//! The browser's side: conversions only. It carries out effects and feeds back what comes of them.
//!
//! Everything hangs on one `Rc<RefCell<…>>`. The app's functions are called only when nothing is borrowed, so they may
//! call back at once; what is asynchronous holds a clone, so that disposing during a request is safe.

mod page;
mod snapshot;
mod storage;
mod tabs;
mod timers;
mod transport;

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use js_sys::{Function, Promise, Reflect};
use serde::de::DeserializeOwned;
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::AbortController;

use crate::problem::ChatErrorDetail;
use crate::quota::Verdict;
use crate::session::{
    AccountSnapshot, ClientOptions, ConversationSnapshot, Draft, Effect, Input, Moment, Random, RequestId, Session,
};
use crate::{Millis, json, outbox};

use crate::table::Table;
use page::Page;
use snapshot::{Snapshots, to_js};
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

    /// `(change) => void`
    #[wasm_bindgen(typescript_type = "(change: { account: boolean; conversations: string[] }) => void")]
    pub type OnChange;
}

/// The platform's generator.
struct Platform;

impl Random for Platform {
    fn fill(&mut self, bytes: &mut [u8]) {
        get_random_values(bytes);
    }
}

const NOT_A_DRAFT: &str = "This is not a draft: it needs a conversationId and a text.";

fn now() -> Millis {
    js_sys::Date::now() as Millis
}

/// The client of one tab, for JavaScript. Its methods return at once; `onChange` tells when to look again.
#[wasm_bindgen]
pub struct WasmClient {
    shared: Rc<RefCell<Shared>>,
}

struct Shared {
    session: Session,
    snapshots: Snapshots,
    servers: Servers,
    /// Gone after `dispose`.
    app: Option<App>,
    aborts: Table<RequestId, AbortController>,
    account_changed: bool,
    conversations_changed: Vec<String>,
}

/// What ties a client to the app and the page.
struct App {
    access_token: Function,
    on_change: Function,
    timer: Timer,
    frame: Frame,
    tabs: Option<Tabs>,
    _page: Page,
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
            project,
        };
        let shared = Rc::new_cyclic(|this: &Weak<RefCell<Shared>>| {
            let app = App {
                access_token: access_token.unchecked_into(),
                on_change: on_change.unchecked_into(),
                timer: Timer::new(on(this, |this| {
                    with_app(this, |app| app.timer.rang());
                    feed(this, Input::Timeout);
                })),
                frame: Frame::new(on(this, tell_app)),
                tabs: Tabs::open(&servers.project, {
                    let this = this.clone();
                    move |text| {
                        if let Some(this) = this.upgrade() {
                            feed(&this, Input::Tab(text));
                        }
                    }
                }),
                _page: Page::watch(
                    on(this, |this| feed(this, Input::Online(true))),
                    on(this, |this| feed(this, Input::Online(false))),
                    on(this, |this| feed(this, Input::Visible)),
                    on(this, |this| with_app(this, |app| app.frame.hidden())),
                ),
            };
            RefCell::new(Shared {
                session,
                snapshots: Snapshots::default(),
                servers,
                app: Some(app),
                aborts: Table::default(),
                account_changed: false,
                conversations_changed: Vec::new(),
            })
        });
        if !storage::available() {
            feed(&shared, Input::StorageFailed);
        }
        act(&shared, |session, _| session.start());
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

    /// Gives a failed message up and returns its text.
    pub fn discard(&self, message_id: &str) -> String {
        act(&self.shared, |session, _| session.discard(message_id)).unwrap_or_default()
    }

    /// Gives a queued message up and returns its text; `null` when it is under way already.
    #[wasm_bindgen(js_name = cancelQueued, unchecked_return_type = "string | null")]
    pub fn cancel_queued(&self, message_id: &str) -> JsValue {
        act(&self.shared, |session, _| session.cancel_queued(message_id)).map_or(JsValue::NULL, JsValue::from)
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

/// Runs a command and carries out what comes of it.
fn act<T>(this: &Rc<RefCell<Shared>>, command: impl FnOnce(&mut Session, &mut Moment) -> T) -> T {
    let (result, effects) = {
        let shared = &mut *this.borrow_mut();
        let mut moment = Moment {
            now: now(),
            random: &mut Platform,
        };
        let result = command(&mut shared.session, &mut moment);
        (result, shared.session.effects())
    };
    for effect in effects {
        carry_out(this, effect);
    }
    let shared = &mut *this.borrow_mut();
    if let Some(app) = &mut shared.app {
        app.timer.set(shared.session.next_timeout(), now());
    }
    result
}

fn feed(this: &Rc<RefCell<Shared>>, input: Input) {
    act(this, |session, at| session.handle(input, at));
}

fn with_app(this: &Rc<RefCell<Shared>>, change: impl FnOnce(&mut App)) {
    if let Some(app) = &mut this.borrow_mut().app {
        change(app);
    }
}

fn carry_out(this: &Rc<RefCell<Shared>>, effect: Effect) {
    match effect {
        Effect::Fetch(request) => {
            let Ok(controller) = AbortController::new() else {
                return feed(this, Input::Lost(request.id));
            };
            let signal = controller.signal();
            let servers = {
                let shared = &mut *this.borrow_mut();
                shared.aborts.insert(request.id, controller);
                shared.servers.clone()
            };
            let weak = Rc::downgrade(this);
            spawn_local(async move {
                let id = request.id;
                let give = |input| match weak.upgrade() {
                    Some(this) => {
                        feed(&this, input);
                        this.borrow().aborts.contains_key(&id)
                    }
                    None => false,
                };
                transport::send(request, servers, signal.clone(), give).await;
                if let Some(this) = weak.upgrade() {
                    let aborts = &mut this.borrow_mut().aborts;
                    // A retry under the same id has a controller of its own.
                    if aborts.get(&id).is_some_and(|controller| controller.signal() == signal) {
                        aborts.remove(&id);
                    }
                }
            });
        }
        Effect::Abort(id) => {
            let controller = this.borrow_mut().aborts.remove(&id);
            if let Some(controller) = controller {
                // Without a reason: the platform's own is a real `Error`.
                controller.abort();
            }
        }
        Effect::AskToken { ask, refresh } => ask_token(this, ask, refresh),
        Effect::LoadOutbox { user_id } => {
            let stored = storage::all(|key| outbox::is_key(key) && outbox::belongs_to(key, &user_id));
            feed(this, Input::Stored(stored));
        }
        Effect::Forget { user_id } => {
            for (key, _) in storage::all(|key| outbox::belongs_to(key, &user_id)) {
                storage::remove(&key);
            }
        }
        Effect::Store { key, text } => {
            if !storage::set(&key, &text) {
                feed(this, Input::StorageFailed);
            }
        }
        Effect::Unstore { key } => storage::remove(&key),
        Effect::Tell { text } => with_app(this, |app| {
            if let Some(tabs) = &app.tabs {
                tabs.tell(&text);
            }
        }),
        Effect::Changed { account, conversations } => {
            let shared = &mut *this.borrow_mut();
            shared.snapshots.invalidate(account, &conversations);
            shared.account_changed |= account;
            for id in conversations {
                if !shared.conversations_changed.contains(&id) {
                    shared.conversations_changed.push(id);
                }
            }
            if let Some(app) = &mut shared.app {
                app.frame.ask();
            }
        }
    }
}

/// Asks the app for a token. It may answer at once, later, or by throwing.
fn ask_token(this: &Rc<RefCell<Shared>>, ask: u32, refresh: bool) {
    let Some(access_token) = this.borrow().app.as_ref().map(|app| app.access_token.clone()) else {
        return;
    };
    let weak = Rc::downgrade(this);
    spawn_local(async move {
        let answer = match access_token.call1(&JsValue::UNDEFINED, &refresh.into()) {
            Ok(answer) => JsFuture::from(Promise::resolve(&answer)).await,
            Err(thrown) => Err(thrown),
        };
        let input = match answer {
            Ok(token) => Input::Token(ask, token.as_string().filter(|token| !token.is_empty())),
            Err(thrown) => Input::TokenFailed(ask, words_of(&thrown)),
        };
        if let Some(this) = weak.upgrade() {
            feed(&this, input);
        }
    });
}

/// Tells the app what changed since the last frame.
fn tell_app(this: &Rc<RefCell<Shared>>) {
    let (on_change, change) = {
        let shared = &mut *this.borrow_mut();
        let Some(app) = &mut shared.app else { return };
        app.frame.painted();
        let account = std::mem::take(&mut shared.account_changed);
        let conversations = std::mem::take(&mut shared.conversations_changed);
        (app.on_change.clone(), to_js(&Change { account, conversations }))
    };
    // What the app throws is the app's: it must not end the client.
    drop(on_change.call1(&JsValue::UNDEFINED, &change));
}

#[derive(serde::Serialize)]
struct Change {
    account: bool,
    conversations: Vec<String>,
}

/// A callback that does nothing once the client is gone.
fn on(this: &Weak<RefCell<Shared>>, then: fn(&Rc<RefCell<Shared>>)) -> impl FnMut() + 'static {
    let this = this.clone();
    move || {
        if let Some(this) = this.upgrade() {
            then(&this);
        }
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
    // A fresh object of ours: setting a field of it cannot fail.
    drop(Reflect::set(&error, &"detail".into(), &to_js(detail)));
    error.into()
}

fn words_of(thrown: &JsValue) -> String {
    let message = thrown
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()));
    message
        .or_else(|| thrown.as_string())
        .unwrap_or_else(|| "no reason was given".to_owned())
}

/// What `to_js` made of a `T`, by its TypeScript name.
fn typed<T: Tsify>(value: JsValue) -> Ts<T> {
    Ts::new_unchecked(value)
}
