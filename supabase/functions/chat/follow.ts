// A turn that runs elsewhere, followed through the database: how a lost connection is picked up again.

import { byteLength } from "./answer.ts";
import { conclude } from "./conclude.ts";
import type { EventStream } from "./events.ts";
import type { Law, TurnKey } from "./law.ts";
import { asProblem, Problem, throwUnlessTurn } from "./problem.ts";
import type { LawReply } from "./protocol.ts";

const READ_EVERY_MS = 300;
/** So many failed reads in a row, and the caller is told to come back. */
const FAILURES_TO_END = 5;

/** A connection lasts no longer: the caller comes back with the byte it has. */
const FOLLOW_AT_MOST_MS = 5 * 60_000;

/** @param first What was read before the events began, from byte `first.from`. */
export async function followTurn(law: Law, key: TurnKey, first: LawReply, events: EventStream): Promise<void> {
  let reply = first;
  let have = first.from ?? 0;
  let failures = 0;
  const until = Date.now() + FOLLOW_AT_MOST_MS;
  try {
    while (events.open) {
      throwUnlessTurn(reply); // its conversation may have been deleted
      const { turn } = reply;
      if (!turn) throw new Error("a turn that was there is gone");
      if (turn.state !== "held" && turn.state !== "dispatched") return conclude(events, reply, have);
      if (reply.position !== undefined) events.queued(turn.id, reply.position);
      if (reply.text && turn.streaming) {
        events.send("delta", { turnId: turn.id, offset: have, text: reply.text });
        have += byteLength(reply.text);
      }
      if (Date.now() > until) {
        throw new Problem("unavailable", "The answer takes longer than a connection may. Ask again.", {
          retryAfter: 1,
        });
      }
      await new Promise((resolve) => setTimeout(resolve, READ_EVERY_MS));
      try {
        reply = await law.read(key, have);
        failures = 0;
      } catch (error) {
        failures += 1;
        const passing = error instanceof Problem && error.code === "unavailable";
        if (!passing || failures >= FAILURES_TO_END) throw error;
        // The text of the last reply was sent already.
        reply = { ...reply, text: "" };
      }
    }
  } catch (error) {
    events.error(asProblem(error));
  }
}
