// Why the next call may use another login than this profile's: the layers between them, and the first that disagrees. Pure.

import type { SessionPin } from "../profiles/session-pins.ts";
import type { ProfileSummary } from "../profiles/summary.ts";
import type { Loaded } from "./services.ts";

/** The layers in the order in which they decide. */
export type Layer = "login" | "gateway" | "cooldown" | "order" | "pin" | "choice";

/** What is known of each layer. */
export interface LayerFacts {
  readonly profile: ProfileSummary;
  readonly loaded: Loaded;
  readonly pins: readonly SessionPin[];
  /** The profiles that are tried, in their order. */
  readonly order: readonly string[];
}

/** The chats that stay with another profile at their next message, whatever is first in the order. */
export interface Elsewhere {
  /** Bound by OpenClaw itself: it lets go of what the order does not list, so *only* moves them. */
  readonly byItself: readonly SessionPin[];
  /** Bound by a person. 2026.5.28 keeps to that over every order and `/new` (test/e2e/switch.test.ts); 2026.4.5 only to what is listed. */
  readonly byPerson: readonly SessionPin[];
}

/** The chats that the order does not lead to `profileId`; a bond of OpenClaw's own to a profile out of the order has ended. */
export function boundElsewhere(pins: readonly SessionPin[], profileId: string, order: readonly string[]): Elsewhere {
  const others = pins.filter((pin) => pin.profileId !== profileId);
  return {
    byItself: others.filter((pin) => !pin.byPerson && order.includes(pin.profileId)),
    byPerson: others.filter((pin) => pin.byPerson),
  };
}

/** The first layer that keeps the next call from using the profile; undefined where all of them agree, as far as is known. */
export function firstDisagreement({ profile, loaded, pins, order }: LayerFacts): Layer | undefined {
  const { state, renewsItself, position, id } = profile;
  if (state === "unreadable" || (state === "expired" && !renewsItself)) return "login";
  if (loaded.kind === "listed" && !loaded.profileIds.includes(id)) return "gateway";
  if (profile.cooldownUntilMs !== undefined) return "cooldown";
  if (position !== 0) return "order";
  const { byItself, byPerson } = boundElsewhere(pins, id, order);
  return byItself.length > 0 ? "pin" : byPerson.length > 0 ? "choice" : undefined;
}
