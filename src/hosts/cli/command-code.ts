// Where the code of each command is; nothing is loaded before it is called.

import type { CommandRun } from "./call.ts";

const CODE: Readonly<Record<string, () => Promise<CommandRun>>> = {
  list: async () => (await import("./list.ts")).list,
  new: async () => (await import("./new.ts")).newProfile,
  start: async () => (await import("./start.ts")).start,
  finish: async () => (await import("./finish.ts")).finish,
  status: async () => (await import("./status.ts")).status,
  parked: async () => (await import("./parked.ts")).parked,
  take: async () => (await import("./parked.ts")).take,
  discard: async () => (await import("./parked.ts")).discard,
  revoke: async () => (await import("./parked.ts")).revoke,
  show: async () => (await import("./manage.ts")).showProfile,
  use: async () => (await import("./manage.ts")).changeProfile("use"),
  only: async () => (await import("./manage.ts")).changeProfile("only"),
  reset: async () => (await import("./manage.ts")).changeProfile("reset"),
  reload: async () => (await import("./manage.ts")).reload,
  refresh: async () => (await import("./manage.ts")).changeProfile("refresh"),
  rename: async () => (await import("./manage.ts")).changeProfile("rename"),
  remove: async () => (await import("./manage.ts")).changeProfile("remove"),
  rollback: async () => (await import("./manage.ts")).changeProfile("rollback"),
  cancel: async () => (await import("./cancel.ts")).cancel,
  apply: async () => (await import("./apply.ts")).apply,
  resume: async () => (await import("./apply.ts")).resume,
  doctor: async () => (await import("./doctor.ts")).doctor,
  import: async () => (await import("./import.ts")).importLogin,
  export: async () => (await import("./export.ts")).exportLogin,
  usage: async () => (await import("./usage.ts")).usage,
  lease: async () => (await import("./lease.ts")).lease,
  setup: async () => (await import("./setup.ts")).setup,
  bot: async () => (await import("./bot.ts")).bot,
  chat: async () => (await import("./chat.ts")).chat,
  demo: async () => (await import("./demo.ts")).demo,
};

/** The code of the command `name` of the table. @throws TypeError for any other name. */
export async function loadCommand(name: string): Promise<CommandRun> {
  const load = Object.hasOwn(CODE, name) ? CODE[name] : undefined;
  if (load === undefined) throw new TypeError(`There is no command ${name}.`);
  return load();
}
