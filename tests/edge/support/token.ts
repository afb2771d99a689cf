const base64url = (bytes: Uint8Array) => bytes.toBase64({ alphabet: "base64url", omitPadding: true });
const utf8 = new TextEncoder();

/** A token as an attacker or a clock would make it. Without a secret it claims to need no signature. */
export async function forgeToken(claims: Record<string, unknown>, secret: string | null): Promise<string> {
  const header = { alg: secret === null ? "none" : "HS256", typ: "JWT" };
  const signed = [header, claims].map((part) => base64url(utf8.encode(JSON.stringify(part)))).join(".");
  if (secret === null) return `${signed}.`;
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", utf8.encode(secret), hmac, false, ["sign"]);
  return `${signed}.${base64url(new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8.encode(signed))))}`;
}
