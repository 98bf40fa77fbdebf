// y-websocket's server as origin.
'use strict';
const { WebSocketServer } = require('ws');
const { setupWSConnection } = require('y-websocket/bin/utils');
const { options, server, announce } = require('./serve.cjs');

const srv = server(options(), (req, res) => res.end('yjs\n'));
const wss = new WebSocketServer({ server: srv });
wss.on('connection', (ws, req) => setupWSConnection(ws, req));
announce(srv);
