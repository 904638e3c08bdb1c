// What becomes of the program where its output can no longer be written: a reader that has gone must not end a job in its middle.

import { systemCode } from "../../errors.ts";
import { EXIT } from "./io.ts";

/** From now on no failure of what `program` writes ends it with a stack trace; it ends with a failure's code where an answer was lost. */
export function outliveReaders(program: NodeJS.Process): void {
  let isLost = false;
  for (const stream of [program.stdout, program.stderr]) {
    stream.on("error", (error: unknown) => {
      // `… list | head -1`: whoever read it has what they wanted.
      if (systemCode(error) !== "EPIPE") isLost = true;
    });
  }
  program.once("exit", () => {
    if (isLost && (program.exitCode ?? EXIT.done) === EXIT.done) program.exitCode = EXIT.failed;
  });
}
