// Recognises a callback address in what a person wrote, so that it can be finished, burnt and deleted.

import { LOGIN } from "../config/defaults.ts";

// Not inside a longer word or host: `http://evil.localhost:1455/…` holds no address of ours. It ends where a quote, a bracket
// of an e-mail or the middle of a markdown link (`](`) begins.
const ADDRESS =
  /(?<![A-Za-z0-9._~%@/-])(?:https?:\/\/)?(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?\/auth\/callback\/?[?#](?:(?!\]\()[^\s<>"'`“”‘’„«»‹›])+/i;
const STATE = /(?:^|[?&#;\s"'`(<>])state=([^\s&#<>"'`]{1,512})/g;
const CODE_IN_WORD = /(?:^|[?&#;"'`(<>])code=[^\s&#]/;
const STATE_IN_WORD = /(?:^|[?&#;"'`(<>])state=[^\s&#]/;
// Zero-width characters and soft hyphens, which chats and mail clients put where a long word may be broken.
const INVISIBLE = /\p{Cf}/gu;
// A sentence or emphasis may end right behind the address; none of these can end a code or a state.
const BEHIND = new Set(")]},;:!?.*|");
const LINE_END = /\r\n|[\n\r\u2028\u2029]/;

/** No address has more lines, a redirect inside a redirect is encoded twice, and no message of a person is longer. */
const LIMITS = { lines: 64, encodings: 3, chars: 4 * LOGIN.maxCallbackChars, states: 256 } as const;

/** True where the text holds a callback address or the part of one that matters (`code=…&state=…`): delete it, wherever it is. */
export function looksLikeCallbackUrl(text: string): boolean {
  if (/[?&#]code=[^\s&#]/.test(text) && /[?&#]state=[^\s&#]/.test(text)) return true;
  return wordsOf(text).some(
    (word) =>
      decodings(word.join("")).some((reading) => CODE_IN_WORD.test(reading) && STATE_IN_WORD.test(reading)) ||
      addressesIn(word).length > 0,
  );
}

/** The first callback address in `text`, without the words, quotes or brackets around it; undefined where there is none. */
export function extractCallbackUrl(text: string): string | undefined {
  return callbackAddresses(text)[0];
}

/**
 * Every way to read a callback address out of `text`, percent-decoded where it was encoded as a whole. Where it is broken over
 * lines, nothing in the text says how many of the following lines belong to it: each number is one reading, the shortest
 * first. Only the state of an attempt can tell which one is meant.
 */
export function callbackAddresses(text: string): readonly string[] {
  return wordsOf(text).flatMap(addressesIn);
}

/** Every value of `state` in `text`, decoded, in every reading; for finding the attempt that a leaked address belongs to. */
export function statesIn(text: string): readonly string[] {
  const states = new Set<string>();
  const add = (reading: string): void => {
    for (const [, value = ""] of reading.matchAll(STATE)) {
      if (states.size >= LIMITS.states) return;
      states.add(decoded(value)).add(decoded(withoutEnd(value.replace(/\]\(.*$/s, ""))));
    }
  };
  add(text.slice(0, LIMITS.chars));
  for (const word of wordsOf(text)) {
    for (let end = 1; end <= word.length; end += 1)
      for (const reading of decodings(word.slice(0, end).join(""))) add(reading);
  }
  return [...states];
}

/**
 * The words of `text`, each as the pieces that may belong together: a line's end, its indentation, or the `>` of a quoted mail
 * may stand inside an address; a space or an empty line may not.
 */
function wordsOf(text: string): readonly (readonly string[])[] {
  const words: string[][] = [];
  let open: string[] | undefined;
  const begin = (piece: string): void => void words.push((open = [piece]));
  for (const line of text.slice(0, LIMITS.chars).replaceAll(INVISIBLE, "").split(LINE_END)) {
    const [first = "", ...rest] = line
      .replace(/^[\s>]+/, "")
      .trimEnd()
      .split(/\s+/);
    if (first === "") open = undefined;
    else if (open === undefined || open.length >= LIMITS.lines) begin(first);
    else open.push(first);
    for (const piece of rest) begin(piece);
  }
  return words;
}

/** The readings of the first address in a word, the shortest first. */
function addressesIn(word: readonly string[]): readonly string[] {
  for (let start = 0; start < word.length; start += 1) {
    if (addressIn(word.slice(start).join("")) === undefined) continue;
    const found = new Set<string>();
    for (let end = start + 1; end <= word.length; end += 1) {
      const address = addressIn(word.slice(start, end).join(""));
      if (address !== undefined) found.add(address);
    }
    return [...found];
  }
  return [];
}

function addressIn(text: string): string | undefined {
  for (const reading of decodings(text)) {
    const match = ADDRESS.exec(reading);
    // Behind another address it is a parameter of that one, and what the two mean together is not ours to guess.
    if (match === null || reading.slice(0, match.index).includes("://")) continue;
    const address = withoutEnd(match[0].replaceAll("&amp;", "&"));
    if (/[?&#](?:code|state|error)=/.test(address)) return address;
  }
  return undefined;
}

/** `text` as it is, and percent-decoded once, twice … while that changes anything. */
function decodings(text: string): readonly string[] {
  const readings = [text];
  while (readings.length <= LIMITS.encodings) {
    const last = readings.at(-1) ?? "";
    // Visible ASCII only: a decoded space would end the address.
    const next = last.replaceAll(/%(2[1-9a-f]|[3-6][0-9a-f]|7[0-9a-e])/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    if (next === last) break;
    readings.push(next);
  }
  return readings;
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** By hand: an expression that looks for a run at the end tries each place in it, and took seconds for a long one. */
function withoutEnd(text: string): string {
  let end = text.length;
  while (end > 0 && BEHIND.has(text[end - 1] ?? "")) end -= 1;
  return text.slice(0, end);
}
