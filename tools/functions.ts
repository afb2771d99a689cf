// Runs the edge function as Supabase would, and ends with the process that started it.

Deno.stdin.readable.pipeTo(new WritableStream()).finally(() => Deno.exit(0));

await import("../supabase/functions/chat/index.ts");
