// Command operator is for those who run a deployment: it packs the functions,
// looks whether all is ready to be deployed, makes API tokens, freezes changes,
// and looks after what is left over and what could not be handled.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	root := &cobra.Command{
		Use:           "operator",
		Short:         "Run a deployment of VPC Interconnect",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	open := fromEnvironment(os.Getenv, nil)
	root.AddCommand(packageCommand(), deployCheckCommand(open, os.Getenv), tokenCommand(), ticketsCommand(), verifyCommand())
	root.AddCommand(freezeCommand(open), thawCommand(open), orphansCommand(open), deadLettersCommand(open))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root.ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "operator:", err)
		os.Exit(1)
	}
}
