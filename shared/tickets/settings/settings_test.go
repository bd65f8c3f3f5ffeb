package settings_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/tickets"
	"vpcinterconnect/shared/tickets/samples"
	"vpcinterconnect/shared/tickets/settings"
)

func sample(t *testing.T, name string) string {
	t.Helper()
	text, err := samples.Files.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

func TestTheSamplesAreSound(t *testing.T) {
	t.Parallel()
	all := settings.Secrets{JiraWebhook: "0123456789abcdef,fedcba9876543210", JiraToken: "t", ServiceNow: "0123456789abcdef", Password: "p", CloudEvents: "0123456789abcdef"}
	for name, system := range map[string]tickets.System{"jira.json": tickets.Jira, "servicenow.json": tickets.ServiceNow, "cloudevents.json": tickets.CloudEvents} {
		s, err := settings.Parse([]byte(sample(t, name)))
		require.NoError(t, err, name)
		counters, err := s.Counters(all, "vi")
		require.NoError(t, err, name)
		require.Len(t, counters, 1)
		require.NotNil(t, counters[system])
		_, err = s.Counters(settings.Secrets{}, "vi")
		require.ErrorContains(t, err, "the environment variable", name)
	}
}

func TestWhatTheSamplesMapIsWhatTheirFormsHave(t *testing.T) {
	t.Parallel()
	j, err := settings.Parse([]byte(sample(t, "jira.json")))
	require.NoError(t, err)
	for _, f := range j.Jira.Request.Fields() {
		require.Contains(t, sample(t, "jira-fields.json"), fmt.Sprintf("%q", f))
	}
	s, err := settings.Parse([]byte(sample(t, "servicenow.json")))
	require.NoError(t, err)
	for _, f := range s.ServiceNow.Request.Fields() {
		require.Contains(t, sample(t, "servicenow-item.json"), fmt.Sprintf("%q", strings.TrimPrefix(f, "variables.")))
	}
	script := sample(t, "servicenow-business-rule.js")
	for _, part := range []string{"X-Shared-Secret", "X-Timestamp", "number:", "table:", "updated_by:", "'" + s.ServiceNow.Account + "'"} {
		require.Contains(t, script, part)
	}
	require.NoError(t, fs.WalkDir(samples.Files, ".", func(_ string, _ fs.DirEntry, err error) error { return err }))
}

func TestAnErrorNamesItsLineOrItsKey(t *testing.T) {
	t.Parallel()
	good := sample(t, "jira.json")
	for name, c := range map[string]struct{ from, to, want string }{
		"an unknown key":               {`"edition"`, `"edishun"`, `line 4: there is no key "edishun"`},
		"an unknown system":            {`"jira": {`, `"bugzilla": {`, `line 2: there is no key "bugzilla"`},
		"a key twice":                  {`"edition": "cloud",`, `"edition": "cloud", "edition": "cloud",`, `line 4: the key "edition" is there twice`},
		"a target twice":               {`"type": {"field": "customfield_10030"`, `"repair": {"field": "customfield_10030"`, `line 22: the key "repair" is there twice`},
		"a list that is none":          {`["NET"]`, `"NET"`, `line 7: jira.projects: a string does not belong there`},
		"a comma too many":             {`["NET"],`, `["NET",],`, `line 7: it is no JSON`},
		"an end too early":             {good[len(good)/2:], "", "it ends too early"},
		"something behind it":          {"  }\n}\n", "  }\n}\n{}", "something follows"},
		"a target that there is not":   {`"initiator.vpcId"`, `"initiator.vpc"`, "jira.request.initiator.vpc: a request has no such part"},
		"a source's key that is wrong": {`"label": "Type"`, `"lable": "Type"`, `line 20: there is no key "lable"`},
		"a URL without TLS":            {"https://", "http://", "jira.url: "},
		"an edition that there is not": {`"cloud"`, `"server"`, "jira.edition: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, good, c.from)
			_, err := settings.Parse([]byte(strings.Replace(good, c.from, c.to, 1)))
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestNothingIsNoSystem(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", " \n", "{}"} {
		s, err := settings.Parse([]byte(text))
		require.NoError(t, err)
		counters, err := s.Counters(settings.Secrets{}, "vi")
		require.NoError(t, err)
		require.Empty(t, counters)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"jira.json", "servicenow.json", "cloudevents.json"} {
		text, err := samples.Files.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := settings.Parse(text)
		if (s == nil) == (err == nil) {
			t.Fatal("neither settings nor an error, or both")
		}
	})
}
