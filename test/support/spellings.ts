// A secret in the spellings in which it could slip through, and whether a text holds any of them.

/** `secret` plain, cut, URL-encoded, JSON-escaped, as hex, and as base64 at each of its three phases. */
export function spellings(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  // The characters at both ends depend on the neighbours, those between them do not.
  const base64 = [0, 1, 2].map((skip) => bytes.subarray(skip).toString("base64").slice(0, -4));
  const middle = Math.floor(secret.length / 2);
  const cut = [secret.slice(middle, middle + 16), secret.slice(-20)];
  const plain = [secret, ...cut, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
  const url = base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"));
  return [...new Set([...plain, ...base64, ...url, bytes.toString("hex")])];
}

/** Whether `text` holds `secret` in any spelling. */
export function holdsSecret(text: string, secret: string): boolean {
  if (secret.length <= 20) throw new RangeError("a secret so short could be found by chance");
  return spellings(secret).some((spelling) => text.includes(spelling));
}
