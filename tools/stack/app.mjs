import { createServer } from 'vite'

/** The demo app on Vite, which also forwards the API paths: one origin, as on a hosted project behind one domain. */
export async function startApp({ port, supabaseUrl, functionsUrl, publishableKey, users, password }) {
  // www/vite.config.ts reads these; what begins with VITE_ reaches the page.
  Object.assign(process.env, {
    DEMO_SUPABASE_ORIGIN: supabaseUrl,
    DEMO_FUNCTIONS_ORIGIN: functionsUrl,
    VITE_SUPABASE_PUBLISHABLE_KEY: publishableKey,
    VITE_DEMO_USERS: users.join(','),
    VITE_DEMO_PASSWORD: password,
  })
  const server = await createServer({
    configFile: 'www/vite.config.ts',
    root: 'www',
    logLevel: 'error',
    clearScreen: false,
    server: { port, host: '127.0.0.1', strictPort: false },
  })
  await server.listen()
  return { url: server.resolvedUrls.local[0].replace(/\/$/, ''), stop: () => server.close() }
}
