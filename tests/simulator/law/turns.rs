//! A turn's way from held to its end.

use super::*;

impl Law {
    /// held → dispatched; whether this call won.
    pub fn dispatch(&mut self, id: &str) -> bool {
        let now = self.now;
        let Some(turn) = self.turns.get_mut(id).filter(|turn| turn.state == State::Held) else {
            return false;
        };
        turn.state = State::Dispatched;
        turn.heard_at = now;
        true
    }

    /// Keeps the partial answer. Returns whether a stop is wanted, and whether the turn still waits for its worker.
    pub fn flush(&mut self, id: &str, attempt: u32, text: &str) -> (bool, bool) {
        let now = self.now;
        let Some(turn) = self.turns.get_mut(id).filter(|turn| turn.attempt == attempt) else {
            return (false, false);
        };
        if turn.state == State::Dispatched {
            turn.heard_at = now;
            if turn.streaming {
                turn.partial = text.to_owned();
            }
        }
        let goes_on = matches!(turn.state, State::Dispatched | State::ExpiredCharged);
        (turn.stop_requested, goes_on)
    }

    pub fn settle(&mut self, id: &str, text: &str, status: MessageStatus) {
        let Some(turn) = self.turns.get(id).cloned() else {
            return;
        };
        match turn.state {
            State::Dispatched | State::ExpiredCharged => {
                let tokens = text.len() as u64 / 4 + 1;
                let price = tokens * self.price.output_micro_usd_per_million / 1_000_000 + 20;
                self.charge(&turn, State::Settled, text, status, price.min(turn.hold));
            }
            _ => {}
        }
    }

    pub fn release(&mut self, id: &str) {
        let Some(turn) = self.turns.get_mut(id).filter(|turn| turn.state.is_live()) else {
            return;
        };
        turn.state = State::Released;
        turn.partial.clear();
        let turn = turn.clone();
        if turn.submits
            && let Some(room) = self.rooms.get_mut(&turn.conversation)
        {
            room.rows.retain(|row| row.message.id != turn.id);
            room.conversation.message_count -= 2;
        }
        self.bump(&turn.user);
    }

    fn charge(&mut self, turn: &Turn, state: State, text: &str, status: MessageStatus, cost: u64) {
        let now = self.now;
        if let Some(held) = self.turns.get_mut(&turn.id) {
            assert!(
                held.state.is_live() || (held.state == State::ExpiredCharged && state == State::Settled),
                "a turn is charged twice"
            );
            held.state = state;
            held.cost = Some(cost);
            held.partial.clear();
        }
        self.bump(&turn.user);
        let Some(room) = self.rooms.get_mut(&turn.conversation) else {
            return;
        };
        if let Some(row) = room.rows.iter_mut().find(|row| row.message.id == turn.answer_id) {
            (row.message.content, row.message.status) = (text.to_owned(), status);
            row.message.cost_micro_usd = Some(cost);
            return;
        }
        let mut superseded = false;
        if let Some((replaces, _)) = &turn.replaces {
            if status == MessageStatus::Failed && text.is_empty() {
                return;
            }
            match room
                .rows
                .iter_mut()
                .find(|row| row.message.id == *replaces && !row.superseded)
            {
                Some(row) => row.superseded = true,
                None => superseded = true,
            }
        }
        room.conversation.updated_at = room.conversation.updated_at.max(now);
        room.rows.push(Row {
            message: Message {
                id: turn.answer_id.clone(),
                turn_id: turn.id.clone(),
                conversation_id: turn.conversation.clone(),
                seq: turn.answer_seq,
                role: Role::Assistant,
                content: text.to_owned(),
                status,
                created_at: now,
                cost_micro_usd: Some(cost),
            },
            superseded,
        });
        room.rows.sort_by_key(|row| row.message.seq);
    }

    pub(super) fn expire(&mut self, id: &str) {
        let Some(turn) = self.turns.get(id).cloned() else {
            return;
        };
        match turn.state {
            State::Held => self.release(id),
            State::Dispatched => self.charge(
                &turn,
                State::ExpiredCharged,
                &turn.partial.clone(),
                MessageStatus::Failed,
                turn.hold,
            ),
            _ => {}
        }
    }

    pub fn expire_if_silent(&mut self, id: &str) {
        let silent = self.turns.get(id).is_some_and(|turn| match turn.state {
            State::Dispatched => turn.heard_at + SILENT_AFTER < self.now,
            State::Held if turn.stop_requested => turn.created_at + SILENT_AFTER < self.now,
            State::Held => turn.created_at + UNDISPATCHED_AFTER < self.now,
            _ => false,
        });
        if silent {
            self.expire(id);
        }
    }

    pub fn stop(&mut self, user: &str, id: &str) -> bool {
        let Some(turn) = self.turns.get_mut(id).filter(|turn| turn.user == user) else {
            return false;
        };
        if turn.state.is_live() {
            turn.stop_requested = true;
        }
        self.expire_if_silent(id);
        true
    }
}
