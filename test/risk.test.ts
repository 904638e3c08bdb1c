// RISK.md against the text of the program: which hosts, which processes, and what the scanners of skill registries look for.

import { describe, expect, it } from "vitest";
import { LOOPBACK } from "../src/config/defaults.ts";
import { codeIn, type RepoFile, repoFiles, tableBelow } from "./support/repo-files.ts";

const SOURCES = repoFiles("src", /\.ts$/);
const REAL = SOURCES.filter(({ path }) => !path.startsWith("src/sandbox/"));
const DOCUMENTS = repoFiles("", /\.md$/);
const TEXTS = repoFiles("", /\.(?:md|ts|js|mjs|cjs|json|ya?ml|svg|sh)$|^\.env\.example$|^run$/);

function without(files: readonly RepoFile[], ...patterns: readonly RegExp[]): readonly string[] {
  return files.flatMap(({ path, text }) =>
    patterns.filter((pattern) => pattern.test(text)).map((pattern) => `${path}: ${String(pattern)}`),
  );
}

function codeOnly(text: string): string {
  return text.replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, "");
}

/** The programs that a file starts; a start in another shape than these gives its own text, which no table holds. */
function startedBy({ text }: RepoFile): readonly string[] {
  const names: Record<string, string> = { "fork(options.entry": "fork", "run(program": "restartCommand" };
  const calls = [
    ...text.matchAll(/(?:(?<![.\w])(?:run|fork|spawn|execFile)|promisify\(execFile\))\(\s*(?:"([^"]*)"|[^\s,)]*)/g),
  ];
  return calls.map(([call, binary]) => binary ?? names[call.replaceAll(/\s/g, "")] ?? call).toSorted();
}

function isDemo({ path }: RepoFile): boolean {
  return /^src\/(?:sandbox|hosts\/demo)\//.test(path);
}

describe("the hosts of RISK.md", () => {
  /** Addresses in the text of the program that nothing is ever sent to. */
  const ONLY_NAMED: Readonly<Record<string, string>> = {
    localhost: "where the person's browser ends; shown, and compared with what is pasted",
    "api.openai.com": "the names of claims inside a token",
    "t.me": "a link to @BotFather",
    "${plain}": "a pasted address without its scheme, only parsed",
  };
  /** The only files that can reach a network, and whom they reach. */
  const REACH: Readonly<Record<string, string>> = {
    "src/oauth/post.ts": "auth.openai.com",
    "src/usage/wham.ts": "chatgpt.com",
    "src/gateway/health.ts": "127.0.0.1",
    "src/gateway/rpc.ts": "127.0.0.1",
    "src/lease/broker-request.ts": "lease baseUrl",
    "src/hosts/openclaw/delete-message.ts": "api.telegram.org",
    "src/hosts/cli/setup/telegram-check.ts": "api.telegram.org",
    "src/hosts/telegram/bot-api.ts": "api.telegram.org",
    "src/hosts/telegram/bot.ts": "api.telegram.org",
    "src/hosts/telegram/polling.ts": "api.telegram.org",
    "src/hosts/telegram/retries.ts": "api.telegram.org",
    "src/hosts/telegram/telegram-error.ts": "api.telegram.org",
  };
  /** The only files that listen: on loopback, for the person's own browser. */
  const LISTENS = ["src/oauth/loopback-server.ts"];
  const declared = tableBelow("RISK.md", "Hosts").flatMap(([host = ""]) => codeIn(host));

  it("are all that stand in the program", () => {
    const named = REAL.flatMap(({ path, text }) =>
      [...codeOnly(text).matchAll(/\b(?:https?|wss?):\/\/(\$\{[^}]*\}|[^\s"'`/\\:<>?#)]+)/g)].map(
        ([, host = ""]) => `${host} in ${path}`,
      ),
    );
    expect(named.length).toBeGreaterThan(5);
    const allowed = [...declared, ...Object.keys(ONLY_NAMED)];
    expect(named.filter((line) => !allowed.some((host) => line.startsWith(`${host} in `)))).toEqual([]);
    // The table names none that nothing is sent to.
    for (const host of declared.filter((name) => name.includes(".")))
      expect(
        named.some((line) => line.startsWith(`${host} in `)),
        host,
      ).toBe(true);
  });

  it("are reached from the declared files alone", () => {
    const reaches =
      /import (?!type\b)[^;]*? from "(?:undici|grammy|@grammyjs\/[\w-]+|(?:node:)?(?:https?|http2|net|tls|dgram|dns)(?:\/promises)?)"|import\("(?:undici|grammy|node:(?:https?|net|tls))|(?<![.\w])fetch\(|new (?:WebSocket|EventSource)\(/;
    const found = REAL.filter(({ text }) => reaches.test(codeOnly(text))).map(({ path }) => path);
    expect(found.toSorted()).toEqual([...Object.keys(REACH), ...LISTENS].toSorted());
    const reached = declared.filter((name) => name.includes(".") || name === "lease baseUrl");
    expect(new Set(Object.values(REACH))).toEqual(new Set(reached));
  });

  it("are listened for by one file alone, on loopback, which sends nothing by itself", () => {
    const listens = /\bcreate(?:Secure)?Server\(|\.listen\(|\bBun\.serve\b|\bDeno\.serve\b/;
    expect(REAL.filter(({ text }) => listens.test(codeOnly(text))).map(({ path }) => path)).toEqual(LISTENS);
    const listeners = REAL.filter(({ path }) => LISTENS.includes(path));
    const addresses = listeners.flatMap(({ text }) => [...text.matchAll(/for \(const host of \[([^\]]*)\]/g)]);
    expect(addresses.map(([, hosts]) => hosts)).toEqual(['"127.0.0.1", "::1"']);
    for (const { path, text } of listeners) {
      expect(text.match(/\.listen\(\{ host,/g), path).toHaveLength(1);
      expect(/\b(?:request|connect|get|createConnection)\b[^}]*\} from "node:(?:https?|net|tls)"/.test(text)).toBe(
        false,
      );
    }
    const [host, what, when] =
      tableBelow("RISK.md", "Hosts").find((row) => row.join(" ").includes("listened for")) ?? [];
    expect(host).toBe(`\`127.0.0.1\` and \`::1\`, port ${LOOPBACK.ports.join(" or ")}`);
    expect(what).toMatch(/^nothing: /);
    expect(when).toContain("only while a sign-in at a terminal waits");
  });
});

describe("the processes of RISK.md", () => {
  /** The only files that start programs, and which. */
  const STARTS: Readonly<Record<string, readonly string[]>> = {
    "src/apply/launch.ts": ["fork", "systemd-run"],
    "src/gateway/process-commands.ts": ["lsof", "ps"],
    "src/gateway/restart-command.ts": ["restartCommand"],
    "src/gateway/restart-launchd.ts": ["launchctl"],
    "src/gateway/restart-systemd.ts": ["systemctl"],
  };

  const starters = SOURCES.filter(({ text }) => text.includes("child_process"));
  const starting = starters.filter((file) => !isDemo(file));

  it("are all that the program starts, each with a fixed name and without a shell", () => {
    const found = starting.map((file) => [file.path, [...new Set(startedBy(file))]] as const);
    expect(Object.fromEntries(found)).toEqual(STARTS);
    for (const { path, text } of starting) {
      const imported = /import \{([^}]*)\} from "node:child_process"/.exec(text)?.[1]?.split(",") ?? [];
      for (const name of imported) expect(["execFile", "fork"], path).toContain(name.trim());
    }
    const shells = [/shell:\s*(?:true|["'`])/, /(?<![.\w])exec(?:Sync|FileSync)?\(/];
    expect(without(SOURCES, ...shells)).toEqual([]);
    expect(without(SOURCES, /node:(?:cluster|worker_threads|vm|inspector)/, /\beval\(/, /new Function\(/)).toEqual([]);
  });

  it("include, for the demo alone, nothing but this program's own files", () => {
    const starts = starters
      .filter(isDemo)
      .flatMap(({ text }) => text.match(/\b(?:execFile|fork|spawn)(?:Sync)?\([^,)]*/g) ?? []);
    // What an entry is, is fixed beside it: `new URL("….js", import.meta.url)`.
    expect(starts.filter((start) => !/^(?:spawn\(process\.execPath|fork\([A-Z\w.[\]]+)$/.test(start))).toEqual([]);
    const rows = tableBelow("RISK.md", "Processes").filter((row) => row[1]?.includes("only by `demo`"));
    expect(rows.length > 0).toBe(starts.length > 0);
    const others = SOURCES.filter((file) => !isDemo(file) && /from "[^"]*\/(?:sandbox|demo)\//.test(file.text));
    expect(others.map(({ path }) => path).filter((path) => !path.startsWith("src/hosts/cli/"))).toEqual([]);
  });

  it("are the rows of the table, no more and no fewer", () => {
    const rows = tableBelow("RISK.md", "Processes").map(([program = ""]) => program);
    const programs = rows.flatMap((row) => codeIn(row).map((code) => code.split(" ")[0] ?? ""));
    const subcommands = ["restart", "kickstart"];
    expect(new Set(programs.filter((program) => !subcommands.includes(program)))).toEqual(
      new Set(Object.values(STARTS).flat()),
    );
    expect(rows.filter((row) => row.includes("SIGUSR1"))).toHaveLength(1);
  });

  it("get no signal but the one restart signal; everything else only asks whether a process lives", () => {
    const signals = REAL.flatMap(({ path, text }) =>
      [...text.matchAll(/\bprocess\.kill\(\s*[\w.]+,\s*([^)]+)\)|\.kill\(([^)]*)\)/g)].map(
        ([, signal, other]) => `${path} ${signal ?? other ?? ""}`,
      ),
    );
    expect(signals.toSorted()).toEqual([
      'src/gateway/restart-signal.ts "SIGUSR1"',
      "src/storage/atomic-write.ts 0",
      "src/storage/openclaw-lock-holder.ts 0",
    ]);
    const killers = REAL.filter(({ text }) => /\b(?:pkill|killall)\b/.test(codeOnly(text))).map(({ path }) => path);
    // There they stand on the list of what a configured command may not be.
    expect(killers).toEqual(["src/gateway/restart-command.ts"]);
  });
});

describe("what scanners look for, file by file", () => {
  const network = /\b(?:fetch|axios|undici|grammy|WebSocket|post)\b|https?\.request/i;

  it("no file reads the environment and knows a network, and one file alone reads it", () => {
    const readers = SOURCES.filter(({ text }) => /\bprocess\.env\b/.test(text));
    expect(readers.map(({ path }) => path)).toEqual(["src/config/env.ts"]);
    // A scanner does not know where a name ends.
    expect(
      without(
        SOURCES.filter(({ text }) => text.includes("process.env")),
        network,
      ),
    ).toEqual([]);
  });

  it("a file that starts programs knows no network, no environment, and calls nothing `exec`", () => {
    const starting = SOURCES.filter(({ text }) => text.includes("child_process"));
    expect(starting.length).toBeGreaterThan(3);
    // OpenClaw 2026.4.5 counts any `exec(` there, a regular expression's included.
    expect(without(starting, network, /process\.env/, /\bexec\(/)).toEqual([]);
  });

  it("no file reads files and sends something", () => {
    const sends = /\bfetch\(|(?:from |import\()"(?:undici|grammy)"|https?\.request|\bpost\(/;
    expect(
      without(
        SOURCES.filter(({ text }) => sends.test(text)),
        /\breadFile(?:Sync)?\(/,
      ),
    ).toEqual([]);
  });

  it("nothing in the repository looks like a token", () => {
    const lookalikes = [
      /eyJ[A-Za-z0-9_-]{4,}/,
      /\b(?:sk|rt)[-_][A-Za-z0-9_-]{16,}/,
      /\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_|\bxox[abprs]-|\bAKIA[A-Z0-9]{12,}|-----BEGIN [A-Z ]*PRIVATE KEY/,
      /\b\d{8,12}:[A-Za-z0-9_-]{30,}/,
      /(?:password|access_token|refresh_token|client_secret|auth_token|api_key)["']?\s*[:=]\s*["'][A-Za-z0-9_./+=-]{16,}["']/i,
      /[A-Za-z0-9+/=_-]{200,}/,
    ];
    expect(TEXTS.length).toBeGreaterThan(200);
    expect(
      without(
        TEXTS.filter(({ path }) => path !== "package-lock.json"),
        ...lookalikes,
      ),
    ).toEqual([]);
  });

  it("nothing in the repository holds invisible or direction characters", () => {
    expect(without(TEXTS, /[\u00AD\u061C\u200B-\u200F\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFEFF]/)).toEqual([]);
  });

  it("no document says what is taken for an attack, not even to forbid it", () => {
    expect(DOCUMENTS.map(({ path }) => path)).toEqual(expect.arrayContaining(["README.md", "RISK.md", "SKILL.md"]));
    const phrases = [
      /(?:curl|wget)\b[^\n]*\|\s*(?:ba|z|da)?sh\b/i,
      /(?:ignore|disregard)\b[^\n]{0,40}\b(?:previous|prior|earlier)\b[^\n]{0,20}instructions/i,
      /(?:steal|leak|exfiltrate)\w*\b[^\n]{0,60}\b(?:tokens?|secrets?|credentials?)/i,
      /system prompt\s*:/i,
      /you are now an?\b/i,
      /rm -rf\s+(?:\/|~)/,
      /(?:node|npx|python3?)\s[^\n]*--(?:token|password|seed|callback-url)[ =]/i,
      /save (?:the |your )?token to/i,
      /chmod 777/,
    ];
    expect(without(DOCUMENTS, ...phrases)).toEqual([]);
  });
});
