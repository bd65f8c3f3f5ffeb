// Command operator is for those who run a deployment: it packs the functions.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func main() {
	root := &cobra.Command{
		Use:           "operator",
		Short:         "Run a deployment of VPC Interconnect",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(packageCommand())
	if err := root.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "operator:", err)
		os.Exit(1)
	}
}
