package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"vpcinterconnect/shared/localcloud/fc"
	"vpcinterconnect/shared/localcloud/gate"
	"vpcinterconnect/shared/localcloud/show"
	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/localcloud/world"
)

// account is a real account that the functions work on.
type account struct {
	prefix   string
	yes      bool
	endpoint func(product, region string) (string, error)
}

// localOnly are the flags that say how the local cloud's network behaves.
var localOnly = []string{"world", "seed", "record", "api-latency", "transition-time", "dataplane"}

// prefixForm is what template.yml allows.
var prefixForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,15}$`)

// up starts the functions on the account, and stays until interrupted.
func (a account) up(c *cobra.Command, s *settings) error {
	for _, name := range localOnly {
		if c.Flags().Changed(name) {
			return fmt.Errorf("--%s is the local cloud's: it has no meaning with --cloud aliyun", name)
		}
	}
	if !prefixForm.MatchString(a.prefix) {
		return fmt.Errorf("--prefix %q: at most 16 small letters, digits and hyphens, a letter first", a.prefix)
	}
	key, region, err := credentials(os.Getenv)
	if err != nil {
		return err
	}
	if in, ok := c.InOrStdin().(*os.File); !a.yes && (!ok || !term.IsTerminal(int(in.Fd()))) {
		return errors.New("there is no terminal to ask at before the first change: run this at one, or give --yes to have nobody asked")
	}
	p := show.NewPrinter(c.OutOrStdout(), 0, time.Now)
	o := gate.Options{Key: key, Endpoint: a.endpoint, Open: a.yes}
	who, err := gate.Identify(c.Context(), o, region)
	if err != nil {
		return err
	}
	p.Line("Account %s, as %s.", who.AccountID, who.ARN)
	if !a.yes {
		o.Ask = newAsker(c.InOrStdin(), p).ask
	}
	g := gate.New(o)
	cl, err := s.start(c.Context(), &world.World{Account: who.AccountID}, false, stack.Options{
		Observe:   func(e fc.Event) { trouble(p, e) },
		Variables: map[string]string{"REGION": region, "PREFIX": a.prefix},
		Account: &stack.Account{
			Keys:   fc.Credentials{AccessKeyID: key.AccessKeyID, AccessKeySecret: key.AccessKeySecret, SecurityToken: key.SecurityToken},
			API:    g,
			Intake: g.Front,
		},
	}, func(what string) { p.Line("%s", what) })
	if err != nil {
		return err
	}
	introduceAccount(p, cl.Endpoints, who, a)
	<-c.Context().Done()
	p.Step(show.Plain, "localcloud", "going down; what was made on the account stays, and the record below /%s/ knows of it", a.prefix)
	return cl.close()
}

// credentials reads what the account's owner has set.
func credentials(env func(string) string) (key gate.Key, region string, err error) {
	const id, secret, token = "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN" //nolint:gosec // names of variables
	for _, name := range []string{id, secret, "REGION"} {
		if env(name) == "" {
			return key, "", fmt.Errorf("%s is not set: --cloud aliyun needs %s, %s and REGION in the environment, and %s if the key is temporary", name, id, secret, token)
		}
	}
	return gate.Key{AccessKeyID: env(id), AccessKeySecret: env(secret), SecurityToken: env(token)}, env("REGION"), nil
}

func introduceAccount(p *show.Printer, e stack.Endpoints, who gate.Identity, a account) {
	asked := "Before the first change you are shown what it is, and asked here."
	if a.yes {
		asked = "Nobody is asked before a change (--yes)."
	}
	p.Line(`The functions are up: they and their queues here; VPC, ECS, VPC peering and OOS are account %s's own.
The record is in its Parameter Store below /%s/, and all that is made bears that prefix. %s
  intake   %s

  curl -H 'Authorization: Bearer %s' %s/connections
`, who.AccountID, a.prefix, asked, e.Intake, e.APIToken, e.Intake)
}

// asker asks a person. What is typed while no question stands answers none.
type asker struct {
	p *show.Printer

	mu     sync.Mutex
	answer chan string // of the question that stands, else nil
	ended  bool        // nobody can answer any more
}

func newAsker(in io.Reader, p *show.Printer) *asker {
	a := &asker{p: p}
	go a.listen(in)
	return a
}

func (a *asker) listen(in io.Reader) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		a.mu.Lock()
		if a.answer != nil {
			a.answer <- lines.Text()
			a.answer = nil
		}
		a.mu.Unlock()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	if a.answer != nil {
		close(a.answer)
		a.answer = nil
	}
}

// ask shows a text and returns whether the answer is yes, spelt out.
func (a *asker) ask(text string) bool {
	a.mu.Lock()
	if a.ended {
		a.mu.Unlock()
		return false
	}
	answer := make(chan string, 1)
	a.answer = answer
	a.p.Line("\nThis changes the account:\n\n%s\nDo it, and let this run change the account from now on? yes/no", strings.TrimRight(text, "\n")+"\n")
	a.mu.Unlock()
	yes := strings.TrimSpace(<-answer) == "yes"
	if yes {
		a.p.Line("Changes are passed on.")
	} else {
		a.p.Line("Nothing is changed.")
	}
	return yes
}
