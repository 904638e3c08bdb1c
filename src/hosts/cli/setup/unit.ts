// The bot as a unit of a person's own systemd: its text, and the words around it. Pure.

/** The unit's name. */
export const BOT_UNIT = "codex-auth-bot.service";

/** The first line of a unit that we made: one without it is somebody else's. */
const MARK = "# Made by `codex-auth-skill setup`.";

/** What the unit is made from. */
export interface UnitOptions {
  /** Absolute paths. */
  readonly node: string;
  readonly program: string;
  /** Where OpenClaw and our settings are, where variables say so: a service has none of a shell's. */
  readonly variables: Readonly<Record<string, string>>;
  /** Whether something may be started that gains rights, such as a rootless container's own tools. */
  readonly mayGainRights: boolean;
}

/** The unit's text. */
export function botUnit({ node, program, variables, mayGainRights }: UnitOptions): string {
  return [
    MARK,
    ...ENABLE.map((line) => `#   ${line}`),
    "",
    "[Unit]",
    "Description=Codex logins of OpenClaw, by Telegram",
    "After=network-online.target",
    "# A token that Telegram refuses does not get better by asking on and on.",
    "StartLimitIntervalSec=600",
    "StartLimitBurst=5",
    "",
    "[Service]",
    "Type=exec",
    `ExecStart=${[node, program, "bot"].map(word).join(" ")}`,
    ...Object.entries(variables).map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`),
    "Restart=on-failure",
    "RestartSec=5",
    "# A change that is under way lives on when the bot is stopped: its worker is in this unit's control group.",
    "KillMode=process",
    "UMask=0077",
    "# Tokens are in memory.",
    "LimitCORE=0",
    ...(mayGainRights ? [] : ["NoNewPrivileges=yes"]),
    "# No PrivateTmp, ProtectHome or ProtectSystem: OpenClaw's locks are in /tmp, its logins in the home folder.",
    "",
    "[Install]",
    "WantedBy=default.target",
    "",
  ].join("\n");
}

/** What makes the unit run, now and at each start of the machine. */
export const ENABLE = [
  "systemctl --user daemon-reload",
  `systemctl --user enable --now ${BOT_UNIT}`,
  "loginctl enable-linger    # so that it runs without anybody logged in",
] as const;

/** Whether a unit that is there was made by us. */
export function isOurUnit(text: string): boolean {
  return text.startsWith(MARK);
}

/** Whether a program lies where it may be gone tomorrow: in the cache of `npx`. */
export function isFleeting(program: string): boolean {
  return /[\\/]_npx[\\/]/.test(program);
}

/** A word of a command: systemd fills in `%x` and `$NAME` also within quotes (systemd.service(5)). */
function word(text: string): string {
  return quoted(text.replaceAll("$", () => "$$"));
}

function quoted(text: string): string {
  const safe = text.replaceAll("%", "%%");
  if (/^[\w./:=@%+-]+$/.test(safe)) return safe;
  return `"${safe.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}
