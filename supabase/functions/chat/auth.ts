// Who is calling. Supabase Auth decides: asymmetric tokens are verified here with its public keys, others by asking it.

import { createClient } from "@supabase/supabase-js";
import type { Config } from "./env.ts";
import { Problem } from "./problem.ts";

/**
 * How long a token that Auth has confirmed is not asked about again. A session ended elsewhere is noticed after at most
 * this; the token's own expiry holds at once.
 */
const REMEMBER_MS = 15_000;
const REMEMBER_AT_MOST = 1_000;
const LIMIT_MS = 5_000;

/** Returns the caller's user id, or throws `unauthenticated` or, when Auth does not answer, `unavailable`. */
export type Authenticate = (request: Request) => Promise<string>;

export function createAuthenticate(config: Config): Authenticate {
  const supabase = createClient(config.supabaseUrl, config.publishableKey, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    global: { fetch: (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(LIMIT_MS) }) },
  });
  const known = new Map<string, { userId: string; until: number }>();

  return async (request) => {
    const token = request.headers.get("Authorization")?.match(/^Bearer\s+(\S+)$/i)?.[1];
    if (!token) throw new Problem("unauthenticated", "The request carries no token. Sign in first.");

    const now = Date.now();
    const remembered = known.get(token);
    if (remembered && now < remembered.until) return remembered.userId;

    const { data, error } = await supabase.auth.getClaims(token).catch((error: unknown) => ({ data: null, error }));
    if (error && isOutage(error)) {
      throw new Problem("unavailable", "Sign-in cannot be checked right now. Nothing was sent.", { retryAfter: 2 });
    }
    const claims = data?.claims;
    if (error || !claims?.sub || claims.role !== "authenticated") {
      throw new Problem("unauthenticated", "The token is expired or not valid. Sign in again.");
    }
    // The oldest goes first: a Map keeps the order of insertion.
    if (known.size >= REMEMBER_AT_MOST) known.delete(known.keys().next().value!);
    known.delete(token);
    known.set(token, { userId: claims.sub, until: Math.min(now + REMEMBER_MS, claims.exp * 1000) });
    return claims.sub;
  };
}

/** Auth did not answer, or answered with a failure of its own: says nothing about the token. */
function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const status = (error as { status?: number }).status;
  if (error.name === "AuthRetryableFetchError") return true;
  if (status !== undefined && (status >= 500 || status === 429)) return true;
  return error.name === "TimeoutError" || error.name === "AbortError" || error.name === "AuthUnknownError";
}
