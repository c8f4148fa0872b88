// Asks for the route of a topic some twenty times a second: routes NAMESERVER TOPIC. Each question comes from a client of
// its own, because a client keeps what it was answered, and none of them asks again after an error.
//
// Ends at SIGTERM with one line "RESULT asked=… failed=… last=…": how many were asked while the port of the NameServer
// was open, how many of these failed, and how many milliseconds after the port was open again the last one did.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

const (
	period   = 50 * time.Millisecond
	patience = time.Second
)

// counts is what became of the questions so far.
type counts struct {
	lock          sync.Mutex
	openSince     time.Time
	asked, failed int
	last          time.Duration
}

func main() {
	nameserver, topic := os.Args[1], os.Args[2]
	rlog.SetLogLevel("fatal")
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	var counts counts
	var questions sync.WaitGroup
	fmt.Println("STARTED")
	for ticks := time.Tick(period); ; {
		select {
		case <-ended:
			questions.Wait()
			fmt.Printf("RESULT asked=%d failed=%d last=%d\n", counts.asked, counts.failed, counts.last.Milliseconds())
			return
		case <-ticks:
			if since, open := counts.open(nameserver); open {
				questions.Add(1)
				go func() {
					defer questions.Done()
					counts.ask(nameserver, topic, since)
				}()
			}
		}
	}
}

// open says whether the port is open, and since when.
func (c *counts) open(nameserver string) (time.Time, bool) {
	open := isOpen(nameserver)
	c.lock.Lock()
	defer c.lock.Unlock()
	if !open {
		c.openSince = time.Time{}
	} else if c.openSince.IsZero() {
		c.openSince = time.Now()
	}
	return c.openSince, open
}

func (c *counts) ask(nameserver, topic string, since time.Time) {
	asked := time.Now()
	err := query(nameserver, topic)
	open := isOpen(nameserver)
	c.lock.Lock()
	defer c.lock.Unlock()
	// A NameServer that was killed meanwhile owes nobody an answer.
	if err != nil && (!open || since != c.openSince) {
		return
	}
	c.asked++
	if err != nil {
		fmt.Printf("FAILED %v\n", err)
		c.failed++
		c.last = max(c.last, asked.Sub(since))
	}
}

func query(nameserver, topic string) error {
	client, err := admin.NewAdmin(admin.WithResolver(primitive.NewPassthroughResolver([]string{nameserver})))
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = client.FetchPublishMessageQueues(context.Background(), topic)
	return err
}

func isOpen(nameserver string) bool {
	connection, err := net.DialTimeout("tcp", nameserver, patience)
	if err != nil {
		return false
	}
	connection.Close()
	return true
}
