import { memo } from 'react'

/**
 * A text, line by line. What stands before the last empty line is set as paragraphs that stay as they are, so that of a
 * long answer that grows only its last paragraph is laid out again.
 */
export function MessageText({ text }: { text: string }) {
  const end = text.lastIndexOf('\n\n') + 2
  if (end < 2) return text
  return (
    <>
      <Paragraphs text={text.slice(0, end)} />
      {text.slice(end)}
    </>
  )
}

/** Each with the line ends behind it, so that the text is to the letter what it was. */
const Paragraphs = memo(function Paragraphs({ text }: { text: string }) {
  return text.match(/[^]*?\n{2,}/g)?.map((paragraph, place) => <p key={place}>{paragraph}</p>)
})
