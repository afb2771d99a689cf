// One message, from sending to the charge; and every way in which it can go on or go wrong on the way.

import { assert, assertEquals, test } from "./support/assert.ts";
import { Caller, eventsOf, message, problemOf, readEvents, textOf } from "./support/caller.ts";
import { endOf, sql, turnRow } from "./support/database.ts";
import { gateway, instance } from "./support/instance.ts";

test("a message is accepted, streamed, done, and charged by the provider's figures", async () => {
  const caller = await Caller.signUp("pro");
  const draft = message("Hello");
  const response = await caller.post(draft);
  assertEquals(response.status, 200);
  assert(response.headers.get("RateLimit")?.startsWith('"hour";r=99;t='), "RateLimit tells what is left");
  assertEquals(response.headers.get("RateLimit-Policy"), '"hour";q=100;w=3600, "day";q=500;w=86400');
  // Private; and Chromium reads what may not be stored a frame at a time, not piece by piece.
  assertEquals(response.headers.get("Cache-Control"), "no-store, no-transform");

  const events = await eventsOf(response);
  assertEquals(events.map(({ event }) => event).filter((event) => event !== "delta"), ["accepted", "done"]);
  const accepted = events[0]!.data;
  const done = events.at(-1)!.data;
  assertEquals(accepted.turn.id, draft.id);
  assertEquals(accepted.turn.state, "dispatched");
  assertEquals(accepted.conversation.id, draft.conversationId);
  assertEquals([accepted.userMessage.content, accepted.from], ["Hello", 0]);
  assertEquals(accepted.usage.messagesToday, { held: 1, used: 0 });
  assert(accepted.usage.liveTurnIds.includes(draft.id), "the turn is live");

  assert(events.filter(({ event }) => event === "delta").length > 3, "it streams");
  assertEquals(textOf(events), done.message.content);
  assert(done.message.content.includes("🙂"), "no character is broken by a chunk's end");
  assertEquals([done.message.status, done.turn.state], ["complete", "settled"]);
  assertEquals(done.usage.messagesToday, { held: 0, used: 1 });
  assertEquals(done.usage.liveTurnIds, []);

  const turn = await turnRow(draft.id);
  const tokens = Number(turn!.prompt_tokens) + Number(turn!.completion_tokens);
  assertEquals(Number(turn!.cost_micro_usd), 2 * tokens, "2 micro-USD a token");
  assertEquals(done.turn.costMicroUsd, 2 * tokens);
  assertEquals(await caller.messagesToday(), { held: 0, used: 1, costMicroUsd: 2 * tokens });
});

test("before the first token the database is asked twice, however long the conversation and whether calls are capped", async () => {
  const caller = await Caller.signUp();
  const asked: string[] = [];
  await using supabase = gateway((path) => {
    if (path.startsWith("/rest/")) asked.push(path.split("/").at(-1)!);
    return null;
  });
  await using watched = instance({ supabaseUrl: supabase.url });
  const sender = caller.through(watched.url);
  const { conversationId } = message("");
  try {
    for (let n = 0; n < 4; n += 1) {
      if (n === 3) await sql("update public.chat_settings set max_provider_calls = 2");
      asked.length = 0;
      for await (const { event } of readEvents(await sender.post(message("Hello", { conversationId })))) {
        if (event === "delta") break;
      }
      assertEquals(asked.slice(0, 2), ["reserve_turn", "dispatch_turn"]);
      assert(!asked.slice(2).some((name) => name !== "settle_turn"), `nothing else before the first token: ${asked}`);
      await allEnded(caller.id);
    }
  } finally {
    await sql("update public.chat_settings set max_provider_calls = null");
  }
});

test("the second message carries the first as context, and regenerating replaces the answer", async () => {
  const caller = await Caller.signUp();
  const first = message("First");
  await eventsOf(await caller.post(first));
  const { conversationId } = first;
  await caller.say("Second", { conversationId, newConversation: false });
  const events = await eventsOf(
    await caller.post({ id: crypto.randomUUID(), conversationId, trigger: "regenerate-message", content: "" }),
  );
  assertEquals(events[0]!.data.userMessage, null);
  assertEquals(events.at(-1)!.event, "done");
  const [{ count } = { count: 0 }] = await sql<{ count: number }>(
    "select message_count as count from public.conversations where id = $1",
    conversationId,
  );
  assertEquals(Number(count), 4, "two messages and two answers");
});

test("what the free plan does not stream arrives whole, over the same events", async () => {
  const caller = await Caller.signUp("free");
  const draft = message("Hello");
  const events = await eventsOf(await caller.post(draft));
  assertEquals(events.map(({ event }) => event), ["accepted", "delta", "done"]);
  assertEquals(textOf(events), events.at(-1)!.data.message.content);
});

test("the free plan shows no partial answer to whoever looks meanwhile", async () => {
  const caller = await Caller.signUp("free");
  const draft = message("provider: slowly");
  const sending = caller.post(draft).then(eventsOf);
  await until(async () => (await turnRow(draft.id))?.state === "dispatched");
  // Longer than a flush.
  await new Promise((resolve) => setTimeout(resolve, 1300));
  const [row] = await sql<{ partial_answer: string }>(
    "select partial_answer from public.chat_turns where id = $1",
    draft.id,
  );
  assertEquals(row!.partial_answer, "");
  assertEquals((await sending).map(({ event }) => event), ["accepted", "delta", "done"]);
});

test("a settled turn sent again gives the same answer and no second charge", async () => {
  const caller = await Caller.signUp();
  const draft = message("Hello");
  const first = await eventsOf(await caller.post(draft));
  const spent = await caller.messagesToday();
  // The client may have learnt meanwhile that the conversation exists.
  for (const newConversation of [true, false]) {
    const again = await eventsOf(await caller.post({ ...draft, newConversation }));
    assertEquals(again.map(({ event }) => event), ["accepted", "delta", "done"]);
    assertEquals(again.at(-1)!.data.message, first.at(-1)!.data.message);
    assertEquals(textOf(again), textOf(first));
  }
  assertEquals(await caller.messagesToday(), spent);
});

test("the same turn fifty times at once: one is answered, the others are told so", async () => {
  const caller = await Caller.signUp();
  const draft = message("provider: slowly");
  const replies = await Promise.all(Array.from({ length: 50 }, () => caller.post(draft)));
  assertEquals(replies.filter(({ status }) => status === 200).length, 1, "one is answered");
  for (const reply of replies) {
    if (reply.status === 200) {
      assertEquals((await eventsOf(reply)).at(-1)!.event, "done");
    } else {
      const problem = await problemOf(reply);
      assertEquals([problem.code, problem.turnId], ["turn_in_progress", draft.id]);
    }
  }
  assertEquals((await caller.messagesToday()).used, 1);
});

test("another message in a busy conversation: 409 with the live turn", async () => {
  const caller = await Caller.signUp();
  const draft = message("provider: slowly");
  const live = readEvents(await caller.post(draft));
  await live.next();
  const busy = await problemOf(
    await caller.post(message("Me too", { conversationId: draft.conversationId, newConversation: false })),
  );
  assertEquals([busy.code, busy.status, busy.turnId], ["conversation_busy", 409, draft.id]);
  await live.return(undefined);
  await endOf(draft.id);
});

test("an id used for another text: 422 without content", async () => {
  const caller = await Caller.signUp();
  const draft = message("Hello");
  await eventsOf(await caller.post(draft));
  const problem = await problemOf(await caller.post({ ...draft, content: "Something else" }));
  assertEquals([problem.code, problem.status], ["id_reused", 422]);
});

test("stop keeps the partial answer and charges the prompt and what was generated", async () => {
  const caller = await Caller.signUp();
  const draft = message("provider: slowly");
  const events = [];
  let asked = false;
  for await (const event of readEvents(await caller.post(draft))) {
    events.push(event);
    if (asked || events.length < 5) continue;
    asked = true;
    const reply = await caller.request(`/chat/turns/${draft.id}/stop`, { method: "POST" });
    assertEquals(reply.status, 200);
    assertEquals((await reply.json()).turn.id, draft.id);
  }
  const done = events.at(-1)!;
  assertEquals([done.event, done.data.message.status, done.data.turn.state], ["done", "stopped", "settled"]);
  assertEquals(textOf(events), done.data.message.content);
  assert(done.data.message.content.length < 500, "the rest was not generated");
  const turn = await turnRow(draft.id);
  assert(Number(turn!.cost_micro_usd) > 0, "it costs something");
  assert(Number(turn!.cost_micro_usd) < Number(turn!.hold_micro_usd), "and less than the hold");
});

test("a stop ends one's own turn alone: the same id in another organization goes on", async () => {
  const [caller, stranger] = [await Caller.signUp(), await Caller.signUp()];
  const draft = message("provider: slowly");
  const theirs = readEvents(await stranger.post({ ...message("provider: slowly"), id: draft.id }));
  const events = readEvents(await caller.post(draft));
  for (const both of [events, theirs]) for (let n = 0; n < 3; n += 1) await both.next();
  const reply = await stranger.request(`/chat/turns/${draft.id}/stop`, { method: "POST" });
  assertEquals((await reply.json()).turn.organizationId, stranger.id);
  const [done, stopped] = (await Promise.all([events, theirs].map((both) => Array.fromAsync(both)))).map((rest) =>
    rest.at(-1)!.data.message
  );
  assertEquals([done.status, stopped.status], ["complete", "stopped"]);
});

test("a stop that only the database knows of reaches the worker with the next flush", async () => {
  const caller = await Caller.signUp();
  const draft = message("provider: slowly");
  const reading = caller.post(draft).then(eventsOf);
  await until(async () => (await turnRow(draft.id))?.state === "dispatched");
  await sql("update public.chat_turns set stop_requested = true where id = $1", draft.id);
  const done = (await reading).at(-1)!;
  assertEquals([done.event, done.data.message.status], ["done", "stopped"]);
});

test("the caller disconnects: the answer is there and charged", async () => {
  const caller = await Caller.signUp();
  const draft = message("provider: slowly");
  const leaving = new AbortController();
  const events = readEvents(await caller.post(draft, { signal: leaving.signal }));
  await events.next();
  await events.next();
  leaving.abort();
  await events.next().catch(() => {});
  const turn = await endOf(draft.id);
  assertEquals(turn.state, "settled");
  const [answer] = await sql<{ content: string; status: string }>(
    "select content, status from public.chat_messages where turn_id = $1 and role = 'assistant'",
    draft.id,
  );
  assertEquals([answer!.status, answer!.content.includes("Line 40 ")], ["complete", true]);
  assertEquals((await caller.messagesToday()).held, 0);
});

test("a lost connection is picked up from the byte it had", async () => {
  const caller = await Caller.signUp();
  const draft = message("provider: slowly");
  const leaving = new AbortController();
  const before = [];
  for await (const event of readEvents(await caller.post(draft, { signal: leaving.signal }))) {
    before.push(event);
    if (before.length === 20) break;
  }
  leaving.abort();
  const have = textOf(before);

  const after = await eventsOf(await caller.request(`/chat/turns/${draft.id}?after=${have.length}`));
  assertEquals(after[0]!.event, "accepted");
  const { from, conversation, userMessage } = after[0]!.data;
  assert(from <= have.length, "it starts no later than asked for");
  assertEquals([conversation.id, userMessage.id], [draft.conversationId, draft.id]);
  const done = after.at(-1)!;
  assertEquals([done.event, done.data.message.status], ["done", "complete"]);
  assertEquals(have.slice(0, from) + textOf(after, from), done.data.message.content);
  assertEquals((await caller.messagesToday()).used, 1);
});

test("a turn that has ended is read from any byte, never from within a character", async () => {
  const caller = await Caller.signUp();
  const draft = message("Hello");
  const { content } = (await eventsOf(await caller.post(draft))).at(-1)!.data.message;
  const bytes = new TextEncoder().encode(content);
  const face = new TextEncoder().encode(content.slice(0, content.indexOf("🙂"))).length;
  for (const after of [0, face, face + 2, bytes.length, bytes.length + 5]) {
    const events = await eventsOf(await caller.request(`/chat/turns/${draft.id}?after=${after}`));
    const { from } = events[0]!.data;
    assert(from <= after, "not later than asked for");
    const head = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, from));
    assertEquals(head + textOf(events, from), content);
  }
});

const allEnded = (userId: string) =>
  until(async () => {
    const live = "select 1 from public.chat_turns where user_id = $1 and state in ('held', 'dispatched')";
    return (await sql(live, userId)).length === 0;
  });

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("what was waited for did not happen");
}
