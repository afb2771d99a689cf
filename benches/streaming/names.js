export const USER = '11111111-1111-4111-8111-111111111111'
export const CONVERSATION = '01990000-0000-7000-8000-000000000001'

/** The text of an earlier message; both sides show the same. */
export function text(place) {
  return `Message ${place}. ${'Some words of no weight. '.repeat(1 + ((place * 7) % 24))}`
}
