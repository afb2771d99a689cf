import type { ProductionChatOptions, Tier } from './types.js'

/** The settings that come from a build's environment; spread them into the options of `createProductionChat`. */
export type EnvironmentConfig = Pick<ProductionChatOptions, 'enforceLimits' | 'defaultTier' | 'costPer1kTokens'>

const LIMITS = 'true or false'
const TIER = 'free, pro or enterprise'
const COST = 'a number of US dollars, such as 0.002'

const isFlag = (value: unknown) => typeof value === 'boolean'
const isTier = (value: unknown) => ['free', 'pro', 'enterprise'].includes(value as string)
const isCost = (value: unknown) => typeof value === 'number' && value >= 0 && value < Infinity

/** @throws {Error} naming the option and what it may be, when one is wrong that apps get wrong: types hold in TypeScript only. */
export function checkOptions(options: ProductionChatOptions): void {
  must('supabaseUrl', "your project's URL", options.supabaseUrl, Boolean)
  must('supabaseKey', "your project's publishable key", options.supabaseKey, Boolean)
  must('accessToken', 'a function', options.accessToken, (value) => typeof value === 'function')
  must('enforceLimits', LIMITS, options.enforceLimits ?? true, isFlag)
  must('defaultTier', TIER, options.defaultTier ?? 'free', isTier)
  must('costPer1kTokens', COST, options.costPer1kTokens ?? 0, isCost)
}

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
    must('VITE_ENABLE_PRODUCTION_LIMITS', LIMITS, limits, (value) => value === 'true' || value === 'false')
    config.enforceLimits = limits === 'true'
  }

  const tier = read(env, 'VITE_DEFAULT_LICENSE_TIER')
  if (tier !== null) {
    must('VITE_DEFAULT_LICENSE_TIER', TIER, tier, isTier)
    config.defaultTier = tier as Tier
  }

  const cost = read(env, 'VITE_COST_PER_1K_TOKENS')
  if (cost !== null) {
    must('VITE_COST_PER_1K_TOKENS', COST, cost, (value) => isCost(Number(value)))
    config.costPer1kTokens = Number(cost)
  }

  return config
}

function read(env: Readonly<Record<string, unknown>>, name: string): string | null {
  const value = env[name]
  if (value === undefined || value === null) return null
  const text = String(value).trim()
  return text === '' ? null : text
}

function must(name: string, allowed: string, value: unknown, holds: (value: unknown) => boolean): void {
  if (!holds(value)) throw new Error(`${name} must be ${allowed}, not ${JSON.stringify(value)}.`)
}
