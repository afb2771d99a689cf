import 'production-chat/styles.css'

export const metadata = { title: 'An app on Next.js' }

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  )
}
