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
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
)

// raw is a request as a test spells it out, signed by the test's own hand.
type raw struct {
	method, path, body string
	host               string            // "": named by the path
	header             map[string]string // after signing; "-" takes one away
	signed             map[string]string // before signing
}

type answer struct {
	status int
	header http.Header
	body   string
	err    struct {
		Code, Message, RequestId, HostId string
	}
}

func (c *cloud) do(t *testing.T, r raw) answer {
	t.Helper()
	date := c.clock.Now().UTC().Format(http.TimeFormat)
	h := map[string]string{"x-mns-version": "2015-06-06", "Content-Type": "text/xml", "Date": date}
	for k, v := range r.signed {
		h[k] = v
	}
	own := "x-mns-version:" + h["x-mns-version"]
	if d := h["x-mns-date"]; d != "" {
		own = "x-mns-date:" + d + "\n" + own
		delete(h, "Date")
	}
	mac := hmac.New(sha1.New, []byte(c.key.Secret))
	fmt.Fprintf(mac, "%s\n%s\n%s\n%s\n%s\n%s", r.method, h["Content-MD5"], h["Content-Type"], h["Date"], own, r.path)
	h["Authorization"] = "MNS " + c.key.AccessKeyID + ":" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for k, v := range r.header {
		h[k] = v
	}
	url := c.endpoint() + r.path
	if r.host != "" {
		url = c.url + r.path
	}
	req, err := http.NewRequest(r.method, url, strings.NewReader(r.body))
	require.NoError(t, err)
	if r.host != "" {
		req.Host = r.host
	}
	for k, v := range h {
		if v != "-" {
			req.Header.Set(k, v)
		}
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(b)}
	if resp.StatusCode >= 400 {
		require.NoError(t, xml.Unmarshal(b, &a.err), "%s", b)
	}
	return a
}

const message = `<Message><MessageBody>x</MessageBody></Message>`

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	c := newCloud(t, nil, engine.Options{})
	c.withQueue(t, "q")
	sum := md5.Sum([]byte(message))
	at := func(d time.Duration) string { return c.clock.Now().Add(d).UTC().Format(http.TimeFormat) }
	for name, tc := range map[string]struct {
		r    raw
		want int
		code string
	}{
		"a signed request":                             {raw{}, 201, ""},
		"a digest in the SDK's form":                   {raw{signed: map[string]string{"Content-MD5": base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%x", sum))}}, 201, ""},
		"a digest in the standard's form":              {raw{signed: map[string]string{"Content-MD5": base64.StdEncoding.EncodeToString(sum[:])}}, 201, ""},
		"a digest of another body":                     {raw{signed: map[string]string{"Content-MD5": "bm8="}}, 400, "InvalidDegist"},
		"x-mns-date in the place of Date":              {raw{signed: map[string]string{"x-mns-date": at(0)}}, 201, ""},
		"a clock 14 minutes slow":                      {raw{signed: map[string]string{"Date": at(-14 * time.Minute)}}, 201, ""},
		"a clock 16 minutes slow":                      {raw{signed: map[string]string{"Date": at(-16 * time.Minute)}}, 400, "TimeExpired"},
		"a clock 16 minutes fast":                      {raw{signed: map[string]string{"Date": at(16 * time.Minute)}}, 400, "TimeExpired"},
		"a date that is none":                          {raw{signed: map[string]string{"Date": "yesterday"}}, 400, "InvalidDateHeader"},
		"no date":                                      {raw{header: map[string]string{"Date": "-"}}, 400, "MissingDateHeader"},
		"no version":                                   {raw{header: map[string]string{"x-mns-version": "-"}}, 400, "MissingVersionHeader"},
		"no signature":                                 {raw{header: map[string]string{"Authorization": "-"}}, 400, "MissingAuthorizationHeader"},
		"a signature of another kind":                  {raw{header: map[string]string{"Authorization": "Basic Zm9v"}}, 400, "InvalidAuthorizationHeader"},
		"a header of the service's that is not signed": {raw{header: map[string]string{"x-mns-prefix": "p"}}, 403, "SignatureDoesNotMatch"},
		"a wrong signature":                            {raw{header: map[string]string{"Authorization": "MNS test-key:AAAA"}}, 403, "SignatureDoesNotMatch"},
		"a key that does not exist":                    {raw{header: map[string]string{"Authorization": "MNS nobody:AAAA"}}, 403, "InvalidAccessKeyId"},
		"a token with a key that has none":             {raw{header: map[string]string{"security-token": "x"}}, 403, "AccessDenied"},
		"the service named by the host":                {raw{host: engine.DefaultAccountID + ".mns." + region + ".aliyuncs.com"}, 201, ""},
		"the service named by its inner host":          {raw{host: engine.DefaultAccountID + ".mns." + region + "-internal.aliyuncs.com"}, 201, ""},
		"the service of a region without the queue":    {raw{host: engine.DefaultAccountID + ".mns.cn-beijing.aliyuncs.com"}, 404, "QueueNotExist"},
		"the service named by nothing":                 {raw{host: "localhost"}, 400, "InvalidRequestURL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.r.method, tc.r.path, tc.r.body = "POST", "/queues/q/messages", message
			a := c.do(t, tc.r)
			require.Equal(t, tc.want, a.status, a.body)
			require.Equal(t, tc.code, a.err.Code)
			require.NotEmpty(t, a.header.Get("x-mns-request-id"))
			require.Equal(t, "2015-06-06", a.header.Get("x-mns-version"))
			if tc.code != "" {
				require.Equal(t, a.header.Get("x-mns-request-id"), a.err.RequestId)
				require.NotContains(t, a.body, c.key.Secret)
			}
		})
	}
}

func TestWhatIsNotUnderstoodIsRefused(t *testing.T) {
	t.Parallel()
	c := newCloud(t, nil, engine.Options{})
	c.withQueue(t, "q")
	for name, tc := range map[string]struct {
		method, path, body string
		code               string
	}{
		"a query that the action does not have":   {"GET", "/queues/q/messages?wait=1", "", "InvalidQueryString"},
		"a wait of 31 seconds":                    {"GET", "/queues/q/messages?waitseconds=31", "", "InvalidArgument"},
		"a batch of 17":                           {"GET", "/queues/q/messages?numOfMessages=17", "", "InvalidArgument"},
		"a batch of none":                         {"GET", "/queues/q/messages?numOfMessages=0&peekonly=true", "", "InvalidArgument"},
		"a body that is not XML":                  {"POST", "/queues/q/messages", "{}", "MalformedXML"},
		"an element that a message does not have": {"POST", "/queues/q/messages", `<Message><MessageBody>x</MessageBody><MessageGroupId>g</MessageGroupId></Message>`, "MalformedXML"},
		"such an element in a batch":              {"POST", "/queues/q/messages", `<Messages><Message><MessageBody>x</MessageBody><Tag>g</Tag></Message></Messages>`, "MalformedXML"},
		"an attribute that a queue does not have": {"PUT", "/queues/other", `<Queue><Color>red</Color></Queue>`, "MalformedXML"},
		"deleting without a handle":               {"DELETE", "/queues/q/messages", "", "MissingReceiptHandle"},
		"hiding without a handle":                 {"PUT", "/queues/q/messages?VisibilityTimeout=1", "", "MissingReceiptHandle"},
		"hiding for no time":                      {"PUT", "/queues/q/messages?receiptHandle=x", "", "MissingVisibilityTimeout"},
		"a method that the path does not have":    {"POST", "/queues/q", "", "InvalidRequestURL"},
		"a path that nobody has":                  {"GET", "/", "", "InvalidRequestURL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := c.do(t, raw{method: tc.method, path: tc.path, body: tc.body})
			require.Equal(t, tc.code, a.err.Code, a.body)
			require.Equal(t, 400, a.status)
			require.Equal(t, "http://"+engine.DefaultAccountID+".mns."+region+".aliyuncs.com", a.err.HostId)
		})
	}
}

func TestTheDocumentsHaveTheServicesNamespaceAndForms(t *testing.T) {
	t.Parallel()
	c := newCloud(t, nil, engine.Options{})
	created := c.do(t, raw{method: "PUT", path: "/queues/q"})
	require.Equal(t, 201, created.status)
	require.Equal(t, c.endpoint()+"/queues/q", created.header.Get("Location"))
	require.Equal(t, 204, c.do(t, raw{method: "PUT", path: "/queues/q"}).status)
	got := c.do(t, raw{method: "GET", path: "/queues/q"})
	require.Contains(t, got.body, `<Queue xmlns="http://mns.aliyuncs.com/doc/v1/"><QueueName>q</QueueName>`)
	require.Contains(t, got.body, `<ActiveMessages>0</ActiveMessages><InactiveMessages>0</InactiveMessages><DelayMessages>0</DelayMessages><LoggingEnabled>False</LoggingEnabled>`)
	require.Equal(t, "text/xml;charset=utf-8", got.header.Get("Content-Type"))
	sent := c.do(t, raw{method: "POST", path: "/queues/q/messages", body: message})
	require.Contains(t, sent.body, "<MessageBodyMD5>9DD4E461268C8034F5C8564E155C67A6</MessageBodyMD5>")
	peeked := c.do(t, raw{method: "GET", path: "/queues/q/messages?peekonly=true&numOfMessages=2"})
	require.Contains(t, peeked.body, `<Messages xmlns="http://mns.aliyuncs.com/doc/v1/"><Message><MessageId>`)
	require.Equal(t, 204, c.do(t, raw{method: "DELETE", path: "/queues/q"}).status)
	require.Equal(t, 204, c.do(t, raw{method: "DELETE", path: "/queues/q"}).status, "deleting what is gone succeeds")
}

// courier refuses every second message of a batch.
type courier struct {
	faults
	n *int
}

func (courier) Late(string) time.Duration          { return 0 }
func (courier) Pick(string, int) int               { return 0 }
func (courier) Again(string) (time.Duration, bool) { return 0, false }
func (c courier) RefuseEntry(string) bool          { *c.n++; return *c.n%2 == 0 }

func TestABatchThatIsTakenInPart(t *testing.T) {
	t.Parallel()
	c := newCloud(t, nil, engine.Options{Faults: courier{n: new(int)}})
	q := c.withQueue(t, "q")
	sent, err := q.BatchSendMessage(text("1"), text("2"), text("3"))
	require.Error(t, err)
	require.Len(t, sent.Messages, 3)
	require.NotEmpty(t, sent.Messages[0].MessageId)
	require.Equal(t, "InternalError", sent.Messages[1].ErrorCode)
	require.NotEmpty(t, sent.Messages[2].MessageId)
	d, err := c.Queue(engine.QueueRef{Region: region, Name: "q"})
	require.NoError(t, err)
	require.Equal(t, 2, d.Active)
}

func TestTheCloudsClockMayBeFarFromTheClients(t *testing.T) {
	t.Parallel()
	c := newCloud(t, nil, engine.Options{})
	q := c.withQueue(t, "q")
	c.clock.advance(365 * 24 * time.Hour)
	_, err := q.SendMessage(text("x"))
	require.NoError(t, err)
	got, err := receive(q)
	require.NoError(t, err)
	require.Equal(t, c.clock.Now().UnixMilli(), got.EnqueueTime)
}

func TestEveryRequestIsRecorded(t *testing.T) {
	t.Parallel()
	c := newCloud(t, nil, engine.Options{})
	q := c.withQueue(t, "q")
	_, err := q.SendMessage(text("x"))
	require.NoError(t, err)
	_, err = receiveMany(q, 4, 1)
	require.NoError(t, err)
	c.do(t, raw{method: "GET", path: "/queues/none"})
	var seen []string
	for _, r := range c.recorded() {
		seen = append(seen, fmt.Sprintf("%s %s %s %d %s", r.Action, r.Region, r.Parameters["QueueName"], r.Status, r.Code))
		require.NotEmpty(t, r.RequestID)
	}
	require.Equal(t, []string{
		"SendMessage cn-hangzhou q 201 ",
		"BatchReceiveMessage cn-hangzhou q 200 ",
		"GetQueueAttributes cn-hangzhou none 404 QueueNotExist",
	}, seen)
}
