// The time zone of this machine: whoever sits at it reads its clock.

/** The IANA name of `zone`, by default this machine's; undefined where the system names none that can be used. */
export function machineTimeZone(
  zone: string | undefined = new Intl.DateTimeFormat().resolvedOptions().timeZone,
): string | undefined {
  try {
    return zone === undefined
      ? undefined
      : new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    // Node names a `TZ` that it does not know "Etc/Unknown", and takes that for no zone itself.
    return undefined;
  }
}
