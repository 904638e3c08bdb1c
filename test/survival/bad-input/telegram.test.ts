// Updates as Telegram could send them, and as it never would, through the bot as it is composed, on the fake server.

import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OWNER, PARTNER, STRANGER } from "../../hosts/telegram/bot-lab.ts";
import { LoginLab } from "../../hosts/telegram/login-lab.ts";
import { damaged } from "../lab/bad-json.ts";
import { anyText, callbackText, commandArguments } from "../lab/bad-text.ts";
import { CANARY, repeatsCanary } from "../lab/guard.ts";
import { seed, tellFigure, times } from "../lab/run.ts";

const GROUP = -1_001_000_000_001;
const someone = fc.record({
  id: fc.constantFrom(OWNER, OWNER, PARTNER, STRANGER, 1, 2 ** 52),
  is_bot: fc.boolean(),
  first_name: fc.oneof(fc.constant(CANARY), anyText(12)),
});
const place = fc.constantFrom(
  { id: OWNER, type: "private" },
  { id: PARTNER, type: "private" },
  { id: STRANGER, type: "private" },
  { id: GROUP, type: "supergroup", title: CANARY },
  { id: -7, type: "group", title: "group" },
  { id: -1_009_000_000_009, type: "channel", title: "channel" },
);
/** A confirmation by word is left out: what it changes is wanted. A profile may be called anything, and its name is shown. */
const command = commandArguments.map((text) => text.replaceAll(/\byes\b/gi, "no").replaceAll(CANARY, "x"));
const text = fc.oneof(
  callbackText,
  anyText(60),
  fc
    .tuple(
      fc.constantFrom("/codex_auth", "/lease", "/codex_usage", "/start", "/help", "/codex_auth@other_bot", "/"),
      command,
    )
    .map(([name, args]) => `${name} ${args}`),
);
const entity = fc.record({
  type: fc.constantFrom("bot_command", "text_link", "mention", "url", "code"),
  offset: fc.integer({ min: -1, max: 70 }),
  length: fc.integer({ min: 0, max: 70 }),
  url: callbackText,
});
const anyMessage = fc.record(
  {
    message_id: fc.integer({ min: 1, max: 400 }),
    date: fc.nat(),
    chat: place,
    from: someone,
    sender_chat: place,
    forward_origin: fc.constant({ type: "hidden_user", sender_user_name: CANARY, date: 1 }),
    via_bot: someone,
    edit_date: fc.nat(),
    new_chat_members: fc.array(someone, { maxLength: 2 }),
    contact: fc.constant({ phone_number: CANARY, first_name: CANARY }),
  },
  { requiredKeys: ["message_id", "date", "chat"] },
);
const marks = fc.array(fc.oneof(entity, fc.constant({ type: "bot_command", offset: 0, length: 11 })), { maxLength: 3 });
const written = fc.oneof(
  fc.record({ text, entities: marks }),
  fc.record({ caption: text, caption_entities: marks }),
  fc.constant({}),
);
const message = fc.tuple(anyMessage, written).map(([around, words]) => ({ ...around, ...words }));
let queries = 0;
const query = fc
  .record(
    {
      from: someone,
      message,
      inline_message_id: fc.constant(CANARY),
      chat_instance: fc.constant("1"),
      data: fc.oneof(
        anyText(64),
        fc.constantFrom(
          `codex_auth_menu:${CANARY.slice(0, 12)}.zzzzzz.${CANARY.slice(0, 16)}`,
          "codex_auth_menu:x",
          "tgcmd:/x",
          "",
        ),
      ),
      game_short_name: fc.constant(CANARY),
    },
    { requiredKeys: ["from", "chat_instance"] },
  )
  .map((one) => ({ ...one, id: `query-${(queries += 1)}` }));

/** Sends what `made` gives, a hundred at a time, and sees after each hundred that the bot still answers its owner. */
async function pour(lab: LoginLab, count: number, made: fc.Arbitrary<readonly [string, unknown]>): Promise<void> {
  const owner = lab.telegram.person(OWNER);
  for (let sent = 0; sent < count; sent += 100) {
    const updates = fc.sample(made, { seed: seed + sent, numRuns: Math.min(100, count - sent) });
    for (const [type, content] of updates) lab.telegram.updates.push(type, content);
    // A queue of one chat is in order: this answer comes behind theirs.
    const { length } = lab.telegram.everything(OWNER);
    owner.sends("/codex_auth help");
    await lab.telegram.waitFor(
      () =>
        lab.telegram
          .everything(OWNER)
          .slice(length)
          .some((entry) => entry.from === "bot" && entry.text.startsWith("Codex logins")),
      () => `an answer after ${sent} updates (seed ${seed})`,
      60_000,
    );
  }
}

describe("the bot", () => {
  it("survives every update that Telegram could send, repeats nothing of it and changes nothing", async () => {
    const lab = await LoginLab.open();
    await lab.start();
    const before = readFileSync(lab.world.storePath, "utf8");
    const count = times(3_000);
    const made = fc.oneof(
      fc.tuple(fc.constantFrom("message", "message", "edited_message"), message),
      fc.tuple(fc.constant("callback_query"), query),
    );
    await pour(lab, count, made);
    tellFigure("bad input, Telegram updates", count, "cases");
    // The fake refuses chats and presses that it does not know; whatever else goes wrong is ours.
    expect(lab.logged.filter((entry) => !entry.includes("GrammyError"))).toEqual([]);
    const repeated = lab.output.split("\n").filter(repeatsCanary);
    expect(repeated).toEqual([]);
    expect(readFileSync(lab.world.storePath, "utf8")).toBe(before);
    expect(await lab.world.queue.list()).toEqual([]);
  });

  it("goes on after updates that have no sense at all", async () => {
    const lab = await LoginLab.open();
    await lab.start();
    const before = readFileSync(lab.world.storePath, "utf8");
    const count = times(2_000);
    const from = { id: OWNER, is_bot: false, first_name: "Owner" };
    const chat = { id: OWNER, type: "private" };
    const plain = {
      message_id: 1,
      date: 1,
      chat,
      from,
      text: "/codex_auth",
      entities: [{ type: "bot_command", offset: 0, length: 11 }],
    };
    const made = fc.tuple(
      fc.constantFrom("message", "edited_message", "callback_query"),
      damaged(plain, { id: "1", from, chat_instance: "1", data: "codex_auth_menu:x", message: plain }).map(parsed),
    );
    await pour(lab, count, made);
    tellFigure("bad input, Telegram updates without sense", count, "cases");
    expect(lab.output.split("\n").filter(repeatsCanary)).toEqual([]);
    expect(readFileSync(lab.world.storePath, "utf8")).toBe(before);
    expect(await lab.world.queue.list()).toEqual([]);
  });
});

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
