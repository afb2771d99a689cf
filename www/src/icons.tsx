import type { ReactNode } from 'react'

function Icon({ children }: { children: ReactNode }) {
  return (
    <svg
      viewBox="0 0 24 24"
      width="18"
      height="18"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  )
}

export const PlusIcon = () => (
  <Icon>
    <path d="M12 5v14M5 12h14" />
  </Icon>
)

export const MenuIcon = () => (
  <Icon>
    <path d="M4 7h16M4 12h16M4 17h10" />
  </Icon>
)

export const CloseIcon = () => (
  <Icon>
    <path d="m6 6 12 12M18 6 6 18" />
  </Icon>
)

export const PencilIcon = () => (
  <Icon>
    <path d="M4 20l1-4L16.500 4.500a2.100 2.100 0 0 1 3 3L8 19z" />
  </Icon>
)

export const TrashIcon = () => (
  <Icon>
    <path d="M5 7h14M10 7V4.500h4V7M6.500 7l1 13h9l1-13M10 11v5M14 11v5" />
  </Icon>
)

export const LeaveIcon = () => (
  <Icon>
    <path d="M14 4H6a1 1 0 0 0-1 1v14a1 1 0 0 0 1 1h8M10 12h10M16.500 8.500 20 12l-3.500 3.500" />
  </Icon>
)
