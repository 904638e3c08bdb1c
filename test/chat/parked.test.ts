import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lineText } from "../../src/chat/reply.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { alice, bob, chatLab, signedIn } from "./chat-lab.ts";
import { move } from "./job-play.ts";
import { park } from "./park-lab.ts";

describe("/codex_auth parked", () => {
  it("lists what waits, numbered; the picker and the status remind of it", async () => {
    const lab = await chatLab();
    await lab.say("parked");
    expect(lab.out.last).toBe("No login waits for a decision.");
    await park(lab, "work", alice);
    await park(lab, "home", bob);
    await lab.say("");
    expect(lab.out.last).toContain("2 received logins wait for your decision.");
    await lab.press("Waiting logins (2)");
    expect(lab.out.last).toContain("1. alice@example.com (plus) for work: a new profile, not confirmed yet");
    expect(lab.out.last).toContain("2. bob@example.com (pro) for home");
    await lab.say("status");
    expect(lab.out.last).toContain("Waiting for your decision\nwork: /codex_auth parked\nhome:");
  });

  it("opens one of them by its button or by a number alone, without saving it", async () => {
    const lab = await chatLab();
    await park(lab, "work", alice);
    await park(lab, "home", bob);
    await lab.say("parked");
    expect(await lab.incoming({ kind: "text", text: "2" })).toBe("handled");
    expect(lab.out.last).toContain("Save as openai-codex:home?");
    await lab.say("parked");
    await lab.press("1. work");
    expect(lab.out.last).toContain("Save as openai-codex:work?");
    expect(await lab.queue.list()).toEqual([]);
  });

  it("tells a group only how many there are", async () => {
    const lab = await chatLab();
    await park(lab, "work", alice);
    await lab.say("parked", { private: false, chatId: "-100" });
    expect(lab.out.last).toBe("1 login waits for a decision; look in a private chat with me.");
  });
});

describe("/codex_auth take", () => {
  it("saves by number, by id, and under another name", async () => {
    const lab = await chatLab();
    await park(lab, "work", alice);
    await lab.say("parked");
    await lab.say("take 1");
    const id = await park(lab, "home", bob);
    await lab.say(`take ${id.toUpperCase()} as spare first`);
    const jobs = await lab.queue.list();
    expect(jobs.map((job) => [job.profileId, job.kind === "save-login" && job.makeFirst])).toEqual([
      ["openai-codex:work", false],
      ["openai-codex:spare", true],
    ]);
    expect(await lab.parked.list()).toEqual([]);
  });

  it("makes one job of two commands at the same moment, and the second says so", async () => {
    const lab = await chatLab();
    const id = await park(lab, "work", alice);
    await Promise.all([lab.say(`take ${id}`), lab.say(`take ${id} first`)]);
    expect(await lab.queue.list()).toHaveLength(1);
    const texts = [...lab.out.messages.values()].map((reply) => lineText(reply.lines[0] ?? []));
    expect(texts.toSorted()).toEqual(["That login is already taken care of.", "work: queued"]);
  });

  it("shows what would be replaced first, and replaces only after that", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    const id = await park(lab, "home", bob);
    await lab.say(`take ${id} as work`);
    expect(lab.out.last).toContain("openai-codex:work holds: alice@example.com");
    expect(await lab.queue.list()).toEqual([]);
    await lab.say(lab.out.button("Replace what").typed.replace("/codex_auth ", ""));
    expect(await lab.queue.list()).toMatchObject([{ profileId: "openai-codex:work" }]);
  });

  it("does not replace on the first word, whatever it says", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    const id = await park(lab, "work", bob);
    await lab.say(`take ${id} replace first`);
    expect(await lab.queue.list()).toEqual([]);
    lab.clock.now += 11 * 60_000;
    await lab.say(`take ${id} replace`);
    expect(await lab.queue.list()).toEqual([]);
  });

  it("of a login that somebody else has too shows that first, and saves it only after that", async () => {
    const folder = await temporaryFolder();
    const file = join(folder, "auth.json");
    const lab = await chatLab({ codexFiles: [file] });
    const id = await park(lab, "work", alice);
    const { access, refresh } = signedIn(alice).tokens;
    const tokens = { id_token: access.expose(), access_token: access.expose(), refresh_token: refresh.expose() };
    await writeFile(file, JSON.stringify({ auth_mode: "chatgpt", tokens }), { mode: 0o600 });
    for (const typed of [`take ${id}`, `take ${id}`]) {
      await lab.say(typed);
      expect(lab.out.last).toContain("The same login lies in the Codex CLI's login file too.");
      expect(lab.out.last).toContain("Saved here it has two owners");
      expect(await lab.queue.list()).toEqual([]);
    }
    const [first] = lab.out.lastReply.buttons?.flat() ?? [];
    expect(first).toMatchObject({ label: "Save and use first", typed: `/codex_auth take ${id} replace first` });
    await lab.say(`take ${id} replace first`);
    expect(await lab.queue.list()).toMatchObject([{ profileId: "openai-codex:work", makeFirst: true }]);
  });

  it("names the profile that holds the same account already, and what replacing costs", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice, second: bob });
    const id = await park(lab, "work", bob);
    await lab.say(`take ${id}`);
    expect(lab.out.last).toContain("the login that it holds now is not kept");
    expect(lab.out.last).toContain("second holds the same account as this login already");
    const labels = (lab.out.lastReply.buttons ?? []).flat().map(({ label }) => label);
    expect(labels).toEqual([`Save to "second"`, `Replace what "work" holds`, "Discard", "Revoke it"]);
    const save = lab.out.button("Save to");
    expect(save).toMatchObject({ style: "primary", typed: `/codex_auth take ${id} as second` });
    await lab.press("Save to");
    expect(await lab.queue.list()).toMatchObject([{ profileId: "openai-codex:second", makeFirst: false }]);
  });

  it("makes a profile of its own where none holds the account, or only one that another program keeps", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice, second: bob });
    const store = JSON.parse(await readFile(lab.storePath(), "utf8")) as { profiles: Record<string, object> };
    Object.assign(store.profiles["openai-codex:second"] ?? {}, { managedBy: "codex-cli" });
    await writeFile(lab.storePath(), JSON.stringify(store));
    await lab.say(`take ${await park(lab, "work", bob)}`);
    expect(lab.out.button("Save as new profile")).toMatchObject({ style: "primary" });
    expect(() => lab.out.button("Save to")).toThrow();
  });

  it("is stale for the profile that held the account where that has changed since", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice, second: bob });
    await lab.say(`take ${await park(lab, "work", bob)}`);
    await lab.writeStore({ work: alice, second: { ...bob, user: "carol" } });
    await lab.press("Save to");
    expect(lab.out.everything).toContain("too old, or what it was about has changed");
    expect([await lab.queue.list(), await lab.parked.list()]).toMatchObject([[], [{ email: "bob@example.com" }]]);
  });

  it("does not reach somebody's profile by way of `default`", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    const id = await park(lab, "home", alice);
    await lab.say(`take ${id} as default`);
    expect(lab.out.last).toContain("There is no profile called `default`");
    expect(await lab.queue.list()).toEqual([]);
  });

  it.each(["take 1", "take 99", "take p-0000", "discard ../../x", "take p-1 as 123"])(
    "refuses %j and keeps everything",
    async (args) => {
      const lab = await chatLab();
      await park(lab, "work", alice);
      await lab.say(args);
      expect(lab.out.last).toMatch(/^⚠️ .+\n→ .+/);
      expect(await lab.parked.list()).toHaveLength(1);
      expect(await lab.queue.list()).toEqual([]);
    },
  );
});

describe("/codex_auth discard", () => {
  it("asks, and throws away on `yes`", async () => {
    const lab = await chatLab();
    const id = await park(lab, "work", alice);
    await lab.say("parked");
    await lab.say("discard 1");
    expect(await lab.parked.list()).toHaveLength(1);
    expect(lab.out.last).toContain(`/codex_auth discard ${id} yes`);
    await lab.say(`discard ${id} yes`);
    expect(await lab.parked.list()).toEqual([]);
    expect(await lab.parked.tokens(id)).toBeUndefined();
  });

  it("says the truth to one who does it in the moment in which somebody else takes the login", async () => {
    const lab = await chatLab();
    const id = await park(lab, "work", alice);
    const create = lab.queue.secrets.create.bind(lab.queue.secrets);
    const get = lab.parked.get.bind(lab.parked);
    let dropping: Promise<string> | undefined;
    lab.queue.secrets.create = async (...args) => {
      // The other one has the login before their eyes while it is being taken.
      await new Promise<void>((resolve) => {
        lab.parked.get = (which) => get(which).finally(resolve);
        dropping = lab.say(`discard ${id} yes`, { personId: "2", chatId: "2" });
      });
      await create(...args);
    };
    await lab.say(`take ${id}`);
    await dropping;
    expect(await lab.queue.list()).toMatchObject([{ profileId: "openai-codex:work", state: "queued" }]);
    expect(lab.out.everything).toContain(
      "Nothing was thrown away: this login is being saved to work, somebody was first.",
    );
    expect(lab.out.everything).not.toContain("no profile was changed");
  });

  it("says so to one who takes a login in the moment in which it is thrown away, in place of the progress", async () => {
    const lab = await chatLab();
    const id = await park(lab, "work", alice);
    const drop = lab.parked.discard.bind(lab.parked);
    let taking: Promise<string> | undefined;
    lab.parked.discard = async (which) => {
      taking = lab.say(`take ${id}`, { personId: "2", chatId: "2" });
      await expect.poll(() => lab.out.everything).toContain("work: queued");
      return drop(which);
    };
    await lab.say(`discard ${id} yes`);
    await taking;
    expect([await lab.queue.list(), await lab.parked.list(), lab.kicks()]).toEqual([[], [], 0]);
    const texts = [...lab.out.messages.values()].map((reply) => lineText(reply.lines[0] ?? []));
    expect(texts).toEqual([
      "⚠️ That login is not waiting here any more.",
      "The login was thrown away; no profile was changed.",
    ]);
  });

  it.each([
    ["queued", "is being saved to work, somebody was first.\n→ Give that up with /codex_auth cancel"],
    ["written", "is being saved to work, somebody was first.\n→ See /codex_auth status"],
    ["done", "somebody has saved this login to work."],
    ["parked", "that did not come to its end.\n→ See what waits now with /codex_auth parked"],
  ] as const)("of a login that has become a job is no loss: the job is %s", async (state, words) => {
    const lab = await chatLab();
    const id = await park(lab, "work", alice);
    // A process that was killed while it took the login leaves both; the next start drops the parked one.
    const path = join(lab.paths.parked, `${id}.json`);
    const left = await readFile(path);
    await lab.say(`take ${id}`);
    await move(lab, { state });
    await writeFile(path, left, { mode: 0o600 });
    await lab.router.close();
    expect(await lab.say(`discard ${id} yes`)).toContain(words);
    expect(lab.out.last).toMatch(/^Nothing was thrown away: /);
    expect(await lab.queue.list()).toMatchObject([{ state }]);
  });
});
