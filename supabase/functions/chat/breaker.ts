// Remembers that the provider is down, so that nobody reserves, waits and is refunded for nothing.

const FAILURES_TO_OPEN = 3;
const OPEN_MS = 10_000;
const OPEN_AT_MOST_MS = 60_000;

export class Breaker {
  #failures = 0;
  #openUntil = 0;

  /** Seconds for which it stays open, null when it is closed. After that the next caller probes. */
  openFor(now: number): number | null {
    return now < this.#openUntil ? Math.ceil((this.#openUntil - now) / 1000) : null;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openUntil = 0;
  }

  /** `retryAfter`: seconds the provider asked for, if it did. */
  failed(now: number, retryAfter: number | null): void {
    this.#failures += 1;
    // One failed probe opens it again: the count stays until something succeeds.
    if (this.#failures < FAILURES_TO_OPEN) return;
    const wait = retryAfter === null ? OPEN_MS : Math.min(retryAfter * 1000, OPEN_AT_MOST_MS);
    this.#openUntil = now + wait;
  }
}
