import { describe, expect, it } from "vitest";
import { profileSpans } from "../../src/chat/profile-words.ts";
import type { ProfileSummary } from "../../src/profiles/summary.ts";

const NOW = Date.UTC(2026, 10, 21);

describe("a profile whose tokens OpenClaw has replaced by its own marker", () => {
  it.each([
    ["failed", "sign in again"],
    ["under-way", "OpenClaw is renewing it"],
  ] as const)("is shown as a renewal that is %s, not as one that cannot be read", (renewal, words) => {
    const profile: ProfileSummary = {
      id: "openai:work",
      provider: "openai",
      type: "oauth",
      state: "unreadable",
      email: "ada@example.com",
      renewal,
      renewsItself: false,
      inherited: false,
    };
    const text = JSON.stringify(profileSpans({ private: true }, profile, NOW));
    expect(text).toContain(words);
    expect(text).toContain("sign in again");
    expect(text).not.toContain("cannot be read");
    expect(text).not.toContain("expired");
  });
});
