// The table at the head of turn.ts, as far as the provider decides: each fault, and what becomes of the turn. What callers
// and the database do is in turn_test.ts, recovery_test.ts and failure_test.ts.

import { assert, assertEquals, test } from "./support/assert.ts";
import { Caller, eventsOf, message, textOf } from "./support/caller.ts";
import { turnRow } from "./support/database.ts";
import { instance } from "./support/instance.ts";
import { brokenCompletions, chunk, completions, deadUrl, serve } from "./support/scripted.ts";

/** Cached tokens are part of the prompt's, reasoning tokens of the completion's: each is billed once. */
const USAGE = {
  prompt_tokens: 20,
  completion_tokens: 3,
  prompt_tokens_details: { cached_tokens: 4 },
  completion_tokens_details: { reasoning_tokens: 2 },
};
const ROLE = chunk({});
const HALF = chunk({ text: "Half an " });
const REST = chunk({ text: "answer" });
const END = chunk({ finish: "stop" });
const BILL = chunk({ usage: USAGE });
const STALL_LIMIT_MS = 300;

type Server = { url: string; [Symbol.asyncDispose](): Promise<void> };
const answering = (status: number, headers: Record<string, string> = {}) =>
  serve(() => new Response("upstream-detail-that-must-stay-inside", { status, headers }));
const unreachable = (): Server => ({ url: deadUrl(), [Symbol.asyncDispose]: () => Promise.resolve() });

interface Row {
  fault: string;
  provider: () => Server;
  /** What is stored and told, and what is charged: micro-USD, at 2 a token. */
  outcome: "complete" | "stopped" | "released";
  charge?: "billed" | "as estimated" | "the prompt and the text";
  retryAfter?: number;
}

const rows: Row[] = [
  {
    fault: "none",
    provider: () => completions([ROLE, HALF, REST, END, BILL, "[DONE]"]),
    outcome: "complete",
    charge: "billed",
  },

  // Before the first character.
  { fault: "500", provider: () => answering(500), outcome: "released", retryAfter: 5 },
  { fault: "408", provider: () => answering(408), outcome: "released", retryAfter: 5 },
  // It refuses the request, and would again: nobody is told to come back.
  { fault: "400", provider: () => answering(400), outcome: "released" },
  { fault: "401, the key is wrong", provider: () => answering(401), outcome: "released" },
  { fault: "404, there is no such model", provider: () => answering(404), outcome: "released" },
  { fault: "422", provider: () => answering(422, { "Retry-After": "13" }), outcome: "released" },
  {
    fault: "429 with Retry-After",
    provider: () => answering(429, { "Retry-After": "11" }),
    outcome: "released",
    retryAfter: 11,
  },
  {
    fault: "429 with a Retry-After that is a date",
    provider: () => answering(429, { "Retry-After": new Date(Date.now() + 100_000).toUTCString() }),
    outcome: "released",
    retryAfter: 100,
  },
  {
    fault: "503 with Retry-After",
    provider: () => answering(503, { "Retry-After": "12" }),
    outcome: "released",
    retryAfter: 12,
  },
  { fault: "it cannot be reached", provider: unreachable, outcome: "released", retryAfter: 5 },
  {
    fault: "it stalls before its first byte",
    provider: () => serve(() => new Promise(() => {})),
    outcome: "released",
    retryAfter: 5,
  },
  {
    fault: "it stalls before its first character",
    provider: () => completions([ROLE], { hang: true }),
    outcome: "released",
    retryAfter: 5,
  },
  {
    fault: "it breaks off before its first character",
    provider: () => brokenCompletions([ROLE]),
    outcome: "released",
    retryAfter: 5,
  },
  {
    fault: "it ends before its first character",
    provider: () => completions([ROLE, "[DONE]"]),
    outcome: "released",
    retryAfter: 5,
  },
  {
    fault: "its first chunk is malformed",
    provider: () => completions(["{nonsense", HALF]),
    outcome: "released",
    retryAfter: 5,
  },
  {
    fault: "an error instead of a chunk",
    provider: () => completions([ROLE, '{"error":{"message":"upstream-detail-that-must-stay-inside"}}']),
    outcome: "released",
    retryAfter: 5,
  },
  {
    fault: "no stream but a page",
    provider: () => serve(() => new Response("<html>", { headers: { "Content-Type": "text/html" } })),
    outcome: "released",
    retryAfter: 5,
  },

  // Within the text.
  {
    fault: "it breaks off within the text",
    provider: () => brokenCompletions([HALF]),
    outcome: "stopped",
    charge: "the prompt and the text",
  },
  {
    fault: "it ends within the text",
    provider: () => completions([HALF]),
    outcome: "stopped",
    charge: "the prompt and the text",
  },
  {
    fault: "it stalls within the text",
    provider: () => completions([HALF], { hang: true }),
    outcome: "stopped",
    charge: "the prompt and the text",
  },
  {
    fault: "a malformed chunk within the text",
    provider: () => completions([HALF, "{nonsense", REST]),
    outcome: "stopped",
    charge: "the prompt and the text",
  },
  {
    fault: "an error within the text",
    provider: () => completions([HALF, '{"error":{"message":"overloaded"}}']),
    outcome: "stopped",
    charge: "the prompt and the text",
  },

  // After the text.
  {
    fault: "no usage chunk",
    provider: () => completions([HALF, REST, END, "[DONE]"]),
    outcome: "complete",
    charge: "as estimated",
  },
  {
    fault: "no usage chunk and no [DONE]",
    provider: () => completions([HALF, REST, END]),
    outcome: "complete",
    charge: "as estimated",
  },
  {
    fault: "it breaks off after the text",
    provider: () => brokenCompletions([HALF, REST, END]),
    outcome: "complete",
    charge: "as estimated",
  },
  {
    fault: "it stalls after the text",
    provider: () => completions([HALF, REST, END], { hang: true }),
    outcome: "complete",
    charge: "as estimated",
  },
  {
    fault: "the usage chunk is malformed",
    provider: () => completions([HALF, REST, END, "{nonsense"]),
    outcome: "complete",
    charge: "as estimated",
  },
  {
    fault: "it breaks off after the bill",
    provider: () => brokenCompletions([HALF, REST, END, BILL]),
    outcome: "complete",
    charge: "billed",
  },
  {
    fault: "negative figures",
    provider: () => completions([HALF, REST, END, chunk({ usage: { ...USAGE, completion_tokens: -3 } }), "[DONE]"]),
    outcome: "complete",
    charge: "as estimated",
  },
  {
    fault: "figures that are no numbers",
    provider: () =>
      completions([HALF, REST, END, chunk({ usage: { prompt_tokens: "many", completion_tokens: 1.5 } }), "[DONE]"]),
    outcome: "complete",
    charge: "as estimated",
  },
];

for (const { fault, provider, outcome, charge, retryAfter } of rows) {
  test(`${fault}: ${outcome}${charge ? `, charged ${charge}` : ""}`, async () => {
    await using upstream = provider();
    await using fresh = instance({ openAiBaseUrl: upstream.url }, STALL_LIMIT_MS);
    const caller = (await Caller.signUp()).through(fresh.url);
    const draft = message("Hello");
    const events = await eventsOf(await caller.post(draft));
    const { event, data } = events.at(-1)!;
    const turn = (await turnRow(draft.id))!;

    if (outcome === "released") {
      assertEquals(events.map((one) => one.event), ["accepted", "error"]);
      assertEquals([data.code, data.status], ["provider_unavailable", 503]);
      // A date has passed a little when it is read.
      if (retryAfter === 100) assert(data.retryAfter > 80 && data.retryAfter <= 100, `about 100: ${data.retryAfter}`);
      else assertEquals(data.retryAfter, retryAfter);
      assertEquals([turn.state, data.refundedMicroUsd], ["released", Number(turn.hold_micro_usd)]);
      assertEquals(await caller.messagesToday(), { held: 0, used: 0, costMicroUsd: 0 });
      return;
    }
    const text = outcome === "complete" ? "Half an answer" : "Half an ";
    assertEquals([event, data.message.status, data.message.content, textOf(events)], ["done", outcome, text, text]);
    assertEquals(turn.state, "settled");
    const cost = Number(turn.cost_micro_usd);
    assertEquals(data.turn.costMicroUsd, cost);
    if (charge === "billed") assertEquals(cost, 2 * 23);
    if (charge === "as estimated") assertEquals(cost, Number(turn.hold_micro_usd));
    if (charge === "the prompt and the text") {
      assert(cost > 2 * 2 && cost < Number(turn.hold_micro_usd), `more than its text, less than the hold: ${cost}`);
    }
    assertEquals(await caller.messagesToday(), { held: 0, used: 1, costMicroUsd: cost });
  });
}
