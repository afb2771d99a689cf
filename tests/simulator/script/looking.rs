//! What somebody looks at: conversations are opened and closed, and something in them is picked.

use production_chat::session::ChatMessageStatus;

use crate::world::World;

impl World {
    pub(super) fn open(&mut self, tab: usize, id: &str) {
        // A person looks at two conversations at most.
        while self.tabs[tab].looks.len() >= 2 {
            let oldest = self.tabs[tab].looks[0].clone();
            self.close(tab, &oldest);
        }
        self.tabs[tab].looks.push(id.to_owned());
        self.act(tab, |session, at| session.open(id, at));
        self.look(tab, true);
    }

    pub(super) fn close(&mut self, tab: usize, id: &str) {
        if let Some(place) = self.tabs[tab].looks.iter().position(|it| it == id) {
            self.tabs[tab].looks.remove(place);
            self.act(tab, |session, _| session.close(id));
        }
    }

    pub(super) fn looked_at(&mut self, tab: usize) -> Option<String> {
        let looks = self.tabs[tab].looks.clone();
        self.dice.pick(&looks).cloned()
    }

    pub(super) fn some_conversation(&mut self, tab: usize) -> Option<String> {
        if self.dice.chance(30) {
            return Some("0f000000-0000-4000-8000-00000000dead".to_owned());
        }
        let account = self.account(tab)?;
        self.dice
            .pick(&account.conversations)
            .map(|it| it.id.clone())
            .or_else(|| self.looked_at(tab))
    }

    pub(super) fn shown_as(&mut self, tab: usize, status: ChatMessageStatus) -> Option<String> {
        let looks = self.tabs[tab].looks.clone();
        let snapshots: Vec<_> = looks.iter().filter_map(|id| self.conversation(tab, id)).collect();
        let all = snapshots.iter().flat_map(|it| it.messages.iter().chain(&it.queue));
        let ids: Vec<String> = all
            .filter(|it| it.status == status && it.seq.is_none())
            .map(|it| it.id.clone())
            .collect();
        self.dice.pick(&ids).cloned()
    }
}
