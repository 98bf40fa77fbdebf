// One origin by HTTP and by HTTPS, npm ws: tells each client by which of the two it was reached, then returns what it says.
//   both_schemes.cjs --cert=FILE --key=FILE
'use strict';
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const { WebSocketServer } = require('ws');
const { options, endWithParent } = require('./serve.cjs');

const { cert, key } = options();
const servers = { http: http.createServer(), https: https.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) }) };

const listening = Object.entries(servers).map(([scheme, server]) => {
  server.on('request', (_, answer) => answer.end(`${scheme}\n`));
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (ws) => {
    ws.on('error', (e) => console.error('session', e.message));
    ws.send(scheme);
    ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
});
Promise.all(listening).then(() => console.log(JSON.stringify({ port: servers.http.address().port, https_port: servers.https.address().port })));
endWithParent();
