'use strict';
// The origin of the live-comments example: serves the page of public/ and, on /comments, the WebSocket that everybody's
// comments go through. Keeps the last 50 for those who come later. Whatever a client sends, the others do not suffer.
//
//   node origin.js [--host=127.0.0.1] [--port=9001]
//
// Messages are JSON texts. Client: {type: "comment", name, text, ref?}. Origin: {type: "welcome", you, online, history},
// {type: "comment", id, name, text, hue, at, ref?} (ref to its author alone), {type: "online", count},
// {type: "problem", code, text}.

const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { WebSocketServer, WebSocket } = require('ws');

const LIMITS = {
  history: 50,
  messageBytes: 4096,
  nameLength: 24,
  textLength: 140,
  burst: 6, // comments at once …
  perSecond: 1.5, // … and in the long run
  warnings: 20, // after so many refused in a row the session ends
  unsentBytes: 1 << 20, // a reader this far behind misses comments rather than costing memory
  pingInterval: 25_000, // below the edge's idle timeout of 60 s
};

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8' };

// The page's files, read once: a request can name these and nothing else.
function loadPages(folder) {
  const pages = new Map();
  for (const name of fs.readdirSync(folder)) {
    const body = fs.readFileSync(path.join(folder, name));
    const etag = `"${crypto.createHash('sha256').update(body).digest('base64url').slice(0, 16)}"`;
    const page = { body, etag, type: TYPES[path.extname(name)] ?? 'application/octet-stream' };
    pages.set(`/${name}`, page);
    if (name === 'index.html') pages.set('/', page);
  }
  return pages;
}

function servePage(pages, req, res) {
  const { pathname } = new URL(req.url, 'http://origin');
  const send = (status, headers, body) => {
    res.writeHead(status, { 'x-content-type-options': 'nosniff', ...headers, 'content-length': Buffer.byteLength(body) });
    res.end(req.method === 'HEAD' ? undefined : body);
  };
  const plain = { 'content-type': 'text/plain; charset=utf-8' };
  if (req.method !== 'GET' && req.method !== 'HEAD') return send(405, { ...plain, allow: 'GET, HEAD' }, 'GET or HEAD\n');
  if (pathname === '/healthz') return send(200, plain, 'ok\n');
  const page = pages.get(pathname);
  if (!page) return send(404, plain, 'no such page\n');
  const headers = {
    'content-type': page.type,
    etag: page.etag,
    'cache-control': 'no-cache',
    'content-security-policy': "default-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:; base-uri 'none'; frame-ancestors 'none'",
  };
  if (req.headers['if-none-match'] === page.etag) {
    res.writeHead(304, headers);
    return res.end();
  }
  return send(200, headers, page.body);
}

// Text for one line on a screen: no control or invisible direction characters, no runs of spaces, at most `length` characters
// as a reader counts them.
function oneLine(value, length) {
  if (typeof value !== 'string') return '';
  const clean = value.normalize('NFC').replace(/[\p{Cc}\p{Co}\p{Cn}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, ' ');
  return [...clean.replace(/\s+/g, ' ').trim()].slice(0, length).join('');
}

// A colour that a name keeps.
const hueOf = (name) => crypto.createHash('sha256').update(name).digest().readUInt16BE(0) % 360;

class Bucket {
  constructor() {
    this.tokens = LIMITS.burst;
    this.at = Date.now();
  }
  take() {
    const now = Date.now();
    this.tokens = Math.min(LIMITS.burst, this.tokens + ((now - this.at) / 1000) * LIMITS.perSecond);
    this.at = now;
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }
}

class Comments {
  constructor(server) {
    this.history = [];
    this.next = 1;
    this.told = 0; // the count everybody knows
    this.wss = new WebSocketServer({ noServer: true, maxPayload: LIMITS.messageBytes, clientTracking: true });
    server.on('upgrade', (req, socket, head) => {
      socket.on('error', () => {});
      if (new URL(req.url, 'http://origin').pathname !== '/comments') {
        return socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      }
      return this.wss.handleUpgrade(req, socket, head, (ws) => this.join(ws));
    });
    this.beat = setInterval(() => this.checkPulse(), LIMITS.pingInterval);
    this.beat.unref();
  }

  join(ws) {
    ws.who = crypto.randomUUID();
    ws.bucket = new Bucket();
    ws.refused = 0;
    ws.alive = true;
    ws.on('pong', () => (ws.alive = true));
    ws.on('error', () => {}); // ws has sent the right Close already (1002, 1007, 1009)
    ws.on('close', () => this.presence());
    ws.on('message', (data, isBinary) => this.heard(ws, data, isBinary));
    this.send(ws, { type: 'welcome', you: ws.who, online: this.wss.clients.size, history: this.history });
    this.presence();
  }

  heard(ws, data, isBinary) {
    if (isBinary) return ws.close(1003, 'comments are text');
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return this.refuse(ws, 'not_json', 'That was not JSON.');
    }
    if (message?.type !== 'comment') return this.refuse(ws, 'unknown_type', 'Only comments are understood here.');
    const text = oneLine(message.text, LIMITS.textLength);
    if (!text) return this.refuse(ws, 'empty', 'An empty comment does not fly.');
    if (!ws.bucket.take()) return this.refuse(ws, 'too_fast', 'Easy! A few comments at a time.');
    ws.refused = 0;
    const name = oneLine(message.name, LIMITS.nameLength) || 'a sailor';
    const comment = { type: 'comment', id: this.next++, name, text, hue: hueOf(name), at: Date.now() };
    this.history.push(comment);
    if (this.history.length > LIMITS.history) this.history.shift();
    const everybody = JSON.stringify(comment);
    for (const client of this.wss.clients) {
      if (client === ws && typeof message.ref === 'number') this.send(ws, { ...comment, ref: message.ref });
      else this.sendText(client, everybody);
    }
  }

  refuse(ws, code, text) {
    ws.refused += 1;
    if (ws.refused > LIMITS.warnings) return ws.close(1008, 'too many messages that could not be taken');
    return this.send(ws, { type: 'problem', code, text });
  }

  // Tells the count, at most four times a second however many come and go.
  presence() {
    if (this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      const count = this.wss.clients.size;
      if (count === this.told) return;
      this.told = count;
      const text = JSON.stringify({ type: 'online', count });
      for (const client of this.wss.clients) this.sendText(client, text);
    }, 250);
    this.timer.unref();
  }

  send(ws, message) {
    this.sendText(ws, JSON.stringify(message));
  }

  sendText(ws, text) {
    if (ws.readyState === WebSocket.OPEN && ws.bufferedAmount < LIMITS.unsentBytes) ws.send(text);
  }

  checkPulse() {
    for (const ws of this.wss.clients) {
      if (!ws.alive) ws.terminate();
      else {
        ws.alive = false;
        ws.ping();
      }
    }
  }

  close() {
    clearInterval(this.beat);
    for (const ws of this.wss.clients) ws.close(1001, 'the origin is going away');
  }
}

// An HTTP server, not yet listening, with `comments` beside it.
function createOrigin() {
  const pages = loadPages(path.join(__dirname, 'public'));
  const server = http.createServer((req, res) => servePage(pages, req, res));
  server.on('clientError', (error, socket) => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'));
  return { server, comments: new Comments(server) };
}

function main() {
  const options = { host: '127.0.0.1', port: '9001' };
  for (const word of process.argv.slice(2)) {
    const match = /^--(host|port)=(.+)$/.exec(word);
    if (!match) {
      console.error(`unknown: ${word}\nusage: node origin.js [--host=127.0.0.1] [--port=9001]`);
      process.exit(2);
    }
    options[match[1]] = match[2];
  }
  const { server, comments } = createOrigin();
  server.on('error', (error) => {
    console.error(`origin: ${error.message}`);
    process.exit(1);
  });
  server.listen(Number(options.port), options.host, () => {
    const { address, port } = server.address();
    console.log(`origin: http://${address}:${port}/ and ws://${address}:${port}/comments`);
  });
  const stop = () => {
    comments.close();
    server.close(() => process.exit(0));
    server.closeIdleConnections();
    setTimeout(() => process.exit(0), 2000).unref();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

module.exports = { createOrigin, LIMITS };
if (require.main === module) main();
