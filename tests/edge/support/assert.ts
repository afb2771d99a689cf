/** Fails with words that say what should have been. */
export function assert(condition: unknown, expectation: string): asserts condition {
  if (!condition) throw new Error(`expected: ${expectation}`);
}

export function assertEquals(actual: unknown, expected: unknown, what = "equal values"): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (left !== right) throw new Error(`expected: ${what}\n  actual   ${left}\n  expected ${right}`);
}

/** Registers a test. Connections are kept between tests, so Deno's leak checks do not apply. */
export function test(name: string, run: () => void | Promise<void>): void {
  Deno.test({ name, fn: run, sanitizeOps: false, sanitizeResources: false });
}
