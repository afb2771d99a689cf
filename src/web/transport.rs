//! Sends a request and turns what comes back into inputs.

use std::borrow::Cow;

use gloo_net::http::Response;
use js_sys::{IteratorNext, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{AbortSignal, ReadableStreamDefaultReader};

use crate::json::Value;
use crate::session::{Base, Input, MAX_REPLY_BYTES, Reply, Request};

use super::callback::Waiter;
use super::snapshot::{plain, set};

#[wasm_bindgen]
extern "C" {
    // Not gloo-net's own call: that one traps for good when a wrapped `fetch` rejects with something that is no Error.
    #[wasm_bindgen(js_name = fetch, catch)]
    fn fetch(request: &web_sys::Request) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn stopwatch() -> f64;
}

/// A piece that comes within so many milliseconds was there already.
const AT_ONCE: f64 = 0.5;

/// The servers' addresses and the project's key.
#[derive(Clone)]
pub(super) struct Servers {
    pub(super) project: String,
    pub(super) functions: String,
    pub(super) key: String,
}

/// Sends `request`. `give` takes each input as it comes; it answers whether anybody still wants more. `a_frame` waits for
/// the next one.
pub(super) async fn send<F: Future<Output = ()>>(
    request: Request,
    servers: Servers,
    signal: AbortSignal,
    give: impl Fn(Input) -> bool,
    a_frame: impl Fn() -> F,
) {
    let id = request.id;
    let waiter = Waiter::new();
    let sent = built(&request, &servers, &signal).and_then(|built| fetch(&built).ok());
    let reply = match sent {
        Some(sent) => waiter.wait(sent).await.ok(),
        None => None,
    };
    let Some(reply) = reply.and_then(|reply| reply.dyn_into::<web_sys::Response>().ok()) else {
        give(Input::Lost(id));
        return;
    };
    let response = Response::from(reply);
    let content_type = response.headers().get("content-type").unwrap_or_default();
    let streams = request.stream && response.status() == 200 && content_type.starts_with("text/event-stream");
    if streams && !give(Input::StreamOpened(id)) {
        return;
    }
    let mut body = Vec::new();
    let take = |mut bytes| {
        if streams {
            return give(Input::Chunk(id, bytes));
        }
        body.append(&mut bytes);
        body.len() <= MAX_REPLY_BYTES
    };
    let whole = read(&response, &waiter, take, streams.then_some(a_frame)).await;
    give(if streams {
        Input::StreamEnded(id)
    } else if body.len() > MAX_REPLY_BYTES {
        Input::TooLarge(id)
    } else if !whole {
        Input::Lost(id)
    } else {
        Input::Reply(Reply {
            id,
            status: response.status(),
            content_type,
            retry_after: response.headers().get("retry-after"),
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    });
}

/// The request as `fetch` takes it; `None` when it cannot be one.
fn built(request: &Request, servers: &Servers, signal: &AbortSignal) -> Option<web_sys::Request> {
    let base = match request.base {
        Base::Project => &servers.project,
        Base::Functions => &servers.functions,
    };
    let mut headers = vec![
        text("Authorization", &["Bearer ", &request.token].concat()),
        text("apikey", &servers.key),
    ];
    let mut says = vec![text("method", request.method)];
    if request.stream {
        headers.push(text("Accept", "text/event-stream, application/problem+json"));
    }
    if let Some(body) = &request.body {
        headers.push(text("Content-Type", "application/json"));
        says.push(text("body", body));
    }
    says.push((Cow::Borrowed("headers"), Value::Object(headers)));
    let says = plain(&Value::Object(says));
    set(&says, "signal", signal);
    let url = [base.as_str(), &request.path].concat();
    web_sys::Request::new_with_str_and_init(&url, says.unchecked_ref()).ok()
}

fn text(name: &'static str, text: &str) -> (Cow<'static, str>, Value) {
    (Cow::Borrowed(name), Value::Text(text.to_owned()))
}

/// Reads the body chunk by chunk until it ends (`true`), tears (`false`) or `take` wants no more (`false`). What is shown as
/// it comes has `a_frame` to wait for, and is read a frame at a time.
async fn read<F: Future<Output = ()>>(
    response: &Response,
    waiter: &Waiter,
    mut take: impl FnMut(Vec<u8>) -> bool,
    a_frame: Option<impl Fn() -> F>,
) -> bool {
    let Some(body) = response.body() else { return true };
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    let mut asked = stopwatch();
    loop {
        let Ok(step) = waiter.wait(reader.read()).await else {
            return false;
        };
        let came = stopwatch();
        let was_there = came - asked < AT_ONCE;
        asked = came;
        let step: IteratorNext = step.unchecked_into();
        if step.done() {
            return true;
        }
        let Ok(chunk) = step.value().dyn_into::<Uint8Array>() else {
            return false;
        };
        if !take(chunk.to_vec()) {
            // The stream is given up. Of an aborted one that rejects, and nobody needs to hear of it.
            drop(waiter.wait(reader.cancel()).await);
            return false;
        }
        // This one was waited for, so nothing else is there yet. Nobody sees more than a frame at a time: what comes
        // meanwhile waits, and is read in one go.
        if let Some(a_frame) = a_frame.as_ref().filter(|_| !was_there) {
            a_frame().await;
            asked = stopwatch();
        }
    }
}
