// graphql-ws as origin: a query, a subscription that counts, and a mutation that feeds another subscription.
'use strict';
const { EventEmitter, on } = require('node:events');
const { WebSocketServer } = require('ws');
const { useServer } = require('graphql-ws/lib/use/ws');
const { buildSchema } = require('graphql');
const { options, server, announce } = require('./serve.cjs');

const bus = new EventEmitter();
const schema = buildSchema(`
  type Query { hello(name: String!): String! }
  type Mutation { say(text: String!): Boolean! }
  type Subscription { count(to: Int!): Int! said: String! }
`);
const roots = {
  query: { hello: ({ name }) => `hello ${name}` },
  mutation: { say: ({ text }) => bus.emit('said', text) },
  subscription: {
    count: async function* ({ to }) {
      for (let i = 1; i <= to; i++) yield { count: i };
    },
    said: async function* () {
      for await (const [said] of on(bus, 'said')) yield { said };
    },
  },
};
const srv = server(options(), (req, res) => res.writeHead(404).end());
useServer({ schema, roots }, new WebSocketServer({ server: srv, path: '/graphql' }));
announce(srv);
