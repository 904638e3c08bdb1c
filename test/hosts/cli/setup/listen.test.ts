import { describe, expect, it, onTestFinished } from "vitest";
import { listen, type ListenOptions } from "../../../../src/hosts/cli/setup/listen.ts";
import { Secret } from "../../../../src/secrets/secret.ts";
import { FakeTelegram } from "../../../support/fake-telegram/fake-telegram.ts";
import { BotLab, line, OWNER } from "../../telegram/bot-lab.ts";

async function fake(): Promise<{ telegram: FakeTelegram; options: ListenOptions; said: string[] }> {
  const telegram = await FakeTelegram.start();
  onTestFinished(() => telegram.close());
  const said: string[] = [];
  const door = { token: Secret.of(telegram.token), apiRoot: telegram.url };
  const signal = new AbortController().signal;
  return { telegram, said, options: { door, word: "5000", say: (one) => said.push(one), signal } };
}

describe("waiting for a person's message", () => {
  it("hears the number in a private chat only, as a number of its own", async () => {
    const { telegram, options, said } = await fake();
    telegram.person(1).sends("this waited before: 4000");
    const group = telegram.group([2], { privacyMode: false });
    const heard = listen(options);
    await telegram.waitFor(() => telegram.callsOf("getUpdates").length > 0);
    telegram.person(2).sends("5000", { chat: group.id });
    telegram.person(3).sends("50001");
    telegram.person(4).sends("/start 5000");
    expect(await heard).toEqual({ kind: "heard", sender: { personId: "4", name: "Person 4" } });
    expect(said.join()).not.toMatch(/id [12]\)/);
    // All of it still waits for the bot.
    expect(telegram.updates.pending()).toHaveLength(4);
  });

  it("ends in time, and at once where the person has had enough", async () => {
    const { telegram, options } = await fake();
    expect(await listen({ ...options, withinMs: 50 })).toEqual({ kind: "nobody" });
    const ending = new AbortController();
    const given = listen({ ...options, signal: ending.signal });
    await telegram.waitFor(() => telegram.callsOf("getUpdates").length > 2);
    ending.abort();
    expect(await given).toEqual({ kind: "nobody" });
  });

  it("says once that Telegram is away, and hears whoever writes afterwards", async () => {
    const { telegram, options, said } = await fake();
    telegram.faults.drop("getUpdates", { times: 2 });
    telegram.person(4).sends("5000");
    expect(await listen(options)).toMatchObject({ kind: "heard" });
    expect(said).toEqual(["Telegram cannot be reached now; trying again."]);
  });

  it("gives way to a bot of ours that runs, which goes on answering", async () => {
    const bot = await BotLab.open();
    const { telegram } = bot;
    bot.router.script = async (_asker, _incoming, out) => void (await out.send(line("here I am")));
    await bot.start();
    const door = { token: Secret.of(telegram.token), apiRoot: telegram.url };
    const signal = new AbortController().signal;
    expect(await listen({ door, word: "5000", say: () => undefined, signal })).toEqual({ kind: "conflict" });
    telegram.person(OWNER).sends("/codex_auth");
    await telegram.shows(OWNER, /here I am/);
  });
});
