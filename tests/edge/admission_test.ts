// Calls of the provider are capped: who is too many waits, is told where, and gets the answer, the way out, or the hold back.

import { assert, assertEquals, test } from "./support/assert.ts";
import { Caller, type Event, eventsOf, message, readEvents, textOf } from "./support/caller.ts";
import { endOf, sql, turnRow } from "./support/database.ts";
import { gateway, instance } from "./support/instance.ts";

/** One call at a time; `await using` lifts the cap again. */
async function oneAtATime() {
  await sql("update public.chat_settings set max_provider_calls = 1");
  return {
    [Symbol.asyncDispose]: async () => {
      await sql("update public.chat_settings set max_provider_calls = null");
      await vacate();
    },
  };
}

/** Takes the only slot, as a turn of somebody else would. */
const occupy = () => sql("update private.provider_slots set leased_until = now() + interval '1 hour'");
const vacate = () => sql("update private.provider_slots set leased_until = '-infinity'");

const names = (events: Event[]) => events.map(({ event }) => event).filter((event) => event !== "delta");

/** Reads up to the first event with this name; the rest can be read on. */
async function upTo(name: string, events: AsyncGenerator<Event>): Promise<Event[]> {
  const read: Event[] = [];
  for (;;) {
    const { value, done } = await events.next();
    assert(!done, `there is an event ${name} after ${names(read)}`);
    read.push(value);
    if (value.event === name) return read;
  }
}

test("three at once where one is allowed: the others wait, move up, and are answered", async () => {
  await using _cap = await oneAtATime();
  const caller = await Caller.signUp("enterprise");
  const first = readEvents(await caller.post(message("provider: slowly")));
  await upTo("delta", first);

  const second = readEvents(await caller.post(message("provider: slowly")));
  const waiting = await upTo("queued", second);
  assertEquals(names(waiting), ["accepted", "queued"]);
  assertEquals(waiting[0]!.data.turn.state, "held");
  assertEquals(waiting[1]!.data.position, 1);
  const third = readEvents(await caller.post(message("Hello")));
  assertEquals((await upTo("queued", third)).at(-1)!.data.position, 2);

  const [a, b, c] = await Promise.all([first, second, third].map((events) => Array.fromAsync(events)));
  assertEquals(a!.at(-1)!.event, "done");
  assertEquals(names(b!), ["done"], "the position does not change, so it is told once");
  assertEquals(c!.filter(({ event }) => event === "queued").map(({ data }) => data.position), [1]);
  assertEquals([b!.at(-1)!.event, c!.at(-1)!.event], ["done", "done"]);
  assertEquals(textOf(c!), c!.at(-1)!.data.message.content);
  assertEquals((await caller.messagesToday()).used, 3);
});

test("after a minute: an error with the time to come back, and the hold goes back", async () => {
  await using _cap = await oneAtATime();
  await occupy();
  const caller = await Caller.signUp();
  const draft = message("Hello");
  const events = readEvents(await caller.post(draft));
  await upTo("queued", events);
  await sql("update public.chat_turns set queued_at = queued_at - interval '60 seconds' where id = $1", draft.id);
  const { data: problem } = (await upTo("error", events)).at(-1)!;
  assertEquals([problem.code, problem.status], ["provider_unavailable", 503]);
  assert(problem.retryAfter >= 1, "it says when to come back");
  assertEquals(problem.refundedMicroUsd, Number((await turnRow(draft.id))!.hold_micro_usd));
  assertEquals([problem.usage.messagesToday, (await turnRow(draft.id))!.state], [{ held: 0, used: 0 }, "released"]);

  await vacate();
  assertEquals((await eventsOf(await caller.post(draft))).at(-1)!.event, "done", "the same message, sent again");
});

test("a stop while it waits: the provider is not asked and nothing is charged", async () => {
  await using _cap = await oneAtATime();
  await occupy();
  const caller = await Caller.signUp();
  const draft = message("Hello");
  const events = readEvents(await caller.post(draft));
  await upTo("queued", events);
  const stopped = await caller.request(`/chat/turns/${draft.id}/stop`, { method: "POST" });
  assertEquals(stopped.status, 200);
  await stopped.body?.cancel();
  const done = (await upTo("done", events)).at(-1)!.data;
  assertEquals([done.message.status, done.turn.costMicroUsd], ["stopped", 0]);
});

test("whoever comes back while it waits is told the position, and gets the answer", async () => {
  await using _cap = await oneAtATime();
  await occupy();
  const caller = await Caller.signUp();
  const draft = message("Hello");
  const leaving = new AbortController();
  const events = readEvents(await caller.post(draft, { signal: leaving.signal }));
  await upTo("queued", events);
  leaving.abort();
  await events.next().catch(() => {});

  const resumed = readEvents(await caller.request(`/chat/turns/${draft.id}`));
  const waiting = await upTo("queued", resumed);
  assertEquals([waiting[0]!.data.turn.state, waiting.at(-1)!.data], ["held", { turnId: draft.id, position: 1 }]);
  await vacate();
  const rest = await Array.fromAsync(resumed);
  assertEquals(textOf(rest), rest.at(-1)!.data.message.content);
});

test("the same message twice while it waits: one call of the provider, both get its answer", async () => {
  await using _cap = await oneAtATime();
  await occupy();
  const caller = await Caller.signUp();
  const draft = message("Hello");
  const both = [readEvents(await caller.post(draft)), readEvents(await caller.post(draft))];
  for (const events of both) await upTo("queued", events);
  await vacate();
  const [one, two] = await Promise.all(both.map((events) => Array.fromAsync(events)));
  assertEquals(textOf(one!), textOf(two!));
  assertEquals(one!.at(-1)!.data.message, two!.at(-1)!.data.message);
  assertEquals([(await caller.messagesToday()).used, (await turnRow(draft.id))!.attempt], [1, 1]);
});

test("the database is away while it waits: it goes on waiting", async () => {
  await using _cap = await oneAtATime();
  await occupy();
  const caller = await Caller.signUp();
  let failures = 0;
  await using supabase = gateway((path) => {
    if (!path.endsWith("/dispatch_turn") || failures === 0 || failures > 3) return null;
    failures += 1;
    return new Response("away", { status: 503 });
  });
  await using shaky = instance({ supabaseUrl: supabase.url });
  const draft = message("Hello");
  const events = readEvents(await caller.through(shaky.url).post(draft));
  await upTo("queued", events);
  failures = 1;
  await vacate();
  assertEquals((await upTo("done", events)).at(-1)!.data.message.status, "complete");
  assertEquals([failures, (await endOf(draft.id)).state], [4, "settled"]);
});
