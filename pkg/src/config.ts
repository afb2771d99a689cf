import type { ProductionChatOptions, Tier } from './types.js'

/** The settings that come from a build's environment; spread them into the options of `createProductionChat`. */
export type EnvironmentConfig = Pick<ProductionChatOptions, 'enforceLimits' | 'defaultTier' | 'costPer1kTokens'>

const TIERS: readonly Tier[] = ['free', 'pro', 'enterprise']

/**
 * Reads the settings of a Vite app: `configFromEnv(import.meta.env)`. What is absent or empty keeps its default.
 *
 * - `VITE_ENABLE_PRODUCTION_LIMITS`: `true` or `false`. With `false` the browser only advises; the server still decides.
 * - `VITE_DEFAULT_LICENSE_TIER`: `free`, `pro` or `enterprise`: assumed before the server has answered.
 * - `VITE_COST_PER_1K_TOKENS`: USD, for instance `0.002`: the price assumed before the server has answered.
 *
 * @throws {Error} naming the setting and what it may be, when a value is wrong.
 */
export function configFromEnv(env: Readonly<Record<string, unknown>>): EnvironmentConfig {
  const config: EnvironmentConfig = {}

  const limits = read(env, 'VITE_ENABLE_PRODUCTION_LIMITS')
  if (limits !== null) {
    if (limits !== 'true' && limits !== 'false') throw wrong('VITE_ENABLE_PRODUCTION_LIMITS', 'true or false', limits)
    config.enforceLimits = limits === 'true'
  }

  const tier = read(env, 'VITE_DEFAULT_LICENSE_TIER')
  if (tier !== null) {
    const known = TIERS.find((name) => name === tier)
    if (known === undefined) throw wrong('VITE_DEFAULT_LICENSE_TIER', 'free, pro or enterprise', tier)
    config.defaultTier = known
  }

  const cost = read(env, 'VITE_COST_PER_1K_TOKENS')
  if (cost !== null) {
    const usd = Number(cost)
    if (!Number.isFinite(usd) || usd < 0) throw wrong('VITE_COST_PER_1K_TOKENS', 'a number of US dollars, such as 0.002', cost)
    config.costPer1kTokens = usd
  }

  return config
}

function read(env: Readonly<Record<string, unknown>>, name: string): string | null {
  const value = env[name]
  if (value === undefined || value === null) return null
  const text = String(value).trim()
  return text === '' ? null : text
}

function wrong(name: string, allowed: string, value: string): Error {
  return new Error(`${name} must be ${allowed}, not ${JSON.stringify(value)}.`)
}
