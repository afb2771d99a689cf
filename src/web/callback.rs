//! What JavaScript calls and what it is waited for with, in one way each, so that a page loads each way once.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::{Rc, Weak};

use wasm_bindgen::prelude::*;

use super::effects::Shared;

/// A function of ours for JavaScript, as long as it lives.
pub(super) type Callback = Closure<dyn FnMut(JsValue) -> JsValue>;

/// A callback that does nothing once the client is gone.
pub(super) fn on(this: &Weak<RefCell<Shared>>, then: fn(&Rc<RefCell<Shared>>, JsValue)) -> Callback {
    let this = this.clone();
    Callback::new(move |event| {
        if let Some(this) = this.upgrade() {
            then(&this, event);
        }
        JsValue::UNDEFINED
    })
}

/// Goes on with a task whenever what it waits for has come.
pub(super) fn spawn(task: impl Future<Output = ()> + 'static) {
    let task: Pin<Box<dyn Future<Output = ()>>> = Box::pin(task);
    wasm_bindgen_futures::spawn_local(task);
}
