package intake_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
)

// What several ask at one moment, and what is written while somebody asks.

func TestOfTwoThatAskAtTheSameMomentTheLaterGivesWay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.beforePut = func() {
		h.time = h.time.Add(-time.Second)
		require.Equal(t, http.StatusAccepted, h.do("POST", "/connections", strings.Replace(tutorial, `"a"`, `"z"`, 1)).status)
		h.time = h.time.Add(time.Second)
	}
	a := h.do("POST", "/connections", tutorial)
	require.Equal(t, http.StatusConflict, a.status)
	require.Contains(t, a.problem.Detail, "the connection z at the same moment")
	require.True(t, h.records["z"].Live())
	require.False(t, h.records["a"].Live())
	last := h.sent[len(h.sent)-1]
	require.Equal(t, "a", last.ConnectionID)
	require.Equal(t, interconnect.Prune, last.Action)
	require.Equal(t, http.StatusConflict, h.do("POST", "/connections", tutorial).status, "its own record, which is going, does not hide the other")
	require.False(t, h.records["a"].Live())
}

func TestOfTwoThatAskAtTheSameMomentTheLaterIsWithdrawnThoughItsRecordWasWrittenFirst(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.beforePut = func() {
		h.time = h.time.Add(time.Second)
		require.Equal(t, http.StatusAccepted, h.do("POST", "/connections", strings.Replace(tutorial, `"a"`, `"z"`, 1)).status)
	}
	require.Equal(t, http.StatusAccepted, h.do("POST", "/connections", tutorial).status)
	require.True(t, h.records["a"].Live())
	require.False(t, h.records["z"].Live(), "it could not see the other")
	require.Equal(t, map[string]interconnect.Action{"a": interconnect.Connect, "z": interconnect.Prune}, func() map[string]interconnect.Action {
		last := map[string]interconnect.Action{}
		for _, m := range h.sent {
			last[m.ConnectionID] = m.Action
		}
		return last
	}())
}

func TestARequestGoesByTheNewestRecordNotByTheOneItBeganWith(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	h.Cloud = hooked{cloud{h}, func() { // somebody else writes while the cloud is asked
		rec := h.records["a"]
		rec.Generation++
		c := *rec.Wanted.Connection
		c.Initiator.RouteTableIDs = []string{"vtb-1", "vtb-of-the-other"}
		rec.Wanted.Connection = &c
	}}
	a := h.do("POST", "/connections", changed)
	require.Equal(t, http.StatusAccepted, a.status)
	require.Equal(t, 3, a.Generation)
	require.Equal(t, []interconnect.Place{{Role: interconnect.Initiator, Table: "vtb-of-the-other"}}, h.records["a"].Wanted.Former)
	require.Len(t, a.Warnings, 2)
}

func TestARequestThatOvertakesAnotherIsRecordedAsOneThatDoes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	require.False(t, h.records["a"].Wanted.Overtook)
	require.Equal(t, 2, h.do("POST", "/connections", changed).Generation)
	require.True(t, h.records["a"].Wanted.Overtook, "a step of the one before may be at work")
}

func TestARequestWhoseRecordWasWrittenThoughThatWasReportedFailedIsRecordedOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.hiccups["PutRequest"] = 1
	h.misleading = true
	a := h.do("POST", "/connections", tutorial)
	require.Equal(t, http.StatusAccepted, a.status)
	require.Equal(t, 1, a.Generation)
	require.Equal(t, 1, h.records["a"].Generation)
	require.False(t, slices.ContainsFunc(a.Warnings, func(w interconnect.Warning) bool { return strings.Contains(w.Sentence, "at the same time") }))
	require.False(t, h.records["a"].Wanted.Overtook)
}

func TestARequestThatIsOvertakenAtTheLastMomentIsWarnedOf(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	h.beforePut = func() { h.records["a"].Generation++ }
	a := h.do("POST", "/connections", changed)
	require.Equal(t, 4, a.Generation)
	require.True(t, slices.ContainsFunc(a.Warnings, func(w interconnect.Warning) bool { return strings.Contains(w.Sentence, "at the same time") }))
	require.Equal(t, interconnect.PlacesOf(h.records["a"].Wanted.Connection), h.records["a"].Wanted.Former, "what nobody has seen may have left something")
	require.True(t, h.records["a"].Wanted.Overtook, "or may have a call on its way")
}

func TestAnIDThatAnotherPairTookMeanwhileIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Cloud = hooked{cloud{h}, func() {
		h.Cloud = cloud{h}
		h.mu.Unlock()
		require.Equal(t, http.StatusAccepted, h.do("POST", "/connections", strings.Replace(other, `"b"`, `"a"`, 1)).status)
		h.mu.Lock()
	}}
	a := h.do("POST", "/connections", tutorial)
	require.Equal(t, http.StatusConflict, a.status)
	require.Contains(t, a.problem.Detail, "vpc-1 and vpc-3")
	require.Equal(t, 1, h.records["a"].Generation)
}
