// The server side of RFC 6455, as far as a gateway on loopback needs it: text frames, ping, close; no extensions.

import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

/** One open WebSocket. */
export interface WebSocketConnection {
  /** Sends one text message. */
  send(text: string): void;
  /** Says goodbye with a status code and a reason of at most 123 bytes, then ends the connection. */
  close(code: number, reason?: string): void;
}

/** What happens on a connection. */
export interface WebSocketEvents {
  onMessage(text: string): void;
  onClose?(): void;
}

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const MAX_MESSAGE_BYTES = 1024 * 1024;
const OPCODE = { continuation: 0, text: 1, close: 8, ping: 9, pong: 10 } as const;

/** Answers an `upgrade` request; undefined (and a refused socket) where it is not a WebSocket handshake. */
export function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  makeEvents: (connection: WebSocketConnection) => WebSocketEvents,
): WebSocketConnection | undefined {
  const key = request.headers["sec-websocket-key"];
  if (request.headers.upgrade?.toLowerCase() !== "websocket" || key === undefined) {
    socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    return undefined;
  }
  const accept = createHash("sha1").update(key).update(GUID).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  const connection: WebSocketConnection = {
    send: (text) => {
      if (socket.writable) socket.write(frame(OPCODE.text, Buffer.from(text)));
    },
    close: (code, reason = "") => {
      if (!socket.writable) return;
      const status = Buffer.alloc(2);
      status.writeUInt16BE(code);
      socket.end(frame(OPCODE.close, Buffer.concat([status, Buffer.from(reason)])));
    },
  };
  const events = makeEvents(connection);
  const reader = new FrameReader(connection, socket, events);
  socket.on("data", (chunk: Buffer) => reader.push(chunk));
  socket.on("error", () => socket.destroy());
  // A client that was killed says no goodbye, and Node leaves our half of an upgraded socket open: a restart would wait for it for ever.
  socket.once("end", () => socket.end());
  socket.once("close", () => events.onClose?.());
  if (head.length > 0) reader.push(head);
  return connection;
}

/** Cuts the byte stream into frames and the frames into messages. */
class FrameReader {
  readonly #connection: WebSocketConnection;
  readonly #socket: Duplex;
  readonly #events: WebSocketEvents;
  #bytes: Buffer = Buffer.alloc(0);
  #message: Buffer[] = [];

  constructor(connection: WebSocketConnection, socket: Duplex, events: WebSocketEvents) {
    this.#connection = connection;
    this.#socket = socket;
    this.#events = events;
  }

  push(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    for (let next = parseFrame(this.#bytes); next !== undefined; next = parseFrame(this.#bytes)) {
      if (next === "invalid") {
        this.#connection.close(1002, "protocol error");
        return;
      }
      this.#bytes = this.#bytes.subarray(next.length);
      this.#take(next);
    }
  }

  #take(part: Frame): void {
    if (part.opcode === OPCODE.ping) this.#socket.write(frame(OPCODE.pong, part.payload));
    else if (part.opcode === OPCODE.close) this.#connection.close(1000);
    else if (part.opcode === OPCODE.text || part.opcode === OPCODE.continuation) {
      this.#message.push(part.payload);
      if (!part.final) return;
      const text = Buffer.concat(this.#message).toString("utf8");
      this.#message = [];
      this.#events.onMessage(text);
    }
  }
}

interface Frame {
  readonly final: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
  /** Bytes that the whole frame takes. */
  readonly length: number;
}

/** The first frame of `bytes`; undefined until all of it has arrived. A client must mask (RFC 6455 §5.1). */
function parseFrame(bytes: Buffer): Frame | "invalid" | undefined {
  if (bytes.length < 2) return undefined;
  const first = bytes.readUInt8(0);
  const second = bytes.readUInt8(1);
  if ((second & 0x80) === 0 || (first & 0x70) !== 0) return "invalid";
  const short = second & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const start = 2 + lengthBytes + 4;
  if (bytes.length < start) return undefined;
  const size = lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (size > MAX_MESSAGE_BYTES) return "invalid";
  if (bytes.length < start + size) return undefined;
  const mask = bytes.subarray(start - 4, start);
  const payload = Buffer.from(bytes.subarray(start, start + size));
  for (let index = 0; index < size; index += 1) payload[index] = (payload[index] ?? 0) ^ (mask[index % 4] ?? 0);
  return { final: (first & 0x80) !== 0, opcode: first & 0x0f, payload, length: start + size };
}

/** An unmasked, unfragmented frame, as servers send them. */
function frame(opcode: number, payload: Buffer): Buffer {
  const size = payload.length;
  const long = size > 0xffff;
  const header = Buffer.alloc(size < 126 ? 2 : long ? 10 : 4);
  header.writeUInt8(0x80 | opcode, 0);
  if (size < 126) header.writeUInt8(size, 1);
  else if (long) {
    header.writeUInt8(127, 1);
    header.writeBigUInt64BE(BigInt(size), 2);
  } else {
    header.writeUInt8(126, 1);
    header.writeUInt16BE(size, 2);
  }
  return Buffer.concat([header, payload]);
}
