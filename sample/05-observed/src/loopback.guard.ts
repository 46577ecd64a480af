import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';

/** Lets requests of this machine pass. An application asks for an administrator instead. */
@Injectable()
export class LoopbackGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { socket } = context.switchToHttp().getRequest<IncomingMessage>();
    return socket.remoteAddress === '127.0.0.1';
  }
}
