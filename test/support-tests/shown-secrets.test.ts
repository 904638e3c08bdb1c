// The eyes of every "nothing leaked": they see tokens in parts too, and take nothing drawn at random for one.

import { expect, it } from "vitest";
import { fakeAccessToken } from "../support/jwt.ts";
import { shownSecrets } from "../support/shown-secrets.ts";

/** How every JWT begins: put in here only, so that no file looks as if it held one. */
const LETTERS = ["ey", "J"].join("");
const token = fakeAccessToken({ email: "ada@example.com", expiresAtMs: 0 });
const [header = "", payload = ""] = token.split(".");

it.each([
  ["a token", token],
  ["its header", header],
  ["a part of it up to the dot", `${payload}.`],
  ["the code of an address", "http://localhost:1455/auth/callback?code=a"],
  ["a code that is not the first parameter", "?state=a&code=b"],
])("sees %s, with what stands around it", (_, secret) => {
  const [shown] = shownSecrets(`before ${secret} after`);
  expect(shown).toMatch(/^before /);
});

it("sees each of several, and what it is told to look for besides", () => {
  expect(shownSecrets(`?code=1 rt_a ${"-".repeat(200)} ?code=2`, /rt_/)).toHaveLength(3);
});

it("takes neither the signature of a button nor a challenge that happens to hold three letters for a token", () => {
  const button = `codex_auth_use:HB0nCWJtzHH-.towvq2.0Eu${LETTERS}_wD7-cCdeM`;
  const link = `https://auth.example/authorize?response_type=code&code_challenge=IdK1${LETTERS}EIyOsxUrbPcg3Cy2XB_63EcOJI09_Hw2Dfpk&x=1`;
  expect(shownSecrets(`${button} ${link}`)).toEqual([]);
});
