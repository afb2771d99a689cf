import { expect, test } from '@playwright/test'
import { configFromEnv, createProductionChat } from 'production-chat'
import { ProductionChatProvider, QuotaIndicator, useProductionChat } from 'production-chat/react'
import { createElement } from 'react'
import { renderToString } from 'react-dom/server'

// The package where there is no browser: imported, configured and rendered on a server.

test('renders on a server, without a request and without the module', () => {
  const client = createProductionChat({
    supabaseUrl: 'https://example.supabase.co',
    supabaseKey: 'key',
    accessToken: () => {
      throw new Error('a server must not ask')
    },
  })
  function Page() {
    const chat = useProductionChat({ conversationId: '01990000-0000-7000-8000-000000000001' })
    return createElement('p', null, `${chat.messages.length} messages, loading: ${chat.isLoading}`)
  }
  const html = renderToString(
    createElement(ProductionChatProvider, { client }, createElement(Page), createElement(QuotaIndicator)),
  )
  expect(html).toContain('0 messages, loading: true')
  expect(html).toContain('aria-busy="true"')
})

test('a hook without a client says what is missing', () => {
  expect(() => renderToString(createElement(QuotaIndicator))).toThrow(/ProductionChatProvider/)
})

test('settings come from the environment', () => {
  expect(
    configFromEnv({
      VITE_ENABLE_PRODUCTION_LIMITS: 'true',
      VITE_DEFAULT_LICENSE_TIER: 'free',
      VITE_COST_PER_1K_TOKENS: '0.002',
      MODE: 'production',
    }),
  ).toEqual({ enforceLimits: true, defaultTier: 'free', costPer1kTokens: 0.002 })
  expect(configFromEnv({ VITE_ENABLE_PRODUCTION_LIMITS: 'false' })).toEqual({ enforceLimits: false })
  expect(configFromEnv({ VITE_DEFAULT_LICENSE_TIER: ' ' })).toEqual({})
})

for (const [name, value, allowed] of [
  ['VITE_ENABLE_PRODUCTION_LIMITS', 'yes', 'true or false'],
  ['VITE_DEFAULT_LICENSE_TIER', 'gold', 'free, pro or enterprise'],
  ['VITE_COST_PER_1K_TOKENS', '-1', 'a number of US dollars'],
  ['VITE_COST_PER_1K_TOKENS', '0,002', 'a number of US dollars'],
] as const) {
  test(`a wrong ${name} (${value}) is named at the start`, () => {
    expect(() => configFromEnv({ [name]: value })).toThrow(`${name} must be ${allowed}`)
  })
}
