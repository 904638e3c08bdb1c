// One presentation of one refresh token, with a sign-in server that answers as told: what the journal says before, at and after it.

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { noteSpent, presentOnce } from "../../src/apply/present-once.ts";
import { Rotations, type Rotation } from "../../src/apply/rotations.ts";
import { CodexAuthError } from "../../src/errors.ts";
import type { Renewal, RenewedTokens } from "../../src/profiles/renewal.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const TOKEN = Secret.of("rt_canary");
const PRINT = fingerprint(TOKEN);
const PRESENTER = { agentId: "main", profileId: "openai-codex:a", jobId: "job-1" };
const failure = new CodexAuthError("ERR_TOKEN_UNREACHABLE", { message: "no answer", next: "wait" });
const ignore = (): void => undefined;

async function lab(answer: (beforeSend: () => Promise<void>) => Promise<Renewal>) {
  const rotations = new Rotations({ folder: join(await temporaryFolder(), "rotations"), now: () => 7 });
  const presented: Secret[] = [];
  const port = {
    rotations,
    renew: (token: Secret, beforeSend: () => Promise<void>) => {
      presented.push(token);
      return answer(beforeSend);
    },
  };
  const phase = async (): Promise<Rotation["phase"] | undefined> => (await rotations.get(PRINT))?.phase;
  const present = (lastLook: () => Promise<void> | void = ignore): Promise<RenewedTokens> =>
    presentOnce(port, TOKEN, PRESENTER, { lastLook });
  return { rotations, presented, port, phase, present };
}

const sent =
  (outcome: Renewal) =>
  async (beforeSend: () => Promise<void>): Promise<Renewal> => {
    await beforeSend();
    return outcome;
  };

describe("presenting a refresh token once", () => {
  it("has the journal say that it may leave before the last look, and gives what came", async () => {
    const tokens: RenewedTokens = { access: Secret.of("new") };
    const { present, phase, rotations, presented } = await lab(sent({ kind: "renewed", tokens }));
    let atLastLook: unknown;
    const got = await present(async () => void (atLastLook = await phase()));
    expect(got).toBe(tokens);
    expect(atLastLook).toBe("sent");
    expect(presented).toEqual([TOKEN]);
    // Not spent before the caller has kept what came: killed in between, the token counts as used up.
    expect(await rotations.get(PRINT)).toEqual({ schemaVersion: 1, token: PRINT, ...PRESENTER, phase: "sent", at: 7 });
  });

  it("notes that it is about to be presented before the server is called", async () => {
    let before: unknown;
    const world = await lab(async () => {
      before = await world.phase();
      return { kind: "not-sent", error: failure };
    });
    await expect(world.present()).rejects.toBe(failure);
    expect(before).toBe("prepared");
  });

  it.each(["not-sent", "refused"] as const)(
    "forgets it where the outcome is %s: it is as good as before",
    async (kind) => {
      const { present, phase, presented } = await lab(sent({ kind, error: failure }));
      await expect(present()).rejects.toBe(failure);
      expect(await phase()).toBeUndefined();
      await expect(present()).rejects.toBe(failure);
      expect(presented).toHaveLength(2);
    },
  );

  it("keeps it as sent where no answer came, and never presents it again", async () => {
    const { present, phase, presented } = await lab(sent({ kind: "unknown", error: failure }));
    await expect(present()).rejects.toBe(failure);
    expect(await phase()).toBe("sent");
    await expect(present()).rejects.toMatchObject({ code: "ERR_RENEWAL_UNKNOWN" });
    expect(presented).toHaveLength(1);
    expect(await phase()).toBe("sent");
  });

  it("keeps it as dead with the server's reason, and never presents it again", async () => {
    const { present, rotations, presented } = await lab(
      sent({ kind: "dead", error: failure, reason: "invalid_grant" }),
    );
    await expect(present()).rejects.toBe(failure);
    expect(await rotations.get(PRINT)).toMatchObject({ phase: "dead", reason: "invalid_grant", ...PRESENTER });
    await expect(present()).rejects.toMatchObject({ code: "ERR_RENEWAL_DEAD" });
    expect(presented).toHaveLength(1);
  });

  it("does not present one that is spent", async () => {
    const { present, rotations, presented } = await lab(sent({ kind: "unknown", error: failure }));
    await rotations.note({ token: PRINT, ...PRESENTER, phase: "spent" });
    await expect(present()).rejects.toMatchObject({ code: "ERR_RENEWAL_UNKNOWN" });
    expect(presented).toEqual([]);
    expect(await rotations.get(PRINT)).toMatchObject({ phase: "spent" });
  });

  it("presents one that was only prepared by somebody who was killed", async () => {
    const { present, rotations, presented } = await lab(sent({ kind: "renewed", tokens: {} }));
    await rotations.note({ token: PRINT, ...PRESENTER, phase: "prepared" });
    await present();
    expect(presented).toHaveLength(1);
  });

  it("forgets it where the last look or the connection forbade it to leave", async () => {
    const refusal = new Error("the lock is lost");
    const looked = await lab(sent({ kind: "renewed", tokens: {} }));
    await expect(looked.present(() => Promise.reject(refusal))).rejects.toBe(refusal);
    expect(await looked.phase()).toBeUndefined();
    const unconnected = await lab(() => Promise.reject(refusal));
    await expect(unconnected.present()).rejects.toBe(refusal);
    expect(await unconnected.phase()).toBeUndefined();
  });

  it("keeps it as sent where something broke after it may have left", async () => {
    const broken = new Error("broken");
    const { present, phase } = await lab(async (beforeSend) => {
      await beforeSend();
      throw broken;
    });
    await expect(present()).rejects.toBe(broken);
    expect(await phase()).toBe("sent");
  });
});

describe("what is noted once the answer is kept", () => {
  it("is that the presented token is spent, where another one came", async () => {
    const { port, rotations } = await lab(() => Promise.reject(failure));
    await noteSpent(port, PRINT, Secret.of("rt_next"), PRESENTER);
    expect(await rotations.get(PRINT)).toMatchObject({ phase: "spent", token: PRINT, ...PRESENTER });
  });

  it("is nothing, where the server left it as it was", async () => {
    const { port, rotations } = await lab(() => Promise.reject(failure));
    await rotations.note({ token: PRINT, ...PRESENTER, phase: "sent" });
    await noteSpent(port, PRINT, TOKEN, PRESENTER);
    expect(await rotations.get(PRINT)).toBeUndefined();
  });
});
