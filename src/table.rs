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

// What concerns keys alone is apart: once for all values.

#[inline(never)]
fn place<K: Borrow<Q>, Q: Ord + ?Sized>(keys: &[K], key: &Q) -> Result<usize, usize> {
    keys.binary_search_by(|held| held.borrow().cmp(key))
}

/// Puts a key in. `Ok`: it was there.
#[inline(never)]
fn seat<K: Ord>(keys: &mut Vec<K>, key: K) -> Result<usize, usize> {
    let place = place(keys, &key);
    if let Err(place) = place {
        keys.insert(place, key);
    }
    place
}

/// Takes a key out, and tells where it was.
#[inline(never)]
fn unseat<K: Borrow<Q>, Q: Ord + ?Sized>(keys: &mut Vec<K>, key: &Q) -> Option<usize> {
    let place = place(keys, key).ok()?;
    keys.remove(place);
    Some(place)
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

    /// Puts a value in, in place of the one that was there.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        match seat(&mut self.keys, key) {
            Ok(place) => {
                if let Some(held) = self.values.get_mut(place) {
                    *held = value;
                }
            }
            Err(place) => self.values.insert(place, value),
        }
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        unseat(&mut self.keys, key).map(|place| self.values.remove(place))
    }

    /// The keys of the values that are wanted.
    pub(crate) fn keys_of(&self, wanted: &dyn Fn(&V) -> bool) -> Vec<K>
    where
        K: Clone,
    {
        let mut keys = Vec::new();
        for (key, value) in self.iter() {
            if wanted(value) {
                keys.push(key.clone());
            }
        }
        keys
    }

    /// Puts in all of `greater`, whose keys are greater than any here.
    pub(crate) fn append(&mut self, mut greater: Table<K, V>) {
        self.keys.append(&mut greater.keys);
        self.values.append(&mut greater.values);
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        let mut kept = 0;
        for place in 0..self.keys.len() {
            if let (Some(key), Some(value)) = (self.keys.get(place), self.values.get(place))
                && keep(key, value)
            {
                self.keys.swap(kept, place);
                self.values.swap(kept, place);
                kept += 1;
            }
        }
        self.keys.truncate(kept);
        self.values.truncate(kept);
    }

    /// Takes out everything whose key is less.
    pub(crate) fn drop_before(&mut self, key: &K) {
        let (Ok(place) | Err(place)) = place(&self.keys, key);
        self.keys = self.keys.split_off(place);
        self.values = self.values.split_off(place);
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.keys.iter().zip(&self.values)
    }

    pub(crate) fn keys(&self) -> &[K] {
        &self.keys
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
        if !self.contains_key(key) {
            self.insert(key.to_owned(), V::default());
        }
        if let Some(value) = self.get_mut(key) {
            change(value);
        }
    }
}
