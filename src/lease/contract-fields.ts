// Single values of the broker's answers: what is taken, what is refused, what is dropped (design, decision 13).

import { z } from "zod";
import { cleanText } from "../clean-text.ts";
import { MAX_TOKEN_CHARS } from "../config/defaults.ts";

/** Moments outside of this century are a broken clock or an attack: they would keep a lease or a token for ever, or end it at once. */
const FIRST_MOMENT_MS = Date.UTC(2000, 0);
/** The first moment of the next one. */
export const LAST_MOMENT_MS = Date.UTC(2100, 0);

// With its offset: without one it would be taken for this machine's time.
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** A time as the broker writes it, kept as text. */
export const momentText = z.string().max(40).regex(ISO);

/** The same in milliseconds since 1970, within this century. */
export const moment = momentText.transform((text) => Date.parse(text)).pipe(z.number().refine(isThisCentury));

/** True where `ms` is a number and a moment of this century. */
export function isThisCentury(ms: number): boolean {
  return ms >= FIRST_MOMENT_MS && ms < LAST_MOMENT_MS;
}

/** An id of a lease: it comes into paths, so it is plain and no `..` (§1: `lease_` and 16 of `[A-Za-z0-9_-]`). */
export const leaseId = z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9._:-]{0,127}$/);

/** A name of a machine or an agent, exactly as it is: it is compared, so it is never cleaned; one that would need it is refused. */
export const ownerName = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => cleanText(text, 256) === text);

/** An id that is only compared and shown (`sub:auth0|x`); never a path. */
export const opaqueId = z
  .string()
  .regex(/^[\x21-\x7e]{1,256}$/)
  .refine((text) => !text.split(/[/\\]/).some((part) => part === "." || part === ".."));

/** A token as it may stand in a header. */
export const tokenText = z
  .string()
  .max(MAX_TOKEN_CHARS)
  .regex(/^[\x21-\x7e]+$/);

/** A percentage as somebody measured it; more than 100 happens. */
export const percent = z.number().min(0).max(1_000);

/** A whole number that JavaScript can hold exactly; quotas may be overdrawn. */
export const wholeNumber = z.number().int().min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER);

/** A text to show: cleaned, at most `maxChars`, and something must be left of it. */
export function shownText(maxChars: number): z.ZodType<string> {
  return z
    .string()
    .transform((text) => cleanText(text, maxChars))
    .pipe(z.string().min(1));
}

/** An e-mail address to show; 254 is the longest that there is. */
export const shownEmail = shownText(254);

/** `schema`, or undefined where the value is absent, null or not usable: for what nothing is decided on. */
export function ifUsable<T>(schema: z.ZodType<T>) {
  return schema
    .nullish()
    .catch(undefined)
    .transform((value) => value ?? undefined);
}
