'use client'

import { useRef, useSyncExternalStore, type RefObject } from 'react'
import { draftsOf, isSamePlace, joined, placeOf, type Drafts, type Place } from './drafts.js'
import { useBrowserLayoutEffect } from './use-browser-layout-effect.js'
import type { UseProductionChatResult } from './use-production-chat.js'

/** The text of a field, and what can be done to it, also later, when the field shows another conversation. */
export interface Draft {
  text: string
  /** Where the words belong. */
  place: Place
  setText: (text: string) => void
  /** Empties it: the words are kept elsewhere. */
  takeAway: () => void
  /** Gives words back to it. */
  giveBack: (text: string) => void
}

/** What a field shows now. */
interface Here {
  place: Place
  setText: (text: string) => void
}

/**
 * What is being written in this conversation, from where it is kept: with the app when it gives `appText`, else with
 * the client. Words that come back reach the app too, as soon as its field shows their conversation.
 */
export function useDraft(
  chat: UseProductionChatResult,
  appText: string | undefined,
  onTextChange: ((text: string) => void) | undefined,
): Draft {
  const drafts = draftsOf(chat.client)
  const place = placeOf(chat)
  const { key } = place
  const kept = useSyncExternalStore(drafts.subscribe, () => drafts.text(key), nothing)

  function setText(text: string): void {
    if (appText === undefined) drafts.write(key, text)
    onTextChange?.(text)
  }
  const here = useHere(drafts, { place, setText })

  useBrowserLayoutEffect(() => {
    if (appText === undefined || kept === '') return
    const returned = drafts.take(key)
    if (returned !== '') onTextChange?.(joined(returned, appText))
  })

  return {
    text: appText ?? kept,
    place,
    setText,
    takeAway: () => {
      if (isSamePlace(place, here.current.place)) here.current.setText('')
      else drafts.write(key, '')
    },
    giveBack: (text) => drafts.giveBack(isSamePlace(place, here.current.place) ? here.current.place.key : key, text),
  }
}

/** A conversation that begins to exist, or whose person becomes known, is another place: the words come along. */
function useHere(drafts: Drafts, now: Here): RefObject<Here> {
  const here = useRef(now)
  useBrowserLayoutEffect(() => {
    const { place } = here.current
    here.current = now
    if (place.key === now.place.key || !isSamePlace(place, now.place)) return
    const words = drafts.take(place.key)
    if (words !== '') drafts.giveBack(now.place.key, words)
  })
  return here
}

const nothing = () => ''
