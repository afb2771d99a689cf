use crate::fixtures::NOON;
use production_chat::cache::{FRESH_FOR, MessageCache, Weigh};
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Debug, Clone, PartialEq)]
struct Heavy(usize);

impl Weigh for Heavy {
    fn weigh(&self) -> usize {
        self.0
    }
}

#[test]
fn the_least_recently_used_leaves_first() {
    let mut cache = MessageCache::new(2, 1_000);
    cache.insert("a", Heavy(1), NOON);
    cache.insert("b", Heavy(1), NOON);
    cache.get("a");
    cache.peek("b");
    cache.insert("c", Heavy(1), NOON);
    assert_eq!(cache.keys().collect::<Vec<_>>(), ["c", "a"]);
}

#[test]
fn bytes_count_too_and_growth_is_seen() {
    let mut cache = MessageCache::new(10, 100);
    cache.insert("a", Heavy(40), NOON);
    cache.insert("b", Heavy(40), NOON);
    assert_eq!(cache.mutate("b", |value| value.0 = 70), Some(()));
    assert_eq!((cache.peek("a"), cache.bytes()), (None, 70));
    assert_eq!(cache.mutate("a", |_| ()), None);
}

#[test]
fn what_is_pinned_stays_whatever_comes() {
    let mut cache = MessageCache::new(1, 10);
    cache.pin("open");
    cache.pin("open");
    cache.insert("open", Heavy(50), NOON);
    cache.insert("other", Heavy(1), NOON);
    assert_eq!(cache.keys().collect::<Vec<_>>(), ["open"], "the other has no room");
    cache.unpin("open");
    assert!(cache.peek("open").is_some(), "still looked at by one");
    cache.unpin("open");
    assert!(cache.is_empty());
    cache.unpin("open");
}

#[test]
fn five_minutes_are_fresh() {
    let mut cache = MessageCache::new(10, 100);
    assert!(!cache.is_fresh("a", NOON));
    cache.insert("a", Heavy(1), NOON);
    assert!(cache.is_fresh("a", NOON) && cache.is_fresh("a", NOON + FRESH_FOR - 1));
    assert!(!cache.is_fresh("a", NOON + FRESH_FOR));
    assert!(!cache.is_fresh("a", NOON - 1), "a clock that went back");
    cache.refresh("a", NOON + FRESH_FOR);
    assert!(cache.is_fresh("a", NOON + FRESH_FOR));
    cache.invalidate("a");
    assert!(
        !cache.is_fresh("a", NOON + FRESH_FOR) && cache.peek("a").is_some(),
        "kept, to be shown at once"
    );
}

#[test]
fn changing_a_value_does_not_make_it_fresh() {
    let mut cache = MessageCache::new(10, 100);
    cache.insert("a", Heavy(1), NOON);
    cache.mutate("a", |value| value.0 = 2);
    assert!(!cache.is_fresh("a", NOON + FRESH_FOR));
}

#[derive(Debug, Clone)]
enum Step {
    Insert(usize, usize),
    Mutate(usize, usize),
    Get(usize),
    Remove(usize),
    Pin(usize),
    Unpin(usize),
}

fn any_step() -> impl Strategy<Value = Step> {
    let key = 0_usize..8;
    prop_oneof![
        3 => (key.clone(), 0_usize..60).prop_map(|(key, weight)| Step::Insert(key, weight)),
        2 => (key.clone(), 0_usize..60).prop_map(|(key, weight)| Step::Mutate(key, weight)),
        2 => key.clone().prop_map(Step::Get),
        1 => key.clone().prop_map(Step::Remove),
        1 => key.clone().prop_map(Step::Pin),
        1 => key.prop_map(Step::Unpin),
    ]
}

/// The same cache as a list, most recently used first.
#[derive(Default)]
struct Model {
    values: Vec<(usize, usize)>,
    pins: [usize; 8],
}

impl Model {
    fn take(&mut self, key: usize) -> Option<usize> {
        let place = self.values.iter().position(|(held, _)| *held == key)?;
        Some(self.values.remove(place).1)
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Insert(key, weight) => {
                self.take(key);
                self.values.insert(0, (key, weight));
            }
            Step::Mutate(key, weight) => {
                self.values
                    .iter_mut()
                    .filter(|(held, _)| *held == key)
                    .for_each(|value| value.1 = weight);
            }
            Step::Get(key) => {
                if let Some(weight) = self.take(key) {
                    self.values.insert(0, (key, weight));
                }
            }
            Step::Remove(key) => drop(self.take(key)),
            Step::Pin(key) => self.pins[key] += 1,
            Step::Unpin(key) => self.pins[key] = self.pins[key].saturating_sub(1),
        }
        while self.values.len() > 4 || self.bytes() > 100 {
            let Some(place) = self.values.iter().rposition(|(key, _)| self.pins[*key] == 0) else {
                break;
            };
            self.values.remove(place);
        }
    }

    fn bytes(&self) -> usize {
        self.values.iter().map(|(_, weight)| weight).sum()
    }
}

proptest! {
    #[test]
    fn a_cache_is_its_model(steps in vec(any_step(), 0..100)) {
        let mut cache = MessageCache::new(4, 100);
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Insert(key, weight) => drop(cache.insert(key.to_string(), Heavy(weight), NOON)),
                Step::Mutate(key, weight) => drop(cache.mutate(&key.to_string(), |value| value.0 = weight)),
                Step::Get(key) => drop(cache.get(&key.to_string()).cloned()),
                Step::Remove(key) => drop(cache.remove(&key.to_string())),
                Step::Pin(key) => cache.pin(key.to_string()),
                Step::Unpin(key) => cache.unpin(&key.to_string()),
            }
            model.apply(&step);
            let held: Vec<String> = model.values.iter().map(|(key, _)| key.to_string()).collect();
            prop_assert_eq!(cache.keys().collect::<Vec<_>>(), held);
            prop_assert_eq!((cache.len(), cache.bytes()), (model.values.len(), model.bytes()));
        }
    }
}
