//! What the tests stand on: a client, a played server, and words for looking at JavaScript values.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Reflect;
use production_chat::session::Draft;
use production_chat::web::WasmClient;
use serde_json::{Value, json};
use tsify::Ts;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

const USER: &str = "11111111-1111-4111-8111-111111111111";
const ANSWER: &str = "33333333-3333-4333-8333-333333333333";

pub mod server {
    use super::*;

    #[wasm_bindgen(module = "/tests/web/stage.js")]
    extern "C" {
        pub fn install(usage: &str);
        pub fn say(text: &str);
        pub fn count(path: &str) -> u32;
        pub fn body(path: &str) -> String;
        pub fn aborted() -> bool;
        pub fn reject_with(value: &JsValue);
        pub fn play();
        pub fn sign_in(token: &str);
        pub fn sleep(millis: u32);
        pub fn frame() -> js_sys::Promise;
        pub fn stop_painting();
        pub fn go_on_painting();
        pub fn moment() -> js_sys::Promise;
        pub fn token_of(user: &str) -> String;
        pub fn access_token(kind: &str, token: &str) -> JsValue;
    }
}

pub struct Stage {
    pub client: Rc<WasmClient>,
    changes: Rc<Cell<u32>>,
    dispose: Rc<RefCell<Option<Rc<WasmClient>>>>,
    _on_change: Closure<dyn FnMut(JsValue)>,
}

impl Stage {
    /// Signed in, the account read, nothing stored.
    pub async fn new() -> Stage {
        Stage::with_usage(usage()).await
    }

    pub async fn with_usage(usage: Value) -> Stage {
        clear_storage();
        Stage::ready(usage).await
    }

    /// As a reload or a second tab finds things.
    pub async fn without_clearing() -> Stage {
        Stage::ready(usage()).await
    }

    async fn ready(usage: Value) -> Stage {
        server::install(&usage.to_string());
        let stage = Stage::over("token");
        until("the account", || {
            text(&stage.client.account().into(), "status") == "ready"
        })
        .await;
        stage
    }

    pub async fn signed_out_by(kind: &str) -> Stage {
        clear_storage();
        server::install(&usage().to_string());
        Stage::over(kind)
    }

    /// Just made, waiting for its token.
    pub fn bare() -> Stage {
        Stage::over("token")
    }

    fn over(kind: &str) -> Stage {
        let changes = Rc::new(Cell::new(0));
        let dispose = Rc::new(RefCell::new(None::<Rc<WasmClient>>));
        let on_change = Closure::new({
            let (changes, dispose) = (changes.clone(), dispose.clone());
            move |_: JsValue| {
                changes.set(changes.get() + 1);
                if let Some(client) = dispose.borrow_mut().take() {
                    client.dispose();
                }
            }
        });
        let options = json!({ "supabaseUrl": "http://project.test", "supabaseKey": "key" });
        let access_token = server::access_token(kind, &server::token_of(USER));
        let client = client(&options, &access_token, on_change.as_ref()).unwrap();
        Stage {
            client: Rc::new(client),
            changes,
            dispose,
            _on_change: on_change,
        }
    }

    /// How often the app was told of changes.
    pub fn changes(&self) -> u32 {
        self.changes.get()
    }

    pub fn dispose_on_change(&self) {
        *self.dispose.borrow_mut() = Some(self.client.clone());
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.client.dispose();
    }
}

pub fn client(options: &Value, access_token: &JsValue, on_change: &JsValue) -> Result<WasmClient, JsValue> {
    let options = js_sys::JSON::parse(&options.to_string()).unwrap();
    let access_token = access_token.clone().unchecked_into();
    WasmClient::new(
        Ts::new_unchecked(options),
        access_token,
        on_change.clone().unchecked_into(),
    )
}

pub fn draft(conversation_id: &str, text: &str) -> Ts<Draft> {
    let draft = json!({ "conversationId": conversation_id, "text": text });
    Ts::new_unchecked(js_sys::JSON::parse(&draft.to_string()).unwrap())
}

pub async fn frame() {
    JsFuture::from(server::frame()).await.unwrap();
}

/// Lets what is due happen, without the milliseconds that a timer takes.
pub async fn moment() {
    JsFuture::from(server::moment()).await.unwrap();
}

/// Waits, frame by frame, for ten seconds at most.
pub async fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = js_sys::Date::now() + 10_000.0;
    while !is_so() {
        assert!(js_sys::Date::now() < end, "waited in vain for {what}");
        frame().await;
    }
}

pub fn field(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).unwrap()
}

pub fn text(value: &JsValue, name: &str) -> String {
    field(value, name).as_string().unwrap_or_default()
}

pub fn outbox_keys() -> u32 {
    let storage = storage();
    let keys = (0..storage.length().unwrap()).filter_map(|index| storage.key(index).unwrap());
    keys.filter(|key| key.starts_with("production-chat:outbox:")).count() as u32
}

pub fn memory_pages() -> i32 {
    let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    let bytes = memory.buffer().unchecked_into::<js_sys::ArrayBuffer>().byte_length();
    (bytes / 65_536) as i32
}

fn storage() -> web_sys::Storage {
    web_sys::window().unwrap().local_storage().unwrap().unwrap()
}

pub fn clear_storage() {
    storage().clear().unwrap();
}

pub fn usage() -> Value {
    spent(1, 0, &[])
}

pub fn hour_spent() -> Value {
    let mut usage = spent(1, 100, &[]);
    usage["hourFreesAt"] = json!([js_sys::Date::now() as u64 + 60_000]);
    usage
}

fn spent(version: u64, used: u64, live: &[&str]) -> Value {
    let now = js_sys::Date::now() as u64;
    let count = json!({ "used": used, "held": live.len() });
    json!({
        "version": version, "serverTime": now,
        "organization": { "id": USER, "name": "", "timeZone": "UTC", "role": "owner" },
        "license": { "tier": "pro", "status": "active", "expiresAt": null },
        "quotas": production_chat::license::Quotas::of(production_chat::license::Tier::Pro),
        "messagesToday": count, "messagesThisHour": count,
        "costTodayMicroUsd": { "used": 0, "held": 0 }, "conversations": { "used": 1, "held": 0 },
        "organizationMessagesToday": { "used": 0, "held": 0, "max": null },
        "organizationCostThisMonthMicroUsd": { "used": 0, "held": 0, "max": null },
        "hourFreesAt": [], "dayResetsAt": now + 36_000_000, "monthResetsAt": now + 864_000_000, "liveTurnIds": live
    })
}

fn turn(id: &str, state: &str) -> Value {
    json!({ "id": id, "trigger": "submit-message", "state": state, "answerId": ANSWER })
}

fn message(conversation_id: &str, turn_id: &str, role: &str, content: &str) -> Value {
    let (id, seq) = if role == "user" { (turn_id, 1) } else { (ANSWER, 2) };
    json!({ "id": id, "turnId": turn_id, "conversationId": conversation_id, "seq": seq, "role": role,
        "content": content, "status": "complete", "createdAt": 1, "costMicroUsd": null })
}

fn event(name: &str, data: Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

pub fn accepted(conversation_id: &str, turn_id: &str) -> String {
    let conversation = json!({ "id": conversation_id, "title": "", "agent": "executive", "messageCount": 2,
        "createdAt": 1, "updatedAt": 1 });
    event(
        "accepted",
        json!({ "turn": turn(turn_id, "dispatched"), "conversation": conversation, "from": 0,
        "userMessage": message(conversation_id, turn_id, "user", "Hello"), "usage": spent(2, 0, &[turn_id]) }),
    )
}

pub fn delta(turn_id: &str, offset: usize, text: &str) -> String {
    event("delta", json!({ "turnId": turn_id, "offset": offset, "text": text }))
}

pub fn done(conversation_id: &str, turn_id: &str, text: &str) -> String {
    event(
        "done",
        json!({ "turn": turn(turn_id, "settled"), "usage": spent(3, 1, &[]),
        "message": message(conversation_id, turn_id, "assistant", text) }),
    )
}
