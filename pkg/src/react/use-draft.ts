'use client'

import { useRef, useSyncExternalStore } from 'react'
import { init } from '../load.js'
import { draftsOf, joined, placeOf } from './drafts.js'
import { useBrowserLayoutEffect } from './use-browser-layout-effect.js'
import type { UseProductionChatResult } from './use-production-chat.js'

/** The text of a field, and what can be done to it, also later, when the field shows another conversation. */
export interface Draft {
  text: string
  /** Where it belongs; see `Drafts`. */
  key: string
  /** It is sent and waits for the module: to be seen, and not to be changed. */
  isHeld: boolean
  setText: (text: string) => void
  /** The text is being sent: it leaves the field once something else keeps it, which before the module is there nothing does. */
  send: (isLoaded: boolean) => void
  /** It was refused, and nothing was kept: it is to be in its field. */
  refused: () => void
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
  const isHeld = useSyncExternalStore(drafts.subscribe, () => drafts.isHeld(key), never)
  const text = appText ?? kept

  const here = useRef(place)
  useBrowserLayoutEffect(() => {
    const before = here.current
    here.current = place
    // It has begun, and the words come along.
    if (before.key !== key && before.conversationId === place.conversationId) drafts.giveBack(place, drafts.take(before.key))
  })

  useBrowserLayoutEffect(() => {
    const sent = drafts.takeSent(key)
    if (appText === undefined || onTextChange === undefined) return
    const rest = sent === appText ? '' : appText
    const returned = drafts.take(key)
    if (rest !== appText || returned !== '') onTextChange(joined(returned, rest))
  })

  function setText(next: string): void {
    if (appText === undefined) drafts.write(key, next)
    onTextChange?.(next)
  }

  return {
    text,
    key,
    isHeld,
    setText,
    send: (isLoaded) => {
      if (isLoaded) return setText('')
      drafts.hold(key)
      // The client, which waits for the same, takes the message right after; when it does not come, it refuses.
      init().then(
        () => drafts.sent(key, text),
        () => undefined,
      )
    },
    refused: () => {
      if (drafts.release(key)) return
      const hasBegun = here.current.conversationId === place.conversationId
      drafts.giveBack(hasBegun ? { ...here.current, userId: place.userId } : place, text)
    },
  }
}

const nothing = () => ''
const never = () => false
