package intake_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
)

func TestNobodyGetsInWithoutAToken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, authorization := range map[string]string{
		"none": "", "another": "Bearer open", "the scheme alone": "Bearer", "an empty one": "Bearer ", "another scheme": "Basic " + token, "no scheme": token,
	} {
		for _, path := range []string{"/connections", "/connections/a", "/nowhere"} {
			r := httptest.NewRequest("GET", path, nil)
			if authorization != "" {
				r.Header.Set("Authorization", authorization)
			}
			a := h.ask(r)
			require.Equal(t, http.StatusUnauthorized, a.status, name)
			require.Contains(t, a.header.Get("WWW-Authenticate"), "Bearer")
		}
	}
	r := httptest.NewRequest("GET", "/connections", nil)
	r.Header.Set("Authorization", "bearer "+token)
	require.Equal(t, 200, h.ask(r).status)

	h.Tokens = nil
	require.Equal(t, http.StatusUnauthorized, h.do("GET", "/connections", "").status)
	require.Equal(t, 200, h.ask(httptest.NewRequest("GET", "/healthz", nil)).status)
}

func TestThePageIsForEverybodyAndHoldsNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	empty := h.ask(httptest.NewRequest("GET", "/", nil))
	require.Equal(t, 200, empty.status)
	require.Equal(t, "text/html; charset=utf-8", empty.header.Get("Content-Type"))
	require.Contains(t, empty.header.Get("Content-Security-Policy"), "default-src 'none'")
	require.Equal(t, "nosniff", empty.header.Get("X-Content-Type-Options"))
	require.NotRegexp(t, `https?://[^w]`, empty.body, "nothing is loaded from elsewhere") // but for the name of SVG's namespace
	require.Equal(t, 202, h.do("POST", "/connections", tutorial).status)
	require.Equal(t, empty.body, h.ask(httptest.NewRequest("GET", "/", nil)).body)
	require.Equal(t, http.StatusMethodNotAllowed, h.ask(httptest.NewRequest("POST", "/", nil)).status)
}

func TestOtherMethodsPathsAndKindsAreRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.do("PUT", "/connections", "")
	require.Equal(t, http.StatusMethodNotAllowed, a.status)
	require.Equal(t, "GET, POST", a.header.Get("Allow"))
	require.Equal(t, "DELETE, GET", h.do("POST", "/connections/a", "{}").header.Get("Allow"))
	require.Equal(t, http.StatusMethodNotAllowed, h.do("POST", "/healthz", "").status)
	for _, path := range []string{"/page", "/connection", "/connectionsx", "/connections/", "/connections/a/b", "/connections/a"} {
		require.Equal(t, http.StatusNotFound, h.do("GET", path, "").status, path)
	}
	require.Equal(t, http.StatusNotFound, h.do("GET", "/connections/..%2Fx", "").status)

	r := httptest.NewRequest("POST", "/connections", strings.NewReader(tutorial))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "text/plain")
	require.Equal(t, http.StatusUnsupportedMediaType, h.ask(r).status)
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Body = http.NoBody
	require.Equal(t, http.StatusBadRequest, h.ask(r).status)
}

func TestTokensAreReadStrictlyAndNeverShown(t *testing.T) {
	t.Parallel()
	tokens, err := intake.ParseTokens(" ")
	require.NoError(t, err)
	require.Empty(t, tokens)
	sum := strings.Repeat("0a", 32)
	tokens, err = intake.ParseTokens("one:" + sum + ", two:" + sum)
	require.NoError(t, err)
	require.Equal(t, "two", tokens[1].Name)
	for _, bad := range []string{"secret", ":" + sum, "one:secret", "one:" + sum[2:], "one:" + sum + "00", "o ne:" + sum} {
		_, err = intake.ParseTokens("one:" + sum + "," + bad)
		require.ErrorContains(t, err, "token 2", bad)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestWhyAConnectFailedIsSaidWhateverItsRemovalMeets(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	h.step("a", interconnect.Routes, interconnect.StepStatus{
		Action: interconnect.Prune, Target: interconnect.TargetConnected, Progress: interconnect.Waiting,
		Problem: &interconnect.Problem{Sentence: "The cloud is busy."}, Cause: &interconnect.Problem{Sentence: "The table is full."},
	})
	a := h.do("GET", "/connections/a", "")
	require.Equal(t, interconnect.StateFailed, a.State)
	require.Equal(t, "Step routes: The table is full.", a.Why)
	require.Equal(t, "The cloud is busy.", a.Steps[1].Problem.Sentence)
}
