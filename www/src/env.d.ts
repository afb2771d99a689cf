interface ImportMetaEnv {
  /** Origin of the Supabase project. */
  readonly VITE_SUPABASE_URL: string
  /** The publishable key: it may be seen by anyone. */
  readonly VITE_SUPABASE_PUBLISHABLE_KEY: string
  /** `make demo` alone: accounts to sign in with by a click, separated by commas, and their password. */
  readonly VITE_DEMO_USERS?: string
  readonly VITE_DEMO_PASSWORD?: string
}
