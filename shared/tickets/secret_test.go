package tickets_test

import (
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vpcinterconnect/shared/tickets"
)

const secret, other = "correct horse battery", "staple correct horse"

func TestAFlippedBitAnywhereIsNoSignature(t *testing.T) {
	t.Parallel()
	s, err := tickets.ParseSecrets(other + ", " + secret)
	require.NoError(t, err)
	rapid.Check(t, func(rt *rapid.T) {
		body := rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(rt, "body")
		signature := tickets.Sum(secret, body)
		if !s.Signed("sha256="+hex.EncodeToString(signature), body) {
			rt.Fatal("the right one is refused")
		}
		at := rapid.IntRange(0, (len(body)+len(signature))*8-1).Draw(rt, "bit")
		if at < len(body)*8 {
			body[at/8] ^= 1 << (at % 8)
		} else {
			signature[at/8-len(body)] ^= 1 << (at % 8)
		}
		if s.Signed("sha256="+hex.EncodeToString(signature), body) {
			rt.Fatal("a wrong one passes")
		}
	})
}

func TestOnlyTheFormOfASignatureIsOne(t *testing.T) {
	t.Parallel()
	s := tickets.Secrets{secret}
	sum := hex.EncodeToString(tickets.Sum(secret, []byte("x")))
	require.True(t, s.Signed("sha256="+sum, []byte("x")))
	require.True(t, s.Signed("SHA256="+sum, []byte("x")))
	for _, text := range []string{"", "sha256=", sum, "sha1=" + sum, "sha256=" + sum[:10], "sha256=" + sum + "00", "sha256=zz"} {
		require.False(t, s.Signed(text, []byte("x")), text)
	}
	require.False(t, tickets.Secrets(nil).Signed("sha256="+sum, []byte("x")))
	require.True(t, s.Shared(secret))
	require.False(t, s.Shared(""))
	require.False(t, s.Shared(secret+" "))
}

func TestSecretsAreNeitherShortNorShown(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"", " , ", "short", secret + ",short"} {
		_, err := tickets.ParseSecrets(list)
		require.Error(t, err, list)
		require.NotContains(t, err.Error(), "short", "the error must not show it")
	}
	s := tickets.Secrets{secret}
	for _, form := range []string{"%v", "%s", "%+v", "%#v"} {
		require.NotContains(t, fmt.Sprintf(form, s), "horse")
	}
}

func TestADeliveryIsNeitherOldNorOfTheFuture(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	for text, ok := range map[string]bool{
		"1800000000": true, "1799999701": true, "1800000299": true, "1799999699": false, "1800000301": false, "0": false, "": false, "soon": false, "-1": false,
		"99999999999999999999": false,
	} {
		err := tickets.Recent(text, now, 5*time.Minute)
		if ok {
			require.NoError(t, err, text)
		} else {
			require.ErrorIs(t, err, tickets.ErrStranger, text)
		}
	}
}
