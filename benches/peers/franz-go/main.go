// Drives franz-go as examples-c/perf drives Ottla: the same options, and the same JSON object at the end.
// The names for -X are Java's. They are mapped to franz-go's options below.
package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type properties map[string]string

func (p properties) String() string { return fmt.Sprint(map[string]string(p)) }

func (p properties) Set(assignment string) error {
	name, value, found := strings.Cut(assignment, "=")
	if !found {
		return fmt.Errorf("%q is not NAME=VALUE", assignment)
	}
	p[name] = value
	return nil
}

func die(what any) {
	fmt.Fprintln(os.Stderr, "franz-go driver:", what)
	os.Exit(2)
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		die(err)
	}
	return value
}

func codec(name string) kgo.CompressionCodec {
	switch name {
	case "none":
		return kgo.NoCompression()
	case "gzip":
		return kgo.GzipCompression()
	case "snappy":
		return kgo.SnappyCompression()
	case "lz4":
		return kgo.Lz4Compression()
	case "zstd":
		return kgo.ZstdCompression()
	}
	die("no codec " + name)
	panic("unreachable")
}

// options converts the properties. The codec comes last, because its level is a separate property.
func options(set properties) []kgo.Opt {
	var out []kgo.Opt
	compression, level := kgo.NoCompression(), ""
	for name, value := range set {
		switch name {
		case "linger.ms":
			out = append(out, kgo.ProducerLinger(time.Duration(number(value))*time.Millisecond))
		case "batch.size":
			out = append(out, kgo.ProducerBatchMaxBytes(int32(number(value))))
		case "max.buffered.records":
			out = append(out, kgo.MaxBufferedRecords(number(value)))
		case "buffer.memory":
			out = append(out, kgo.MaxBufferedBytes(number(value)))
		case "acks":
			acks := map[string]kgo.Acks{"all": kgo.AllISRAcks(), "1": kgo.LeaderAck(), "0": kgo.NoAck()}
			out = append(out, kgo.RequiredAcks(acks[value]))
		case "enable.idempotence":
			if value != "true" {
				out = append(out, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(5))
			}
		case "compression.type":
			compression = codec(value)
		case "compression.level":
			level = value
		default:
			die("unknown property " + name)
		}
	}
	if level != "" {
		compression = compression.WithLevel(number(level))
	}
	return append(out, kgo.ProducerBatchCompression(compression))
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		die(err)
	}
	seconds := func(time syscall.Timeval) float64 { return float64(time.Sec) + float64(time.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}

type driver struct {
	client            *kgo.Client
	value             []byte
	keys, threads     int
	delivered, failed atomic.Int64
	latencies         []int64 // microseconds; promises run one after the other
	acceptedKB        int     // in memory when the last record was accepted
}

func (d *driver) failure(err error) {
	if d.failed.Add(1) == 1 {
		fmt.Fprintln(os.Stderr, "franz-go driver: the first failure:", err)
	}
}

// promise serves all records: a closure for each would add the driver's cost to the client's.
func (d *driver) promise(_ *kgo.Record, err error) {
	if err != nil {
		d.failure(err)
		return
	}
	d.delivered.Add(1)
}

func (d *driver) sendAndWait(record *kgo.Record) {
	start := time.Now()
	err := d.client.ProduceSync(context.Background(), record).FirstErr()
	d.latencies = append(d.latencies, time.Since(start).Microseconds())
	d.promise(record, err)
}

func (d *driver) send(thread, count, rate int, oneByOne bool, start time.Time) {
	random := uint64(88172645463325252) + uint64(thread)*0x9e3779b97f4a7c15
	promise := d.promise
	if rate > 0 {
		sleepExactly()
	}
	for i := range count {
		record := &kgo.Record{Value: d.value}
		if rate > 0 {
			due := start.Add(time.Duration(float64(i*d.threads+thread) * 1e9 / float64(rate)))
			if wait := time.Until(due); wait > 0 {
				sleep(wait)
			}
			promise = func(record *kgo.Record, err error) {
				d.latencies = append(d.latencies, time.Since(due).Microseconds())
				d.promise(record, err)
			}
		}
		if d.keys > 0 {
			random ^= random << 13
			random ^= random >> 7
			random ^= random << 17
			record.Key = binary.LittleEndian.AppendUint64(make([]byte, 0, 8), random%uint64(d.keys))
		}
		if oneByOne {
			d.sendAndWait(record)
			continue
		}
		d.client.Produce(context.Background(), record, promise)
	}
}

// sleepExactly lets this thread, which keeps the rate, sleep to the microsecond instead of up to 50 longer, as perf
// does.
func sleepExactly() {
	runtime.LockOSThread()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/timerslack_ns", syscall.Gettid()), []byte("1"), 0); err != nil {
		die(err)
	}
}

// sleep uses the system's sleep, because the runtime's timers are late by much more.
func sleep(wait time.Duration) {
	time := syscall.NsecToTimespec(wait.Nanoseconds())
	_ = syscall.Nanosleep(&time, nil)
}

func residentKB() int {
	told, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		die(err)
	}
	return number(strings.Fields(string(told))[1]) * os.Getpagesize() / 1024
}

func (d *driver) sendAll(count, rate int, oneByOne bool) {
	var threads sync.WaitGroup
	start := time.Now()
	for thread := range d.threads {
		share := count / d.threads
		if thread < count%d.threads {
			share++
		}
		threads.Go(func() { d.send(thread, share, rate, oneByOne, start) })
	}
	threads.Wait()
	d.acceptedKB = residentKB()
	if err := d.client.Flush(context.Background()); err != nil {
		die(err)
	}
}

func (d *driver) mean() float64 {
	sum := int64(0)
	for _, latency := range d.latencies {
		sum += latency
	}
	return float64(sum) / float64(max(len(d.latencies), 1)) / 1e3
}

func (d *driver) percentile(percent float64) float64 {
	if len(d.latencies) == 0 {
		return 0
	}
	rank := int(float64(len(d.latencies))*percent/100 + 0.5)
	return float64(d.latencies[max(rank, 1)-1]) / 1e3
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "github.com/twmb/franz-go" {
				return module.Version
			}
		}
	}
	return "unknown"
}

func main() {
	set := properties{}
	brokers, topic := flag.String("b", "", "brokers"), flag.String("t", "", "topic")
	size, count := flag.Int("s", 100, "bytes of a value"), flag.Int("c", 0, "records")
	rate, threads := flag.Int("r", 0, "records a second"), flag.Int("T", 1, "goroutines that send")
	keys, warmUp := flag.Int("k", 0, "keys"), flag.Int("warm-up", 0, "records before")
	oneByOne := flag.Bool("one-by-one", false, "wait for each record (with one goroutine)")
	flag.Var(set, "X", "NAME=VALUE")
	flag.Parse()

	all := append(options(set), kgo.SeedBrokers(strings.Split(*brokers, ",")...), kgo.DefaultProduceTopic(*topic))
	client, err := kgo.NewClient(all...)
	if err != nil {
		die(err)
	}
	d := &driver{client: client, keys: *keys, threads: *threads}
	random := uint64(88172645463325252)
	for range *size {
		random ^= random << 13
		random ^= random >> 7
		random ^= random << 17
		d.value = append(d.value, 'A'+byte(random%26))
	}
	d.sendAll(*warmUp, 0, false)
	if *rate > 0 || *oneByOne {
		d.latencies = make([]int64, 0, *count)
	}
	before, beforeKB, start, cpu := d.delivered.Load(), residentKB(), time.Now(), cpuSeconds()
	d.sendAll(*count, *rate, *oneByOne)
	seconds, used := time.Since(start).Seconds(), cpuSeconds()-cpu
	slices.Sort(d.latencies)
	delivered := d.delivered.Load() - before
	line, err := json.Marshal(map[string]any{
		"version": version(), "delivered": delivered, "failed": d.failed.Load(), "seconds": seconds, "cpu_seconds": used,
		"latency_ms": map[string]float64{
			"mean": d.mean(), "p50": d.percentile(50), "p99": d.percentile(99), "p999": d.percentile(99.9)},
		"resident_kb": map[string]int{"before": beforeKB, "accepted": d.acceptedKB},
	})
	if err != nil {
		die(err)
	}
	fmt.Println(string(line))
	client.Close()
	if delivered != int64(*count) {
		os.Exit(1)
	}
}
