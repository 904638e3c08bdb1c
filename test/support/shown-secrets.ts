// What of a text is a token or the code of a callback address, with what stands around it: "it leaked" alone once told nobody what did.

/**
 * A JWT by its header, or a part of one up to its dot. `eyJ` alone will not do: what we draw at random (a button's signature, a
 * challenge) holds it in one run of some hundreds.
 */
const TOKEN = /eyJ(?:hbGciO|0eXAiO|raWQiO|[\w-]{12,}\.)/;
const CODE = /[?&]code=/;
const AROUND = 80;

/** Every token and code in `text`, and whatever else `more` finds, each with its surroundings: nothing, where nothing leaked. */
export function shownSecrets(text: string, ...more: readonly RegExp[]): readonly string[] {
  return [TOKEN, CODE, ...more].flatMap(({ source, flags }) =>
    [...text.matchAll(new RegExp(source, `${flags.replace("g", "")}g`))].map(({ index, 0: found }) =>
      text.slice(Math.max(0, index - AROUND), index + found.length + AROUND),
    ),
  );
}
