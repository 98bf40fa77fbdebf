// Loaded before a Node script, takes its WebSockets over HTTP/2 (RFC 8441): opening handshakes of the package ws become
// extended CONNECT on a connection that all of them share, as a browser's do; ws itself is as it was, and still chooses
// extensions and subprotocols. wss: by ALPN, ws: by prior knowledge. Other requests stay HTTP/1.1.
'use strict';
const crypto = require('node:crypto');
const { EventEmitter } = require('node:events');
const http = require('node:http');
const http2 = require('node:http2');
const https = require('node:https');

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // RFC 6455 section 1.3
const ofHttp1 = /^(?:connection|upgrade|sec-websocket-key|host)$/i;
const connections = new Map(); // "https://host:port" -> the one that has room

// A connection with room for one more stream. `used` counts streams that were asked for and are not over.
function connectionTo(origin) {
  const have = connections.get(origin);
  if (have && !have.closed && !have.destroyed && !have.leaving && have.used < have.room) return have;
  const made = http2.connect(origin, { settings: { enablePush: false, initialWindowSize: 1 << 20 } });
  made.used = 0;
  made.room = Infinity;
  made.leaving = false;
  made.ready = new Promise((resolve, reject) => {
    made.once('remoteSettings', (settings) => {
      made.room = settings.maxConcurrentStreams;
      if (settings.enableConnectProtocol) resolve();
      else reject(new Error('SETTINGS_ENABLE_CONNECT_PROTOCOL is not 1'));
    });
    made.once('error', reject);
    made.once('close', () => reject(new Error('closed')));
  });
  made.ready.catch(() => {});
  made.on('connect', () => made.setLocalWindowSize(1 << 24));
  made.on('goaway', () => (made.leaving = true));
  made.on('error', () => {}); // its streams say so, too
  connections.set(origin, made);
  return made;
}

// What ws takes for the http.ClientRequest of its opening handshake.
class Handshake extends EventEmitter {
  constructor(scheme, options) {
    super();
    this.origin = `${scheme}://${options.host}:${options.port}`;
    this.options = options;
    this.key = options.headers['Sec-WebSocket-Key'];
  }

  setHeader() {}

  end() {
    this.open().catch((e) => this.aborted || this.emit('error', e));
  }

  async open() {
    let connection;
    do {
      connection = connectionTo(this.origin);
      await connection.ready; // then it is known how many streams it takes; others may have been quicker
    } while (connection.used >= connection.room);
    const { host, port, path, headers } = this.options;
    const asked = { ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': new URL(this.origin).protocol.slice(0, -1),
      ':path': path, ':authority': headers.Host ?? `${host}:${port}` };
    for (const [name, value] of Object.entries(headers))
      if (!ofHttp1.test(name) && value !== undefined) asked[name.toLowerCase()] = value;
    const stream = connection.request(asked);
    this.stream = stream;
    connection.used++;
    stream.once('close', () => connection.used--);
    stream.on('error', (e) => this.answered || this.emit('error', e));
    stream.once('response', (answer) => {
      this.answered = true;
      if (answer[':status'] !== 200) return this.emit('response', { statusCode: answer[':status'], headers: answer });
      const accept = crypto.createHash('sha1').update(this.key + GUID).digest('base64');
      this.emit('upgrade', { statusCode: 200, headers: { ...answer, upgrade: 'websocket', 'sec-websocket-accept': accept } },
        stream, Buffer.alloc(0));
    });
    stream.once('close', () => this.answered || this.emit('error', new Error(`reset by ${stream.rstCode}`)));
  }

  abort() {
    this.aborted = true;
    if (this.stream) this.stream.close(http2.constants.NGHTTP2_CANCEL);
  }

  destroy() {
    this.abort();
  }
}

for (const [module, scheme] of [[http, 'http'], [https, 'https']]) {
  const request = module.request;
  module.request = function (options, ...rest) {
    const handshake = /^websocket$/i.test(options?.headers?.Upgrade ?? '');
    return handshake ? new Handshake(scheme, options) : request.call(this, options, ...rest);
  };
}
