//! Values in bounded memory: least recently used leave first, nothing pinned leaves, five minutes count as fresh.

use crate::Millis;
use crate::table::Table;
use fnv::FnvBuildHasher;
use lru::LruCache;

/// How long a value counts as fresh, in milliseconds. After that it is shown at once and refreshed behind.
pub const FRESH_FOR: Millis = 5 * 60 * 1_000;

/// How much memory a value takes, about, in bytes.
pub trait Weigh {
    /// The weight in bytes.
    fn weigh(&self) -> usize;
}

struct Entry<V> {
    value: V,
    weight: usize,
    /// When it was fetched; `None`: invalidated.
    fetched_at: Option<Millis>,
}

/// An LRU cache bounded by entries and by bytes.
///
/// What is pinned is never evicted, so the bounds hold for everything else: pinned values may exceed them.
pub struct MessageCache<V> {
    // Keys are our own ids, so the smallest hash will do.
    entries: LruCache<String, Entry<V>, FnvBuildHasher>,
    pins: Table<String, usize>,
    bytes: usize,
    max_entries: usize,
    max_bytes: usize,
}

impl<V: Weigh> MessageCache<V> {
    /// A cache of at most `max_entries` values and `max_bytes` bytes, what is pinned aside.
    pub fn new(max_entries: usize, max_bytes: usize) -> MessageCache<V> {
        // Unbounded, since the crate's own bound knows neither bytes nor pins.
        MessageCache {
            entries: LruCache::unbounded_with_hasher(FnvBuildHasher::default()),
            pins: Table::default(),
            bytes: 0,
            max_entries,
            max_bytes,
        }
    }

    /// The value, now the most recently used.
    pub fn get(&mut self, key: &str) -> Option<&V> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// The value, without counting as use.
    pub fn peek(&self, key: &str) -> Option<&V> {
        self.entries.peek(key).map(|entry| &entry.value)
    }

    /// Puts a value fetched at `now`, the most recently used, and returns what was there. Others may be evicted; so is
    /// the value itself when it alone exceeds the bounds and is not pinned.
    pub fn insert(&mut self, key: impl Into<String>, value: V, now: Millis) -> Option<V> {
        let weight = value.weigh();
        self.bytes = self.bytes.saturating_add(weight);
        let old = self.entries.put(
            key.into(),
            Entry {
                value,
                weight,
                fetched_at: Some(now),
            },
        );
        self.bytes = self.bytes.saturating_sub(old.as_ref().map_or(0, |entry| entry.weight));
        self.evict();
        old.map(|entry| entry.value)
    }

    /// Changes a value in place and weighs it anew; neither its freshness nor its recency changes.
    pub fn mutate<R>(&mut self, key: &str, change: impl FnOnce(&mut V) -> R) -> Option<R> {
        let result = change(&mut self.entries.peek_mut(key)?.value);
        self.weigh_anew(key);
        Some(result)
    }

    fn weigh_anew(&mut self, key: &str) {
        if let Some(entry) = self.entries.peek_mut(key) {
            let before = std::mem::replace(&mut entry.weight, entry.value.weigh());
            self.bytes = self.bytes.saturating_sub(before).saturating_add(entry.weight);
            self.evict();
        }
    }

    /// Whether the value is there, was not invalidated, and was fetched less than [`FRESH_FOR`] before `now`. A clock
    /// that went back makes it stale.
    pub fn is_fresh(&self, key: &str, now: Millis) -> bool {
        let fetched_at = self.entries.peek(key).and_then(|entry| entry.fetched_at);
        fetched_at
            .and_then(|at| now.checked_sub(at))
            .is_some_and(|age| age < FRESH_FOR)
    }

    /// When it will be fresh no longer, or was last.
    pub fn fresh_until(&self, key: &str) -> Option<Millis> {
        let fetched_at = self.entries.peek(key)?.fetched_at?;
        Some(fetched_at.saturating_add(FRESH_FOR))
    }

    /// The value was just confirmed by the server: fresh from `now` on.
    pub fn refresh(&mut self, key: &str, now: Millis) {
        if let Some(entry) = self.entries.peek_mut(key) {
            entry.fetched_at = Some(now);
        }
    }

    /// The value is kept, but no longer fresh.
    pub fn invalidate(&mut self, key: &str) {
        if let Some(entry) = self.entries.peek_mut(key) {
            entry.fetched_at = None;
        }
    }

    /// Takes the value out, pinned or not; its pins stay.
    pub fn remove(&mut self, key: &str) -> Option<V> {
        let entry = self.entries.pop(key)?;
        self.bytes = self.bytes.saturating_sub(entry.weight);
        Some(entry.value)
    }

    /// Takes everything out; pins stay.
    pub fn clear(&mut self) {
        self.entries = LruCache::unbounded_with_hasher(FnvBuildHasher::default());
        self.bytes = 0;
    }

    /// Keeps a key from being evicted (an open view, a turn in flight). Counted; the value may come later.
    pub fn pin(&mut self, key: impl Into<String>) {
        self.pins.update(&key.into(), |count| *count += 1);
    }

    /// Takes one pin back.
    pub fn unpin(&mut self, key: &str) {
        let Some(count) = self.pins.get_mut(key) else { return };
        *count -= 1;
        if *count == 0 {
            self.pins.remove(key);
            self.evict();
        }
    }

    /// How many values are there.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What all values weigh, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The keys, most recently used first.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(key, _)| key.as_str())
    }

    fn evict(&mut self) {
        while self.entries.len() > self.max_entries || self.bytes > self.max_bytes {
            let least_used = self.entries.iter().rev().map(|(key, _)| key);
            let Some(key) = least_used
                .into_iter()
                .find(|key| !self.pins.contains_key(*key))
                .cloned()
            else {
                return;
            };
            self.remove(&key);
        }
    }
}
