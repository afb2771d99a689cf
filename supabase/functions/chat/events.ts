// Server-sent events to one caller. A caller that left is written to in silence: the work goes on without it.

import type { Problem } from "./problem.ts";
import type { Conversation, Message, Turn, UsageSnapshot } from "./protocol.ts";

const KEEP_ALIVE_MS = 15_000;

interface EventData {
  accepted: {
    turn: Turn;
    conversation: Conversation | null;
    userMessage: Message | null;
    from: number;
    usage: UsageSnapshot | null;
  };
  /** `position`: from 1. */
  queued: { turnId: string; position: number };
  /** `offset`: UTF-8 bytes of the answer before `text`. */
  delta: { turnId: string; offset: number; text: string };
  done: { turn: Turn; message: Message; usage: UsageSnapshot | null };
}

export class EventStream {
  readonly #encoder = new TextEncoder();
  readonly #body: ReadableStream<Uint8Array>;
  readonly #keepAlive: ReturnType<typeof setInterval>;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #open = true;
  #position: number | undefined;

  constructor() {
    this.#body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => this.#end(),
    });
    this.#keepAlive = setInterval(() => this.#write(": keep-alive\n\n"), KEEP_ALIVE_MS);
  }

  /** False once the caller has left or the last event was sent. */
  get open(): boolean {
    return this.#open;
  }

  send<Name extends keyof EventData>(event: Name, data: EventData[Name]): void {
    this.#write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Tells a waiting turn's position, when it is another than the last one told. */
  queued(turnId: string, position: number): void {
    if (position === this.#position) return;
    this.#position = position;
    this.send("queued", { turnId, position });
  }

  /** The last event, when the turn ended well. */
  done(data: EventData["done"]): void {
    this.send("done", data);
    this.close();
  }

  /** The last event, when it did not. */
  error(problem: Problem): void {
    this.#write(`event: error\ndata: ${JSON.stringify(problem.body)}\n\n`);
    this.close();
  }

  close(): void {
    if (!this.#open) return;
    this.#end();
    this.#controller.close();
  }

  toResponse(headers: [string, string][]): Response {
    return new Response(this.#body, {
      headers: [
        ["Content-Type", "text/event-stream; charset=utf-8"],
        // Proxies must neither store nor compress nor collect what is meant to arrive at once.
        ["Cache-Control", "no-store, no-transform"],
        ["X-Accel-Buffering", "no"],
        ...headers,
      ],
    });
  }

  #write(text: string): void {
    if (this.#open) this.#controller.enqueue(this.#encoder.encode(text));
  }

  #end(): void {
    this.#open = false;
    clearInterval(this.#keepAlive);
  }
}
