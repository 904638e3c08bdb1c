// Writing into a chat: what is tried again, what counts as done, and what is said otherwise.

import { describe, expect, it } from "vitest";
import { ApiError, badRequest } from "../../support/fake-telegram/api-error.ts";
import { BotLab, line, OWNER } from "./bot-lab.ts";

/** A lab whose chat sends one card for `/codex_auth` and then does `act` with its id. */
async function withCard(
  act: (
    out: { send: Edit; edit: (id: string, text: string) => Promise<string>; remove: () => Promise<boolean> },
    id: string,
  ) => Promise<void>,
): Promise<BotLab> {
  const lab = await BotLab.open();
  lab.router.script = async (_asker, incoming, out) => {
    if (incoming.kind !== "command") return;
    const id = await out.send(line("card"));
    await act(
      {
        send: (text) => out.send(line(text)),
        edit: (target, text) => out.edit(target, line(text)),
        remove: () => out.deleteIncoming(),
      },
      id,
    );
    await out.send(line("end of turn"));
  };
  return lab;
}

type Edit = (text: string) => Promise<string>;

async function run(lab: BotLab): Promise<readonly string[]> {
  await lab.start();
  lab.telegram.person(OWNER).sends("/codex_auth");
  await lab.telegram.shows(OWNER, /end of turn/);
  return lab.telegram.visible(OWNER).map(({ text }) => text);
}

describe("every message", () => {
  it("is sent without a preview, which would fetch the sign-in page from Telegram's servers", async () => {
    const lab = await withCard(async (out, id) => void (await out.edit(id, "news")));
    await run(lab);
    const calls = [...lab.telegram.callsOf("sendMessage"), ...lab.telegram.callsOf("editMessageText")];
    expect(calls).toHaveLength(3);
    for (const { args } of calls) expect(args["link_preview_options"]).toEqual({ is_disabled: true });
  });
});

describe("edits", () => {
  it("that change nothing are a success", async () => {
    const lab = await withCard(async (out, id) => {
      expect(await out.edit(id, "card")).toBe(id);
    });
    expect(await run(lab)).toEqual(["/codex_auth", "card", "end of turn"]);
    expect(lab.telegram.callsOf("editMessageText")).toHaveLength(1);
  });

  it("of a message that is gone become a new message, whose id is given back", async () => {
    const lab = await withCard(async (out) => {
      const shown = await out.edit("999999", "news");
      expect(await out.edit(shown, "more news")).toBe(shown);
    });
    expect(await run(lab)).toEqual(["/codex_auth", "card", "more news", "end of turn"]);
  });

  it("of a message that may no longer be edited become a new message", async () => {
    const lab = await withCard(async (out, id) => {
      lab.telegram.faults.fail("editMessageText", badRequest("message can't be edited"));
      await out.edit(id, "news");
    });
    expect(await run(lab)).toEqual(["/codex_auth", "card", "news", "end of turn"]);
  });
});

describe("the person's message", () => {
  it("is removed", async () => {
    const lab = await withCard(async (out) => expect(await out.remove()).toBe(true));
    expect(await run(lab)).toEqual(["card", "end of turn"]);
  });

  it("that is gone already counts as removed, and one that Telegram keeps does not", async () => {
    const lab = await withCard(async (out) => {
      expect(await out.remove()).toBe(true);
      expect(await out.remove()).toBe(true);
      lab.telegram.faults.fail("deleteMessage", badRequest("message can't be deleted for everyone"));
      expect(await out.remove()).toBe(false);
    });
    await run(lab);
  });
});

describe("calls that fail", () => {
  it("wait as long as Telegram asks, and then go through", async () => {
    const lab = await withCard(async (out) => void (await out.send("after the wait")));
    lab.telegram.faults.tooMany("sendMessage", 1);
    const before = Date.now();
    expect(await run(lab)).toEqual(["/codex_auth", "card", "after the wait", "end of turn"]);
    expect(Date.now() - before).toBeGreaterThanOrEqual(1_000);
    expect(lab.telegram.callsOf("sendMessage")).toHaveLength(4);
  });

  it("are tried again after a lost connection, a server error and a proxy's page", async () => {
    const lab = await withCard(() => Promise.resolve());
    lab.telegram.faults.drop("sendMessage");
    lab.telegram.faults.serverError("sendMessage");
    lab.telegram.faults.page("sendMessage");
    expect(await run(lab)).toEqual(["/codex_auth", "card", "end of turn"]);
  });

  it("are given up after a bounded number of tries; neither log nor chat then names the token", async () => {
    const lab = await BotLab.open();
    lab.router.script = async (_asker, incoming, out) => {
      if (incoming.kind === "command") await out.send(line("never arrives"));
    };
    await lab.start();
    lab.telegram.faults.drop("sendMessage", { times: 1_000 });
    lab.telegram.person(OWNER).sends("/codex_auth");
    await lab.telegram.waitFor(() => lab.logged.some((entry) => entry.includes("telegram.update")));
    // Four tries of the reply and four of the words that it failed.
    await lab.telegram.waitFor(() => lab.telegram.callsOf("sendMessage").length === 8);
    expect(lab.output).not.toContain(lab.telegram.token);
    expect(lab.output).not.toContain("fake-token");
    expect(lab.output).not.toContain(lab.telegram.url);
    expect(lab.output).not.toContain("never arrives");
  });

  it("do not quote the refused text in the log", async () => {
    const lab = await BotLab.open();
    lab.router.script = async (_asker, _incoming, out) => void (await out.send(line("a text with secret-content")));
    await lab.start();
    lab.telegram.faults.fail(
      "sendMessage",
      new ApiError({ error_code: 400, description: "Bad Request: no secret-content" }),
      2,
    );
    lab.telegram.person(OWNER).sends("/codex_auth");
    await lab.telegram.waitFor(() => lab.telegram.callsOf("sendMessage").length === 2);
    await lab.telegram.waitFor(() => lab.logged.length > 0);
    expect(lab.logged.join()).toContain('"telegramCode":400');
    expect(lab.logged.join()).not.toContain("secret-content");
  });
});
