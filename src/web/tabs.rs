//! The channel between the tabs of one origin.

use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, MessageEvent};

/// Open as long as it lives.
pub(super) struct Tabs {
    channel: BroadcastChannel,
    _hear: Closure<dyn FnMut(MessageEvent)>,
}

impl Tabs {
    /// Opens the channel of a project; `None` outside pages and where browsers have none.
    pub(super) fn open(project: &str, mut hear: impl FnMut(String) + 'static) -> Option<Tabs> {
        // In Node an open channel would keep the process alive.
        web_sys::window()?;
        let channel = BroadcastChannel::new(&["production-chat:", project].concat()).ok()?;
        let hear = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(text) = event.data().as_string() {
                hear(text);
            }
        });
        channel.set_onmessage(Some(hear.as_ref().unchecked_ref()));
        Some(Tabs { channel, _hear: hear })
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
