//! `localStorage`, where there is one that works.

use gloo_storage::{LocalStorage, Storage};

/// Whether there is one. gloo-storage panics without a window, and browsers may deny it to a page.
pub(super) fn available() -> bool {
    web_sys::window().is_some_and(|window| matches!(window.local_storage(), Ok(Some(_))))
}

/// The keys that are wanted, and their texts.
pub(super) fn all(wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    if !available() {
        return Vec::new();
    }
    let storage = LocalStorage::raw();
    let keys = (0..LocalStorage::length()).filter_map(|index| storage.key(index).ok().flatten());
    keys.filter(|key| wanted(key))
        .filter_map(|key| storage.get_item(&key).ok().flatten().map(|text| (key, text)))
        .collect()
}

/// Stores a text; `false` when it was refused (full, disabled).
pub(super) fn set(key: &str, text: &str) -> bool {
    available() && LocalStorage::raw().set_item(key, text).is_ok()
}

/// Removes a key.
pub(super) fn remove(key: &str) {
    if available() {
        LocalStorage::delete(key);
    }
}
