package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func freezeCommand(open opener) *cobra.Command {
	return &cobra.Command{
		Use:   "freeze REASON",
		Short: "Stop all changes until thaw; checks go on",
		Long: `Stop all changes until thaw. Whatever is under way waits before its next change
and goes on from there; requests are still taken, and wait too; checks go on.
Every answer of the API shows the reason.
` + environmentHelp,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			reason := strings.TrimSpace(args[0])
			if reason == "" {
				return errors.New("say why: others will ask")
			}
			d, err := open()
			if err != nil {
				return err
			}
			before, frozen, err := d.records.Frozen(cmd.Context())
			if err != nil {
				return err
			}
			if err := d.records.Freeze(cmd.Context(), reason); err != nil {
				return err
			}
			if frozen && before != reason {
				fmt.Fprintf(cmd.OutOrStdout(), "Changes were frozen already (%s).\n", before)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Changes of the deployment %s in %s are frozen: %s\nA change that was begun before this moment ends within a minute.\n", d.prefix, d.region, reason)
			return nil
		},
	}
}

func thawCommand(open opener) *cobra.Command {
	return &cobra.Command{
		Use:   "thaw",
		Short: "Let changes go on after a freeze",
		Long:  "Let changes go on after a freeze. What waits looks every 15 seconds.\n" + environmentHelp,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := open()
			if err != nil {
				return err
			}
			reason, frozen, err := d.records.Frozen(cmd.Context())
			if err != nil {
				return err
			}
			if err := d.records.Thaw(cmd.Context()); err != nil {
				return err
			}
			if !frozen {
				fmt.Fprintln(cmd.OutOrStdout(), "Nothing was frozen.")
				return nil
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Changes go on. They were frozen: %s\n", reason)
			return nil
		},
	}
}
