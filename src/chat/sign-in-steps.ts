// The steps of a sign-in card, by how the browser's answer comes back: heard on this machine, or brought by the person.

import { code, type Line } from "./reply.ts";
import type { Landing } from "./services.ts";

/** What the person does, one line a step; `landing` where we are on the machine that the browser may come back to. */
export function stepLines(landing: Landing | undefined): readonly Line[] {
  const first: Line = ["1. Open the sign-in page and sign in with the account for this profile."];
  if (landing === undefined) {
    return [
      first,
      [
        "2. Your browser ends on a page that does not load; its address begins with ",
        code("http://localhost:1455/"),
        ". That is right.",
      ],
      ["3. Copy that whole address and send it to me here. I remove your message at once."],
    ];
  }
  const { origin, tunnel } = landing;
  if (landing.heard) {
    return [
      first,
      ["2. Your browser comes back to this machine by itself, and it goes on here."],
      ...(tunnel === undefined
        ? []
        : [["Your browser is on another machine? Before you sign in, run there: ", code(tunnel)] as const]),
      ["If that page does not load: copy its whole address (", code(`${origin}/…`), ") and paste it here."],
    ];
  }
  return [
    ["⚠️ Other sign-ins hold the ports 1455 and 1457 of this machine, so your browser cannot come back to this one."],
    first,
    ["2. Your browser ends on a page that is not ours or does not load (", code(`${origin}/…`), "). That is right."],
    ["3. Copy the whole address of that page and paste it here."],
  ];
}
