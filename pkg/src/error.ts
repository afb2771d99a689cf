import type { ChatErrorCode, ChatErrorDetail } from './types.js'

/** What a rejected promise or a thrown error of this package is. */
export class ChatError extends Error {
  /** Tells it apart where the package is there twice. */
  override readonly name = 'ChatError'
  /** What went wrong, as data: a union tagged by `code`. */
  readonly detail: ChatErrorDetail
  /**
   * The message that was kept and can be retried with `retrySendMessage`; `null` when nothing was kept: then the text
   * is still the caller's, to put back where it was typed.
   */
  readonly messageId: string | null

  constructor(detail: ChatErrorDetail, messageId: string | null = null, options?: ErrorOptions) {
    super(detail.message, options)
    this.detail = detail
    this.messageId = messageId
  }

  /** The same as `detail.code`. */
  get code(): ChatErrorCode {
    return this.detail.code
  }
}

/** A detail of which only code and words are known. */
export function errorDetail(code: ChatErrorCode, message: string, retryable = false): ChatErrorDetail {
  return {
    code,
    message,
    retryable,
    status: null,
    retryAt: null,
    verdict: null,
    errors: [],
    refundedMicroUsd: null,
  }
}

/** The crate throws plain `Error`s that carry a detail; callers get one class they can test for. */
export function toChatError(thrown: unknown): ChatError {
  if (thrown instanceof ChatError) return thrown
  if (thrown instanceof Error && thrown.name === 'ChatError' && 'detail' in thrown) {
    return new ChatError(thrown.detail as ChatErrorDetail)
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new ChatError(errorDetail('internal', `The chat failed unexpectedly: ${message}`))
}
