package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// sweepCommand's sweep removes what dead local clouds left in the kernel, and
// names it.
func sweepCommand(sweep func() ([]string, error)) *cobra.Command {
	return &cobra.Command{
		Use: "sweep", Short: "Remove the network namespaces of local clouds that died", Args: cobra.NoArgs,
		Long: `Remove the network namespaces of local clouds that died, and all that is in
them. Those of local clouds that are alive, and whatever is not a local cloud's,
stay. The next local cloud with --dataplane kernel does the same by itself.`,
		RunE: func(c *cobra.Command, _ []string) error {
			removed, err := sweep()
			for _, name := range removed {
				fmt.Fprintln(c.OutOrStdout(), "removed", name)
			}
			if err == nil && len(removed) == 0 {
				fmt.Fprintln(c.OutOrStdout(), "nothing to remove")
			}
			return err
		},
	}
}
