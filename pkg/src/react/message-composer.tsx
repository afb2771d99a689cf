'use client'

import { useEffect, useId, useRef, useState, type FormEvent, type KeyboardEvent } from 'react'
import { ChatError } from '../error.js'
import { PENDING_VERDICT } from '../pending.js'
import type { Tier } from '../types.js'
import { DenialNotice } from './denial-notice.js'
import { SendIcon, StopIcon } from './icons.js'
import { PassingButton } from './passing-button.js'
import { UpgradePrompt } from './upgrade-prompt.js'
import { draftsOf } from './drafts.js'
import { useBrowserLayoutEffect } from './use-browser-layout-effect.js'
import { useDraft } from './use-draft.js'
import type { UseProductionChatResult } from './use-production-chat.js'
import { count, estimatedUsd } from './words.js'

/** Props of {@link MessageComposer}. */
export interface MessageComposerProps {
  /** What `useProductionChat` returned. */
  chat: UseProductionChatResult
  /** Whom the message is for. Default: the conversation's agent. */
  agent?: string | undefined
  /** The text, when the app keeps it. Left out: it is kept by conversation, for as long as the page is there. */
  text?: string | undefined
  /** Receives what is typed and, where the app keeps the text, what comes back or was sent. */
  onTextChange?: ((text: string) => void) | undefined
  /** Shown in the empty field. */
  placeholder?: string | undefined
  /** Takes the person to where plans are sold. */
  onUpgrade?: ((tier: Tier) => void) | undefined
}

/**
 * Where a message is written: what remains and what it may cost while typing, the refusal and when it lifts in place of
 * a request that would be denied. What was typed leaves the field only once it is kept elsewhere.
 */
export function MessageComposer({ chat, agent, text, onTextChange, placeholder, onUpgrade }: MessageComposerProps) {
  const written = useDraft(chat, text, onTextChange)
  const { text: value, key, isHeld, setText } = written
  const [problem, setProblem] = useState<{ conversationId: string | null; words: string } | null>(null)
  const field = useRef<HTMLTextAreaElement>(null)
  const hintId = useId()
  useGrowing(field, value)
  useEffect(() => draftsOf(chat.client).onEdit((edited) => edited === key && focusWithoutKeyboard(field.current)), [chat.client, key])

  const draft = agent === undefined ? { text: value } : { text: value, agent }
  const verdict = chat.check(draft)
  const isBlank = value.trim() === ''
  const isAnswering = chat.status === 'submitted' || chat.status === 'streaming'

  async function send(options: { queue: boolean }): Promise<void> {
    if (isBlank || isHeld) return
    setProblem(null)
    written.send(verdict !== PENDING_VERDICT)
    field.current?.focus()
    try {
      await chat.sendMessage(options.queue ? { ...draft, queue: true } : draft)
    } catch (error) {
      const kept = error instanceof ChatError && error.messageId !== null
      if (kept) return
      written.refused()
      const isDenial = error instanceof ChatError && error.detail.verdict !== null
      if (!isDenial) {
        setProblem({ conversationId: chat.conversationId, words: error instanceof Error ? error.message : String(error) })
      }
    }
  }

  function onSubmit(event: FormEvent): void {
    event.preventDefault()
    void send({ queue: false })
  }

  function onKeyDown(event: KeyboardEvent): void {
    // While an input method composes a character, Enter chooses it. Safari has ended the composing by then: there the
    // code says it.
    const { isComposing, keyCode } = event.nativeEvent
    if (event.key !== 'Enter' || event.shiftKey || isComposing || keyCode === 229) return
    event.preventDefault()
    void send({ queue: false })
  }

  return (
    <form className="pc-composer" onSubmit={onSubmit} data-denied={!verdict.allowed}>
      {!verdict.allowed && (
        <DenialNotice verdict={verdict}>
          {verdict.retryAt !== null && !isBlank && (
            <PassingButton heir={field} className="pc-button" onClick={() => void send({ queue: true })}>
              Send it then
            </PassingButton>
          )}
          <UpgradePrompt verdict={verdict} tiers={chat.tiers} onUpgrade={onUpgrade} />
        </DenialNotice>
      )}
      {problem !== null && problem.conversationId === chat.conversationId && (
        <p className="pc-problem" role="alert">
          {problem.words}
        </p>
      )}
      <div className="pc-composer-box">
        <textarea
          ref={field}
          rows={1}
          value={value}
          readOnly={isHeld}
          aria-label="Message"
          aria-describedby={hintId}
          placeholder={placeholder ?? 'Write a message'}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
        />
        {isAnswering && (
          <PassingButton heir={field} className="pc-send" aria-label="Stop answering" onClick={chat.stop}>
            <StopIcon />
          </PassingButton>
        )}
        {(!isAnswering || !isBlank) && (
          <button
            type="submit"
            className="pc-send"
            aria-label={isAnswering ? 'Send after this answer' : 'Send'}
            // Not `disabled`: a focused button must not vanish from under the keyboard.
            aria-disabled={isBlank || !verdict.allowed || isHeld}
          >
            <SendIcon />
          </button>
        )}
      </div>
      <p className="pc-composer-hint" id={hintId}>
        {isHeld ? <span role="status">Goes out as soon as the chat is loaded</span> : <Remaining chat={chat} />}
        {!isBlank && verdict.estimate.maxMicroUsd > 0 && (
          <span>This message: {estimatedUsd(verdict.estimate)}</span>
        )}
      </p>
    </form>
  )
}

/** Whichever runs out first. */
function Remaining({ chat }: { chat: UseProductionChatResult }) {
  const usage = chat.usageStats
  if (usage === null) return <span>&nbsp;</span>
  return usage.messagesRemainingThisHour < usage.messagesRemaining ? (
    <span>{count(usage.messagesRemainingThisHour, 'message')} left this hour</span>
  ) : (
    <span>{count(usage.messagesRemaining, 'message')} left today</span>
  )
}

/** A field as high as its text, where the browser cannot do that by itself; the style sheet sets the most. */
function useGrowing(field: React.RefObject<HTMLTextAreaElement | null>, value: string): void {
  useBrowserLayoutEffect(() => {
    const element = field.current
    // Test environments have no `CSS`.
    if (element === null || globalThis.CSS?.supports?.('field-sizing', 'content')) return
    element.style.height = 'auto'
    element.style.height = `${element.scrollHeight}px`
  }, [field, value])
}

/** On a touch screen the keyboard would jump up over what is being read. */
function focusWithoutKeyboard(field: HTMLTextAreaElement | null): void {
  if (globalThis.matchMedia?.('(pointer: fine)').matches) field?.focus()
}
