import type { RaceOptions } from './options.js';
import type { RaceResult } from './result.js';
import type { Worker } from './worker.js';

const SHOW = 'hamlet';

interface Purchase {
  buyer: string;
  status: number;
  /** Of the buyers that got one. */
  seat: number | undefined;
}

/** All buyers ask at once, each one of the workers, and each hopes for one of the seats. */
export async function raceForSeats(
  workers: readonly Worker[],
  { buyers, seats }: RaceOptions,
  say: (line: string) => void,
): Promise<RaceResult> {
  say(`\n${buyers} buyers ask ${workers.length} workers for ${seats} seats at the same time ...`);
  const startedAt = performance.now();
  const purchases = await Promise.all(
    Array.from({ length: buyers }, (_, i) => buy(workerFor(workers, i), `buyer-${i + 1}`)),
  );
  const seconds = (performance.now() - startedAt) / 1000;

  const sold = purchases.filter(({ status }) => status === 201);
  const refused = purchases.filter(({ status }) => status === 409).length;
  const failed = purchases.length - sold.length - refused;
  say(`sold ${sold.length}, refused ${refused}, failed ${failed}, in ${seconds.toFixed(1)} s`);
  return {
    summary: `${sold.length} of ${seats} seats sold, ${refused} buyers refused`,
    violations: [
      ...checkSeats(sold, seats, buyers),
      ...(failed > 0 ? [`${failed} buyers got neither a seat nor a refusal.`] : []),
      ...checkBook(sold, await bookOf(workerFor(workers, 0))),
    ],
  };
}

function checkSeats(sold: readonly Purchase[], seats: number, buyers: number): string[] {
  const distinct = new Set(sold.map(({ seat }) => seat)).size;
  const wanted = Math.min(seats, buyers);
  return [
    ...(sold.length > seats ? [`${sold.length} buyers were sold a seat; there are ${seats}.`] : []),
    ...(sold.length < wanted ? [`Only ${sold.length} of ${wanted} seats were sold.`] : []),
    ...(distinct < sold.length ? [`${sold.length} buyers share ${distinct} seats.`] : []),
  ];
}

/** Each buyer with a seat must be in the book, at that seat. */
function checkBook(sold: readonly Purchase[], book: readonly string[]): string[] {
  const lost = sold.filter(({ buyer, seat }) => seat === undefined || book[seat - 1] !== buyer);
  return lost.length > 0 ? [`${lost.length} buyers with a seat are not in the book.`] : [];
}

async function buy(worker: Worker, buyer: string): Promise<Purchase> {
  const response = await fetch(`${worker.url}/seats/${SHOW}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ buyer }),
  });
  const { seat } = (await response.json()) as { seat?: number };
  return { buyer, status: response.status, seat };
}

async function bookOf(worker: Worker): Promise<string[]> {
  const response = await fetch(`${worker.url}/seats/${SHOW}`);
  return ((await response.json()) as { buyers: string[] }).buyers;
}

function workerFor(workers: readonly Worker[], turn: number): Worker {
  const worker = workers[turn % workers.length];
  if (worker === undefined) throw new Error('There is no worker.');
  return worker;
}
