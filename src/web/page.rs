//! The page's events: network and visibility.

use wasm_bindgen::prelude::*;
use web_sys::{Event, EventTarget};

/// Hears as long as it lives. Outside pages there is nothing to hear.
pub(super) struct Page {
    heard: Vec<Listener>,
}

struct Listener {
    target: EventTarget,
    event: &'static str,
    hear: Closure<dyn FnMut(Event)>,
}

/// Whether the platform believes there is a network.
pub(super) fn is_online() -> bool {
    web_sys::window().is_none_or(|window| window.navigator().on_line())
}

impl Page {
    pub(super) fn watch(
        mut online: impl FnMut() + 'static,
        mut offline: impl FnMut() + 'static,
        mut visible: impl FnMut() + 'static,
        mut hidden: impl FnMut() + 'static,
    ) -> Page {
        let mut page = Page { heard: Vec::new() };
        let Some(window) = web_sys::window() else { return page };
        page.hear(&window, "online", Closure::new(move |_| online()));
        page.hear(&window, "offline", Closure::new(move |_| offline()));
        if let Some(document) = window.document() {
            let target: EventTarget = document.clone().into();
            let look = move |_| if document.hidden() { hidden() } else { visible() };
            page.hear(&target, "visibilitychange", Closure::new(look));
        }
        page
    }

    fn hear(&mut self, target: &EventTarget, event: &'static str, hear: Closure<dyn FnMut(Event)>) {
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
