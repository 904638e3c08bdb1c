// The table of commands: names, words and switches.

/** One command. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly words?: readonly { readonly name: string; readonly summary: string }[];
  readonly options?: readonly { readonly flags: string; readonly summary: string }[];
}

const profile = { name: "[profile]", summary: "a profile: default, a word, or a full id" };
const named = { name: "<profile>", summary: profile.summary };
const sure = { flags: "--sure", summary: "without asking" };
const which = { name: "<number>", summary: "the number in the list of `parked`, or its id" };

/** All commands, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: "list", summary: "the Codex profiles and how they are" },
  { name: "new", summary: "how a new profile is made" },
  {
    name: "start",
    summary: "start a sign-in for a profile",
    words: [profile],
    options: [
      { flags: "--device", summary: "by a code that you enter on a page anywhere; the default over SSH" },
      { flags: "--link", summary: "by a link whose browser comes back to this machine; the default elsewhere" },
    ],
  },
  {
    name: "finish",
    summary: "finish it: reads the address your browser ended on from standard input",
    words: [profile],
  },
  {
    name: "status",
    summary: "what is running, waiting and done",
    words: [profile],
  },
  {
    name: "parked",
    summary: "received logins that wait for a decision",
  },
  {
    name: "take",
    summary: "save one of them",
    words: [which],
    options: [
      { flags: "--as <name>", summary: "under another profile name" },
      { flags: "--first", summary: "and use it first" },
      { flags: "--replace", summary: "although the profile holds another login; shown before" },
    ],
  },
  {
    name: "discard",
    summary: "throw one of them away",
    words: [which],
    options: [{ flags: "--sure", summary: "without asking" }],
  },
  {
    name: "revoke",
    summary: "have the sign-in server end one of them everywhere, for good",
    words: [which],
    options: [sure],
  },
  {
    name: "show",
    summary: "one profile in full, and what can be done about it",
    words: [profile],
  },
  {
    name: "use",
    summary: "put a profile first in the order, the others behind it",
    words: [named],
    options: [sure],
  },
  {
    name: "only",
    summary: "use a profile and no other",
    words: [named],
    options: [sure],
  },
  {
    name: "reset",
    summary: "make OpenClaw forget a profile's cooldown and failures",
    words: [named],
    options: [sure],
  },
  {
    name: "reload",
    summary: "have the running gateway read its logins again; no login changes by that",
  },
  {
    name: "refresh",
    summary: "have the sign-in server renew a profile's login now",
    words: [named],
    options: [sure],
  },
  {
    name: "rename",
    summary: "give a profile another name",
    words: [named, { name: "<new>", summary: "its new name" }],
    options: [sure],
  },
  {
    name: "remove",
    summary: "take a profile out of OpenClaw; its login is kept until it is discarded",
    words: [named],
    options: [sure],
  },
  {
    name: "rollback",
    summary: "take one of these changes back; without an id, the list of what may be",
    words: [{ name: "[receipt]", summary: "the id of a receipt" }],
    options: [sure],
  },
  {
    name: "cancel",
    summary: "give up waiting sign-ins and changes not yet written",
  },
  {
    name: "apply",
    summary: "execute what is queued, here and now",
  },
  {
    name: "resume",
    summary: "start a worker for what is left in the queue",
  },
  {
    name: "doctor",
    summary: "what was found, what is missing, and the next step for each",
  },
  {
    name: "import",
    summary: "take the Codex CLI's login over into a profile; explains and asks before",
    words: [profile],
    options: [{ flags: "--from <path>", summary: "its login file, instead of the Codex CLI's usual one" }],
  },
  {
    name: "export",
    summary: "hand a login to the Codex CLI; explains and asks before",
    words: [{ name: "[profile]", summary: "the profile, or the id of a login in `parked`" }],
    options: [{ flags: "--to <path>", summary: "its login file, instead of the Codex CLI's usual one" }],
  },
  {
    name: "usage",
    summary: "how much of the limits is used, of one profile or all; changes nothing",
    words: [{ name: "[profile]", summary: "a profile, or all (the default)" }],
    options: [{ flags: "--plot", summary: "draw the last two weeks too" }],
  },
  {
    name: "lease",
    summary: "this machine's lease with an Auth Manager broker; `lease help` lists its words, `lease keep` keeps it",
    words: [
      {
        name: "[action]",
        summary: "refresh, renew, rotate, release, reacquire, auto, materialize, takefile, flush, observe, keep, help",
      },
      { name: "[what]", summary: "behind `auto`: renew or rotate" },
      { name: "[on]", summary: "on or off" },
    ],
    options: [{ flags: "--sure", summary: "without asking" }],
  },
  {
    name: "setup",
    summary: "write the settings, step by step, with a live check of each",
    options: [{ flags: "--unit", summary: "only print a systemd user unit for the bot" }],
  },
  { name: "bot", summary: "run the Telegram bot" },
  {
    name: "chat",
    summary: "chat in this terminal, on the real store",
  },
  {
    name: "demo",
    summary: "the main job on a sandbox; nothing of yours is touched",
  },
];
