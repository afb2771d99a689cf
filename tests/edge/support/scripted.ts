// Small servers that misbehave on purpose.

/** A server on a free port; `await using` ends it. */
export function serve(handler: (request: Request) => Response | Promise<Response>) {
  // Aborted, not shut down: a handler that never answers would be waited for.
  const end = new AbortController();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, signal: end.signal, onListen: () => {} }, handler);
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => {
      end.abort();
      return Promise.resolve();
    },
  };
}

/** A port on which nobody listens. */
export function deadUrl(): string {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return `http://127.0.0.1:${port}`;
}

const eventOf = (line: string) => `data: ${line}\n\n`;

/** A chat completions server that sends these lines as they are, and keeps the stream open if told so. */
export function completions(lines: string[], { hang = false } = {}) {
  return serve(() => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(lines.map(eventOf).join("")));
        if (!hang) controller.close();
      },
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  });
}

/** One whose connection breaks after these lines, before the body's announced end. */
export function brokenCompletions(lines: string[]) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const body = lines.map(eventOf).join("");
  (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(64 * 1024));
      const head = `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: ${
        body.length + 1000
      }\r\n\r\n`;
      await connection.write(new TextEncoder().encode(head + body));
      connection.close();
    }
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}`,
    [Symbol.asyncDispose]: () => Promise.resolve(listener.close()),
  };
}

/** A chunk of the stream: some text, the end, or the bill. */
export function chunk(part: { text?: string; finish?: string; usage?: unknown }): string {
  const choice = { index: 0, delta: { content: part.text ?? "" }, finish_reason: part.finish ?? null };
  return JSON.stringify({
    id: "chatcmpl-test",
    object: "chat.completion.chunk",
    created: 1,
    model: "test",
    choices: part.usage ? [] : [choice],
    ...(part.usage ? { usage: part.usage } : {}),
  });
}
