'use client'

import { createContext, useContext, type ReactNode } from 'react'
import type { ProductionChatClient } from '../client.js'

const ClientContext = createContext<ProductionChatClient | null>(null)

/** Props of {@link ProductionChatProvider}. */
export interface ProductionChatProviderProps {
  /** The page's client, made once outside of rendering with `createProductionChat`. */
  client: ProductionChatClient
  /** The app, or the part of it that chats. */
  children?: ReactNode
}

/** Gives the client to every hook and component below it. */
export function ProductionChatProvider({ client, children }: ProductionChatProviderProps) {
  return <ClientContext.Provider value={client}>{children}</ClientContext.Provider>
}

/**
 * The client: the one given, else the provider's.
 *
 * @throws {Error} when there is neither.
 */
export function useClient(given?: ProductionChatClient): ProductionChatClient {
  const provided = useContext(ClientContext)
  const client = given ?? provided
  if (client === null) {
    throw new Error('No chat client: wrap the app in <ProductionChatProvider client={…}>, or pass { client } to the hook.')
  }
  return client
}
