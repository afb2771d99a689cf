'use client'

import { useCallback, useRef, type ComponentPropsWithoutRef, type RefObject } from 'react'

export interface PassingButtonProps extends ComponentPropsWithoutRef<'button'> {
  /** Gets the focus when the button goes. */
  heir: RefObject<HTMLElement | null>
}

/**
 * A button that goes when it was pressed, or by itself. Whoever has the focus on it then goes on at its heir: without
 * one, the browser would send them to the top of the page.
 */
export function PassingButton({ heir, ...props }: PassingButtonProps) {
  const button = useRef<HTMLButtonElement | null>(null)
  const ref = useCallback(
    (element: HTMLButtonElement | null) => {
      // React lets go of an element before it removes it, so it still has the focus.
      if (element === null && button.current?.matches(':focus')) heir.current?.focus({ preventScroll: true })
      button.current = element
    },
    [heir],
  )
  return <button type="button" {...props} ref={ref} />
}
