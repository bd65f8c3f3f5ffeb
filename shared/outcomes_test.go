package shared_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/chain/chaintest"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/engine"
)

// told takes what was announced off the queue outcomes. Each message is held to
// the schema by which strangers read it, and each ID stands for one thing.
func (r *rehearsal) told() []chain.Announcement {
	r.t.Helper()
	var all []chain.Announcement
	byID := map[string]chain.Announcement{}
	q := engine.QueueRef{Region: testRegion, Name: testPrefix + "-" + chain.OutcomesQueue}
	messages, err := r.engine.QueueMessages(q)
	require.NoError(r.t, err)
	for _, m := range messages {
		a, err := chaintest.Outcome([]byte(m.Body))
		require.NoError(r.t, err, m.Body)
		if was, known := byID[a.ID]; known {
			require.Equal(r.t, was.Type, a.Type, "%s is told twice, and is two things", a.ID)
			continue
		}
		byID[a.ID] = a
		all = append(all, a)
	}
	require.NoError(r.t, r.engine.PurgeQueue(q))
	return all
}

// follow holds what was told of a connection to be without gaps: whoever listens
// knows the state at each moment.
func follow(t *testing.T, told []chain.Announcement) interconnect.State {
	t.Helper()
	var state interconnect.State
	for _, a := range told {
		if a.Data.Was != "" {
			require.Equal(t, state, a.Data.Was, "%+v", a)
		} else if state != "" {
			require.Equal(t, state, a.Data.State, "a change that is not told as one: %+v", a)
		}
		state = a.Data.State
	}
	return state
}
