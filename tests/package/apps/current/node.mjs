// The client in Node: node node.mjs '{"supabase":…,"functions":…,"key":…,"token":…,"bytes":true}'
import { readFile } from 'node:fs/promises'
import { createProductionChat, init } from 'production-chat'

const told = JSON.parse(process.argv[2])
if (told.bytes) await init(await readFile(new URL(import.meta.resolve('production-chat/production_chat_bg.wasm'))))

const client = createProductionChat({
  supabaseUrl: told.supabase,
  functionsUrl: told.functions,
  supabaseKey: told.key,
  accessToken: () => told.token,
})
const conversationId = await client.newConversation()
const answer = await client.sendMessage({ conversationId, text: 'Hello from Node' })
console.log(JSON.stringify({ status: answer.status, content: answer.content }))
client.dispose()
