// Asks the sandbox gateway which login the next model call would carry.

import { request } from "undici";
import { z } from "zod";
import type { UsedProfile } from "./gateway-store.ts";

const text = z.string().optional();
const answer = z.object({
  profiles: z.array(
    z
      .object({
        profileId: z.string(),
        provider: z.string(),
        type: z.string(),
        email: text,
        expires: z.number().optional(),
        access: text,
      })
      .transform((profile): UsedProfile => ({
        profileId: profile.profileId,
        provider: profile.provider,
        type: profile.type,
        email: profile.email,
        expires: profile.expires,
        access: profile.access,
      })),
  ),
});

/** The profiles in the order in which they would be tried; none where no gateway answers. */
export async function askUsedProfiles(port: number, token: string): Promise<readonly UsedProfile[]> {
  try {
    const url = `http://127.0.0.1:${port}/sandbox/used`;
    const { body } = await request(url, { headers: { authorization: `Bearer ${token}` } });
    return answer.parse(await body.json()).profiles;
  } catch {
    return [];
  }
}
