//! What a session wants done, done to the world: requests, tokens, storage, words to the other tabs.

use production_chat::outbox;
use production_chat::session::{Effect, Input, Request};

use super::{Happening, World};

impl World {
    /// However bad the network and however busy the person: no storm of requests.
    fn count_request(&mut self, tab: usize) {
        let minute = self.now / 60_000;
        let lately = &mut self.tabs[tab].lately;
        *lately = if lately.0 == minute {
            (minute, lately.1 + 1)
        } else {
            (minute, 1)
        };
        if lately.1 > 150 {
            self.fail(format!("tab {tab} sends more than 150 requests in a minute"));
        }
    }

    pub(super) fn carry_out(&mut self, tab: usize, effect: Effect) {
        match effect {
            Effect::Fetch(request) => {
                self.note(|| format!("tab {tab} -> {} {}", request.id, describe(&request)));
                self.journal_fetched(tab, &request);
                self.count_request(tab);
                self.fetch(tab, request);
            }
            Effect::Abort(id) => {
                self.note(|| format!("tab {tab} -> abort {id}"));
                if let Some(wire) = self.tabs[tab].wires.remove(&id) {
                    self.wires.remove(&wire);
                    self.service.hang_up(wire);
                }
            }
            Effect::AskToken { ask, refresh } => {
                let life = self.tabs[tab].life;
                let delay = self.dice.weighted(&[(6, 5), (3, 200), (1, 4_000)]);
                self.later(
                    delay,
                    Happening::TokenFor {
                        tab,
                        life,
                        ask,
                        refresh,
                    },
                );
            }
            Effect::LoadOutbox { user_id } => {
                let wanted = |key: &str| outbox::is_key(key) && outbox::belongs_to(key, &user_id);
                let texts = self.storage.texts.iter().filter(|(key, _)| wanted(key));
                let stored = match self.storage.disabled {
                    true => Vec::new(),
                    false => texts.map(|(key, text)| (key.clone(), text.clone())).collect(),
                };
                self.feed(tab, Input::Stored(stored));
            }
            Effect::Forget { user_id } => {
                self.storage.texts.retain(|key, _| !outbox::belongs_to(key, &user_id));
            }
            Effect::Store { key, text } => {
                if self.storage.full || self.storage.disabled {
                    self.feed(tab, Input::StorageFailed);
                } else {
                    self.storage.texts.insert(key, text);
                }
            }
            Effect::Unstore { key } => {
                if !self.storage.disabled {
                    self.storage.texts.remove(&key);
                }
            }
            Effect::SetAside { from, to, text } => {
                if !self.storage.full && !self.storage.disabled {
                    self.storage.texts.remove(&from);
                    self.storage.texts.insert(to, text);
                }
            }
            Effect::Live { tab: name } => self.tabs[tab].name = name,
            Effect::AwaitEnd { tab: name } => {
                let lives = self.tabs.iter().any(|it| it.name == name);
                self.tabs[tab].awaits.push(name.clone());
                if !lives {
                    self.tab_ended(&name);
                }
            }
            Effect::Tell { text } => {
                let said_at = self.tabs[tab].said_at.max(self.now + self.dice.between(1, 30));
                self.tabs[tab].said_at = said_at;
                let delay = said_at - self.now;
                for other in (0..self.tabs.len()).filter(|other| *other != tab) {
                    let life = self.tabs[other].life;
                    let text = text.clone();
                    self.later(delay, Happening::Hear { tab: other, life, text });
                }
            }
            Effect::Alert(alert) => self.check_alert(tab, alert),
            Effect::Changed { account, .. } => self.look(tab, account),
        }
    }
}

fn describe(request: &Request) -> String {
    let body = request.body.as_deref().unwrap_or_default();
    format!(
        "{} {} {}",
        request.method,
        request.path,
        body.chars().take(120).collect::<String>()
    )
}
