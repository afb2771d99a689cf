// Every way in which the function says no before anything is sent.

import { assert, assertEquals, test } from "./support/assert.ts";
import { Caller, eventsOf, message, problemOf } from "./support/caller.ts";
import { sql } from "./support/database.ts";
import { env } from "./support/env.ts";
import { forgeToken } from "./support/token.ts";

test("401 without a token, with an expired one, and with forged ones", async () => {
  const { id } = await Caller.signUp();
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: id, aud: "authenticated", role: "authenticated", exp: now + 3600, iat: now };
  const tokens = {
    missing: "",
    garbage: "not.a.token",
    expired: await forgeToken({ ...claims, iat: now - 7200, exp: now - 3600 }, env.jwtSecret),
    "signed with another key": await forgeToken(claims, "another-secret-of-at-least-32-characters"),
    unsigned: await forgeToken(claims, null),
    "the publishable key": env.publishableKey,
    "signed well, for nobody": await forgeToken({ ...claims, role: "anon" }, env.jwtSecret),
    "signed well, for the service": await forgeToken({ ...claims, role: "service_role" }, env.jwtSecret),
  };
  for (const [what, token] of Object.entries(tokens)) {
    for (
      const [path, method] of [["/chat", "POST"], [`/chat/turns/${id}`, "GET"], [`/chat/turns/${id}/stop`, "POST"]]
    ) {
      const problem = await problemOf(
        await fetch(`${env.functionsUrl}${path}`, {
          method: method!,
          headers: {
            apikey: env.publishableKey,
            "Content-Type": "application/json",
            ...(token && { Authorization: `Bearer ${token}` }),
          },
          ...(method === "POST" && { body: JSON.stringify(message("Hello")) }),
        }),
      );
      assertEquals([problem.status, problem.code], [401, "unauthenticated"], `${what} on ${path}`);
    }
  }
});

test("400 names the field that is wrong", async () => {
  const caller = await Caller.signUp();
  const good = message("Hello");
  const cases: [string, unknown, string][] = [
    ["no JSON", "{", ""],
    ["no object", "[]", ""],
    ["nothing", {}, "/id"],
    ["an id in upper case", { ...good, id: good.id.toUpperCase() }, "/id"],
    ["no conversation", { ...good, conversationId: undefined }, "/conversationId"],
    ["an organization that is no UUID", { ...good, organizationId: "acme" }, "/organizationId"],
    ["an unknown agent", { ...good, agent: "oracle" }, "/agent"],
    ["an unknown trigger", { ...good, trigger: "shout" }, "/trigger"],
    ["no content", { ...good, content: undefined }, "/content"],
    ["empty content", { ...good, content: " \n" }, "/content"],
    ["a number as content", { ...good, content: 7 }, "/content"],
    ["one byte too many", { ...good, content: "x".repeat(15_999) + "ü" }, "/content"],
    ["much too long", { ...good, content: "x".repeat(300_000) }, "/content"],
    ["a NUL", { ...good, content: "a\u0000b" }, "/content"],
    [
      "half a character",
      `{"id":"${good.id}","conversationId":"${good.conversationId}","content":"\\ud83d"}`,
      "/content",
    ],
    ["negative files", { ...good, files: -1 }, "/files"],
    ["half a file", { ...good, files: 0.5 }, "/files"],
    ["text to regenerate", { ...good, trigger: "regenerate-message", newConversation: false }, "/content"],
  ];
  for (const [what, body, pointer] of cases) {
    const problem = await problemOf(await caller.post(body));
    assertEquals([problem.status, problem.code], [400, "invalid_request"], what);
    assert(problem.errors?.some((error) => error.pointer === pointer), `${what}: ${JSON.stringify(problem.errors)}`);
  }
  const tooLong = await problemOf(await caller.post({ ...good, content: "x".repeat(16_001) }));
  assert(tooLong.detail.includes("16000 bytes"), "the limit is stated");
  assertEquals(await caller.messagesToday(), { held: 0, used: 0, costMicroUsd: 0 });
});

test("400 names what is wrong with a turn's address", async () => {
  const caller = await Caller.signUp();
  const id = crypto.randomUUID();
  for (
    const [path, pointer, method] of [
      ["/chat/turns/mine", "/id", "GET"],
      [`/chat/turns/${id.toUpperCase().replace(/^./, "A")}`, "/id", "GET"],
      [`/chat/turns/${id}?org=acme`, "/org", "GET"],
      [`/chat/turns/${id}?after=-1`, "/after", "GET"],
      [`/chat/turns/${id}?after=12345678901`, "/after", "GET"],
      [`/chat/turns/${id}/stop?org=acme`, "/org", "POST"],
    ] as const
  ) {
    const problem = await problemOf(await caller.request(path, { method }));
    assertEquals([problem.code, problem.errors?.map((error) => error.pointer)], ["invalid_request", [pointer]], path);
  }
});

test("the longest message of the most expensive characters is taken", async () => {
  const caller = await Caller.signUp();
  const events = await caller.say("🙂".repeat(4_000));
  assertEquals(events.at(-1)!.event, "done");
});

test("400 for a body that is not JSON by its content type", async () => {
  const caller = await Caller.signUp();
  const response = await caller.request("/chat", {
    method: "POST",
    headers: { "Content-Type": "text/plain" },
    body: JSON.stringify(message("Hello")),
  });
  assertEquals((await problemOf(response)).code, "invalid_request");
});

test("403 for an agent the plan lacks", async () => {
  const caller = await Caller.signUp("free");
  const problem = await problemOf(await caller.post(message("Hello", { agent: "coding" })));
  assertEquals([problem.status, problem.code], [403, "not_allowed"]);
  assertEquals(problem.violations?.map(({ limit }) => limit), ["agent_not_allowed"]);
  assertEquals(problem.retryAfter, undefined);
});

test("403 for files the plan lacks", async () => {
  const caller = await Caller.signUp("free");
  const problem = await problemOf(await caller.post(message("Hello", { files: 1 })));
  assertEquals(problem.violations?.map(({ limit }) => limit), ["file_uploads_not_allowed"]);
});

test("404 for an unknown conversation, and for another tenant's by every way", async () => {
  const [owner, stranger] = [await Caller.signUp(), await Caller.signUp()];
  const draft = message("Mine");
  await eventsOf(await owner.post(draft));
  const { conversationId } = draft;
  const attempts = [
    stranger.post(message("Hi", { newConversation: false })),
    stranger.post(message("Hi", { conversationId, newConversation: false })),
    stranger.post(message("Hi", { conversationId, newConversation: false, organizationId: owner.id })),
    stranger.post(message("Hi", { organizationId: owner.id })),
    stranger.post({ ...draft, organizationId: owner.id }),
    stranger.request(`/chat/turns/${draft.id}`),
    stranger.request(`/chat/turns/${draft.id}?org=${owner.id}`),
    stranger.request(`/chat/turns/${draft.id}/stop?org=${owner.id}`, { method: "POST" }),
    owner.request(`/chat/turns/${crypto.randomUUID()}`),
  ];
  for (const attempt of attempts) {
    const problem = await problemOf(await attempt);
    assertEquals([problem.status, problem.code], [404, "not_found"]);
    assert(!JSON.stringify(problem).includes(draft.id), "nothing of it is told");
  }
});

test("the eleventh message of the hour: 429 with the time, and nothing consumed", async () => {
  const caller = await Caller.signUp("free");
  const { conversationId } = message("");
  for (let n = 0; n < 10; n += 1) {
    const events = await caller.say(`Message ${n + 1}`, { conversationId, newConversation: n === 0 });
    assertEquals(events.at(-1)!.event, "done");
  }
  const before = await caller.messagesToday();
  const response = await caller.post(message("One more", { conversationId, newConversation: false }));
  const problem = await problemOf(response);
  assertEquals([problem.status, problem.code], [429, "quota_exceeded"]);
  assertEquals(problem.violations?.map(({ limit }) => limit), ["messages_per_hour"]);
  assertEquals(response.headers.get("RateLimit-Policy"), '"hour";q=10;w=3600, "day";q=20;w=86400');
  assert(/^"hour";r=0;t=\d+, "day";r=10;t=\d+$/.test(response.headers.get("RateLimit")!), "nothing is left this hour");

  const retryAfter = Number(response.headers.get("Retry-After"));
  assertEquals(problem.retryAfter, retryAfter);
  const [row] = await sql<{ at: string }>(
    "select extract(epoch from min(created_at)) * 1000 + 3600000 as at from public.chat_turns where user_id = $1",
    caller.id,
  );
  const expected = Math.ceil((Number(row!.at) - Date.now()) / 1000);
  assert(Math.abs(retryAfter - expected) <= 2, `it is lifted in ${expected} s, not ${retryAfter} s`);
  assertEquals(Number(problem.violations![0]!.retryAt), Number(row!.at), "to the millisecond");
  assertEquals(await caller.messagesToday(), before);
});

test("browsers elsewhere may call, and read what they need", async () => {
  const preflight = await fetch(`${env.functionsUrl}/chat`, {
    method: "OPTIONS",
    headers: {
      Origin: "https://app.example.com",
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "authorization,apikey,content-type,x-client-info",
    },
  });
  assert(preflight.ok, `the preflight passes without a token: ${preflight.status}`);
  const allowed = preflight.headers.get("Access-Control-Allow-Headers")?.toLowerCase() ?? "";
  for (const header of ["authorization", "apikey", "content-type", "x-client-info"]) {
    assert(allowed.includes(header), `${header} is allowed`);
  }
  assertEquals(preflight.headers.get("Access-Control-Allow-Origin"), "*");

  const caller = await Caller.signUp("free");
  const answers = [
    await caller.post(message("Hello", { agent: "coding" })),
    await caller.post("{"),
    await caller.post(message("Hello")),
    await fetch(`${env.functionsUrl}/chat`, { method: "POST" }),
    await fetch(`${env.functionsUrl}/elsewhere`),
  ];
  for (const answer of answers) {
    assertEquals(answer.headers.get("Access-Control-Allow-Origin"), "*", `${answer.status}`);
    const exposed = answer.headers.get("Access-Control-Expose-Headers") ?? "";
    for (const header of ["Retry-After", "RateLimit", "RateLimit-Policy"]) assert(exposed.includes(header), header);
    await answer.text();
  }
});
