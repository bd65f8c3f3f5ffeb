package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"vpcinterconnect/shared/tickets"
	"vpcinterconnect/shared/tickets/settings"
)

func ticketsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "tickets FILE",
		Short: "Check a configuration of ticket systems, and say how tickets are read by it",
		Long: `Check a configuration of ticket systems, as the variable TICKETS takes it, and say
how tickets are read by it. Nothing is called. The folder shared/tickets/samples
has one for each system.
`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			s, err := settings.Parse(text)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			out := cmd.OutOrStdout()
			if s.Jira != nil {
				describe(out, "Jira, "+s.Jira.URL, s.Jira.Request, s.Jira.Approved, s.Jira.Closed)
			}
			if s.ServiceNow != nil {
				describe(out, "ServiceNow, "+s.ServiceNow.URL, s.ServiceNow.Request, s.ServiceNow.Approved, s.ServiceNow.Closed)
			}
			if s.CloudEvents != nil {
				describe(out, "CloudEvents of "+strings.Join(s.CloudEvents.Sources, ", "), s.CloudEvents.Request, nil, nil)
			}
			if *s == (settings.Settings{}) {
				fmt.Fprintln(out, "No ticket system is configured.")
			}
			return nil
		},
	}
}

// describe says how a system's tickets are read.
func describe(out io.Writer, title string, m tickets.Mapping, approved, closed tickets.Condition) {
	fmt.Fprintln(out, title)
	for _, target := range slices.Sorted(maps.Keys(m)) {
		from := m[target].Field
		if from == "" {
			from = "always " + m[target].Value
		} else if m[target].Value != "" {
			from += ", or " + m[target].Value
		}
		fmt.Fprintf(out, "  %-26s %s\n", target, from)
	}
	for _, c := range []struct {
		what string
		when tickets.Condition
	}{{"approved", approved}, {"closed", closed}} {
		for _, field := range slices.Sorted(maps.Keys(c.when)) {
			fmt.Fprintf(out, "  %-26s %s is %s\n", c.what, field, strings.Join(c.when[field], " or "))
		}
	}
}
