package records_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/records"
)

func TestWhatEndsAConnectionEndsTheGenerationThatItNames(t *testing.T) {
	t.Parallel()
	const name = "/vi/a/request"
	request := func(by string) interconnect.Wanted {
		w := wanted("a")
		w.By = by
		return w
	}
	end := func(generation int) interconnect.Wanted {
		w := request("expiry")
		w.Disconnect, w.Ends = true, generation
		return w
	}
	fresh := func(s *store) { s.now = time.Now().UTC() }
	lost := func(s *store) { delete(s.former, name) }
	for what, c := range map[string]struct {
		written []interconnect.Wanted
		but     []func(*store)
		by      string // whose request stands; "": none can be told yet
		live    bool
	}{
		"the one before it":                       {[]interconnect.Wanted{request("alice"), end(1)}, nil, "expiry", false},
		"not one that came between":               {[]interconnect.Wanted{request("alice"), request("bob"), end(1)}, nil, "bob", true},
		"nor do twins that both came too late":    {[]interconnect.Wanted{request("alice"), request("bob"), end(1), end(1)}, nil, "bob", true},
		"twins end it once":                       {[]interconnect.Wanted{request("alice"), end(1), end(1)}, nil, "expiry", false},
		"a disconnect that came between stands":   {[]interconnect.Wanted{request("alice"), func() interconnect.Wanted { w := request("bob"); w.Disconnect = true; return w }(), end(1)}, nil, "bob", false},
		"what was asked for afterwards stands":    {[]interconnect.Wanted{request("alice"), request("bob"), end(1), request("carol")}, nil, "carol", true},
		"of a record that was made anew, nothing": {[]interconnect.Wanted{end(5)}, nil, "expiry", false},
		"while reads lag nothing is told":         {[]interconnect.Wanted{request("alice"), request("bob"), end(1)}, []func(*store){fresh, lost}, "", false},
		"where nothing else is known, all":        {[]interconnect.Wanted{request("alice"), request("bob"), end(1)}, []func(*store){lost}, "expiry", false},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			ctx, s := t.Context(), newStore()
			for _, change := range c.but[:min(len(c.but), 1)] {
				change(s)
			}
			for _, w := range c.written {
				value, err := json.Marshal(w)
				require.NoError(t, err)
				s.put(name, string(value))
			}
			for _, change := range c.but {
				change(s)
			}
			for how, read := range map[string]func() (*interconnect.Record, error){
				"alone": func() (*interconnect.Record, error) { return records.New(s, "vi").Get(ctx, "a") },
				"of all": func() (*interconnect.Record, error) {
					list, err := records.New(s, "vi").List(ctx)
					if len(list) == 0 {
						return nil, err
					}
					return &list[0], err
				},
			} {
				got, err := read()
				if c.by == "" {
					require.Equal(t, interconnect.Busy, interconnect.ClassOf(err), how)
					require.Nil(t, got, how)
					continue
				}
				require.NoError(t, err, how)
				require.Equal(t, len(c.written), got.Generation, how)
				require.Equal(t, c.by, got.Wanted.By, how)
				require.Equal(t, c.live, got.Live(), how)
			}
		})
	}
}

func TestARecordOfWhichTheFormerVersionIsRefusedKeepsNoOtherFromBeingListed(t *testing.T) {
	t.Parallel()
	for class, listed := range map[interconnect.Class]int{interconnect.Denied: 1, interconnect.Throttled: 0} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			s := newStore()
			w := wanted("a")
			w.Disconnect, w.Ends = true, 1
			ended, err := json.Marshal(w)
			require.NoError(t, err)
			for range 3 { // the second and third come too late
				s.put("/vi/a/request", string(ended))
			}
			_, err = records.New(s, "vi").PutRequest(t.Context(), "b", wanted("b"))
			require.NoError(t, err)
			s.before["at"] = func() error { return failed(class, false) }
			list, err := records.New(s, "vi").List(t.Context())
			require.Equal(t, class, interconnect.ClassOf(err))
			require.Len(t, list, listed)
		})
	}
}

func second(_ bool, err error) error { return err }

func TestWhatIsAskedForAnewWhileItsTombstoneIsRemovedStays(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), newStore()
	r := records.New(s, "vi")
	w := wanted("a")
	w.Disconnect = true
	over, err := r.PutRequest(ctx, "a", w)
	require.NoError(t, err)
	require.NoError(t, r.PutStatus(ctx, "a", interconnect.Peering, status(over, at)))
	s.before["delete"] = func() error {
		_, err := records.New(s, "vi").PutRequest(ctx, "a", wanted("a"))
		return err
	}
	deleted, err := r.Delete(ctx, "a", over)
	require.NoError(t, err)
	require.False(t, deleted)
	got, err := records.New(s, "vi").Get(ctx, "a")
	require.NoError(t, err)
	require.True(t, got.Live())

	deleted, err = r.Delete(ctx, "a", got.Generation)
	require.NoError(t, err)
	require.True(t, deleted)
}

func TestOnlyWhatCameTooLateCostsMoreCalls(t *testing.T) {
	t.Parallel()
	s := newStore()
	r := records.New(s, "vi")
	_, err := r.PutRequest(t.Context(), "a", wanted("a"))
	require.NoError(t, err)
	w := wanted("a")
	w.Disconnect, w.Ends = true, 1
	_, err = r.PutRequest(t.Context(), "a", w)
	require.NoError(t, err)
	s.made("")
	_, err = r.Get(t.Context(), "a")
	require.NoError(t, err)
	require.Empty(t, s.made("at"))
}
