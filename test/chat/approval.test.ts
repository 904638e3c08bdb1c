import { describe, expect, it, onTestFinished } from "vitest";
import { ChatRouter } from "../../src/chat/router.ts";
import { alice, chatLab, signedIn, type ChatLab } from "./chat-lab.ts";

const person = { host: "telegram", chatId: "1", personId: "1" };

async function signInByScript(approvers: readonly (typeof person)[]): Promise<ChatLab> {
  const lab = await chatLab({ approvers });
  await lab.writeStore({ work: alice });
  lab.signIns.next = async () => signedIn(alice);
  await lab.say("work");
  await lab.text(lab.signIns.callback("a1"));
  return lab;
}

describe("a script without a terminal", () => {
  it("changes nothing: its login waits for a person, who is asked in the chat", async () => {
    const lab = await signInByScript([person]);
    expect(lab.out.last).toContain("nothing is changed yet");
    expect(await lab.queue.list()).toEqual([]);
    const [parked] = await lab.parked.list();
    expect(parked).toMatchObject({ reason: "approval-needed", profileId: "openai-codex:work" });
    expect(await lab.outbox.list("telegram")).toMatchObject([
      { address: person, content: { kind: "approval", parkedId: parked?.id } },
    ]);
  });

  it("asks for the name it chose, once, however often it asks", async () => {
    const lab = await signInByScript([person]);
    const [parked] = await lab.parked.list();
    await lab.say(`take ${parked?.id} as spare first`);
    expect(await lab.parked.list()).toMatchObject([{ profileId: "openai-codex:spare", reason: "approval-needed" }]);
    expect(await lab.outbox.list("telegram")).toHaveLength(1);
    expect(await lab.queue.list()).toEqual([]);
  });

  it("is refused where nobody can be asked; the login is kept all the same", async () => {
    const lab = await signInByScript([]);
    expect(lab.out.last).toContain("no chat is set up");
    expect(await lab.queue.list()).toEqual([]);
    expect(await lab.parked.list()).toMatchObject([{ reason: "same-identity" }]);
  });

  it("is told no by whoever does not want it: the login is kept, and others can still allow it", async () => {
    const lab = await signInByScript([person]);
    const [parked] = await lab.parked.list();
    if (parked === undefined) throw new Error("no login waits");
    const { approvers: _nobody, ...services } = lab.services;
    const router = new ChatRouter(services);
    onTestFinished(() => router.close());
    const ask = async (): Promise<void> => void (await lab.out.send(await router.renderApproval(parked, lab.asker)));
    const press = (label: string) =>
      router.handle(lab.asker, { kind: "press", data: lab.out.button(label).data, messageId: lab.out.lastId }, lab.out);
    await ask();
    expect(lab.out.last).not.toContain("No:");
    await press("No");
    expect(lab.out.last).toContain(
      "You said no: nothing was changed.\nThe login for work is kept until somebody decides",
    );
    expect(lab.out.lastReply.buttons).toBeUndefined();
    expect(await lab.parked.list()).toMatchObject([{ id: parked.id, reason: "approval-needed" }]);
    expect(await lab.queue.list()).toEqual([]);
    await ask();
    await press("Save");
    expect(await lab.queue.list()).toMatchObject([{ profileId: "openai-codex:work" }]);
  });

  it("may not throw a login away", async () => {
    const lab = await signInByScript([person]);
    const [parked] = await lab.parked.list();
    await lab.say(`discard ${parked?.id} yes`);
    expect(lab.out.last).toContain("A script may not throw a login away.");
    expect(await lab.parked.list()).toHaveLength(1);
  });
});
