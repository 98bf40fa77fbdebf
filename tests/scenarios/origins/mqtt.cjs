// An MQTT broker (aedes) behind WebSocket, subprotocol mqtt.
'use strict';
const aedes = require('aedes')();
const { WebSocketServer, createWebSocketStream } = require('ws');
const { options, server, announce } = require('./serve.cjs');

const srv = server(options(), (req, res) => res.writeHead(426).end());
const wss = new WebSocketServer({ server: srv, handleProtocols: (offered) => (offered.has('mqtt') ? 'mqtt' : false) });
wss.on('connection', (ws, req) => {
  const stream = createWebSocketStream(ws);
  stream.on('error', () => {});
  aedes.handle(stream, req);
});
announce(srv);
