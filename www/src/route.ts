import { useSyncExternalStore, type MouseEvent } from 'react'

/** `/` is a new conversation, `/c/<id>` one that is there. */
export function conversationPath(id: string): string {
  return `/c/${id}`
}

const listeners = new Set<() => void>()
const notify = () => listeners.forEach((listener) => listener())
window.addEventListener('popstate', notify)

export function navigate(path: string, options: { replace?: boolean } = {}): void {
  if (path === location.pathname) return
  history[options.replace ? 'replaceState' : 'pushState'](null, '', path)
  notify()
}

/** The conversation the address names; undefined for a new one. */
export function useRoute(): string | undefined {
  const path = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => location.pathname,
  )
  return path.startsWith('/c/') ? decodeURIComponent(path.slice(3)) : undefined
}

/** For links: the page stays, unless the person asked for a new tab. */
export function followLink(event: MouseEvent<HTMLAnchorElement>, path: string): void {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
  event.preventDefault()
  navigate(path)
}
