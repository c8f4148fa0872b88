// A consumer that takes its time, so that something can happen to its broker meanwhile.

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * {@code SlowConsumer NAMESERVERS TOPIC}: consumes a topic from its beginning, some hundred messages a second, and prints
 * {@code RECEIVED n} whenever it has n different messages, n a multiple of 100. It holds few messages that are not consumed
 * yet, asks for routes every second, and never ends.
 */
public final class SlowConsumer {
    private static final int MILLIS_PER_MESSAGE = 10;

    public static void main(String[] arguments) throws Exception {
        Set<String> received = ConcurrentHashMap.newKeySet();
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("slow-consumer");
        consumer.setNamesrvAddr(arguments[0]);
        consumer.setPollNameServerInterval(1000);
        consumer.setHeartbeatBrokerInterval(1000);
        consumer.setPullThresholdForQueue(10);
        consumer.setPullBatchSize(10);
        consumer.setConsumeThreadMin(1);
        consumer.setConsumeThreadMax(1);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(arguments[1], "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                if (received.add(message.getKeys()) && received.size() % 100 == 0) {
                    System.out.println("RECEIVED " + received.size());
                }
                sleep();
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        Thread.currentThread().join();
    }

    private static void sleep() {
        try {
            Thread.sleep(MILLIS_PER_MESSAGE);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
