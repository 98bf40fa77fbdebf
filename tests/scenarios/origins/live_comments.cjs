// The origin of examples/live-comments, on a port of the kernel's choice.
'use strict';
const path = require('node:path');
const { createOrigin } = require(path.join(__dirname, '../../../examples/live-comments/origin.js'));
const { announce } = require('./serve.cjs');

announce(createOrigin().server);
