//go:build current

package main

import (
	"os"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// usesTls says whether everything goes over TLS, which verifies nothing.
var usesTls = os.Getenv("TLS") == "true"

func producerOptions() []producer.Option { return []producer.Option{producer.WithTls(usesTls)} }
func consumerOptions() []consumer.Option { return []consumer.Option{consumer.WithTls(usesTls)} }
