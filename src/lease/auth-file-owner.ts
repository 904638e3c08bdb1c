// Whether a login file of the Codex CLI holds this machine's leased login: asked by those who would take it, without a lock or a write.

import { join } from "node:path";
import { targetOf, type CodexLoginSummary } from "../profiles/codex-home.ts";
import { readJsonFile } from "../storage/json-file.ts";
import { judge, judgeElsewhere, noteSchema } from "./auth-file-note.ts";

/** What {@link isLeasedLogin} looks at. */
export interface LeasedLoginQuestion {
  /** The file that `whose` was read from: before this question, because the note is always on disk before the login. */
  readonly path: string;
  readonly whose: CodexLoginSummary;
  /** Our folder of the lease. */
  readonly folder: string;
  /** The file of the settings, for notes that name none. */
  readonly settingsPath: string;
}

/** True where `whose` is the login that the lease wrote, be it renewed by the Codex CLI since or copied elsewhere. */
export async function isLeasedLogin({ path, whose, folder, settingsPath }: LeasedLoginQuestion): Promise<boolean> {
  const note = await readJsonFile(join(folder, "auth-file.json"), noteSchema);
  if (note === undefined) return false;
  const isItsFile = targetOf(note.path ?? settingsPath) === targetOf(path);
  return (isItsFile ? judge(whose, note) : judgeElsewhere(whose, note)) !== undefined;
}
