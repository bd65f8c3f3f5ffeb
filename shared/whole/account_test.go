package whole_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/fc"
	"vpcinterconnect/shared/localcloud/gate"
	"vpcinterconnect/shared/localcloud/openapi"
	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/localcloud/world"
)

// elsewhere is a second cloud, which stands for the real one.
type elsewhere struct {
	*engine.Engine
	url string

	mu     sync.Mutex
	writes []string
}

const (
	ownersKey, ownersSecret, ownersToken = "STS.OwnersKey", "owners-very-own-secret", "owners/very=own+token"
	ownersAccount                        = "1098765432109876"
)

func startElsewhere(t *testing.T) *elsewhere {
	t.Helper()
	w := world.Default()
	w.Account = ownersAccount
	e := &elsewhere{Engine: engine.New(w.Options(engine.Options{Seed: 9, Transition: 300 * time.Millisecond, Guest: dataplane.Guests{}}))}
	require.NoError(t, w.Apply(e.Engine))
	e.AddKey(ownersKey, ownersSecret, ownersToken)
	server := httptest.NewServer(openapi.New(openapi.Options{Engine: e.Engine, Record: func(r openapi.Record) {
		if a, _ := engine.Find(r.Product, r.Action); a.Write {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.writes = append(e.writes, r.Action)
		}
	}}))
	t.Cleanup(server.Close)
	e.url = server.URL
	return e
}

func (e *elsewhere) changes() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.writes...)
}

func TestFunctionsConnectOnAnotherAccountOnceSomebodyHasSaidYes(t *testing.T) {
	t.Parallel()
	real := startElsewhere(t)
	asked, answers := make(chan string), make(chan bool)
	g := gate.New(gate.Options{
		Key:      gate.Key{AccessKeyID: ownersKey, AccessKeySecret: ownersSecret, SecurityToken: ownersToken},
		Endpoint: func(string, string) (string, error) { return real.url, nil },
		Ask:      func(text string) bool { asked <- text; return <-answers },
	})
	c := calm(t, stack.Options{
		World: &world.World{Account: ownersAccount}, Variables: map[string]string{"PREFIX": "vi-local"},
		Account: &stack.Account{Keys: fc.Credentials{AccessKeyID: ownersKey, AccessKeySecret: ownersSecret, SecurityToken: ownersToken}, API: g, Intake: g.Front},
	})
	require.Empty(t, c.Endpoints.AccessKeySecret, "nobody else is told the key")

	plan := c.ask("POST", "/connections?dryRun=true", tutorial)
	require.Equal(t, http.StatusOK, plan.status, "a look asks nobody: %s", plan.text)

	post := func() <-chan reply {
		out := make(chan reply, 1)
		go func() {
			r, err := c.try("POST", "/connections", tutorial, "Bearer "+c.Endpoints.APIToken)
			if err != nil {
				r.text = err.Error()
			}
			out <- r
		}()
		return out
	}
	waiting := post()
	text := <-asked
	for _, part := range []string{"would: create", vpc1, vpc2, "added:"} {
		require.Contains(t, text, part)
	}
	for _, secret := range []string{ownersKey, ownersSecret, ownersToken, c.Endpoints.APIToken} {
		require.NotContains(t, text, secret)
	}
	answers <- false
	r := <-waiting
	require.Equal(t, http.StatusForbidden, r.status, r.text)
	require.Contains(t, r.problem.Detail, "not confirmed")
	require.Equal(t, http.StatusNotFound, c.ask("GET", "/connections/tutorial", "").status)
	require.Empty(t, real.changes(), "nothing is written before somebody has said yes")

	waiting = post()
	<-asked
	answers <- true
	r = <-waiting
	require.Equal(t, http.StatusAccepted, r.status, r.text)
	c.reaches("tutorial", interconnect.StateConnected, time.Minute)

	require.Contains(t, real.changes(), "CreateRouterInterface")
	there := world.Export(real.Engine)
	require.Len(t, there.RouterInterfaces, 2)
	require.True(t, strings.HasPrefix(there.RouterInterfaces[0].Name, "interconnect.vi-local."), there.RouterInterfaces[0].Name)
	here := c.World()
	require.Empty(t, here.VPCs)
	require.Empty(t, here.RouterInterfaces)
	for _, l := range c.printed() {
		require.NotContains(t, l.Text, ownersSecret)
		require.NotContains(t, l.Text, ownersToken)
	}
}
