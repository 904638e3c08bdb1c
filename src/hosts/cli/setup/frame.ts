// What every section of the set-up is given.

import type { Parts } from "../../services.ts";
import type { SettingsNow } from "./settings-file.ts";
import type { SetupUi } from "./ui.ts";

/** The person, the machine, and the settings as they are. */
export interface SetupFrame {
  readonly ui: SetupUi;
  readonly parts: Parts;
  readonly settings: SettingsNow;
  /** A number below `limit`, for the word that proves who writes. */
  readonly randomBelow: (limit: number) => number;
}
