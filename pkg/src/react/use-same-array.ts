'use client'

import { useEffect, useRef } from 'react'

/** The array of the rendering before, as long as it holds the same things: then what was made of it need not be remade. */
export function useSameArray<Item>(items: readonly Item[]): readonly Item[] {
  const kept = useRef(items)
  const isSame = kept.current.length === items.length && items.every((item, index) => item === kept.current[index])
  const result = isSame ? kept.current : items
  useEffect(() => {
    kept.current = result
  }, [result])
  return result
}
