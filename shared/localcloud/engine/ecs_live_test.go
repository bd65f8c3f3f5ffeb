package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
)

// liveGuest is a LiveGuest whose scripts end when the test says so.
type liveGuest struct {
	playedGuest
	done    func(engine.Execution)
	stopped int
}

func (g *liveGuest) Start(s engine.Script, done func(engine.Execution)) func() {
	g.ran, g.done = append(g.ran, s), done
	return func() { g.stopped++ }
}

func TestALiveGuestsScriptEndsWhenItEnds(t *testing.T) {
	t.Parallel()
	guest := &liveGuest{}
	c := newECSCloud(t, func(o *engine.Options) { o.Guest = guest })
	invoke := c.ok(qingdao, "RunCommand", script("ping")...).at("InvokeId")
	c.pass(20 * time.Second)
	require.Len(t, guest.ran, 1)
	require.Equal(t, "Running", c.result(invoke)[0], "whatever the cloud's clock says")
	guest.done(engine.Execution{Output: "pong", ExitCode: 1, Took: time.Second})
	require.Equal(t, [3]string{"Failed", "ExitCodeNonzero", "Finished"}, c.result(invoke))
	require.Zero(t, guest.stopped)
}

func TestALiveGuestsScriptIsKilledWhenItIsStopped(t *testing.T) {
	t.Parallel()
	guest := &liveGuest{}
	c := newECSCloud(t, func(o *engine.Options) { o.Guest = guest })
	invoke := c.ok(qingdao, "RunCommand", script("ping")...).at("InvokeId")
	c.pass(time.Second)
	c.ok(qingdao, "StopInvocation", "InvokeId", invoke)
	c.pass(2 * time.Second)
	require.Equal(t, 1, guest.stopped)
	guest.done(engine.Execution{Output: "too late", Took: time.Second})
	require.Equal(t, [3]string{"Terminated", "ExecutionInterrupted", "Stopped"}, c.result(invoke))
}
