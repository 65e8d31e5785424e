import { WebSocketServer } from 'ws';
import type { Session } from '../../auth/sessions.ts';
import { AppError } from '../../spec/errors.ts';
import type { Actor } from '../../spec/events.ts';
import { type Channel, goingAway, maxMessageBytes } from '../../spec/rpc.ts';
import { actorOf, type Exchange } from '../exchange.ts';
import { checkCsrf } from './judge.ts';
import { createSocketChannel, type SocketChannel } from './socket-channel.ts';

export interface RpcSockets extends Disposable {
  /**
   * Takes the connection of a request over for the control plane, until either side or the session ends.
   * @throws AppError HTTP_INVALID, PAGE_DENIED without the token of the session, UNAVAILABLE beyond 20 sockets of it
   */
  open(exchange: Exchange, session: Session): void;
}

/** Serves a channel; whoever is at its other end was let in. */
export type Connect = (channel: Channel, actor: Actor) => void;

const protocol = 'berth.1';
/** Windows and tabs. */
const mostPerSession = 20;
/** RFC 6455 7.4.1 leaves 4000 to 4999 to applications. */
const sessionOver = 4401;
/** RFC 6455 5.5: what a control frame holds at most, without the two bytes of the code. */
const longestReason = 123;

/** `stoppedBy` answers who has asked the registry to stop, for those who are told that it does. */
export function createRpcSockets(connect: Connect, stoppedBy: () => string | undefined): RpcSockets {
  // Compression beside secrets tells their length (CRIME), and a small frame could become a large message.
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
    maxFragments: 256,
    handleProtocols: () => protocol,
  });
  // Told, it leaves the answer to others.
  server.on('wsClientError', () => undefined);
  const channels = new Map<Session, Set<SocketChannel>>();

  function keep(channel: SocketChannel, session: Session): void {
    const own = channels.get(session) ?? new Set();
    channels.set(session, own.add(channel));
    const forget = session.onEnd((why) => channel.end(sessionOver, why));
    channel.onClose(() => {
      forget();
      own.delete(channel);
      if (own.size === 0) channels.delete(session);
    });
  }

  return {
    open(exchange, session) {
      const { req, res, head } = exchange;
      const offered = (req.headers['sec-websocket-protocol'] ?? '').split(',').map((each) => each.trim());
      checkCsrf(offered.find((each) => each.startsWith('csrf.'))?.slice('csrf.'.length), session);
      if (head === undefined || !offered.includes(protocol)) {
        const message = `Here a WebSocket is spoken, with the subprotocol ${protocol}.`;
        throw new AppError('HTTP_INVALID', { message });
      }
      if ((channels.get(session)?.size ?? 0) >= mostPerSession) {
        const message = `More than ${mostPerSession} sockets of one session are open.`;
        throw new AppError('UNAVAILABLE', { message });
      }
      let isOpen = false;
      server.handleUpgrade(req, req.socket, head, (socket) => {
        isOpen = true;
        res.statusCode = 101;
        const channel = createSocketChannel(socket);
        keep(channel, session);
        connect(withUse(channel, session), actorOf(exchange));
      });
      if (!isOpen) throw new AppError('HTTP_INVALID', { message: 'The WebSocket handshake is not valid.' });
    },
    [Symbol.dispose]() {
      const user = stoppedBy();
      const named = user === undefined ? goingAway.reason : `${goingAway.reason}: ${user}`;
      const reason = Buffer.byteLength(named) > longestReason ? goingAway.reason : named;
      for (const own of channels.values()) for (const channel of own) channel.end(goingAway.code, reason);
    },
  };
}

/** What the other side asks keeps its session alive; what it is only told does not. */
function withUse(channel: Channel, session: Session): Channel {
  return {
    ...channel,
    onMessage(listen) {
      channel.onMessage((message) => {
        session.touch();
        listen(message);
      });
    },
  };
}
