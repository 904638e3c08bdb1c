// The Bot API's way of saying no: a code, a description with its fixed prefix, and parameters where it has them.

/** What a failed call answers besides `ok: false`. */
export interface ErrorBody {
  readonly error_code: number;
  readonly description: string;
  readonly parameters?: { readonly retry_after?: number };
}

/** A refusal of the fake, with the body that the real server would send. */
export class ApiError extends Error {
  readonly body: ErrorBody;

  constructor(body: ErrorBody) {
    super(body.description);
    this.body = body;
  }
}

/** 400 with the prefix that the real server puts in front. */
export function badRequest(description: string): ApiError {
  return new ApiError({ error_code: 400, description: `Bad Request: ${description}` });
}

/** 403. */
export function forbidden(description: string): ApiError {
  return new ApiError({ error_code: 403, description: `Forbidden: ${description}` });
}

/** 409. */
export function conflict(description: string): ApiError {
  return new ApiError({ error_code: 409, description: `Conflict: ${description}` });
}

/** 429; the seconds stand in the text and in the parameters. */
export function tooManyRequests(seconds: number): ApiError {
  return new ApiError({
    error_code: 429,
    description: `Too Many Requests: retry after ${seconds}`,
    parameters: { retry_after: seconds },
  });
}
