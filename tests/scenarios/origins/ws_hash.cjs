// npm ws as origin. /echo returns each message; /duplex sends its own stream while it receives the client's, and both
// sides tell the other the SHA-256 of what they sent and got. --deflate offers permessage-deflate.
'use strict';
const crypto = require('node:crypto');
const { WebSocketServer } = require('ws');
const { options, server, announce } = require('./serve.cjs');

const opts = options();
const srv = server(opts, (req, res) => res.end(`plain ${req.url}\n`));
const wss = new WebSocketServer({
  server: srv,
  maxPayload: 80 << 20,
  perMessageDeflate: opts.deflate ? { threshold: 0 } : false,
});

function echo(ws) {
  ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
}

function duplex(ws, query) {
  const count = Number(query.get('count'));
  const size = Number(query.get('size'));
  const got = crypto.createHash('sha256');
  const sent = crypto.createHash('sha256');
  let received = 0;
  const next = (i) => {
    if (i === count) return ws.send(JSON.stringify({ sent: sent.digest('hex') }));
    const data = crypto.randomBytes(size);
    sent.update(data);
    ws.send(data, (err) => err || next(i + 1));
  };
  next(0);
  ws.on('message', (data, isBinary) => {
    if (isBinary) {
      received += data.length;
      got.update(data);
    } else {
      const claim = JSON.parse(data);
      ws.send(JSON.stringify({ received, ok: claim.sent === got.digest('hex') }));
    }
  });
}

wss.on('connection', (ws, req) => {
  const url = new URL(req.url, 'http://origin');
  ws.on('error', (e) => console.error('session', e.message));
  (url.pathname === '/duplex' ? duplex : echo)(ws, url.searchParams);
});
announce(srv);
