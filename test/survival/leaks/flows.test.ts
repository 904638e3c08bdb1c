// Canary tokens through every main flow, with real processes: nothing secret is anywhere but where RISK.md says, in no spelling, at no moment.

import { describe, expect, it } from "vitest";
import { LeakRun } from "../lab/leak-run.ts";
import { tellFigure } from "../lab/run.ts";

const SAVED = /✅ .*saved/;

/** Sign-ins by link and by code, by the chat and by a script. */
async function signIns(run: LeakRun): Promise<void> {
  const page = await run.say("/codex_auth paste work", /Open the sign-in page/);
  const address = run.approve(page, "grace@example.com");
  const question = await run.say(address, /Signed in as grace/);
  await run.press(question, "Save and use first", SAVED);
  // Replayed, and wrong.
  await run.say(address, /⚠️|used|ended/);
  await run.say(address.replace(/state=[^&]+/, "state=somebody-elses-state-of-another-day"), /⚠️|sign-in/);

  const card = await run.say("/codex_auth device spare", /Enter this code there: \S+/);
  const code = /there: (\S+)/.exec(card.text)?.[1] ?? "";
  run.world.issuer.approveDevice(code, "ada@example.com", "acct-team");
  const asked = await run.hear(/Signed in as ada/);
  await run.press(asked, "Save, keep the order", SAVED);

  // A script asks for a third; a person begins and finishes it.
  await run.call(["start", "third", "--json"]);
  const invitation = await run.hear(/asks for a new sign-in of third/);
  await run.press(invitation, invitation.buttons[0]?.text ?? "", /Enter this code there/);
  const link = await run.say("/codex_auth paste third", /New login third\n/);
  // Refused by the server, which repeats what it was given.
  run.world.issuer.faults.next({
    kind: "status",
    status: 400,
    contentType: "application/json",
    body: JSON.stringify({ error: "invalid_grant", error_description: "a word of the server" }),
  });
  await run.say(run.approve(link, "grace@example.com"), /⚠️|refused|not taken/);
}

/** What a person does with logins that are there. */
async function changes(run: LeakRun): Promise<void> {
  await run.press(await run.say("/codex_auth use spare", /spare/), "Use it first", /✅/);
  await run.press(await run.say("/codex_auth refresh work", /work/), "Renew it", /✅/);
  // Of a login that this server never gave.
  await run.press(await run.say("/codex_auth refresh main", /main/), "Renew it", /⚠️|❌|not renewed|refused/i);
  const receipt = await run.press(await run.say("/codex_auth remove spare", /spare/), "Remove it", /✅/);
  await run.press(await run.press(receipt, "↩️ Undo", /\?/), "Take it back", /✅/);
  await run.press(await run.say("/codex_auth remove spare", /spare/), "Remove it", /✅/);
  await run.say("/codex_auth parked", /1\. .*spare/s);
  const revoke = await run.say("/codex_auth revoke 1", /Revoke this login/);
  await run.press(revoke, "Revoke it for good", /revoked|ended/i);
}

async function looks(run: LeakRun): Promise<void> {
  await run.say("/codex_usage all", /%/);
  await run.say("/codex_auth status", /./);
  await run.say("/codex_auth show work", /work/);
  const calls = [
    "list",
    "status",
    "parked",
    "show work",
    "usage all",
    "doctor",
    "lease",
    "refresh work",
    "remove main",
  ];
  for (const args of calls) await run.call([...args.split(" "), "--json"]);
  await run.call(["finish", "work", "--json"], "http://localhost:1455/auth/callback?code=abc&state=def");
}

async function lease(run: LeakRun): Promise<void> {
  // The bot keeps the lease: it has asked for one by itself.
  await run.say("/lease reacquire yes", /✅|saved|lease/i);
  await run.say("/lease materialize", /✅|saved|written/i);
  await run.say("/lease rotate yes", /✅|saved|rotat/i);
  await run.say("/lease release yes", /✅|removed|released|given back/i);
}

describe("every token, code and key of the main flows", () => {
  it("is nowhere but where RISK.md says: chats, output, receipts, journals, arguments, surroundings, temp folders, names", async () => {
    const run = await LeakRun.open();
    await signIns(run);
    await changes(run);
    await looks(run);
    await lease(run);
    run.noteChats();
    run.watch.look();

    const canaries = run.canaries();
    const { leaks, homes } = run.watch.judge(canaries);
    expect(leaks).toEqual([]);
    // Each kind was met at its own place: so not to find it elsewhere means something.
    const met = [...homes].join("\n");
    for (const home of [
      /^access token .* in \S*\/auth-profiles\.json/m,
      /^refresh token .* in \S*codex-auth\/parked\//m,
      /^refresh token .* in \S*queue\/secrets\//m,
      /^verifier .* in \S*pending\//m,
      /^device id .* in \S*pending\//m,
      /^state .* in \S*pending\//m,
      /^leased access token .* in \S*\/auth-profiles\.json/m,
      /^leased refresh token .* in \.codex\/auth\.json/m,
      /^bot's token .* in process/m,
    ])
      expect(met).toMatch(home);
    const { places } = run.watch;
    for (const kind of [
      /^process .*worker\/main\.js/,
      /codex-auth\/receipts\//,
      /\/outbox\//,
      /\/rotations\//,
      /\/log\//,
    ])
      expect(places.filter((place) => kind.test(place)).length, String(kind)).toBeGreaterThan(0);
    expect(canaries.length).toBeGreaterThan(25);
    // Of ours everything is private at each moment, also half-written files; a lock is an empty folder.
    const ours = run.watch.modes.filter((line) => / \.openclaw\/codex-auth|auth-profiles\.json|\.codex\//.test(line));
    const open = ours.filter((line) => !/^600 [^ ]*[^/]$|^700 .*\/$/.test(line) && !/\.lock\/?$/.test(line));
    expect(open).toEqual([]);
    tellFigure("leaks, main flows", canaries.length, "secrets looked for");
    tellFigure("leaks, main flows, places", places.length, "places looked into");
  });
});
