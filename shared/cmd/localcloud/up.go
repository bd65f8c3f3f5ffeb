package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"vpcinterconnect/shared/localcloud/fc"
	"vpcinterconnect/shared/localcloud/show"
	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/localcloud/world"
)

// upCommand's endpoint is where the real cloud's products are.
func upCommand(endpoint func(product, region string) (string, error)) *cobra.Command {
	var s settings
	var where string
	a := account{endpoint: endpoint}
	c := &cobra.Command{
		Use: "up", Short: "Start the local cloud with the functions, and stay up until interrupted", Args: cobra.NoArgs,
		Long: "Start the local cloud with the functions, and stay up until interrupted. It is hostile, by a seed that it prints, unless --calm is given. REGION, PREFIX, API_TOKENS and POLICY are taken from the environment, as a deployment takes them.\n\n" +
			"With --cloud aliyun only functions and queues are local: VPC, ECS, VPC peering and OOS are those of the account whose key is in the " +
			"environment. What would be changed first is shown, and asked about, before it is.",
		RunE: func(c *cobra.Command, _ []string) error {
			switch where {
			case "local":
			case "aliyun":
				return a.up(c, &s)
			default:
				return fmt.Errorf("--cloud %q: it is local or aliyun", where)
			}
			w, err := world.ReadFile(s.world)
			if err != nil {
				return err
			}
			s.drawSeed(c.Flags().Changed("seed") || s.calm)
			p := show.NewPrinter(c.OutOrStdout(), 0, time.Now)
			cl, err := s.start(c.Context(), w, !s.calm, stack.Options{Observe: func(e fc.Event) { trouble(p, e) }}, func(what string) { p.Line("%s", what) })
			if err != nil {
				return err
			}
			introduce(c.OutOrStdout(), cl.Endpoints, s.seed, !s.calm)
			<-c.Context().Done()
			p.Step(show.Plain, "localcloud", "going down")
			return cl.close()
		},
	}
	s.flags(c)
	c.Flags().StringVar(&where, "cloud", "local", "`CLOUD` that the functions work on: local, or aliyun, a real account")
	c.Flags().StringVar(&a.prefix, "prefix", "vi-local", "names the deployment, with --cloud aliyun: another than that of one which is there already")
	c.Flags().BoolVar(&a.yes, "yes", false, "with --cloud aliyun: change the account without asking")
	return c
}

// trouble says what happened that a person would want to know.
func trouble(p *show.Printer, e fc.Event) {
	switch e.Kind {
	case fc.EventCrashed, fc.EventRetry, fc.EventDeadLetter, fc.EventDiscarded, fc.EventStopped:
		p.Step(show.Bad, e.Function, "%s: %s", e.Kind, e.Error)
	}
}

func introduce(out io.Writer, e stack.Endpoints, seed uint64, hostile bool) {
	weather := "calm"
	if hostile {
		weather = fmt.Sprintf("hostile: --seed %d gives this weather again", seed)
	}
	fmt.Fprintf(out, `The local cloud is up (%s).
  intake   %s
  openapi  %s
  mns      %s
  world    %s

  curl -H 'Authorization: Bearer %s' %s/connections
  export ALIBABA_CLOUD_ACCESS_KEY_ID=%s ALIBABA_CLOUD_ACCESS_KEY_SECRET=%s
  export OPENAPI_ENDPOINT=%s MNS_ENDPOINT=%s

`, weather, e.Intake, e.OpenAPI, e.MNS, e.World, e.APIToken, e.Intake, e.AccessKeyID, e.AccessKeySecret, e.OpenAPI, e.MNS)
	if e.Namespaces != "" {
		fmt.Fprintf(out, "  ip netns exec %s<id of a VPC or of a running instance> bash\n\n", e.Namespaces)
	}
}
