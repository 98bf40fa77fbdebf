// Loaded before every Node script of the scenarios: names below .test are 127.0.0.1, as harness/names.py has it.
'use strict';
const dns = require('node:dns');
const lookup = dns.lookup;
dns.lookup = function (host, options, callback) {
  return lookup.call(dns, String(host).endsWith('.test') ? '127.0.0.1' : host, options, callback);
};
