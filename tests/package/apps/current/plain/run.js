// The client without a framework: a field, a line of state and the answer.
export function run(createProductionChat) {
  const told = new URLSearchParams(location.search)
  const client = createProductionChat({
    supabaseUrl: told.get('supabase'),
    functionsUrl: told.get('functions'),
    supabaseKey: told.get('key'),
    accessToken: () => told.get('token'),
  })
  const status = document.querySelector('[role=status]')
  client.account.subscribe(() => {
    const account = client.account.getSnapshot()
    status.textContent = account.error?.message ?? account.status
  })
  document.querySelector('form').addEventListener('submit', async (event) => {
    event.preventDefault()
    const conversationId = await client.newConversation()
    const text = document.querySelector('input').value
    const answer = await client.sendMessage({ conversationId, text })
    const article = document.querySelector('article')
    article.textContent = answer.content
    article.dataset.status = answer.status
  })
}
