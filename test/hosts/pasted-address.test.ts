// An address as mail clients, terminals and chats mangle it: pasted in private it finishes, in a group it is burnt and removed.

import { randomBytes } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import { mayHoldCallback } from "../../src/chat/command.ts";
import { IssuerSignIns } from "../../src/chat/sign-ins.ts";
import { PendingLogins } from "../../src/oauth/pending.ts";
import { startSandboxIssuer } from "../../src/sandbox/issuer.ts";
import { chatLab } from "../chat/chat-lab.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

/** A chat over real sign-ins at the sandbox's issuer, with one that waits, and the address its browser ended on. */
async function waitingSignIn() {
  const server = await startSandboxIssuer();
  onTestFinished(() => server.close());
  const issuer = { origin: server.origin, isSandbox: true };
  const pending = new PendingLogins({ folder: await temporaryFolder(), issuer, now: Date.now, randomBytes });
  const lab = await chatLab({ signIns: new IssuerSignIns({ pending, issuer, now: Date.now }), now: Date.now });
  await lab.say("work");
  const button = (lab.out.lastReply.buttons ?? []).flat().find(({ kind }) => kind === "url");
  const address = server.approve(button?.kind === "url" ? button.url : "", "grace@example.com");
  return { ...lab, address };
}

const MANGLED: readonly (readonly [string, (address: string) => string])[] = [
  ["broken over lines", (address) => `${address.slice(0, 50)}\n${address.slice(50, 90)}\n${address.slice(90)}`],
  ["broken in its host", (address) => `${address.slice(0, 12)}\n${address.slice(12)}`],
  ["quoted from a mail", (address) => `> ${address.slice(0, 60)}\n> ${address.slice(60)}`],
  ["percent-encoded", (address) => encodeURIComponent(address)],
  ["in angle brackets, in a sentence", (address) => `it says <${address}>.`],
  ["a markdown link", (address) => `[here](${address})`],
];

describe("an address that is", () => {
  it.each(MANGLED)("%s finishes the sign-in in the private chat", async (_how, mangle) => {
    const { address, out, text } = await waitingSignIn();
    expect(await text(mangle(address))).toContain("Signed in as grace@example.com");
    expect(out.deletions).toBe(1);
  });

  it.each([
    ...MANGLED,
    ["only its code and state", (address: string) => address.slice(address.indexOf("code="))] as const,
  ])("%s is removed from a group and burnt", async (_how, mangle) => {
    const { address, out, text, services, asker, parked } = await waitingSignIn();
    const posted = mangle(address);
    // The bot hands in what this says of a group's messages, and nothing else of them.
    expect(mayHoldCallback(posted)).toBe(true);
    await text(posted, { private: false, chatId: "-100", personId: "2" });
    expect(out.deletions).toBe(1);
    expect(await services.signIns.waiting(asker)).toEqual([]);
    await text(address);
    expect(await parked.list()).toEqual([]);
  });
});
