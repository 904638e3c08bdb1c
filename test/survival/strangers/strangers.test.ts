// Everybody who may not, with every command and every button there is: silence or a refusal, and not one byte on the disk is another.

import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { ACTIONS, ButtonCodec, refOf, type ActionName, type ButtonOwner } from "../../../src/chat/button.ts";
import { SUBCOMMANDS } from "../../../src/chat/command.ts";
import { OWNER, PARTNER, STRANGER } from "../../hosts/telegram/bot-lab.ts";
import { LoginLab } from "../../hosts/telegram/login-lab.ts";
import { tree } from "../../support/tree.ts";
import { tellFigure } from "../lab/run.ts";

const FORMER = 4444;
const NAMES = Object.keys(ACTIONS) as ActionName[];
const LEASE = [
  "refresh",
  "renew",
  "rotate",
  "release",
  "reacquire",
  "takefile",
  "materialize",
  "flush",
  "auto renew on",
];
/** Every command there is, also the ones that would change something at once. */
const COMMANDS = [
  ...["", " alice", " bob", " --agent main"].map((args) => `/codex_auth${args}`),
  ...SUBCOMMANDS.flatMap((word) =>
    ["", " 1", " alice", " alice yes", " 1 yes", " 1 first", " alice other yes"].map(
      (args) => `/codex_auth ${word}${args}`,
    ),
  ),
  "/codex_auth finish http://localhost:1455/auth/callback?code=abc&state=def",
  ...LEASE.flatMap((word) => [`/lease ${word}`, `/lease ${word} yes`]),
  "/lease",
  "/codex_usage",
  "/codex_usage all",
  "/start now",
  "/help",
  "1",
  "replace",
  "http://localhost:1455/auth/callback?code=abc&state=def",
];

interface Scene {
  readonly lab: LoginLab;
  readonly group: number;
  /** Data of a button of that action on what is really there, signed for `owner`. */
  data(action: ActionName, owner: Partial<ButtonOwner>): string;
}

/** A machine where there is something to change for every button: logins, a waiting one, a sign-in under way, previews. */
async function openScene(): Promise<Scene> {
  const lab = await LoginLab.open();
  lab.allowOnly(OWNER, PARTNER, FORMER);
  await lab.start();
  const owner = lab.telegram.person(OWNER);
  owner.sends(await lab.signIn("carol"));
  const question = await lab.telegram.shows(OWNER, /Signed in as carol/);
  await owner.presses(question.messageId, "Save and use first").answer;
  await lab.telegram.shows(OWNER, /✅ carol is saved/);
  lab.works = false;
  const looks = [
    "/codex_auth",
    ...["manage", "parked", "status", "rollback", "show alice"].map((words) => `/codex_auth ${words}`),
    ...["use bob", "only bob", "reset bob", "remove bob", "rename bob rob", "refresh bob"].map(
      (one) => `/codex_auth ${one}`,
    ),
    "/codex_usage",
  ];
  owner.sends("/codex_auth paste dora");
  const card = await lab.telegram.shows(OWNER, /^New login dora/);
  const page = lab.buttonsOf(card).find(({ url }) => url !== undefined)?.url ?? "";
  owner.sends(lab.issuer.approve(page, "alice@example.com", "account-team"));
  await lab.telegram.shows(OWNER, /Signed in as alice/);
  for (const look of [...looks, "/codex_auth discard 1", "/codex_auth revoke 1", "/codex_auth paste erin"]) {
    owner.sends(look);
  }
  await lab.telegram.shows(OWNER, /^New login erin/, 20_000);
  // Somebody who has a button of their own, and is on the list no more.
  lab.allowOnly(OWNER, PARTNER);
  const group = lab.telegram.group([OWNER, PARTNER, STRANGER], { privacyMode: false }).id;
  const shown = new Map<string, string>();
  for (const { buttons } of lab.telegram.everything(OWNER)) {
    for (const { callback_data: data = "" } of buttons) {
      const [, action = "", ref = ""] = /^([a-z_]+):([^.]+)\./.exec(data) ?? [];
      shown.set(action, ref);
    }
  }
  expect(shown.size, "kinds of buttons that stand there").toBeGreaterThan(20);
  const codec = await ButtonCodec.open({ folder: lab.world.paths.chat, now: Date.now });
  const mine = { personId: String(OWNER), chatId: String(OWNER), botId: String(lab.telegram.botId) };
  return {
    lab,
    group,
    data: (action, of) => codec.encode(action, shown.get(action) ?? refOf("nothing"), { ...mine, ...of }),
  };
}

/** Everything on the disk, modes and bytes; without what a look notes, where somebody on the list may look. */
function disk({ lab }: Scene, mayLook: boolean): readonly string[] {
  const entries = tree(dirname(lab.world.paths.root)).filter(
    ({ path }) => !mayLook || !path.startsWith("codex-auth/chat/"),
  );
  return entries.map(
    ({ path, absolute, isFolder, mode }) => `${mode} ${path} ${isFolder ? "" : readFileSync(absolute, "latin1")}`,
  );
}

/** What the bot did at Telegram, apart from asking for updates. */
function deeds({ lab }: Scene): number {
  return lab.telegram.calls.filter(({ method }) => method !== "getUpdates").length;
}

/** Waits until everything that was sent to `chat` before has been worked off. */
async function settled({ lab }: Scene, chat: number = OWNER): Promise<void> {
  const { length } = lab.telegram.everything(chat);
  lab.telegram.person(OWNER).sends("/codex_auth help", { chat });
  await lab.telegram.waitFor(
    () =>
      lab.telegram
        .everything(chat)
        .slice(length)
        .some(({ from, text }) => from === "bot" && text.startsWith("Codex logins")),
    () => `an answer in ${chat}`,
    60_000,
  );
}

interface Stranger {
  /** Says a command; absent where they only press. */
  readonly says?: (scene: Scene, text: string) => unknown;
  /** Presses a button of that action; the answer, where one is to come. */
  readonly presses?: (scene: Scene, action: ActionName) => Promise<{ readonly text: string }> | undefined;
  /** What each press is answered with; absent = nothing ever is, in any form. */
  readonly refusal?: RegExp;
  /** Is on the list, and may look: then commands may be answered. */
  readonly mayLook?: boolean;
  readonly chat?: "group";
}

const owned = (id: number, chat = id): Partial<ButtonOwner> => ({ personId: String(id), chatId: String(chat) });
const update = (scene: Scene, type: string, content: object): unknown => scene.lab.telegram.updates.push(type, content);
const command = (text: string): object => ({
  text,
  entities: [{ type: "bot_command", offset: 0, length: text.split(" ")[0]?.length }],
});
const press = (scene: Scene, person: number, data: string, chat = person) =>
  scene.lab.telegram.person(person).pressesData(1, data, { chat }).answer;
const NOT_YOURS = /not made for you/;

const STRANGERS: Readonly<Record<string, Stranger>> = {
  "somebody who is not on the list": {
    says: ({ lab }, text) => lab.telegram.person(STRANGER).sends(text),
    presses: (scene, action) => void press(scene, STRANGER, scene.data(action, owned(STRANGER))),
  },
  "somebody who was on the list": {
    says: ({ lab }, text) => lab.telegram.person(FORMER).sends(text),
    presses: (scene, action) => void press(scene, FORMER, scene.data(action, owned(FORMER))),
  },
  "somebody in a group who is not on the list": {
    chat: "group",
    says: ({ lab, group }, text) => lab.telegram.person(STRANGER).sends(text, { chat: group }),
    presses: (scene, action) =>
      void press(scene, STRANGER, scene.data(action, owned(STRANGER, scene.group)), scene.group),
  },
  "somebody on the list in a group": {
    chat: "group",
    mayLook: true,
    // A sign-in's address that others saw ends its attempt, and only that.
    says: ({ lab, group }, text) => lab.telegram.person(OWNER).sends(text, { chat: group }),
    presses: (scene, action) => press(scene, OWNER, scene.data(action, owned(OWNER, scene.group)), scene.group),
    refusal: /^$/,
  },
  "a channel": {
    says: (scene, text) => {
      const chat = { id: -1_009_000_000_009, type: "channel", title: "channel" };
      const post = { message_id: 1, date: 1, chat, sender_chat: chat, ...command(text) };
      update(scene, "channel_post", post);
      update(scene, "message", post);
    },
  },
  "a group's nameless admin": {
    says: (scene, text) => {
      const chat = { id: scene.group, type: "supergroup", title: "group" };
      const from = { id: 1_087_968_824, is_bot: true, first_name: "Group" };
      update(scene, "message", { message_id: 1, date: 1, chat, sender_chat: chat, from, ...command(text) });
    },
  },
  "an own message that is changed into a command": {
    says: ({ lab }, text) => {
      // An address that is put in later leaves the chat: that is tested where it is made.
      if (text.includes("http")) return;
      const owner = lab.telegram.person(OWNER);
      update({ lab } as Scene, "edited_message", {
        message_id: 1,
        date: 1,
        edit_date: 2,
        chat: { id: OWNER, type: "private" },
        from: { id: owner.id, is_bot: false, first_name: "Owner" },
        ...command(text),
      });
    },
  },
  "a button that was forwarded to somebody on the list": {
    presses: (scene, action) => press(scene, PARTNER, scene.data(action, {})),
    refusal: NOT_YOURS,
  },
  "somebody on the list who presses another person's button in a group": {
    chat: "group",
    presses: (scene, action) => press(scene, PARTNER, scene.data(action, owned(OWNER, scene.group)), scene.group),
    refusal: NOT_YOURS,
  },
  "a button of another bot of this machine": {
    presses: (scene, action) => press(scene, OWNER, scene.data(action, { botId: "999" })),
    refusal: NOT_YOURS,
  },
  "a button of another program": {
    presses: (scene, action) => press(scene, OWNER, `tgcmd:/${action}`),
    refusal: /not in use any more/,
  },
};

describe("nobody who may not", () => {
  it("gets anything done or shown, by any command or any button", async () => {
    const machine = await openScene();
    let tries = 0;
    for (const [who, { says, presses, refusal, mayLook = false, chat }] of Object.entries(STRANGERS)) {
      const place = chat === "group" ? machine.group : OWNER;
      await settled(machine, place);
      const [before, done] = [disk(machine, mayLook), deeds(machine)];
      const answers: { readonly text: string }[] = [];
      for (const text of says === undefined ? [] : COMMANDS) {
        says?.(machine, text);
        tries += 1;
      }
      // Telegram waits 15 s for the answer to a press, and the bot 4 s before a toast without words: not behind all of the above.
      if (refusal !== undefined) await settled(machine, place);
      for (const action of presses === undefined ? [] : NAMES) {
        const answer = presses?.(machine, action);
        if (answer !== undefined) answers.push(await answer);
        tries += 1;
      }
      await settled(machine, place);
      expect(disk(machine, mayLook), who).toEqual(before);
      if (refusal === undefined) expect(deeds(machine) - done, who).toBe(1);
      else {
        expect(answers, who).toHaveLength(NAMES.length);
        for (const { text } of answers) expect(text, who).toMatch(refusal);
      }
      expect(await machine.lab.world.queue.open(), who).toEqual([]);
    }
    // Who may look may ask for usage, and here nobody answers.
    expect(machine.lab.logged.filter((line) => !/GrammyError|"usage\.ask"/.test(line))).toEqual([]);
    tellFigure("strangers", tries, "tries of strangers");
  });

  it("on the list signs in, changes or sees an address in a group: each such button is refused in words", async () => {
    const machine = await openScene();
    const { lab, group } = machine;
    for (const action of NAMES) {
      const { length } = lab.telegram.everything(group);
      void press(machine, OWNER, machine.data(action, owned(OWNER, group)), group);
      await lab.telegram.waitFor(
        () =>
          lab.telegram
            .everything(group)
            .slice(length)
            .some(({ text }) => /private chat/i.test(text)),
        () => `a refusal of ${action}; it shows ${JSON.stringify(lab.telegram.everything(group).slice(length))}`,
      );
    }
    expect(
      lab.telegram
        .everything(group)
        .map(({ text }) => text)
        .join("\n"),
    ).not.toContain("@example.com");
  });
});
