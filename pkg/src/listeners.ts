/**
 * Tells each of them. What one throws is its app's, reported as uncaught errors are: it keeps the others from nothing.
 */
export function tell<News extends unknown[]>(listeners: Iterable<(...news: News) => void>, ...news: News): void {
  for (const listener of [...listeners]) {
    try {
      listener(...news)
    } catch (thrown) {
      queueMicrotask(() => {
        throw thrown
      })
    }
  }
}
