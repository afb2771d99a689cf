//! What JavaScript calls and what it is waited for with, in one way each, so that a page loads each way once.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};

use js_sys::{Function, Promise};
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

#[wasm_bindgen]
extern "C" {
    type Thenable;
    #[wasm_bindgen(method)]
    fn then(this: &Thenable, fulfilled: &Function, rejected: &Function);
}

/// Waits for promises, one after the other, with the same two functions: a stream has hundreds a second.
pub(super) struct Waiter {
    settled: Rc<RefCell<Settled>>,
    fulfilled: Callback,
    rejected: Callback,
}

#[derive(Default)]
struct Settled {
    result: Option<Result<JsValue, JsValue>>,
    waker: Option<Waker>,
}

impl Waiter {
    pub(super) fn new() -> Waiter {
        let settled = Rc::new(RefCell::new(Settled::default()));
        let hears = |as_result: fn(JsValue) -> Result<JsValue, JsValue>| {
            let settled = Rc::clone(&settled);
            Callback::new(move |value| {
                let settled = &mut *settled.borrow_mut();
                settled.result = Some(as_result(value));
                if let Some(waker) = settled.waker.take() {
                    waker.wake();
                }
                JsValue::UNDEFINED
            })
        };
        Waiter {
            fulfilled: hears(Ok),
            rejected: hears(Err),
            settled,
        }
    }

    /// Waits for `promise`. The task that waits lives until it settles, and so do the functions.
    pub(super) async fn wait(&self, promise: Promise) -> Result<JsValue, JsValue> {
        let (fulfilled, rejected) = (self.fulfilled.as_ref(), self.rejected.as_ref());
        let thenable: &Thenable = promise.unchecked_ref();
        thenable.then(fulfilled.unchecked_ref(), rejected.unchecked_ref());
        poll_fn(|context| {
            let settled = &mut *self.settled.borrow_mut();
            match settled.result.take() {
                Some(result) => Poll::Ready(result),
                None => {
                    settled.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}
