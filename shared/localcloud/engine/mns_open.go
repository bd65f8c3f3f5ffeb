package engine

import "encoding/json"

var mnsOpen = product{"Mns-open", "2022-01-19"}

func mnsOpenActions() []Action {
	return []Action{
		write(mnsOpen, "CreateQueue", 0, openCreateQueue),
		write(mnsOpen, "DeleteQueue", 0, openDeleteQueue),
		write(mnsOpen, "SetQueueAttributes", 0, openSetQueueAttributes),
		read(mnsOpen, "GetQueueAttributes", 0, openGetQueueAttributes),
		read(mnsOpen, "ListQueue", 0, openListQueue),
	}
}

// openAnswer is what every mns-open action answers: a code of its own, 200 on
// success, and Data.
type openAnswer struct {
	Answer
	Code    int64
	Status  string
	Message string
	Success bool
	Data    openData
}

// openData is one structure for all actions of the product, topics' included;
// what an action has no use for stays empty.
type openData struct {
	openQueue
	Code     int64
	Message  string
	Success  bool
	PageNum  int64
	PageSize int64
	Pages    int64
	Size     int64
	Total    int64
	PageData []openQueue
}

type openQueue struct {
	QueueName              string
	CreateTime             int64
	LastModifyTime         int64
	DelaySeconds           int64
	MaximumMessageSize     int64
	MessageRetentionPeriod int64
	VisibilityTimeout      int64
	PollingWaitSeconds     int64
	ActiveMessages         int64
	InactiveMessages       int64
	DelayMessages          int64
	LoggingEnabled         bool
	DlqPolicy              *openDlqPolicy `json:",omitempty"`

	TopicName           string
	TopicOwner          string
	SubscriptionName    string
	NotifyStrategy      string
	NotifyContentFormat string
	Endpoint            string
	FilterTag           string
	MaxMessageSize      int64
	MessageCount        int64
}

type openDlqPolicy struct {
	Enabled               bool
	DeadLetterTargetQueue string
	MaxReceiveCount       int
}

type openQueueName struct {
	QueueName string `api:",required"`
}

type openQueueAttributes struct {
	QueueName string `api:",required"`
	QueueNumbers
	EnableLogging *bool
	DlqPolicy     string // JSON; newer than the Go SDK v1
}

// apply writes what was given over a queue's attributes.
func (p *openQueueAttributes) apply(a *QueueAttributes) error {
	p.Over(a)
	if p.EnableLogging != nil {
		a.LoggingEnabled = *p.EnableLogging
	}
	if p.DlqPolicy == "" {
		return nil
	}
	var d openDlqPolicy
	if err := json.Unmarshal([]byte(p.DlqPolicy), &d); err != nil {
		return errArgument("DlqPolicy is not the JSON of a dead-letter policy.")
	}
	a.DeadLetter = DeadLetterPolicy{Enabled: d.Enabled, Target: d.DeadLetterTargetQueue, MaxReceiveCount: d.MaxReceiveCount}
	return nil
}

func openCreateQueue(e *Engine, t *tx, p *openQueueAttributes) (*openAnswer, error) {
	a := DefaultQueueAttributes()
	if err := p.apply(&a); err != nil {
		return nil, err
	}
	// An equal queue that exists is a success, as on the data plane (204).
	if _, err := e.createQueue(e.queueRef(t, p.QueueName), a); err != nil {
		return nil, err
	}
	return openSuccess(openData{openQueue: openQueue{QueueName: p.QueueName}}), nil
}

func openDeleteQueue(e *Engine, t *tx, p *openQueueName) (*openAnswer, error) {
	if err := e.deleteQueue(e.queueRef(t, p.QueueName)); err != nil {
		return nil, err
	}
	return openSuccess(openData{}), nil
}

func openSetQueueAttributes(e *Engine, t *tx, p *openQueueAttributes) (*openAnswer, error) {
	var bad error
	err := e.setQueueAttributes(e.queueRef(t, p.QueueName), func(a *QueueAttributes) {
		kept := *a
		if bad = p.apply(a); bad != nil {
			*a = kept
		}
	})
	if bad != nil {
		return nil, bad
	}
	if err != nil {
		return nil, err
	}
	return openSuccess(openData{}), nil
}

func openGetQueueAttributes(e *Engine, t *tx, p *openQueueName) (*openAnswer, error) {
	q, err := e.queue(t.seen, e.queueRef(t, p.QueueName))
	if err != nil {
		return nil, err
	}
	return openSuccess(openData{openQueue: openQueueOf(e.describeQueue(q))}), nil
}

type openListQueueParameters struct {
	QueueName string // a prefix
	PageNum   *int
	PageSize  *int
}

// The documented page sizes.
const (
	openPageSize     = 10
	openMostPageSize = 50
)

func openListQueue(e *Engine, t *tx, p *openListQueueParameters) (*openAnswer, error) {
	page, size := 1, openPageSize
	if p.PageNum != nil {
		page = *p.PageNum
	}
	if p.PageSize != nil {
		size = *p.PageSize
	}
	if err := checkRange("PageNum", page, 1, 100000000, "pages"); err != nil {
		return nil, err
	}
	if err := checkRange("PageSize", size, 1, openMostPageSize, "queues"); err != nil {
		return nil, err
	}
	all := e.listQueues(t.seen, e.queueRef(t, "").Region, p.QueueName)
	d := openData{
		PageNum: int64(page), PageSize: int64(size), Total: int64(len(all)),
		Pages: int64((len(all) + size - 1) / size), PageData: []openQueue{},
	}
	from := min((page-1)*size, len(all))
	for _, q := range all[from:min(from+size, len(all))] {
		d.PageData = append(d.PageData, openQueueOf(q))
	}
	d.Size = int64(len(d.PageData))
	return openSuccess(d), nil
}

func openSuccess(d openData) *openAnswer {
	d.Code, d.Message, d.Success = 200, "operation success", true
	if d.PageData == nil {
		d.PageData = []openQueue{}
	}
	return &openAnswer{Code: 200, Status: "Success", Message: "operation success", Success: true, Data: d}
}

func openQueueOf(q QueueDescription) openQueue {
	out := openQueue{
		QueueName:              q.Name,
		CreateTime:             q.CreateTime,
		LastModifyTime:         q.LastModifyTime,
		DelaySeconds:           int64(q.DelaySeconds),
		MaximumMessageSize:     int64(q.MaximumMessageSize),
		MessageRetentionPeriod: int64(q.MessageRetentionPeriod),
		VisibilityTimeout:      int64(q.VisibilityTimeout),
		PollingWaitSeconds:     int64(q.PollingWaitSeconds),
		ActiveMessages:         int64(q.Active),
		InactiveMessages:       int64(q.Inactive),
		DelayMessages:          int64(q.Delayed),
		LoggingEnabled:         q.LoggingEnabled,
	}
	if d := q.DeadLetter; d.Enabled {
		out.DlqPolicy = &openDlqPolicy{Enabled: true, DeadLetterTargetQueue: d.Target, MaxReceiveCount: d.MaxReceiveCount}
	}
	return out
}

// queueRef is the queue of a name in the call's region, or in the world's first
// if the call names none: the endpoint's region is not on the local wire.
func (e *Engine) queueRef(t *tx, name string) QueueRef {
	return QueueRef{Region: e.homeRegion(t), Name: name}
}

func (e *Engine) homeRegion(t *tx) string {
	if t.region == "" && len(e.regions) > 0 {
		return e.regions[0].ID
	}
	return t.region
}
