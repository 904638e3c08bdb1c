// What our journal knows against a login's refresh token: said on its card, since OpenClaw learns it only at the next renewal.

import type { RenewalDoubt } from "../apply/rotations.ts";
import { openCredential, refreshTokenOf } from "../profiles/profile.ts";
import { fingerprint } from "../secrets/fingerprint.ts";
import type { Secret } from "../secrets/secret.ts";
import type { Turn } from "./context.ts";
import { bold, type Line } from "./reply.ts";

type Parts = Pick<Turn, "services">;

/** What is known against the login that a profile holds; nothing where nobody keeps a journal, or it cannot be read now. */
export async function doubtOfProfile(
  { services }: Parts,
  agentId: string,
  profileId: string,
): Promise<RenewalDoubt | undefined> {
  const stored = await services.store.readCredential(profileId, agentId).catch(() => undefined);
  return doubtOf(services, stored === undefined ? undefined : refreshTokenOf(openCredential(stored.credential)));
}

/** What is known against a login that waits. */
export async function doubtOfParked({ services }: Parts, parkedId: string): Promise<RenewalDoubt | undefined> {
  return doubtOf(services, (await services.engine.parked.tokens(parkedId))?.refresh);
}

/** What a card says of it. */
export function doubtLines(doubt: RenewalDoubt | undefined): readonly Line[] {
  switch (doubt) {
    case undefined:
      return [];
    case "ended":
      return [
        [
          "⚠️ ",
          bold("It cannot be renewed any more."),
          " It works until its access token expires; then sign in again.",
        ],
      ];
    case "unsure":
      return [
        [
          "⚠️ ",
          bold("It may not be renewable any more."),
          " Its renewal was asked for, and no answer came. Sign in again before its access token expires.",
        ],
      ];
  }
}

/** A journal that cannot be read must not keep the card from being shown; `doctor` and a renewal say so. */
async function doubtOf(
  { rotations }: Parts["services"],
  refresh: Secret | undefined,
): Promise<RenewalDoubt | undefined> {
  if (refresh === undefined || refresh.expose() === "") return undefined;
  return rotations?.doubt(fingerprint(refresh)).catch(() => undefined);
}
