import type { ReactNode } from 'react'

function Icon({ children }: { children: ReactNode }) {
  return (
    <svg
      viewBox="0 0 24 24"
      width="18"
      height="18"
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  )
}

export function SendIcon() {
  return (
    <Icon>
      <path d="M12 19V5M5.5 11.5 12 5l6.5 6.5" />
    </Icon>
  )
}

export function StopIcon() {
  return (
    <Icon>
      <rect x="7" y="7" width="10" height="10" rx="2" fill="currentColor" />
    </Icon>
  )
}

export function DownIcon() {
  return (
    <Icon>
      <path d="M12 5v14M5.5 12.5 12 19l6.5-6.5" />
    </Icon>
  )
}
