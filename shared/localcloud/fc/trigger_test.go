package fc_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/events"
	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/fc"
	"vpcinterconnect/shared/localcloud/fc/manifest"
)

func streaming(change func(*manifest.QueueTrigger)) manifest.Function {
	f := testFunction()
	t := manifest.QueueTrigger{
		Name: "queue", Region: "cn-hangzhou", Queue: "work", Enabled: true, Streaming: true, Tolerant: true, Batch: 1, DeadLetters: "dead",
	}
	if change != nil {
		change(&t)
	}
	f.Queues = []manifest.QueueTrigger{t}
	f.Timeout = 2 * time.Second
	return f
}

func TestAStreamPushesAndDeletesWhatSucceeded(t *testing.T) {
	t.Parallel()
	c := newCloud()
	p, _ := started(t, c, streaming(nil), fc.Options{})
	for range 7 {
		require.NoError(t, c.Send("work", []byte(`{"do":"well"}`)))
	}
	soon(t, "all are pushed and deleted", func() bool { return p.Stats()[0].Invocations == 7 && c.unsettled() == 0 })
	require.Empty(t, c.bodies("dead"))
}

func TestAFailingEventIsTriedFourTimesThenIsADeadLetter(t *testing.T) {
	t.Parallel()
	for name, event := range map[string]string{"an error": "do:fail", "a panic": "do:panic", "a dying process": "do:exit"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud()
			p, s := started(t, c, streaming(nil), fc.Options{Hurry: 500})
			require.NoError(t, c.Send("work", []byte(event)))
			soon(t, "it is a dead letter and off its queue", func() bool { return len(c.bodies("dead")) == 1 && c.unsettled() == 0 })
			require.Equal(t, 4, p.Stats()[0].Invocations)
			require.Equal(t, 3, s.count(fc.EventRetry))
			require.Contains(t, c.bodies("dead")[0], event)
			require.Equal(t, 1, p.Stats()[0].DeadLetters)
		})
	}
}

func TestExponentialDecayGoesOnForADay(t *testing.T) {
	t.Parallel()
	c := newCloud()
	f := streaming(func(q *manifest.QueueTrigger) { q.Exponential = true })
	p, _ := started(t, c, f, fc.Options{Hurry: 1e6})
	require.NoError(t, c.Send("work", []byte("do:fail")))
	soon(t, "it is a dead letter", func() bool { return len(c.bodies("dead")) == 1 })
	require.Equal(t, 177, p.Stats()[0].Invocations)
}

func TestWithoutToleranceOneBadEventStopsTheStream(t *testing.T) {
	t.Parallel()
	c := newCloud()
	f := streaming(func(q *manifest.QueueTrigger) { q.Tolerant = false })
	p, s := started(t, c, f, fc.Options{Hurry: 500, Parallel: 1})
	require.NoError(t, c.Send("work", []byte("do:fail")))
	require.NoError(t, c.Send("work", []byte("fine")))
	soon(t, "the stream has stopped", func() bool { return s.count(fc.EventStopped) == 1 })
	require.Equal(t, 4, p.Stats()[0].Invocations, "the second message is not pushed")
	require.Empty(t, c.bodies("dead"))
}

func TestAKilledProcessCostsATryNotTheMessage(t *testing.T) {
	t.Parallel()
	c := newCloud()
	p, _ := started(t, c, streaming(nil), fc.Options{Hurry: 500})
	require.NoError(t, c.Send("work", []byte("do:slow")))
	soon(t, "it is being handled", func() bool { ps := p.Processes(); return len(ps) == 1 && ps[0].Busy })
	require.NoError(t, syscall.Kill(p.Processes()[0].PID, syscall.SIGKILL))
	soon(t, "it succeeds in the end", func() bool { return c.unsettled() == 0 })
	require.Empty(t, c.bodies("dead"))
	require.Equal(t, 1, p.Stats()[0].Crashes)
}

func TestWhatAPushLooksLike(t *testing.T) {
	t.Parallel()
	plain := `{"a":"<&>"}`
	type cloudEvent struct {
		Type, Subject, Source string
		Data                  map[string]string
	}
	for name, c := range map[string]struct {
		change func(*manifest.QueueTrigger)
		body   string
		check  func(*testing.T, []byte)
	}{
		"streaming: an array of CloudEvents, even of one": {nil, plain, func(t *testing.T, b []byte) {
			var es []cloudEvent
			require.NoError(t, json.Unmarshal(b, &es))
			require.Len(t, es, 1)
			require.Equal(t, plain, es[0].Data["messageBody"])
			require.Equal(t, "acs:mns:cn-hangzhou:1234567890123456:queues/work", es[0].Subject)
			require.Equal(t, "MNS-my-f-queue", es[0].Source)
			require.Equal(t, "mns:Queue:SendMessage", es[0].Type)
		}},
		"event-driven: one CloudEvent, as the SDK decodes it": {func(q *manifest.QueueTrigger) { q.Streaming = false }, plain, func(t *testing.T, b []byte) {
			var e events.MnsQueueEvent
			require.NoError(t, json.Unmarshal(b, &e))
			require.Equal(t, plain, *e.Data.MessageBody)
			require.Equal(t, "m1", *e.Data.MessageID)
		}},
		"raw data: an array of the data": {func(q *manifest.QueueTrigger) { q.RawData = true }, plain, func(t *testing.T, b []byte) {
			var ds []map[string]string
			require.NoError(t, json.Unmarshal(b, &ds))
			require.Equal(t, plain, ds[0]["messageBody"])
		}},
		"base64 undone": {func(q *manifest.QueueTrigger) { q.Base64Decode = true }, base64.StdEncoding.EncodeToString([]byte(plain)), func(t *testing.T, b []byte) {
			var es []cloudEvent
			require.NoError(t, json.Unmarshal(b, &es))
			require.Equal(t, plain, es[0].Data["messageBody"])
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// A function that fails has its event in the dead-letter queue.
			cl := newCloud()
			f := streaming(c.change)
			f.Environment = map[string]string{"FAIL": "1"}
			started(t, cl, f, fc.Options{Hurry: 1e5})
			require.NoError(t, cl.Send("work", []byte(c.body)))
			soon(t, "the event is seen", func() bool { return len(cl.bodies("dead")) == 1 })
			c.check(t, []byte(cl.bodies("dead")[0]))
		})
	}
}

func TestABatchIsFilledUntilItsWindowIsOver(t *testing.T) {
	t.Parallel()
	c := newCloud()
	f := streaming(func(q *manifest.QueueTrigger) { q.Batch, q.Window = 5, 15*time.Second })
	for range 7 {
		require.NoError(t, c.Send("work", []byte("x")))
	}
	p, _ := started(t, c, f, fc.Options{Hurry: 100})
	soon(t, "all are pushed", func() bool { return c.unsettled() == 0 && len(c.bodies("work")) == 0 })
	require.Equal(t, 2, p.Stats()[0].Invocations, "five and two")
}

func TestASecondPushOfTheSameIsDrawnBySeed(t *testing.T) {
	t.Parallel()
	c := newCloud()
	p, _ := started(t, c, streaming(nil), fc.Options{Chaos: fc.Chaos{PushTwice: 1}})
	require.NoError(t, c.Send("work", []byte("x")))
	soon(t, "it is settled", func() bool { return c.unsettled() == 0 && len(c.bodies("work")) == 0 && p.Stats()[0].Invocations == 2 })
}

func httpFunction() manifest.Function {
	f := testFunction()
	f.HTTP = &manifest.HTTPTrigger{Name: "http", Methods: []string{"GET", "POST"}}
	return f
}

func TestTheHTTPTriggerDeliversTheDocumentedEvent(t *testing.T) {
	t.Parallel()
	p, _ := started(t, newCloud(), httpFunction(), fc.Options{})
	req, err := http.NewRequest("POST", p.URL("f")+"/a%2Fb/c?x=1&x=2&y=%20", strings.NewReader("hällo"))
	require.NoError(t, err)
	req.Header.Add("X-Many", "1")
	req.Header.Add("X-Many", "2")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, 201, res.StatusCode)
	require.Equal(t, "echo", res.Header.Get("X-Is"))
	require.NotEqual(t, "mine", res.Header.Get("Server"))
	require.NotEmpty(t, res.Header.Get("X-Fc-Request-Id"))
	var e events.HTTPTriggerEvent
	require.NoError(t, json.NewDecoder(res.Body).Decode(&e))
	require.Equal(t, "/a%2Fb/c", *e.RawPath)
	require.Equal(t, "/a/b/c", *e.TriggerContext.Http.Path)
	require.Equal(t, "POST", *e.TriggerContext.Http.Method)
	require.Equal(t, "127.0.0.1", *e.TriggerContext.Http.SourceIp)
	require.Equal(t, map[string]string{"x": "1,2", "y": " "}, *e.QueryParameters)
	require.Equal(t, "1,2", (*e.Headers)["X-Many"])
	require.Equal(t, "hällo", *e.Body)
	require.False(t, *e.IsBase64Encoded)
}

func TestBinaryBodiesArriveInBase64(t *testing.T) {
	t.Parallel()
	p, _ := started(t, newCloud(), httpFunction(), fc.Options{})
	binary := []byte{0xff, 0x00, 0x80}
	res, err := http.Post(p.URL("f"), "application/octet-stream", bytes.NewReader(binary))
	require.NoError(t, err)
	defer res.Body.Close()
	var e events.HTTPTriggerEvent
	require.NoError(t, json.NewDecoder(res.Body).Decode(&e))
	require.True(t, *e.IsBase64Encoded)
	require.Equal(t, base64.StdEncoding.EncodeToString(binary), *e.Body)
}

func TestTheHTTPTriggerRefuses(t *testing.T) {
	t.Parallel()
	f := httpFunction()
	f.Timeout = time.Second
	p, _ := started(t, newCloud(), f, fc.Options{})
	for name, c := range map[string]struct {
		method, path, header, body string
		want                       int
	}{
		"a method that the trigger does not list": {"DELETE", "/", "", "", 405},
		"a path over 4 KB":                        {"GET", "/" + strings.Repeat("x", 4<<10), "", "", 414},
		"headers over 8 KB":                       {"GET", "/", strings.Repeat("x", 8<<10), "", 431},
		"a body over 32 MB":                       {"POST", "/", "", strings.Repeat("x", 32<<20+1), 413},
		"a function that fails":                   {"POST", "/", "", "do:fail", 502},
		"a function that dies":                    {"POST", "/", "", "do:exit", 502},
		"a function that takes too long":          {"POST", "/", "", "do:hang", 504},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req, err := http.NewRequest(c.method, p.URL("f")+c.path, strings.NewReader(c.body))
			require.NoError(t, err)
			req.Header.Set("X-Long", c.header)
			res, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.Equal(t, c.want, res.StatusCode, "%s", body)
		})
	}
}
