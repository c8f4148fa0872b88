"""A producer and a consumer of the Python client that speaks gRPC to a proxy: grpc_client.py PROXY TOPIC COUNT GROUP.

Like its siblings in other languages it sends COUNT different messages, consumes them and prints one line "RESULT sent=… received=… again=…".
"""
import os
import sys
import time

from rocketmq import ClientConfiguration, Credentials, Message, Producer, SimpleConsumer

RECEIVE_SECONDS_MAX = 60


def main(proxy, topic, count, group):
    run = format(time.time_ns(), "x")
    configuration = ClientConfiguration(proxy, Credentials(), request_timeout=30)
    send(configuration, topic, run, count)
    received, again = receive(configuration, topic, run, count, group)
    print(f"RESULT sent={count} received={len(received)} again={again}", flush=True)
    os._exit(0)  # an orderly shutdown of the client proves nothing


def send(configuration, topic, run, count):
    """Sends every message once; the client raises when one is not stored."""
    producer = Producer(configuration, (topic,))
    producer.startup()
    for number in range(count):
        message = Message()
        message.topic = topic
        message.tag = "tag"
        message.keys = f"{run}-{number}"
        message.body = f"body of {run}-{number}".encode()
        producer.send(message)


def receive(configuration, topic, run, count, group):
    """The keys of this run that arrive, and how many messages arrived again."""
    received, again = set(), 0
    consumer = SimpleConsumer(configuration, group, await_duration=3)
    consumer.startup()
    consumer.subscribe(topic)
    end = time.monotonic() + RECEIVE_SECONDS_MAX
    while len(received) < count and time.monotonic() < end:
        for message in receive_some(consumer):
            consumer.ack(message)
            key = next(iter(message.keys))
            if not key.startswith(f"{run}-") or message.body.decode() != f"body of {key}":
                continue
            again += key in received
            received.add(key)
    return received, again


def receive_some(consumer):
    """The first calls of a consumer may fail until the proxy has its settings."""
    try:
        return consumer.receive(32, 15) or []
    except Exception as error:
        print(f"receive: {error}", flush=True)
        time.sleep(0.5)
        return []


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
