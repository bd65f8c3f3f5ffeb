package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/spf13/cobra"

	"vpcinterconnect/shared/intake"
)

func tokenCommand() *cobra.Command {
	var readOnly bool
	cmd := &cobra.Command{
		Use:   "token NAME",
		Short: "Make an API token: the token itself, once, and the hash that API_TOKENS takes",
		Long: `Make an API token for somebody or something, called NAME in records and logs. The
token is printed once and stored nowhere. Give it to its holder, and add the line
of API_TOKENS, which holds its hash only, to the variable of that name.
`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			token := rand.Text() // 130 bits
			sum := sha256.Sum256([]byte(token))
			role := ""
			if readOnly {
				role = "read-only:"
			}
			pair := args[0] + ":" + role + hex.EncodeToString(sum[:])
			if _, err := intake.ParseTokens(pair); err != nil {
				return fmt.Errorf("%q cannot be a token's name: letters, digits, dots, hyphens and underscores, a letter or digit first, at most 64", args[0])
			}
			fmt.Fprintf(cmd.OutOrStdout(), "token       %s\nAPI_TOKENS  %s\n", token, pair)
			return nil
		},
	}
	cmd.Flags().BoolVar(&readOnly, "read-only", false, "the token lets its holder look, and change nothing")
	return cmd
}
