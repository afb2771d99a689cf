import type { RefCallback } from 'react'

/** For a control that goes when it was pressed: whoever has the focus on it goes on elsewhere, not at the top of the page. */
export const leavesFocusTo =
  (heir: () => HTMLElement | null | undefined): RefCallback<HTMLElement> =>
  (control) =>
  () => {
    // React lets go of an element before it removes it, so it still has the focus.
    if (control?.matches(':focus')) heir()?.focus({ preventScroll: true })
  }
