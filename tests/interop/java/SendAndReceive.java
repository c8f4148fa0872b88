// A producer and a consumer as an application would write them.

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.acl.common.AclClientRPCHook;
import org.apache.rocketmq.acl.common.SessionCredentials;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.RPCHook;

/**
 * {@code SendAndReceive NAMESERVER TOPIC COUNT}: sends COUNT different messages to a topic that exists and consumes them.
 * With {@code -Dsigner=USER:SECRET} it signs every request.
 *
 * <p>Prints one line {@code RESULT sent=… received=… again=… …}; whoever reads it decides whether that is enough.
 */
public final class SendAndReceive {
    private static final int SEND_MILLIS_MAX = 30_000;
    private static final int CONSUME_SECONDS_MAX = 60;

    public static void main(String[] arguments) {
        int status = 0;
        try {
            exchange(arguments[0], arguments[1], Integer.parseInt(arguments[2]));
        } catch (Exception error) {
            error.printStackTrace();
            status = 1;
        }
        System.out.flush();
        Runtime.getRuntime().halt(status); // an orderly shutdown of the client takes seconds and proves nothing
    }

    private static void exchange(String nameServer, String topic, int count) throws Exception {
        String run = Long.toHexString(System.nanoTime());

        Set<String> received = ConcurrentHashMap.newKeySet();
        AtomicInteger receivedAgain = new AtomicInteger();
        CountDownLatch missing = new CountDownLatch(count);
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("consumer-" + run, signer(),
            new AllocateMessageQueueAveragely());
        consumer.setNamesrvAddr(nameServer);
        consumer.setHeartbeatBrokerInterval(1000); // a starting consumer may lose a heartbeat and repeats it only after 30 s
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            count(messages, run, received, receivedAgain, missing);
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        DefaultMQProducer producer = new DefaultMQProducer("producer-" + run, signer());
        producer.setNamesrvAddr(nameServer);
        producer.setSendMsgTimeout(SEND_MILLIS_MAX);

        long started = System.nanoTime();
        consumer.start();
        producer.start();
        int sent = send(producer, topic, run, count);
        long sentAll = System.nanoTime();
        missing.await(CONSUME_SECONDS_MAX, TimeUnit.SECONDS);
        long receivedAll = System.nanoTime();

        System.out.printf("RESULT sent=%d received=%d again=%d send_ms=%d receive_ms=%d%n", sent, received.size(),
            receivedAgain.get(), (sentAll - started) / 1_000_000, (receivedAll - sentAll) / 1_000_000);
    }

    /** What signs requests, or null if nothing does. */
    private static RPCHook signer() {
        String[] pair = System.getProperty("signer", "").split(":", 2);
        return pair.length < 2 ? null : new AclClientRPCHook(new SessionCredentials(pair[0], pair[1]));
    }

    /** Sends every message once; stops at the first that the broker does not store. */
    private static int send(DefaultMQProducer producer, String topic, String run, int count) throws Exception {
        for (int number = 0; number < count; number++) {
            String key = run + "-" + number;
            Message message = new Message(topic, "tag", key, ("body of " + key).getBytes(StandardCharsets.UTF_8));
            if (producer.send(message).getSendStatus() != SendStatus.SEND_OK) {
                return number;
            }
        }
        return count;
    }

    /** Counts the messages of this run, each once. */
    private static void count(List<MessageExt> messages, String run, Set<String> received, AtomicInteger receivedAgain,
        CountDownLatch missing) {
        for (MessageExt message : messages) {
            String key = message.getKeys();
            if (!key.startsWith(run + "-") || !new String(message.getBody(), StandardCharsets.UTF_8).equals("body of " + key)) {
                continue;
            }
            if (received.add(key)) {
                missing.countDown();
            } else {
                receivedAgain.incrementAndGet();
            }
        }
    }
}
