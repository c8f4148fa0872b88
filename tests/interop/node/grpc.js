'use strict';
// A producer and a consumer of the Node client that speaks gRPC to a proxy: node grpc.js PROXY TOPIC COUNT GROUP.

const { Producer, SimpleConsumer } = require('rocketmq-client-nodejs');
const { Received } = require('./received');

const [ endpoints, topic, count, consumerGroup ] = process.argv.slice(2);
const requestTimeout = 30_000;
const received = new Received(Number(count));

async function main() {
  const producer = new Producer({ endpoints, namespace: '', requestTimeout, topics: [ topic ] });
  await producer.startup();
  for (let number = 0; number < received.count; number++) {
    const key = received.key(number);
    await producer.send({ topic, tag: 'tag', keys: [ key ], body: Buffer.from(`body of ${key}`) });
  }
  const consumer = new SimpleConsumer({
    consumerGroup, endpoints, namespace: '', requestTimeout, subscriptions: new Map([[ topic, '*' ]]), awaitDuration: 3000,
  });
  await consumer.startup();
  const end = Date.now() + 60_000;
  while (!received.complete && Date.now() < end) {
    for (const message of await receive(consumer)) {
      received.add(message.keys[0], message.body.toString());
      await consumer.ack(message);
    }
  }
  received.report(received.count);
}

// The first calls of a consumer may fail until the proxy has its settings.
async function receive(consumer) {
  try {
    return await consumer.receive(32);
  } catch (error) {
    console.error(`receive: ${error.message}`);
    await new Promise(resolve => setTimeout(resolve, 500));
    return [];
  }
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
