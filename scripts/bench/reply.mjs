// From an update to the reply, through the bot against a bare grammY echo bot: the read-only picker, and a press that makes a job.

import { utimes } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { OWNER, startBots } from "./bots.mjs";
import { atMost, inFolder, interleaved, told } from "./lab.mjs";

/** Long enough for the worker of a job on a busy machine. */
const JOB_WITHIN_MS = 60_000;

/** Longer than a file must have been left alone before anything of it is kept. */
const LEFT_ALONE_MS = 150;

/** Medians of updates that are sent in turns to the one and the other. */
export function reply({ quick }) {
  return inFolder(async (folder) => {
    const { ours, bare, storePath, close } = await startBots(folder, { counted: true });
    try {
      const echo = () => bare.answered((owner) => owner.sends("/codex_auth"));
      const look = await interleaved(quick ? 3 : 60, {
        bare: echo,
        ours: () => ours.answered((owner) => owner.sends("/codex_auth")),
      });
      // A gateway notes in its store when it used a login; a look after that reads it anew.
      const anew = await interleaved(quick ? 1 : 30, {
        bare: async () => {
          await delay(LEFT_ALONE_MS);
          return echo();
        },
        ours: async (round) => {
          await utimes(storePath, 1_000 + round + 0.5, 1_000 + round + 0.5);
          await delay(LEFT_ALONE_MS);
          return ours.answered((owner) => owner.sends("/codex_auth"));
        },
      });
      const fsyncs = await ours.fsyncsBeforeAnswers();
      const press = await interleaved(quick ? 1 : 12, {
        bare: async () => {
          await bare.answered((owner) => owner.sends("button"));
          const { messageId } = newest(bare);
          return bare.answered((owner) => owner.pressesData(messageId, "again"));
        },
        ours: (round) => confirms(ours, `p${(round + 1) % 2}`),
      });
      return [
        atMost(1.5, "picker: our bot / a bare echo bot, p50", look.ours / look.bare),
        atMost(0, "fsyncs between an update and its picker", fsyncs, ""),
        atMost(4, "press that makes a job: our bot / a bare bot, p50", press.ours / press.bare),
        told("picker through our bot, p50", look.ours, "ms"),
        told("picker where the store has changed since: our bot / a bare echo bot, p50", anew.ours / anew.bare, "×"),
        told("press that makes a job, p50", press.ours, "ms"),
      ];
    } finally {
      await close();
    }
  });
}

/** Has `name` used first, and measures the press that confirms it; then waits until its job has ended. */
async function confirms(ours, name) {
  const { telegram } = ours;
  await ours.answered((owner) => owner.sends(`/codex_auth use ${name}`));
  const { messageId, buttons } = newest(ours);
  const took = await ours.answered((owner) => owner.presses(messageId, buttons.flat()[0]));
  await telegram.waitFor(
    () => telegram.visible(OWNER).some((message) => message.messageId >= messageId && /✅/.test(message.text)),
    () => `the end of the job; it shows ${JSON.stringify(newest(ours))}`,
    JOB_WITHIN_MS,
  );
  return took;
}

function newest({ telegram }) {
  return telegram.visible(OWNER).findLast(({ from }) => from === "bot");
}
