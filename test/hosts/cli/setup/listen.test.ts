import { describe, expect, it, onTestFinished } from "vitest";
import { listen, type ListenOptions } from "../../../../src/hosts/cli/setup/listen.ts";
import { Secret } from "../../../../src/secrets/secret.ts";
import { FakeTelegram } from "../../../support/fake-telegram/fake-telegram.ts";
import { BotLab, line, OWNER } from "../../telegram/bot-lab.ts";

const isTaken = (): Promise<boolean> => Promise.resolve(false);

async function fake(now = Date.now): Promise<{ telegram: FakeTelegram; options: ListenOptions; said: string[] }> {
  const telegram = await FakeTelegram.start({ now });
  onTestFinished(() => telegram.close());
  const said: string[] = [];
  const door = { token: Secret.of(telegram.token), apiRoot: telegram.url };
  const signal = new AbortController().signal;
  const say = (one: string): void => void said.push(one);
  return { telegram, said, options: { door, word: "5000", say, signal, isTaken, now: Date.now } };
}

describe("waiting for a person's message", () => {
  it("hears the number in a private chat only, as the only number", async () => {
    const { telegram, options, said } = await fake();
    telegram.person(1).sends("this waited before: 4000");
    const group = telegram.group([2], { privacyMode: false });
    const heard = listen(options);
    await telegram.waitFor(() => telegram.callsOf("getUpdates").length > 0);
    telegram.person(2).sends("5000", { chat: group.id });
    telegram.person(3).sends("50001");
    telegram.person(5).sends("4998 4999 5000 5001 5002");
    telegram.person(6).sends("5000 5000");
    telegram.person(4).sends("/start 5000");
    expect(await heard).toEqual({ kind: "heard", sender: { personId: "4", name: "Person 4" } });
    expect(said.join()).not.toMatch(/id [12]\)/);
    // All of it still waits for the bot.
    expect(telegram.updates.pending()).toHaveLength(6);
  });

  it("does not count what waited already, for nobody could have known the number", async () => {
    const { telegram, options, said } = await fake();
    telegram.person(1).sends("5000");
    const heard = listen(options);
    await telegram.waitFor(() => telegram.callsOf("getUpdates").length > 1);
    telegram.person(4).sends("it is 5000");
    expect(await heard).toMatchObject({ kind: "heard", sender: { personId: "4" } });
    expect(said.join()).toMatch(/id 1\) wrote 5000 before it was waited for/);
  });

  it("does not count what Telegram dates long before, but allows for clocks that differ a little", async () => {
    let behindMs = 90_000;
    const { telegram, options, said } = await fake(() => Date.now() - behindMs);
    // So that the first answer is not that to the first look.
    telegram.faults.drop("getUpdates", { times: 1 });
    telegram.person(1).sends("5000");
    behindMs = 30_000;
    const heard = listen(options);
    await telegram.waitFor(() => telegram.callsOf("getUpdates").length > 1);
    telegram.person(4).sends("5000");
    expect(await heard).toMatchObject({ kind: "heard", sender: { personId: "4" } });
    expect(said.join()).not.toContain("id 1)");
  });

  it("says where so many messages wait that a new one cannot be seen, and takes none of them away", async () => {
    const { telegram, options } = await fake();
    for (let count = 0; count < 100; count += 1) telegram.person(1).sends("hello");
    telegram.person(4).sends("5000");
    expect(await listen({ ...options, withinMs: 3_000 })).toEqual({ kind: "crowded" });
    expect(telegram.updates.pending()).toHaveLength(101);
  });

  it("asks Telegram nothing more from when a bot of ours runs here", async () => {
    const { telegram, options } = await fake();
    let runs = false;
    const listening = listen({ ...options, isTaken: () => Promise.resolve(runs) });
    await telegram.waitFor(() => telegram.callsOf("getUpdates").length > 1);
    runs = true;
    telegram.person(1).sends("hello");
    expect(await listening).toEqual({ kind: "running" });
    expect(telegram.callsOf("getUpdates")).toHaveLength(2);
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

  it("gives way to a bot that runs elsewhere, which goes on answering", async () => {
    const bot = await BotLab.open();
    const { telegram } = bot;
    bot.router.script = async (_asker, _incoming, out) => void (await out.send(line("here I am")));
    await bot.start();
    const door = { token: Secret.of(telegram.token), apiRoot: telegram.url };
    const signal = new AbortController().signal;
    expect(await listen({ door, word: "5000", say: () => undefined, signal, isTaken, now: Date.now })).toEqual({
      kind: "conflict",
    });
    telegram.person(OWNER).sends("/codex_auth");
    await telegram.shows(OWNER, /here I am/);
  });
});
