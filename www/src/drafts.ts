import { useCallback, useEffect, useState } from 'react'

const PREFIX = 'draft-texts:'

type Texts = Readonly<Record<string, string>>

/**
 * What a person has typed and not sent, by conversation. It outlives a reload, not the tab: what is sent is the
 * client's to keep, what is half written is nobody else's business.
 */
export function useDrafts(userId: string): { texts: Texts; setText: (place: string, text: string) => void } {
  const [texts, setTexts] = useState<Texts>(() => read(userId))
  const setText = useCallback(
    (place: string, text: string) =>
      setTexts(({ [place]: _, ...others }) => (text === '' ? others : { ...others, [place]: text })),
    [],
  )
  useEffect(() => write(userId, texts), [userId, texts])
  return { texts, setText }
}

/** Signing out leaves nothing behind. */
export function forgetDrafts(): void {
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key)
  } catch {
    // No storage: nothing was kept.
  }
}

function read(userId: string): Texts {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(PREFIX + userId) ?? '{}')
    if (typeof stored !== 'object' || stored === null) return {}
    return Object.fromEntries(
      Object.entries(stored).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    )
  } catch {
    return {}
  }
}

function write(userId: string, texts: Texts): void {
  try {
    if (Object.keys(texts).length === 0) sessionStorage.removeItem(PREFIX + userId)
    else sessionStorage.setItem(PREFIX + userId, JSON.stringify(texts))
  } catch {
    // Full or disabled: the text is still in the field.
  }
}
