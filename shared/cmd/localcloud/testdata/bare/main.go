// Command bare is the least that a function can be: what the project's own are
// compared with.
package main

import (
	"context"

	"github.com/aliyun/fc-runtime-go-sdk/fc"
)

func main() {
	fc.Start(func(_ context.Context, event []byte) ([]byte, error) { return event, nil })
}
