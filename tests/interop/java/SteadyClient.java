// An application that never pauses: what it notices while servers come and go.

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.exception.RemotingException;

/**
 * {@code SteadyClient NAMESERVERS TOPIC}: sends twenty messages a second to a topic that exists and consumes them, and asks a
 * NameServer for the route as often, as clients that start at that moment do. Ends when it is terminated.
 *
 * <p>Prints {@code STARTED} when the first message came back and {@code PROGRESS n} with each twentieth answer to a lookup, n
 * being how many messages have arrived; at the end {@code RESULT sent=… received=… …} and a line
 * {@code ERROR send|lookup KIND: COUNT} for each kind of error. The exit status is 0 when every message that was sent arrived.
 */
public final class SteadyClient {
    private static final long INTERVAL_NANOS = 50_000_000;
    private static final int PATIENCE_MILLIS = 30_000; // a busy machine is no error
    private static final int LOOKUPS_PER_LINE = 20;
    private static final long RECEIVE_NANOS_MAX = 240_000_000_000L;

    private final DefaultMQProducer producer;
    private final DefaultMQPushConsumer consumer;
    private final String topic;
    private final String run = Long.toHexString(System.nanoTime());
    private final Set<String> sent = ConcurrentHashMap.newKeySet();
    private final Set<String> received = ConcurrentHashMap.newKeySet();
    private final AtomicLong lookups = new AtomicLong();
    private final Map<String, AtomicLong> errors = new ConcurrentSkipListMap<>();
    private final Pause sending = new Pause();
    private final Pause receiving = new Pause();
    private final Pause lookingUp = new Pause();
    private volatile boolean ending;

    public static void main(String[] arguments) throws Exception {
        new SteadyClient(arguments[0], arguments[1]).work();
    }

    private SteadyClient(String nameServers, String topic) {
        this.topic = topic;
        producer = new DefaultMQProducer("producer-" + run);
        producer.setNamesrvAddr(nameServers);
        producer.setSendMsgTimeout(PATIENCE_MILLIS);
        producer.setMqClientApiTimeout(PATIENCE_MILLIS);
        consumer = new DefaultMQPushConsumer("consumer-" + run);
        consumer.setNamesrvAddr(nameServers);
        consumer.setHeartbeatBrokerInterval(1000); // a starting consumer may lose a heartbeat and repeats it only after 30 s
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            receive(messages);
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
    }

    private void work() throws Exception {
        consumer.subscribe(topic, "*");
        consumer.start();
        producer.start();
        Thread sender = new Thread(this::sendSteadily, "sender");
        Thread asker = new Thread(this::lookUpSteadily, "asker");
        sender.start();
        while (received.isEmpty()) {
            LockSupport.parkNanos(INTERVAL_NANOS);
        }
        asker.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> end(sender, asker)));
        System.out.println("STARTED");
    }

    private void sendSteadily() {
        for (int number = 0; !ending; number++) {
            String key = run + "-" + number;
            try {
                Message message = new Message(topic, "tag", key, ("body of " + key).getBytes(StandardCharsets.UTF_8));
                SendStatus status = producer.send(message).getSendStatus();
                if (status == SendStatus.SEND_OK) {
                    sent.add(key);
                    sending.over();
                } else {
                    count("send " + status);
                }
            } catch (Exception error) {
                count("send " + kind(error));
            }
            LockSupport.parkNanos(INTERVAL_NANOS);
        }
    }

    private void lookUpSteadily() {
        int answers = 0;
        for (; !ending; lookups.incrementAndGet()) {
            try {
                producer.fetchPublishMessageQueues(topic);
                lookingUp.over();
                if (++answers % LOOKUPS_PER_LINE == 0) {
                    System.out.println("PROGRESS " + received.size());
                }
            } catch (Exception error) {
                count("lookup " + kind(error));
            }
            LockSupport.parkNanos(INTERVAL_NANOS);
        }
    }

    private void receive(List<MessageExt> messages) {
        for (MessageExt message : messages) {
            String key = message.getKeys();
            if (key.startsWith(run + "-") && new String(message.getBody(), StandardCharsets.UTF_8).equals("body of " + key)) {
                received.add(key);
                receiving.over();
            }
        }
    }

    private void end(Thread... workers) {
        ending = true;
        long gaveUp = System.nanoTime() + RECEIVE_NANOS_MAX;
        for (Thread worker : workers) {
            join(worker);
        }
        while (!received.containsAll(sent) && System.nanoTime() < gaveUp) {
            LockSupport.parkNanos(INTERVAL_NANOS);
        }
        boolean complete = received.containsAll(sent);
        System.out.printf("RESULT sent=%d received=%d lookups=%d longest_pause_ms: send %d, receive %d, lookup %d%n", sent.size(),
            sent.stream().filter(received::contains).count(), lookups.get(), sending.longestMillis(), receiving.longestMillis(),
            lookingUp.longestMillis());
        errors.forEach((kind, count) -> System.out.println("ERROR " + kind + ": " + count));
        System.out.flush();
        Runtime.getRuntime().halt(complete ? 0 : 1);
    }

    private static void join(Thread worker) {
        try {
            worker.join();
        } catch (InterruptedException ignored) {
            Thread.currentThread().interrupt();
        }
    }

    private void count(String kind) {
        errors.computeIfAbsent(kind, ignored -> new AtomicLong()).incrementAndGet();
    }

    /**
     * The classes of an error and of its causes, with their response codes. That a server is gone is one kind: whether it shows when
     * a client connects, sends or waits is a matter of the moment.
     */
    private static String kind(Throwable error) {
        if (error instanceof RemotingException) {
            return "RemotingException";
        }
        String name = error.getClass().getSimpleName();
        if (error instanceof MQClientException) {
            name += " " + ((MQClientException) error).getResponseCode();
        } else if (error instanceof MQBrokerException) {
            name += " " + ((MQBrokerException) error).getResponseCode();
        }
        return error.getCause() == null ? name : name + " by " + kind(error.getCause());
    }

    /** The longest time between two successes. */
    private static final class Pause {
        private long last = System.nanoTime();
        private long longest;

        synchronized void over() {
            long now = System.nanoTime();
            longest = Math.max(longest, now - last);
            last = now;
        }

        synchronized long longestMillis() {
            return longest / 1_000_000;
        }
    }
}
