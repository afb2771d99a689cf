// The answer of one turn while it grows: its text, and where in it we are, in UTF-8 bytes.

const utf8 = new TextEncoder();

export class Answer {
  #text = "";
  #bytes = 0;
  #pieces = 0;

  get text(): string {
    return this.#text;
  }

  /** Appends a piece; returns the offset in bytes at which it begins. */
  append(piece: string): number {
    const offset = this.#bytes;
    this.#text += piece;
    this.#bytes += byteLength(piece);
    this.#pieces += 1;
    return offset;
  }

  /** What the provider will most likely bill for it: it sends a token at a time, and a token is about four bytes. */
  get tokens(): number {
    return Math.max(this.#pieces, estimateTokens(this.#bytes));
  }
}

export function byteLength(text: string): number {
  return utf8.encode(text).length;
}

/** Tokens in so many bytes of text, where the provider does not say. */
export function estimateTokens(bytes: number): number {
  return Math.ceil(bytes / 4);
}

/** The rest of `text` from a byte offset, which is moved back to the start of a character if it is inside one. */
export function fromByte(text: string, offset: number): { from: number; rest: string } {
  const bytes = utf8.encode(text);
  let from = Math.min(offset, bytes.length);
  while (from > 0 && from < bytes.length && (bytes[from]! & 0xc0) === 0x80) from -= 1;
  return { from, rest: new TextDecoder().decode(bytes.subarray(from)) };
}
