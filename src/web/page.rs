//! The page's events: network and visibility.

use wasm_bindgen::prelude::*;
use web_sys::EventTarget;

use super::callback::Callback;

/// Hears as long as it lives. Outside pages there is nothing to hear.
pub(super) struct Page {
    heard: Vec<Listener>,
}

struct Listener {
    target: EventTarget,
    event: &'static str,
    hear: Callback,
}

/// Whether the platform believes there is a network.
pub(super) fn is_online() -> bool {
    web_sys::window().is_none_or(|window| window.navigator().on_line())
}

/// Whether there is something to be painted on, and it is seen. Where a document comes without frames (jsdom by default), it
/// says that it is hidden.
pub(super) fn is_visible() -> bool {
    web_sys::window()
        .and_then(|window| window.document())
        .is_some_and(|document| !document.hidden())
}

impl Page {
    /// Calls `network` when it comes and goes, `visibility` when the page is shown and hidden.
    pub(super) fn watch(network: [Callback; 2], visibility: Callback) -> Page {
        let mut page = Page { heard: Vec::new() };
        let Some(window) = web_sys::window() else { return page };
        let [comes, goes] = network;
        page.hear(&window, "online", comes);
        page.hear(&window, "offline", goes);
        if let Some(document) = window.document() {
            page.hear(&document, "visibilitychange", visibility);
        }
        page
    }

    fn hear(&mut self, target: &EventTarget, event: &'static str, hear: Callback) {
        let function = hear.as_ref().unchecked_ref();
        if target.add_event_listener_with_callback(event, function).is_ok() {
            self.heard.push(Listener {
                target: target.clone(),
                event,
                hear,
            });
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        for Listener { target, event, hear } in &self.heard {
            drop(target.remove_event_listener_with_callback(event, hear.as_ref().unchecked_ref()));
        }
    }
}
