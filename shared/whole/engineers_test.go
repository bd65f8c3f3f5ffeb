package whole_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/stack"
)

// nameless is the tutorial's request without an id, seen from either side.
func nameless(exchanged bool) string {
	first, second := `{"regionId": "cn-qingdao", "vpcId": "`+vpc1+`", "securityGroups": [{"securityGroupId": "`+group1+`"}]}`,
		`{"regionId": "cn-beijing", "vpcId": "`+vpc2+`", "securityGroups": [{"securityGroupId": "`+group2+`"}]}`
	if exchanged {
		first, second = second, first
	}
	return `{"type": "ExpressConnect", "initiator": ` + first + `, "acceptor": ` + second + `}`
}

func TestTwoWhoAskForAPairAtOnceFromEitherSideGetOneConnection(t *testing.T) {
	t.Parallel()
	c := start(t, stack.Options{})
	var ids [2]string
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			for end := time.Now().Add(30 * time.Second); ids[i] == "" && time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
				if r, err := c.try("POST", "/connections", nameless(i == 1), "Bearer "+c.Endpoints.APIToken); err == nil && r.status < 300 {
					ids[i] = r.ID
				}
			}
		})
	}
	wg.Wait()
	require.NotEmpty(t, ids[0])
	require.Equal(t, ids[0], ids[1], "the id is the pair's, whoever asks")
	c.reaches(ids[0], interconnect.StateConnected, 2*time.Minute)

	list := c.insist("GET", "/connections", "")
	require.Equal(t, 1, strings.Count(list.text, `"generation":`), list.text)
	made := 0
	for _, r := range c.requests() {
		if r.Action == "CreateRouterInterface" && r.Code == "" {
			made++
		}
	}
	o := c.untouched()
	require.Len(t, o.interfaces, 2, "one pair is there; %d interfaces were made", made)
	for _, table := range []string{table1, table2} {
		require.Len(t, o.routes[table], 1)
	}
	require.ElementsMatch(t, []string{"InitiatingSide", "AcceptingSide"}, []string{o.interfaces[0].Role, o.interfaces[1].Role})
}

func TestAChangedRequestLosesNothingOfWhatStaysWanted(t *testing.T) {
	unhurried(t)
	t.Parallel()
	begin := calm
	if *long {
		begin = start
	}
	c := begin(t, stack.Options{})
	c.post(tutorial)
	c.reaches("tutorial", interconnect.StateConnected, 2*time.Minute)
	changed := strings.Replace(tutorial, `"allow": [{"protocol": "ICMP"}]`, `"allow": [{"protocol": "ICMP"}, {"protocol": "TCP", "portRange": "5432/5432"}]`, 1)
	changed = strings.Replace(changed, `"vpcId": "`+vpc1+`",`, `"vpcId": "`+vpc1+`", "cidrBlocks": ["192.168.1.0/24"],`, 1)

	stop := c.pinging()
	r := c.post(changed)
	require.Equal(t, 2, r.Generation, r.text)
	c.reaches("tutorial", interconnect.StateConnected, 2*time.Minute)
	sent, lost := stop()
	require.Greater(t, sent, 200)
	require.Zero(t, lost, "%d packets were sent", sent)
	o := c.untouched()
	require.Len(t, o.routes[table2], 1, "what is no longer wanted is gone")
	require.Equal(t, "192.168.1.0/24", o.routes[table2][0].Destination)
	require.Len(t, o.rules[group1], 2)
	require.Len(t, o.rules[group2], 1)
	require.Equal(t, "192.168.1.0/24", o.rules[group2][0].CidrBlock)
}
