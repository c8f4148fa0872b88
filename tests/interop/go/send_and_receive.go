// A producer and a consumer of the Go client: send_and_receive NAMESERVERS TOPIC COUNT. It signs what it asks the
// NameServer when SIGNER is USER:SECRET, and goes over TLS when TLS is true and the client can do it.
//
// Like its siblings in other languages it sends COUNT different messages, consumes them and prints one line "RESULT sent=… received=… again=…".
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

const (
	sendSecondsMax    = 30
	receiveSecondsMax = 60
)

// received counts the messages of this run, each once.
type received struct {
	run      string
	lock     sync.Mutex
	keys     map[string]bool
	again    int
	missing  int
	complete chan struct{}
}

func main() {
	nameservers, topic := strings.Split(os.Args[1], ";"), os.Args[2]
	count, err := strconv.Atoi(os.Args[3])
	check("COUNT", err)
	run := strconv.FormatInt(time.Now().UnixNano(), 36)
	rlog.SetLogLevel("warn")

	received := &received{run: run, keys: map[string]bool{}, missing: count, complete: make(chan struct{})}
	startConsumer(nameservers, topic, received)
	sent := send(nameservers, topic, run, count)
	select {
	case <-received.complete:
	case <-time.After(receiveSecondsMax * time.Second):
	}
	received.lock.Lock()
	fmt.Printf("RESULT sent=%d received=%d again=%d\n", sent, len(received.keys), received.again)
	os.Exit(0) // an orderly shutdown of the client proves nothing
}

// signer is empty when nothing is to be signed, which is the client's default.
func signer() primitive.Credentials {
	user, secret, _ := strings.Cut(os.Getenv("SIGNER"), ":")
	return primitive.Credentials{AccessKey: user, SecretKey: secret}
}

func startConsumer(nameservers []string, topic string, received *received) {
	client, err := rocketmq.NewPushConsumer(append(consumerOptions(),
		consumer.WithNameServer(nameservers),
		consumer.WithCredentials(signer()),
		consumer.WithGroupName("consumer-"+received.run),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset))...)
	check("consumer", err)
	check("subscribe", client.Subscribe(topic, consumer.MessageSelector{}, received.consume))
	check("consumer", client.Start())
}

func send(nameservers []string, topic, run string, count int) (sent int) {
	client, err := rocketmq.NewProducer(append(producerOptions(),
		producer.WithNameServer(nameservers),
		producer.WithCredentials(signer()),
		producer.WithGroupName("producer-"+run),
		producer.WithSendMsgTimeout(sendSecondsMax*time.Second))...)
	check("producer", err)
	check("producer", client.Start())
	for ; sent < count; sent++ {
		key := fmt.Sprintf("%s-%d", run, sent)
		message := primitive.NewMessage(topic, []byte("body of "+key)).WithKeys([]string{key})
		result, err := client.SendSync(context.Background(), message)
		check("send", err)
		if result.Status != primitive.SendOK {
			break
		}
	}
	return sent
}

func (r *received) consume(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
	r.lock.Lock()
	defer r.lock.Unlock()
	for _, message := range messages {
		key := message.GetKeys()
		switch {
		case !strings.HasPrefix(key, r.run+"-") || string(message.Body) != "body of "+key:
		case r.keys[key]:
			r.again++
		default:
			r.keys[key] = true
			if r.missing--; r.missing == 0 {
				close(r.complete)
			}
		}
	}
	return consumer.ConsumeSuccess, nil
}

func check(what string, err error) {
	if err != nil {
		log.Fatalf("%s: %v", what, err)
	}
}
