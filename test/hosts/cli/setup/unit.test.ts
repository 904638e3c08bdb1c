import { describe, expect, it } from "vitest";
import { botUnit, isFleeting, isOurUnit } from "../../../../src/hosts/cli/setup/unit.ts";

const PLAIN = { node: "/usr/bin/node", program: "/opt/p/bin/codex-auth-skill.js", variables: {}, mayGainRights: false };

describe("the bot's unit", () => {
  it("starts node itself, without a shell, and is ours", () => {
    const unit = botUnit(PLAIN);
    expect(unit).toMatch(/^ExecStart=\/usr\/bin\/node \/opt\/p\/bin\/codex-auth-skill\.js bot$/m);
    for (const line of ["Restart=on-failure", "UMask=0077", "KillMode=process", "WantedBy=default.target"])
      expect(unit.split("\n")).toContain(line);
    expect(isOurUnit(unit)).toBe(true);
    expect(isOurUnit(unit.slice(1))).toBe(false);
  });

  it("spells what systemd would read in its own way", () => {
    const unit = botUnit({
      ...PLAIN,
      program: String.raw`/a home/100%/$HOME/"q"\x/bin.js`,
      variables: { OPENCLAW_STATE_DIR: "/a home/50%/$x", CODEX_HOME: "/plain" },
    });
    expect(unit).toContain(String.raw`ExecStart=/usr/bin/node "/a home/100%%/$$HOME/\"q\"\\x/bin.js" bot` + "\n");
    // In an assignment a dollar sign is one.
    expect(unit).toContain('Environment="OPENCLAW_STATE_DIR=/a home/50%%/$x"\nEnvironment=CODEX_HOME=/plain\n');
  });

  it("lets rights be gained only where a restart command may need it", () => {
    expect(botUnit(PLAIN)).toContain("NoNewPrivileges=yes");
    expect(botUnit({ ...PLAIN, mayGainRights: true })).not.toContain("NoNewPrivileges");
  });

  it("is not made of a program in npx's cache", () => {
    expect(isFleeting("/home/a/.npm/_npx/1f2e/node_modules/codex-auth-skill/bin/codex-auth-skill.js")).toBe(true);
    expect(isFleeting("/usr/lib/node_modules/codex-auth-skill/bin/codex-auth-skill.js")).toBe(false);
  });
});
