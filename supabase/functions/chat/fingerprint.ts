import type { ChatRequest } from "./body.ts";

/**
 * SHA-256 (hex) of what makes two requests the same one. Whether the conversation was new is left out: a replay after a
 * lost answer finds it made.
 */
export async function fingerprint(request: ChatRequest, organizationId: string): Promise<string> {
  const canonical = JSON.stringify([
    1,
    organizationId,
    request.conversationId,
    request.agent,
    request.trigger,
    request.content,
    request.files,
  ]);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(canonical));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
