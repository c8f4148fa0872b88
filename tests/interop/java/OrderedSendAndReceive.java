// A producer and a consumer of an ordered topic: messages of one order go to one queue and come from it one by one.

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * {@code OrderedSendAndReceive NAMESERVERS TOPIC COUNT}: sends COUNT messages, a tenth of them for each of ten orders, and
 * consumes them. With COUNT 0 it only looks at the queues.
 *
 * <p>Prints one line {@code RESULT sent=… received=… disordered=… queues=BROKER:QUEUE,…}. The queues are those that the
 * producer is given to send to, sorted; messages that arrive in the order in which they were sent are received, others are
 * disordered.
 */
public final class OrderedSendAndReceive {
    private static final int SEND_MILLIS_MAX = 30_000;
    private static final int CONSUME_SECONDS_MAX = 60;
    private static final int ORDERS = 10;

    private final String run = Long.toHexString(System.nanoTime());
    private final Map<String, Integer> lastNumbers = new ConcurrentHashMap<>();
    private final AtomicInteger received = new AtomicInteger();
    private final AtomicInteger disordered = new AtomicInteger();
    private final CountDownLatch missing;

    private OrderedSendAndReceive(int count) {
        missing = new CountDownLatch(count);
    }

    public static void main(String[] arguments) {
        int count = Integer.parseInt(arguments[2]);
        int status = 0;
        try {
            new OrderedSendAndReceive(count).exchange(arguments[0], arguments[1], count);
        } catch (Exception error) {
            error.printStackTrace();
            status = 1;
        }
        System.out.flush();
        Runtime.getRuntime().halt(status); // an orderly shutdown of the client takes seconds and proves nothing
    }

    private void exchange(String nameServers, String topic, int count) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("producer-" + run);
        producer.setNamesrvAddr(nameServers);
        producer.setSendMsgTimeout(SEND_MILLIS_MAX);
        producer.start();
        String queues = producer.fetchPublishMessageQueues(topic).stream()
            .map(queue -> queue.getBrokerName() + ":" + queue.getQueueId()).sorted().collect(Collectors.joining(","));
        int sent = send(producer, topic, count);
        if (count > 0) {
            startConsumer(nameServers, topic);
        }
        missing.await(CONSUME_SECONDS_MAX, TimeUnit.SECONDS);
        System.out.printf("RESULT sent=%d received=%d disordered=%d queues=%s%n", sent, received.get(), disordered.get(), queues);
    }

    /** Sends every message once; stops at the first that the broker does not store. */
    private int send(DefaultMQProducer producer, String topic, int count) throws Exception {
        for (int number = 0; number < count; number++) {
            int order = number % ORDERS;
            Message message = new Message(topic, "tag", run + "-" + order, Integer.toString(number).getBytes(StandardCharsets.UTF_8));
            SendStatus status = producer.send(message, (all, any, chosen) -> all.get((int) chosen % all.size()), order).getSendStatus();
            if (status != SendStatus.SEND_OK) {
                return number;
            }
        }
        return count;
    }

    private void startConsumer(String nameServers, String topic) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("consumer-" + run);
        consumer.setNamesrvAddr(nameServers);
        consumer.setHeartbeatBrokerInterval(1000); // a starting consumer may lose a heartbeat and repeats it only after 30 s
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
            messages.forEach(this::look);
            return ConsumeOrderlyStatus.SUCCESS;
        });
        consumer.start();
    }

    private void look(MessageExt message) {
        String order = message.getKeys();
        if (!order.startsWith(run + "-")) {
            return;
        }
        int number = Integer.parseInt(new String(message.getBody(), StandardCharsets.UTF_8));
        int expected = lastNumbers.getOrDefault(order, Integer.parseInt(order.substring(run.length() + 1)) - ORDERS) + ORDERS;
        if (number == expected) {
            lastNumbers.put(order, number);
            received.incrementAndGet();
            missing.countDown();
        } else if (number > expected) {
            disordered.incrementAndGet(); // a smaller one has only arrived again
        }
    }
}
