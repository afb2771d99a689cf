//! Sends a request and turns what comes back into inputs.

use gloo_net::http::{Method, RequestBuilder, Response};
use js_sys::{IteratorNext, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, ReadableStreamDefaultReader};

use super::timers::a_frame;
use crate::session::{Base, Input, MAX_REPLY_BYTES, Reply, Request};

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

/// Sends `request`. `give` takes each input as it comes; it answers whether anybody still wants more.
pub(super) async fn send(request: Request, servers: Servers, signal: AbortSignal, give: impl Fn(Input) -> bool) {
    let id = request.id;
    let stream = request.stream;
    let response = match response(request, &servers, &signal).await {
        Some(response) => response,
        None => {
            give(Input::Lost(id));
            return;
        }
    };
    let content_type = response.headers().get("content-type").unwrap_or_default();
    if stream && response.status() == 200 && content_type.starts_with("text/event-stream") {
        if give(Input::StreamOpened(id)) {
            read(&response, stream, |bytes| give(Input::Chunk(id, bytes))).await;
            give(Input::StreamEnded(id));
        }
        return;
    }
    let mut body = Vec::new();
    let whole = read(&response, false, |bytes| {
        body.extend_from_slice(&bytes);
        body.len() <= MAX_REPLY_BYTES
    })
    .await;
    give(if body.len() > MAX_REPLY_BYTES {
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

/// The head of the reply; `None` when there is none, for whatever reason.
async fn response(request: Request, servers: &Servers, signal: &AbortSignal) -> Option<Response> {
    let base = match request.base {
        Base::Project => &servers.project,
        Base::Functions => &servers.functions,
    };
    let mut builder = RequestBuilder::new(&[base.as_str(), &request.path].concat())
        .method(if request.method == "GET" {
            Method::GET
        } else {
            Method::POST
        })
        .header("Authorization", &["Bearer ", &request.token].concat())
        .header("apikey", &servers.key)
        .abort_signal(Some(signal));
    if request.stream {
        builder = builder.header("Accept", "text/event-stream, application/problem+json");
    }
    let built = match request.body {
        Some(body) => builder.header("Content-Type", "application/json").body(body),
        None => builder.build(),
    };
    let raw: web_sys::Request = built.ok()?.into();
    let reply = JsFuture::from(fetch(&raw).ok()?).await.ok()?;
    Some(reply.dyn_into::<web_sys::Response>().ok()?.into())
}

/// Reads the body chunk by chunk until it ends (`true`), tears (`false`) or `take` wants no more (`false`). What is shown as
/// it comes is read a frame at a time.
async fn read(response: &Response, is_shown: bool, mut take: impl FnMut(Vec<u8>) -> bool) -> bool {
    let Some(body) = response.body() else { return true };
    let Ok(reader) = body.get_reader().dyn_into::<ReadableStreamDefaultReader>() else {
        return false;
    };
    loop {
        let asked = stopwatch();
        let Ok(step) = JsFuture::from(reader.read()).await else {
            return false;
        };
        let was_there = stopwatch() - asked < AT_ONCE;
        let step: IteratorNext = step.unchecked_into();
        if step.done() {
            return true;
        }
        let Ok(chunk) = step.value().dyn_into::<Uint8Array>() else {
            return false;
        };
        if !take(chunk.to_vec()) {
            // The stream is given up. Of an aborted one that rejects, and nobody needs to hear of it.
            drop(JsFuture::from(reader.cancel()).await);
            return false;
        }
        // This one was waited for, so nothing else is there yet. Nobody sees more than a frame at a time: what comes
        // meanwhile the browser puts together, and it is read as one.
        if is_shown && !was_there {
            a_frame().await;
        }
    }
}
