// socket.io as origin: says its name to whoever connects and over which transport, echoes with acknowledgement.
'use strict';
const { Server } = require('socket.io');
const { options, server, announce } = require('./serve.cjs');

const opts = options();
const srv = server(opts, (req, res) => res.writeHead(404).end());
const io = new Server(srv, { pingInterval: 2000, maxHttpBufferSize: 4e6 });
io.on('connection', (socket) => {
  socket.emit('hello', { name: opts.name, transport: socket.conn.transport.name });
  socket.conn.on('upgrade', (transport) => socket.emit('upgraded', { name: opts.name, transport: transport.name }));
  socket.on('echo', (value, done) => done({ name: opts.name, transport: socket.conn.transport.name, value }));
  socket.on('room', (room, done) => {
    socket.join(room);
    done();
  });
  socket.on('say', (room, text) => io.to(room).emit('said', text));
});
announce(srv);
