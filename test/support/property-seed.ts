// `PROPERTY_SEED=…` repeats the cases of every property: CI gives each commit its own, so that what was seen to pass passes again.

import { configureGlobal } from "fast-check";

const seed = Number(process.env["PROPERTY_SEED"]);
// Without one fast-check draws its own and names it where a case fails.
if (Number.isInteger(seed) && seed !== 0) configureGlobal({ seed });
