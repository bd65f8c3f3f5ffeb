package mns_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/mns"
	"vpcinterconnect/shared/trigger"
)

func TestAnEndpointOfAnotherFormIsRefusedWithoutAPanic(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"", "localhost:8080", "http://localhost:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080/1.mns.cn-qingdao.aliyuncs.com",
		"https://1.mns.cn-qingdao.aliyuncs.com/queues", "http://1.mns.cn-qingdao.aliyuncs.com", "https://u:p@1.mns.cn-qingdao.aliyuncs.com",
		"https://x.mns.cn-qingdao.aliyuncs.com", "https://1.mns.cn-qingdao.aliyuncs.com.cn", "https://1.mns..aliyuncs.com",
		"https://1.mns.cn-qingdao.aliyuncs.com?a=b", "ftp://localhost/1.mns.cn-qingdao.aliyuncs.com", "\x7f", "https://1.mns.cn-qingdao.aliyuncs.com\n",
	} {
		c, err := mns.New(invocation(), mns.Options{Endpoint: bad, Prefix: "vi"})
		require.Error(t, err, bad)
		require.Nil(t, c)
		require.Contains(t, err.Error(), "localhost")
	}
	for _, good := range []string{
		"https://1234567890123456.mns.cn-qingdao.aliyuncs.com", "https://1234567890123456.mns.cn-qingdao-internal.aliyuncs.com",
		"https://1.mns.ap-southeast-1.aliyuncs.com/", "http://localhost:8080/1.mns.cn-qingdao.aliyuncs.com", "https://mns/1.mns.cn-qingdao.aliyuncs.com/",
	} {
		_, err := mns.New(invocation(), mns.Options{Endpoint: good, Prefix: "vi"})
		require.NoError(t, err, good)
	}
}

func TestAClientWithoutCredentialsOrPrefixIsRefused(t *testing.T) {
	t.Parallel()
	o := mns.Options{Endpoint: "https://1.mns.cn-qingdao.aliyuncs.com", Prefix: "vi"}
	_, err := mns.New(trigger.Invocation{}, o)
	require.ErrorContains(t, err, "role")
	o.Prefix = ""
	_, err = mns.New(invocation(), o)
	require.ErrorContains(t, err, "prefix")
}

func TestAMessageArrivesAsItWasSent(t *testing.T) {
	t.Parallel()
	s, server := newStub(t)
	c := newClient(t, server)
	ctx := context.Background()
	body := "{\"k\":\"<v>&'\\u0000 中\"}\r\n\t"
	require.NoError(t, c.Send(ctx, "routes", []byte(body), 1500*time.Millisecond))
	require.Equal(t, body, s.kept()[0].Body)
	require.Equal(t, 2, s.kept()[0].Delay, "whole seconds, never too early")
	require.Equal(t, 8, s.kept()[0].Priority)

	peeked, err := c.Peek(ctx, "routes", 100)
	require.NoError(t, err)
	require.Len(t, peeked, 1)
	require.Equal(t, body, string(peeked[0].Body))
	require.Empty(t, peeked[0].Handle)

	got, err := c.Receive(ctx, "routes", 0)
	require.NoError(t, err)
	require.Equal(t, "m0", got.ID)
	require.Equal(t, body, string(got.Body))
	require.Equal(t, 1, got.DequeueCount)
	require.Equal(t, time.UnixMilli(1790000000000).UTC(), got.Enqueued)
	require.True(t, got.FirstDequeue.IsZero())

	require.NoError(t, c.Delete(ctx, "routes", got.Handle), "a handle with characters that need escaping")
	require.True(t, s.kept()[0].gone)
	require.NoError(t, c.Delete(ctx, "routes", got.Handle), "gone already")

	none, err := c.Receive(ctx, "routes", 2*time.Second)
	require.NoError(t, err)
	require.Nil(t, none)
	require.Equal(t, "2", s.asked()[len(s.asked())-1].URL.Query().Get("waitseconds"))
}

func TestWhatAQueueWouldGarbleIsNotSent(t *testing.T) {
	t.Parallel()
	s, server := newStub(t)
	c := newClient(t, server)
	for name, send := range map[string]func() error{
		"an empty body":                  func() error { return c.Send(t.Context(), "routes", nil, 0) },
		"a body too long":                func() error { return c.Send(t.Context(), "routes", []byte(strings.Repeat("x", mns.MaxBody+1)), 0) },
		"a control character":            func() error { return c.Send(t.Context(), "routes", []byte("a\x00b"), 0) },
		"an invalid byte":                func() error { return c.Send(t.Context(), "routes", []byte("a\xffb"), 0) },
		"a character that XML forbids":   func() error { return c.Send(t.Context(), "routes", []byte("\uFFFE"), 0) },
		"a delay below zero":             func() error { return c.Send(t.Context(), "routes", []byte("{}"), -time.Second) },
		"a delay too long":               func() error { return c.Send(t.Context(), "routes", []byte("{}"), 8*24*time.Hour) },
		"a queue's name with a slash":    func() error { return c.Send(t.Context(), "routes/../x", []byte("{}"), 0) },
		"a queue's name far too long":    func() error { return c.Send(t.Context(), strings.Repeat("q", 200), []byte("{}"), 0) },
		"an empty handle to delete by":   func() error { return c.Delete(t.Context(), "routes", "") },
		"a queue's name with a question": func() error { _, err := c.Receive(t.Context(), "routes?x=y", 0); return err },
	} {
		var e *mns.Error
		require.ErrorAs(t, send(), &e, name)
		require.Equal(t, mns.Invalid, e.Class, name)
		require.False(t, e.Unknown)
	}
	require.Empty(t, s.asked())
	require.NoError(t, c.Send(t.Context(), "routes", []byte(strings.Repeat("x", mns.MaxBody)), 0))
}

func TestErrorsHaveClasses(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name   string
		status int
		code   string
		class  mns.Class
	}{
		{"a role without the right", 403, "AccessDenied", mns.Denied},
		{"a key that is none", 403, "InvalidAccessKeyId", mns.Denied},
		{"a wrong signature", 403, "SignatureDoesNotMatch", mns.Denied},
		{"too many requests", 503, "QpsLimitExceeded", mns.Throttled},
		{"an error inside the service", 500, "InternalError", mns.Transient},
		{"a code unheard of", 400, "SomethingNew", mns.Invalid},
		{"a code unheard of, inside the service", 500, "SomethingNew", mns.Transient},
		{"a clock that is wrong", 400, "TimeExpired", mns.Transient},
		{"a queue that is not there", 404, "QueueNotExist", mns.QueueMissing},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			s, server := newStub(t)
			answer := func(w http.ResponseWriter, _ func()) bool { return refuse(w, x.status, x.code, "words") }
			s.fail = append(s.fail, answer, answer)
			err := newClient(t, server).Send(t.Context(), "routes", []byte("{}"), 0)
			var e *mns.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, x.class, e.Class)
			require.Equal(t, x.code, e.Code)
			require.Regexp(t, `^req-\d$`, e.RequestID)
			require.Equal(t, "vi-routes", e.Queue)
			requireNoSecret(t, err)
		})
	}
	t.Run("another queue's name", func(t *testing.T) {
		t.Parallel()
		_, server := newStub(t)
		_, err := newClient(t, server).Receive(t.Context(), "nowhere", 0)
		var e *mns.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, mns.QueueMissing, e.Class)
	})
	for name, answer := range map[string]func(w http.ResponseWriter, _ func()) bool{
		"a proxy's page": func(w http.ResponseWriter, _ func()) bool {
			w.WriteHeader(502)
			fmt.Fprint(w, "<html>bad gateway "+token+"</html>")
			return true
		},
		"a success that is no XML": func(w http.ResponseWriter, _ func()) bool { fmt.Fprint(w, "odd"); return true },
		"a success without a body": func(w http.ResponseWriter, _ func()) bool { w.WriteHeader(200); return true },
		"an XML of something else": func(w http.ResponseWriter, _ func()) bool { fmt.Fprint(w, "<Odd/>"); return true },
		"an answer that breaks off": func(w http.ResponseWriter, _ func()) bool {
			w.Header().Set("Content-Length", "99")
			fmt.Fprint(w, "<Mes")
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, server := newStub(t)
			s.fail = append(s.fail, answer, answer)
			err := newClient(t, server).Send(t.Context(), "routes", []byte("{}"), 0)
			var e *mns.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, mns.Transient, e.Class)
			require.True(t, e.Unknown)
			require.Len(t, s.asked(), 2, "once more")
			requireNoSecret(t, err)
		})
	}
}

func requireNoSecret(t *testing.T, err error) {
	t.Helper()
	for _, s := range []string{secret, token, "MNS AK", "127.0.0.1", "localhost"} {
		require.NotContains(t, err.Error(), s)
		require.NotContains(t, fmt.Sprintf("%+v", err), s)
	}
}

func hangUp(t *testing.T, before bool) func(w http.ResponseWriter, keep func()) bool {
	return func(w http.ResponseWriter, keep func()) bool {
		if !before {
			keep()
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return true
		}
		conn.Close()
		return true
	}
}

func TestAConnectionThatClosesBeforeItsAnswer(t *testing.T) {
	t.Parallel()
	t.Run("a message taken before that arrives twice: consumers have to know", func(t *testing.T) {
		t.Parallel()
		s, server := newStub(t)
		s.fail = append(s.fail, hangUp(t, false))
		require.NoError(t, newClient(t, server).Send(t.Context(), "routes", []byte("{}"), 0))
		require.Len(t, s.kept(), 2)
		require.Len(t, s.asked(), 2)
	})
	t.Run("it is sent once more, not five times", func(t *testing.T) {
		t.Parallel()
		s, server := newStub(t)
		for range 9 {
			s.fail = append(s.fail, hangUp(t, true))
		}
		err := newClient(t, server).Send(t.Context(), "routes", []byte("{}"), 0)
		var e *mns.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, mns.Transient, e.Class)
		require.True(t, e.Unknown)
		require.Len(t, s.asked(), 2)
		requireNoSecret(t, err)
	})
}

func TestACallEndsWithItsContextOrItsTime(t *testing.T) {
	t.Parallel()
	hang := roundTripper(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	t.Run("a context that ends", func(t *testing.T) {
		t.Parallel()
		_, server := newStub(t)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := newClient(t, server, func(o *mns.Options) { o.Transport = hang }).Receive(ctx, "routes", 30*time.Second)
		require.Error(t, err)
		require.Less(t, time.Since(began), 5*time.Second)
	})
	t.Run("a context that has ended: nothing is sent", func(t *testing.T) {
		t.Parallel()
		s, server := newStub(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, newClient(t, server).Send(ctx, "routes", []byte("{}"), 0), context.Canceled)
		require.Empty(t, s.asked())
	})
	t.Run("its own time", func(t *testing.T) {
		t.Parallel()
		_, server := newStub(t)
		c := newClient(t, server, func(o *mns.Options) { o.Transport, o.Timeout = hang, 20*time.Millisecond })
		var e *mns.Error
		require.ErrorAs(t, c.Send(t.Context(), "routes", []byte("{}"), 0), &e)
		require.Equal(t, "no answer in time", e.Message)
		require.True(t, e.Unknown)
	})
	t.Run("a network that fails says so without saying where", func(t *testing.T) {
		t.Parallel()
		_, server := newStub(t)
		server.Close()
		err := newClient(t, server).Send(t.Context(), "routes", []byte("{}"), 0)
		require.ErrorContains(t, err, "network")
		requireNoSecret(t, err)
	})
	t.Run("a transport that panics", func(t *testing.T) {
		t.Parallel()
		_, server := newStub(t)
		c := newClient(t, server, func(o *mns.Options) {
			o.Transport = roundTripper(func(*http.Request) (*http.Response, error) { panic(errors.New(secret)) })
		})
		err := c.Send(t.Context(), "routes", []byte("{}"), 0)
		require.ErrorContains(t, err, "panicked")
		requireNoSecret(t, err)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestATransportInProcessCarriesTheRequests(t *testing.T) {
	t.Parallel()
	s, server := newStub(t)
	seen := ""
	c := newClient(t, server, func(o *mns.Options) {
		o.Endpoint = "https://1234567890123456.mns.cn-qingdao.aliyuncs.com"
		o.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			seen = r.URL.String()
			r.URL.Scheme, r.URL.Host, r.URL.Path = "http", strings.TrimPrefix(server.URL, "http://"), account+r.URL.Path
			return http.DefaultTransport.RoundTrip(r)
		})
	})
	require.NoError(t, c.Send(t.Context(), "routes", []byte("{}"), 0))
	require.Equal(t, "https://1234567890123456.mns.cn-qingdao.aliyuncs.com/queues/vi-routes/messages", seen)
	require.Len(t, s.kept(), 1)
}

func TestManyGoroutinesMayUseOneClient(t *testing.T) {
	t.Parallel()
	s, server := newStub(t)
	c := newClient(t, server)
	var group sync.WaitGroup
	for n := range 20 {
		group.Go(func() {
			if err := c.Send(t.Context(), "routes", fmt.Appendf(nil, `{"n":%d}`, n), 0); err != nil {
				t.Error(err)
			}
			if _, err := c.Peek(t.Context(), "routes", 16); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	bodies := map[string]bool{}
	for _, m := range s.kept() {
		bodies[m.Body] = true
	}
	require.Len(t, bodies, 20)
}
