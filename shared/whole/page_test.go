package whole_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/alicloud"
	"vpcinterconnect/shared/intake/page"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/trigger"
)

// byHand is the cloud as somebody sees it who may do everything.
func (c *cloud) byHand() *alicloud.Cloud {
	inv := trigger.Invocation{Region: "cn-hangzhou", Credentials: trigger.Credentials{AccessKeyID: c.Endpoints.AccessKeyID, AccessKeySecret: c.Endpoints.AccessKeySecret}}
	return alicloud.New(inv, alicloud.Options{Endpoint: c.Endpoints.OpenAPI})
}

// deleteRoute deletes a route as a person would.
func (c *cloud) deleteRoute(region, table, destination string) {
	c.t.Helper()
	ctx := context.Background()
	entries, err := c.byHand().RouteEntries(ctx, region, table)
	require.NoError(c.t, err)
	for _, e := range entries {
		if e.Destination == netip.MustParsePrefix(destination) {
			failed, err := c.byHand().DeleteRoutes(ctx, region, []interconnect.RouteEntry{e})
			require.NoError(c.t, err)
			require.Empty(c.t, failed)
		}
	}
	require.Eventually(c.t, func() bool {
		entries, err := c.byHand().RouteEntries(ctx, region, table)
		for _, e := range entries {
			if e.Destination.String() == destination {
				return false
			}
		}
		return err == nil
	}, 20*time.Second, 100*time.Millisecond)
}

// fitsIn requires that nothing sticks out of a window that wide.
func (b *browser) fitsIn(pixels int) {
	b.t.Helper()
	b.width(pixels)
	require.Equal(b.t, "0", b.run("Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)"), "at %d pixels", pixels)
}

func TestThePageShowsAConnectionAndWhereItsPacketsStop(t *testing.T) {
	b := browse(t)
	c := calm(t, stack.Options{Transition: 6 * time.Second})
	b.open(c.Endpoints.Intake + "/")
	b.enter("a wrong one")
	b.reads(10*time.Second, "does not know that token")
	require.NotEmpty(t, b.complaints(), "the console shows the 401")
	b.enter(c.Endpoints.APIToken)
	b.reads(10*time.Second, "None yet")

	c.post(tutorial)
	b.run("location.hash = '#tutorial'")
	b.reads(20*time.Second, "Being made")
	b.reads(20*time.Second, "is Connecting")
	b.reads(20*time.Second, "… not yet: routes, cn-qingdao")
	b.shot("1-during-a-connect")
	b.reads(90*time.Second, "All is there, and pings pass both ways")
	b.reads(10*time.Second, "0 % lost")
	require.Equal(t, "0", b.run("document.querySelectorAll('.picture .bad').length"))
	b.shot("2-after-it")
	b.scheme("dark")
	require.NotEqual(t, "rgb(246, 247, 249)", b.run("getComputedStyle(document.body).backgroundColor"))
	b.shot("3-in-the-dark")
	b.scheme("light")
	require.Equal(t, "rgb(246, 247, 249)", b.run("getComputedStyle(document.body).backgroundColor"))
	b.fitsIn(360)
	b.shot("4-on-a-phone")
	b.fitsIn(1200)

	c.deleteRoute("cn-beijing", table2, "192.168.0.0/16")
	b.run("document.getElementById('again').click()")
	missing := "The route to 192.168.0.0/16 in route table " + table2 + " of " + vpc2 + " is missing."
	b.reads(20*time.Second, "Packets stop: "+missing)
	b.reads(time.Second, "still passed; this has happened since")
	require.Contains(t, b.run("document.querySelector('.vpc[data-side=acceptor] li.bad').innerText"), missing)
	require.Contains(t, b.run("document.querySelector('.path li.bad').innerText"), "STOPS HERE: routes for the answer, cn-beijing")
	b.shot("5-a-route-was-deleted-by-hand")
	require.Equal(t, 202, c.ask("POST", "/connections/tutorial/verifications", "").status)
	b.run("document.getElementById('again').click()")
	c.reaches("tutorial", interconnect.StateBlocked, 90*time.Second)
	b.run("document.getElementById('again').click()")
	b.reads(20*time.Second, "✕ Blocked")
	b.reads(time.Second, "100 % lost")
	b.reads(time.Second, "Packets stop: "+missing)
	b.shot("6-and-checked-again")
	b.fitsIn(360)
	b.shot("7-on-a-phone")
	b.fitsIn(1200)

	require.NoError(t, c.freezer().Freeze(context.Background(), `<script>document.title = "ran"</script> for maintenance`))
	b.run("location.hash = ''")
	b.reads(10*time.Second, `<script>document.title = "ran"</script> for maintenance`)
	b.reads(time.Second, "1 connection")
	b.reads(time.Second, "✕ Blocked")
	b.shot("8-the-list")
	b.fitsIn(360)
	require.Equal(t, "VPC Interconnect", b.run("document.title"))
	require.Empty(t, b.complaints(), "the console shows no error")
}

func TestThePageShowsAVPCPeering(t *testing.T) {
	b := browse(t)
	c := calm(t, stack.Options{})
	c.post(asType(interconnect.TypeVpcPeering, ""))
	c.reaches("tutorial", interconnect.StateConnected, time.Minute)
	b.open(c.Endpoints.Intake + "/#tutorial")
	b.enter(c.Endpoints.APIToken)
	b.reads(20*time.Second, "All is there, and pings pass both ways")
	b.reads(time.Second, "VPC peering connection")
	b.shot("9-a-vpc-peering")
	c.drop("tutorial")
	b.run("document.getElementById('again').click()")
	b.reads(20*time.Second, "Being taken away")
	require.NotContains(t, b.run("document.querySelector('.picture').innerText"), "not of this connection")
	b.shot("10-being-taken-away")
	require.Empty(t, b.complaints())
}

// evil is markup that would tell if it were taken for such.
const evil = `"><script>window.ran = true</script><img src=x onerror="window.ran = true">`

// poisoned puts evil behind every text of a JSON value, unless the page goes
// by the text.
func poisoned(v any, name string) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = poisoned(v[k], k)
		}
	case []any:
		for i := range v {
			v[i] = poisoned(v[i], name)
		}
	case string:
		if name != "kind" && name != "side" && name != "next" && name != "from" {
			return v + evil
		}
	}
	return v
}

func TestThePageTakesNoTextForMarkup(t *testing.T) {
	b := browse(t)
	c := calm(t, stack.Options{})
	c.post(tutorial)
	c.reaches("tutorial", interconnect.StateConnected, time.Minute)
	c.deleteRoute("cn-beijing", table2, "192.168.0.0/16")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			page.Serve(w)
			return
		}
		var v any
		answer, err := c.try("GET", r.URL.RequestURI(), "", "Bearer "+c.Endpoints.APIToken)
		if err == nil {
			err = json.Unmarshal([]byte(answer.text), &v)
		}
		text, _ := json.Marshal(poisoned(v, ""))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text)
	}))
	t.Cleanup(server.Close)
	b.open(server.URL + "/#tutorial")
	b.enter("any")
	b.reads(20*time.Second, "The route to 192.168.0.0/16"+evil)
	b.reads(time.Second, table2+evil)
	b.shot("11-markup-in-every-text")
	b.run("location.hash = ''")
	b.reads(10*time.Second, "1 connection")
	b.reads(time.Second, "tutorial"+evil)
	require.Equal(t, "1", b.run("document.scripts.length"), "the page's own")
	require.Equal(t, "0", b.run("document.images.length"))
	require.Equal(t, "undefined", b.run("window.ran"))
}
