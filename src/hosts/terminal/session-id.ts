// Which terminal has shown a message: its process is in the message's id, so that the next one knows whether it may take over.

import { isHolderAlive, processStartTime } from "../../storage/openclaw-lock-holder.ts";

/** The id of a session of this process; `random` tells two of them apart. */
export function sessionId(random: string): string {
  return `${process.pid}.${processStartTime(process.pid) ?? 0}.${random}`;
}

/** Whether the terminal that has shown `messageId` is still there; an id of another form is that of one that is gone. */
export function isTerminalAlive(messageId: string): boolean {
  const [, pid, start] = /^([1-9]\d{0,9})\.(\d{1,15})\./.exec(messageId) ?? [];
  if (pid === undefined) return false;
  const startTime = Number(start);
  return isHolderAlive({ pid: Number(pid), ...(startTime > 0 ? { startTime } : {}) });
}
