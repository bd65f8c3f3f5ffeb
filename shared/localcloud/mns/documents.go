package mns

import (
	"encoding/xml"
	"time"

	"vpcinterconnect/shared/localcloud/engine"
)

// The documents of answers, in the service's namespace. All of a message's
// times are Unix milliseconds.

type errorDocument struct {
	XMLName   xml.Name `xml:"http://mns.aliyuncs.com/doc/v1/ Error"`
	Code      string
	Message   string
	RequestId string
	HostId    string
}

type queueDocument struct {
	XMLName xml.Name `xml:"http://mns.aliyuncs.com/doc/v1/ Queue"`
	queueElements
}

type queueElements struct {
	QueueName              string
	CreateTime             int64
	LastModifyTime         int64
	DelaySeconds           int
	MaximumMessageSize     int
	MessageRetentionPeriod int
	VisibilityTimeout      int
	PollingWaitSeconds     int
	ActiveMessages         int
	InactiveMessages       int
	DelayMessages          int
	LoggingEnabled         loggingEnabled
}

// loggingEnabled is written as the service writes it.
type loggingEnabled bool

func (l loggingEnabled) MarshalText() ([]byte, error) {
	if l {
		return []byte("True"), nil
	}
	return []byte("False"), nil
}

func queueElementsOf(q engine.QueueDescription) queueElements {
	return queueElements{
		QueueName:              q.Name,
		CreateTime:             q.CreateTime,
		LastModifyTime:         q.LastModifyTime,
		DelaySeconds:           q.DelaySeconds,
		MaximumMessageSize:     q.MaximumMessageSize,
		MessageRetentionPeriod: q.MessageRetentionPeriod,
		VisibilityTimeout:      q.VisibilityTimeout,
		PollingWaitSeconds:     q.PollingWaitSeconds,
		ActiveMessages:         q.Active,
		InactiveMessages:       q.Inactive,
		DelayMessages:          q.Delayed,
		LoggingEnabled:         loggingEnabled(q.LoggingEnabled),
	}
}

// queuesDocument lists queues; each has its URL and, if asked for, its
// attributes.
type queuesDocument struct {
	XMLName    xml.Name      `xml:"http://mns.aliyuncs.com/doc/v1/ Queues"`
	Queue      []listedQueue `xml:"Queue"`
	NextMarker string        `xml:",omitempty"`
}

type listedQueue struct {
	QueueURL string
	*queueElements
}

type sentDocument struct {
	XMLName xml.Name `xml:"http://mns.aliyuncs.com/doc/v1/ Message"`
	sentElements
}

type sentElements struct {
	ErrorCode      string `xml:",omitempty"`
	ErrorMessage   string `xml:",omitempty"`
	MessageId      string `xml:",omitempty"`
	MessageBodyMD5 string `xml:",omitempty"`
	ReceiptHandle  string `xml:",omitempty"`
}

type sentAllDocument struct {
	XMLName xml.Name       `xml:"http://mns.aliyuncs.com/doc/v1/ Messages"`
	Message []sentElements `xml:"Message"`
}

func sentElementsOf(s engine.Sent) sentElements {
	if s.Err != nil {
		return sentElements{ErrorCode: s.Err.Code, ErrorMessage: s.Err.Message}
	}
	return sentElements{MessageId: s.MessageID, MessageBodyMD5: s.BodyMD5, ReceiptHandle: s.ReceiptHandle}
}

type messageDocument struct {
	XMLName xml.Name `xml:"http://mns.aliyuncs.com/doc/v1/ Message"`
	messageElements
}

type messagesDocument struct {
	XMLName xml.Name          `xml:"http://mns.aliyuncs.com/doc/v1/ Messages"`
	Message []messageElements `xml:"Message"`
}

// messageElements is a message; one that was only peeked at has neither handle
// nor next visible time.
type messageElements struct {
	MessageId        string
	ReceiptHandle    string `xml:",omitempty"`
	MessageBody      string
	MessageBodyMD5   string
	EnqueueTime      int64
	NextVisibleTime  int64 `xml:",omitempty"`
	FirstDequeueTime int64
	DequeueCount     int
	Priority         int
}

func messageElementsOf(m engine.Message) messageElements {
	return messageElements{
		MessageId:        m.ID,
		ReceiptHandle:    m.ReceiptHandle,
		MessageBody:      m.Body,
		MessageBodyMD5:   m.BodyMD5,
		EnqueueTime:      m.Enqueued.UnixMilli(),
		NextVisibleTime:  milliseconds(m.NextVisible),
		FirstDequeueTime: m.FirstDequeued.UnixMilli(),
		DequeueCount:     m.DequeueCount,
		Priority:         m.Priority,
	}
}

func milliseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

type changeVisibilityDocument struct {
	XMLName         xml.Name `xml:"http://mns.aliyuncs.com/doc/v1/ ChangeVisibility"`
	ReceiptHandle   string
	NextVisibleTime int64
}

// undeletedDocument names the messages of a batch that could not be deleted.
type undeletedDocument struct {
	XMLName xml.Name    `xml:"http://mns.aliyuncs.com/doc/v1/ Errors"`
	Error   []undeleted `xml:"Error"`
}

type undeleted struct {
	ErrorCode     string
	ErrorMessage  string
	ReceiptHandle string
}

type openServiceDocument struct {
	XMLName xml.Name `xml:"http://mns.aliyuncs.com/doc/v1/ OpenService"`
	OrderId string
}

// The documents of requests. What they have besides the elements named here is
// refused, not ignored.

type unknown []struct{ XMLName xml.Name }

func (d *attributesRequest) unknown() unknown { return d.Unknown }
func (m *messageRequest) unknown() unknown    { return m.Unknown }
func (d *deleteAllRequest) unknown() unknown  { return d.Unknown }

func (d *sendAllRequest) unknown() unknown {
	all := d.Unknown
	for _, m := range d.Message {
		all = append(all, m.Unknown...)
	}
	return all
}

type attributesRequest struct {
	XMLName xml.Name `xml:"Queue"`
	engine.QueueNumbers
	LoggingEnabled *bool
	Unknown        unknown `xml:",any"`
}

type sendRequest struct {
	XMLName xml.Name `xml:"Message"`
	messageRequest
}

type sendAllRequest struct {
	XMLName xml.Name         `xml:"Messages"`
	Message []messageRequest `xml:"Message"`
	Unknown unknown          `xml:",any"`
}

type messageRequest struct {
	MessageBody  string
	DelaySeconds *int
	Priority     int
	Unknown      unknown `xml:",any"`
}

func (m messageRequest) outgoing() engine.Outgoing {
	return engine.Outgoing{Body: m.MessageBody, DelaySeconds: m.DelaySeconds, Priority: m.Priority}
}

type deleteAllRequest struct {
	XMLName       xml.Name `xml:"ReceiptHandles"`
	ReceiptHandle []string
	Unknown       unknown `xml:",any"`
}
