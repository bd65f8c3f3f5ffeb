package shared_test

import (
	_ "github.com/aliyun/alibaba-cloud-sdk-go/services/ecs"
	_ "github.com/aliyun/alibaba-cloud-sdk-go/services/mns-open"
	_ "github.com/aliyun/alibaba-cloud-sdk-go/services/oos"
	_ "github.com/aliyun/alibaba-cloud-sdk-go/services/sts"
	_ "github.com/aliyun/alibaba-cloud-sdk-go/services/vpc"
	_ "github.com/aliyun/alibaba-cloud-sdk-go/services/vpcpeer"
	_ "github.com/aliyun/aliyun-mns-go-sdk"
	_ "github.com/aliyun/fc-runtime-go-sdk/fc"
	_ "github.com/fatih/color"
	_ "github.com/goccy/go-yaml"
	_ "github.com/google/uuid"
	_ "github.com/robfig/cron/v3"
	_ "github.com/santhosh-tekuri/jsonschema/v6"
	_ "github.com/spf13/cobra"
	_ "github.com/stretchr/testify/mock"
	_ "github.com/stretchr/testify/require"
	_ "golang.org/x/sync/errgroup"
	_ "golang.org/x/term"
	_ "mvdan.cc/sh/v3/interp"
	_ "pgregory.net/rapid"
)
