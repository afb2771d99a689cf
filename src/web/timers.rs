//! One timer and one frame per client, each a closure that lives as long as the client.

use std::task::Waker;

use js_sys::Function;
use wasm_bindgen::prelude::*;

use crate::Millis;

use super::callback::Callback;
use super::{now, page};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(then: &Function, delay: i32) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);
    #[wasm_bindgen(js_name = requestAnimationFrame)]
    fn request_animation_frame(then: &Function) -> JsValue;
    #[wasm_bindgen(js_name = cancelAnimationFrame)]
    fn cancel_animation_frame(frame: &JsValue);
}

/// How long a frame is shown, in milliseconds.
const FRAME: i32 = 16;
/// A frame that takes longer than so many milliseconds is not waited for.
const LATE: Millis = 1_000;

/// Rings once at an instant. Setting it anew moves it.
pub(super) struct Timer {
    ring: Callback,
    set: Option<(Millis, JsValue)>,
}

impl Timer {
    /// A timer that calls `ring`. Whoever is rung calls [`Timer::rang`] first.
    pub(super) fn new(ring: Callback) -> Timer {
        Timer { ring, set: None }
    }

    /// It has rung.
    pub(super) fn rang(&mut self) {
        self.set = None;
    }

    /// Rings at `at` at the latest, or not at all. To ring early does no harm: nothing is due, and it is set anew. So an
    /// instant that moves on with every piece of a stream costs no timer a piece, and an hour is far enough.
    pub(super) fn set(&mut self, at: Option<Millis>, now: Millis) {
        const FAR: Millis = 3_600_000;
        let set = self.set.as_ref().map(|(at, _)| *at);
        // A timer that should have rung slept with the machine, and may sleep on.
        if set.is_some_and(|set| set > now && at.is_some_and(|at| set <= at)) {
            return;
        }
        self.clear();
        if let Some(at) = at {
            let delay = at.saturating_sub(now).min(FAR) as i32;
            self.set = Some((at, set_timeout(self.ring.as_ref().unchecked_ref(), delay)));
        }
    }

    fn clear(&mut self) {
        if let Some((_, timer)) = self.set.take() {
            clear_timeout(&timer);
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Calls back before the next frame is painted; after 16 ms where nothing is painted, and after a second where a frame was
/// promised and none comes, as in a page that is scrolled out of the sight of the one around it.
pub(super) struct Frame {
    paint: Callback,
    late: Timer,
    asked: Option<Asked>,
    waiting: Vec<Waker>,
    is_visible: bool,
}

enum Asked {
    Frame(JsValue),
    Timeout(JsValue),
}

impl Frame {
    /// A frame that calls `paint`, or `late`. Whoever is called calls [`Frame::painted`] or [`Frame::is_late`] first.
    pub(super) fn new(paint: Callback, late: Callback) -> Frame {
        Frame {
            paint,
            late: Timer::new(late),
            asked: None,
            waiting: Vec::new(),
            is_visible: page::is_visible(),
        }
    }

    /// It has come. Who waits for it goes on as soon as the caller is done.
    pub(super) fn painted(&mut self) {
        self.asked = None;
        for waiting in self.waiting.drain(..) {
            waiting.wake();
        }
    }

    /// It has not come.
    pub(super) fn is_late(&mut self) {
        self.late.rang();
        self.clear();
        self.painted();
    }

    /// Asks for one too, and wakes `waker` when it has come.
    pub(super) fn wake(&mut self, waker: &Waker) {
        self.ask();
        self.waiting.push(waker.clone());
    }

    /// Asks for one call. Further asks before it do nothing.
    pub(super) fn ask(&mut self) {
        if self.asked.is_some() {
            return;
        }
        let paint: &Function = self.paint.as_ref().unchecked_ref();
        self.asked = Some(if self.is_visible {
            self.late.set(Some(now().saturating_add(LATE)), now());
            Asked::Frame(request_animation_frame(paint))
        } else {
            Asked::Timeout(set_timeout(paint, FRAME))
        });
    }

    /// The page is shown now, or hidden. Then it paints no more: what was asked of the next frame is asked of a timer instead.
    pub(super) fn show(&mut self, is_visible: bool) {
        self.is_visible = is_visible;
        if !is_visible && matches!(self.asked, Some(Asked::Frame(_))) {
            self.clear();
            self.ask();
        }
    }

    fn clear(&mut self) {
        match self.asked.take() {
            Some(Asked::Frame(frame)) => cancel_animation_frame(&frame),
            Some(Asked::Timeout(timer)) => clear_timeout(&timer),
            None => {}
        }
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        self.clear();
    }
}
