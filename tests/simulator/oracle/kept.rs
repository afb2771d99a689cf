//! What a page keeps of a conversation until its revision changes must be what it would be shown anew.

use production_chat::Millis;
use production_chat::session::{ConversationSnapshot, Revision, Session};

/// A conversation as a page keeps it.
pub struct Kept {
    revision: Option<Revision>,
    snapshot: ConversationSnapshot,
}

impl Kept {
    pub fn new(session: &Session, id: &str, snapshot: ConversationSnapshot) -> Kept {
        Kept {
            revision: session.revision(id),
            snapshot,
        }
    }

    /// What is wrong with keeping it, when `anew` is what there is to show.
    pub fn lags_behind(mut self, session: &Session, now: Millis, anew: &ConversationSnapshot) -> Option<String> {
        let id = &anew.head.conversation_id;
        // What is due may make it another in a moment.
        let is_due = session.next_timeout().is_none_or(|at| at <= now);
        let (before, revision) = (self.revision?, session.revision(id)?);
        if is_due || before.rest != revision.rest {
            return None;
        }
        let answer = self.snapshot.messages.iter_mut().find(|it| it.version == before.answer);
        if let (Some(answer), Some(text)) = (answer, session.answer(id)) {
            (answer.version, answer.content) = (revision.answer, text.to_owned());
        }
        if self.snapshot.head != anew.head {
            return Some(format!("keeps {:?} of {:?}", self.snapshot.head, anew.head));
        }
        let lists = [
            (&self.snapshot.messages, &anew.messages),
            (&self.snapshot.queue, &anew.queue),
        ];
        let lags = lists.into_iter().find(|(kept, anew)| kept != anew)?;
        Some(format!("keeps {:?} of {:?}", lags.0, lags.1))
    }
}
