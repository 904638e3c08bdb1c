// Preloaded into our own worker (`node --import`): `DIE_AFTER_US` microseconds after its first change of the disk it dies by SIGKILL.

import { dieAfter } from "../../survival/lab/killer.mjs";

dieAfter(Number(process.env.DIE_AFTER_US));
