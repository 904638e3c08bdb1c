import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ACTIONS, ButtonCodec, MAX_CALLBACK_BYTES, refOf, type ActionName } from "../../src/chat/button.ts";
import { CHAT, DAY } from "../../src/config/defaults.ts";
import { isCodexAuthError, type ErrorCode } from "../../src/errors.ts";

const owner = { personId: "9007199254740991", chatId: "-1009007199254740991", botId: "7777777777" };
const names = Object.keys(ACTIONS).filter((name): name is ActionName => Object.hasOwn(ACTIONS, name));
let folder: string;
let clock = Date.UTC(2026, 10, 21);
const now = (): number => clock;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "buttons-"));
  clock = Date.UTC(2026, 10, 21);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function expiry(data: string): string {
  return data.split(".")[1] ?? "";
}

function codeOf(act: () => unknown): ErrorCode | "no error" {
  try {
    act();
  } catch (error) {
    if (isCodexAuthError(error)) return error.code;
    throw error;
  }
  return "no error";
}

describe("the action table", () => {
  it("keeps every action with the longest ref and a far expiry within 64 bytes, in one of our namespaces", async () => {
    const codec = await ButtonCodec.open({ folder, now });
    clock = Date.UTC(2100, 0, 1);
    for (const name of names) {
      const data = codec.encode(name, refOf("x".repeat(200), "ü".repeat(200)), owner);
      expect(Buffer.byteLength(data), name).toBeLessThanOrEqual(MAX_CALLBACK_BYTES);
      expect(data).toMatch(/^(codex_auth|lease|codex_usage)_[a-z]+:/);
    }
  });

  it("holds neither the name that a ref stands for nor the person", async () => {
    const codec = await ButtonCodec.open({ folder, now });
    const data = codec.encode("codex_auth_login", refOf("main", "openai-codex:somebody@example.com"), owner);
    expect(data).not.toMatch(/openai|somebody|example/);
    expect(data).not.toContain(owner.personId);
  });
});

describe("the codec", () => {
  it("gives back what it made, also from another process after a restart, with one key of mode 0600", async () => {
    const [one, two] = await Promise.all([ButtonCodec.open({ folder, now }), ButtonCodec.open({ folder, now })]);
    const data = one.encode("codex_auth_first", refOf("p-1"), owner);
    const again = await ButtonCodec.open({ folder, now });
    for (const codec of [two, again])
      expect(codec.decode(data, owner)).toEqual({ action: "codex_auth_first", ref: refOf("p-1") });
    expect((await stat(join(folder, "button.key"))).mode & 0o777).toBe(0o600);
  });

  it("calls a press of another person, chat or bot foreign", async () => {
    const codec = await ButtonCodec.open({ folder, now });
    const data = codec.encode("codex_auth_cancel", refOf("a"), owner);
    for (const other of [{ personId: "1" }, { chatId: "1" }, { botId: "1" }]) {
      expect(codeOf(() => codec.decode(data, { ...owner, ...other }))).toBe("ERR_BUTTON_FOREIGN");
    }
  });

  it("does not mistake one owner's parts for another's", async () => {
    const codec = await ButtonCodec.open({ folder, now });
    const data = codec.encode("codex_auth_cancel", refOf("a"), { personId: "1", chatId: "23", botId: "4" });
    expect(codeOf(() => codec.decode(data, { personId: "12", chatId: "3", botId: "4" }))).toBe("ERR_BUTTON_FOREIGN");
  });

  it("accepts a button until its time and calls it stale from then on", async () => {
    const codec = await ButtonCodec.open({ folder, now });
    const data = codec.encode("codex_auth_renew", refOf("a"), owner);
    clock += CHAT.buttonTtlMs - 1;
    expect(codeOf(() => codec.decode(data, owner))).toBe("no error");
    clock += 1;
    expect(codeOf(() => codec.decode(data, owner))).toBe("ERR_BUTTON_STALE");
  });

  it("never accepts data with a bit flipped, a part exchanged or an expiry moved", async () => {
    const codec = await ButtonCodec.open({ folder, now });
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.string(),
        fc.nat(),
        fc.integer({ min: 0, max: 6 }),
        (name, text, at, bit) => {
          const data = codec.encode(name, refOf(text), owner);
          const bytes = Buffer.from(data);
          const index = at % bytes.length;
          bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
          expect(codeOf(() => codec.decode(bytes.toString(), owner))).toBe("ERR_BUTTON_FOREIGN");
        },
      ),
    );
    const early = codec.encode("codex_auth_stop", refOf("a"), owner);
    clock += DAY;
    const late = codec.encode("codex_auth_stop", refOf("a"), owner);
    expect(codeOf(() => codec.decode(early.replace(expiry(early), expiry(late)), owner))).toBe("ERR_BUTTON_FOREIGN");
    const other = codec.encode("codex_auth_login", refOf("a"), owner);
    expect(codeOf(() => codec.decode(other.replace("codex_auth_login", "codex_auth_first"), owner))).toBe(
      "ERR_BUTTON_FOREIGN",
    );
  });

  it("never accepts text it did not make", async () => {
    const codec = await ButtonCodec.open({ folder, now });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 200 }),
          fc.stringMatching(/^codex_auth_login:[\w-]{12}\.[0-9a-z]{6}\.[\w-]{16}$/),
        ),
        (data) => {
          expect(codeOf(() => codec.decode(data, owner))).toBe("ERR_BUTTON_FOREIGN");
        },
      ),
    );
  });

  it("refuses a damaged key file and leaves it as it was", async () => {
    await writeFile(join(folder, "button.key"), "short");
    await expect(ButtonCodec.open({ folder, now })).rejects.toMatchObject({ code: "ERR_FILE_SHAPE" });
    expect(await readFile(join(folder, "button.key"), "utf8")).toBe("short");
  });
});
