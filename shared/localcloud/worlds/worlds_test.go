package worlds_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/world"
	"vpcinterconnect/shared/localcloud/worlds"
)

func TestDrawnWorldsAreWorldFiles(t *testing.T) {
	t.Parallel()
	for seed := range uint64(120) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := worlds.Draw(r)
		for range 5 {
			require.NotEmpty(t, worlds.Break(r, w))
		}
		text, err := w.Marshal()
		require.NoError(t, err)
		again, err := world.Load("drawn.yaml", text)
		require.NoErrorf(t, err, "seed %d\n%s", seed, text)
		require.NoError(t, again.Apply(engine.New(again.Options(engine.Options{}))), "seed %d", seed)
	}
}

func TestAWorldIsDrawnAgainByItsSeed(t *testing.T) {
	t.Parallel()
	draw := func() string {
		r := rand.New(rand.NewPCG(7, 7))
		w := worlds.Draw(r)
		worlds.Break(r, w)
		text, err := w.Marshal()
		require.NoError(t, err)
		return string(text)
	}
	require.Equal(t, draw(), draw())
}
