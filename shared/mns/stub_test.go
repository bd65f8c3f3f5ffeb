package mns_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/mns"
	"vpcinterconnect/shared/trigger"
)

const (
	account = "/1234567890123456.mns.cn-qingdao.aliyuncs.com"
	secret  = "SECRETKEY"
	token   = "SECURITYTOKEN"
)

type stored struct {
	Body     string `xml:"MessageBody"`
	Delay    int    `xml:"DelaySeconds"`
	Priority int    `xml:"Priority"`
	id       string
	handle   string
	received int
	gone     bool
}

// stub is a message service with what these tests need: one queue, vi-routes.
type stub struct {
	mu       sync.Mutex
	messages []*stored
	requests []*http.Request
	fail     []func(w http.ResponseWriter, keep func()) bool // of the next requests; true: answered
	problems []string
}

func newStub(t *testing.T) (*stub, *httptest.Server) {
	s := &stub{}
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		require.Empty(t, s.problems)
	})
	return s, server
}

func invocation() trigger.Invocation {
	return trigger.Invocation{Credentials: trigger.Credentials{AccessKeyID: "AK", AccessKeySecret: secret, SecurityToken: token}}
}

func newClient(t *testing.T, server *httptest.Server, change ...func(*mns.Options)) *mns.Client {
	t.Helper()
	o := mns.Options{Endpoint: endpointOf(server), Prefix: "vi"}
	for _, c := range change {
		c(&o)
	}
	c, err := mns.New(invocation(), o)
	require.NoError(t, err)
	return c
}

func endpointOf(server *httptest.Server) string {
	return strings.Replace(server.URL, "127.0.0.1", "localhost", 1) + account
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	s.check(r, body)
	w.Header().Set("x-mns-request-id", "req-"+strconv.Itoa(len(s.requests)))
	carryOut := func() { s.serve(w, r, body) }
	if len(s.fail) > 0 {
		f := s.fail[0]
		s.fail = s.fail[1:]
		if f(w, func() { s.serve(httptest.NewRecorder(), r, body) }) {
			return
		}
	}
	carryOut()
}

// asked returns the requests so far. A client may have given up on one that is
// still being answered.
func (s *stub) asked() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// kept returns the messages so far, by the same token.
func (s *stub) kept() []*stored {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// check holds what the service checks of every request.
func (s *stub) check(r *http.Request, body []byte) {
	resource, ok := strings.CutPrefix(r.RequestURI, account)
	expect := func(ok bool, format string, args ...any) {
		if !ok {
			s.problems = append(s.problems, fmt.Sprintf(format, args...))
		}
	}
	expect(ok, "path %s", r.RequestURI)
	sum := fmt.Sprintf("%x", md5.Sum(body))
	expect(r.Header.Get("Content-MD5") == base64.StdEncoding.EncodeToString([]byte(sum)), "Content-MD5 %s", r.Header.Get("Content-MD5"))
	expect(r.Header.Get("security-token") == token, "security-token missing")
	date, err := http.ParseTime(r.Header.Get("Date"))
	expect(err == nil && time.Since(date).Abs() < time.Minute, "Date %s", r.Header.Get("Date"))
	var own []string
	for k := range r.Header {
		if k = strings.ToLower(k); strings.HasPrefix(k, "x-mns-") {
			own = append(own, k+":"+r.Header.Get(k))
		}
	}
	sort.Strings(own)
	signed := strings.Join([]string{r.Method, r.Header.Get("Content-MD5"), r.Header.Get("Content-Type"), r.Header.Get("Date"), strings.Join(own, "\n"), resource}, "\n")
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(signed))
	expect(r.Header.Get("Authorization") == "MNS AK:"+base64.StdEncoding.EncodeToString(mac.Sum(nil)), "signature of %q", signed)
}

func refuse(w http.ResponseWriter, status int, code, message string) bool {
	w.Header().Set("Content-Type", "text/xml;charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0"?><Error xmlns="http://mns.aliyuncs.com/doc/v1/"><Code>%s</Code><Message>%s</Message><RequestId>req-x</RequestId><HostId>h</HostId></Error>`, code, message)
	return true
}

func (s *stub) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	if !strings.HasPrefix(r.URL.Path, account+"/queues/vi-routes/messages") {
		refuse(w, 404, "QueueNotExist", "The queue name you provided is not exist.")
		return
	}
	query := r.URL.Query()
	switch {
	case r.Method == http.MethodPost:
		m := &stored{id: "m" + strconv.Itoa(len(s.messages))}
		if xml.Unmarshal(body, m) != nil {
			refuse(w, 400, "MalformedXML", "malformed")
			return
		}
		s.messages = append(s.messages, m)
		w.WriteHeader(201)
		fmt.Fprintf(w, `<Message xmlns="http://mns.aliyuncs.com/doc/v1/"><MessageId>%s</MessageId><MessageBodyMD5>%X</MessageBodyMD5></Message>`, m.id, md5.Sum([]byte(m.Body)))
	case r.Method == http.MethodDelete:
		for _, m := range s.messages {
			if m.handle == query.Get("ReceiptHandle") && !m.gone {
				m.gone = true
				w.WriteHeader(204)
				return
			}
		}
		refuse(w, 404, "MessageNotExist", "Message not exist.")
	case query.Get("peekonly") == "true":
		fmt.Fprint(w, `<Messages xmlns="http://mns.aliyuncs.com/doc/v1/">`)
		for _, m := range s.messages {
			s.write(w, m, false)
		}
		fmt.Fprint(w, `</Messages>`)
	default:
		for _, m := range s.messages {
			if m.handle == "" {
				m.received++
				m.handle = "h+/=" + m.id
				s.write(w, m, true)
				return
			}
		}
		refuse(w, 404, "MessageNotExist", "Message not exist.")
	}
}

func (s *stub) write(w io.Writer, m *stored, handle bool) {
	fmt.Fprintf(w, `<Message><MessageId>%s</MessageId>`, m.id)
	if handle {
		fmt.Fprintf(w, `<ReceiptHandle>%s</ReceiptHandle><NextVisibleTime>1790000030000</NextVisibleTime>`, m.handle)
	}
	fmt.Fprint(w, `<MessageBody>`)
	_ = xml.EscapeText(w, []byte(m.Body))
	fmt.Fprintf(w, `</MessageBody><EnqueueTime>1790000000000</EnqueueTime><FirstDequeueTime>0</FirstDequeueTime><DequeueCount>%d</DequeueCount><Priority>8</Priority></Message>`, m.received)
}
