// Ten times the profiles: how much longer a patch takes, planning included, and a look at the list.

import { atMost, inFolder, interleaved, told } from "./lab.mjs";
import { storeOf } from "./store-lab.mjs";

/** Shorter than real ones: no store above 16 MB is read, which 10,000 real logins would be. */
const TOKEN_CHARS = 800;

/** From 1,000 to 10,000 profiles. */
export function scale({ quick }) {
  const [few, many] = quick ? [100, 1_000] : [1_000, 10_000];
  return inFolder(async (folder) => {
    const small = await storeOf(folder, few, TOKEN_CHARS);
    const large = await storeOf(folder, many, TOKEN_CHARS);
    const took = await interleaved(quick ? 2 : 9, {
      few: (round) => change(small, round),
      many: (round) => change(large, round),
      // As many logins as in the large one: of single looks some pay for a collection of the heap and some do not.
      fewReads: () => times(many / few, small.read),
      manyRead: () => large.read(),
    });
    const fewRead = took.fewReads / (many / few);
    const between = `${few.toLocaleString("en")} → ${many.toLocaleString("en")} profiles`;
    return [
      atMost(12, `${between}: plan and patch`, took.many / took.few),
      atMost(12, `${between}: reading the list`, took.manyRead / fewRead),
      told(`plan and patch of ${many.toLocaleString("en")}`, took.many, "ms"),
      told(`reading ${many.toLocaleString("en")}`, took.manyRead, "ms"),
    ];
  });
}

async function times(count, work) {
  for (let done = 0; done < count; done += 1) await work();
}

async function change({ planned }, round) {
  const apply = await planned(round);
  await apply();
}
