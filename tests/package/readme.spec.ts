import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'

const here = (path: string) => join(import.meta.dirname, path)

for (const [readme, compiles] of [
  ['../../README.md', 'quick-start.tsx'],
  ['../../pkg/README.md', 'components-start.tsx'],
] as const) {
  test(`the example of ${readme.replaceAll('../', '')} is the one that compiles`, async () => {
    const example = /^```tsx\n(.*?)^```$/ms.exec(await readFile(here(readme), 'utf8'))?.[1]
    const compiled = await readFile(here(compiles), 'utf8')
    expect(compiled.split(/^\/\/ -+\n\n/m).at(-1)).toBe(example)
  })
}

test('what the package exports is typed: nothing in it is `any`', async () => {
  for (const entry of ['index', 'react/index', 'react/markdown', 'inline']) {
    const words = await declarations(here(`../../pkg/dist/${entry}.d.ts`))
    for (const [path, text] of words) expect(text.match(/\bany\b/g) ?? [], path).toEqual([])
  }
})

/** A declaration file and all that it refers to, without comments and without the module's own functions, which nobody is given. */
async function declarations(path: string, known = new Map<string, string>()): Promise<Map<string, string>> {
  const text = (await readFile(path, 'utf8')).replaceAll(/\/\*.*?\*\/|\/\/[^\n]*|^ *readonly \$\w+: [^\n]*$/gms, '')
  known.set(path, text)
  for (const [, specifier] of text.matchAll(/from '(\.[^']+)\.js'/g)) {
    const next = join(path, '..', `${specifier}.d.ts`)
    if (!known.has(next)) await declarations(next, known)
  }
  return known
}
