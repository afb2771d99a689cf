//! Replies of the right shape with the wrong figures: every number and text in them, one at a time, at its worst.

use serde_json::{Value, json};

use crate::world::*;

/// Every copy of `value` with one leaf changed for each of its worst values.
fn worst(value: &Value) -> Vec<Value> {
    match value {
        Value::Number(_) => [json!(0), json!(u64::MAX), json!(i64::MAX), json!(-1), json!(0.5)].into(),
        Value::String(_) => [json!(""), json!("\u{0}\u{ffff}"), json!("x".repeat(100_000)), json!(7)].into(),
        Value::Bool(is) => [json!(!is), json!("true")].into(),
        Value::Null => [json!(0), json!("")].into(),
        Value::Array(items) => {
            let inside = items.iter().enumerate().flat_map(|(place, item)| {
                worst(item).into_iter().map(move |worse| {
                    let mut items = items.clone();
                    items[place] = worse;
                    Value::Array(items)
                })
            });
            let twice = items.iter().chain(items).cloned().collect();
            inside.chain([json!([]), twice, json!({})]).collect()
        }
        Value::Object(fields) => {
            let inside = fields.iter().flat_map(|(name, field)| {
                worst(field).into_iter().map(|worse| {
                    let mut fields = fields.clone();
                    fields.insert(name.clone(), worse);
                    Value::Object(fields)
                })
            });
            let without = fields.keys().map(|name| {
                let mut fields = fields.clone();
                fields.remove(name);
                Value::Object(fields)
            });
            inside.chain(without).collect()
        }
    }
}

/// Looks at everything and lets time pass: whatever was believed must not end in a panic.
fn live_with(mut world: World) {
    world.account();
    world.conversation(CONVERSATION);
    world
        .act(|session, at| session.send(&draft(CONVERSATION, "More"), at))
        .ok();
    world.act(|session, at| session.regenerate(CONVERSATION, at)).ok();
    world.act(|session, at| session.fetch_next_page(CONVERSATION, at));
    world.act(|session, at| session.stop(CONVERSATION, at));
    world.pass(600_000);
    world.account();
    world.conversation(CONVERSATION);
}

fn data(event: &str) -> Value {
    serde_json::from_str(event.split_once("data: ").unwrap().1).unwrap()
}

#[test]
fn figures_of_the_account() {
    let calibration = json!({ "inputBytes": 8_000, "inputTokens": 2_000, "turns": 10, "outputTokens": 500 });
    for body in worst(&with(
        status(spent(1, 9, &[ANSWER])),
        json!({ "calibration": calibration }),
    )) {
        let mut world = World::new(options());
        world.give_token(token(USER));
        world.reply("quota_status", 200, &body);
        live_with(world);
    }
}

#[test]
fn figures_of_pages_and_lists() {
    let messages = vec![
        answer(CONVERSATION, USER, ANSWER, 2, "Answer"),
        user_message(CONVERSATION, USER, 1, "Question"),
    ];
    for body in worst(&with(page(CONVERSATION, messages, true), json!({ "liveTurnId": USER }))) {
        let mut world = World::ready();
        world.act(|session, at| session.open(CONVERSATION, at));
        world.reply("get_messages_paginated", 200, &body);
        live_with(world);
    }
    for body in worst(&json!({ "conversations": [conversation(CONVERSATION, 2)], "hasMore": true })) {
        let mut world = World::new(options());
        world.give_token(token(USER));
        world.reply("list_conversations", 200, &body);
        world.act(|session, at| session.fetch_next_conversations(at));
        live_with(world);
    }
}

#[test]
fn figures_of_streams_and_problems() {
    let sending = || {
        let mut world = World::ready();
        world.open(&page(CONVERSATION, vec![], false));
        let turn = world.send(CONVERSATION, "Hello");
        (world, turn)
    };
    let (_, turn) = sending();
    for body in worst(&data(&accepted(CONVERSATION, &turn, 1, "Hello", 2))) {
        let (mut world, _) = sending();
        world.open_stream("/chat", &event("accepted", body));
        live_with(world);
    }
    for body in worst(&data(&delta(&turn, 0, "Hi"))) {
        let (mut world, _) = sending();
        let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "Hello", 2));
        world.say(stream, &event("delta", body));
        live_with(world);
    }
    for body in worst(&data(&done(CONVERSATION, &turn, 2, "Hi", 3))) {
        let (mut world, _) = sending();
        let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "Hello", 2));
        world.say(stream, &event("done", body));
        live_with(world);
    }
    let violation = json!({ "limit": "messages_per_hour", "used": 1, "held": 0, "max": 1, "retryAt": START + 60_000 });
    let verdict = json!({ "allowed": false, "reason": "messages_per_hour", "violations": [violation],
        "retryAt": START + 60_000, "softLimit": false, "estimate": { "minMicroUsd": 1, "maxMicroUsd": 2 },
        "isStale": false, "isFallback": false, "upgrade": null });
    let more = json!({ "verdict": verdict, "usage": spent(2, 1, &[]), "retryAfter": 60, "refundedMicroUsd": 1, "turnId": turn });
    for code in ["quota_exceeded", "conversation_busy", "turn_in_progress"] {
        for body in worst(&problem(code, 429, more.clone())) {
            let (mut world, _) = sending();
            world.reply("/chat", 429, &body);
            live_with(world);
        }
    }
}
