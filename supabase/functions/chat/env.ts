// The function's configuration, read once. Hosted Supabase sets the SUPABASE_* variables by itself.

export interface Config {
  supabaseUrl: string;
  /** For calls in the caller's name. */
  publishableKey: string;
  /** For the RPCs of the service role. Never logged, never sent to a caller. */
  secretKey: string;
  /** Absent: no provider is configured. */
  openAiKey: string | undefined;
  openAiBaseUrl: string | undefined;
  /** Absent: the database's default model. */
  model: string | undefined;
}

export function readConfig(get: (name: string) => string | undefined = Deno.env.get): Config {
  const read = (name: string) => get(name)?.trim() || undefined;
  const required = (what: string, value: string | undefined) => {
    if (!value) throw new Error(`${what} is not set: the function cannot start.`);
    return value;
  };
  return {
    supabaseUrl: required("SUPABASE_URL", read("SUPABASE_URL")),
    publishableKey: required(
      "SUPABASE_PUBLISHABLE_KEY",
      read("SUPABASE_PUBLISHABLE_KEY") ?? firstKey(read("SUPABASE_PUBLISHABLE_KEYS")) ?? read("SUPABASE_ANON_KEY"),
    ),
    secretKey: required(
      "SUPABASE_SECRET_KEY",
      read("SUPABASE_SECRET_KEY") ?? firstKey(read("SUPABASE_SECRET_KEYS")) ?? read("SUPABASE_SERVICE_ROLE_KEY"),
    ),
    openAiKey: read("OPENAI_API_KEY"),
    openAiBaseUrl: read("OPENAI_BASE_URL"),
    model: read("CHAT_MODEL"),
  };
}

/** Hosted Supabase lists its keys as `{"default": "sb_…", …}`. */
function firstKey(json: string | undefined): string | undefined {
  if (!json) return undefined;
  const keys: unknown = JSON.parse(json);
  if (typeof keys !== "object" || keys === null) return undefined;
  const named = keys as Record<string, unknown>;
  const key = named["default"] ?? Object.values(named)[0];
  return typeof key === "string" ? key : undefined;
}
