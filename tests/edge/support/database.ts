// Straight to PostgreSQL: to arrange what the API does not offer, and to see what really happened.

// deno-lint-ignore no-import-prefix -- for the tests alone; the function's own imports stay what is deployed
import pg from "npm:pg@8.16.0";
import { env } from "./env.ts";

const pool = new pg.Pool({ connectionString: env.databaseUrl, max: 2, idleTimeoutMillis: 200 });

export async function sql<Row>(query: string, ...values: unknown[]): Promise<Row[]> {
  return (await pool.query(query, values)).rows as Row[];
}

export interface TurnRow {
  state: string;
  cost_micro_usd: string | null;
  hold_micro_usd: string;
  prompt_tokens: string | null;
  cached_tokens: string | null;
  completion_tokens: string | null;
  attempt: number;
}

export async function turnRow(id: string): Promise<TurnRow | undefined> {
  return (await sql<TurnRow>("select * from public.chat_turns where id = $1", id))[0];
}

/** Waits until the turn has ended, at most ten seconds. */
export async function endOf(id: string): Promise<TurnRow> {
  for (let tries = 0; tries < 200; tries += 1) {
    const turn = await turnRow(id);
    if (turn && turn.state !== "held" && turn.state !== "dispatched") return turn;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`turn ${id} did not end`);
}
