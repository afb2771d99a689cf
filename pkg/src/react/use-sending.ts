'use client'

import { useRef, useState } from 'react'
import { isSamePlace } from './drafts.js'
import { useBrowserLayoutEffect } from './use-browser-layout-effect.js'
import type { Draft } from './use-draft.js'

/** How what is sent leaves its field. */
export interface Sending {
  /** It waits in this field for the module: to be seen, and not to be changed. */
  isHeld: boolean
  begin: () => void
  /** It is kept elsewhere now, whatever becomes of it. */
  kept: () => void
  /** Nothing was kept: the words are to be in their field. */
  refused: () => void
}

/**
 * What is sent leaves the field once it is kept elsewhere. Before the module is there nothing keeps it, so until then it
 * stays where it was typed.
 */
export function useSending(draft: Draft, isLoaded: boolean): Sending {
  const held = useRef<readonly Draft[]>([])
  const [, setHeld] = useState(held.current)
  const hold = (drafts: readonly Draft[]) => setHeld((held.current = drafts))
  const isHeld = () => held.current.includes(draft)
  const release = () => hold(held.current.filter((other) => other !== draft))

  useBrowserLayoutEffect(() => {
    if (!isLoaded || held.current.length === 0) return
    for (const waiting of held.current) waiting.takeAway()
    hold([])
  })

  return {
    isHeld: held.current.some(({ place }) => isSamePlace(place, draft.place)),
    begin: () => (isLoaded ? draft.takeAway() : hold([...held.current, draft])),
    kept: () => {
      if (!isHeld()) return
      draft.takeAway()
      release()
    },
    refused: () => (isHeld() ? release() : draft.giveBack(draft.text)),
  }
}
