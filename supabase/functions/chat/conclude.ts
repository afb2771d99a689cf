// How a turn that has ended is told to whoever listens: `done` with the answer, or `error` with the refund.

import { byteLength, fromByte } from "./answer.ts";
import type { EventStream } from "./events.ts";
import { Problem } from "./problem.ts";
import type { LawReply, Message } from "./protocol.ts";

/** The ended turn's answer, if it has one. */
function answerOf(reply: LawReply): Message | null {
  return reply.message && typeof reply.message === "object" ? reply.message : null;
}

/**
 * Sends what the listener does not have yet and the last event.
 * @param sent Bytes of the answer the listener has.
 * @param cause Why a released turn failed, if the caller knows more than the database.
 */
export function conclude(events: EventStream, reply: LawReply, sent: number, cause?: Problem): void {
  const { turn, usage } = reply;
  const message = answerOf(reply);
  if (turn && message && (turn.state === "settled" || turn.state === "expired_charged")) {
    if (sent < byteLength(message.content)) {
      const { from, rest } = fromByte(message.content, sent);
      events.send("delta", { turnId: turn.id, offset: from, text: rest });
    }
    events.done({ turn, message, usage });
    return;
  }
  const extra = { ...(usage ? { usage } : {}) };
  if (turn?.state === "released") {
    events.error(
      new Problem("provider_unavailable", cause?.body.detail ?? "The model did not answer. Nothing was charged.", {
        ...extra,
        ...(cause?.body.retryAfter === undefined ? {} : { retryAfter: cause.body.retryAfter }),
        refundedMicroUsd: turn.holdMicroUsd,
      }),
    );
    return;
  }
  events.error(new Problem("internal", "The answer was interrupted and could not be kept.", extra));
}
