// What providers do on the wire, and what becomes of it.

import { brokenCompletions, chunk, completions, deadUrl, serve } from "./support/scripted.ts";
import { assert, assertEquals, test } from "./support/assert.ts";
import { Breaker } from "../../supabase/functions/chat/breaker.ts";
import { createProvider, ProviderFailure } from "../../supabase/functions/chat/provider.ts";

const CONFIG = {
  supabaseUrl: "",
  publishableKey: "",
  secretKey: "",
  openAiKey: "test",
  openAiBaseUrl: undefined,
  model: undefined,
};
const PROMPT = { model: "test", messages: [{ role: "user" as const, content: "Hello" }], maxOutputTokens: 50 };
const USAGE = {
  prompt_tokens: 10,
  completion_tokens: 4,
  total_tokens: 14,
  prompt_tokens_details: { cached_tokens: 6 },
};

/** Everything one attempt yields: the text, and the bill or the failure. */
async function attempt(url: string, signal = new AbortController().signal, stallLimitMs?: number) {
  const provider = createProvider({ ...CONFIG, openAiBaseUrl: url }, stallLimitMs);
  const pieces: string[] = [];
  try {
    const stream = provider.stream(PROMPT, signal);
    let piece = await stream.next();
    for (; !piece.done; piece = await stream.next()) pieces.push(piece.value);
    return { text: pieces.join(""), pieces, tokens: piece.value, failure: null };
  } catch (error) {
    assert(error instanceof ProviderFailure, `a ProviderFailure, not ${error}`);
    return { text: pieces.join(""), pieces, tokens: null, failure: error };
  }
}

test("a complete stream: the text and the provider's own figures", async () => {
  await using server = completions([
    chunk({ text: "Hel" }),
    chunk({ text: "lo" }),
    chunk({ finish: "stop" }),
    chunk({ usage: USAGE }),
    "[DONE]",
  ]);
  const { text, tokens, failure } = await attempt(server.url);
  assertEquals([text, tokens, failure], ["Hello", { prompt: 10, cached: 6, completion: 4 }, null]);
});

test("no usage chunk: complete, the figures are unknown", async () => {
  await using server = completions([chunk({ text: "Hello" }), chunk({ finish: "stop" }), "[DONE]"]);
  const { text, tokens, failure } = await attempt(server.url);
  assertEquals([text, tokens, failure], ["Hello", null, null]);
});

test("one request, with the limit on output and the wish for usage", async () => {
  const bodies: Record<string, unknown>[] = [];
  await using server = serve(async (request) => {
    bodies.push(await request.json());
    return new Response("no", { status: 500 });
  });
  await attempt(server.url);
  assertEquals(bodies.length, 1, "no hidden retries");
  assertEquals([bodies[0]!.max_tokens, bodies[0]!.stream_options], [50, { include_usage: true }]);
});

test("a character split between two chunks stays whole", async () => {
  const face = "🙂";
  await using server = completions([
    chunk({ text: "a" + face[0] }),
    chunk({ text: face[1] + "b" + face[0] }),
    chunk({ text: face[1]! }),
    chunk({ finish: "stop" }),
    "[DONE]",
  ]);
  const { text, pieces } = await attempt(server.url);
  assertEquals(text, "a🙂b🙂");
  assert(pieces.every((piece) => piece.isWellFormed()), "every piece is whole");
});

test("a stream that ends without saying so, is cut, or carries nonsense: a failure, the text so far delivered", async () => {
  const hello = chunk({ text: "Hello" });
  const streams = {
    "ends early": completions([hello]),
    "is done early": completions([hello, "[DONE]"]),
    "is cut": brokenCompletions([hello]),
    "carries nonsense": completions([hello, "{nonsense"]),
  };
  for (const [what, stream] of Object.entries(streams)) {
    await using server = stream;
    const { text, failure } = await attempt(server.url);
    assertEquals(text, "Hello", what);
    assert(failure, `${what}: a failure`);
  }
});

test("a stall before the first byte and between two is a failure", async () => {
  for (const lines of [[], [chunk({ text: "Hello" })]]) {
    await using server = completions(lines, { hang: true });
    const { failure } = await attempt(server.url, undefined, 150);
    assertEquals(failure?.message, "the provider stalled");
  }
});

test("an abort ends the stream at once, at the provider too, and is no failure", async () => {
  const hungUp = Promise.withResolvers<string>();
  await using server = serve(() => {
    const start = (controller: ReadableStreamDefaultController<Uint8Array>) =>
      controller.enqueue(new TextEncoder().encode(`data: ${chunk({ text: "Hello" })}\n\n`));
    const body = new ReadableStream({ start, cancel: () => hungUp.resolve("hung up") });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  });
  const late = new Promise<string>((resolve) => setTimeout(() => resolve("generates on"), 5_000));
  const { text, failure } = await attempt(server.url, AbortSignal.timeout(100));
  assertEquals([text, failure], ["Hello", null]);
  assertEquals(await Promise.race([hungUp.promise, late]), "hung up");
});

test("a provider that is full, down or away says when to come back", async () => {
  await using full = serve(() => new Response("{}", { status: 429, headers: { "Retry-After": "7" } }));
  await using down = serve(() => new Response("{}", { status: 503 }));
  assertEquals((await attempt(full.url)).failure?.retryAfter, 7);
  assertEquals((await attempt(down.url)).failure?.isOutage, true);
  assertEquals((await attempt(deadUrl())).failure?.isOutage, true);
});

test("the breaker opens after three failures in a row, lets one probe through, and closes on success", () => {
  const breaker = new Breaker();
  const t = 1_000_000;
  breaker.failed(t, null);
  breaker.failed(t, null);
  breaker.succeeded();
  breaker.failed(t, null);
  breaker.failed(t, null);
  assertEquals(breaker.openFor(t), null, "a success between starts the count anew");
  breaker.failed(t, null);
  assertEquals([breaker.openFor(t), breaker.openFor(t + 9_001)], [10, 1]);
  assertEquals(breaker.openFor(t + 10_000), null, "time for a probe");
  breaker.failed(t + 10_000, 30);
  assertEquals(breaker.openFor(t + 10_000), 30, "one failed probe is enough; the provider's wish counts");
  breaker.succeeded();
  assertEquals(breaker.openFor(t + 10_001), null);
});
