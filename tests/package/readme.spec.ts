import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'

test('the example of README.md is the one that compiles', async () => {
  const readme = await readFile(join(import.meta.dirname, '../../README.md'), 'utf8')
  const example = /^```tsx\n(.*?)^```$/ms.exec(readme)?.[1]
  const compiles = await readFile(join(import.meta.dirname, 'quick-start.tsx'), 'utf8')
  expect(compiles.split(/^\/\/ -+\n\n/m).at(-1)).toBe(example)
})
