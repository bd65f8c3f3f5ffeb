package records_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/records"
)

func TestAReadStandsForTheReadsOfTheWritesRightAfterIt(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), newStore()
	_, err := records.New(s, "vi").PutRequest(ctx, "a", wanted("a"))
	require.NoError(t, err)
	s.put("/vi/freeze", "a holiday")
	s.calls = nil

	r := records.New(s, "vi")
	_, err = r.Get(ctx, "a")
	require.NoError(t, err)
	reason, frozen, err := r.Frozen(ctx)
	require.NoError(t, err)
	require.True(t, frozen)
	require.Equal(t, "a holiday", reason)
	require.NoError(t, r.PutStatus(ctx, "a", interconnect.Peering, status(1, at)), "not there, and known not to be")
	_, err = r.PutRequest(ctx, "a", wanted("a"))
	require.NoError(t, err)
	require.Equal(t, []string{
		"names /vi/freeze /vi/a/request /vi/a/connected /vi/a/sweep /vi/a/peering /vi/a/routes /vi/a/security-groups /vi/a/verification",
		"create /vi/a/peering", "update /vi/a/request",
	}, s.calls)

	s.calls = nil
	require.NoError(t, r.PutStatus(ctx, "a", interconnect.Peering, status(2, at)))
	require.Equal(t, []string{"get /vi/a/peering", "update /vi/a/peering"}, s.calls, "what was written is read again")
}

func TestWhatWasReadSecondsAgoIsReadAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, s := t.Context(), newStore()
		r := records.New(s, "vi")
		_, err := r.Get(ctx, "a")
		require.NoError(t, err)
		s.put("/vi/a/peering", `{"gen":7,"progress":"done"}`)
		s.put("/vi/freeze", "now")
		time.Sleep(6 * time.Second)
		_, frozen, err := r.Frozen(ctx)
		require.NoError(t, err)
		require.True(t, frozen)
		require.NoError(t, r.PutStatus(ctx, "a", interconnect.Peering, status(1, at)))
		require.Contains(t, s.entries["/vi/a/peering"].Value, `"gen":7`)
	})
}

func TestAnEntryThatVanishedOrAppearedSinceItWasReadIsWritten(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *store){
		"vanished": func(s *store) { delete(s.entries, "/vi/a/routes") },
		"appeared": func(s *store) { s.put("/vi/a/peering", `{"gen":1,"progress":"waiting"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, s := t.Context(), newStore()
			s.put("/vi/a/routes", `{"gen":1,"progress":"waiting"}`)
			r := records.New(s, "vi")
			_, err := r.Get(ctx, "a")
			require.NoError(t, err)
			change(s)
			for _, step := range []interconnect.Step{interconnect.Peering, interconnect.Routes} {
				require.NoError(t, r.PutStatus(ctx, "a", step, status(2, at)))
				require.Contains(t, s.entries["/vi/a/"+string(step)].Value, `"gen":2`)
			}
			s.put("/vi/a/verification", `{"gen":3,"progress":"done"}`)
			require.NoError(t, r.PutStatus(ctx, "a", interconnect.Verification, status(2, at)))
			require.Contains(t, s.entries["/vi/a/verification"].Value, `"gen":3`, "what is newer stays")
		})
	}
}
