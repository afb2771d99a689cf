'use client'

import { useCallback, useEffect, useRef, useState } from 'react'
import type { ProductionChatClient } from '../client.js'

/** The conversation a component is about. */
export interface ConversationId {
  /** Null until the module is loaded, when a new conversation was asked for. */
  id: string | null
  /** The same id, waited for. */
  whenKnown: () => Promise<string>
}

/**
 * The id given, else that of one new conversation, made once for as long as none is given and the same person is there:
 * a ref keeps it, so that StrictMode's second run of the effect finds the first one's.
 */
export function useConversationId(
  client: ProductionChatClient,
  userId: string | null,
  given: string | undefined,
): ConversationId {
  const minting = useRef<Promise<string> | null>(null)
  const owner = useRef({ client, userId })
  const [minted, setMinted] = useState<string | null>(null)

  const mint = useCallback((): Promise<string> => {
    if (minting.current !== null) return minting.current
    const mine = client.newConversation()
    minting.current = mine
    mine.then(
      (id) => minting.current === mine && setMinted(id),
      // The account's state says that the module did not load; the next send tries again.
      () => minting.current === mine && (minting.current = null),
    )
    return mine
  }, [client])

  useEffect(() => {
    const before = owner.current
    owner.current = { client, userId }
    // What was begun before anybody knew who is there is theirs. Of who was there before, the client has forgotten it.
    const isTheirs = client === before.client && (before.userId ?? userId) === userId
    if (given !== undefined || !isTheirs) {
      minting.current = null
      setMinted(null)
    }
    if (given === undefined) void mint()
  }, [client, userId, given, mint])

  const whenKnown = useCallback(async () => given ?? mint(), [given, mint])

  return { id: given ?? minted, whenKnown }
}
