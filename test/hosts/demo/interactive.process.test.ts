// Signing in at the terminal of the demo: the accounts that are offered are those that the page behind the link would take.

import { describe, expect, it } from "vitest";
import { openDemo, talk } from "./person.ts";

describe("a sign-in in the interactive demo", { timeout: 120_000 }, () => {
  it("of a profile that is there is offered to its own account alone, and renews it", async () => {
    const demo = await openDemo();
    const printed = await talk(demo, [
      { choose: "old · expired 5 hours ago" },
      { refuse: "Sign in as grace@example.com (pro)" },
      { choose: "Sign in as linus@example.com (free)" },
    ]);
    expect(printed).toContain("✅ old is saved.");
  });

  it("by a code offers no account, since its page is another one, and goes on", async () => {
    const demo = await openDemo();
    const printed = await talk(demo, [
      { type: "/codex_auth team" },
      { choose: "Use a code instead" },
      { refuse: "Sign in as grace@example.com (pro)" },
      { choose: "Cancel" },
      { type: "/codex_auth status" },
    ]);
    expect(printed).toContain("main");
  });
});
