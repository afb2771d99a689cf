// The provider fails, the database fails: nobody is charged for nothing, and nobody is let through unchecked.

import { assert, assertEquals, test } from "./support/assert.ts";
import { Caller, eventsOf, message, problemOf, readEvents, textOf } from "./support/caller.ts";
import { endOf, sql, turnRow } from "./support/database.ts";
import { env } from "./support/env.ts";
import { gateway, instance } from "./support/instance.ts";
import { deadUrl } from "./support/scripted.ts";

test("the provider fails before the first character: an error event, the hold goes back, the id may be used again", async () => {
  const caller = await Caller.signUp();
  const cases: [string, number | undefined][] = [
    ["provider: 500", 5],
    ["provider: 400", undefined], // it would be refused again
    ["provider: 429", 7],
    ["provider: break off before text", 5],
  ];
  for (const [content, retryAfter] of cases) {
    // Each with an instance of its own: three failures in a row would be remembered.
    await using fresh = instance({});
    const sender = caller.through(fresh.url);
    const draft = message(content);
    const events = await eventsOf(await sender.post(draft));
    assertEquals(events.map(({ event }) => event), ["accepted", "error"], content);
    const problem = events[1]!.data;
    assertEquals(
      [problem.code, problem.status, problem.retryAfter],
      ["provider_unavailable", 503, retryAfter],
      content,
    );
    assertEquals(problem.refundedMicroUsd, events[0]!.data.turn.holdMicroUsd);
    assertEquals([problem.usage.messagesToday, problem.usage.costTodayMicroUsd], [
      { held: 0, used: 0 },
      { held: 0, used: 0 },
    ]);
    assertEquals((await turnRow(draft.id))?.state, "released");

    const again = await eventsOf(await sender.post(draft));
    assertEquals(again.map(({ event }) => event), ["accepted", "error"], "a new attempt under the same id");
    assertEquals((await turnRow(draft.id))?.attempt, 2);
  }
  assertEquals(await caller.messagesToday(), { held: 0, used: 0, costMicroUsd: 0 });
});

test("the provider fails within the text: the text is kept and charged, not above the hold", async () => {
  const caller = await Caller.signUp();
  const draft = message("provider: break off within text");
  const events = await eventsOf(await caller.post(draft));
  const done = events.at(-1)!;
  assertEquals([done.event, done.data.message.status], ["done", "stopped"]);
  assertEquals(textOf(events), done.data.message.content);
  const turn = await turnRow(draft.id);
  assert(Number(turn!.cost_micro_usd) > 0, "it is charged");
  assert(Number(turn!.cost_micro_usd) <= Number(turn!.hold_micro_usd), "not above the hold");
});

test("the provider is away: refunds first, then refused before anything is held", async () => {
  await using broken = instance({ openAiBaseUrl: deadUrl() });
  const caller = (await Caller.signUp()).through(broken.url);
  const answered = message("Hello");
  await eventsOf(await caller.through(env.functionsUrl).post(answered));

  for (let n = 0; n < 3; n += 1) assertEquals((await caller.say("Hello")).at(-1)!.event, "error");
  const draft = message("Hello");
  const response = await caller.post(draft);
  const problem = await problemOf(response);
  assertEquals([problem.status, problem.code], [503, "provider_unavailable"]);
  assert(Number(response.headers.get("Retry-After")) >= 1, "it says when to come back");
  assertEquals(await turnRow(draft.id), undefined, "nothing was reserved");

  const replay = await eventsOf(await caller.post(answered));
  assertEquals(replay.at(-1)!.event, "done", "what was answered already is still told");
  // Also when its worker died: it was charged.
  await sql("update public.chat_turns set state = 'expired_charged' where id = $1", answered.id);
  assertEquals((await eventsOf(await caller.post(answered))).at(-1)!.data.turn?.state, "expired_charged");
});

test("no provider is configured: 503 before anything is held", async () => {
  await using bare = instance({ openAiKey: undefined, openAiBaseUrl: undefined });
  const caller = (await Caller.signUp()).through(bare.url);
  const draft = message("Hello");
  assertEquals((await problemOf(await caller.post(draft))).code, "provider_unavailable");
  assertEquals(await turnRow(draft.id), undefined);
});

test("Supabase is away: 503, never a yes", async () => {
  await using lost = instance({ supabaseUrl: deadUrl() });
  const caller = (await Caller.signUp()).through(lost.url);
  for (
    const attempt of [
      caller.post(message("Hello")),
      caller.request(`/chat/turns/${crypto.randomUUID()}`),
      caller.request(`/chat/turns/${crypto.randomUUID()}/stop`, { method: "POST" }),
    ]
  ) {
    const response = await attempt;
    const problem = await problemOf(response);
    assertEquals([problem.status, problem.code], [503, "unavailable"]);
    assert(Number(response.headers.get("Retry-After")) >= 1, "it says when to come back");
  }
});

test("the database fails, hangs or answers nonsense while sign-in works: 503, never a yes", async () => {
  const caller = await Caller.signUp();
  const failures: Record<string, () => Response | Promise<Response>> = {
    "an error of the gateway": () => new Response("<html>Bad gateway</html>", { status: 502 }),
    "too many connections": () => Response.json({ code: "53300", message: "too many clients" }, { status: 500 }),
    "shutting down": () => Response.json({ code: "57P01", message: "terminating connection" }, { status: 500 }),
    "a lock that is not got": () => Response.json({ code: "55P03", message: "lock timeout" }, { status: 400 }),
    "an id that was taken at the same moment": () =>
      Response.json({ code: "23505", message: "taken" }, { status: 409 }),
    "silence": () => new Promise(() => {}),
  };
  await Promise.all(
    Object.entries(failures).map(async ([what, fail]) => {
      await using supabase = gateway((path) => path.startsWith("/rest/") ? fail() : null);
      await using broken = instance({ supabaseUrl: supabase.url });
      const problem = await problemOf(await caller.through(broken.url).post(message("Hello")));
      assertEquals([problem.status, problem.code], [503, "unavailable"], what);
    }),
  );
});

test("the database is slow: 503 while it waits for a lock, and the message sent again is the same one", async () => {
  const caller = await Caller.signUp();
  // Somebody holds the member's licence for longer than a caller is kept waiting.
  const slow = sql(
    `begin; select from public.user_licenses where user_id = '${caller.id}' for update; select pg_sleep(9); commit`,
  );
  const draft = message("Hello");
  const response = await caller.post(draft);
  assertEquals([(await problemOf(response)).code, response.status], ["unavailable", 503]);
  assert(Number(response.headers.get("Retry-After")) >= 1, "it says when to come back");
  await slow;
  assertEquals((await eventsOf(await caller.post(draft))).at(-1)!.event, "done");
  assertEquals([(await caller.messagesToday()).used, (await turnRow(draft.id))!.attempt], [1, 1]);
});

test("the database rejects the call as wrong: 500 without its words", async () => {
  const caller = await Caller.signUp();
  await using supabase = gateway((path) =>
    path.startsWith("/rest/")
      ? Response.json({ code: "42883", message: "function secret_internals() does not exist" }, { status: 404 })
      : null
  );
  await using broken = instance({ supabaseUrl: supabase.url });
  const problem = await problemOf(await caller.through(broken.url).post(message("Hello")));
  assertEquals([problem.status, problem.code], [500, "internal"]);
  assert(!JSON.stringify(problem).includes("secret_internals"), "nothing of it is told");
});

test("the database is away during the answer: flushes fail, the charge lands when it is back", async () => {
  const caller = await Caller.signUp();
  let failing = false;
  let failed = 0;
  await using supabase = gateway(() => {
    // Two flushes and at least one attempt to settle.
    if (!failing || failed === 4) return null;
    failed += 1;
    return new Response("away", { status: 503 });
  });
  await using shaky = instance({ supabaseUrl: supabase.url });
  const draft = message("provider: slowly");
  const events = [];
  for await (const event of readEvents(await caller.through(shaky.url).post(draft))) {
    events.push(event);
    if (events.length === 3) failing = true;
  }
  assertEquals(failed, 4, "the database was away");
  assertEquals([events.at(-1)!.event, events.at(-1)!.data.message.status], ["done", "complete"]);
  assertEquals((await endOf(draft.id)).state, "settled");
});

test("the database never takes the result: the caller is told, and the sweeper charges what was held", async () => {
  const caller = await Caller.signUp();
  let gone = false;
  await using supabase = gateway(() => gone ? new Response("away", { status: 503 }) : null);
  await using lost = instance({ supabaseUrl: supabase.url });
  const draft = message("provider: slowly");
  // The waits between the attempts pass a hundred times as fast.
  const realSetTimeout = globalThis.setTimeout;
  const events = [];
  try {
    for await (const event of readEvents(await caller.through(lost.url).post(draft))) {
      events.push(event);
      if (events.length !== 3) continue;
      gone = true;
      const fast = (work: () => void, ms = 0) => realSetTimeout(work, ms >= 500 ? ms / 100 : ms);
      globalThis.setTimeout = Object.assign(fast, realSetTimeout) as typeof setTimeout;
    }
  } finally {
    globalThis.setTimeout = realSetTimeout;
  }
  assertEquals([events.at(-1)!.event, events.at(-1)!.data.code], ["error", "unavailable"]);
  assertEquals((await turnRow(draft.id))!.state, "dispatched");
  await sql("update public.chat_turns set created_at = created_at - interval '16 minutes' where id = $1", draft.id);
  await sql("select public.sweep_stale_turns(10)");
  const turn = await turnRow(draft.id);
  assertEquals([turn!.state, turn!.cost_micro_usd], ["expired_charged", turn!.hold_micro_usd]);
});
