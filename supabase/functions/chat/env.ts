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
  /** Hosted Supabase lists its keys as `{"default": "sb_…", …}`. */
  const firstKey = (name: string) => {
    const named = parseKeys(name, read(name) ?? "{}");
    const key = named["default"] ?? Object.values(named)[0];
    return typeof key === "string" ? key : undefined;
  };
  return {
    supabaseUrl: required("SUPABASE_URL", read("SUPABASE_URL")),
    publishableKey: required(
      "SUPABASE_PUBLISHABLE_KEY",
      read("SUPABASE_PUBLISHABLE_KEY") ?? firstKey("SUPABASE_PUBLISHABLE_KEYS") ?? read("SUPABASE_ANON_KEY"),
    ),
    secretKey: required(
      "SUPABASE_SECRET_KEY",
      read("SUPABASE_SECRET_KEY") ?? firstKey("SUPABASE_SECRET_KEYS") ?? read("SUPABASE_SERVICE_ROLE_KEY"),
    ),
    openAiKey: read("OPENAI_API_KEY"),
    openAiBaseUrl: read("OPENAI_BASE_URL"),
    model: read("CHAT_MODEL"),
  };
}

function parseKeys(name: string, json: string): Record<string, unknown> {
  try {
    const keys: unknown = JSON.parse(json);
    return typeof keys === "object" && keys !== null ? keys as Record<string, unknown> : {};
  } catch {
    // The parser's own words quote what it was given, and that is a key.
    throw new Error(`${name} is not a list of keys in JSON: the function cannot start.`);
  }
}
