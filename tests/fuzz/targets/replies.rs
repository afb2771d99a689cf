//! Anything in the place of a server's reply or of an event: an error at most, and the message is still there.
#![no_main]

#[allow(dead_code)]
#[path = "../../session/world.rs"]
mod world;

use libfuzzer_sys::fuzz_target;
use production_chat::session::Input;
use world::*;

// A byte says in whose place, two say the status, the rest is what is said.
fuzz_target!(|input: &[u8]| {
    let [place, high, low, body @ ..] = input else { return };
    let (status, body) = (u16::from_be_bytes([*high, *low]), String::from_utf8_lossy(body).into_owned());
    let mut world = World::ready();
    world.act(|session, at| session.open(CONVERSATION, at));
    match place % 6 {
        0 => world.reply_text("get_messages_paginated", status, Some(&body), &body),
        1 => {
            world.act(|session, at| session.refetch_account(at));
            world.reply_text("quota_status", status, None, &body);
            world.reply_text("list_conversations", status, None, &body);
        }
        2 => world.feed(Input::Tab(body)),
        3 => world.give_token(token(&body)),
        place => {
            world.reply("get_messages_paginated", 200, &page(CONVERSATION, vec![], false));
            let turn = world.send(CONVERSATION, "Keep me");
            if place == 4 {
                world.reply_text("/chat", status, None, &body);
            } else {
                let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "Keep me", 2));
                world.say(stream, &body);
                world.end(stream);
            }
            let shown = world.conversation(CONVERSATION);
            let texts = shown.messages.iter().chain(&shown.queue).map(|it| it.content.as_str());
            let is_kept = texts.clone().any(|text| text == "Keep me");
            assert!(is_kept, "lost; there is {:?}", texts.collect::<Vec<_>>());
        }
    }
    world.pass(60_000);
    world.account();
    world.conversation(CONVERSATION);
});
