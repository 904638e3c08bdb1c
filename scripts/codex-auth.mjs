#!/usr/bin/env node
// A thin entry for whoever has this folder and no global install: the same program as `codex-auth-skill`.

await import("../bin/codex-auth-skill.js");
