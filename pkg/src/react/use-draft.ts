'use client'

import { useRef, useSyncExternalStore, type RefObject } from 'react'
import { draftsOf, joined, placeOf, type Drafts, type Place } from './drafts.js'
import { useBrowserLayoutEffect } from './use-browser-layout-effect.js'
import type { UseProductionChatResult } from './use-production-chat.js'

/** The text of a field. */
export interface Draft {
  text: string
  setText: (text: string) => void
  /** Gives words back to the conversation they were typed in, whatever is shown by then. */
  giveBack: (text: string) => void
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
  const here = useMoving(drafts, place)

  useBrowserLayoutEffect(() => {
    if (appText === undefined || kept === '') return
    const returned = drafts.take(key)
    if (returned !== '') onTextChange?.(joined(returned, appText))
  })

  return {
    text: appText ?? kept,
    setText: (text) => {
      if (appText === undefined) drafts.write(key, text)
      onTextChange?.(text)
    },
    giveBack: (text) => drafts.giveBack(isSame(place, here.current) ? here.current.key : key, text),
  }
}

/** A conversation that begins to exist, or whose person becomes known, is another place: the words come along. */
function useMoving(drafts: Drafts, place: Place): RefObject<Place> {
  const last = useRef(place)
  useBrowserLayoutEffect(() => {
    const before = last.current
    last.current = place
    if (before.key === place.key || !isSame(before, place)) return
    const words = drafts.take(before.key)
    if (words !== '') drafts.giveBack(place.key, words)
  })
  return last
}

function isSame(before: Place, now: Place): boolean {
  const isSamePerson = before.userId === null || before.userId === now.userId
  return isSamePerson && (before.conversationId === now.conversationId || (before.isNew && now.isNew))
}

const nothing = () => ''
