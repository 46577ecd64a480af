import { afterEach } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection on which a test writes HTTP by hand. */
export interface RawConnection {
  readonly socket: Socket;
  /** All that came, once the other side has ended. */
  readonly ended: Promise<string>;
}

/** A function that connects to the host of a URL; closed after the test. */
export function useRawConnections(): (url: string) => Promise<RawConnection> {
  const sockets: Socket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });
  return async (url) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    sockets.push(socket);
    await once(socket, 'connect');
    let got = '';
    const ended = new Promise<string>((resolve) => {
      socket.on('data', (chunk) => void (got += chunk.toString('latin1')));
      socket.on('error', () => undefined).once('close', () => resolve(got));
    });
    return { socket, ended };
  };
}

/** The statuses of the answers in a text. */
export function statusesIn(answers: string): number[] {
  return Array.from(answers.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, status]) => Number(status));
}
