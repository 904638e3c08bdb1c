import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { jobIdOf } from "../../src/apply/new-job.ts";
import { CodexAuthError } from "../../src/errors.ts";
import { alice, bob, chatLab, signedIn, type Account, type ChatLab } from "./chat-lab.ts";
import { shownSecrets } from "../support/shown-secrets.ts";

/** Signs in to `name` as `account` and pastes the address; gives the address. */
async function signIn(lab: ChatLab, name: string, account: Account): Promise<string> {
  lab.signIns.next = async () => signedIn(account);
  await lab.say(name);
  const [attempt] = (await lab.signIns.waiting(lab.asker)).slice(-1);
  const address = lab.signIns.callback(attempt?.id ?? "");
  await lab.text(address);
  return address;
}

function expectNoSecret(lab: ChatLab): void {
  expect(shownSecrets(lab.out.everything, /the-secret|refresh-of|code=|state=the/)).toEqual([]);
}

describe("a first login", () => {
  it("leaves the chat first, is on disk as parked, and asks whom it signed in", async () => {
    const lab = await chatLab();
    await lab.writeStore({ home: bob });
    const before = await readFile(lab.storePath(), "utf8");
    lab.out.events.length = 0;
    await signIn(lab, "work", alice);
    expect(lab.out.events.slice(0, 3)).toEqual(["send", "delete", "send"]);
    expect(lab.out.last).toContain("Signed in as alice@example.com (plus), expires in 3 days.");
    expect(lab.out.last).toContain("Save as openai-codex:work?");
    expect(lab.out.lastReply.buttons?.map((row) => row[0]?.label)).toEqual([
      "Save and use first",
      "Save, keep the order",
      "Discard",
    ]);
    expect(await lab.parked.list()).toMatchObject([
      { reason: "first-login", profileId: "openai-codex:work", email: "alice@example.com" },
    ]);
    expect(await lab.queue.list()).toEqual([]);
    expect(await readFile(lab.storePath(), "utf8")).toBe(before);
    expectNoSecret(lab);
  });

  it.each([
    ["Save and use first", true],
    ["Save, keep the order", false],
  ])("becomes one job by %s, however often that is pressed", async (label, makeFirst) => {
    const lab = await chatLab();
    await signIn(lab, "work", alice);
    const [parked] = await lab.parked.list();
    const { data } = lab.out.button(label);
    const messageId = lab.out.lastId;
    await Promise.all([1, 2, 3].map(() => lab.incoming({ kind: "press", data, messageId })));
    const jobs = await lab.queue.list();
    expect(jobs).toMatchObject([
      {
        id: jobIdOf(parked?.id ?? ""),
        makeFirst,
        profileId: "openai-codex:work",
        requestedBy: { messageId, chatId: "1", personId: "1" },
      },
    ]);
    expect(await lab.parked.list()).toEqual([]);
    expect(lab.kicks()).toBeGreaterThan(0);
    // Pressed again later it is stale, and says so without touching the message.
    const shown = lab.out.messages.get(messageId);
    await lab.incoming({ kind: "press", data, messageId });
    expect(await lab.queue.list()).toHaveLength(1);
    expect(lab.out.messages.get(messageId)).toEqual(shown);
    expect(lab.out.toasts.length).toBeGreaterThan(0);
  });

  it("is saved by the typed command that stands for the button", async () => {
    const lab = await chatLab();
    await signIn(lab, "work", alice);
    await lab.say(lab.out.button("Save and use first").typed.replace("/codex_auth ", ""));
    expect(await lab.queue.list()).toMatchObject([{ makeFirst: true, profileId: "openai-codex:work" }]);
  });

  it("is thrown away only after a second question", async () => {
    const lab = await chatLab();
    await signIn(lab, "work", alice);
    await lab.press("Discard");
    expect(await lab.parked.list()).toHaveLength(1);
    await lab.press("Keep it");
    expect(lab.out.last).toContain("Save as openai-codex:work?");
    await lab.press("Discard");
    await lab.press("Throw it away");
    expect(await lab.parked.list()).toEqual([]);
    expect(await readdir(lab.paths.parked)).toEqual([]);
  });
});

describe("only a code, or half an address", () => {
  it.each(["ac_Zm9vYmFyYmF6cXV4MDEyMzQ1", "code=some-code&state=some-state"])(
    "leaves the chat while a sign-in waits: %#",
    async (pasted) => {
      const lab = await chatLab();
      // Nothing waits: it is chatter.
      expect(await lab.text(pasted)).toBe("");
      await lab.say("work");
      lab.out.events.length = 0;
      await lab.text(pasted);
      expect(lab.out.events[0]).toBe("delete");
      expect(lab.out.last).toContain("⚠️");
      expect(lab.out.last).not.toContain(pasted);
      expect(await lab.parked.list()).toEqual([]);
    },
  );
});

describe("a disk without room", () => {
  it("is told before the code is spent, and the same address works once there is room", async () => {
    const lab = await chatLab();
    const real = lab.parked.assertRoom.bind(lab.parked);
    lab.parked.assertRoom = () =>
      Promise.reject(new CodexAuthError("ERR_DISK_FULL", { message: "There is no room.", next: "Free some space." }));
    const address = await signIn(lab, "work", alice);
    expect(lab.out.last).toContain("There is no room.");
    expect(await lab.parked.list()).toEqual([]);
    lab.parked.assertRoom = real;
    await lab.text(address);
    expect(lab.out.last).toContain("Save as openai-codex:work?");
  });
});

describe("a later login", () => {
  it("by the same account goes straight to the queue and keeps the order", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    await signIn(lab, "work", { ...alice, expiresAtMs: bob.expiresAtMs });
    expect(await lab.queue.list()).toMatchObject([
      { makeFirst: false, profileId: "openai-codex:work", login: { email: "alice@example.com" } },
    ]);
    expect(await lab.parked.list()).toEqual([]);
    expectNoSecret(lab);
  });

  it("by another account is parked; both are shown, and nothing is replaced by `Save`", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    const before = await readFile(lab.storePath(), "utf8");
    await signIn(lab, "work", bob);
    expect(lab.out.last).toContain("Another account signed in.");
    expect(lab.out.last).toContain("openai-codex:work holds: alice@example.com (plus)");
    expect(lab.out.last).toContain("This login is: bob@example.com (pro)");
    expect(lab.out.lastReply.buttons?.map((row) => row[0]?.label)).toEqual([
      'Save as new profile "bob"',
      'Replace what "work" holds',
      "Discard",
    ]);
    expect(await lab.parked.list()).toMatchObject([
      { reason: "other-identity", previous: { email: "alice@example.com" } },
    ]);
    expect(await lab.queue.list()).toEqual([]);
    expect(await readFile(lab.storePath(), "utf8")).toBe(before);
  });

  it("of the same user in another workspace counts as another account", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    lab.signIns.next = async () => ({
      ...signedIn(alice),
      identity: { userId: "user-alice", accountId: "another-workspace" },
    });
    await lab.say("work");
    await lab.text(lab.signIns.callback("a1"));
    expect(await lab.parked.list()).toMatchObject([{ reason: "other-identity" }]);
  });

  it("is saved under the suggested name, or replaces, by button", async () => {
    for (const [label, profileId] of [
      ["Save as new", "openai-codex:bob"],
      ["Replace what", "openai-codex:work"],
    ] as const) {
      const lab = await chatLab();
      await lab.writeStore({ work: alice });
      await signIn(lab, "work", bob);
      await lab.press(label);
      expect(await lab.queue.list()).toMatchObject([{ profileId, makeFirst: false }]);
    }
  });

  it("suggests a free name", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice, bob: alice });
    await signIn(lab, "work", bob);
    expect(lab.out.button("Save as new").label).toContain('"bob-2"');
    await signIn(lab, "work", { user: "carol", expiresAtMs: bob.expiresAtMs });
    expect(lab.out.button("Save as new").label).toContain('"work-2"');
  });

  it("does not replace a profile that changed after the question", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    await signIn(lab, "work", bob);
    await lab.writeStore({ work: { ...alice, user: "carol", email: "carol@example.com" } });
    await lab.press("Replace what");
    expect(await lab.queue.list()).toEqual([]);
    expect(lab.out.toasts.join()).toContain("changed");
    const [parked] = await lab.parked.list();
    // The typed word counts only for what was shown, too.
    await lab.say(`take ${parked?.id} replace`);
    expect(await lab.queue.list()).toEqual([]);
    expect(lab.out.last).toContain("carol@example.com");
    await lab.say(`take ${parked?.id} replace`);
    expect(await lab.queue.list()).toMatchObject([{ profileId: "openai-codex:work" }]);
  });

  it("is not saved as new where something that cannot be read has come in between", async () => {
    const lab = await chatLab();
    await lab.writeStore({ home: alice });
    await signIn(lab, "work", bob);
    const { data } = lab.out.button("Save, keep the order");
    await writeFile(
      lab.storePath(),
      JSON.stringify({ version: 1, profiles: { "openai-codex:work": { provider: "openai-codex" } } }),
    );
    await lab.incoming({ kind: "press", data });
    expect(await lab.queue.list()).toEqual([]);
    expect(await lab.parked.list()).toHaveLength(1);
  });

  it("asks where the stored account cannot be read", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: "broken" });
    await signIn(lab, "work", alice);
    expect(lab.out.last).toContain("I cannot tell whether this is the same account.");
    expect(await lab.parked.list()).toMatchObject([{ reason: "unknown-identity" }]);
    expect(await lab.queue.list()).toEqual([]);
  });
});

describe("a pasted address", () => {
  it("is recognised with and without the command, and with the words in the wrong place", async () => {
    for (const form of ["finish work {}", "finish {}", "work {}", "{}", "take {}"]) {
      const lab = await chatLab();
      lab.signIns.next = async () => signedIn(alice);
      await lab.say("work");
      await lab.say(form.replace("{}", lab.signIns.callback("a1")));
      expect(lab.out.deletions, form).toBe(1);
      expect(await lab.parked.list(), form).toHaveLength(1);
      expectNoSecret(lab);
    }
  });

  it("is removed also when it is wrong, and the person is told when that fails", async () => {
    const lab = await chatLab();
    lab.out.canDelete = false;
    await lab.text(lab.signIns.callback("nobodys"));
    expect(lab.out.deletions).toBe(1);
    const texts = lab.out.history.map((reply) => JSON.stringify(reply.lines));
    expect(texts[0]).toContain("could not remove your message");
    expect(lab.out.last).toContain("belongs to no sign-in of yours");
    expect(await lab.parked.list()).toEqual([]);
    expectNoSecret(lab);
  });

  it("of another person's sign-in is refused and leaves that one waiting", async () => {
    const lab = await chatLab();
    await lab.say("work");
    await lab.text(lab.signIns.callback("a1"), { personId: "2", chatId: "2" });
    expect(lab.out.last).toContain("belongs to no sign-in of yours");
    expect(await lab.signIns.waiting(lab.asker)).toHaveLength(1);
  });

  it("serves two people at once, each their own", async () => {
    const lab = await chatLab();
    const second = { personId: "2", chatId: "2" };
    await lab.say("work");
    await lab.say("home", second);
    lab.signIns.next = async () => signedIn(bob);
    await lab.text(lab.signIns.callback("a2"), second);
    lab.signIns.next = async () => signedIn(alice);
    await lab.text(lab.signIns.callback("a1"));
    const parked = await lab.parked.list();
    expect(
      parked.map(({ profileId, email, requestedBy }) => `${profileId} ${email} ${requestedBy.personId}`).toSorted(),
    ).toEqual(["openai-codex:home bob@example.com 2", "openai-codex:work alice@example.com 1"]);
  });

  it("in a group burns its sign-in and says so, whoever posts it; a stranger gets no answer", async () => {
    const lab = await chatLab();
    const group = { private: false, chatId: "-100" };
    for (const how of ["text", "command"] as const) {
      await lab.say("work");
      const [attempt] = await lab.signIns.waiting(lab.asker);
      const address = lab.signIns.callback(attempt?.id ?? "");
      await (how === "text" ? lab.text(address, group) : lab.say(`finish work ${address}`, group));
      expect(lab.out.last).toContain("is ended and cannot be used");
      expect(await lab.signIns.waiting(lab.asker)).toEqual([]);
    }
    expect(lab.out.deletions).toBe(2);
    await lab.say("work");
    const sent = lab.out.history.length;
    const text = lab.signIns.callback("a3");
    expect(await lab.incoming({ kind: "text", text }, { ...group, personId: "666" })).toBe("ignored");
    expect(lab.out.history).toHaveLength(sent);
    expect(await lab.signIns.waiting(lab.asker)).toEqual([]);
    expectNoSecret(lab);
  });

  it("whose exchange fails says why; nothing is parked and nothing is quoted", async () => {
    const lab = await chatLab();
    await lab.say("work");
    lab.signIns.next = async () => {
      throw new CodexAuthError("ERR_TOKEN_ENDPOINT", { message: "The issuer refused the code.", next: "Start again." });
    };
    await lab.text(lab.signIns.callback("a1"));
    expect(lab.out.last).toBe("⚠️ The issuer refused the code.\n→ Start again.");
    lab.signIns.next = () => Promise.reject(new Error("the-secret-code in an error of somebody else"));
    await lab.say("work");
    await lab.text(lab.signIns.callback("a2"));
    expect(lab.out.last).toContain("did not expect");
    expect(await lab.parked.list()).toEqual([]);
    expectNoSecret(lab);
  });

  it("whose store cannot be read is kept with the reason", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    await lab.say("work");
    await writeFile(lab.storePath(), "{ broken");
    lab.signIns.next = async () => signedIn(alice);
    await lab.text(lab.signIns.callback("a1"));
    expect(await lab.parked.list()).toMatchObject([
      { reason: "store-failed", problem: { code: expect.stringMatching(/^ERR_/) } },
    ]);
    expect(lab.out.last).toContain("is kept");
    expect(await readFile(lab.storePath(), "utf8")).toBe("{ broken");
  });

  it("is not lost where the queue cannot be written", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    await writeFile(lab.paths.queue, "a file in the way").catch(async () => chmod(lab.paths.queue, 0o500));
    await signIn(lab, "work", alice);
    expect(lab.out.last).toMatch(/^⚠️ /);
    expect(await lab.parked.list()).toMatchObject([{ reason: "same-identity", profileId: "openai-codex:work" }]);
  });
});

/** Pastes the address of a sign-in to work as `account`; the next `edits` edits fail, and the next `sends` sends after the first. */
async function signInCutOff(lab: ChatLab, account: Account, edits: number, sends: number): Promise<void> {
  await lab.say("work");
  const { out } = lab;
  lab.signIns.next = async () => {
    const left = { edit: edits, send: sends };
    for (const name of ["edit", "send"] as const) {
      const real = out[name].bind(out) as (...args: unknown[]) => Promise<string>;
      out[name] = (...args: unknown[]) => (left[name]-- > 0 ? Promise.reject(new Error("no network")) : real(...args));
    }
    return signedIn(account);
  };
  await lab.text(lab.signIns.callback("a1"));
}

describe("a received login that cannot be shown", () => {
  it("in its message is shown in a new one", async () => {
    const lab = await chatLab();
    await signInCutOff(lab, alice, 1, 0);
    expect(lab.out.last).toContain("Signed in as alice@example.com");
    expect(lab.out.everything).not.toContain("did not expect");
    await lab.press("Save and use first");
    expect(await lab.queue.list()).toMatchObject([{ profileId: "openai-codex:work", makeFirst: true }]);
  });

  it("in a new one either is said to be kept, and where", async () => {
    const lab = await chatLab();
    await signInCutOff(lab, alice, 1, 1);
    expect(lab.out.last).toContain("The login was received and is kept");
    expect(lab.out.last).toContain("/codex_auth parked");
    expect(await lab.parked.list()).toMatchObject([{ reason: "first-login" }]);
  });

  it("at all is left to the outbox", async () => {
    const lab = await chatLab();
    await signInCutOff(lab, alice, 99, 99);
    const [parked] = await lab.parked.list();
    expect(await lab.outbox.list("telegram")).toMatchObject([
      { address: { chatId: "1", personId: "1" }, content: { kind: "reminder", parkedId: parked?.id } },
    ]);
    expect(await lab.queue.list()).toEqual([]);
  });

  it("is a job where it renews the same account: the answer comes through the outbox", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    await signInCutOff(lab, alice, 99, 99);
    expect(await lab.queue.list()).toMatchObject([
      { profileId: "openai-codex:work", requestedBy: { host: "telegram", messageId: lab.out.lastId } },
    ]);
    expect(lab.kicks()).toBeGreaterThan(0);
    expect([await lab.parked.list(), await lab.outbox.list("telegram")]).toEqual([[], []]);
    expect(lab.out.everything).not.toContain("did not expect");
  });
});
