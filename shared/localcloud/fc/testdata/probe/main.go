// Command probe is the function that the tests deploy: the event says what it
// is to do.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fc"
	"github.com/aliyun/fc-runtime-go-sdk/fccontext"
)

type handler struct{ served int }

// invoke answers in JSON as it is: the SDK takes functions only, and writes bytes
// as base64.
func (h *handler) invoke(ctx context.Context, event []byte) (json.RawMessage, error) {
	h.served++
	if os.Getenv("FAIL") != "" {
		return nil, errors.New("told to fail always")
	}
	for _, k := range []string{"exit", "panic", "fail", "hang", "breed"} {
		if strings.Contains(string(event), "do:"+k) {
			return nil, h.misbehave(k)
		}
	}
	if strings.Contains(string(event), "do:slow") {
		time.Sleep(300 * time.Millisecond)
	}
	if strings.Contains(string(event), "do:context") {
		c, _ := fccontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return json.Marshal(map[string]any{
			"pid": os.Getpid(), "served": h.served, "env": os.Environ(), "retry": c.RetryCount,
			"key": c.Credentials.AccessKeyId, "region": c.Region, "function": c.Function.Name,
			"left": time.Until(deadline).Seconds(),
		})
	}
	if strings.Contains(string(event), `"rawPath"`) {
		return json.Marshal(map[string]any{"statusCode": 201, "headers": map[string]string{"X-Is": "echo", "Server": "mine"}, "body": string(event)})
	}
	fmt.Printf("echo of %d bytes\n", len(event))
	if !json.Valid(event) {
		return json.Marshal(string(event))
	}
	return event, nil
}

func (h *handler) misbehave(how string) error {
	switch how {
	case "exit":
		os.Exit(3)
	case "panic":
		panic("told to")
	case "breed":
		c := exec.Command("sleep", "300")
		if err := c.Start(); err != nil {
			return err
		}
		fmt.Printf("child %d\n", c.Process.Pid)
		time.Sleep(time.Hour)
	case "hang":
		time.Sleep(time.Hour)
	}
	return errors.New("told to fail")
}

func main() { fc.Start((&handler{}).invoke) }
