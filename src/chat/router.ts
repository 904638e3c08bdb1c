// The one door of the chat: who may speak, which command or button it is, and what is answered.

import type { ParkedLogin } from "../apply/parked.ts";
import type { Receipt } from "../apply/receipt.ts";
import type { Wanted } from "../apply/wanted.ts";
import { CHAT } from "../config/defaults.ts";
import { isCodexAuthError } from "../errors.ts";
import { changeReply } from "./change.ts";
import { codexAuth, isPartOfSignIn, plainText } from "./codex-auth.ts";
import { answerUsage, codexUsage } from "./codex-usage.ts";
import { decide, decisionReply } from "./confirm.ts";
import type { Turn } from "./context.ts";
import type { Asker, Incoming, Outgoing } from "./conversation.ts";
import { DeviceBoard } from "./device-board.ts";
import { resumeDevice } from "./device-resume.ts";
import type { DeviceSignIn } from "./device-sign-ins.ts";
import { invitationReply } from "./invitation-card.ts";
import type { InvitationSubject } from "./invitations.ts";
import { lease } from "./lease.ts";
import { press } from "./presses.ts";
import { ProgressBoard } from "./progress.ts";
import { receiptReply } from "./receipt-card.ts";
import { lineText, type Reply } from "./reply.ts";
import { follow } from "./save.ts";
import type { ChatServices } from "./services.ts";
import { errorReply } from "./wording.ts";

/** The chat behaviour that all hosts share; one per host process. */
export class ChatRouter {
  readonly #services: ChatServices;
  readonly #progress: ProgressBoard;
  readonly #devices: DeviceBoard | undefined;

  constructor(services: ChatServices) {
    this.#services = services;
    this.#progress = new ProgressBoard({
      watch: (id, onChange, signal) => services.engine.queue.watch(id, onChange, signal),
      everyMs: services.progressEveryMs ?? CHAT.progressEveryMs,
      log: services.log,
    });
    const { devices } = services;
    this.#devices = devices && new DeviceBoard({ services, progress: this.#progress }, devices);
  }

  /**
   * Answers one incoming message or press; `ignored` means that the host stays silent (a stranger, or plain chatter).
   * Whatever goes wrong is answered in words; only a host that cannot send makes it reject.
   */
  async handle(asker: Asker, incoming: Incoming, out: Outgoing): Promise<"handled" | "ignored"> {
    if (!this.#services.allow(asker)) {
      // Silence, but a code that everybody has seen is of no use any more, whoever posted it.
      if (!asker.private) await this.#burnIfCallback(incoming);
      return "ignored";
    }
    try {
      return await this.#answer(this.#turn({ asker, out }), incoming);
    } catch (error) {
      await this.#answerError(error, incoming, out);
      return "handled";
    } finally {
      this.#devices?.look(asker);
    }
  }

  /** Whether this person may speak here. */
  allows(asker: Asker): boolean {
    return this.#services.allow(asker);
  }

  /** Whether a plain message is part of a sign-in, and so no chatter: told without waiting for anything else of the chat. */
  async takes(asker: Asker, text: string): Promise<boolean> {
    return this.allows(asker) && (await isPartOfSignIn({ services: this.#services, asker }, text));
  }

  /** The final answer of a job. */
  async renderReceipt(receipt: Receipt, asker: Asker): Promise<Reply> {
    const agents = await this.#services.store.agents().catch(() => []);
    return receiptReply({ services: this.#services, asker }, receipt, { severalAgents: agents.length > 1 });
  }

  /** The question whether a login that a script brought may be saved, with its buttons. */
  async renderApproval(parked: ParkedLogin, asker: Asker): Promise<Reply> {
    const turn = { services: this.#services, asker };
    return decisionReply(turn, await decide(turn, parked));
  }

  /** The reminder of a login that waits for a decision. */
  async renderReminder(parked: ParkedLogin, asker: Asker): Promise<Reply> {
    const reply = await this.renderApproval(parked, asker);
    return { ...reply, lines: [["⏰ A received login still waits for your decision."], ...reply.lines] };
  }

  /** The question whether a change that a script asks for may be made; where it cannot be made any more, why. */
  async renderChange(wanted: Wanted, asker: Asker): Promise<Reply> {
    try {
      return await changeReply({ services: this.#services, asker }, wanted);
    } catch (error) {
      if (!isCodexAuthError(error)) throw error;
      const reply = errorReply(error);
      return { ...reply, lines: [["🔔 A script asked for a change that cannot be made now."], ...reply.lines] };
    }
  }

  /** The question whether a person begins the sign-in that a script wants; undefined where somebody has begun it. */
  async renderInvitation(subject: InvitationSubject, asker: Asker): Promise<Reply | undefined> {
    const invitation = await this.#services.invitations.get(subject);
    if (invitation === undefined || invitation.answeredAt !== undefined) return undefined;
    return invitationReply({ services: this.#services, asker }, invitation);
  }

  /**
   * Shows the progress of this host's open jobs again after a restart. `chatOf` gives the asker and the way into the chat of
   * a job's address, or undefined where the host has none. Tells how many are shown.
   */
  async resume(
    host: Asker["host"],
    chatOf: (address: { chatId: string; personId: string }) => ResumedChat | undefined,
  ): Promise<number> {
    let shown = 0;
    for (const job of await this.#services.engine.queue.open()) {
      const { requestedBy } = job;
      if (requestedBy?.host !== host || requestedBy.messageId === undefined) continue;
      const chat = chatOf(requestedBy);
      if (chat === undefined || !this.#services.allow(chat.asker)) continue;
      follow({ services: this.#services, progress: this.#progress, ...chat }, job, requestedBy.messageId);
      shown += 1;
    }
    return shown + (await this.resumeCodes(host, chatOf));
  }

  /** Waits again for the device codes alone that an earlier process of this host has left, and tells what ended in between. */
  async resumeCodes(host: Asker["host"], chatOf: (signIn: DeviceSignIn) => ResumedChat | undefined): Promise<number> {
    const [board, { devices, log }] = [this.#devices, this.#services];
    if (board === undefined || devices === undefined) return 0;
    let shown = 0;
    for (const signIn of await devices.leftOver(host)) {
      const chat = chatOf(signIn);
      const parts = { services: this.#services, progress: this.#progress, board, devices };
      try {
        if (chat !== undefined && (await resumeDevice(parts, signIn, chat))) shown += 1;
      } catch (error) {
        // A chat that cannot be reached now keeps nobody else's sign-in from going on.
        log.error("chat.device", error, { attempt: signIn.id });
      }
    }
    return shown;
  }

  /**
   * Resolves when no more progress of this job will be shown: its final answer may then take the place of the message.
   * Gives the id of that message where it is not the one that the job names: editing that one was impossible.
   */
  settled(jobId: string): Promise<string | undefined> {
    return this.#progress.settled(jobId);
  }

  /** Resolves when no progress message is being shown any more (the command line and the demo wait for it). */
  idle(): Promise<void> {
    return this.#progress.idle();
  }

  /** Resolves when no device code is waited for any more, however that ended. */
  async codesEntered(): Promise<void> {
    await this.#devices?.idle();
  }

  /** Stops showing progress and waiting for codes; jobs go on without us, codes with the next process of this host. */
  async close(): Promise<void> {
    await this.#devices?.close();
    await this.#progress.close();
  }

  #turn(chat: ResumedChat): Turn {
    const devices = this.#devices === undefined ? {} : { devices: this.#devices };
    return { services: this.#services, progress: this.#progress, ...devices, ...chat };
  }

  async #answer(turn: Turn, incoming: Incoming): Promise<"handled" | "ignored"> {
    switch (incoming.kind) {
      case "command":
        if (incoming.name === "codex_auth") await codexAuth(turn, incoming.args);
        else if (incoming.name === "lease") await lease(turn, incoming.args);
        else await codexUsage(turn, incoming.args);
        return "handled";
      case "usage":
        await answerUsage(turn, incoming.command);
        return "handled";
      case "press": {
        const pressed = this.#services.buttons.decode(incoming.data, turn.asker);
        await press({ ...turn, ...(incoming.messageId === undefined ? {} : { pressed: incoming.messageId }) }, pressed);
        return "handled";
      }
      case "text":
        return (await plainText(turn, incoming.text)) ? "handled" : "ignored";
    }
  }

  async #answerError(error: unknown, incoming: Incoming, out: Outgoing): Promise<void> {
    const isAboutButton = isCodexAuthError(error, "ERR_BUTTON_STALE", "ERR_BUTTON_FOREIGN");
    if (!isCodexAuthError(error)) this.#services.log.error("chat", error, { kind: incoming.kind });
    const reply = errorReply(error);
    // The message under a foreign or stale button stays as it is: a short note says why nothing happens.
    if (isAboutButton && out.toast !== undefined) await out.toast(reply.lines.map(lineText).join("\n").slice(0, 200));
    else await out.send(reply);
  }

  async #burnIfCallback(incoming: Incoming): Promise<void> {
    const text = incoming.kind === "text" ? incoming.text : incoming.kind === "command" ? incoming.args : "";
    try {
      if (this.#services.signIns.isCallback(text)) await this.#services.signIns.burn(text);
    } catch (error) {
      this.#services.log.error("chat.burn", error);
    }
  }
}

/** A chat that a restarted host can write to again. */
export interface ResumedChat {
  readonly asker: Asker;
  readonly out: Outgoing;
}
