// An application that works on while things happen around it, and counts what its user would see of them.

import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * {@code SteadyClient NAMESERVERS TOPIC}: sends a hundred messages a second and consumes them until it is told to stop (SIGTERM).
 *
 * <p>After every hundred messages it asks a NameServer for the topic's queues and prints {@code PROGRESS n} once all n messages
 * so far have arrived. At the end it prints {@code RESULT sent=… received=… errors=…}: an error is whatever is thrown at the
 * application.
 */
public final class SteadyClient {
    private static final int MESSAGES_PER_ROUND = 100;
    private static final int MILLIS_PER_MESSAGE = 10;
    private static final int CONSUME_SECONDS_MAX = 60;

    private final String topic;
    private final String run = Long.toHexString(System.nanoTime());
    private final Set<String> received = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean stopping = new AtomicBoolean();
    private int sent;
    private int errors;

    private SteadyClient(String topic) {
        this.topic = topic;
    }

    public static void main(String[] arguments) {
        int status = 0;
        try {
            new SteadyClient(arguments[1]).work(arguments[0]);
        } catch (Exception error) {
            error.printStackTrace();
            status = 1;
        }
        System.out.flush();
        Runtime.getRuntime().halt(status); // an orderly shutdown of the client takes seconds and proves nothing
    }

    private void work(String nameServers) throws Exception {
        stopWhenTold(Thread.currentThread());
        startConsumer(nameServers);
        DefaultMQProducer producer = startProducer(nameServers);
        while (!stopping.get()) {
            sendSome(producer);
            awaitAll();
            System.out.println("PROGRESS " + received.size());
        }
        System.out.printf("RESULT sent=%d received=%d errors=%d%n", sent, received.size(), errors);
    }

    private void stopWhenTold(Thread worker) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            stopping.set(true);
            try {
                worker.join();
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }));
    }

    private void startConsumer(String nameServers) throws MQClientException {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("consumer-" + run);
        consumer.setNamesrvAddr(nameServers);
        consumer.setPollNameServerInterval(1000);
        consumer.setHeartbeatBrokerInterval(1000);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            messages.stream().map(MessageExt::getKeys).filter(key -> key.startsWith(run + "-")).forEach(received::add);
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
    }

    private DefaultMQProducer startProducer(String nameServers) throws MQClientException {
        DefaultMQProducer producer = new DefaultMQProducer("producer-" + run);
        producer.setNamesrvAddr(nameServers);
        producer.setPollNameServerInterval(1000);
        producer.start();
        return producer;
    }

    /** A round of messages, and a question that only a NameServer can answer. What failed is counted and not tried again. */
    private void sendSome(DefaultMQProducer producer) throws InterruptedException {
        for (int number = 0; number < MESSAGES_PER_ROUND; number++) {
            String key = run + "-" + sent;
            attempt(() -> {
                Message message = new Message(topic, "tag", key, ("body of " + key).getBytes(StandardCharsets.UTF_8));
                if (producer.send(message).getSendStatus() != SendStatus.SEND_OK) {
                    throw new IllegalStateException("not stored");
                }
                sent++;
                return null;
            });
            Thread.sleep(MILLIS_PER_MESSAGE);
        }
        attempt(() -> producer.fetchPublishMessageQueues(topic));
    }

    private void attempt(Callable<?> action) {
        try {
            action.call();
        } catch (Exception error) {
            errors++;
            System.out.println("ERROR " + error);
        }
    }

    private void awaitAll() throws InterruptedException {
        long end = System.nanoTime() + CONSUME_SECONDS_MAX * 1_000_000_000L;
        while (received.size() < sent && System.nanoTime() < end) {
            Thread.sleep(MILLIS_PER_MESSAGE);
        }
    }
}
