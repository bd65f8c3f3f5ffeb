package whole_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
)

const (
	vpc1, table1, router1, group1 = "vpc-m5e1qingdao000000vpc1", "vtb-m5e1qingdao000000vpc1", "vrt-m5e1qingdao000000vpc1", "sg-m5e1qingdao0000group"
	vpc2, table2, router2, group2 = "vpc-2ze2beijing000000vpc2", "vtb-2ze2beijing000000vpc2", "vrt-2ze2beijing000000vpc2", "sg-2ze2beijing0000group"
)

// tutorial is the tutorial's request.
const tutorial = `{
  "id": "tutorial", "type": "ExpressConnect", "specification": "Mini.2",
  "initiator": {"regionId": "cn-qingdao", "vpcId": "` + vpc1 + `",
    "securityGroups": [{"securityGroupId": "` + group1 + `", "authorization": "CidrBlock", "allow": [{"protocol": "ICMP"}]}]},
  "acceptor": {"regionId": "cn-beijing", "vpcId": "` + vpc2 + `",
    "securityGroups": [{"securityGroupId": "` + group2 + `", "authorization": "CidrBlock", "allow": [{"protocol": "ICMP"}]}]}
}`

// reply is what the API answered.
type reply struct {
	status int
	text   string
	intake.Answer
	problem intake.Problem
}

// ask asks the API once.
func (c *cloud) ask(method, path, body string) reply {
	c.t.Helper()
	r, err := c.try(method, path, body, "Bearer "+c.Endpoints.APIToken)
	require.NoError(c.t, err)
	return r
}

func (c *cloud) try(method, path, body, token string) (reply, error) {
	req, err := http.NewRequest(method, c.Endpoints.Intake+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return reply{}, err
	}
	r := reply{status: res.StatusCode, text: string(text)}
	if res.StatusCode < 400 {
		return r, json.Unmarshal(text, &r.Answer)
	}
	return r, json.Unmarshal(text, &r.problem)
}

// post asks for a connection as often as it takes: where the cloud answers
// wrongly for a while the API says 5xx, and a client asks again.
func (c *cloud) post(body string) reply { c.t.Helper(); return c.insist("POST", "/connections", body) }

// drop has a connection taken away.
func (c *cloud) drop(id string) reply {
	c.t.Helper()
	return c.insist("DELETE", "/connections/"+id, "")
}

func (c *cloud) insist(method, path, body string) reply {
	c.t.Helper()
	var r reply
	for range 20 {
		var err error
		if r, err = c.try(method, path, body, "Bearer "+c.Endpoints.APIToken); err == nil && r.status < 500 {
			break
		}
		time.Sleep(300 * time.Millisecond)
	}
	require.Contains(c.t, []int{200, 202}, r.status, r.text)
	return r
}

// reaches waits until a connection is in a state, and its newest generation has
// ended or needs somebody.
func (c *cloud) reaches(id string, state interconnect.State, within time.Duration) reply {
	c.t.Helper()
	var last reply
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		r, err := c.try("GET", "/connections/"+id+"?live=false", "", "Bearer "+c.Endpoints.APIToken)
		if err != nil || r.status >= 500 {
			continue // a hostile cloud; the next answer is as good
		}
		if last = r; r.State == state && (r.Ended || state == interconnect.StateNeedsAttention || state == interconnect.StateConnecting) {
			return r
		}
	}
	require.Fail(c.t, "the state is not "+string(state), "%s", last.text)
	return last
}
