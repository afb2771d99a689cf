//! What the server says, word for word.

use serde_json::{Value, json};

use crate::world::{ANSWER, START, USER};

/// An unsigned token of a user, without expiry.
pub fn token(user: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let payload = json!({ "sub": user }).to_string();
    let mut text = String::from("head.");
    for three in payload.as_bytes().chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..=three.len() {
            text.push(char::from(LETTERS[(bits >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text + ".sign"
}

pub fn quotas() -> Value {
    let quotas = production_chat::license::Quotas::of(production_chat::license::Tier::Pro);
    serde_json::to_value(quotas).unwrap()
}

/// Nothing spent, pro tier.
pub fn usage(version: u64) -> Value {
    json!({
        "version": version, "serverTime": START,
        "organization": { "id": USER, "name": "", "timeZone": "UTC", "role": "owner" },
        "license": { "tier": "pro", "status": "active", "expiresAt": null },
        "quotas": quotas(),
        "messagesToday": { "used": 0, "held": 0 }, "messagesThisHour": { "used": 0, "held": 0 },
        "costTodayMicroUsd": { "used": 0, "held": 0 }, "conversations": { "used": 1, "held": 0 },
        "organizationMessagesToday": { "used": 0, "held": 0, "max": null },
        "organizationCostThisMonthMicroUsd": { "used": 0, "held": 0, "max": null },
        "hourFreesAt": [], "dayResetsAt": START + 36_000_000, "monthResetsAt": START + 864_000_000, "liveTurnIds": []
    })
}

/// With these fields changed.
pub fn with(mut value: Value, changes: Value) -> Value {
    for (name, change) in changes.as_object().unwrap() {
        value[name] = change.clone();
    }
    value
}

/// `used` messages in the hour and the day, `live` turns held.
pub fn spent(version: u64, used: u64, live: &[&str]) -> Value {
    let held = live.len();
    with(
        usage(version),
        json!({
            "messagesToday": { "used": used, "held": held }, "messagesThisHour": { "used": used, "held": held },
            "costTodayMicroUsd": { "used": used * 100, "held": held * 1_000 }, "liveTurnIds": live
        }),
    )
}

/// The hour's places are all taken; the next is free after a minute.
pub fn hour_spent(version: u64) -> Value {
    with(
        spent(version, 100, &[]),
        json!({ "hourFreesAt": [START + 60_000, START + 61_000] }),
    )
}

pub fn status(usage: Value) -> Value {
    json!({
        "usage": usage, "tiers": [quotas()],
        "prices": [{ "model": "gpt", "version": 1, "inputMicroUsdPerMillion": 1_000_000,
            "cachedInputMicroUsdPerMillion": 500_000, "outputMicroUsdPerMillion": 2_000_000 }],
        "defaultModel": "gpt", "agents": [{ "id": "executive", "name": "Executive", "description": "" }]
    })
}

pub fn conversation(id: &str, messages: u64) -> Value {
    json!({ "id": id, "title": "T", "agent": "executive", "messageCount": messages, "createdAt": START, "updatedAt": START })
}

pub fn id_of(number: u64) -> String {
    format!("{number:08}-0000-7000-8000-000000000000")
}

pub fn user_message(conversation_id: &str, turn_id: &str, seq: u64, text: &str) -> Value {
    json!({ "id": turn_id, "turnId": turn_id, "conversationId": conversation_id, "seq": seq, "role": "user",
        "content": text, "status": "complete", "createdAt": START, "costMicroUsd": null })
}

pub fn answer(conversation_id: &str, turn_id: &str, id: &str, seq: u64, text: &str) -> Value {
    json!({ "id": id, "turnId": turn_id, "conversationId": conversation_id, "seq": seq, "role": "assistant",
        "content": text, "status": "complete", "createdAt": START, "costMicroUsd": 10 })
}

pub fn page(id: &str, messages: Vec<Value>, has_more: bool) -> Value {
    json!({ "conversation": conversation(id, messages.len() as u64), "messages": messages, "hasMore": has_more,
        "liveTurnId": null })
}

pub fn turn(turn_id: &str, conversation_id: &str, state: &str) -> Value {
    json!({ "id": turn_id, "organizationId": USER, "conversationId": conversation_id, "agent": "executive", "model": "gpt",
        "trigger": "submit-message", "state": state, "answerId": ANSWER, "userSeq": 1, "answerSeq": 2, "replacesSeq": null,
        "streaming": true, "maxOutputTokens": 1000, "holdMicroUsd": 1000, "costMicroUsd": null, "promptTokens": null,
        "completionTokens": null, "stopRequested": false, "createdAt": START })
}

pub fn event(name: &str, data: Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

pub fn accepted(conversation_id: &str, turn_id: &str, seq: u64, text: &str, version: u64) -> String {
    event(
        "accepted",
        json!({ "turn": turn(turn_id, conversation_id, "dispatched"), "from": 0,
        "conversation": conversation(conversation_id, seq + 1),
        "userMessage": user_message(conversation_id, turn_id, seq, text), "usage": spent(version, 0, &[turn_id]) }),
    )
}

pub fn delta(turn_id: &str, offset: usize, text: &str) -> String {
    event("delta", json!({ "turnId": turn_id, "offset": offset, "text": text }))
}

pub fn done(conversation_id: &str, turn_id: &str, seq: u64, text: &str, version: u64) -> String {
    event(
        "done",
        json!({ "turn": turn(turn_id, conversation_id, "settled"),
        "message": answer(conversation_id, turn_id, ANSWER, seq, text), "usage": spent(version, 1, &[]) }),
    )
}

pub fn problem(code: &str, status: u16, more: Value) -> Value {
    with(
        json!({ "type": format!("urn:production-chat:problem:{code}"), "title": code, "status": status,
        "detail": code, "code": code }),
        more,
    )
}
