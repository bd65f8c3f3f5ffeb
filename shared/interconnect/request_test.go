package interconnect

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const tutorialRequest = `{
  "id": "orders-to-billing", "type": "ExpressConnect", "specification": "Mini.2",
  "initiator": {
    "regionId": "cn-qingdao", "vpcId": "vpc-1", "cidrBlocks": ["192.168.0.0/16"], "routeTableIds": ["vtb-1"],
    "securityGroups": [{"securityGroupId": "sg-a", "authorization": "CidrBlock",
      "allow": [{"protocol": "ICMP"}, {"protocol": "TCP", "portRange": "5432/5432"}]}],
    "probe": {"instanceId": "i-a"}
  },
  "acceptor": {"regionId": "cn-beijing", "vpcId": "vpc-2"},
  "onFailure": "rollback", "repair": "report"
}`

func TestARequestIsDecodedWhole(t *testing.T) {
	t.Parallel()
	r, list := DecodeRequest([]byte(tutorialRequest))
	require.Empty(t, list)
	require.Equal(t, "orders-to-billing", r.ID)
	require.Equal(t, []string{"192.168.0.0/16"}, r.Initiator.CidrBlocks)
	require.Equal(t, "5432/5432", r.Initiator.SecurityGroups[0].Allow[1].PortRange)
	require.Equal(t, "i-a", r.Initiator.Probe.InstanceID)
	require.Nil(t, r.Acceptor.SecurityGroups)
	require.Empty(t, Validate(r))

	again, err := json.Marshal(r)
	require.NoError(t, err)
	require.JSONEq(t, tutorialRequest, string(again))
}

func TestDecodingNamesTheFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 30) + "1" + strings.Repeat("}", 30)
	for name, c := range map[string]struct {
		body, field, says string
	}{
		"nothing at all":                    {"", "", "empty"},
		"not JSON":                          {"hello", "", "not one JSON value"},
		"a line is told for bad syntax":     {"{\n\"id\": }", "", "line 2"},
		"something after the value":         {`{} {}`, "", "not one JSON value"},
		"a list":                            {`[]`, "", "an object belongs here"},
		"null":                              {`null`, "", "leave the field out"},
		"bytes that are not UTF-8":          {"{\"id\":\"\xff\"}", "", "UTF-8"},
		"an unknown field":                  {`{"initator": {}}`, "/initator", "there are id, type"},
		"a field in other letter case":      {`{"ID": "a"}`, "/ID", "no such field"},
		"an unknown field far down":         {`{"acceptor": {"securityGroups": [{}, {"allow": [{"ports": "1/2"}]}]}}`, "/acceptor/securityGroups/1/allow/0/ports", "protocol, portRange"},
		"a field that is given twice":       {`{"id": "a", "id": "b"}`, "/id", "twice"},
		"a repeat in another spelling":      {`{"id": "a", "\u0069d": "b"}`, "/id", "twice"},
		"a number for a string":             {`{"id": 7}`, "/id", "is a number"},
		"a string for a number":             {`{"bandwidth": "100"}`, "/bandwidth", "a number belongs here"},
		"a fraction":                        {`{"bandwidth": 1.5}`, "/bandwidth", "1.5 is not a whole number"},
		"a number without end":              {`{"bandwidth": 1e400}`, "/bandwidth", "not a whole number"},
		"a string for a list":               {`{"initiator": {"cidrBlocks": "10.0.0.0/8"}}`, "/initiator/cidrBlocks", "a list belongs here"},
		"a list for an object":              {`{"initiator": {"probe": []}}`, "/initiator/probe", "an object belongs here"},
		"null for a side":                   {`{"initiator": null}`, "/initiator", "leave the field out"},
		"nesting without end":               {deep, "/a/a/a/a/a/a/a/a/a/a/a", "nested"},
		"a key with a slash is escaped":     {`{"a/b~c": 1}`, "/a~1b~0c", "no such field"},
		"a request that is larger than any": {`{"id": "` + strings.Repeat("a", MaxRequestBytes) + `"}`, "", "bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, list := DecodeRequest([]byte(c.body))
			require.Nil(t, r)
			require.NotEmpty(t, list)
			require.Equal(t, c.field, list[0].Field)
			require.Contains(t, list[0].Sentence, c.says)
		})
	}
}

func TestDecodingReportsSeveralProblemsButNotWithoutEnd(t *testing.T) {
	t.Parallel()
	_, list := DecodeRequest([]byte(`{"id": 1, "type": 2, "acceptor": {"vpc": "x"}}`))
	require.Len(t, list, 3)

	_, list = DecodeRequest([]byte(`{"acceptor": {"cidrBlocks": [` + strings.Repeat("1,", 500) + `1]}}`))
	require.Len(t, list, maxProblems)
}

func TestAKeyOfAnyLengthIsShownShort(t *testing.T) {
	t.Parallel()
	_, list := DecodeRequest([]byte(`{"` + strings.Repeat("k", 5000) + `": 1}`))
	require.Less(t, len(list[0].Field), 100)
}

func TestTheDefaultIDIsTheSameWhicheverSideComesFirst(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		region, vpc := rapid.StringMatching(`[a-z]{2}-[a-z]{4,9}`), rapid.StringMatching(`vpc-[a-z0-9]{1,20}`)
		a := RequestSide{RegionID: region.Draw(t, "regionA"), VpcID: vpc.Draw(t, "vpcA")}
		b := RequestSide{RegionID: region.Draw(t, "regionB"), VpcID: vpc.Draw(t, "vpcB")}
		c := RequestSide{RegionID: region.Draw(t, "regionC"), VpcID: vpc.Draw(t, "vpcC")}
		ab := DefaultID(&Request{Initiator: a, Acceptor: b})
		require.Equal(t, ab, DefaultID(&Request{Initiator: b, Acceptor: a}))
		require.True(t, ValidID(ab))
		if c.RegionID != b.RegionID || c.VpcID != b.VpcID {
			require.NotEqual(t, ab, DefaultID(&Request{Initiator: a, Acceptor: c}))
		}
	})
}

func TestDecodingNeverPanics(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(tutorialRequest)
		for range rapid.IntRange(0, 6).Draw(t, "edits") {
			at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			text[at] = rapid.SampledFrom([]byte(`{}[]",:0an\ `)).Draw(t, "byte")
		}
		decodeAndValidate(t, text)
	})
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(tutorialRequest))
	f.Add([]byte(`{"initiator":{},"acceptor":{"securityGroups":[{"allow":[]}]}}`))
	f.Add([]byte(`{"id":"a","id":"b"}`))
	f.Add([]byte(`[[[[[[[[[[[[[[]]]]]]]]]]]]]]`))
	f.Fuzz(func(t *testing.T, body []byte) { decodeAndValidate(t, body) })
}

// decodeAndValidate holds what must be true of any input.
func decodeAndValidate(t require.TestingT, body []byte) {
	r, list := DecodeRequest(body)
	require.NotEqual(t, r == nil, len(list) == 0, "either a request or problems")
	require.LessOrEqual(t, len(list), maxProblems)
	if r == nil {
		return
	}
	for _, p := range Validate(r) {
		require.True(t, strings.HasPrefix(p.Field, "/"), p.Field)
		require.NotEmpty(t, p.Sentence)
	}
	var lenient Request
	require.NoError(t, json.Unmarshal(body, &lenient), "what is taken strictly is taken leniently too")
	require.Equal(t, &lenient, r)
}
