// Why the next call may use another login than this profile's: the layers between them, and the first that disagrees. Pure.

import type { SessionPin } from "../profiles/session-pins.ts";
import type { ProfileSummary } from "../profiles/summary.ts";
import type { Loaded } from "./services.ts";

/** The layers in the order in which they decide. */
export type Layer = "login" | "gateway" | "cooldown" | "order" | "pin";

/** What is known of each layer. */
export interface LayerFacts {
  readonly profile: ProfileSummary;
  readonly loaded: Loaded;
  readonly pins: readonly SessionPin[];
}

/** The first layer that keeps the next call from using the profile; undefined where all of them agree, as far as is known. */
export function firstDisagreement({ profile, loaded, pins }: LayerFacts): Layer | undefined {
  const { state, renewsItself, position, id } = profile;
  if (state === "unreadable" || (state === "expired" && !renewsItself)) return "login";
  if (loaded.kind === "listed" && !loaded.profileIds.includes(id)) return "gateway";
  if (profile.cooldownUntilMs !== undefined) return "cooldown";
  if (position !== 0) return "order";
  return pins.some(({ profileId }) => profileId !== id) ? "pin" : undefined;
}
