// The guide's example, as it stands there; only the import is the package's. It must compile and render.
import type { ProductionChatClient } from 'production-chat'
import { ProductionChatProvider, useProductionChat } from 'production-chat/react'
import { createRoot } from 'react-dom/client'

const conversationId: string | undefined = undefined

// Example quota display component
const QuotaIndicator = () => {
  const { quotas, usageStats } = useProductionChat({ conversationId });
  
  return (
    <div className="quota-indicator">
      <div>Messages: {usageStats?.messagesRemaining}/{quotas?.max_messages_per_day}</div>
      <div>Cost Today: ${usageStats?.costToday?.toFixed(4)}</div>
    </div>
  );
};

/** Renders the example into the page, under a provider with the client. */
export function mount(client: ProductionChatClient): void {
  const root = document.body.appendChild(document.createElement('div'))
  createRoot(root).render(
    <ProductionChatProvider client={client}>
      <QuotaIndicator />
    </ProductionChatProvider>,
  )
}
