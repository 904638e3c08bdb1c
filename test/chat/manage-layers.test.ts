import { describe, expect, it } from "vitest";
import { firstDisagreement, type LayerFacts } from "../../src/chat/manage-layers.ts";

const profile = {
  id: "p",
  provider: "openai-codex",
  type: "oauth",
  state: "ok",
  renewsItself: true,
  position: 0,
  inherited: false,
} as const;
const agreeing: LayerFacts = {
  profile,
  loaded: { kind: "listed", profileIds: ["p"] },
  pins: [],
  order: ["p", "q"],
};

describe("firstDisagreement", () => {
  it("finds none where all agree, or where a layer does not tell", () => {
    expect(firstDisagreement(agreeing)).toBeUndefined();
    expect(firstDisagreement({ ...agreeing, loaded: { kind: "unknown" } })).toBeUndefined();
    expect(firstDisagreement({ ...agreeing, loaded: { kind: "stopped" } })).toBeUndefined();
    expect(firstDisagreement({ ...agreeing, pins: [{ profileId: "p", byPerson: true }] })).toBeUndefined();
    expect(firstDisagreement({ ...agreeing, profile: { ...profile, state: "expired" } })).toBeUndefined();
  });

  it("names the first of several, from the login outwards", () => {
    const { position: _tried, ...unlisted } = profile;
    const worst = { ...unlisted, state: "unreadable", cooldownUntilMs: 5 } as const;
    const pins = [{ profileId: "q", byPerson: false }];
    const loaded = { kind: "listed", profileIds: ["q"] } as const;
    const order = ["q"];
    expect(firstDisagreement({ profile: worst, loaded, pins, order })).toBe("login");
    expect(firstDisagreement({ ...agreeing, profile: { ...profile, state: "expired", renewsItself: false } })).toBe(
      "login",
    );
    const cooling = { ...worst, state: "cooldown" } as const;
    expect(firstDisagreement({ profile: cooling, loaded, pins, order })).toBe("gateway");
    expect(firstDisagreement({ ...agreeing, profile: cooling, pins })).toBe("cooldown");
    expect(firstDisagreement({ ...agreeing, profile: unlisted, pins })).toBe("order");
    expect(firstDisagreement({ ...agreeing, profile: { ...profile, position: 1 }, pins })).toBe("order");
    expect(firstDisagreement({ ...agreeing, pins })).toBe("pin");
  });

  it("counts a bond of OpenClaw's own only while the order lists it, and a person's always", () => {
    const [itself, person] = [false, true].map((byPerson) => ({ profileId: "q", byPerson }));
    const alone = { ...agreeing, order: ["p"] };
    expect(firstDisagreement({ ...alone, pins: [itself!] })).toBeUndefined();
    expect(firstDisagreement({ ...alone, pins: [person!] })).toBe("choice");
    expect(firstDisagreement({ ...agreeing, pins: [person!, itself!] })).toBe("pin");
  });
});
