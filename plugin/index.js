// What OpenClaw loads. Up to 2026.5 a plugin may import `openclaw/plugin-sdk/*` only if its entry does so statically (docs/openclaw-generations.md, e).

import "openclaw/plugin-sdk/plugin-entry";

// oxlint-disable-next-line import/no-default-export -- OpenClaw takes a plugin's default export and nothing else.
export { default } from "./dist/hosts/openclaw/index.js";
