// Start, patience, and end of a bot: what is confirmed to Telegram, and the one sentence where it cannot go on.

import { EventEmitter, once } from "node:events";
import { describe, expect, it } from "vitest";
import { Secret } from "../../../src/secrets/secret.ts";
import { BotLab, line, OWNER } from "./bot-lab.ts";
import { freePort } from "../../../src/sandbox/free-port.ts";

const answering = async (lab: BotLab): Promise<void> => {
  lab.router.script = async (_asker, _incoming, out) => void (await out.send(line("answer")));
  await lab.start();
  lab.telegram.person(OWNER).sends("/codex_auth");
  await lab.telegram.shows(OWNER, /answer/);
};

describe("the start", () => {
  it("knows the bot's id and name, and shows open jobs again", async () => {
    const lab = await BotLab.open();
    const bot = await lab.start();
    expect(bot).toMatchObject({ botId: String(lab.telegram.botId), username: lab.telegram.username });
    expect(lab.router.resumed).toEqual(["telegram"]);
  });

  it.each([
    ["unknown to Telegram", "1:other"],
    ["no token at all", "nonsense"],
  ])("with a token that is %s fails in one sentence", async (_what, token) => {
    const lab = await BotLab.open();
    await expect(lab.start({ token: Secret.of(token) })).rejects.toMatchObject({ code: "ERR_TELEGRAM_TOKEN" });
    expect(lab.output).not.toContain(token);
  });

  it("leaves a webhook alone that sends the bot's messages elsewhere", async () => {
    const lab = await BotLab.open();
    lab.telegram.setWebhook("https://openclaw.example/hook");
    await expect(lab.start()).rejects.toMatchObject({ code: "ERR_TELEGRAM_CONFLICT" });
    expect(lab.telegram.webhookUrl).toBe("https://openclaw.example/hook");
  });

  it("waits for a network, says so once, and says when it is there", async () => {
    const lab = await BotLab.open();
    lab.telegram.faults.drop("getMe", { times: 4 });
    await answering(lab);
    expect(lab.printed).toEqual([
      expect.stringMatching(/^Telegram cannot be reached\. /),
      "Telegram can be reached again.",
    ]);
    expect(lab.output).not.toContain(lab.telegram.token);
  });

  it("asks a Telegram that fails less and less often", async () => {
    const lab = await BotLab.open();
    lab.telegram.faults.serverError("getMe", 502, 3);
    const before = Date.now();
    await lab.start({}, { backoffMinMs: 60, backoffMaxMs: 100 });
    expect(Date.now() - before).toBeGreaterThanOrEqual(60 + 100 + 100);
    expect(lab.telegram.callsOf("getMe")).toHaveLength(4);
  });

  it("can be given up while there is no network", async () => {
    const lab = await BotLab.open();
    const giveUp = new AbortController();
    const starting = lab.start({
      apiRoot: `http://127.0.0.1:${await freePort()}`,
      signal: giveUp.signal,
      print: (text) => {
        lab.printed.push(text);
        giveUp.abort();
      },
    });
    await expect(starting).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect(lab.printed).toEqual([expect.stringMatching(/cannot be reached/)]);
  });
});

describe("polling", () => {
  it("goes on after server errors, lost connections and too many requests", async () => {
    const lab = await BotLab.open();
    lab.telegram.faults.serverError("getUpdates");
    lab.telegram.faults.drop("getUpdates");
    lab.telegram.faults.page("getUpdates");
    await answering(lab);
    expect(lab.printed).toHaveLength(2);
  });

  it("asks for messages, their edits and presses only, and holds the line instead of asking in circles", async () => {
    const lab = await BotLab.open();
    await answering(lab);
    await lab.telegram.waitFor(() => lab.telegram.updates.pending().length === 0);
    const polls = lab.telegram.callsOf("getUpdates");
    expect(polls[0]?.args["allowed_updates"]).toEqual(["message", "edited_message", "callback_query"]);
    expect(polls.length).toBeLessThanOrEqual(3);
  });

  it("handles an update once that Telegram delivers twice", async () => {
    const lab = await BotLab.open();
    await answering(lab);
    const [update] = [{ update_id: 1_000, message: lab.telegram.calls[0] }];
    if (update !== undefined) lab.telegram.updates.repeat(update);
    lab.telegram.person(OWNER).sends("/help");
    await lab.router.hears(2);
    expect(lab.router.heard.map(({ incoming }) => incoming)).toMatchObject([{ args: "" }, { args: "help" }]);
  });

  it("ends with one sentence where another bot takes the token's updates again and again", async () => {
    const lab = await BotLab.open();
    const bot = await lab.start();
    const otherBot = async (): Promise<void> => {
      const url = `${lab.telegram.url}/bot${lab.telegram.token}/getUpdates?timeout=20`;
      await fetch(url).catch(() => undefined);
    };
    const fail = bot.finished.then(
      () => undefined,
      (error: unknown) => error,
    );
    let polls = 0;
    const rival = lab.telegram.waitFor(() => {
      const ours = lab.telegram.callsOf("getUpdates").filter(({ args }) => args["timeout"] === 30).length;
      if (ours > polls) {
        polls = ours;
        void otherBot();
      }
      return polls >= 2;
    });
    expect(await fail).toMatchObject({ code: "ERR_TELEGRAM_CONFLICT", next: expect.stringContaining("@BotFather") });
    await rival;
    expect(lab.router.closed).toBe(1);
  });

  it("bears one conflict: a predecessor that is on its way out", async () => {
    const lab = await BotLab.open();
    await lab.start();
    await lab.telegram.waitFor(() => lab.telegram.callsOf("getUpdates").length === 1);
    void fetch(`${lab.telegram.url}/bot${lab.telegram.token}/getUpdates?timeout=1`).catch(() => undefined);
    await lab.telegram.waitFor(() => lab.telegram.callsOf("getUpdates").length === 3);
    lab.router.script = async (_asker, _incoming, out) => void (await out.send(line("still here")));
    lab.telegram.person(OWNER).sends("/codex_auth");
    await lab.telegram.shows(OWNER, /still here/);
  });
});

describe("the end", () => {
  it("lets an answer under way finish, and confirms what was handled", async () => {
    const lab = await BotLab.open();
    const gate = new EventEmitter();
    lab.router.script = async (_asker, _incoming, out) => {
      await once(gate, "open");
      await out.send(line("answer"));
    };
    const bot = await lab.start();
    lab.telegram.person(OWNER).sends("/codex_auth");
    await lab.router.hears(1);
    const stopping = bot.stop();
    gate.emit("open");
    await stopping;
    await bot.finished;
    expect(lab.telegram.visible(OWNER).map(({ text }) => text)).toEqual(["/codex_auth", "answer"]);
    expect(lab.telegram.updates.pending()).toEqual([]);
    expect(lab.router.closed).toBe(1);
  });

  it("leaves an update unconfirmed that was not handled, and the next bot handles it", async () => {
    const lab = await BotLab.open();
    lab.router.script = () => new Promise(() => undefined);
    const bot = await lab.start({}, { stopGraceMs: 20 });
    lab.telegram.person(OWNER).sends("/codex_auth work");
    await lab.router.hears(1);
    await bot.stop();
    expect(lab.telegram.updates.pending()).toHaveLength(1);
    lab.router.script = async (_asker, _incoming, out) => void (await out.send(line("second bot")));
    await lab.start();
    await lab.telegram.shows(OWNER, /second bot/);
    expect(lab.router.heard.at(-1)?.incoming).toEqual({ kind: "command", name: "codex_auth", args: "work" });
  });

  it("counts an update as handled whose handler never ends, so that it cannot hold up the others for ever", async () => {
    const lab = await BotLab.open();
    lab.router.script = () => new Promise(() => undefined);
    await lab.start({}, { handledAfterMs: 20, stopGraceMs: 20 });
    lab.telegram.person(OWNER).sends("/codex_auth");
    await lab.telegram.waitFor(() => lab.telegram.updates.pending().length === 0);
    expect(lab.logged.join()).toContain("telegram.slow-update");
  });
});
