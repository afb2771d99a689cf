//! The channel between the tabs of one origin.

use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, MessageEvent};

use super::callback::Callback;

/// Open as long as it lives.
pub(super) struct Tabs {
    channel: BroadcastChannel,
    _hear: Callback,
}

impl Tabs {
    /// Opens the channel of a project; `None` outside pages and where browsers have none. `hear` is given the events.
    pub(super) fn open(project: &str, hear: Callback) -> Option<Tabs> {
        // In Node an open channel would keep the process alive.
        web_sys::window()?;
        let channel = BroadcastChannel::new(&["production-chat:", project].concat()).ok()?;
        channel.set_onmessage(Some(hear.as_ref().unchecked_ref()));
        Some(Tabs { channel, _hear: hear })
    }

    /// What another tab said.
    pub(super) fn said(event: JsValue) -> Option<String> {
        event.unchecked_into::<MessageEvent>().data().as_string()
    }

    /// Says `text` to the other tabs.
    pub(super) fn tell(&self, text: &str) {
        // Fails only for what cannot be cloned, and texts can.
        drop(self.channel.post_message(&text.into()));
    }
}

impl Drop for Tabs {
    fn drop(&mut self) {
        self.channel.set_onmessage(None);
        self.channel.close();
    }
}
