//! What the tabs of one user tell each other.

use serde::{Deserialize, Serialize};

use crate::usage::UsageSnapshot;

use super::wire;
use super::{Effect, Moment, Session};

/// One thing told.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    /// The version of this shape. Tabs may run different builds.
    v: u32,
    user_id: String,
    organization_id: Option<String>,
    news: News,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum News {
    /// The newest usage.
    Usage(Box<UsageSnapshot>),
    /// Something changed in this conversation.
    Conversation(String),
    /// The conversation list changed.
    List,
    /// A turn has left the outbox: answered, taken back or discarded.
    Gone(String),
}

const VERSION: u32 = 1;

impl Session {
    pub(super) fn tell_usage(&mut self) {
        if let Some(usage) = self.account.usage.clone() {
            self.tell(News::Usage(Box::new(usage)));
        }
    }

    pub(super) fn tell_conversation(&mut self, id: &str) {
        self.tell(News::Conversation(id.to_owned()));
    }

    pub(super) fn tell_list(&mut self) {
        self.tell(News::List);
    }

    pub(super) fn tell_gone(&mut self, turn_id: &str) {
        self.tell(News::Gone(turn_id.to_owned()));
    }

    pub(super) fn heard(&mut self, text: &str, at: &mut Moment) {
        let Some(told) = wire::read::<Told>(text) else { return };
        let mine = self.identity.user_id.as_ref() == Some(&told.user_id)
            && self.settings.organization_id == told.organization_id;
        if told.v != VERSION || !mine {
            return;
        }
        match told.news {
            News::Usage(usage) => {
                self.learn_usage(*usage, at.now);
            }
            News::Conversation(id) => {
                self.threads.invalidate(&id);
                if self.talks.get(&id).is_some_and(|talk| talk.looks > 0) {
                    self.refetch(&id, at);
                }
                if self.conversation_of(&id).is_none() {
                    self.fetch_conversations(at);
                }
            }
            News::List => self.fetch_conversations(at),
            News::Gone(turn_id) => self.forget_turn(&turn_id),
        }
    }

    fn tell(&mut self, news: News) {
        let Some(user_id) = self.identity.user_id.clone() else {
            return;
        };
        let organization_id = self.settings.organization_id.clone();
        self.effects.push(Effect::Tell {
            text: wire::write(&Told {
                v: VERSION,
                user_id,
                organization_id,
                news,
            }),
        });
    }
}
