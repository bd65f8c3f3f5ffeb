package main

import (
	"slices"

	"github.com/spf13/cobra"

	"vpcinterconnect/shared/localcloud/desk"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/facts"
	"vpcinterconnect/shared/localcloud/fc"
)

func factsCommand() *cobra.Command {
	var open bool
	c := &cobra.Command{
		Use: "facts", Short: "Print what the local cloud knows of the real one: behaviour, source, switch, test", Args: cobra.NoArgs,
		Long: `Print what the local cloud knows of the real one, as Markdown: each behaviour,
where it is published, the switch that chooses the other reading of what is not,
and the test that shows it. Switches and quotas are set in a world file, with a
small first letter; those of Function Compute are drawn by the seed, those of ticket systems are
options of their stand-ins.`,
		RunE: func(c *cobra.Command, _ []string) error {
			return facts.Markdown(c.OutOrStdout(), sections(open))
		},
	}
	c.Flags().BoolVar(&open, "unconfirmed", false, "only what is published nowhere, or has two readings")
	return c
}

// sections are the facts of every part, or those that are open.
func sections(open bool) []facts.Section {
	all := slices.Concat(engine.Sections(), fc.Sections(), desk.Sections())
	if !open {
		return all
	}
	for i, s := range all {
		var kept []facts.Fact
		for _, f := range s.Facts {
			if f.Open() {
				kept = append(kept, f)
			}
		}
		all[i].Facts = kept
	}
	return all
}
