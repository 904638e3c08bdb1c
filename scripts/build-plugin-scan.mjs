// What the installers of OpenClaw look for in a plugin's files, and what this project forbids itself (docs/openclaw-generations.md).

import { readFileSync } from "node:fs";

// 2026.4.5 looks at the whole file, and for the bare words; later versions only nearby. So the strictest is applied.
const NETWORK = /\bfetch\b|\bpost\b|http\.request/i;
const RULES = [
  { finding: "mentions child_process", pattern: /child_process/ },
  { finding: "reads the environment beside network words", pattern: /process\.env/, with: NETWORK },
  { finding: "runs code from text", pattern: /\beval\s*\(|new\s+Function\s*\(/ },
  { finding: "speaks of mining", pattern: /stratum\+tcp|stratum\+ssl|coinhive|cryptonight|xmrig/i },
  { finding: "holds a run of escaped bytes", pattern: /(\\x[0-9a-fA-F]{2}){6,}/ },
  { finding: "holds a large encoded literal", pattern: /(?:atob|Buffer\.from)\s*\(\s*["'][A-Za-z0-9+/=]{200,}["']/ },
  { finding: "opens a WebSocket to a literal port", pattern: /new\s+WebSocket\s*\(\s*["']wss?:\/\/[^"']*:\d+/ },
];

/** What is wrong with the file at `path`; empty where nothing is. */
export function scanFile(path) {
  return scanText(readFileSync(path, "utf8"));
}

/** What is wrong with a file's text. */
export function scanText(text) {
  return RULES.filter((rule) => rule.pattern.test(text) && (rule.with?.test(text) ?? true)).map(
    ({ finding }) => finding,
  );
}
