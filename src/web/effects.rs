//! Carries out what the session wants done, and feeds back what comes of it.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::task::Poll;

use js_sys::{Array, Function, Promise};
use wasm_bindgen::prelude::*;
use web_sys::AbortController;

use crate::outbox;
use crate::session::{Effect, Input, Moment, QuotaAlert, RequestId, Session};
use crate::table::Table;

use super::callback::{Waiter, spawn};
use super::locks::Locks;
use super::page::Page;
use super::snapshot::{Snapshots, to_js};
use super::tabs::Tabs;
use super::timers::{Frame, Timer};
use super::transport::Servers;
use super::{Platform, now, storage, transport};

pub(super) struct Shared {
    pub(super) session: Session,
    pub(super) snapshots: Snapshots,
    pub(super) servers: Servers,
    /// Gone after `dispose`.
    pub(super) app: Option<App>,
    pub(super) aborts: Table<RequestId, AbortController>,
    pub(super) account_changed: bool,
    pub(super) conversations_changed: Vec<String>,
    pub(super) alerts: Vec<QuotaAlert>,
}

/// What ties a client to the app and the page.
pub(super) struct App {
    pub(super) access_token: Function,
    pub(super) on_change: Function,
    pub(super) timer: Timer,
    pub(super) frame: Frame,
    pub(super) tabs: Option<Tabs>,
    pub(super) locks: Locks,
    pub(super) _page: Page,
}

/// Runs a command and carries out what comes of it.
pub(super) fn act<T>(this: &Rc<RefCell<Shared>>, command: impl FnOnce(&mut Session, &mut Moment) -> T) -> T {
    let result = {
        let shared = &mut *this.borrow_mut();
        let mut moment = Moment {
            now: now(),
            random: &mut Platform,
        };
        command(&mut shared.session, &mut moment)
    };
    carry_out_all(this);
    result
}

/// Apart from [`act`], so that a page loads it once and not once per command.
#[inline(never)]
fn carry_out_all(this: &Rc<RefCell<Shared>>) {
    let effects = this.borrow_mut().session.effects();
    for effect in effects {
        carry_out(this, effect);
    }
    let shared = &mut *this.borrow_mut();
    if let Some(app) = &mut shared.app {
        app.timer.set(shared.session.next_timeout(), now());
    }
}

#[inline(never)]
pub(super) fn feed(this: &Rc<RefCell<Shared>>, input: Input) {
    act(this, |session, at| session.handle(input, at));
}

pub(super) fn with_app(this: &Rc<RefCell<Shared>>, change: impl FnOnce(&mut App)) {
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
            spawn(async move {
                let id = request.id;
                // What was given up has nothing more to say; a retry under the same id has a controller of its own.
                let wanted = |this: &Rc<RefCell<Shared>>| {
                    let aborts = &this.borrow().aborts;
                    aborts.get(&id).is_some_and(|controller| controller.signal() == signal)
                };
                let give = |input| match weak.upgrade().filter(&wanted) {
                    Some(this) => {
                        feed(&this, input);
                        wanted(&this)
                    }
                    None => false,
                };
                let a_frame = || painted(&weak);
                transport::send(request, servers, signal.clone(), give, a_frame).await;
                if let Some(this) = weak.upgrade().filter(&wanted) {
                    this.borrow_mut().aborts.remove(&id);
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
        Effect::SetAside { from, to, text } => {
            if storage::set(&to, &text) {
                storage::remove(&from);
            }
        }
        Effect::Live { tab } => with_app(this, |app| app.locks.keep(&tab)),
        Effect::AwaitEnd { tab } => {
            let (weak, name) = (Rc::downgrade(this), tab.clone());
            let then = move || {
                if let Some(this) = weak.upgrade() {
                    feed(&this, Input::TabEnded(name));
                }
            };
            with_app(this, |app| app.locks.wait(&tab, Box::new(then)));
        }
        Effect::Tell { text } => with_app(this, |app| {
            if let Some(tabs) = &app.tabs {
                tabs.tell(&text);
            }
        }),
        Effect::Alert(alert) => {
            let shared = &mut *this.borrow_mut();
            shared.alerts.push(alert);
            if let Some(app) = &mut shared.app {
                app.frame.ask();
            }
        }
        Effect::Changed { account, conversations } => {
            let shared = &mut *this.borrow_mut();
            shared.account_changed |= account;
            if account {
                shared.snapshots.account_changed();
            }
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

/// Waits until the app was told what changed before the next frame. Nothing is waited for once the client is gone.
fn painted(this: &Weak<RefCell<Shared>>) -> impl Future<Output = ()> {
    let mut asked = false;
    poll_fn(move |context| {
        let this = this.upgrade().filter(|_| !asked);
        let Some(this) = this else { return Poll::Ready(()) };
        asked = true;
        let shared = &mut *this.borrow_mut();
        match &mut shared.app {
            Some(app) => {
                app.frame.wake(context.waker());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    })
}

/// Asks the app for a token. It may answer at once, later, or by throwing.
fn ask_token(this: &Rc<RefCell<Shared>>, ask: u32, refresh: bool) {
    let Some(access_token) = this.borrow().app.as_ref().map(|app| app.access_token.clone()) else {
        return;
    };
    let weak = Rc::downgrade(this);
    spawn(async move {
        let answer = match access_token.call1(&JsValue::UNDEFINED, &refresh.into()) {
            Ok(answer) => Waiter::new().wait(Promise::resolve(&answer)).await,
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
pub(super) fn tell_app(this: &Rc<RefCell<Shared>>) {
    let (on_change, account, conversations, alerts) = {
        let shared = &mut *this.borrow_mut();
        let Some(app) = &mut shared.app else { return };
        app.frame.painted();
        (
            app.on_change.clone(),
            std::mem::take(&mut shared.account_changed),
            std::mem::take(&mut shared.conversations_changed),
            to_js(&std::mem::take(&mut shared.alerts)),
        )
    };
    let changed: Array = conversations.into_iter().map(JsValue::from).collect();
    // What the app throws is the app's: it must not end the client.
    drop(on_change.call3(&JsValue::UNDEFINED, &account.into(), &changed, &alerts));
}

fn words_of(thrown: &JsValue) -> String {
    let message = thrown
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()));
    message
        .or_else(|| thrown.as_string())
        .unwrap_or_else(|| "no reason was given".to_owned())
}
