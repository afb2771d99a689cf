// Small servers that misbehave on purpose.

/** A server on a free port; `await using` ends it. */
export function serve(handler: (request: Request) => Response | Promise<Response>) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** A port on which nobody listens. */
export function deadUrl(): string {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return `http://127.0.0.1:${port}`;
}

/** A chat completions server that sends these lines as they are, and keeps the stream open if told so. */
export function completions(lines: string[], { hang = false, cut = false } = {}) {
  return serve(() => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const line of lines) controller.enqueue(new TextEncoder().encode(`data: ${line}\n\n`));
        if (cut) controller.error(new Error("cut"));
        else if (!hang) controller.close();
      },
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  });
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
