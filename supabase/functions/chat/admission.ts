// Where calls of the provider are capped, a turn may have to wait for its place: its caller is told the position, and who
// waits asks again and again, since one who does not is passed over.

import { conclude } from "./conclude.ts";
import type { EventStream } from "./events.ts";
import { followTurn } from "./follow.ts";
import type { Law, TurnKey } from "./law.ts";
import { asProblem, Problem } from "./problem.ts";
import type { LawReply } from "./protocol.ts";
import type { Prompt, Provider } from "./provider.ts";
import { runTurn } from "./turn.ts";

/** Who is nearer asks more often: so a free slot is taken soon, and a long queue does not keep the database busy. */
const ASK_AGAIN_PER_PLACE_MS = 250;
/** Well below the 5 s after which one who does not ask is passed over. */
const ASK_AGAIN_AT_LATEST_MS = 2_000;
/** So many failed questions in a row, and the caller is told to come back. */
const FAILURES_TO_END = 5;
/** Seconds after which it is worth trying again when all places stayed taken for a minute. */
const RETRY_AFTER_FULL_S = 10;
const FULL = "The model has more to do than it can. Nothing was charged.";

/** Answers a reserved turn once it has its place. Never rejects. `first`: what the first attempt to dispatch returned. */
export async function answerInTurn(
  law: Law,
  provider: Provider,
  key: TurnKey,
  first: LawReply,
  prompt: Prompt,
  events: EventStream,
): Promise<void> {
  try {
    const reply = await placeFor(law, key, first, events);
    if (reply.won && reply.turn) return await runTurn(law, provider, key, reply.turn, prompt, events);
    if (reply.outcome === "released") {
      return conclude(events, reply, 0, new Problem("provider_unavailable", FULL, { retryAfter: RETRY_AFTER_FULL_S }));
    }
    // The same message was sent twice, and the other one got the place: this caller reads along.
    return await followTurn(law, key, await law.read(key, 0), events);
  } catch (error) {
    events.error(asProblem(error));
  }
}

/** Waits as long as the law says that the turn waits, at most about a minute. */
async function placeFor(law: Law, key: TurnKey, first: LawReply, events: EventStream): Promise<LawReply> {
  let reply = first;
  let failures = 0;
  while (reply.position !== undefined) {
    events.queued(key.turnId, reply.position);
    await new Promise((resolve) =>
      setTimeout(resolve, Math.min((reply.position ?? 1) * ASK_AGAIN_PER_PLACE_MS, ASK_AGAIN_AT_LATEST_MS))
    );
    try {
      reply = await law.dispatch(key);
      failures = 0;
    } catch (error) {
      failures += 1;
      const passing = error instanceof Problem && error.code === "unavailable";
      if (!passing || failures >= FAILURES_TO_END) throw error;
    }
  }
  return reply;
}
