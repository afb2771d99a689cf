// Workers that died, were slow, or were told to stop at an awkward moment.

import { AGENT_IDS } from "../../supabase/functions/chat/agents.ts";
import { assert, assertEquals, test } from "./support/assert.ts";
import { Caller, eventsOf, message, problemOf, readEvents, textOf } from "./support/caller.ts";
import { endOf, sql, turnRow } from "./support/database.ts";
import { gateway, instance } from "./support/instance.ts";
import { serve } from "./support/scripted.ts";

/** A turn whose worker is gone: dispatched, with a partial answer, and then silence for `silentFor` seconds. */
async function abandonedTurn(caller: Caller, partial: string, silentFor: number) {
  const draft = message("Hello");
  const key = [caller.id, draft.id, caller.id];
  await sql(
    "select public.reserve_turn($1, $2, $3, $4, true, 'executive', 'submit-message', 'Hello', 0, null, $5, 100, 'test')",
    ...key,
    draft.conversationId,
    crypto.randomUUID(),
  );
  await sql("select public.dispatch_turn($1, $2, $3)", ...key);
  await sql("select public.flush_turn($1, $2, $3, $4)", ...key, partial);
  await silence(draft.id, silentFor);
  return draft;
}

/** Makes the worker's last sign of life so many seconds old. */
async function silence(turnId: string, seconds: number): Promise<void> {
  await sql(
    "update public.chat_turns set dispatched_at = at, heartbeat_at = at " +
      "from (select now() - $2 * interval '1 second' as at) past where id = $1",
    turnId,
    seconds,
  );
}

test("a worker died: whoever resumes after 30 s of silence gets the partial answer, charged as estimated", async () => {
  const caller = await Caller.signUp();
  const draft = await abandonedTurn(caller, "Half an ans", 31);
  const events = await eventsOf(await caller.request(`/chat/turns/${draft.id}?after=5`));
  const done = events.at(-1)!;
  assertEquals([events[0]!.event, done.event, done.data.turn.state], ["accepted", "done", "expired_charged"]);
  assertEquals([textOf(events, 5), done.data.message.content], ["an ans", "Half an ans"]);
  assertEquals((await caller.messagesToday()).held, 0);
});

test("a worker that is only slow is waited for", async () => {
  const caller = await Caller.signUp();
  const draft = await abandonedTurn(caller, "Half", 10);
  const events = readEvents(await caller.request(`/chat/turns/${draft.id}`));
  assertEquals((await events.next()).value.event, "accepted");
  assertEquals((await events.next()).value.data.text, "Half");
  await sql("select public.flush_turn($1, $2, $1, $3)", caller.id, draft.id, "Half and half");
  assertEquals((await events.next()).value.data, { turnId: draft.id, offset: 4, text: " and half" });
  await sql("select public.release_turn($1, $2, $1, 'test')", caller.id, draft.id);
  const last = (await events.next()).value;
  assertEquals([last.event, last.data.code], ["error", "provider_unavailable"]);
  assert(last.data.refundedMicroUsd > 0, "the refund is told");
});

test("the conversation is deleted while its turn is followed: not found", async () => {
  const caller = await Caller.signUp();
  const draft = await abandonedTurn(caller, "Half", 10);
  const events = readEvents(await caller.request(`/chat/turns/${draft.id}`));
  for (const expected of ["accepted", "delta"]) assertEquals((await events.next()).value.event, expected);
  await sql("update public.conversations set deleted_at = now() where id = $1", draft.conversationId);
  await sql(
    "update public.user_licenses set conversation_count = conversation_count - 1 where user_id = $1",
    caller.id,
  );
  const last = (await events.next()).value;
  assertEquals([last.event, last.data.code], ["error", "not_found"]);
  await sql("select public.release_turn($1, $2, $1, 'test')", caller.id, draft.id);
});

test("stop ends a turn whose worker died", async () => {
  const caller = await Caller.signUp();
  const draft = await abandonedTurn(caller, "Half", 31);
  const reply = await caller.request(`/chat/turns/${draft.id}/stop`, { method: "POST" });
  const { turn, usage } = await reply.json();
  assertEquals([turn.state, usage.messagesToday.held], ["expired_charged", 0]);
});

test("a turn that expired under a living worker is finished, and its charge corrected", async () => {
  const caller = await Caller.signUp();
  const draft = message("provider: slowly");
  const events = [];
  for await (const event of readEvents(await caller.post(draft))) {
    events.push(event);
    if (events.length !== 3) continue;
    await silence(draft.id, 31);
    await sql("select public.read_turn($1, $2, $1, 0)", caller.id, draft.id);
    assertEquals((await turnRow(draft.id))?.state, "expired_charged");
  }
  const done = events.at(-1)!;
  assertEquals([done.event, done.data.message.status, done.data.turn.state], ["done", "complete", "settled"]);
  assertEquals(textOf(events), done.data.message.content);
});

test("a turn that expired before its provider failed is told as failed, and costs nothing", async () => {
  const caller = await Caller.signUp();
  const fail = Promise.withResolvers<Response>();
  await using provider = serve(() => fail.promise);
  await using waiting = instance({ openAiBaseUrl: provider.url });
  const draft = message("Hello");
  const events = readEvents(await caller.through(waiting.url).post(draft));
  assertEquals((await events.next()).value.event, "accepted");
  while ((await turnRow(draft.id))?.state !== "expired_charged") { // a flush may come in between
    await silence(draft.id, 31);
    await sql("select public.read_turn($1, $2, $1, 0)", caller.id, draft.id);
  }
  fail.resolve(new Response("overloaded", { status: 503 }));
  const last = (await events.next()).value;
  assertEquals([last.event, last.data.message?.status, last.data.turn?.costMicroUsd], ["done", "failed", 0]);
  assertEquals(await caller.messagesToday(), { held: 0, used: 1, costMicroUsd: 0 });
});

test("a turn that was released under a living worker ends for its caller too", async () => {
  const caller = await Caller.signUp();
  const draft = message("provider: slowly");
  const events = [];
  for await (const event of readEvents(await caller.post(draft))) {
    events.push(event);
    if (events.length === 3) await sql("select public.release_turn($1, $2, $1, 'test')", caller.id, draft.id);
  }
  assertEquals([events.at(-1)!.event, events.at(-1)!.data.code], ["error", "provider_unavailable"]);
  assertEquals((await endOf(draft.id)).state, "released");
});

test("stopped between reservation and dispatch: the provider is not asked and nothing is charged", async () => {
  const caller = await Caller.signUp();
  const draft = message("Hello");
  await using supabase = gateway(async (path) => {
    if (path.endsWith("/dispatch_turn")) {
      await sql("update public.chat_turns set stop_requested = true where id = $1", draft.id);
    }
    return null;
  });
  await using slow = instance({ supabaseUrl: supabase.url });
  const events = await eventsOf(await caller.through(slow.url).post(draft));
  const done = events.at(-1)!;
  assertEquals([done.event, done.data.message.status, done.data.turn.costMicroUsd], ["done", "stopped", 0]);
});

test("crashed after the reservation: the same message sent again goes on with the same hold", async () => {
  const caller = await Caller.signUp();
  const draft = message("Hello");
  await using supabase = gateway((path) =>
    path.endsWith("/dispatch_turn") ? new Response("away", { status: 503 }) : null
  );
  await using crashing = instance({ supabaseUrl: supabase.url });
  assertEquals((await problemOf(await caller.through(crashing.url).post(draft))).code, "unavailable");
  assertEquals((await turnRow(draft.id))?.state, "held");

  const events = await eventsOf(await caller.post(draft));
  assertEquals(events.at(-1)!.event, "done");
  assertEquals([(await caller.messagesToday()).used, (await turnRow(draft.id))?.attempt], [1, 1]);
});

test("the function and the database know the same agents", async () => {
  const rows = await sql<{ id: string }>("select id from public.agents");
  assertEquals(rows.map(({ id }) => id).sort(), [...AGENT_IDS].sort());
});
