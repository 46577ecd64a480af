import { HttpException } from '@nestjs/common';

/** Why a request was refused. The answer has it as `code`. @internal */
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
  in_progress: [409, 'A request with this idempotency key is in progress. Try again later.'],
  outcome_unknown: [
    409,
    'A request with this idempotency key was interrupted. It may have had its effect.',
  ],
  outcome_not_stored: [
    409,
    'A request with this idempotency key was answered, and the answer was not stored.',
  ],
  unavailable: [503, 'Idempotency keys cannot be checked now. The request was not processed.'],
};

/** An error in the form of RFC 9457. Its content type is set on the response before it is thrown. @internal */
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
