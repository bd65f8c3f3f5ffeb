package mns_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	ali_mns "github.com/aliyun/aliyun-mns-go-sdk"
	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/mns"
)

const region = "cn-hangzhou"

// clock is a clock that only moves when told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// jump is an After by which waiting takes no time of ours, only the clock's.
func (c *clock) jump(d time.Duration) <-chan time.Time {
	c.advance(d)
	done := make(chan time.Time, 1)
	done <- c.Now()
	return done
}

// never is an After by which nobody wakes.
func never(time.Duration) <-chan time.Time { return nil }

// cloud is a local MNS with a key of the account's.
type cloud struct {
	*engine.Engine
	clock   *clock
	url     string
	key     engine.Credential
	mu      sync.Mutex
	records []mns.Record
}

func (c *cloud) record(r mns.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.records = append(c.records, r)
}

func (c *cloud) recorded() []mns.Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]mns.Record(nil), c.records...)
}

func newCloud(t *testing.T, after func(*clock) func(time.Duration) <-chan time.Time, o engine.Options) *cloud {
	t.Helper()
	c := &cloud{clock: &clock{now: time.Now()}}
	o.Clock = c.clock
	c.Engine = engine.New(o)
	c.AddRegion(engine.Region{ID: region})
	c.key = c.AddUser("", "test-key", "test-secret")
	options := mns.Options{Engine: c.Engine, Record: c.record}
	if after != nil {
		options.After = after(c.clock)
	} else {
		options.After = c.clock.jump
	}
	server := httptest.NewServer(mns.New(options))
	t.Cleanup(server.Close)
	c.url = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	return c
}

// endpoint is one that the SDK accepts: it takes account and region from it.
func (c *cloud) endpoint() string {
	return c.url + "/" + c.AccountID() + ".mns." + region + ".aliyuncs.com"
}

func (c *cloud) client() ali_mns.MNSClient {
	return ali_mns.NewAliMNSClientWithConfig(ali_mns.AliMNSClientConfig{
		EndPoint: c.endpoint(), AccessKeyId: c.key.AccessKeyID, AccessKeySecret: c.key.Secret, Token: c.key.Token,
		TimeoutSecond: 10,
	})
}

func (c *cloud) manager() ali_mns.AliQueueManager { return ali_mns.NewMNSQueueManager(c.client()) }

func (c *cloud) queue(name string) ali_mns.AliMNSQueue { return ali_mns.NewMNSQueue(name, c.client()) }

func (c *cloud) withQueue(t *testing.T, name string) ali_mns.AliMNSQueue {
	t.Helper()
	_, err := c.CreateQueue(engine.QueueRef{Region: region, Name: name}, engine.DefaultQueueAttributes())
	require.NoError(t, err)
	return c.queue(name)
}

func receive(q ali_mns.AliMNSQueue, wait ...int64) (ali_mns.MessageReceiveResponse, error) {
	got, failed := make(chan ali_mns.MessageReceiveResponse, 1), make(chan error, 1)
	q.ReceiveMessage(got, failed, wait...)
	select {
	case m := <-got:
		return m, nil
	case err := <-failed:
		return ali_mns.MessageReceiveResponse{}, err
	}
}

func receiveMany(q ali_mns.AliMNSQueue, n int32, wait ...int64) ([]ali_mns.MessageReceiveResponse, error) {
	got, failed := make(chan ali_mns.BatchMessageReceiveResponse, 1), make(chan error, 1)
	q.BatchReceiveMessage(got, failed, n, wait...)
	select {
	case m := <-got:
		return m.Messages, nil
	case err := <-failed:
		return nil, err
	}
}

func peek(q ali_mns.AliMNSQueue) (ali_mns.MessageReceiveResponse, error) {
	got, failed := make(chan ali_mns.MessageReceiveResponse, 1), make(chan error, 1)
	q.PeekMessage(got, failed)
	select {
	case m := <-got:
		return m, nil
	case err := <-failed:
		return ali_mns.MessageReceiveResponse{}, err
	}
}

func text(body string) ali_mns.MessageSendRequest {
	return ali_mns.MessageSendRequest{MessageBody: body, Priority: 8}
}

func TestAMessageGoesThroughTheOfficialSDK(t *testing.T) {
	t.Parallel()
	c := newCloud(t, nil, engine.Options{})
	q := c.withQueue(t, "orders")
	body := `{"k":"<v>&"}` + " ü 連\n\tend"
	sent, err := q.SendMessage(text(body))
	require.NoError(t, err)
	require.Len(t, sent.MessageBodyMD5, 32)
	require.Empty(t, sent.ReceiptHandle)

	seen, err := peek(q)
	require.NoError(t, err)
	require.Empty(t, seen.ReceiptHandle, "a message that is only looked at has no handle")
	require.Zero(t, seen.NextVisibleTime)

	got, err := receive(q)
	require.NoError(t, err)
	require.Equal(t, body, got.MessageBody)
	require.Equal(t, sent.MessageId, got.MessageId)
	require.Equal(t, sent.MessageBodyMD5, got.MessageBodyMD5)
	require.EqualValues(t, 1, got.DequeueCount)
	require.EqualValues(t, 8, got.Priority)
	require.Equal(t, c.clock.Now().UnixMilli(), got.FirstDequeueTime)
	require.Equal(t, c.clock.Now().Add(30*time.Second).UnixMilli(), got.NextVisibleTime)

	changed, err := q.ChangeMessageVisibility(got.ReceiptHandle, 5)
	require.NoError(t, err)
	require.NotEqual(t, got.ReceiptHandle, changed.ReceiptHandle)
	require.True(t, ali_mns.ERR_MNS_RECEIPT_HANDLE_ERROR.IsEqual(q.DeleteMessage(got.ReceiptHandle)), "the old handle has died")
	require.NoError(t, q.DeleteMessage(changed.ReceiptHandle))
	require.True(t, ali_mns.ERR_MNS_MESSAGE_NOT_EXIST.IsEqual(q.DeleteMessage(changed.ReceiptHandle)))

	_, err = receive(q)
	require.True(t, ali_mns.ERR_MNS_MESSAGE_NOT_EXIST.IsEqual(err), "%v", err)
}

func TestADelayedMessageHasAHandleUntilItIsVisible(t *testing.T) {
	t.Parallel()
	c := newCloud(t, nil, engine.Options{})
	q := c.withQueue(t, "later")
	sent, err := q.SendMessage(ali_mns.MessageSendRequest{MessageBody: "x", DelaySeconds: 60, Priority: 8})
	require.NoError(t, err)
	require.NotEmpty(t, sent.ReceiptHandle)
	_, err = receive(q)
	require.True(t, ali_mns.ERR_MNS_MESSAGE_NOT_EXIST.IsEqual(err))
	require.NoError(t, q.DeleteMessage(sent.ReceiptHandle))
}

func TestBatchesGoThroughTheOfficialSDK(t *testing.T) {
	t.Parallel()
	c := newCloud(t, nil, engine.Options{})
	q := c.withQueue(t, "many")
	var all []ali_mns.MessageSendRequest
	for range 16 {
		all = append(all, text("m"))
	}
	sent, err := q.BatchSendMessage(all...)
	require.NoError(t, err)
	require.Len(t, sent.Messages, 16)
	require.NotEmpty(t, sent.Messages[15].MessageId)

	_, err = q.BatchSendMessage(append(all, text("one too many"))...)
	require.Error(t, err)

	got, err := receiveMany(q, 16)
	require.NoError(t, err)
	require.Len(t, got, 16)
	handles := []string{"1-bm9uc2Vuc2U="}
	for _, m := range got {
		handles = append(handles, m.ReceiptHandle)
	}
	left, err := q.BatchDeleteMessage(handles[:9]...)
	require.True(t, ali_mns.ERR_MNS_BATCH_OP_FAIL.IsEqual(err), "%v", err)
	require.Len(t, left.FailedMessages, 1)
	require.Equal(t, "ReceiptHandleError", left.FailedMessages[0].ErrorCode)
	require.Equal(t, handles[0], left.FailedMessages[0].ReceiptHandle)
	_, err = q.BatchDeleteMessage(handles[9:]...)
	require.NoError(t, err)
	_, err = receiveMany(q, 16)
	require.True(t, ali_mns.ERR_MNS_MESSAGE_NOT_EXIST.IsEqual(err))
}

func TestALongPoll(t *testing.T) {
	t.Parallel()
	t.Run("wakes when somebody sends", func(t *testing.T) {
		t.Parallel()
		waiting := make(chan struct{}, 8)
		c := newCloud(t, func(*clock) func(time.Duration) <-chan time.Time {
			return func(time.Duration) <-chan time.Time { waiting <- struct{}{}; return nil }
		}, engine.Options{})
		c.withQueue(t, "waiting")
		got := make(chan error, 1)
		go func() {
			_, err := receive(c.queue("waiting"), 30)
			got <- err
		}()
		<-waiting
		_, err := c.queue("waiting").SendMessage(text("now"))
		require.NoError(t, err)
		require.NoError(t, <-got)
	})
	t.Run("wakes when a hidden message becomes visible", func(t *testing.T) {
		t.Parallel()
		c := newCloud(t, nil, engine.Options{})
		q := c.withQueue(t, "hidden")
		_, err := q.SendMessage(ali_mns.MessageSendRequest{MessageBody: "x", DelaySeconds: 7, Priority: 8})
		require.NoError(t, err)
		start := c.clock.Now()
		got, err := receive(q, 30)
		require.NoError(t, err)
		require.Equal(t, 7*time.Second, c.clock.Now().Sub(start))
		require.EqualValues(t, 1, got.DequeueCount)
	})
	t.Run("ends with no message after the time asked for", func(t *testing.T) {
		t.Parallel()
		c := newCloud(t, nil, engine.Options{})
		q := c.withQueue(t, "idle")
		start := c.clock.Now()
		_, err := receive(q, 12)
		require.True(t, ali_mns.ERR_MNS_MESSAGE_NOT_EXIST.IsEqual(err))
		require.Equal(t, 12*time.Second, c.clock.Now().Sub(start))
	})
	t.Run("is as long as the queue says unless asked for", func(t *testing.T) {
		t.Parallel()
		c := newCloud(t, nil, engine.Options{})
		require.NoError(t, c.manager().CreateQueueWithOptions("patient", ali_mns.WithPollingWaitSeconds(9)))
		start := c.clock.Now()
		_, err := receive(c.queue("patient"))
		require.Error(t, err)
		require.Equal(t, 9*time.Second, c.clock.Now().Sub(start))
	})
	t.Run("does not spin while others wait and receive nothing", func(t *testing.T) {
		t.Parallel()
		c := newCloud(t, func(*clock) func(time.Duration) <-chan time.Time { return never }, engine.Options{})
		c.withQueue(t, "quiet")
		rings := 0
		c.Watch(func() { rings++ })
		done := make(chan error, 4)
		for range 4 {
			go func() {
				_, err := receive(c.queue("quiet"), 30)
				done <- err
			}()
		}
		for range 4 {
			_, err := c.queue("quiet").SendMessage(text("x"))
			require.NoError(t, err)
		}
		for range 4 {
			require.NoError(t, <-done)
		}
		c.Do(func(time.Time) {
			require.LessOrEqual(t, rings, 8, "only a send or a receive that found something rings")
		})
	})
}

func TestQueuesThroughTheOfficialSDK(t *testing.T) {
	t.Parallel()
	c := newCloud(t, nil, engine.Options{})
	m := c.manager()
	require.NoError(t, m.CreateQueueWithOptions("test-queue", ali_mns.WithDelaySeconds(5),
		ali_mns.WithMaxMessageSize(1024), ali_mns.WithMessageRetentionPeriod(86400)))
	err := m.CreateQueueWithOptions("test-queue", ali_mns.WithDelaySeconds(5),
		ali_mns.WithMaxMessageSize(1024), ali_mns.WithMessageRetentionPeriod(86400))
	require.True(t, ali_mns.ERR_MNS_QUEUE_ALREADY_EXIST_AND_HAVE_SAME_ATTR.IsEqual(err))
	require.True(t, ali_mns.ERR_MNS_QUEUE_ALREADY_EXIST.IsEqual(m.CreateSimpleQueue("test-queue")))

	require.NoError(t, m.SetQueueAttributesWithOptions("test-queue", ali_mns.WithLoggingEnabled(true),
		ali_mns.WithMessageRetentionPeriod(7200), ali_mns.WithPollingWaitSeconds(10)))
	a, err := m.GetQueueAttributes("test-queue")
	require.NoError(t, err)
	require.Equal(t, "test-queue", a.QueueName)
	require.True(t, a.LoggingEnabled)
	require.EqualValues(t, 7200, a.MessageRetentionPeriod)
	require.EqualValues(t, 10, a.PollingWaitSeconds)
	require.EqualValues(t, 1024, a.MaxMessageSize)
	require.NotZero(t, a.CreateTime)

	for _, name := range []string{"b-2", "b-1", "b-3"} {
		require.NoError(t, m.CreateSimpleQueue(name))
	}
	var names []string
	for marker := ""; ; {
		page, err := m.ListQueue(marker, 2, "b-")
		require.NoError(t, err)
		for _, q := range page.Queues {
			names = append(names, q.QueueURL[strings.LastIndex(q.QueueURL, "/")+1:])
		}
		if marker = page.NextMarker; marker == "" {
			break
		}
	}
	require.Equal(t, []string{"b-1", "b-2", "b-3"}, names)
	details, err := m.ListQueueDetail("", 10, "test")
	require.NoError(t, err)
	require.Len(t, details.Attrs, 1)
	require.EqualValues(t, 7200, details.Attrs[0].MessageRetentionPeriod)

	require.NoError(t, m.DeleteQueue("test-queue"))
	_, err = m.GetQueueAttributes("test-queue")
	require.True(t, ali_mns.ERR_MNS_QUEUE_NOT_EXIST.IsEqual(err))
	_, err = c.queue("test-queue").SendMessage(text("x"))
	require.True(t, ali_mns.ERR_MNS_QUEUE_NOT_EXIST.IsEqual(err))
}

// The flow of the SDK's own example program for queues.
func TestTheSDKsQueueExample(t *testing.T) {
	t.Parallel()
	c := newCloud(t, nil, engine.Options{})
	require.NoError(t, c.manager().CreateQueue("test-queue", 0, 65536, 345600, 30, 0, 3))
	q := c.queue("test-queue")
	for range 9 {
		_, err := q.SendMessage(text(`hello <"aliyun-mns-go-sdk">`))
		require.NoError(t, err)
		got, err := receive(q, 30)
		require.NoError(t, err)
		require.Equal(t, `hello <"aliyun-mns-go-sdk">`, got.MessageBody)
		changed, err := q.ChangeMessageVisibility(got.ReceiptHandle, 5)
		require.NoError(t, err)
		require.NoError(t, q.DeleteMessage(changed.ReceiptHandle))
	}
	opened, err := ali_mns.NewAccountManager(c.client()).OpenService()
	require.NoError(t, err)
	require.NotEmpty(t, opened.OrderId)
}

func TestErrorsAsTheSDKKnowsThem(t *testing.T) {
	t.Parallel()
	c := newCloud(t, nil, engine.Options{Switches: engine.Switches{PriorityZeroRefused: true}})
	c.withQueue(t, "strict")
	q := func() ali_mns.AliMNSQueue { return c.queue("strict") } // the SDK's queues are for one goroutine each
	for name, tc := range map[string]struct {
		do   func() error
		want func(error) bool
	}{
		"a queue's name with a dot":          {func() error { return c.manager().CreateSimpleQueue("a.b") }, ali_mns.ERR_MNS_INVALID_QUEUE_NAME.IsEqual},
		"a queue's name of 121 characters":   {func() error { return c.manager().CreateSimpleQueue(strings.Repeat("a", 121)) }, ali_mns.ERR_MNS_QUEUE_NAME_LENGTH_ERROR.IsEqual},
		"a retention that the SDK lets pass": {func() error { return c.manager().CreateQueue("x", 0, 65536, 1296000, 30, 0, 2) }, ali_mns.ERR_MNS_INVALID_ARGUMENT.IsEqual},
		"a handle that nobody issued":        {func() error { return q().DeleteMessage("1-nonsense") }, ali_mns.ERR_MNS_RECEIPT_HANDLE_ERROR.IsEqual},
		"a message longer than 64 KB":        {func() error { _, err := q().SendMessage(text(strings.Repeat("x", 65537))); return err }, ali_mns.ERR_MNS_INVALID_ARGUMENT.IsEqual},
		"a delay of more than seven days": {func() error {
			_, err := q().SendMessage(ali_mns.MessageSendRequest{MessageBody: "x", DelaySeconds: 604801, Priority: 8})
			return err
		}, ali_mns.ERR_MNS_INVALID_ARGUMENT.IsEqual},
		"priority 17": {func() error {
			_, err := q().SendMessage(ali_mns.MessageSendRequest{MessageBody: "x", Priority: 17})
			return err
		}, ali_mns.ERR_MNS_INVALID_ARGUMENT.IsEqual},
		"priority 0, if it is refused":         {func() error { _, err := q().SendMessage(ali_mns.MessageSendRequest{MessageBody: "x"}); return err }, ali_mns.ERR_MNS_INVALID_ARGUMENT.IsEqual},
		"an empty body":                        {func() error { _, err := q().SendMessage(text("")); return err }, ali_mns.ERR_MNS_INVALID_ARGUMENT.IsEqual},
		"a visibility of more than half a day": {func() error { _, err := q().ChangeMessageVisibility("1-MS0x", 43201); return err }, ali_mns.ERR_MNS_INVALID_ARGUMENT.IsEqual},
		"an unknown key": {func() error {
			cl := ali_mns.NewAliMNSClientWithConfig(ali_mns.AliMNSClientConfig{EndPoint: c.endpoint(), AccessKeyId: "nobody", AccessKeySecret: "x"})
			return ali_mns.NewMNSQueueManager(cl).DeleteQueue("x")
		}, ali_mns.ERR_MNS_INVALID_ACCESS_KEY_ID.IsEqual},
		"a wrong secret": {func() error {
			cl := ali_mns.NewAliMNSClientWithConfig(ali_mns.AliMNSClientConfig{EndPoint: c.endpoint(), AccessKeyId: c.key.AccessKeyID, AccessKeySecret: "x"})
			return ali_mns.NewMNSQueueManager(cl).DeleteQueue("x")
		}, ali_mns.ERR_MNS_SIGNATURE_DOES_NOT_MATCH.IsEqual},
		"another account's endpoint": {func() error {
			cl := ali_mns.NewAliMNSClient(c.url+"/99.mns."+region+".aliyuncs.com", c.key.AccessKeyID, c.key.Secret)
			return ali_mns.NewMNSQueueManager(cl).DeleteQueue("x")
		}, ali_mns.ERR_MNS_ACCESS_DENIED.IsEqual},
		"topics": {func() error { return ali_mns.NewMNSTopicManager(c.client()).CreateSimpleTopic("t") }, ali_mns.ERR_MNS_INVALID_REQUEST_URL.IsEqual},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tc.do()
			require.Error(t, err)
			require.True(t, tc.want(err), "%v", err)
		})
	}
}

func TestATemporaryKey(t *testing.T) {
	t.Parallel()
	c := newCloud(t, nil, engine.Options{})
	c.withQueue(t, "q")
	c.AddRole(engine.RoleSpec{Name: "sender", Trust: []string{"fc.aliyuncs.com"}})
	var err error
	c.key, err = c.RoleCredentials("sender", "s", 10*time.Minute)
	require.NoError(t, err)
	_, err = c.queue("q").SendMessage(text("x"))
	require.NoError(t, err)
	require.Equal(t, "sender", c.recorded()[0].Role)

	good := c.key.Token
	c.key.Token = "another"
	_, err = c.queue("q").SendMessage(text("x"))
	require.True(t, ali_mns.ERR_MNS_ACCESS_DENIED.IsEqual(err), "%v", err)

	c.key.Token = good
	c.clock.advance(10*time.Minute + time.Second)
	_, err = c.queue("q").SendMessage(text("x"))
	require.True(t, ali_mns.ERR_MNS_ACCESS_DENIED.IsEqual(err), "%v", err)
	require.Contains(t, err.Error(), "expired")
}

// faults fails each request as its action says.
type faults map[string]engine.Fault

func (f faults) Call(product, action string, _ bool) engine.Fault { return f[product+" "+action] }

func (faults) Slow(time.Duration) time.Duration { return 0 }

func TestAHostileWire(t *testing.T) {
	t.Parallel()
	ref := engine.QueueRef{Region: region, Name: "q"}
	internal := &engine.Error{Status: http.StatusInternalServerError, Code: "InternalError", Message: "Internal error."}
	for name, tc := range map[string]struct {
		fault engine.Fault
		left  int
		known bool // the answer is the one that the fault gives
	}{
		"a refusal leaves no message":                                {engine.Fault{Refuse: internal}, 0, true},
		"a message that is reported failed is there":                 {engine.Fault{Answer: internal}, 1, true},
		"a lost answer makes the SDK send the message several times": {engine.Fault{Drop: true}, 5, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, nil, engine.Options{Faults: faults{"MNS SendMessage": tc.fault}})
			q := c.withQueue(t, "q")
			_, err := q.SendMessage(text("x"))
			require.Error(t, err)
			require.Equal(t, tc.known, ali_mns.ERR_MNS_INTERNAL_ERROR.IsEqual(err), "%v", err)
			all, err := c.QueueMessages(ref)
			require.NoError(t, err)
			require.Len(t, all, tc.left)
			require.NotEmpty(t, c.recorded()[0].Fault)
		})
	}
}
