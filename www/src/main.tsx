import 'production-chat/styles.css'
import './app.css'
import { ProductionChatProvider } from 'production-chat/react'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app'
import { chat } from './session'

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no #root')

createRoot(root).render(
  <StrictMode>
    <ProductionChatProvider client={chat}>
      <App />
    </ProductionChatProvider>
  </StrictMode>,
)
