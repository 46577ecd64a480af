import { HttpException } from '@nestjs/common';

/** Why a request was not let through; stands as `code` in the answer. @internal */
export type ProblemCode =
  | 'key_missing'
  | 'key_invalid'
  | 'key_reused'
  | 'in_progress'
  | 'outcome_unknown'
  | 'outcome_not_stored'
  | 'unavailable';

const PROBLEMS: { readonly [code in ProblemCode]: readonly [status: number, detail: string] } = {
  key_missing: [400, 'This request needs an idempotency key in its header.'],
  key_invalid: [400, 'The idempotency key must be 1 to 255 visible ASCII characters, once.'],
  key_reused: [422, 'This idempotency key was used for another request.'],
  in_progress: [409, 'A request with this idempotency key is at work. Try again later.'],
  outcome_unknown: [
    409,
    'A request with this idempotency key was interrupted. It may have had its effect.',
  ],
  outcome_not_stored: [
    409,
    'A request with this idempotency key was answered, and the answer was not kept.',
  ],
  unavailable: [503, 'Idempotency keys cannot be checked now. The request was not processed.'],
};

/** As RFC 9457 has it; its content type is set on the response before it is thrown. @internal */
export class IdempotencyProblem extends HttpException {
  constructor(code: ProblemCode, cause?: unknown) {
    const [status, detail] = PROBLEMS[code];
    super(
      { type: 'about:blank', title: 'Idempotency', status, code, detail },
      status,
      cause === undefined ? {} : { cause },
    );
  }
}
