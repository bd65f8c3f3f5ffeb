package engine_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vpcinterconnect/shared/localcloud/engine"
)

// handClock only moves when told to.
type handClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// home is the region of these tests.
const home = "cn-hangzhou"

func newHandClock() *handClock {
	return &handClock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
}

func cloudByHand(o engine.Options) (*engine.Engine, *handClock) {
	c := newHandClock()
	o.Clock = c
	e := engine.New(o)
	e.AddRegion(engine.Region{ID: home})
	e.AddRegion(engine.Region{ID: "cn-beijing"})
	return e, c
}

func ref(name string) engine.QueueRef { return engine.QueueRef{Region: home, Name: name} }

func withQueue(t require.TestingT, e *engine.Engine, name string, change func(*engine.QueueAttributes)) engine.QueueRef {
	a := engine.DefaultQueueAttributes()
	if change != nil {
		change(&a)
	}
	_, err := e.CreateQueue(ref(name), a)
	require.NoError(t, err)
	return ref(name)
}

func code(err error) string {
	var e *engine.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprint(err)
}

func send(t require.TestingT, e *engine.Engine, q engine.QueueRef, body string) engine.Sent {
	s, err := e.SendMessage(q, engine.Outgoing{Body: body})
	require.NoError(t, err)
	return s
}

func receiveAll(t require.TestingT, e *engine.Engine, q engine.QueueRef) []engine.Message {
	got, err := e.ReceiveMessages(q, 16, 0)
	require.NoError(t, err)
	return got
}

func bodies(all []engine.Message) []string {
	out := []string{}
	for _, m := range all {
		out = append(out, m.Body)
	}
	return out
}

func TestAReceivedMessageIsHiddenUntilItsTimeoutEnds(t *testing.T) {
	t.Parallel()
	e, clock := cloudByHand(engine.Options{})
	q := withQueue(t, e, "q", nil)
	send(t, e, q, "x")
	first := receiveAll(t, e, q)
	require.Len(t, first, 1)
	require.Equal(t, 1, first[0].DequeueCount)
	require.Equal(t, clock.Now().Add(30*time.Second), first[0].NextVisible)
	require.Empty(t, receiveAll(t, e, q))

	at, ok := e.NextEvent()
	require.True(t, ok)
	require.Equal(t, first[0].NextVisible, at, "whoever waits is told when to look again")
	clock.advance(30 * time.Second)
	second := receiveAll(t, e, q)
	require.Len(t, second, 1)
	require.Equal(t, 2, second[0].DequeueCount)
	require.Equal(t, first[0].ID, second[0].ID)
	require.Equal(t, first[0].FirstDequeued, second[0].FirstDequeued)
	require.NotEqual(t, first[0].ReceiptHandle, second[0].ReceiptHandle)
}

func TestAReceiptHandleIsGoodUntilTheMessageIsVisibleAgain(t *testing.T) {
	t.Parallel()
	e, clock := cloudByHand(engine.Options{})
	q := withQueue(t, e, "q", nil)
	send(t, e, q, "x")
	old := receiveAll(t, e, q)[0].ReceiptHandle
	clock.advance(31 * time.Second)
	require.Equal(t, "ReceiptHandleError", code(e.DeleteMessage(q, old)), "nobody has received it since, but its time is over")
	fresh := receiveAll(t, e, q)[0].ReceiptHandle
	require.Equal(t, "ReceiptHandleError", code(e.DeleteMessage(q, old)))

	changed, next, err := e.ChangeVisibility(q, fresh, 5*time.Minute)
	require.NoError(t, err)
	require.Equal(t, clock.Now().Add(5*time.Minute), next, "it counts from the call")
	require.Equal(t, "ReceiptHandleError", code(e.DeleteMessage(q, fresh)))
	clock.advance(4 * time.Minute)
	require.NoError(t, e.DeleteMessage(q, changed))
	require.Equal(t, "MessageNotExist", code(e.DeleteMessage(q, changed)))
	require.Equal(t, "ReceiptHandleError", code(e.DeleteMessage(q, "gibberish")))
}

func TestTheOrderOfMessages(t *testing.T) {
	t.Parallel()
	e, clock := cloudByHand(engine.Options{})
	q := withQueue(t, e, "q", nil)
	ten := 10
	for _, m := range []engine.Outgoing{
		{Body: "usual"}, {Body: "last", Priority: 16}, {Body: "delayed", DelaySeconds: &ten, Priority: 1}, {Body: "first", Priority: 1}, {Body: "usual too"},
	} {
		_, err := e.SendMessage(q, m)
		require.NoError(t, err)
	}
	d, err := e.Queue(q)
	require.NoError(t, err)
	require.Equal(t, [3]int{4, 0, 1}, [3]int{d.Active, d.Inactive, d.Delayed})
	got, err := e.ReceiveMessages(q, 3, 0)
	require.NoError(t, err)
	require.Equal(t, []string{"first", "usual", "usual too"}, bodies(got))
	clock.advance(10 * time.Second)
	seen, err := e.PeekMessages(q, 16)
	require.NoError(t, err)
	require.Equal(t, []string{"delayed", "last"}, bodies(seen))
	require.Empty(t, seen[0].ReceiptHandle)
	require.Equal(t, seen[0].Enqueued, seen[0].FirstDequeued)
	d, err = e.Queue(q)
	require.NoError(t, err)
	require.Equal(t, [3]int{2, 3, 0}, [3]int{d.Active, d.Inactive, d.Delayed})
}

func TestAQueuesDelayHoldsForMessagesThatSayNothing(t *testing.T) {
	t.Parallel()
	e, _ := cloudByHand(engine.Options{})
	q := withQueue(t, e, "q", func(a *engine.QueueAttributes) { a.DelaySeconds = 60 })
	now := 0
	_, err := e.SendMessages(q, engine.Outgoing{Body: "later"}, engine.Outgoing{Body: "now", DelaySeconds: &now})
	require.NoError(t, err)
	require.Equal(t, []string{"now"}, bodies(receiveAll(t, e, q)))
}

func TestAMessageIsDroppedAfterTheRetentionPeriod(t *testing.T) {
	t.Parallel()
	e, clock := cloudByHand(engine.Options{})
	q := withQueue(t, e, "q", func(a *engine.QueueAttributes) { a.MessageRetentionPeriod = 60 })
	send(t, e, q, "x")
	clock.advance(59 * time.Second)
	got := receiveAll(t, e, q)
	require.Len(t, got, 1)
	clock.advance(time.Second)
	all, err := e.QueueMessages(q)
	require.NoError(t, err)
	require.Empty(t, all, "hidden or not")
	require.Equal(t, "MessageNotExist", code(e.DeleteMessage(q, got[0].ReceiptHandle)))
}

func TestADeadLetterPolicyMovesWhatWasReceivedTooOften(t *testing.T) {
	t.Parallel()
	e, clock := cloudByHand(engine.Options{})
	dead := withQueue(t, e, "dead", nil)
	q := withQueue(t, e, "q", func(a *engine.QueueAttributes) {
		a.DeadLetter = engine.DeadLetterPolicy{Enabled: true, Target: "acs:mns:cn-hangzhou:1:/queues/dead", MaxReceiveCount: 2}
	})
	sent := send(t, e, q, "poison")
	start := clock.Now()
	for range 2 {
		require.Len(t, receiveAll(t, e, q), 1)
		require.Empty(t, receiveAll(t, e, dead), "its last receiver may still delete it")
		clock.advance(30 * time.Second)
	}
	require.Empty(t, receiveAll(t, e, q))
	got := receiveAll(t, e, dead)
	require.Equal(t, []string{"poison"}, bodies(got))
	require.Equal(t, 1, got[0].DequeueCount)
	require.Equal(t, start, got[0].Enqueued, "its age goes on")
	require.NotEqual(t, sent.MessageID, got[0].ID)
}

func TestADeadLetterTarget(t *testing.T) {
	t.Parallel()
	e, _ := cloudByHand(engine.Options{})
	withQueue(t, e, "dead", nil)
	for name, tc := range map[string]engine.DeadLetterPolicy{
		"must exist":                          {Enabled: true, Target: "nowhere", MaxReceiveCount: 3},
		"must be another queue":               {Enabled: true, Target: "q", MaxReceiveCount: 3},
		"must be for at least one receive":    {Enabled: true, Target: "dead", MaxReceiveCount: 0},
		"must be for at most a thousand ones": {Enabled: true, Target: "dead", MaxReceiveCount: 1001},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := engine.DefaultQueueAttributes()
			a.DeadLetter = tc
			_, err := e.CreateQueue(ref("q"), a)
			require.Equal(t, "InvalidArgument", code(err))
		})
	}
}

func TestMakingQueues(t *testing.T) {
	t.Parallel()
	e, clock := cloudByHand(engine.Options{Quotas: engine.Quotas{QueuesPerRegion: 2}, Switches: engine.Switches{QueueNameCoolsDown: true}})
	q := withQueue(t, e, "q", nil)
	created, err := e.CreateQueue(q, engine.DefaultQueueAttributes())
	require.NoError(t, err)
	require.False(t, created, "an equal one is there")
	other := engine.DefaultQueueAttributes()
	other.VisibilityTimeout = 31
	_, err = e.CreateQueue(q, other)
	require.Equal(t, "QueueAlreadyExist", code(err))
	_, err = e.CreateQueue(engine.QueueRef{Region: "mars", Name: "q"}, other)
	require.Equal(t, "InvalidRequestURL", code(err))
	withQueue(t, e, "q2", nil)
	_, err = e.CreateQueue(ref("q3"), other)
	require.Equal(t, "QueueNumExceededLimit", code(err))
	_, err = e.CreateQueue(engine.QueueRef{Region: "cn-beijing", Name: "q"}, other)
	require.NoError(t, err, "the quota is a region's, and so is the name")

	e.DeleteQueue(q)
	_, err = e.CreateQueue(q, other)
	require.Equal(t, "QueueDeletedRecently", code(err))
	clock.advance(time.Minute)
	_, err = e.CreateQueue(q, other)
	require.NoError(t, err)
}

func TestTheNameOfADeletedQueueIsFreeAtOnceUnlessSwitched(t *testing.T) {
	t.Parallel()
	e, _ := cloudByHand(engine.Options{})
	q := withQueue(t, e, "q", nil)
	send(t, e, q, "x")
	e.DeleteQueue(q)
	withQueue(t, e, "q", nil)
	require.Empty(t, receiveAll(t, e, q), "the messages went with the queue")
}

func TestTheRangesOfAQueuesAttributes(t *testing.T) {
	t.Parallel()
	e, _ := cloudByHand(engine.Options{})
	for name, tc := range map[string]struct {
		field     func(*engine.QueueAttributes) *int
		low, high int
	}{
		"delay":      {func(a *engine.QueueAttributes) *int { return &a.DelaySeconds }, 0, 604800},
		"size":       {func(a *engine.QueueAttributes) *int { return &a.MaximumMessageSize }, 1024, 65536},
		"retention":  {func(a *engine.QueueAttributes) *int { return &a.MessageRetentionPeriod }, 60, 604800},
		"visibility": {func(a *engine.QueueAttributes) *int { return &a.VisibilityTimeout }, 1, 43200},
		"polling":    {func(a *engine.QueueAttributes) *int { return &a.PollingWaitSeconds }, 0, 30},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for value, good := range map[int]bool{tc.low - 1: false, tc.low: true, tc.high: true, tc.high + 1: false} {
				a := engine.DefaultQueueAttributes()
				*tc.field(&a) = value
				_, err := e.CreateQueue(ref(fmt.Sprintf("%s%d", name, value+1)), a)
				require.Equal(t, good, err == nil, "%d: %v", value, err)
			}
		})
	}
}

func TestWhatAQueueDoesNotTake(t *testing.T) {
	t.Parallel()
	e, _ := cloudByHand(engine.Options{})
	q := withQueue(t, e, "q", func(a *engine.QueueAttributes) { a.MaximumMessageSize = 40000 })
	long := string(make([]byte, 40000))
	for name, tc := range map[string]struct {
		send []engine.Outgoing
		code string
	}{
		"as long as the queue allows":    {[]engine.Outgoing{{Body: long}}, "<nil>"},
		"longer than the queue allows":   {[]engine.Outgoing{{Body: long + "x"}}, "InvalidArgument"},
		"two that are too long together": {[]engine.Outgoing{{Body: long}, {Body: long}}, "InvalidArgument"},
		"none":                           {nil, "InvalidArgument"},
		"seventeen":                      {make([]engine.Outgoing, 17), "InvalidArgument"},
		"priority 16":                    {[]engine.Outgoing{{Body: "x", Priority: 16}}, "<nil>"},
		"priority 17":                    {[]engine.Outgoing{{Body: "x", Priority: 17}}, "InvalidArgument"},
		"priority 0, which is the usual": {[]engine.Outgoing{{Body: "x"}}, "<nil>"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := e.SendMessages(q, tc.send...)
			require.Equal(t, tc.code, code(err))
		})
	}
	_, err := e.SendMessage(ref("none"), engine.Outgoing{Body: "x"})
	require.Equal(t, "QueueNotExist", code(err))
}

// badCourier repeats everything, late, and the last first.
type badCourier struct{ again int }

func (*badCourier) Call(string, string, bool) engine.Fault { return engine.Fault{} }
func (*badCourier) Slow(time.Duration) time.Duration       { return 0 }
func (*badCourier) Late(string) time.Duration              { return 2 * time.Second }
func (*badCourier) RefuseEntry(string) bool                { return false }
func (*badCourier) Pick(_ string, n int) int               { return n - 1 }
func (b *badCourier) Again(string) (time.Duration, bool) {
	b.again--
	return 5 * time.Second, b.again >= 0
}

func TestABadCourierKeepsToTheContract(t *testing.T) {
	t.Parallel()
	e, clock := cloudByHand(engine.Options{Faults: &badCourier{again: 1}})
	q := withQueue(t, e, "q", nil)
	send(t, e, q, "1")
	send(t, e, q, "2")
	require.Empty(t, receiveAll(t, e, q), "late")
	clock.advance(2 * time.Second)
	got := receiveAll(t, e, q)
	require.Equal(t, []string{"2", "1"}, bodies(got), "the last first")
	for _, m := range got {
		require.NoError(t, e.DeleteMessage(q, m.ReceiptHandle))
	}
	clock.advance(5 * time.Second)
	again := receiveAll(t, e, q)
	require.Equal(t, []string{"2"}, bodies(again), "once more, though it was deleted")
	require.Equal(t, got[0].ID, again[0].ID)
	require.NoError(t, e.DeleteMessage(q, again[0].ReceiptHandle))
}

func TestNoMessageIsLostOrMadeUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e, clock := cloudByHand(engine.Options{Seed: rapid.Uint64().Draw(t, "seed")})
		dead := withQueue(t, e, "dead", nil)
		q := withQueue(t, e, "q", func(a *engine.QueueAttributes) {
			a.VisibilityTimeout = 10
			a.DeadLetter = engine.DeadLetterPolicy{Enabled: true, Target: "dead", MaxReceiveCount: 3}
		})
		sent, deleted := 0, 0
		type holding struct {
			handle string
			until  time.Time
		}
		var held []holding
		t.Repeat(map[string]func(*rapid.T){
			"send": func(t *rapid.T) {
				delay := rapid.IntRange(0, 20).Draw(t, "delay")
				_, err := e.SendMessage(q, engine.Outgoing{Body: "x", DelaySeconds: &delay})
				require.NoError(t, err)
				sent++
			},
			"receive": func(t *rapid.T) {
				got, err := e.ReceiveMessages(q, rapid.IntRange(1, 16).Draw(t, "n"), 0)
				require.NoError(t, err)
				for _, m := range got {
					require.LessOrEqual(t, m.DequeueCount, 3)
					held = append(held, holding{m.ReceiptHandle, m.NextVisible})
				}
			},
			"delete": func(t *rapid.T) {
				if len(held) == 0 {
					t.Skip("nothing received")
				}
				h := held[0]
				held = held[1:]
				err := e.DeleteMessage(q, h.handle)
				require.Equal(t, clock.Now().Before(h.until), err == nil, "%v", err)
				if err == nil {
					deleted++
				}
			},
			"wait": func(t *rapid.T) { clock.advance(time.Duration(rapid.IntRange(1, 15).Draw(t, "s")) * time.Second) },
			"": func(t *rapid.T) {
				here, err := e.QueueMessages(q)
				require.NoError(t, err)
				there, err := e.QueueMessages(dead)
				require.NoError(t, err)
				require.Equal(t, sent, deleted+len(here)+len(there))
			},
		})
	})
}

func TestPurgeEmptiesAQueue(t *testing.T) {
	t.Parallel()
	e, _ := cloudByHand(engine.Options{})
	q := withQueue(t, e, "q", nil)
	send(t, e, q, "x")
	require.NoError(t, e.PurgeQueue(q))
	all, err := e.QueueMessages(q)
	require.NoError(t, err)
	require.Empty(t, all)
	require.Equal(t, "QueueNotExist", code(e.PurgeQueue(ref("none"))))
}
