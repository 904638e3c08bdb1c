// What somebody wants changed of a profile that is there, before anybody has confirmed it; no secret, so it may wait in a file.

import { z } from "zod";

const target = { agentId: z.string(), profileId: z.string() };

/** The form of a wanted change where it is kept. */
export const wantedSchema = z.discriminatedUnion("kind", [
  /** First in the order, the others behind it. */
  z.object({ kind: z.literal("use"), ...target }),
  /** Alone in the order. */
  z.object({ kind: z.literal("only"), ...target }),
  z.object({ kind: z.literal("remove"), ...target }),
  /** Have the sign-in server renew its login. */
  z.object({ kind: z.literal("refresh"), ...target }),
  /** Forget its cooldown and failures. */
  z.object({ kind: z.literal("reset"), ...target }),
  /** `to` is a full id. */
  z.object({ kind: z.literal("rename"), ...target, to: z.string() }),
  /** Take back what a receipt is about. */
  z.object({ kind: z.literal("rollback"), receiptId: z.string() }),
]);

/** A change that somebody wants. */
export type Wanted = z.infer<typeof wantedSchema>;
