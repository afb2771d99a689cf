// A server component: the chat below it is rendered on the server too, and comes to life in the browser.
import { Client } from './client.js'

export const dynamic = 'force-dynamic'

export default function Page() {
  return <Client />
}
