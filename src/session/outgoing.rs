//! What a request looks like when it goes out.

use crate::json;
use crate::outbox::Trigger;
use crate::pages::PAGE_SIZE;

use super::Session;
use super::io::{Base, Request, RequestId};
use super::requests::Purpose;
use super::wire::{self, ChangeConversation, ChatRequest, GetMessages, ListConversations, Organization};

/// Conversations a page of the list.
const LIST_SIZE: u32 = 50;

impl Session {
    /// The request as it goes out now; `None` when there is nothing left to ask.
    pub(super) fn request(&self, id: RequestId, purpose: &Purpose, token: String) -> Option<Request> {
        let p_org_id = self.settings.organization_id.as_deref();
        let rpc = |name: &str, body: String| (Base::Project, "POST", ["/rest/v1/rpc/", name].concat(), Some(body));
        let (base, method, path, body) = match purpose {
            Purpose::Account => rpc("quota_status", wire::write(&Organization { p_org_id })),
            Purpose::Conversations { more } => {
                let after = if *more { self.account.conversations.last() } else { None };
                let body = ListConversations {
                    p_before_updated_at: after.map(|conversation| conversation.updated_at),
                    p_before_id: after.map(|conversation| conversation.id.as_str()),
                    p_limit: LIST_SIZE,
                    p_org_id,
                };
                rpc("list_conversations", wire::write(&body))
            }
            Purpose::Latest(conversation_id) => {
                rpc("get_messages_paginated", get_messages(conversation_id, None, p_org_id))
            }
            Purpose::Older {
                conversation_id,
                cursor,
            } => rpc(
                "get_messages_paginated",
                get_messages(conversation_id, Some(*cursor), p_org_id),
            ),
            Purpose::Rename { id, title, .. } => rpc(
                "rename_conversation",
                wire::write(&ChangeConversation {
                    p_id: id,
                    p_title: Some(title),
                    p_org_id,
                }),
            ),
            Purpose::Delete { id, .. } => rpc(
                "delete_conversation",
                wire::write(&ChangeConversation {
                    p_id: id,
                    p_title: None,
                    p_org_id,
                }),
            ),
            Purpose::Post { turn_id, .. } => {
                let entry = self.outbox.get(turn_id)?;
                let body = ChatRequest {
                    id: turn_id,
                    conversation_id: &entry.conversation_id,
                    organization_id: entry.organization_id.as_deref(),
                    new_conversation: entry.new_conversation,
                    agent: &entry.agent,
                    trigger: match entry.trigger {
                        Trigger::SubmitMessage => "submit-message",
                        Trigger::RegenerateMessage => "regenerate-message",
                    },
                    content: &entry.content,
                    files: entry.files,
                };
                (Base::Functions, "POST", "/chat".to_owned(), Some(wire::write(&body)))
            }
            Purpose::Resume {
                conversation_id,
                turn_id,
            } => {
                let from = self.received(conversation_id);
                let path = [
                    "/chat/turns/",
                    turn_id,
                    "?after=",
                    &json::digits(from as u64),
                    &organization(p_org_id),
                ]
                .concat();
                (Base::Functions, "GET", path, None)
            }
            Purpose::Stop { turn_id, .. } => {
                let path = [
                    "/chat/turns/",
                    turn_id,
                    "/stop?",
                    organization(p_org_id).trim_start_matches('&'),
                ]
                .concat();
                (Base::Functions, "POST", path, None)
            }
        };
        let stream = purpose.stream().is_some();
        Some(Request {
            id,
            base,
            method,
            path,
            body,
            stream,
            token,
        })
    }
}

fn get_messages(conversation_id: &str, before: Option<u64>, p_org_id: Option<&str>) -> String {
    wire::write(&GetMessages {
        p_conversation_id: conversation_id,
        p_before: before,
        p_limit: PAGE_SIZE,
        p_org_id,
    })
}

fn organization(id: Option<&str>) -> String {
    // An organization's id is a UUID; anything else is refused by the server and must not bend the path.
    let id = id.filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    id.map_or_else(String::new, |id| ["&org=", id].concat())
}
