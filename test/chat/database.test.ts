// The chat of a host that cannot look into OpenClaw's database: cards from what the plugin tells, changes that the plugin makes.

import { describe, expect, it } from "vitest";
import { otherOwners } from "../../src/apply/token-owners.ts";
import { plainText } from "../../src/chat/reply.ts";
import { DAY, MINUTE } from "../../src/config/defaults.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { leaseLab } from "../lease/lease-lab.ts";
import { databaseWorld } from "../support/database-world.ts";
import { alice, bob, chatLab, signedIn, type Account } from "./chat-lab.ts";
import { databaseLab, databaseLogin } from "./database-lab.ts";
import { shownSecrets } from "../support/shown-secrets.ts";

const [HOME, WORK] = ["openai:home", "openai:work"];
const carol: Account = { ...alice, user: "carol", email: "carol@example.com" };
type Lab = Awaited<ReturnType<typeof databaseLab>>;

function labels({ out }: Lab): readonly string[] {
  return (out.lastReply.buttons ?? []).flat().map(({ label }) => label);
}

async function signIn(lab: Lab, name: string, account: Account): Promise<void> {
  lab.signIns.next = async () => signedIn(account);
  await lab.say(`paste ${name}`);
  const [attempt] = await lab.signIns.waiting(lab.asker);
  await lab.text(lab.signIns.callback(attempt?.id ?? ""));
}

describe("the chat beside an OpenClaw with a database", () => {
  it("shows the profiles as the plugin told them, and when that was", async () => {
    const lab = await databaseLab();
    lab.clock.now += 3 * MINUTE;
    const picker = await lab.say("");
    expect(picker).toContain("1. home");
    expect(picker).toContain("As OpenClaw's plugin told it 3 min ago.");
    const card = await lab.say("show work");
    expect(card).toContain("openai:work");
    expect(card).toContain("As OpenClaw's plugin told it 3 min ago.");
    expect(card).toContain("/model openai/<model>@openai:work");
    expect(labels(lab)).toEqual(["Use first", "Only this", "Rename", "Remove", "Sign in again", "Back"]);
  });

  it("has the plugin change the order after a press, and take that back", async () => {
    const lab = await databaseLab();
    const before = await lab.stored();
    const shown = await lab.say("use work");
    expect(shown).toContain("Order now: home, work.");
    expect(shown).toContain("Order then: work, home.");
    expect(await lab.queue.open()).toEqual([]);
    await lab.press("Use it first");
    expect(await lab.stored()).toEqual(before);
    expect(await lab.drain()).toContain("✅ work is used first.");
    expect((await lab.stored()).order).toEqual({ openai: [WORK, HOME] });
    await lab.press("Undo");
    await lab.press("Take it back");
    await lab.drain();
    expect(await lab.stored()).toMatchObject(before);
    await lab.say("only work");
    await lab.press("Use only this");
    await lab.drain();
    expect((await lab.stored()).order).toEqual({ openai: [WORK] });
  });

  it("removes, renames and resets by a press, an older id included, and takes each back", async () => {
    const lab = await databaseLab();
    const { profiles } = await lab.stored();
    const usageStats = { [WORK]: { errorCount: 2, cooldownUntil: lab.clock.now + DAY, cooldownReason: "rate_limit" } };
    await lab.inside.put("shared", { profiles, usageStats });
    await lab.publish();

    expect(await lab.say("reset openai-codex:work")).toContain("forgets its cooldown");
    await lab.press("Reset it");
    await lab.drain();
    expect((await lab.stored()).usageStats?.[WORK]).toEqual({ errorCount: 0 });
    expect(await lab.press("Undo")).toContain("Hold against work again");
    await lab.press("Take it back");
    await lab.drain();
    expect((await lab.stored()).usageStats?.[WORK]).toMatchObject({ errorCount: 2, cooldownReason: "rate_limit" });

    expect(await lab.say("rename work office")).toContain("Rename work to office?");
    await lab.press("Rename it");
    await lab.drain();
    expect(Object.keys((await lab.stored()).profiles).toSorted()).toEqual([HOME, "openai:office"]);
    await lab.press("Undo");
    await lab.press("Take it back");
    await lab.drain();
    expect(await lab.say("remove work")).toContain("Remove work from OpenClaw?");
    await lab.press("Remove it");
    await lab.drain();
    expect(Object.keys((await lab.stored()).profiles)).toEqual([HOME]);
    await lab.press("Undo");
    await lab.press("Take it back");
    await lab.drain();
    expect((await lab.stored()).profiles).toEqual(profiles);
  });

  it("names OpenClaw's own command for a chat that a person has bound, as the database names the profile", async () => {
    const lab = await databaseLab({ pins: async () => [{ profileId: HOME ?? "", byPerson: true }] });
    expect(await lab.say("use work")).toContain("send there: /model openai/<model>@openai:work");
  });

  it("refuses what the stores will not have, before anything is asked of the plugin", async () => {
    const lab = await databaseLab();
    expect(await lab.say("rename work home")).toContain("There is a profile of that name already.");
    expect(await lab.say("reset work")).toContain("OpenClaw holds nothing against it.");
    expect(await lab.say("use home")).toContain("It is the first already.");
    expect(await lab.queue.list()).toEqual([]);
  });

  it("says which agents lose a copy, and which keep another login of that name", async () => {
    const lab = await databaseLab();
    await lab.inside.put("ops", { profiles: { [WORK]: databaseLogin(alice, { refresh: "another one" }) } });
    await lab.inside.put("lab", { profiles: { [WORK]: databaseLogin(carol) } });
    await lab.publish();
    const shown = await lab.say("remove work");
    expect(shown).toContain("ops loses its copy of this login too.");
    expect(shown).toContain("lab keeps another login of that name.");
  });

  it("a confirmation is for the login that was shown: another one that came since makes it stale", async () => {
    const lab = await databaseLab();
    await lab.say("remove work");
    const { profiles } = await lab.stored();
    await lab.inside.put("shared", { profiles: { ...profiles, [WORK]: databaseLogin(carol) } });
    await lab.publish();
    await lab.press("Remove it");
    expect(await lab.queue.list()).toEqual([]);
    expect(lab.out.everything).toContain("what it was about has changed");
  });

  it("the plugin looks itself: a login that came after the snapshot is not removed for the one that was shown", async () => {
    const lab = await databaseLab();
    await lab.say("remove work");
    const { profiles } = await lab.stored();
    await lab.inside.put("shared", { profiles: { ...profiles, [WORK]: databaseLogin(carol) } });
    await lab.press("Remove it");
    expect(await lab.drain()).toContain("Another login came into this profile");
    expect((await lab.stored()).profiles[WORK]).toMatchObject({ accountId: "acc-carol" });
  });

  it("saves a new login, and replaces one, by a press", async () => {
    const lab = await databaseLab();
    await signIn(lab, "night", carol);
    expect(lab.out.last).toContain("Save as openai:night?");
    await lab.press("use first");
    await lab.drain();
    expect((await lab.stored()).profiles["openai:night"]).toMatchObject({ provider: "openai", accountId: "acc-carol" });
    expect((await lab.stored()).order).toEqual({ openai: ["openai:night", HOME, WORK] });
    expect(await lab.press("Undo")).toContain("It holds the tokens that were saved then, unspent");
    await signIn(lab, "work", bob);
    expect(lab.out.last).toContain("Another account signed in.");
  });

  it("finds a login that was parked under the older id in its place, and who else has it", async () => {
    const lab = await databaseLab();
    const { tokens, ...login } = signedIn(bob);
    const requestedBy = { host: "telegram", chatId: "1", personId: "1" };
    const refresh = Secret.of("stored-refresh-of-bob");
    await lab.parked.put(
      {
        ...login,
        agentId: "main",
        profileId: "openai-codex:work",
        reason: "other-identity",
        expiresAtMs: tokens.expiresAtMs,
        requestedBy,
      },
      { ...tokens, refresh },
    );
    await lab.say("parked");
    await lab.press("1.");
    expect(lab.out.last).toContain("Another account signed in.");
    expect(lab.out.last).toContain("openai:work holds: ");
    expect(lab.out.last).toContain("The same login lies in the profile home of agent main too.");
  });

  it("tells who else is concerned by the end of a login, and leaves nobody unseen", async () => {
    const lab = await databaseLab();
    const { tokens, ...login } = signedIn(bob);
    const requestedBy = { host: "telegram", chatId: "1", personId: "1" };
    const { profileId, agentId } = { profileId: "openai:night", agentId: "main" };
    const parked = await lab.parked.put(
      { ...login, agentId, profileId, reason: "first-login", expiresAtMs: tokens.expiresAtMs, requestedBy },
      tokens,
    );
    const places = { store: lab.world.outside, parked: lab.parked, queue: lab.queue, codexFiles: [] };
    const sameAccount = ["the profile home of agent main"];
    expect(await otherOwners(places, parked, tokens.refresh)).toEqual({ holders: [], unreadable: [], sameAccount });
    const stored = Secret.of("stored-refresh-of-bob");
    expect(await otherOwners(places, parked, stored)).toMatchObject({ holders: sameAccount, unreadable: [] });
  });

  it("leaves the leased login to the lease, by either id of its profile", async () => {
    const lab = await databaseLab();
    const { access } = databaseLogin(carol);
    const { profiles } = await lab.stored();
    const leased = { type: "token", provider: "openai", token: access, expires: carol.expiresAtMs };
    await lab.inside.put("shared", { profiles: { ...profiles, "openai:lease": leased } });
    await lab.publish();
    expect(await lab.say("show lease")).toContain("It holds the leased login");
    expect(labels(lab)).not.toContain("Remove");
    expect(await lab.say("remove lease")).toContain("This profile holds the leased login");
    expect(await lab.queue.list()).toEqual([]);
  });

  it("names the lease's profile as the database does", async () => {
    const lab = await leaseLab({ machineId: "debian", agentId: "main" });
    const { service } = lab;
    const { inside } = await databaseWorld();
    const chat = await chatLab({
      store: inside.store,
      lease: () => ({
        view: () => service.view(),
        totals: () => Promise.resolve(undefined),
        act: (deed) => service.act(deed, {}),
        flush: () => Promise.resolve(),
      }),
    });
    await lab.step();
    await chat.incoming({ kind: "command", name: "lease", args: "release" });
    expect(chat.out.last).toContain("openai:lease");
    expect(chat.out.last).not.toContain("openai-codex");
  });

  it("offers no renewal, and says that OpenClaw renews its logins itself", async () => {
    const lab = await databaseLab();
    await lab.say("show work");
    expect(labels(lab)).not.toContain("Renew now");
    expect(await lab.say("refresh work")).toContain("This OpenClaw renews its logins itself");
    expect(await lab.queue.list()).toEqual([]);
  });

  it("finishes the sign-in that is named, also where it has not looked into the store since it began", async () => {
    const lab = await databaseLab();
    lab.signIns.next = async () => signedIn(carol);
    await lab.say("paste night");
    const [attempt] = await lab.signIns.waiting(lab.asker);
    expect(attempt?.profileId).toBe("openai:night");
    lab.world.generation = "json-single";
    await lab.world.outside.agents();
    expect(lab.world.outside.provider).toBe("openai-codex");
    lab.world.generation = "sqlite";
    const claim = lab.signIns.claim.bind(lab.signIns);
    const named: unknown[] = [];
    lab.signIns.claim = (...asked: [...Parameters<typeof claim>, profileId?: string]) => {
      named.push(asked[2]);
      return claim(asked[0], asked[1]);
    };
    await lab.say(`finish night ${lab.signIns.callback(attempt?.id ?? "")}`);
    expect(lab.out.last).toContain("Save as openai:night?");
    expect(named).toEqual(["openai:night"]);
  });

  it("shows no token anywhere", async () => {
    const lab = await databaseLab();
    for (const args of ["", "show work", "use work", "remove work", "rename work office", "status"])
      await lab.say(args);
    const everything = lab.out.history.map((reply) => plainText(reply)).join("\n");
    expect(shownSecrets(everything, /stored-refresh/)).toEqual([]);
  });
});
