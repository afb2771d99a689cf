//! People write: messages, nonsense, and once more what failed.

use production_chat::problem::ChatErrorCode;
use production_chat::session::{AccountStatus, Draft};

use crate::world::{USERS, World};

impl World {
    pub(super) fn retry(&mut self, tab: usize, id: &str) {
        match self.act(tab, |session, at| session.retry(id, at)) {
            Some(Err(error)) => self.saw_error(&error),
            Some(Ok(())) => self.check_admitted(tab, id),
            None => {}
        }
    }

    pub(super) fn send(&mut self, tab: usize, patiently: bool) {
        let Some(id) = self.looked_at(tab) else {
            let id = self.some_conversation(tab);
            if let Some(id) = id {
                self.open(tab, &id);
            }
            return;
        };
        let user = self
            .user_of_tab(tab)
            .unwrap_or_else(|| USERS[self.signed_in.unwrap_or(0)].to_owned());
        let letter = &user[..1];
        let more = self.dice.weighted(&[(8, 10), (2, 400), (1, 3_000)]);
        self.journal.texts += 1;
        let text = format!("{letter}? {}é {}", self.journal.texts, "x".repeat(more));
        let draft = Draft {
            conversation_id: id.clone(),
            text: text.clone(),
            agent: self.dice.chance(30).then(|| "coding".to_owned()),
            files: self.dice.chance(20).then_some(1),
            queue: patiently.then_some(true),
        };
        let now = self.local(tab);
        let verdict = self.tabs[tab]
            .session
            .as_ref()
            .map(|session| session.check(&draft, now));
        let verdict = verdict.unwrap();
        match self.act(tab, |session, at| session.send(&draft, at)).unwrap() {
            Ok(turn) => {
                self.coverage.count("act: a message is taken");
                self.journal_typed(tab, &turn, &id, &text);
                if !verdict.allowed && !patiently {
                    self.fail(format!("tab {tab} takes what it would not allow"));
                }
                if verdict.allowed {
                    self.check_admitted(tab, &turn);
                }
            }
            Err(error) => {
                self.coverage.count("act: a message is refused");
                self.saw_error(&error);
                let signed_out = self
                    .account(tab)
                    .is_some_and(|it| it.status == AccountStatus::SignedOut);
                let deleted = error.code == ChatErrorCode::NotFound;
                if verdict.allowed && !signed_out && !deleted {
                    self.fail(format!("tab {tab} allows and then refuses: {error:?}"));
                }
            }
        }
    }

    pub(super) fn send_nonsense(&mut self, tab: usize) {
        let (id, text) = match self.dice.below(3) {
            0 => ("../../x".to_owned(), "a? x".to_owned()),
            1 => ("0f000000-0000-4000-8000-00000000dead".to_owned(), "  \n".to_owned()),
            _ => ("0f000000-0000-4000-8000-00000000dead".to_owned(), "a".repeat(16_001)),
        };
        let draft = Draft {
            conversation_id: id,
            text,
            ..Draft::default()
        };
        match self.act(tab, |session, at| session.send(&draft, at)).unwrap() {
            Ok(_) => self.fail(format!("tab {tab} takes nonsense")),
            Err(error) => self.saw_error(&error),
        }
    }
}
