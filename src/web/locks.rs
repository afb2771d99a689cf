//! A lock per tab's name (Web Locks), kept while the page lives: so the other tabs know who is gone.

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::AbortController;

use super::callback::{Callback, Waiter, spawn};
use super::snapshot::set;

#[wasm_bindgen]
extern "C" {
    type LockManager;
    #[wasm_bindgen(method)]
    fn request(this: &LockManager, name: &str, options: &Object, then: &JsValue) -> Promise;
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(then: &Function, delay: i32) -> JsValue;
}

/// Where there are no locks nobody can tell who lives: a tab counts as gone after this many milliseconds.
const PRESUMED_GONE_AFTER: i32 = 60_000;

/// The locks kept and awaited by a client. Dropped, it lets go of them.
pub(super) struct Locks {
    manager: Option<LockManager>,
    /// Ends what is awaited.
    abort: Option<AbortController>,
    /// Lets go of the lock that is kept.
    release: Option<Function>,
}

impl Locks {
    pub(super) fn open() -> Locks {
        let navigator = web_sys::window().map(|window| window.navigator());
        let manager = navigator.and_then(|it| Reflect::get(&it, &"locks".into()).ok());
        Locks {
            manager: manager.filter(JsValue::is_object).map(JsCast::unchecked_into),
            abort: AbortController::new().ok(),
            release: None,
        }
    }

    /// Keeps the lock of a tab's name.
    pub(super) fn keep(&mut self, tab: &str) {
        if self.manager.is_none() {
            return;
        }
        let mut release = None;
        let kept = Promise::new(&mut |resolve, _| release = Some(resolve));
        self.release = release;
        self.request(tab, kept.into(), Box::new(|| ()));
    }

    /// Calls `then` when nobody keeps the lock of a tab's name any more.
    pub(super) fn wait(&self, tab: &str, then: Box<dyn FnOnce()>) {
        self.request(tab, JsValue::UNDEFINED, then);
    }

    /// Takes a lock, keeps it as long as a promise says, and then calls `then`. When it is given up, nothing is called.
    fn request(&self, tab: &str, promise: JsValue, then: Box<dyn FnOnce()>) {
        let taken = Callback::new(move |_| promise.clone());
        let request = match (&self.manager, &self.abort) {
            (Some(manager), Some(abort)) => {
                let options = Object::new();
                set(&options, "signal", &abort.signal());
                manager.request(&["production-chat:tab:", tab].concat(), &options, taken.as_ref())
            }
            _ => Promise::new(&mut |resolve, _| drop(set_timeout(&resolve, PRESUMED_GONE_AFTER))),
        };
        spawn(async move {
            let ended = Waiter::new().wait(request).await.is_ok();
            // It may never have been called, and nobody else lets go of it.
            drop(taken);
            if ended {
                then();
            }
        });
    }
}

impl Drop for Locks {
    fn drop(&mut self) {
        if let Some(abort) = &self.abort {
            abort.abort();
        }
        if let Some(release) = &self.release {
            drop(release.call0(&JsValue::NULL));
        }
    }
}
