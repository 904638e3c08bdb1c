// After a restart: the device codes of this host are waited for again, and what ended in between is told.

import { jobIdOf } from "../apply/new-job.ts";
import type { Turn } from "./context.ts";
import { decide, showDecision } from "./confirm.ts";
import type { DeviceBoard } from "./device-board.ts";
import { interruptedCard } from "./device-card.ts";
import { parkedIdOf, type DeviceSignIn, type DeviceSignIns } from "./device-sign-ins.ts";
import type { DeviceChat } from "./device-watched.ts";
import { signInHead } from "./sign-in-head.ts";

/** What is needed for it. */
export interface DeviceResume extends Pick<Turn, "services" | "progress"> {
  readonly board: DeviceBoard;
  readonly devices: DeviceSignIns;
}

/** Takes one sign-in up again; false where its person may not any more, or a newer one has its message. */
export async function resumeDevice(parts: DeviceResume, signIn: DeviceSignIn, chat: DeviceChat): Promise<boolean> {
  const { board, devices, services } = parts;
  if (!services.allow(chat.asker)) {
    await devices.end(signIn, "cancelled");
    await devices.forget(signIn);
    return false;
  }
  const reason = await devices.endOf(signIn);
  if (reason === "replaced" && (await devices.isTakenOver(signIn))) {
    await devices.forget(signIn);
    return false;
  }
  const isSpent = signIn.grant !== undefined && reason === "used";
  if (isSpent) await tellInterrupted(parts, signIn, chat);
  else await board.watch(signIn, chat, await signInHead({ ...parts, asker: chat.asker }, signIn));
  return true;
}

/** Killed after the attempt was claimed: the login is parked under its id, is a job already, or never came. */
async function tellInterrupted(parts: DeviceResume, signIn: DeviceSignIn, chat: DeviceChat): Promise<void> {
  const { services, devices, progress } = parts;
  const { messageId } = signIn;
  const pressed = messageId === undefined ? {} : { pressed: messageId };
  const turn: Turn = { services, progress, asker: chat.asker, out: chat.out, ...pressed };
  const parked = await services.engine.parked.get(parkedIdOf(signIn));
  if (parked !== undefined) await showDecision(turn, await decide(turn, parked));
  else if ((await services.engine.queue.get(jobIdOf(parkedIdOf(signIn)))) === undefined) {
    const reply = interruptedCard(turn, signIn);
    if (messageId === undefined) await chat.out.send(reply);
    else await chat.out.edit(messageId, reply);
  }
  await devices.forget(signIn);
}
