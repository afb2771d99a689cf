// One turn at work: the provider's stream to the caller and, each second, to the database; then the charge or the refund.
//
// | what happens                                  | outcome                                          | last event |
// | --------------------------------------------- | ------------------------------------------------ | ---------- |
// | the answer is complete                        | settled, charged by the provider's own figures   | done       |
// | complete, with no figures or senseless ones   | settled, charged as estimated                    | done       |
// | complete, and then the provider fails         | the same, as if it had not failed                | done       |
// | the caller asks to stop                       | settled as stopped, prompt and text are charged  | done       |
// | the same, before the provider was asked       | settled as stopped, nothing is charged           | done       |
// | the provider fails before the first character | released, the hold goes back                     | error      |
// | the same, and it says when to come back       | the same; Retry-After is the provider's          | error      |
// | the same, since it refuses the request (4xx)  | the same, and no Retry-After: it would again     | error      |
// | the provider fails within the text            | settled as stopped: the text is kept and charged | done       |
// | the caller's connection is lost               | goes on as if nothing had happened               | (resume)   |
// | it expired meanwhile (database out of reach)  | settled all the same: the charge is corrected    | done       |
// | the same, and the provider fails at once      | settled at no charge, the answer has failed      | done       |
// | it was released or settled by somebody else   | whatever it became                               | either     |
// | the database does not take the result         | tried again for a while; then the sweeper's      | error      |
//
// The provider fails: it answers with an error, cannot be reached, says nothing for 30 seconds, breaks off, or sends what is
// no chunk. It is asked once: the SDK's own retries are off. Waiting for a place at the provider comes before: admission.ts.

import { Answer, byteLength, estimateTokens } from "./answer.ts";
import { conclude } from "./conclude.ts";
import type { EventStream } from "./events.ts";
import type { Law, TurnKey } from "./law.ts";
import { asProblem, Problem } from "./problem.ts";
import type { LawReply, Turn } from "./protocol.ts";
import { type Prompt, type Provider, ProviderFailure } from "./provider.ts";

const FLUSH_EVERY_MS = 1_000;
/** Seconds after which it is worth trying again when the provider failed and did not say. */
const RETRY_AFTER_S = 5;
/** Waits between attempts to record the result. Together below the 30 s after which silence expires a turn. */
const RECORD_AGAIN_AFTER_MS = [500, 1_000, 2_000, 4_000, 8_000];

type Why = "stop" | "ended elsewhere";

/** Turns at work in this process, so that a stop need not wait for the next flush. */
const atWork = new Map<string, AbortController>();

/** A turn's id is unique within its organization: the same id elsewhere is another turn. */
const nameOf = (key: TurnKey) => `${key.organizationId}/${key.turnId}`;

/** Stops a turn's provider stream if it runs in this process. */
export function stopHere(key: TurnKey): void {
  atWork.get(nameOf(key))?.abort("stop" satisfies Why);
}

/** Runs a turn this process has dispatched. Never rejects: whatever happens, the turn is ended and told. */
export async function runTurn(
  law: Law,
  provider: Provider,
  key: TurnKey,
  turn: Turn,
  prompt: Prompt,
  events: EventStream,
): Promise<void> {
  const answer = new Answer();
  const abort = new AbortController();
  atWork.set(nameOf(key), abort);
  const heartbeat = startHeartbeat(law, key, () => turn.streaming ? answer.text : "", abort);
  let sent = 0;
  try {
    const result = await generate();
    await heartbeat.stop();
    const { reply, cause } = await result();
    conclude(events, reply, sent, cause);
  } catch (error) {
    events.error(asProblem(error));
  } finally {
    await heartbeat.stop();
    atWork.delete(nameOf(key));
  }

  /** Streams the answer; returns how to record what came of it. */
  async function generate(): Promise<() => Promise<{ reply: LawReply; cause?: Problem }>> {
    if (turn.stopRequested) {
      const nothing = { prompt: 0, cached: 0, completion: 0 };
      return async () => ({ reply: await record(() => law.settle(key, "", "stopped", nothing)) });
    }
    let tokens;
    try {
      const pieces = provider.stream(prompt, abort.signal);
      let piece = await pieces.next();
      for (; !piece.done; piece = await pieces.next()) {
        const offset = answer.append(piece.value);
        // What the plan does not stream arrives whole, at the end.
        if (!turn.streaming) continue;
        events.send("delta", { turnId: turn.id, offset, text: piece.value });
        sent = offset + byteLength(piece.value);
      }
      tokens = piece.value;
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      console.error(`turn ${turn.id}: ${error.message}`);
      if (answer.text === "") {
        const retryAfter = error.retryAfter ?? (error.mayPass ? RETRY_AFTER_S : null);
        const cause = new Problem(
          "provider_unavailable",
          "The model did not answer. Nothing was charged.",
          retryAfter === null ? {} : { retryAfter },
        );
        return async () => ({ reply: await record(() => law.release(key, turn.answerId, error.message)), cause });
      }
      return async () => ({ reply: await record(() => law.settle(key, answer.text, "stopped", generated())) });
    }
    if (abort.signal.reason === ("ended elsewhere" satisfies Why)) {
      return async () => ({ reply: await record(() => law.read(key, 0)) });
    }
    if (abort.signal.aborted) {
      return async () => ({
        reply: await record(() => law.settle(key, answer.text, "stopped", tokens ?? generated())),
      });
    }
    return async () => ({ reply: await record(() => law.settle(key, answer.text, "complete", tokens)) });
  }

  /** The bill of a stream that did not reach its end: the prompt, and what was generated. */
  function generated() {
    const promptBytes = prompt.messages.reduce((sum, message) => sum + byteLength(message.content), 0);
    return { prompt: estimateTokens(promptBytes), cached: 0, completion: answer.tokens };
  }
}

/** Keeps the partial answer and the turn's sign of life in the database; learns there of a stop asked for elsewhere. */
function startHeartbeat(law: Law, key: TurnKey, text: () => string, abort: AbortController) {
  let inFlight: Promise<void> | null = null;

  const flush = async () => {
    try {
      const reply = await law.flush(key, text());
      // Expired while the database was out of reach: we live, and settling corrects the charge.
      const goesOn = reply.outcome === "dispatched" || reply.outcome === "expired_charged";
      if (!goesOn) abort.abort("ended elsewhere" satisfies Why);
      else if (reply.stopRequested ?? reply.turn?.stopRequested) abort.abort("stop" satisfies Why);
    } catch (error) {
      // One flush less is no harm: the next carries the same text and more.
      console.error(`turn ${key.turnId}: flush failed (${error instanceof Error ? error.message : "unknown"})`);
    }
  };
  const timer = setInterval(() => {
    inFlight ??= flush().finally(() => (inFlight = null));
  }, FLUSH_EVERY_MS);

  return {
    /** Resolves when nothing of it can touch the turn any more. */
    async stop() {
      clearInterval(timer);
      await inFlight;
    },
  };
}

/** A result that cost money is recorded, even if the database is away for a moment. */
async function record(write: () => Promise<LawReply>): Promise<LawReply> {
  for (const wait of RECORD_AGAIN_AFTER_MS) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof Problem && error.code === "unavailable")) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  return await write();
}
