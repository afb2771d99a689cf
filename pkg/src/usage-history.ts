import { ChatError, errorDetail } from './error.js'
import type { ChatErrorCode, ProductionChatOptions } from './types.js'

/** What one user used on one day, in the calendar of their organization. */
export interface UsageDay {
  /** `2026-01-31` */
  date: string
  /** Messages that were sent. */
  messagesSent: number
  /** Answers asked of the model, other answers to the same message included. */
  aiRequestsMade: number
  /** Tokens sent to the model. */
  promptTokens: number
  /** Tokens it generated. */
  completionTokens: number
  /** What it cost. */
  costMicroUsd: number
}

/**
 * Reads what the signed-in user used on each of the last days, oldest first. Days without usage are absent.
 *
 * @param days how many, today included: 1 to 366.
 * @throws {ChatError} or, when `signal` ended it, an `AbortError`.
 */
export async function readUsageHistory(
  options: ProductionChatOptions,
  days: number,
  signal: AbortSignal,
): Promise<UsageDay[]> {
  let response = await ask(options, days, signal, false)
  if (response?.status === 401) response = await ask(options, days, signal, true)
  if (response === null) throw new ChatError(errorDetail('signed_out', 'Sign in to see your usage.'))
  if (!response.ok) throw new ChatError(refusal(response.status))
  const reply = (await response.json()) as { days: UsageDay[] }
  return reply.days
}

/** Null when nobody is signed in. */
async function ask(
  options: ProductionChatOptions,
  days: number,
  signal: AbortSignal,
  refresh: boolean,
): Promise<Response | null> {
  const token = await options.accessToken(refresh)
  if (token === null) return null
  try {
    return await fetch(`${options.supabaseUrl.replace(/\/+$/, '')}/rest/v1/rpc/usage_history`, {
      method: 'POST',
      headers: { apikey: options.supabaseKey, authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ p_days: days, p_org_id: options.organizationId ?? null }),
      signal,
    })
  } catch (reason) {
    if (signal.aborted) throw reason
    throw new ChatError(errorDetail('network', 'The usage could not be read. Check your connection and try again.', true))
  }
}

function refusal(status: number) {
  const code: ChatErrorCode = status === 401 ? 'unauthenticated' : status === 404 ? 'not_found' : 'unavailable'
  const words = {
    unauthenticated: 'Your session has expired. Sign in again.',
    not_found: 'You are not a member of this organization.',
    unavailable: 'The usage could not be read. Try again in a moment.',
  }[code]
  return errorDetail(code, words, code === 'unavailable')
}
