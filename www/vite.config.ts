import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// `make demo` (tools/stack.mjs) tells where the parts listen. They are forwarded, so the page has one origin.
const supabase = process.env.DEMO_SUPABASE_ORIGIN
const functions = process.env.DEMO_FUNCTIONS_ORIGIN

export default defineConfig({
  plugins: [react()],
  envDir: '..',
  // The demo's API is wherever the page came from. Against a hosted project, set VITE_SUPABASE_URL.
  define: supabase ? { 'import.meta.env.VITE_SUPABASE_URL': 'window.location.origin' } : {},
  // The package is a workspace under development: serve it as it is, so that its wasm is found beside it.
  optimizeDeps: { exclude: ['production-chat'] },
  server: {
    proxy: {
      ...(supabase && { '/auth/v1': supabase, '/rest/v1': supabase }),
      ...(functions && {
        '/functions/v1': { target: functions, rewrite: (path) => path.replace(/^\/functions\/v1/, '') },
      }),
    },
  },
})
