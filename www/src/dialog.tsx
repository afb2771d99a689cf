import { useLayoutEffect, useRef, type ReactNode } from 'react'

interface DialogProps {
  label: string
  /** Called on Escape. Left out: the dialog cannot be left without an answer. */
  onClose?: () => void
  children: ReactNode
}

/** A modal dialog for as long as it is rendered. The browser keeps the focus inside and gives it back. */
export function Dialog({ label, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  // Closed while it is still in the page: later, the focus would not go back to where it was.
  useLayoutEffect(() => {
    const element = dialog.current
    if (element === null) return
    if (!element.open) element.showModal()
    return () => element.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-label={label}
      onCancel={(event) => {
        event.preventDefault()
        onClose?.()
      }}
    >
      {children}
    </dialog>
  )
}

interface ConfirmProps {
  question: string
  explanation: string
  yes: string
  onYes: () => void
  onNo: () => void
}

/** A question before something that cannot be undone. */
export function Confirm({ question, explanation, yes, onYes, onNo }: ConfirmProps) {
  return (
    <Dialog label={question} onClose={onNo}>
      <h2>{question}</h2>
      <p>{explanation}</p>
      <div className="dialog-actions">
        <button type="button" className="pc-button" onClick={onNo} autoFocus>
          Cancel
        </button>
        <button type="button" className="pc-button danger" onClick={onYes}>
          {yes}
        </button>
      </div>
    </Dialog>
  )
}
