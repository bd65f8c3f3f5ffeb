package alicloud

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	mns_open "github.com/aliyun/alibaba-cloud-sdk-go/services/mns-open"

	"vpcinterconnect/shared/interconnect"
)

// Queue is what the control plane says of an MNS queue of the deployment's
// region. Its numbers of messages are approximate (MNS, GetQueueAttributes).
type Queue struct {
	Name        string
	Active      int           // to be received
	Inactive    int           // received, neither deleted nor seen again yet
	Delayed     int           // not to be received yet
	Visibility  time.Duration // for which a message that was received stays hidden
	Retention   time.Duration // how long a message lives
	DeadLetters string        // the queue that takes what was received too often; "" for none, or where the answer does not tell
}

// Queue describes a queue by its full name. The error's class is Gone if there
// is none.
func (c *Cloud) Queue(ctx context.Context, name string) (*Queue, error) {
	req, resp := mns_open.CreateGetQueueAttributesRequest(), mns_open.CreateGetQueueAttributesResponse()
	req.QueueName = name
	if err := c.read(ctx, c.region, req, resp); err != nil {
		return nil, err
	}
	// This product says how a call went in the answer's body, too.
	if !resp.Success {
		return nil, &interconnect.CloudError{
			Class: Classify(req.GetActionName(), resp.Status, int(resp.Code)), Action: req.GetActionName(), Code: strconv.FormatInt(resp.Code, 10),
			Message: c.redact(fmt.Sprintf("%s %s", resp.Status, resp.Message)), RequestID: c.requestID(resp), HTTPStatus: resp.GetHttpStatus(),
		}
	}
	d := resp.Data
	switch d.QueueName {
	case name:
	case "":
		return nil, c.absent(req, resp, "queue "+name)
	default:
		return nil, c.malformed(req, resp, fmt.Errorf("asked for %s, told of %.130q", name, d.QueueName))
	}
	q := &Queue{
		Name: name, Active: int(d.ActiveMessages), Inactive: int(d.InactiveMessages), Delayed: int(d.DelayMessages),
		Visibility: time.Duration(d.VisibilityTimeout) * time.Second,
		Retention:  time.Duration(d.MessageRetentionPeriod) * time.Second,
	}
	// The SDK's struct is older than dead-letter policies.
	var more struct {
		Data struct {
			DlqPolicy struct {
				Enabled               bool
				DeadLetterTargetQueue string
			}
		}
	}
	if json.Unmarshal(resp.GetHttpContentBytes(), &more) == nil && more.Data.DlqPolicy.Enabled {
		q.DeadLetters = more.Data.DlqPolicy.DeadLetterTargetQueue
	}
	return q, nil
}
