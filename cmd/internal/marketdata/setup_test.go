package marketdata

import (
	"maps"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// The script for Docker makes the same topics as the producer.
func TestSetupScriptAgreesWithTopics(t *testing.T) {
	cmd := exec.Command("../../../scripts/setup-kafka.sh")
	cmd.Env = append(os.Environ(), "RPK=echo")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got := map[string]Topic{}
	for line := range strings.Lines(string(out)) {
		// topic create --if-not-exists -c cleanup.policy=delete -p 5 NAME...
		words := strings.Fields(line)
		partitions, err := strconv.ParseInt(words[6], 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range words[7:] {
			got[name] = Topic{name, int32(partitions), words[4] == "cleanup.policy=compact"}
		}
	}
	want := map[string]Topic{}
	for _, topic := range Topics() {
		want[topic.Name] = topic
	}
	if !maps.Equal(got, want) {
		t.Errorf("the script makes %v, want %v", got, want)
	}
}
