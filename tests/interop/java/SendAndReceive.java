// A producer and a consumer as an application would write them.

import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.apache.rocketmq.acl.common.AclClientRPCHook;
import org.apache.rocketmq.acl.common.SessionCredentials;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.RPCHook;

/**
 * {@code SendAndReceive NAMESERVER TOPIC COUNT}: sends COUNT different messages to a topic that exists and consumes them.
 * With {@code -Dsigner=USER:SECRET} it signs every request. With {@code -Dorders=N} the messages belong to N orders in turn:
 * those of one order go to one queue and are consumed one by one. With COUNT 0 it then only looks at the queues.
 *
 * <p>Prints one line {@code RESULT sent=… received=… again=… …}; whoever reads it decides whether that is enough. With orders it
 * ends with {@code disordered=… queues=BROKER:QUEUE,…}: messages that arrive before the one that was sent before them are
 * disordered and not received, and the queues are those that the producer is given to send to, sorted.
 */
public final class SendAndReceive {
    private static final int SEND_MILLIS_MAX = 30_000;
    private static final int CONSUME_SECONDS_MAX = 60;
    private static final int ORDERS = Integer.getInteger("orders", 0);

    private final String prefix = Long.toHexString(System.nanoTime()) + "-"; // of the keys of this run
    private final Set<String> received = ConcurrentHashMap.newKeySet();
    private final AtomicInteger receivedAgain = new AtomicInteger();
    private final AtomicInteger disordered = new AtomicInteger();
    private final CountDownLatch missing;

    private SendAndReceive(int count) {
        missing = new CountDownLatch(count);
    }

    public static void main(String[] arguments) {
        int count = Integer.parseInt(arguments[2]);
        int status = 0;
        try {
            new SendAndReceive(count).exchange(arguments[0], arguments[1], count);
        } catch (Exception error) {
            error.printStackTrace();
            status = 1;
        }
        System.out.flush();
        Runtime.getRuntime().halt(status); // an orderly shutdown of the client takes seconds and proves nothing
    }

    private void exchange(String nameServer, String topic, int count) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("consumer-" + prefix, signer(),
            new AllocateMessageQueueAveragely());
        consumer.setNamesrvAddr(nameServer);
        consumer.setHeartbeatBrokerInterval(1000); // a starting consumer may lose a heartbeat and repeats it only after 30 s
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        listen(consumer);
        DefaultMQProducer producer = new DefaultMQProducer("producer-" + prefix, signer());
        producer.setNamesrvAddr(nameServer);
        producer.setSendMsgTimeout(SEND_MILLIS_MAX);

        long started = System.nanoTime();
        if (count > 0) {
            consumer.start();
        }
        producer.start();
        int sent = send(producer, topic, count);
        long sentAll = System.nanoTime();
        missing.await(CONSUME_SECONDS_MAX, TimeUnit.SECONDS);
        long receivedAll = System.nanoTime();

        System.out.printf("RESULT sent=%d received=%d again=%d send_ms=%d receive_ms=%d%s%n", sent, received.size(),
            receivedAgain.get(), (sentAll - started) / 1_000_000, (receivedAll - sentAll) / 1_000_000,
            ORDERS == 0 ? "" : " disordered=" + disordered + " queues=" + queues(producer, topic));
    }

    /** What signs requests, or null if nothing does. */
    private static RPCHook signer() {
        String[] pair = System.getProperty("signer", "").split(":", 2);
        return pair.length < 2 ? null : new AclClientRPCHook(new SessionCredentials(pair[0], pair[1]));
    }

    private void listen(DefaultMQPushConsumer consumer) {
        if (ORDERS == 0) {
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                messages.forEach(this::look);
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
        } else {
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                messages.forEach(this::look);
                return ConsumeOrderlyStatus.SUCCESS;
            });
        }
    }

    /** Sends every message once; stops at the first that the broker does not store. */
    private int send(DefaultMQProducer producer, String topic, int count) throws Exception {
        for (int number = 0; number < count; number++) {
            String key = prefix + number;
            Message message = new Message(topic, "tag", key, ("body of " + key).getBytes(StandardCharsets.UTF_8));
            SendResult result = ORDERS == 0 ? producer.send(message)
                : producer.send(message, (all, any, order) -> all.get((int) order % all.size()), number % ORDERS);
            if (result.getSendStatus() != SendStatus.SEND_OK) {
                return number;
            }
        }
        return count;
    }

    /** Counts the messages of this run, each once. */
    private void look(MessageExt message) {
        String key = message.getKeys();
        if (!key.startsWith(prefix) || !new String(message.getBody(), StandardCharsets.UTF_8).equals("body of " + key)) {
            return;
        }
        int before = Integer.parseInt(key.substring(prefix.length())) - ORDERS; // the number of the one before in its order
        if (ORDERS > 0 && before >= 0 && !received.contains(prefix + before)) {
            disordered.incrementAndGet();
        } else if (received.add(key)) {
            missing.countDown();
        } else {
            receivedAgain.incrementAndGet();
        }
    }

    private static String queues(DefaultMQProducer producer, String topic) throws Exception {
        return producer.fetchPublishMessageQueues(topic).stream()
            .map(queue -> queue.getBrokerName() + ":" + queue.getQueueId()).sorted().collect(Collectors.joining(","));
    }
}
