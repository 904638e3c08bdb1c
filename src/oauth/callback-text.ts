// Recognises a callback address in what a person wrote, so that it can be finished, burnt and deleted.

// Not inside a longer word or host: `http://evil.localhost:1455/…` holds no address of ours.
const ADDRESS =
  /(?<![A-Za-z0-9._~%@/-])(?:https?:\/\/)?(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?\/auth\/callback\/?[?#][^\s<>"'`]+/i;
const STATE = /[?&#]state=([^\s&#<>"'`]{1,512})/g;

/** True where the text holds a callback address or the part of one that matters (`?code=…&state=…`): delete it, wherever it is. */
export function looksLikeCallbackUrl(text: string): boolean {
  return extractCallbackUrl(text) !== undefined || (/[?&#]code=[^\s&#]/.test(text) && /[?&#]state=[^\s&#]/.test(text));
}

/** The first callback address in `text`, without the words, quotes or brackets around it; undefined where there is none. */
export function extractCallbackUrl(text: string): string | undefined {
  const found = ADDRESS.exec(text)?.[0];
  // A sentence may end right behind the address; none of these can end a code or a state.
  const address = found?.replace(/[)\]},;:!?.]+$/, "");
  return address !== undefined && /[?&#](?:code|state|error)=/.test(address) ? address : undefined;
}

/** Every value of `state` in `text`, decoded; for finding the attempt that a leaked address belongs to. */
export function statesIn(text: string): readonly string[] {
  return [...text.matchAll(STATE)].slice(0, 16).map((match) => decoded(match[1] ?? ""));
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
