//! A small map: a sorted list. For the handful of things a tab has in flight it is as fast as the standard library's
//! maps, and for every pair of types a tenth of the code that a page has to load.

use std::borrow::Borrow;

/// Values by key, in the order of keys. Both lists apart, so that looking a key up is the same code for all values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table<K, V> {
    keys: Vec<K>,
    values: Vec<V>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Table {
            keys: Vec::new(),
            values: Vec::new(),
        }
    }
}

fn place<K: Borrow<Q>, Q: Ord + ?Sized>(keys: &[K], key: &Q) -> Result<usize, usize> {
    keys.binary_search_by(|held| held.borrow().cmp(key))
}

impl<K: Ord, V> Table<K, V> {
    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.values.get(place(&self.keys, key).ok()?)
    }

    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.values.get_mut(place(&self.keys, key).ok()?)
    }

    pub(crate) fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        place(&self.keys, key).is_ok()
    }

    /// Puts a value in and returns the one that was there.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        match place(&self.keys, &key) {
            Ok(place) => self.values.get_mut(place).map(|held| std::mem::replace(held, value)),
            Err(place) => {
                self.keys.insert(place, key);
                self.values.insert(place, value);
                None
            }
        }
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let place = place(&self.keys, key).ok()?;
        self.keys.remove(place);
        Some(self.values.remove(place))
    }

    /// Puts in all of `greater`, whose keys are greater than any here.
    pub(crate) fn append(&mut self, mut greater: Table<K, V>) {
        self.keys.append(&mut greater.keys);
        self.values.append(&mut greater.values);
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        let held = std::mem::take(self);
        for (key, value) in held.keys.into_iter().zip(held.values) {
            if keep(&key, &value) {
                self.keys.push(key);
                self.values.push(value);
            }
        }
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.keys.iter().zip(&self.values)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.keys.iter()
    }

    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.values.iter()
    }

    pub(crate) fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut V> {
        self.values.iter_mut()
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl<V: Default> Table<String, V> {
    /// Changes the value of a key, a new one when there is none.
    pub(crate) fn update(&mut self, key: &str, change: impl FnOnce(&mut V)) {
        let place = place(&self.keys, key).unwrap_or_else(|place| {
            self.keys.insert(place, key.to_owned());
            self.values.insert(place, V::default());
            place
        });
        if let Some(value) = self.values.get_mut(place) {
            change(value);
        }
    }
}
