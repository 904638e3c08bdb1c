// What the lab installs: exact versions, and what each OpenClaw needs beside it (facts/openclaw-json-generation.md, install notes).

/** The OpenClaw versions that the lab can run. */
export type OpenClawVersion = "2026.4.5" | "2026.5.28" | "2026.9.6";

/** One folder of the cache: an npm project with these dependencies. */
export interface Recipe {
  readonly name: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly overrides: Readonly<Record<string, string>>;
  /** Only the `node` package needs its install script: that is what fetches the binary of this machine's kind. */
  readonly runScripts: boolean;
  /** A file that must be there when the install is complete. */
  readonly proof: string;
}

// A newer linkedom wants a package that is not to be had.
const overrides = { linkedom: "0.18.12" };

/** Node.js 24, which every version runs on. */
export const NODE_RECIPE: Recipe = {
  name: "node-24.21.0",
  dependencies: { node: "24.21.0" },
  overrides: {},
  runScripts: true,
  proof: "node_modules/node/bin/node",
};

// 2026.4.5 installs these itself in a postinstall script, which the lab does not run; without them every command fails.
const BUNDLED_PLUGIN_DEPENDENCIES = {
  "@buape/carbon": "0.14.0",
  "@grammyjs/runner": "^2.0.3",
  "@grammyjs/transformer-throttler": "^1.2.1",
  "@larksuiteoapi/node-sdk": "^1.60.0",
  "@slack/bolt": "^4.6.0",
  "@slack/web-api": "^7.15.0",
  "discord-api-types": "^0.38.44",
  "fake-indexeddb": "^6.2.5",
  grammy: "^1.41.1",
  "music-metadata": "^11.12.3",
  "nostr-tools": "^2.23.3",
  "zca-js": "2.1.2",
};

/** How each OpenClaw is installed. */
export const OPENCLAW_RECIPES: Readonly<Record<OpenClawVersion, Recipe>> = {
  "2026.4.5": {
    name: "openclaw-2026.4.5",
    dependencies: { openclaw: "2026.4.5", ...BUNDLED_PLUGIN_DEPENDENCIES },
    overrides,
    runScripts: false,
    proof: "node_modules/openclaw/openclaw.mjs",
  },
  "2026.5.28": {
    name: "openclaw-2026.5.28",
    dependencies: { openclaw: "2026.5.28" },
    overrides,
    runScripts: false,
    proof: "node_modules/openclaw/openclaw.mjs",
  },
  // The SQLite generation (facts/openclaw-sqlite-generation.md): nothing beside it, and no override.
  "2026.9.6": {
    name: "openclaw-2026.9.6",
    dependencies: { openclaw: "2026.9.6" },
    overrides: {},
    runScripts: false,
    proof: "node_modules/openclaw/openclaw.mjs",
  },
};
