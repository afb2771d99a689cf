//! The client in a real browser: real promises, streams, storage and channels; only `fetch` is played.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod stage;

use js_sys::{Array, Object, Reflect};
use serde_json::json;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

use stage::*;

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
async fn a_message_streams_in_and_the_quota_goes_down() {
    let stage = Stage::new().await;
    let id = stage.client.new_conversation(None);
    stage.client.open(&id);
    let turn = stage.client.send(draft(&id, "Hello")).unwrap();
    assert_eq!(remaining(&stage), 499, "held at once");
    assert_eq!(outbox_keys(), 1, "stored before it is sent");

    until("the request", || server::count("/chat") == 1).await;
    server::say(&accepted(&id, &turn));
    until("acceptance", || text(&message(&stage, &id, 0), "status") == "sent").await;
    let question = message(&stage, &id, 0);

    server::say(&delta(&turn, 0, "Grü"));
    server::say(&delta(&turn, 4, "ße"));
    until("the answer", || {
        messages(&stage, &id).length() == 2 && text(&message(&stage, &id, 1), "content") == "Grüße"
    })
    .await;
    assert!(
        Object::is(&question, &message(&stage, &id, 0)),
        "what did not change keeps its object"
    );

    server::say(&done(&id, &turn, "Grüße"));
    until("the end", || text(&shown(&stage, &id), "status") == "ready").await;
    assert_eq!(text(&message(&stage, &id, 1), "status"), "complete");
    assert_eq!(outbox_keys(), 0);
    assert!(
        Object::is(&shown(&stage, &id), &shown(&stage, &id)),
        "the same object until something changes"
    );
    assert!(Object::is(&account(&stage), &account(&stage)));
}

#[wasm_bindgen_test]
async fn a_hundred_deltas_are_told_once_a_frame() {
    let stage = Stage::new().await;
    let id = stage.client.new_conversation(None);
    let turn = stage.client.send(draft(&id, "Hello")).unwrap();
    until("the request", || server::count("/chat") == 1).await;
    server::say(&accepted(&id, &turn));
    until("acceptance", || text(&message(&stage, &id, 0), "status") == "sent").await;
    frame().await;
    let before = stage.changes();
    for place in 0..100 {
        server::say(&delta(&turn, place, "x"));
    }
    until("the answer", || {
        messages(&stage, &id).length() == 2 && text(&message(&stage, &id, 1), "content").len() == 100
    })
    .await;
    frame().await;
    assert!(
        stage.changes() - before <= 4,
        "{} calls for 100 deltas",
        stage.changes() - before
    );
}

#[wasm_bindgen_test]
async fn what_did_not_change_stays_the_same_object() {
    let stage = Stage::new().await;
    let id = stage.client.new_conversation(None);
    stage.client.open(&id);
    let turn = stage.client.send(draft(&id, "Hello")).unwrap();
    until("the request", || server::count("/chat") == 1).await;
    server::say(&accepted(&id, &turn));
    server::say(&delta(&turn, 0, "H"));
    until("a word", || messages(&stage, &id).length() == 2).await;
    let begun = messages(&stage, &id);
    server::say(&delta(&turn, 1, "i"));
    until("another", || text(&message(&stage, &id, 1), "content") == "Hi").await;
    let grown = messages(&stage, &id);
    assert!(!Object::is(&grown, &begun), "another list");
    assert!(Object::is(&grown.get(0), &begun.get(0)), "of the same question");
    assert_eq!(
        text(&begun.get(1), "content"),
        "H",
        "what was shown stays as it was shown"
    );
    server::say(&done(&id, &turn, "Hi"));
    until("the end", || text(&shown(&stage, &id), "status") == "ready").await;

    let (before, list) = (shown(&stage, &id), messages(&stage, &id));
    stage.client.refetch(&id);
    assert!(!Object::is(&shown(&stage, &id), &before), "it is being read");
    assert!(
        Object::is(&messages(&stage, &id), &list),
        "and nothing of it is new yet"
    );
}

#[wasm_bindgen_test]
async fn where_no_frame_comes_an_answer_is_read_and_told_all_the_same() {
    let stage = Stage::new().await;
    let id = stage.client.new_conversation(None);
    frame().await;
    server::stop_painting();
    let before = stage.changes();
    let turn = stage.client.send(draft(&id, "Hello")).unwrap();
    until("the request", || server::count("/chat") == 1).await;
    server::say(&accepted(&id, &turn));
    until("acceptance", || text(&message(&stage, &id, 0), "status") == "sent").await;
    server::say(&done(&id, &turn, "Hi"));
    until("the end", || text(&shown(&stage, &id), "status") == "ready").await;
    until("the news", || stage.changes() > before).await;
    server::go_on_painting();
}

#[wasm_bindgen_test]
async fn what_is_denied_throws_a_real_error_and_asks_nobody() {
    let stage = Stage::with_usage(hour_spent()).await;
    let id = stage.client.new_conversation(None);
    let asked = server::count("/");
    let error = stage.client.send(draft(&id, "One more")).unwrap_err();
    assert!(error.is_instance_of::<js_sys::Error>());
    assert_eq!(text(&error, "name"), "ChatError");
    let detail = Reflect::get(&error, &"detail".into()).unwrap();
    assert_eq!(text(&detail, "code"), "quota_exceeded");
    assert!(field(&detail, "status").is_null(), "null, not undefined");
    assert!(
        field(&field(&detail, "verdict"), "retryAt").as_f64().is_some(),
        "a number, not a BigInt"
    );
    assert_eq!(server::count("/"), asked);
    assert_eq!(outbox_keys(), 0);
}

#[wasm_bindgen_test]
async fn a_fetch_that_rejects_with_anything_harms_nobody() {
    let stage = Stage::new().await;
    let id = stage.client.new_conversation(None);
    server::reject_with(&"a string".into());
    let turn = stage.client.send(draft(&id, "Hello")).unwrap();
    until("the failed request", || server::count("/chat") >= 1).await;
    server::reject_with(&JsValue::NULL);
    until("another try", || server::count("/chat") >= 2).await;
    assert_eq!(text(&message(&stage, &id, 0), "status"), "sending");
    server::play();
    let tries = server::count("/chat");
    until("a try that arrives", || server::count("/chat") > tries).await;
    server::say(&accepted(&id, &turn));
    server::say(&done(&id, &turn, "After all"));
    until("the end", || text(&shown(&stage, &id), "status") == "ready").await;
}

#[wasm_bindgen_test]
async fn wrong_options_and_drafts_are_errors_that_say_so() {
    let wrong = stage::client(&json!({ "supabaseUrl": 1 }), &JsValue::NULL, &JsValue::NULL)
        .err()
        .unwrap();
    assert_eq!(text(&wrong, "name"), "ChatError");
    let stage = Stage::new().await;
    let wrong = stage
        .client
        .send(tsify::Ts::new_unchecked(JsValue::from("text")))
        .unwrap_err();
    assert_eq!(text(&wrong, "name"), "ChatError");
    let wrong = stage
        .client
        .check(tsify::Ts::new_unchecked(JsValue::NULL))
        .err()
        .unwrap();
    assert_eq!(text(&wrong, "name"), "ChatError");
}

#[wasm_bindgen_test]
async fn a_reload_sends_what_was_under_way_again_with_its_id() {
    let stage = Stage::new().await;
    let id = stage.client.new_conversation(None);
    let turn = stage.client.send(draft(&id, "Hello")).unwrap();
    until("the request", || server::count("/chat") == 1).await;
    stage.client.dispose();
    assert_eq!(outbox_keys(), 1);

    let again = Stage::without_clearing().await;
    until("the same request", || server::count("/chat") == 1).await;
    assert!(server::body("/chat").contains(&turn));
    server::say(&accepted(&id, &turn));
    server::say(&done(&id, &turn, "Once"));
    until("the end", || outbox_keys() == 0).await;
    assert_eq!(messages(&again, &id).length(), 2);
}

#[wasm_bindgen_test]
async fn tabs_share_what_is_in_flight_and_the_usage() {
    let one = Stage::new().await;
    let other = Stage::without_clearing().await;
    let id = one.client.new_conversation(None);
    let turn = one.client.send(draft(&id, "Hello")).unwrap();
    until("the request", || server::count("/chat") == 1).await;
    until("the other tab's hold", || remaining(&other) == 499).await;
    server::say(&accepted(&id, &turn));
    until("the server's figures", || usage_stat(&other, "costHeldMicroUsd") == 0).await;
    assert_eq!(remaining(&other), 499, "counted once");
}

#[wasm_bindgen_test]
async fn what_was_shown_to_one_user_is_not_shown_to_the_next() {
    let stage = Stage::new().await;
    let id = stage.client.new_conversation(None);
    stage.client.open(&id);
    let turn = stage.client.send(draft(&id, "Private")).unwrap();
    until("the request", || server::count("/chat") == 1).await;
    server::say(&accepted(&id, &turn));
    server::say(&done(&id, &turn, "Secret"));
    until("the end", || outbox_keys() == 0).await;
    assert_eq!(messages(&stage, &id).length(), 2);
    stage.client.close(&id);
    assert!(
        Object::is(&shown(&stage, &id), &shown(&stage, &id)),
        "the same object though nobody looks"
    );

    let other = "99999999-9999-4999-8999-999999999999";
    server::sign_in(&server::token_of(other));
    stage.client.access_token_changed();
    until("the other user", || text(&account(&stage), "userId") == other).await;
    assert_eq!(messages(&stage, &id).length(), 0);
}

#[wasm_bindgen_test]
async fn timers_that_slept_with_the_machine_hold_nothing_up() {
    // One is set for when the hour frees a place, in a minute.
    let stage = Stage::with_usage(hour_spent()).await;
    server::sleep(3_600_000);
    server::reject_with(&JsValue::NULL);
    stage.client.refetch_account();
    until("the failed request", || server::count("/quota_status") >= 2).await;
    until("another try", || server::count("/quota_status") >= 3).await;
}

#[wasm_bindgen_test]
async fn disposing_inside_a_callback_ends_everything() {
    let stage = Stage::new().await;
    let id = stage.client.new_conversation(None);
    let turn = stage.client.send(draft(&id, "Hello")).unwrap();
    until("the request", || server::count("/chat") == 1).await;
    stage.dispose_on_change();
    server::say(&accepted(&id, &turn));
    until("the abort", server::aborted).await;
    frame().await;
    let changes = stage.changes();
    stage.client.open(&id);
    stage.client.refetch_account();
    stage.client.dispose();
    let error = stage.client.send(draft(&id, "late")).unwrap_err();
    assert_eq!(text(&field(&error, "detail"), "code"), "disposed");
    frame().await;
    assert_eq!(stage.changes(), changes);
}

#[wasm_bindgen_test]
async fn a_token_that_throws_is_an_error_of_the_account() {
    let stage = Stage::signed_out_by("throw").await;
    until("the error", || !field(&account(&stage), "error").is_null()).await;
    assert!(text(&field(&account(&stage), "error"), "message").contains("no token today"));
    let stage = Stage::signed_out_by("null").await;
    until("signed out", || text(&account(&stage), "status") == "signed-out").await;
}

#[wasm_bindgen_test]
async fn nothing_is_left_of_ten_thousand_clients() {
    let mut shown_usage = 0;
    let mut cycle = async |patience: u32| {
        let stage = Stage::bare();
        let id = stage.client.new_conversation(None);
        stage.client.open(&id);
        drop(stage.client.send(draft(&id, &"x".repeat(1_000))));
        for _ in 0..patience {
            moment().await;
        }
        drop(shown(&stage, &id));
        shown_usage += u32::from(!field(&account(&stage), "usageStats").is_null());
        stage.client.dispose();
        clear_storage();
    };
    server::install(&usage().to_string());
    // Some end before the token is there, some with requests and locks under way, some with an answer begun.
    for round in 0..500 {
        cycle((round % 16_u32).saturating_sub(8)).await;
    }
    frame().await;
    let before = memory_pages();
    for round in 0..10_000 {
        cycle((round % 16_u32).saturating_sub(8)).await;
        if round % 100 == 0 {
            frame().await;
        }
    }
    assert!(shown_usage > 1_000, "{shown_usage} lived to know what was spent");
    assert!(memory_pages() - before <= 2, "{} pages more", memory_pages() - before);
}

fn remaining(stage: &Stage) -> u32 {
    usage_stat(stage, "messagesRemaining")
}

fn usage_stat(stage: &Stage, name: &str) -> u32 {
    field(&field(&account(stage), "usageStats"), name).as_f64().unwrap() as u32
}

fn account(stage: &Stage) -> JsValue {
    stage.client.account().into()
}

fn shown(stage: &Stage, id: &str) -> JsValue {
    stage.client.conversation(id).into()
}

fn messages(stage: &Stage, id: &str) -> Array {
    field(&shown(stage, id), "messages").unchecked_into()
}

fn message(stage: &Stage, id: &str, place: u32) -> JsValue {
    messages(stage, id).get(place)
}
