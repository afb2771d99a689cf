// What the function writes to its log, and what it answers: no key, no token, and nothing of what people wrote.

import { assert, assertEquals, test } from "./support/assert.ts";
import { Caller, message } from "./support/caller.ts";
import { sql } from "./support/database.ts";
import { env } from "./support/env.ts";
import { gateway } from "./support/instance.ts";
import { startProcess } from "./support/process.ts";
import { chunk, serve } from "./support/scripted.ts";
import { forgeToken } from "./support/token.ts";

const PRIVATE = "what only its author and the model may read";

/** A provider that tells everybody the key it was called with, as some do in their errors. */
function indiscreet() {
  return serve(async (request) => {
    const key = request.headers.get("Authorization");
    const { messages } = await request.json();
    const words = `Incorrect API key provided: ${key}. You said: ${PRIVATE}`;
    const stream = (...lines: string[]) =>
      new Response(lines.map((line) => `data: ${line}\n\n`).join(""), {
        headers: { "Content-Type": "text/event-stream" },
      });
    switch (messages.at(-1).content.split(":")[0]) {
      case "refused":
        return Response.json({ error: { message: words } }, { status: 401, statusText: `Bad key ${key}` });
      case "overloaded":
        return Response.json({ error: { message: words } }, { status: 503, headers: { "X-Key": key! } });
      case "an error for a chunk":
        return stream(chunk({ text: "Half" }), JSON.stringify({ error: { message: words } }));
      case "nonsense for a chunk":
        return stream(`{${words}`);
      case "slowly": // longer than a flush takes to come
        await new Promise((resolve) => setTimeout(resolve, 1_300));
        return stream(chunk({ text: "Fine" }), chunk({ finish: "stop" }), "[DONE]");
      default:
        return stream(chunk({ text: "Fine" }), chunk({ finish: "stop" }), "[DONE]");
    }
  });
}

test("no secret is written or answered, whatever goes well or wrong", async () => {
  await using provider = indiscreet();
  let failing: ((path: string) => Response | null) | null = null;
  await using supabase = gateway((path) => failing?.(path) ?? null);
  await using chat = await startProcess({
    SUPABASE_URL: supabase.url,
    SUPABASE_PUBLISHABLE_KEY: env.publishableKey,
    SUPABASE_SECRET_KEY: env.secretKey,
    OPENAI_API_KEY: env.providerKey,
    OPENAI_BASE_URL: provider.url,
  });
  assert(chat.url, "it listens");
  const caller = (await Caller.signUp()).through(chat.url);
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: caller.id, aud: "authenticated", role: "authenticated", exp: now + 60, iat: now };
  const forged = await forgeToken(claims, "another-secret-of-at-least-32-characters");
  const expired = await forgeToken({ ...claims, exp: now - 60 }, env.jwtSecret);

  const answers: string[] = [];
  const note = async (what: string, expected: string, sent: Promise<Response>) => {
    const response = await sent;
    const answer = `${JSON.stringify([...response.headers])}\n${await response.text()}`;
    assert(answer.includes(expected), `${what}: ${expected} in ${answer}`);
    answers.push(answer);
  };
  const say = (content: string, more = {}) => caller.post(message(`${content}: ${PRIVATE}`, more));

  const answered = message(`well: ${PRIVATE}`);
  // What one wrote comes back to its author alone: so the answers are searched for keys and tokens, not for that.
  await note("a message", "event: done", caller.post(answered));
  await note("its resumption", "event: done", caller.request(`/chat/turns/${answered.id}`));
  await note("a stop", '"settled"', caller.request(`/chat/turns/${answered.id}/stop`, { method: "POST" }));
  for (const fault of ["refused", "an error for a chunk", "nonsense for a chunk", "overloaded"]) {
    await note(fault, "event: accepted", say(fault));
  }
  await note("an unknown agent", "invalid_request", say("x", { agent: PRIVATE }));
  await note("an unknown conversation", "not_found", say("x", { newConversation: false }));
  for (const token of ["not.a.token", forged, expired, env.publishableKey]) {
    await note("a bad token", "unauthenticated", new Caller(caller.id, token, chat.url).post(message(PRIVATE)));
  }
  const failures: [string, string, (path: string) => Response | null][] = [
    ["a defect", "internal", () => Response.json({ code: "42883", message: "no such function" }, { status: 404 })],
    ["a wrong key", "internal", () => Response.json({ message: "Invalid API key" }, { status: 401 })],
    ["an outage", '"unavailable"', () => new Response("<html>", { status: 502 })],
    ["nonsense", '"unavailable"', () => new Response("<html>")],
  ];
  for (const [what, code, fail] of failures) {
    failing = (path) => path.startsWith("/rest/") ? fail(path) : null;
    await note(what, code, say("x"));
  }
  failing = (path) => path.startsWith("/auth/") ? new Response("away", { status: 503 }) : null;
  const other = await Caller.signUp();
  await note("no sign-in", '"unavailable"', other.through(chat.url).post(message(PRIVATE)));
  failing = (path) => path.endsWith("/flush_turn") ? new Response("away", { status: 503 }) : null;
  await note("a flush that fails", "event: done", say("slowly"));

  const { output } = await chat.stop();
  const logged = [
    "the provider answered 401",
    "reserve_turn: unavailable",
    "defect: Error: reserve_turn: 42883",
    "flush failed",
  ];
  for (const line of logged) {
    assert(output.includes(line), `the log says "${line}": ${output}`);
  }
  const tokens = [caller.token, other.token, forged, expired];
  const secrets = [
    env.secretKey,
    env.providerKey,
    env.jwtSecret,
    ...tokens,
    ...tokens.map((token) => token.split(".")[2]!),
  ];
  for (const secret of secrets) {
    assert(!output.includes(secret), `the log carries no secret: ${output}`);
    for (const answer of answers) assert(!answer.includes(secret), `no answer carries a secret: ${answer}`);
  }
  assert(!output.includes(PRIVATE), `the log carries nothing of what was written: ${output}`);
  const reasons = await sql<{ reason: string }>(
    "select release_reason as reason from public.chat_turns where user_id = $1 and state = 'released' order by 1",
    caller.id,
  );
  assertEquals(reasons.map(({ reason }) => reason), [
    "the provider answered 401",
    "the provider answered 503",
    "the provider's stream broke off",
  ]);
});

test("it does not start with keys it cannot read, and says why without them", async () => {
  await using chat = await startProcess({
    SUPABASE_URL: env.supabaseUrl,
    SUPABASE_PUBLISHABLE_KEY: env.publishableKey,
    SUPABASE_SECRET_KEYS: env.secretKey,
  });
  assertEquals(chat.url, null);
  const { code, output } = await chat.stop();
  assert(code !== 0, "it fails");
  assert(output.includes("SUPABASE_SECRET_KEYS is not a list of keys"), `it says why: ${output}`);
  for (let length = env.secretKey.length; length >= 8; length -= 4) {
    assert(!output.includes(env.secretKey.slice(0, length)), `not even the beginning of the key: ${output}`);
  }
});
