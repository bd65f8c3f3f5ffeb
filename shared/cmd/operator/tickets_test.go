package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAConfigurationOfTicketsIsCheckedAndExplained(t *testing.T) {
	t.Parallel()
	run := func(file string) (string, error) {
		var out bytes.Buffer
		c := ticketsCommand()
		c.SetOut(&out)
		c.SetErr(&out)
		c.SetArgs([]string{file})
		err := c.Execute()
		return out.String(), err
	}
	for file, want := range map[string][]string{
		"jira.json":        {"Jira, https://example.atlassian.net", "initiator.vpcId            customfield_10011", "repair                     always report", "closed                     status is Cancelled or Withdrawn"},
		"servicenow.json":  {"ServiceNow, https://example.service-now.com", "type                       variables.connection_type, or auto", "approved                   approval is approved"},
		"cloudevents.json": {"CloudEvents of /change-desk"},
	} {
		text, err := run(filepath.Join("..", "..", "tickets", "samples", file))
		require.NoError(t, err)
		for _, part := range want {
			require.Contains(t, text, part)
		}
	}
	bad := filepath.Join(t.TempDir(), "bad.json")
	require.NoError(t, os.WriteFile(bad, []byte("{\n \"jira\": {\"urll\": 1}}"), 0o600))
	_, err := run(bad)
	require.ErrorContains(t, err, `line 2: there is no key "urll"`)
	require.NoError(t, os.WriteFile(bad, []byte("{}"), 0o600))
	text, err := run(bad)
	require.NoError(t, err)
	require.Contains(t, text, "No ticket system")
}
