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
 * The id given, else that of one new conversation, made once for as long as none is given: a ref keeps it, so that
 * StrictMode's second run of the effect finds the first one's.
 */
export function useConversationId(
  client: ProductionChatClient,
  given: string | undefined,
  agent: string | undefined,
): ConversationId {
  const minting = useRef<Promise<string> | null>(null)
  const [minted, setMinted] = useState<string | null>(null)
  const latestAgent = useRef(agent)
  useEffect(() => {
    latestAgent.current = agent
  }, [agent])

  const mint = useCallback((): Promise<string> => {
    minting.current ??= client.newConversation(latestAgent.current).catch((reason: unknown) => {
      minting.current = null
      throw reason
    })
    return minting.current
  }, [client])

  useEffect(() => {
    if (given !== undefined) return
    let isCurrent = true
    mint().then(
      (id) => isCurrent && setMinted(id),
      // The account's state says that the module did not load; the next send tries again.
      () => undefined,
    )
    return () => {
      isCurrent = false
    }
  }, [given, mint])

  useEffect(() => {
    if (given === undefined) return
    // An id is given now: the next time there is none, a new conversation is meant.
    minting.current = null
    setMinted(null)
  }, [given])

  const whenKnown = useCallback(async () => {
    if (given !== undefined) return given
    const id = await mint()
    setMinted(id)
    return id
  }, [given, mint])

  return { id: given ?? minted, whenKnown }
}
