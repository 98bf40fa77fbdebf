// What the Node origins share: an HTTP or HTTPS server on a port of the kernel's choice, told as JSON on the first line
// of output; ends when standard input closes.
'use strict';
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');

function options(argv = process.argv.slice(2)) {
  const found = {};
  for (const word of argv) {
    const match = /^--([\w-]+)(?:=(.*))?$/.exec(word);
    if (!match) throw new Error(`not an option: ${word}`);
    found[match[1]] = match[2] ?? true;
  }
  return found;
}

function server(opts, handler) {
  return opts.cert
    ? https.createServer({ cert: fs.readFileSync(opts.cert), key: fs.readFileSync(opts.key) }, handler)
    : http.createServer(handler);
}

function announce(srv, more = {}, port = 0) {
  srv.listen(port, '127.0.0.1', () => console.log(JSON.stringify({ port: srv.address().port, ...more })));
  endWithParent();
}

function endWithParent() {
  process.stdin.resume();
  process.stdin.on('end', () => process.exit(0));
  process.stdin.on('error', () => process.exit(0));
}

module.exports = { options, server, announce, endWithParent };
