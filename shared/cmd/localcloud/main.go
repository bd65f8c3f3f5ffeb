// Command localcloud is Alibaba Cloud on a laptop, as far as VPC Interconnect
// needs it: run makes one connection on it and shows how, up starts it and
// stays, world prints what exists in it, facts what it knows of the real one; sweep removes what one that died left in the
// kernel.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"vpcinterconnect/shared/localcloud/gate"
	"vpcinterconnect/shared/localcloud/kernel"
)

func main() {
	// The first signal ends a command in an orderly way, the second one at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop)
	err := root().ExecuteContext(ctx)
	stop()
	switch {
	case err == nil:
	case errors.Is(err, errNotConnected):
		os.Exit(1)
	default:
		fmt.Fprintln(os.Stderr, "localcloud: "+err.Error())
		os.Exit(2)
	}
}

func root() *cobra.Command {
	c := &cobra.Command{
		Use: "localcloud", Short: "Alibaba Cloud on a laptop, as far as VPC Interconnect needs it",
		SilenceUsage: true, SilenceErrors: true, Args: cobra.NoArgs,
	}
	c.AddCommand(runCommand(), runTicketCommand(), upCommand(gate.Public), worldCommand(), factsCommand(), benchCommand(), sweepCommand(kernel.Sweep))
	return c
}
