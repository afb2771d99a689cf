// The function as a process of its own, as it is deployed: what it writes can be read.

/** Starts it with this environment and nothing else of ours; `await using` ends it. */
export async function startProcess(env: Record<string, string>) {
  const root = new URL("../../../", import.meta.url);
  const child = new Deno.Command("deno", {
    args: [
      "run",
      "--config=supabase/functions/chat/deno.json",
      "--frozen",
      "--allow-env",
      "--allow-net",
      "tools/functions.ts",
    ],
    cwd: root,
    clearEnv: true,
    env: {
      ...pick("PATH", "HOME", "DENO_DIR"),
      DENO_NO_UPDATE_CHECK: "1",
      NO_COLOR: "1",
      DENO_SERVE_ADDRESS: "tcp:127.0.0.1:0",
      ...env,
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();

  let output = "";
  let listening!: (url: string) => void;
  const url = new Promise<string>((resolve) => listening = resolve);
  const read = async (stream: ReadableStream<Uint8Array>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      output += text;
      const address = output.match(/Listening on (http:\/\/[\d.]+:\d+)/)?.[1];
      if (address) listening(address);
    }
  };
  const written = Promise.all([read(child.stdout), read(child.stderr)]);
  const ended = Promise.all([child.status, written]).then(([{ code }]) => code);
  const stop = async () => {
    child.stdin.close().catch(() => {}); // it ends with us, and so it ends now
    return { code: await ended, output };
  };
  const started = await Promise.race([url, ended]);
  return {
    /** Null: it ended instead of listening. */
    url: typeof started === "string" ? started : null,
    /** Ends it; returns its exit code and all that it wrote. */
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}

function pick(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
