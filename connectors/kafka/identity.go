package kafka

/*
#include "identity.h"
*/
import "C"

import (
	"context"
	"errors"
	"strings"
	"time"

	ckafka "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"laminardb/sql/pgerr"
)

// identityText holds a topic's id, 16 bytes in base64.
const identityText = 64

// describe asks for the id of the client's topic, "" where the brokers have none
// (before Kafka 2.8, and some that are not Kafka), and its number of partitions.
func (c *client) describe(timeout time.Duration) (id string, partitions int32, err error) {
	var out [identityText]C.char
	var n C.int32_t
	if rc := C.lk_describe(c.c, millis(timeout), &out[0], identityText, &n); rc != 0 {
		return "", 0, codeError(rc)
	}
	id = C.GoString(&out[0])
	if strings.Trim(id, "A=") == "" {
		id = "" // 16 zero bytes
	}
	return id, int32(n), nil
}

// Identity implements connectors.Identified: the topic's id, which a topic of the
// same name that is created later does not share.
func (s *source) Identity(ctx context.Context) (string, error) {
	c, _, err := s.connect(ctx)
	if err != nil {
		return "", err
	}
	defer c.close()
	return s.identify(c)
}

func (s *source) identify(c *client) (string, error) {
	id, _, err := c.describe(metadataTimeout)
	var kerr ckafka.Error
	if errors.As(err, &kerr) && topicMissing(kerr.Code()) {
		return "", topicError(s.topic, s.brokers)
	}
	if err != nil {
		return "", s.lookupError(err)
	}
	return id, nil
}

// recreatedError answers to a topic that is not the one that was read before.
func recreatedError(topic string) *pgerr.Error {
	return pgerr.Newf(pgerr.ObjectNotInPrerequisite, "topic %q is not the one that was read before: it was deleted and created anew", topic).
		WithHint("Its records have nothing to do with the positions that were read. Create the source again.")
}
