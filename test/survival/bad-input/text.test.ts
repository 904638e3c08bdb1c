// Whatever is typed or pasted: it is read or refused in words of ours, at once, and never repeated.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ACTIONS, ButtonCodec, refOf, type ActionName } from "../../../src/chat/button.ts";
import { mayHoldCallback, nearestSubcommand, parseCodexAuth } from "../../../src/chat/command.ts";
import { parseLease } from "../../../src/chat/lease-command.ts";
import { cleanLines, cleanText } from "../../../src/clean-text.ts";
import { equalConstantTime, parseCallback } from "../../../src/oauth/callback.ts";
import {
  callbackAddresses,
  extractCallbackUrl,
  looksLikeCallbackUrl,
  statesIn,
} from "../../../src/oauth/callback-text.ts";
import { judgeLoopbackRequest } from "../../../src/oauth/loopback-request.ts";
import { resolveSelector } from "../../../src/profiles/selector.ts";
import { redact } from "../../../src/secrets/redact.ts";
import { Secret } from "../../../src/secrets/secret.ts";
import { anyText, callbackText, commandArguments, personText } from "../lab/bad-text.ts";
import { CANARY, Guard } from "../lab/guard.ts";
import { chance } from "../lab/run.ts";

const redirectUri = "http://localhost:1455/auth/callback";
const random = chance("the states of attempts");
/** What no input can guess. */
const state = Secret.of(Array.from({ length: 8 }, () => random().toString(36).slice(2)).join(""));

describe("the words of a command", () => {
  it("become a command or an error that does not quote them", () => {
    const guard = new Guard("words of commands");
    guard.check(20_000, commandArguments, (text) => {
      guard.sync(() => parseCodexAuth(text));
      guard.sync(() => parseLease(text));
      guard.sync(() => resolveSelector(text, ["openai-codex:work", "openai-codex:default"]));
      guard.sync(() => nearestSubcommand(text));
    });
  });

  it("are shown without anything invisible in them, however long they are", () => {
    const guard = new Guard("texts to be shown");
    guard.check(10_000, fc.tuple(anyText(200), fc.nat(200)), ([text, max]) => {
      const shown = guard.sync(() => cleanText(text, max));
      expect(shown?.length).toBeLessThanOrEqual(max);
      expect(shown).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      guard.sync(() => cleanLines(text));
      guard.sync(() => redact(text));
    });
  });
});

describe("a pasted text", () => {
  it("is searched for an address without getting lost in it", () => {
    const guard = new Guard("pasted texts");
    guard.check(20_000, personText, (text) => {
      const found = guard.sync(() => callbackAddresses(text)) ?? [];
      expect(guard.sync(() => extractCallbackUrl(text))).toBe(found[0]);
      guard.sync(() => statesIn(text));
      const looks = guard.sync(() => looksLikeCallbackUrl(text));
      // What would be finished is also what would be deleted.
      if (found.length > 0) expect(looks).toBe(true);
      if (looks === true) expect(guard.sync(() => mayHoldCallback(text))).toBe(true);
    });
  });

  it("finishes no sign-in whose state it does not hold, and is not quoted in the refusal", () => {
    const guard = new Guard("callback addresses against an attempt");
    guard.check(30_000, callbackText, (text) => {
      expect(guard.sync(() => parseCallback(text, { redirectUri, state }))).toBeUndefined();
    });
  });

  it("finishes the sign-in whose state it holds with exactly its one code, or says what is wrong with it", () => {
    const guard = new Guard("callback addresses with the right state");
    const name = fc.constantFrom("code", "error", "scope", "state");
    const pairs = fc.array(fc.tuple(name, fc.oneof(fc.constant(CANARY), anyText(12))), { maxLength: 4 });
    guard.check(15_000, fc.tuple(pairs, fc.nat(4)), ([others, at]) => {
      const query = others.map(([key, value]) => [key, value.replaceAll(/[\ud800-\udfff]/gu, "")]);
      query.splice(at, 0, ["state", state.expose()]);
      const text = `${redirectUri}?${new URLSearchParams(query as [string, string][]).toString()}`;
      const parsed = guard.sync(() => parseCallback(text, { redirectUri, state }));
      // At the end of the address a dot or an asterisk is taken for the sentence's: no code ends so.
      const said = (value: string, index: number) => (index < query.length - 1 ? value : value.replace(/[.*]+$/, ""));
      const codes = query.flatMap(([key, value = ""], index) => (key === "code" ? [said(value, index)] : []));
      if (parsed !== undefined) expect([parsed.code.expose()]).toEqual(codes);
    });
  });

  it("is compared with a state of any length", () => {
    const guard = new Guard("comparisons of states");
    guard.check(5_000, fc.tuple(anyText(40), anyText(40)), ([a, b]) => {
      expect(guard.sync(() => equalConstantTime(a, b))).toBe(a === b);
      expect(guard.sync(() => equalConstantTime(a, a))).toBe(true);
    });
  });
});

describe("a request to the loopback address", () => {
  it("is let in only as the browser's own, with one state", () => {
    const guard = new Guard("loopback requests");
    const text = fc.oneof(
      callbackText,
      anyText(60),
      fc.constantFrom(
        ...[`code=${CANARY}&state=${CANARY}`, "state=", "state=a&state=b", "?"].map((q) => `/auth/callback?${q}`),
      ),
    );
    const host = fc.oneof(fc.constantFrom("localhost:1455", "LOCALHOST:1455", "127.0.0.1:1455", "evil.example"), text);
    const request = fc.record({
      method: fc.constantFrom("GET", "GET", "GET", "POST", "HEAD", "get", CANARY),
      target: text,
      hosts: fc.array(host, { maxLength: 2 }),
      hasBody: fc.boolean(),
    });
    guard.check(15_000, request, (one) => {
      const verdict = guard.sync(() => judgeLoopbackRequest(one, redirectUri));
      if (verdict?.kind !== "callback") return;
      expect([one.method, one.hosts.length, one.hasBody]).toEqual(["GET", 1, false]);
      expect(one.target).toMatch(/^\/auth\/callback\?.*state=./s);
    });
  });
});

describe("callback data", () => {
  const owner = { personId: "4242", chatId: "4242", botId: "7" };
  const codec = new ButtonCodec({ key: Buffer.alloc(32, 9), now: () => 1_000_000 });
  const names = Object.keys(ACTIONS) as ActionName[];

  it("that was not made here is foreign, whatever it looks like", () => {
    const guard = new Guard("callback data, forged");
    const action = fc.constantFrom(...names, "codex_auth_nothing", "toString");
    const ref = fc.base64String({ maxLength: 16 });
    const forged = fc.oneof(
      anyText(80),
      fc.constantFrom(CANARY, "__proto__:x", "tgcmd:/restart"),
      fc
        .tuple(action, ref, fc.nat(), fc.base64String())
        .map(([name, about, expiry, mac]) => `${name}:${about}.${expiry.toString(36)}.${mac}`),
    );
    guard.check(20_000, forged, (data) => {
      expect(guard.sync(() => codec.decode(data, owner))).toBeUndefined();
    });
  });

  it("that was made here is good for its owner alone, for its time, and to the letter", () => {
    const guard = new Guard("callback data, changed or carried elsewhere");
    const change = fc.constantFrom("personId", "chatId", "botId", "letter", "late", "nothing");
    guard.check(
      20_000,
      fc.tuple(fc.constantFrom(...names), anyText(12), change, fc.nat(63)),
      ([action, about, how, at]) => {
        const ref = refOf(about);
        const data = codec.encode(action, ref, owner);
        const other = { ...owner, ...(how in owner ? { [how]: CANARY } : {}) };
        const index = at % data.length;
        const letter = data[index] === "A" ? "B" : "A";
        const given = how === "letter" ? data.slice(0, index) + letter + data.slice(index + 1) : data;
        const shownAt = 1_000_000 + (how === "late" ? ACTIONS[action].ttlMs + 1_000 : 0);
        const later = new ButtonCodec({ key: Buffer.alloc(32, 9), now: () => shownAt });
        const pressed = guard.sync(() => later.decode(given, other));
        expect(pressed).toEqual(how === "nothing" ? { action, ref } : undefined);
      },
    );
  });
});
