//go:build !current

package main

import (
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// The last release has no TLS.
func producerOptions() []producer.Option { return nil }
func consumerOptions() []consumer.Option { return nil }
