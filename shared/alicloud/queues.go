package alicloud

import (
	"context"
	"fmt"
	"strconv"
	"time"

	mns_open "github.com/aliyun/alibaba-cloud-sdk-go/services/mns-open"

	"vpcinterconnect/shared/interconnect"
)

// Queue is what the control plane tells of a queue. Its numbers of messages are
// approximate (MNS, GetQueueAttributes).
type Queue struct {
	Name      string
	Active    int           // to be received
	Inactive  int           // received, neither deleted nor seen again yet
	Delayed   int           // not to be received yet
	Retention time.Duration // how long a message lives
	Hidden    time.Duration // how long one that was received stays hidden
}

// Queue returns a queue of the deployment's region by its full name. The
// error's class is Gone if there is none.
func (c *Cloud) Queue(ctx context.Context, name string) (*Queue, error) {
	req, resp := mns_open.CreateGetQueueAttributesRequest(), mns_open.CreateGetQueueAttributesResponse()
	req.QueueName = name
	if err := c.read(ctx, c.region, req, resp); err != nil {
		return nil, err
	}
	// This product says how a call went in the answer's body, too.
	if resp.Code != 200 || !resp.Success {
		return nil, &interconnect.CloudError{
			Class: Classify(req.GetActionName(), resp.Status, int(resp.Code)), Action: req.GetActionName(), Code: strconv.FormatInt(resp.Code, 10),
			Message: c.redact(fmt.Sprintf("%s %s", resp.Status, resp.Message)), RequestID: c.requestID(resp), HTTPStatus: resp.GetHttpStatus(),
		}
	}
	d := resp.Data
	if d.QueueName != name {
		return nil, c.malformed(req, resp, fmt.Errorf("asked for %s, told of %.130q", name, d.QueueName))
	}
	return &Queue{
		Name: name, Active: int(d.ActiveMessages), Inactive: int(d.InactiveMessages), Delayed: int(d.DelayMessages),
		Retention: time.Duration(d.MessageRetentionPeriod) * time.Second, Hidden: time.Duration(d.VisibilityTimeout) * time.Second,
	}, nil
}
