'use strict';
// A producer and a consumer of a Node client that speaks remoting: node remoting.js PACKAGE NAMESERVERS TOPIC COUNT.
// SIGNER=USER:SECRET is what it signs with; a key that nobody knows otherwise, because `ali-ons` cannot do without.

const { Received } = require('./received');

const [ packageName, nameservers, topic, count ] = process.argv.slice(2);
const { Producer, Consumer, Message } = require(packageName);
const co = require('co');
const received = new Received(Number(count));
const [ accessKeyId, accessKeySecret ] = (process.env.SIGNER || 'none:none').split(':');

// The older package wants generators where the newer one wants promises; co takes both.
const packages = {
  'ali-ons': {
    options: { nameSrv: nameservers.split(';') },
    handler: async message => receive(message),
  },
  rocketmq: {
    options: { namesrvAddr: nameservers },
    handler: function* (message) { receive(message); },
  },
};
const { options, handler } = packages[packageName];
Object.assign(options, {
  httpclient: { request() { throw new Error('no name server may be looked up over HTTP'); } },
  sendMsgTimeout: 30_000,
  accessKeyId,
  accessKeySecret,
  logger: { debug() {}, info() {}, warn: console.warn, error: console.error },
});

function receive(message) {
  received.add([].concat(message.keys || message.properties.KEYS)[0], message.body.toString());
}

async function main() {
  const producer = new Producer({ producerGroup: `producer-${received.run}`, ...options });
  await producer.ready();
  for (let number = 0; number < received.count; number++) {
    const message = new Message(topic, 'tag', `body of ${received.key(number)}`);
    message.keys = [ received.key(number) ];
    const { sendStatus } = await co(producer.send(message));
    if (sendStatus !== 'SEND_OK') throw new Error(`${received.key(number)}: ${sendStatus}`);
  }
  const consumer = new Consumer({ consumerGroup: `consumer-${received.run}`, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', ...options });
  consumer.subscribe(topic, '*', handler);
  const end = Date.now() + 60_000;
  while (!received.complete && Date.now() < end) await new Promise(resolve => setTimeout(resolve, 20));
  received.report(received.count);
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
