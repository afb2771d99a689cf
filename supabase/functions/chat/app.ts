// The routes. Each says who asks, checks what was sent, asks the law, and answers.

import { Hono } from "hono";
import { cors } from "hono/cors";
import { v7 as uuidv7 } from "uuid";
import { answerInTurn } from "./admission.ts";
import { systemPrompt } from "./agents.ts";
import { byteLength } from "./answer.ts";
import { createAuthenticate } from "./auth.ts";
import { readChatRequest, readTurnAddress, type TurnAddress } from "./body.ts";
import { conclude } from "./conclude.ts";
import type { Config } from "./env.ts";
import { EventStream } from "./events.ts";
import { fingerprint } from "./fingerprint.ts";
import { followTurn } from "./follow.ts";
import { createLaw, type TurnKey } from "./law.ts";
import { asProblem, Problem, throwUnlessTurn } from "./problem.ts";
import type { LawReply } from "./protocol.ts";
import { createProvider, type Provider } from "./provider.ts";
import { rateLimitHeaders } from "./ratelimit.ts";
import { stopHere } from "./turn.ts";

/** `provider`: another than the configured one, for tests. */
export function createApp(config: Config, provider: Provider = createProvider(config)): Hono {
  const authenticate = createAuthenticate(config);
  const law = createLaw(config);
  const app = new Hono();

  app.use(cors({
    origin: "*",
    allowMethods: ["GET", "POST", "OPTIONS"],
    allowHeaders: ["authorization", "apikey", "content-type", "x-client-info"],
    exposeHeaders: ["Retry-After", "RateLimit", "RateLimit-Policy"],
    maxAge: 86_400,
  }));
  app.onError((error) => asProblem(error).toResponse());
  app.notFound(() => new Problem("not_found", "There is no such route.").toResponse());

  app.post("/chat", async (c) => {
    const userId = await authenticate(c.req.raw);
    const request = await readChatRequest(c.req.raw);
    const organizationId = request.organizationId ?? userId;
    const key: TurnKey = { organizationId, turnId: request.id, userId };
    await refuseIfProviderIsDown(key);

    const system = systemPrompt(request.agent);
    const reserved = await law.reserve(key, {
      ...request,
      model: config.model,
      answerId: uuidv7(),
      systemBytes: byteLength(system),
      fingerprint: await fingerprint(request, organizationId),
    });
    throwUnlessTurn(reserved);
    if (reserved.outcome === "dispatched") throw inProgress(reserved);
    if (reserved.outcome !== "held") return replay(reserved);

    const dispatched = await law.dispatch(key);
    throwUnlessTurn(dispatched);
    const { turn, won, outcome } = dispatched;
    // Not won and not waiting: it is answered elsewhere. Released: it has waited for too long already.
    if (!turn || !won && outcome !== "held" && outcome !== "released") throw inProgress(dispatched);

    const events = accept(reserved, dispatched);
    keepAlive(answerInTurn(
      law,
      provider,
      key,
      dispatched,
      {
        model: turn.model,
        messages: [{ role: "system", content: system }, ...(reserved.context ?? [])],
        maxOutputTokens: turn.maxOutputTokens,
      },
      events,
    ));
    return respond(events, reserved);
  });

  app.get("/chat/turns/:id", async (c) => {
    const userId = await authenticate(c.req.raw);
    const address = readTurnAddress(c.req.param("id"), c.req.query());
    const key = keyOf(address, userId);
    const reply = await law.read(key, address.after);
    throwUnlessTurn(reply);
    const events = accept(reply, reply);
    keepAlive(followTurn(law, key, reply, events));
    return respond(events, reply);
  });

  app.post("/chat/turns/:id/stop", async (c) => {
    const userId = await authenticate(c.req.raw);
    const address = readTurnAddress(c.req.param("id"), c.req.query());
    const key = keyOf(address, userId);
    const reply = await law.stop(key);
    throwUnlessTurn(reply);
    stopHere(key);
    return c.json({ turn: reply.turn, usage: reply.usage });
  });

  return app;

  /** Nobody waits for a hold and a refund when the answer is known. A turn that has its answer is still told it. */
  async function refuseIfProviderIsDown(key: TurnKey): Promise<void> {
    const retryAfter = provider.downFor();
    if (retryAfter === null) return;
    const known = await law.read(key, 0);
    if (["settled", "expired_charged", "dispatched"].includes(known.outcome)) return;
    throw new Problem("provider_unavailable", "The model is not available right now. Nothing was charged.", {
      retryAfter,
    });
  }
}

function keyOf(address: TurnAddress, userId: string): TurnKey {
  return { organizationId: address.organizationId ?? userId, turnId: address.id, userId };
}

function inProgress(reply: LawReply): Problem {
  return new Problem("turn_in_progress", "This message is being answered already.", {
    ...(reply.turn ? { turnId: reply.turn.id } : {}),
    ...(reply.usage ? { usage: reply.usage } : {}),
  });
}

/** The stored outcome of a turn that has ended: the same answer, charged once. */
function replay(reply: LawReply): Response {
  const events = accept({ ...reply, from: 0 }, reply);
  conclude(events, reply, 0);
  return respond(events, reply);
}

/** Opens the events with what the turn belongs to; the state and the usage are the newer reply's. */
function accept(reply: LawReply, newest: LawReply): EventStream {
  if (!newest.turn) throw new Error("an accepted turn is missing");
  const events = new EventStream();
  events.send("accepted", {
    turn: newest.turn,
    conversation: reply.conversation ?? null,
    userMessage: reply.userMessage ?? null,
    from: reply.from ?? 0,
    usage: newest.usage ?? reply.usage,
  });
  return events;
}

function respond(events: EventStream, reply: LawReply): Response {
  return events.toResponse(reply.usage ? rateLimitHeaders(reply.usage) : []);
}

/** On Supabase's edge runtime a worker may be retired after its response unless it is told of the rest. */
function keepAlive(work: Promise<void>): void {
  const runtime = (globalThis as { EdgeRuntime?: { waitUntil(work: Promise<unknown>): void } }).EdgeRuntime;
  runtime?.waitUntil(work);
}
