/** What an app on Vite declares of its settings. */
interface ImportMeta {
  env: { VITE_SUPABASE_URL: string; VITE_SUPABASE_PUBLISHABLE_KEY: string; [setting: string]: string }
}

// What `vite/client` says of every style sheet.
declare module '*.css'
